package server

import (
	"context"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Fields that the type does not have are gone before the handler has the request, those of messages within it too.
func TestUnknownFieldsAreDiscarded(t *testing.T) {
	field := []byte{0xfa, 0x7f, 1, 'x'}
	req := validRequest()
	plain := proto.CloneOf(req)
	req.ProtoReflect().SetUnknown(field)
	handler := func(_ context.Context, req any) (any, error) {
		if m, ok := req.(*useradminv1.ConfirmSignUpRequest); !ok || !proto.Equal(m, plain) {
			t.Errorf("the handler got %v", req)
		}
		return nil, nil //nolint:nilnil // nobody asks for it
	}
	if _, err := newServer(t, succeeding(), Config{}).unaryChain()[0](t.Context(), req, nil, handler); err != nil {
		t.Error(err)
	}

	nested := func() *structpb.Struct {
		inner, err := structpb.NewStruct(map[string]any{"list": []any{"a", map[string]any{"b": "c"}}})
		if err != nil {
			t.Fatal(err)
		}
		return inner
	}
	m := nested()
	list := m.GetFields()["list"].GetListValue()
	for _, within := range []proto.Message{m, m.GetFields()["list"], list, list.GetValues()[0], list.GetValues()[1].GetStructValue()} {
		within.ProtoReflect().SetUnknown(field)
	}
	discardUnknown(m)
	if !proto.Equal(m, nested()) {
		t.Errorf("left: %v", m)
	}
	discardUnknown(t)
}
