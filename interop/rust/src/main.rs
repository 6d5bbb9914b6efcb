//! A caller for the interop matrix: one JSON request a line on stdin, one JSON answer a line on stdout.

use prost::Message;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Duration;
use tonic::metadata::{Ascii, MetadataKey};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

#[allow(missing_docs)]
mod v1 {
    tonic::include_proto!("useradmin.v1");
}

const DOMAIN: &str = "useradmin.cognito.internal";
const TRAILERS: [&str; 2] = ["x-request-id", "grpc-retry-pushback-ms"];

#[derive(Default, Deserialize)]
#[serde(default)]
struct Call {
    id: String,
    address: String,
    user_pool_id: String,
    username: String,
    client_metadata: HashMap<String, String>,
    allow_confirmed: bool,
    deadline_ms: u64,
    cancel_ms: u64,
    request_id: String,
    service_config: String,
    headers: HashMap<String, String>,
    calls: u32,
    // Files in PEM; without a CA there is no TLS.
    ca: String,
    cert: String,
    key: String,
}

#[derive(Default, Serialize)]
struct Answer {
    id: String,
    code: String,
    message: String,
    result: String,
    from_service: bool,
    reason: String,
    outcome: String,
    metadata: HashMap<String, String>,
    violations: Vec<Violation>,
    retry_delay_ms: Option<u128>,
    request_id: String,
    trailers: BTreeMap<String, String>,
    details: Vec<String>,
    codes: BTreeMap<String, u32>,
    service_config_ignored: bool,
}

#[derive(Serialize)]
struct Violation {
    field: String,
    reason: String,
    description: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut channels = HashMap::new();
    // A separate thread reads: the server learns of a cancelled call only while the runtime runs.
    let (sender, mut requests) = tokio::sync::mpsc::channel(1);
    std::thread::spawn(move || stdin().lock().lines().try_for_each(|line| sender.blocking_send(line)));
    while let Some(line) = requests.recv().await {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let call: Call = serde_json::from_str(&line)?;
        let answer = answer(&mut channels, &call).await?;
        writeln!(stdout(), "{}", serde_json::to_string(&answer)?)?;
    }
    Ok(())
}

/// Makes the calls of one line; the answer describes the last one that failed, or else the last one.
async fn answer(channels: &mut HashMap<[String; 4], Channel>, call: &Call) -> Result<Answer, Box<dyn Error>> {
    let key = [&call.address, &call.ca, &call.cert, &call.key].map(String::clone);
    let channel = match channels.get(&key) {
        Some(channel) => channel.clone(),
        None => {
            let channel = endpoint(call)?.connect_lazy();
            channels.insert(key, channel.clone());
            channel
        }
    };
    let mut client = v1::user_admin_client::UserAdminClient::new(channel);
    let mut codes = BTreeMap::new();
    let mut shown = Answer::default();
    for _ in 0..call.calls.max(1) {
        let answer = one(&mut client, call).await?;
        *codes.entry(answer.code.clone()).or_insert(0) += 1;
        if answer.code != "OK" || shown.code.is_empty() || shown.code == "OK" {
            shown = answer;
        }
    }
    shown.id = call.id.clone();
    shown.codes = codes;
    shown.service_config_ignored = !call.service_config.is_empty();
    Ok(shown)
}

fn endpoint(call: &Call) -> Result<Endpoint, Box<dyn Error>> {
    if call.ca.is_empty() {
        return Ok(Endpoint::from_shared(format!("http://{}", call.address))?);
    }
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(std::fs::read(&call.ca)?));
    if !call.cert.is_empty() {
        tls = tls.identity(Identity::from_pem(
            std::fs::read(&call.cert)?,
            std::fs::read(&call.key)?,
        ));
    }
    Ok(Endpoint::from_shared(format!("https://{}", call.address))?.tls_config(tls)?)
}

async fn one(
    client: &mut v1::user_admin_client::UserAdminClient<Channel>,
    call: &Call,
) -> Result<Answer, Box<dyn Error>> {
    let mut request = Request::new(v1::ConfirmSignUpRequest {
        user_pool_id: call.user_pool_id.clone(),
        username: call.username.clone(),
        client_metadata: call.client_metadata.clone(),
        allow_confirmed: call.allow_confirmed,
    });
    for (key, value) in &call.headers {
        let key: MetadataKey<Ascii> = key.parse()?;
        request.metadata_mut().insert(key, value.parse()?);
    }
    if !call.request_id.is_empty() {
        request.metadata_mut().insert("x-request-id", call.request_id.parse()?);
    }
    if call.deadline_ms > 0 {
        request.set_timeout(Duration::from_millis(call.deadline_ms));
    }
    let cancel = Duration::from_millis(if call.cancel_ms > 0 {
        call.cancel_ms
    } else {
        u64::from(u32::MAX)
    });
    let result = tokio::select! {
        result = client.confirm_sign_up(request) => result,
        () = tokio::time::sleep(cancel) => Err(Status::cancelled("the caller cancelled")),
    };
    Ok(match result {
        Ok(response) => Answer {
            code: "OK".into(),
            trailers: trailers(response.metadata()),
            result: response.get_ref().result().as_str_name().into(),
            from_service: true,
            ..Answer::default()
        },
        Err(status) => failure(&status),
    })
}

/// Reads the status. Its outcome is unknown where the service did not make it.
fn failure(status: &Status) -> Answer {
    let details = status.get_error_details();
    let mut answer = Answer {
        code: name(status.code()).into(),
        message: status.message().into(),
        outcome: "UNKNOWN".into(),
        trailers: trailers(status.metadata()),
        details: types(status.details()),
        ..Answer::default()
    };
    let Some(info) = details.error_info().filter(|info| info.domain == DOMAIN) else {
        return answer;
    };
    answer.from_service = true;
    answer.reason = info.reason.clone();
    answer.metadata = info.metadata.clone();
    if let Some(outcome) = info.metadata.get("outcome") {
        answer.outcome = outcome.clone();
    }
    if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
        answer.retry_delay_ms = Some(delay.as_millis());
    }
    if let Some(request) = details.request_info() {
        answer.request_id = request.request_id.clone();
    }
    for violation in details.bad_request().iter().flat_map(|bad| &bad.field_violations) {
        answer.violations.push(Violation {
            field: violation.field.clone(),
            reason: String::new(), // tonic-types has no such member
            description: violation.description.clone(),
        });
    }
    answer
}

fn trailers(metadata: &tonic::metadata::MetadataMap) -> BTreeMap<String, String> {
    let shown = |key: &str| Some((key.to_owned(), metadata.get(key)?.to_str().ok()?.to_owned()));
    TRAILERS.iter().filter_map(|key| shown(key)).collect()
}

fn types(details: &[u8]) -> Vec<String> {
    let last = |url: &str| url.rsplit('/').next().unwrap_or_default().to_owned();
    tonic_types::Status::decode(details)
        .map(|status| status.details.iter().map(|any| last(&any.type_url)).collect())
        .unwrap_or_default()
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
