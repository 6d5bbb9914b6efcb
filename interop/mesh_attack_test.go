//go:build interop

package interop

import (
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"

	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/rawcall"
)

const (
	good  = usualPool
	bad   = region + "_Foreign"
	never = "" // the call must not reach the service
)

// pool is the field user_pool_id.
func pool(id string) []byte {
	return protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), id)
}

// wide is the field with its tag, or its length, in more bytes than it needs.
func wide(id string, tag, length int) []byte {
	return slices.Concat(padded(1<<3|2, tag), padded(byte(len(id)), length), []byte(id)) //nolint:gosec // short
}

func padded(value byte, width int) []byte {
	if width == 1 {
		return []byte{value}
	}
	b := bytes.Repeat([]byte{0x80}, width)
	b[0], b[width-1] = 0x80|value, 0
	return b
}

func tag(number protowire.Number, kind protowire.Type) []byte {
	return protowire.AppendTag(nil, number, kind)
}

func group(number protowire.Number, content []byte) []byte {
	return slices.Concat(tag(number, protowire.StartGroupType), content, tag(number, protowire.EndGroupType))
}

func unknown(content []byte) []byte {
	return protowire.AppendBytes(tag(999, protowire.BytesType), content)
}

func zipped(t *testing.T, message []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(message); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	frame := framed(b.Bytes())
	frame[0] = 1
	return frame
}

func message(name string, code codes.Code, reaches string, parts ...[]byte) attack {
	return attack{name: name, data: [][]byte{framed(slices.Concat(parts...))}, code: code, pool: reaches}
}

// fieldAttacks are messages that Envoy and the service could read differently.
func fieldAttacks() []attack {
	denied, ok, broken := codes.PermissionDenied, codes.OK, codes.Internal
	all := []attack{
		message("good", ok, good, pool(good)),
		message("bad", denied, never, pool(bad)),
		message("empty message", denied, never),
		message("empty pool", denied, never, pool("")),
		message("no pool", denied, never, protowire.AppendString(tag(2, protowire.BytesType), "user")),
		message("good, bad", denied, never, pool(good), pool(bad)),
		message("bad, good", ok, good, pool(bad), pool(good)),
		message("good, bad, good", ok, good, pool(good), pool(bad), pool(good)),
		// Envoy skips the empty value, the service does not; it then refuses the call.
		{name: "good, empty", data: [][]byte{framed(slices.Concat(pool(good), pool("")))}, code: ok, pool: "empty"},
		message("bad, empty", denied, never, pool(bad), pool("")),
		message("empty, good", ok, good, pool(""), pool(good)),
		message("bad, good in a group", denied, never, pool(bad), group(9, pool(good))),
		message("good in a group, bad", denied, never, group(9, pool(good)), pool(bad)),
		message("good in group 1, bad", denied, never, group(1, pool(good)), pool(bad)),
		message("bad, good in group 1", denied, never, pool(bad), group(1, pool(good))),
		message("good, bad in a group", ok, good, pool(good), group(9, pool(bad))),
		message("good, bad in a group that does not end", broken, never, pool(good), tag(9, protowire.StartGroupType), pool(bad)),
		message("good, end of a group, bad", denied, never, pool(good), tag(9, protowire.EndGroupType), pool(bad)),
		message("bad, varint", denied, never, pool(bad), protowire.AppendVarint(tag(1, protowire.VarintType), 5)),
		message("good, fixed64, bad", denied, never, pool(good), protowire.AppendFixed64(tag(1, protowire.Fixed64Type), 7), pool(bad)),
		message("good, fixed32, bad", denied, never, pool(good), protowire.AppendFixed32(tag(1, protowire.Fixed32Type), 7), pool(bad)),
		message("good, tag 0, bad", broken, never, pool(good), []byte{0}, pool(bad)),
		message("good, wire type 7, bad", denied, never, pool(good), []byte{0x4f}, pool(bad)),
		message("good, unknown field, bad", denied, never, pool(good), unknown(pool(good)), pool(bad)),
		message("bad, unknown field with good", denied, never, pool(bad), unknown(pool(good))),
		message("good, unknown field with bad", ok, good, pool(good), unknown(pool(bad))),
		message("good with a NUL and more", denied, never, pool(good+"\x00"+bad)),
		message("good with a space", denied, never, pool(good+" ")),
		message("good, not UTF-8", denied, never, pool(good), pool("\xff")),
	}
	for width := 2; width <= 10; width++ {
		all = append(all,
			message(fmt.Sprintf("good, bad with a tag of %d bytes", width), denied, never, pool(good), wide(bad, width, 1)),
			message(fmt.Sprintf("good, bad with a length of %d bytes", width), denied, never, pool(good), wide(bad, 1, width)),
			message(fmt.Sprintf("bad, good with a tag of %d bytes", width), ok, good, pool(bad), wide(good, width, 1)))
	}
	return all
}

