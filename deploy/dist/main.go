// Command dist writes what callers in other repositories need: the contract as a descriptor set and as proto files, the gRPC
// service configs, and checksums. `make dist` runs it from the repository's root.
package main

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	output := flag.String("o", "dist", "the folder to write to")
	flag.Parse()
	if err := write(os.DirFS("."), *output); err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

// write replaces the folder by one with all the files and their checksums in SHA256SUMS.
func write(tree fs.FS, output string) error {
	files, err := collect(tree)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(output); err != nil {
		return err
	}
	if err := os.MkdirAll(output, 0o750); err != nil {
		return err
	}
	root, err := os.OpenRoot(output)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	var sums bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(files[name]), name)
		if err := root.MkdirAll(path.Dir(name), 0o750); err != nil {
			return err
		}
		if err := root.WriteFile(name, files[name], 0o644); err != nil {
			return err
		}
	}
	return root.WriteFile("SHA256SUMS", sums.Bytes(), 0o644)
}

// collect is every file by its name in the folder.
func collect(tree fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	set, err := fs.ReadFile(tree, "internal/schema/useradmin.binpb")
	if err != nil {
		return nil, err
	}
	if files["useradmin.binpb"], err = complete(set); err != nil {
		return nil, err
	}
	copies := map[string]string{"proto/useradmin/v1/*.proto": "", "deploy/service-config/*.json": "service-config-"}
	for pattern, prefix := range copies {
		found, err := fs.Glob(tree, pattern)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s matches no file: run dist from the repository's root", pattern)
		}
		for _, name := range found {
			to := name
			if prefix != "" {
				to = prefix + path.Base(name)
			}
			if files[to], err = fs.ReadFile(tree, name); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// complete adds the types of the error details, and what they import, to the set. Ours keep their comments.
func complete(set []byte) ([]byte, error) {
	var all descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(set, &all); err != nil {
		return nil, err
	}
	theirs := &descriptorpb.FileDescriptorSet{}
	for _, file := range []protoreflect.FileDescriptor{
		errdetails.File_google_rpc_error_details_proto, statuspb.File_google_rpc_status_proto,
	} {
		add(theirs, file)
	}
	theirs.File = append(theirs.File, all.GetFile()...)
	return proto.MarshalOptions{Deterministic: true}.Marshal(theirs)
}

// add appends the file after what it imports, once.
func add(set *descriptorpb.FileDescriptorSet, file protoreflect.FileDescriptor) {
	if slices.ContainsFunc(set.GetFile(), func(f *descriptorpb.FileDescriptorProto) bool { return f.GetName() == file.Path() }) {
		return
	}
	for i := range file.Imports().Len() {
		add(set, file.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}
