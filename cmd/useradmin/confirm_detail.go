package main

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"
)

// detailRows is a detail as text: a row for each element of its lists, such as violations, and one for the rest.
func detailRows(detail *anypb.Any) []row {
	label := printable(string(detail.MessageName().Name()))
	decoded, err := detail.UnmarshalNew()
	if err != nil {
		return []row{{label, fmt.Sprintf("%d bytes of a type that this program cannot read: %s", len(detail.GetValue()), printable(detail.GetTypeUrl()))}}
	}
	m := decoded.ProtoReflect()
	var rows []row
	var rest []string
	for field := range present(m) {
		if !field.IsList() || field.Message() == nil {
			rest = append(rest, named(m, field))
			continue
		}
		for i := range m.Get(field).List().Len() {
			rows = append(rows, row{label, fieldsText(m.Get(field).List().Get(i).Message())})
		}
	}
	if len(rest) > 0 || len(rows) == 0 {
		rows = slices.Insert(rows, 0, row{label, strings.Join(rest, ", ")})
	}
	return rows
}

// present yields the fields that are set, in the order of the proto file.
func present(m protoreflect.Message) func(func(protoreflect.FieldDescriptor) bool) {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			if m.Has(fields.Get(i)) && !yield(fields.Get(i)) {
				return
			}
		}
	}
}

func fieldsText(m protoreflect.Message) string {
	if delay, ok := m.Interface().(*durationpb.Duration); ok {
		return delay.AsDuration().String()
	}
	var texts []string
	for field := range present(m) {
		texts = append(texts, named(m, field))
	}
	return strings.Join(texts, ", ")
}

// named is a field's name and value.
func named(m protoreflect.Message, field protoreflect.FieldDescriptor) string {
	var values []string
	switch value := m.Get(field); {
	case field.IsList():
		for i := range value.List().Len() {
			values = append(values, valueText(value.List().Get(i)))
		}
	case field.IsMap():
		for key, value := range value.Map().Range {
			values = append(values, printable(key.String())+"="+valueText(value))
		}
		slices.Sort(values)
	default:
		values = append(values, valueText(value))
	}
	return string(field.Name()) + " " + strings.Join(values, " ")
}

func valueText(value protoreflect.Value) string {
	switch value := value.Interface().(type) {
	case protoreflect.Message:
		return "(" + fieldsText(value) + ")"
	case []byte:
		return printable(string(value))
	default:
		return printable(fmt.Sprint(value))
	}
}