// frameAttacks are calls whose messages Envoy and the service could find in different places.
func frameAttacks(t *testing.T) []attack {
	denied, refused := codes.PermissionDenied, codes.InvalidArgument
	zip := []string{"grpc-encoding", "gzip"}
	all := []attack{
		{name: "good, then bad", data: [][]byte{append(framed(pool(good)), framed(pool(bad))...)}, code: codes.Internal},
		{name: "good, then bad in a frame of its own", data: [][]byte{framed(pool(good)), framed(pool(bad))}, code: codes.Internal},
		{name: "bad, then good", data: [][]byte{append(framed(pool(bad)), framed(pool(good))...)}, code: denied},
		{name: "nothing, then bad", data: [][]byte{framed(nil), framed(pool(bad))}, code: denied},
		{name: "compressed good", headers: zip, data: [][]byte{zipped(t, pool(good))}, code: refused},
		{name: "compressed bad", headers: zip, data: [][]byte{zipped(t, pool(bad))}, code: refused},
		{name: "good, then compressed bad", headers: zip, data: [][]byte{append(framed(pool(good)), zipped(t, pool(bad))...)}, code: refused},
		{name: "announced as compressed", headers: zip, data: [][]byte{framed(pool(bad))}, code: denied},
		{name: "flag 2", data: [][]byte{append([]byte{2}, framed(pool(bad))[1:]...)}, code: refused},
		{name: "flag 128", data: [][]byte{append([]byte{128}, framed(pool(bad))[1:]...)}, code: refused},
		{name: "no message", data: [][]byte{nil}, code: refused},
		{name: "no message, trailers", trailers: true, code: denied},
		{name: "a part of a message, trailers", data: [][]byte{framed(pool(bad))[:12]}, trailers: true, code: denied},
		{name: "a prefix", data: [][]byte{rawcall.Prefix(30)}, code: refused},
		{name: "a part of a message", data: [][]byte{framed(pool(bad))[:12]}, code: refused},
		{name: "bytes after the message", data: [][]byte{append(framed(pool(good)), pool(bad)...)}, code: refused},
		{name: "good, 40 KiB, bad", data: slices.Collect(slices.Chunk(framed(slices.Concat(pool(good), unknown(make([]byte, 40<<10)), pool(bad))), 16<<10)), code: denied},
	}
	for id, want := range map[string]attack{good: {code: codes.OK, pool: good}, bad: {code: denied}} {
		whole := framed(pool(id))
		for at := 1; at < len(whole); at++ {
			all = append(all, attack{name: fmt.Sprintf("%s in two frames at %d", id, at), data: [][]byte{whole[:at], whole[at:]}, code: want.code, pool: want.pool})
		}
		all = append(all, attack{name: id + " bytewise", data: slices.Collect(slices.Chunk(whole, 1)), code: want.code, pool: want.pool})
	}
	return all
}

// pathAttacks are calls that Envoy could take for others.
func pathAttacks() []attack {
	var all []attack
	for _, path := range []string{
		confirmPath + "?x", confirmPath + "%20", "/useradmin.v1.UserAdmin/x/../ConfirmSignUp", "//useradmin.v1.UserAdmin//ConfirmSignUp",
		"/useradmin.v1.UserAdmin/Confirm%53ignUp", "/USERADMIN.v1.UserAdmin/ConfirmSignUp", "/grpc.health.v1.Health/Check/../../.." + confirmPath,
		"/grpc.health.v1.Health/Watch", "/grpc.health.v1.Health/List", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
	} {
		all = append(all, attack{name: path, path: path, data: [][]byte{framed(pool(bad))}, code: codes.PermissionDenied})
	}
	for _, path := range []string{"/useradmin.v1.UserAdmin%2FConfirmSignUp", confirmPath + "/", "/"} {
		all = append(all, attack{name: path, path: path, data: [][]byte{framed(pool(bad))}, code: codes.InvalidArgument})
	}
	for kind, code := range map[string]codes.Code{
		"application/grpc+proto": codes.PermissionDenied, "application/grpc+json": codes.PermissionDenied, "application/grpc;x": codes.Unknown,
		"application/grpc-web": codes.Unknown, "application/json": codes.Unknown,
	} {
		all = append(all, attack{name: kind, headers: []string{"content-type", kind}, data: [][]byte{framed(pool(bad))}, code: code})
	}
	return all
}

