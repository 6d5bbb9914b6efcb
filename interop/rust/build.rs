//! Generates the stubs from the descriptor set in internal/schema/, so that no protoc is needed.

use prost::Message;
use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let set = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../internal/schema/useradmin.binpb");
    println!("cargo:rerun-if-changed={}", set.display());
    let files = prost_types::FileDescriptorSet::decode(&*fs::read(set)?)?;
    tonic_prost_build::configure().build_server(false).compile_fds(files)?;
    Ok(())
}
