package server

import (
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// discardUnknown drops the fields that the message's type does not have: nobody reads them, and they would stay in memory
// as long as the call does.
func discardUnknown(req any) {
	if m, ok := req.(proto.Message); ok {
		discardFrom(m.ProtoReflect())
	}
}

func discardFrom(m protoreflect.Message) {
	if len(m.GetUnknown()) > 0 {
		m.SetUnknown(nil)
	}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case field.Message() == nil || !m.Has(field):
		case field.IsMap():
			discardFromMap(field, m.Get(field).Map())
		case field.IsList():
			for list, j := m.Get(field).List(), 0; j < list.Len(); j++ {
				discardFrom(list.Get(j).Message())
			}
		default:
			discardFrom(m.Get(field).Message())
		}
	}
}

func discardFromMap(field protoreflect.FieldDescriptor, entries protoreflect.Map) {
	if field.MapValue().Message() == nil {
		return
	}
	entries.Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
		discardFrom(v.Message())
		return true
	})
}
