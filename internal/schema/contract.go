package schema

import (
	"iter"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The contract's service and its enums, whose values are sent without these prefixes.
const (
	service     protoreflect.FullName = "useradmin.v1.UserAdmin"
	reasonEnum  protoreflect.FullName = "useradmin.v1.ErrorReason"
	outcomeEnum protoreflect.FullName = "useradmin.v1.Outcome"
	resultEnum  protoreflect.Name     = "Result" // inside the response of an RPC

	ReasonPrefix  = "ERROR_REASON_"
	OutcomePrefix = "OUTCOME_"
	ResultPrefix  = "RESULT_"
)

// Value is a name with what the contract says about it: a value of an enum, without its prefix, or a metadata key.
type Value struct {
	Name, Comment string
}

// Reasons returns the reasons in the order of the enum, without the one that is never sent.
func (s *Schema) Reasons() []Reason {
	var reasons []Reason
	for _, value := range s.values(reasonEnum, ReasonPrefix) {
		reasons = append(reasons, parseReason(value))
	}
	return reasons
}

// Outcomes returns the outcomes in the order of the enum, without the one that is never sent.
func (s *Schema) Outcomes() []Value {
	return s.values(outcomeEnum, OutcomePrefix)
}

// Results returns the results of all RPCs, in the order of the RPCs and of the enums `Result` inside their responses,
// without those that are never sent. An RPC whose response has no such enum adds none.
func (s *Schema) Results() []Value {
	var results []Value
	for method := range s.methods() {
		if enum := method.Output().Enums().ByName(resultEnum); enum != nil {
			results = append(results, s.values(enum.FullName(), ResultPrefix)...)
		}
	}
	return results
}

// MetadataKeys returns the keys that ErrorInfo.metadata has on every error of an RPC. They are a list in the comment
// of ErrorReason.
func (s *Schema) MetadataKeys() []Value {
	var keys []Value
	for line := range strings.SplitSeq(s.Comment(reasonEnum), "\n") {
		if item, ok := strings.CutPrefix(line, "- `"); ok {
			name, text, _ := strings.Cut(item, "`: ")
			keys = append(keys, Value{name, text})
		} else if more, ok := strings.CutPrefix(line, "  "); ok && len(keys) > 0 {
			keys[len(keys)-1].Comment += " " + more
		}
	}
	return keys
}

// Unknown returns how to find out what a call did whose outcome is UNKNOWN, in one line: the text behind `Unknown` in
// the comment of its RPC.
func (s *Schema) Unknown(method protoreflect.FullName) string {
	_, notes := parseComment(s.Comment(method))
	for _, n := range notes {
		if n.label == "Unknown" {
			return n.text
		}
	}
	return ""
}

// Unknowns returns what Unknown returns for each RPC that has such a text, by the name of the RPC.
func (s *Schema) Unknowns() []Value {
	var texts []Value
	for method := range s.methods() {
		if text := s.Unknown(method.FullName()); text != "" {
			texts = append(texts, Value{string(method.Name()), text})
		}
	}
	return texts
}

// methods returns the RPCs of UserAdmin in the order of the proto.
func (s *Schema) methods() iter.Seq[protoreflect.MethodDescriptor] {
	return func(yield func(protoreflect.MethodDescriptor) bool) {
		element, err := s.files.FindDescriptorByName(service)
		if err != nil {
			return
		}
		userAdmin, ok := element.(protoreflect.ServiceDescriptor)
		for i := 0; ok && i < userAdmin.Methods().Len(); i++ {
			if !yield(userAdmin.Methods().Get(i)) {
				return
			}
		}
	}
}

// values returns the values of an enum but the first, which is never sent.
func (s *Schema) values(name protoreflect.FullName, prefix string) []Value {
	element, err := s.files.FindDescriptorByName(name)
	if err != nil {
		return nil
	}
	enum, ok := element.(protoreflect.EnumDescriptor)
	if !ok {
		return nil
	}
	var values []Value
	for i := range enum.Values().Len() {
		if value := enum.Values().Get(i); value.Number() != 0 {
			values = append(values, Value{strings.TrimPrefix(string(value.Name()), prefix), s.Comment(value.FullName())})
		}
	}
	return values
}