// Nothing gets past Envoy's decision: the service sees the allowed pool or none.
func TestMeshAttacks(t *testing.T) {
	r := newRecorder(t)
	keys := newPKI(t)
	envoy := meshKind().start(t, keys.dir, [2]backend{r.backend, r.backend})
	for _, a := range slices.Concat(fieldAttacks(), frameAttacks(t), pathAttacks()) {
		end := a.send(t, envoy.address, keys.caller)
		details := len(end.Status.Proto().GetDetails()) > 0
		if code := end.Status.Code(); code != a.code || details != (code == codes.PermissionDenied) {
			t.Errorf("%s: %s %q, details %t; want %s", a.name, code, end.Status.Message(), details, a.code)
		}
		var want []string
		switch a.pool {
		case never:
		case "empty":
			want = []string{""}
		default:
			want = []string{a.pool}
		}
		if pools, _ := r.take(); !reflect.DeepEqual(pools, want) {
			t.Errorf("%s: %q reached the service, want %q", a.name, pools, want)
		}
	}
}

// A denial of a call that any mark, or a value that can't be read, makes a repeat has no ErrorInfo: the first sending may
// have had its effect.
func TestMeshMarks(t *testing.T) {
	r := newRecorder(t)
	keys := newPKI(t)
	envoy := meshKind().start(t, keys.dir, [2]backend{r.backend, r.backend})
	const count, previous = "x-envoy-attempt-count", "grpc-previous-rpc-attempts"
	for _, marked := range [][]string{
		{repeatHeader, "1"}, {repeatHeader, "true"}, {repeatHeader, ""}, {repeatHeader, "0", repeatHeader, "1"}, {previous, "1"}, {previous, ""},
		{previous, "rubbish"}, {count, "2"}, {count, "10"}, {count, ""}, {count, "01"}, {count, "1", count, "2"}, {count, "2", count, "1"}, {count, "1", repeatHeader, "1"},
	} {
		a := attack{name: fmt.Sprint(marked), headers: marked, data: [][]byte{framed(pool(bad))}}
		if end := a.send(t, envoy.address, keys.caller); end.Status.Code() != codes.PermissionDenied || len(end.Status.Proto().GetDetails()) != 0 {
			t.Errorf("%s: %v", a.name, end.Status)
		}
	}
	first := attack{name: "first", headers: []string{count, "1"}, data: [][]byte{framed(pool(bad))}}
	if end := first.send(t, envoy.address, keys.caller); len(end.Status.Proto().GetDetails()) != 1 {
		t.Errorf("a first sending: %v", end.Status)
	}
}

// A certificate is a caller by its URI alone, not by other names that say the same.
func TestMeshCallers(t *testing.T) {
	r := newRecorder(t)
	keys := newPKI(t)
	envoy := meshKind().start(t, keys.dir, [2]backend{r.backend, r.backend})
	for name, request := range map[string]devca.Request{
		"DNS":       {DNS: []string{callerURI}},
		"e-mail":    {Change: func(c *x509.Certificate) { c.EmailAddresses = []string{callerURI} }},
		"CN":        {Name: callerURI},
		"another":   {URIs: []string{callerURI + "s"}},
		"a part":    {URIs: []string{callerURI[:len(callerURI)-1]}},
		"in it":     {URIs: []string{"spiffe://example.test/x;URI=" + callerURI}},
		"in a DNS":  {URIs: []string{"spiffe://example.test/x"}, DNS: []string{"x;URI=" + callerURI}},
		"case":      {URIs: []string{"SPIFFE" + callerURI[len("spiffe"):]}},
		"two":       {URIs: []string{"spiffe://example.test/other", callerURI}},
		"two first": {URIs: []string{callerURI, "spiffe://example.test/other"}},
	} {
		a := attack{name: name, data: [][]byte{framed(pool(good))}}
		end := a.send(t, envoy.address, keys.presenting(t, request))
		pools, _ := r.take()
		if end.Status.Code() != codes.PermissionDenied || len(pools) != 0 {
			t.Errorf("%s: %v, reached %q", name, end.Status, pools)
		}
	}
}
