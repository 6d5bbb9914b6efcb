// Package schema holds the descriptors of the proto files together with their comments.
//
// Generated Go code keeps the descriptors and drops the comments. The set embedded here keeps both, so that reflection
// can tell callers what an element means and a command can explain it.
package schema

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// The FileDescriptorSet of proto/ with source info, which `make generate` writes.
//
//go:embed useradmin.binpb
var descriptorSet []byte

// packageTag is the field number of FileDescriptorProto.package, under which a file keeps its package's comment.
const packageTag = 2

// Schema is the service's proto files with their comments. It is safe for concurrent use.
//
// A Schema is a protodesc.Resolver, as reflection's ServerOptions.DescriptorResolver wants it.
type Schema struct {
	files *protoregistry.Files
}

var _ protodesc.Resolver = (*Schema)(nil)

// Load decodes the embedded descriptor set. It takes a fraction of a millisecond: load once and pass the Schema on.
func Load() (*Schema, error) {
	var set descriptorpb.FileDescriptorSet
	if err := proto.Unmarshal(descriptorSet, &set); err != nil {
		return nil, fmt.Errorf("decode the embedded descriptor set: %w", err)
	}
	files, err := protodesc.NewFiles(&set)
	if err != nil {
		return nil, fmt.Errorf("link the embedded descriptor set: %w", err)
	}
	return &Schema{files: files}, nil
}

// Files returns the files of the embedded set, and those alone.
func (s *Schema) Files() *protoregistry.Files {
	return s.files
}

// FindFileByPath returns the embedded file of that path, or else the one linked into the program, such as those of
// google.rpc that error details need.
func (s *Schema) FindFileByPath(path string) (protoreflect.FileDescriptor, error) {
	file, err := s.files.FindFileByPath(path)
	if errors.Is(err, protoregistry.NotFound) {
		return protoregistry.GlobalFiles.FindFileByPath(path)
	}
	return file, err
}

// FindDescriptorByName returns the embedded element of that name, or else the one linked into the program.
func (s *Schema) FindDescriptorByName(name protoreflect.FullName) (protoreflect.Descriptor, error) {
	element, err := s.files.FindDescriptorByName(name)
	if errors.Is(err, protoregistry.NotFound) {
		return protoregistry.GlobalFiles.FindDescriptorByName(name)
	}
	return element, err
}

// Comment returns the comment above an element of the embedded set: a package, service, method, message, field, enum
// or enum value. It is empty where there is no such element or no comment.
//
// Protobuf puts enum values beside their enum, so one of them is `useradmin.v1.OUTCOME_UNKNOWN`.
func (s *Schema) Comment(name protoreflect.FullName) string {
	element, err := s.files.FindDescriptorByName(name)
	if err != nil {
		return s.packageComment(name)
	}
	return text(element.ParentFile().SourceLocations().ByDescriptor(element))
}

// packageComment returns the comment of the one file that has one above its package statement.
func (s *Schema) packageComment(name protoreflect.FullName) string {
	var comment string
	s.files.RangeFilesByPackage(name, func(file protoreflect.FileDescriptor) bool {
		comment = text(file.SourceLocations().ByPath(protoreflect.SourcePath{packageTag}))
		return comment == ""
	})
	return comment
}

// text strips the blank that follows `//` on every line, and keeps the indentation behind it.
func text(location protoreflect.SourceLocation) string {
	var lines []string
	for line := range strings.Lines(location.LeadingComments) {
		lines = append(lines, strings.TrimRight(strings.TrimPrefix(line, " "), " \n"))
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
