package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

// Bad inputs go the whole way over the wire, as bytes, so that not even a client library stands before the service. The
// embedded Cognito counts what arrives, and checks what is let through by rules of its own.

// sluice is a running service whose callers send bytes.
type sluice struct {
	conn    *grpc.ClientConn
	cognito *fakecognito.Server
	metrics string // URL
}

// asIs sends and receives messages as bytes.
type asIs struct{}

func (asIs) Marshal(v any) ([]byte, error) {
	message, ok := v.(*[]byte)
	if !ok {
		return nil, errors.New("no bytes")
	}
	return *message, nil
}

func (asIs) Unmarshal(data []byte, v any) error {
	message, ok := v.(*[]byte)
	if !ok {
		return errors.New("no bytes")
	}
	*message = slices.Clone(data)
	return nil
}

func (asIs) Name() string { return "proto" }

func newSluice(tb testing.TB, log io.Writer) *sluice {
	tb.Helper()
	g := &sluice{cognito: fakecognito.New(fakecognito.Config{})}
	if err := g.cognito.AddPool(fakecognito.Pool{ID: devPool}); err != nil {
		tb.Fatal(err)
	}
	upstream := httptest.NewServer(g.cognito)
	flags := serviceFlags{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Attempts: 1, AttemptTimeout: 10 * time.Second,
		CallTimeout: 20 * time.Second, MaxConnections: 8, DrainTimeout: 5 * time.Second,
	}
	s, err := newService(&flags, newLogger(log, "json", slog.LevelDebug), cognitoclient.Config{Endpoint: upstream.URL, AWS: aws.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(devAccessKeyID, devSecretAccessKey, ""),
	}}, server.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(ctx, s.lis) }()
	go s.admin.serve(s.logger)
	g.metrics = "http://" + s.admin.lis.Addr().String() + "/metrics"
	if g.conn, err = grpc.NewClient(s.lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = g.conn.Close()
		cancel()
		if err := <-served; err != nil {
			tb.Error(err)
		}
		s.admin.close()
		g.cognito.Close()
		upstream.Close()
	})
	return g
}

// send makes the call with the message's bytes. It returns how many requests reached Cognito, and the error.
func (g *sluice) send(tb testing.TB, message []byte) (int, error) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	before := g.cognito.Requests()
	err := g.conn.Invoke(ctx, useradminv1.UserAdmin_ConfirmSignUp_FullMethodName, &message, new([]byte), grpc.ForceCodec(asIs{}))
	return g.cognito.Requests() - before, err
}

// pair is an entry of client metadata; on the wire a key may come twice.
type pair struct{ key, value string }

// input is a request as its bytes say it, which need not be UTF-8.
type input struct {
	name, pool, user string
	entries          []pair
	// want are the violations, as `field REASON`, in their order.
	want []string
}

func (in input) message() []byte {
	text := func(b []byte, field protowire.Number, value string) []byte {
		if value == "" {
			return b
		}
		return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), value)
	}
	b := text(text(nil, 1, in.pool), 2, in.user)
	for _, e := range in.entries {
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendBytes(b, text(text(nil, 1, e.key), 2, e.value))
	}
	return b
}

func (in input) utf8() bool {
	ok := utf8.ValidString(in.pool + "\x00" + in.user)
	for _, e := range in.entries {
		ok = ok && utf8.ValidString(e.key) && utf8.ValidString(e.value)
	}
	return ok
}

// violations are what the status tells, as `field REASON`, and how many it leaves out.
func violations(err error) (found []string, omitted int) {
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			_, _ = fmt.Sscan(d.GetMetadata()["violationsOmitted"], &omitted)
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				found = append(found, v.GetField()+" "+v.GetReason())
			}
		}
	}
	return found, omitted
}

// refuse sends an input that must be refused, and says what is wrong with how it was.
func (g *sluice) refuse(t *testing.T, in input) {
	t.Helper()
	sent, err := g.send(t, in.message())
	found, omitted := violations(err)
	text := prototext.Format(status.Convert(err).Proto())
	switch {
	case sent != 0:
		t.Errorf("%s: sent upstream", in.name)
	case strings.Contains(text, "canary"):
		t.Errorf("%s: the value is echoed: %s", in.name, text)
	case !in.utf8():
		if status.Code(err) != codes.Internal || len(status.Convert(err).Details()) > 0 {
			t.Errorf("%s: got %s", in.name, text)
		}
	case status.Code(err) != codes.InvalidArgument || reasonAndOutcome(err) != "INVALID_REQUEST NOT_SENT":
		t.Errorf("%s: got %s", in.name, text)
	case len(found)+omitted != len(in.want) || !slices.Equal(found, in.want[:len(found)]):
		t.Errorf("%s: got %q and %d more, want %q", in.name, found, omitted, in.want)
	}
}

// admit sends an input that must reach Cognito as it is.
func (g *sluice) admit(t *testing.T, in input) {
	t.Helper()
	sent, err := g.send(t, in.message())
	journal := g.cognito.Journal()
	got := reasonAndOutcome(err)
	if sent != 1 || got != "USER_NOT_FOUND NOT_APPLIED" && got != "USER_POOL_NOT_FOUND NOT_APPLIED" {
		t.Errorf("%s: %d requests, %v", in.name, sent, err)
		return
	}
	want := map[string]string{}
	for _, e := range in.entries {
		want[e.key] = e.value
	}
	r := journal[len(journal)-1].Request
	if r.PoolID != in.pool || r.Username != in.user || r.ClientMetadata != nil && !maps.Equal(r.ClientMetadata, want) {
		t.Errorf("%s: Cognito got %q, %q and %d entries", in.name, r.PoolID, r.Username, len(r.ClientMetadata))
	}
}

// silent checks that neither the log nor the metrics know a value that was sent.
func (g *sluice) silent(t *testing.T, log string) {
	t.Helper()
	for where, text := range map[string]string{"log": log, "metrics": fetch(t, g.metrics)} {
		if strings.Contains(text, "canary") {
			t.Errorf("a value is in the %s", where)
		}
	}
}

// badRunes are code points that no username has, by their general category.
func badRunes() map[string][]rune {
	return map[string][]rune{
		"Cc": {0x00, 0x01, 0x07, 0x08, '\t', '\n', 0x0b, 0x0c, '\r', 0x1b, 0x1f, 0x7f, 0x80, 0x85, 0x9f},
		"Zs": {' ', 0xa0, 0x1680, 0x2000, 0x2003, 0x2007, 0x2009, 0x200a, 0x202f, 0x205f, 0x3000},
		"Zl": {0x2028},
		"Zp": {0x2029},
		// Soft hyphen, joiners, marks and overrides of direction, byte order mark, tags.
		"Cf": {0xad, 0x600, 0x61c, 0x6dd, 0x70f, 0x180e, 0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e,
			0x2060, 0x2061, 0x2064, 0x2066, 0x2067, 0x2068, 0x2069, 0x206a, 0xfeff, 0xfff9, 0xfffb, 0x110bd, 0x1d173, 0xe0001, 0xe0020, 0xe007f},
		"Co": {0xe000, 0xf8ff, 0xf0000, 0xffffd, 0x100000, 0x10fffd},
		// Not assigned, and noncharacters.
		"Cn": {0x378, 0x530, 0x2fe0, 0xfdd0, 0xfdef, 0xfffe, 0xffff, 0x1fffe, 0x1ffff, 0xe0080, 0x10fffe, 0x10ffff},
	}
}

// goodRunes are code points that a username may have, by their general category.
func goodRunes() map[string][]rune {
	return map[string][]rune{
		"Lu": {'A', 'É', 0x1e9e}, "Ll": {'z', 'ß', 0x131}, "Lt": {0x1c5}, "Lm": {0x2b0}, "Lo": {'漢', 'ا', 0xaa},
		"Mn": {0x301, 0xfe0f}, "Mc": {0x903}, "Me": {0x20dd}, "Nd": {'0', 0x661, 0xff11}, "Nl": {0x2160}, "No": {0xb2},
		"Pc": {'_', 0x203f}, "Pd": {'-', 0x2014}, "Ps": {'('}, "Pe": {')'}, "Pi": {0xab}, "Pf": {0xbb}, "Po": {'@', '.', '"', '\\', '%', '\''},
		"Sm": {'+', '<'}, "Sc": {'$', 0x20ac}, "Sk": {'^', '`'}, "So": {0xfffd, '😀', 0x1f1e6},
	}
}

// notUTF8 are sequences that no UTF-8 has.
func notUTF8() map[string]string {
	return map[string]string{
		"lone continuation": "\x80", "lone lead": "\xc3", "lead and ASCII": "\xc3(", "truncated three": "\xe2\x82", "truncated four": "\xf0\x9f\x98",
		"overlong slash in two": "\xc0\xaf", "overlong NUL": "\xc0\x80", "overlong slash in three": "\xe0\x80\xaf", "overlong slash in four": "\xf0\x80\x80\xaf",
		"overlong DEL": "\xc1\xbf", "overlong U+FFFF": "\xf0\x8f\xbf\xbf", "first surrogate": "\xed\xa0\x80", "last surrogate": "\xed\xbf\xbf",
		"CESU-8 pair": "\xed\xa0\xbd\xed\xb8\x80", "beyond Unicode": "\xf4\x90\x80\x80", "five bytes": "\xf8\x88\x80\x80\x80", "six bytes": "\xfc\x84\x80\x80\x80\x80",
		"FE": "\xfe", "FF": "\xff", "UTF-16": "\xff\xfec\x00a\x00", "Latin-1": "caf\xe9",
	}
}

const (
	badUser    = "username BAD_CHARACTERS"
	longUser   = "username TOO_LONG"
	noUser     = "username REQUIRED"
	badPool    = "user_pool_id BAD_FORMAT"
	longPool   = "user_pool_id TOO_LONG"
	noPool     = "user_pool_id REQUIRED"
	longMap    = "client_metadata TOO_LONG"
	manyInMap  = "client_metadata TOO_MANY"
	canaryName = "canary-user"
)

func badUsernames() []input {
	var all []input
	add := func(name, user string, want ...string) {
		all = append(all, input{name: "username, " + name, pool: devPool, user: user, want: want})
	}
	for category, runes := range badRunes() {
		for _, r := range runes {
			add(fmt.Sprintf("%s %U alone", category, r), string(r), badUser)
			add(fmt.Sprintf("%s %U within", category, r), "canary"+string(r)+"user", badUser)
			add(fmt.Sprintf("%s %U at the end", category, r), canaryName+string(r), badUser)
		}
	}
	for name, bytes := range notUTF8() {
		add(name, bytes)
		add(name+" within", "canary"+bytes+"user")
	}
	emoji := strings.Repeat("😀", 128)
	add("empty", "", noUser)
	add("129 bytes", "canary"+strings.Repeat("a", 123), longUser)
	add("129 of two bytes", strings.Repeat("é", 129), longUser)
	add("129 of four bytes", emoji+"😀", longUser)
	add("128 with a mark each", strings.Repeat("e\u0301", 128), longUser)
	add("a byte order mark and 128", "\ufeff"+strings.Repeat("a", 128), longUser, badUser)
	add("128 with a space", strings.Repeat("a", 127)+" ", badUser)
	add("129 with a space", strings.Repeat("a", 128)+" ", longUser, badUser)
	add("60,000", "canary"+strings.Repeat("a", 60_000), longUser)
	add("a family of emoji", "👨\u200d👩\u200d👧", badUser)
	add("decomposed, with a space", "e\u0301 canary", badUser)
	add("spaces around", " "+canaryName+" ", badUser)
	add("two lines", canaryName+"\r\nX-Injected: 1", badUser)
	add("bidirectional", "canary\u202eresu", badUser)
	return all
}

func goodUsernames() []input {
	var all []input
	add := func(name, user string) {
		all = append(all, input{name: "username, " + name, pool: devPool, user: user})
	}
	for category, runes := range goodRunes() {
		for _, r := range runes {
			add(fmt.Sprintf("%s %U alone", category, r), string(r))
			add(fmt.Sprintf("%s %U within", category, r), "canary"+string(r)+"user")
		}
	}
	add("128 bytes", strings.Repeat("a", 128))
	add("128 of two bytes", strings.Repeat("é", 128))
	add("128 of four bytes", strings.Repeat("😀", 128))
	add("64 with a mark each", strings.Repeat("e\u0301", 64))
	for form, name := range map[string]string{
		"composed": "caf\u00e9", "decomposed": "cafe\u0301", "ligature": "\ufb01sh", "Kelvin sign": "\u212a", "Angstrom sign": "\u212b",
		"full width": "\uff21\uff22", "dotless": "\u0131stanbul", "sharp s": "stra\u00dfe", "Hangul jamo": "\u1112\u1161\u11ab", "upper case": "CANARY@EXAMPLE.COM",
		"address": "canary+tag@example.com", "phone": "+15555550100", "sub": "4f2c9d1e-0000-4000-8000-000000000000", "markup": "<canary>&amp;", "JSON": `{"canary":1}`,
		"SQL": `canary';--`, "percent": "%00%0a", "path": "../canary", "replacement": "\ufffdcanary", "right to left": "مستخدم",
	} {
		add(form, name)
	}
	return all
}

func badPools() []input {
	var all []input
	add := func(name, pool string, want ...string) {
		all = append(all, input{name: "pool, " + name, pool: pool, user: canaryName, want: want})
	}
	for category, runes := range badRunes() {
		for _, r := range runes {
			add(fmt.Sprintf("%s %U", category, r), "canary_"+string(r)+"1", badPool)
		}
	}
	for category, runes := range goodRunes() {
		for _, r := range runes {
			if r > unicode.MaxASCII {
				add(fmt.Sprintf("%s %U", category, r), "canary"+string(r)+"_1", badPool)
			}
		}
	}
	for name, bytes := range notUTF8() {
		add(name, "canary_"+bytes)
	}
	for _, pool := range []string{
		"_", "canary", "canary_", "_canary", "canary-1", "canary_a-b", "canary_a_", "canary__", "canary_1 ", " canary_1", "canary_1\n", "\ncanary_1",
		"canary_1\r\n", "canary.a_1", "canary/a_1", "canary:a_1", "canary_1;", "canary_1'", "canary_%31", "canary_1#", "canary_$1", "canary_+1",
		"userpool/canary_1",
	} {
		add(fmt.Sprintf("%q", pool), pool, badPool)
	}
	add("ARN", "arn:aws:cognito-idp:us-east-1:111122223333:userpool/canary_1", longPool, badPool)
	add("empty", "", noPool)
	add("56 characters", "canary"+strings.Repeat("a", 48)+"_1", longPool)
	add("56, badly formed", "canary"+strings.Repeat("a", 50), longPool, badPool)
	add("55 of two bytes", strings.Repeat("é", 53)+"_1", badPool)
	add("56 of two bytes", strings.Repeat("é", 54)+"_1", longPool, badPool)
	all = append(all, input{name: "both empty", want: []string{noPool, noUser}},
		input{name: "both bad", pool: "canary", user: "canary ", want: []string{badPool, badUser}})
	return all
}

func goodPools() []input {
	var all []input
	for _, pool := range []string{"a_b", "-_a", "__a", "a_b_c", "1_1", "eu-west-1_Example9", "a-b-c_D", strings.Repeat("a", 53) + "_1"} {
		all = append(all, input{name: "pool " + pool, pool: pool, user: canaryName})
	}
	return all
}

// shownKeys are keys and how a violation of theirs names them.
func shownKeys() map[string]string {
	return map[string]string{
		"plain": "plain", "with space": "with space", `quo"te`: `quo\"te`, `back\slash`: `back\\slash`, "new\nline": `new\nline`, "car\rriage": `car\rriage`,
		"t\tab": `t\tab`, "nul\x00": `nul\u0000`, "esc\x1b": `esc\u001b`, "del\x7f": `del\u007f`, "c1\u0085": `c1\u0085`, "line\u2028": `line\u2028`,
		"par\u2029": `par\u2029`, "é": "é", "e\u0301": "e\u0301", "漢字": "漢字", "😀": "😀", "<b>&": "<b>&", "]": "]", `"]["`: `\"][\"`, "ключ": "ключ",
		"\ufeffbom": "\ufeffbom", "rtl\u202e": "rtl\u202e", "\ufffd": "\ufffd", " ": " ",
		strings.Repeat("k", 64):        strings.Repeat("k", 64),
		strings.Repeat("k", 65):        strings.Repeat("k", 64),
		strings.Repeat("k", 128):       strings.Repeat("k", 64),
		strings.Repeat("é", 33):        strings.Repeat("é", 32),
		"k" + strings.Repeat("é", 40):  "k" + strings.Repeat("é", 31),
		strings.Repeat("k", 63) + `"x`: strings.Repeat("k", 63),
		strings.Repeat("\x00", 11):     strings.Repeat(`\u0000`, 10),
	}
}

func field(shown, reason string) string { return `client_metadata["` + shown + `"] ` + reason }

func badMaps() []input {
	var all []input
	add := func(name string, entries []pair, want ...string) {
		all = append(all, input{name: "metadata, " + name, pool: devPool, user: canaryName, entries: entries, want: want})
	}
	long := "canary" + strings.Repeat("v", 2043)
	for key, shown := range shownKeys() {
		add(fmt.Sprintf("key %q with a long value", key), []pair{{key, long}}, field(shown, "TOO_LONG"))
	}
	for name, bytes := range notUTF8() {
		add("key, "+name, []pair{{"key" + bytes, "v"}})
		add("value, "+name, []pair{{"key", "canary" + bytes}})
	}
	add("empty key", []pair{{"", "canary"}}, field("", "REQUIRED"))
	add("empty key and long value", []pair{{"", long}}, field("", "REQUIRED"), field("", "TOO_LONG"))
	add("key of 129", []pair{{strings.Repeat("k", 129), "canary"}}, field(strings.Repeat("k", 64), "TOO_LONG"))
	add("key of 129 emoji", []pair{{strings.Repeat("😀", 129), "canary"}}, field(strings.Repeat("😀", 16), "TOO_LONG"))
	add("key and value too long", []pair{{strings.Repeat("k", 129), long}}, field(strings.Repeat("k", 64), "TOO_LONG"), field(strings.Repeat("k", 64), "TOO_LONG"))
	add("value of 2049", []pair{{"k", long}}, field("k", "TOO_LONG"))
	add("value of 2049 emoji", []pair{{"k", strings.Repeat("😀", 2049)}}, field("k", "TOO_LONG"))
	add("in the order of keys", []pair{{"b", long}, {"c", "canary"}, {"a", long}}, field("a", "TOO_LONG"), field("b", "TOO_LONG"))
	add("65 entries", numbered(65, "canary"), manyInMap)
	add("65 entries, one bad", append(numbered(64, "canary"), pair{"z", long}), manyInMap, field("z", "TOO_LONG"))
	add("32 KiB and one byte", ofTotal(32<<10+1), longMap)
	add("100 entries of 500", numbered(100, strings.Repeat("v", 500)), manyInMap, longMap)
	add("20 bad values", numbered(20, long), append([]string{longMap}, numberedFields(20)...)...)
	all = append(all, input{name: "everything is wrong", pool: "canary", user: "canary ", entries: append(numbered(65, ""), pair{"", long}),
		want: []string{badPool, badUser, manyInMap, field("", "REQUIRED"), field("", "TOO_LONG")}})
	return all
}

func goodMaps() []input {
	var all []input
	add := func(name string, entries ...pair) {
		all = append(all, input{name: "metadata, " + name, pool: devPool, user: canaryName, entries: entries})
	}
	for key := range shownKeys() {
		add(fmt.Sprintf("key %q", key), pair{key, "canary"})
	}
	add("none")
	add("empty value", pair{"k", ""})
	add("a key twice, the last wins", pair{"k", "canary-1"}, pair{"k", "canary-2"})
	add("64 entries", numbered(64, "canary")...)
	add("keys of 128 emoji", pair{strings.Repeat("😀", 128), "canary"})
	add("value of 2048 emoji", pair{"k", strings.Repeat("😀", 2048)})
	add("controls in a value", pair{"k", "canary\x00\r\n\u202e\u2028"})
	add("32 KiB", ofTotal(32<<10)...)
	return all
}

// numbered are n entries with that value, whose keys sort as they are numbered.
func numbered(n int, value string) []pair {
	entries := make([]pair, n)
	for i := range entries {
		entries[i] = pair{fmt.Sprintf("%03d", i), value}
	}
	return entries
}

func numberedFields(n int) []string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = field(fmt.Sprintf("%03d", i), "TOO_LONG")
	}
	return fields
}

// ofTotal are 16 entries whose keys and values have that many bytes together.
func ofTotal(total int) []pair {
	entries := numbered(16, strings.Repeat("v", 2045))
	entries[15].value = strings.Repeat("v", total-15*2048-3)
	return entries
}

func TestBadInputs(t *testing.T) {
	log := &safeBuffer{}
	g := newSluice(t, log)
	names, maps := append(badUsernames(), badPools()...), badMaps()
	for _, in := range append(names, maps...) {
		g.refuse(t, in)
	}
	if n := g.cognito.Requests(); n != 0 {
		t.Errorf("%d requests were sent upstream", n)
	}
	goodNames, goodMaps := append(goodUsernames(), goodPools()...), goodMaps()
	for _, in := range append(goodNames, goodMaps...) {
		g.admit(t, in)
	}
	g.silent(t, log.String())
	if len(names) < 250 || len(maps) < 60 {
		t.Error("the table has lost inputs")
	}
	t.Logf("refused: %d usernames and pool ids, %d metadata maps; let through: %d and %d", len(names), len(maps), len(goodNames), len(goodMaps))
}

// Every general category that Unicode has is in one of the tables; surrogates are among what is not UTF-8.
func TestBadInputsHaveEveryCategory(t *testing.T) {
	good, bad := goodRunes(), badRunes()
	for category, table := range unicode.Categories {
		if len(category) < 2 || category == "Cs" || category == "LC" {
			continue
		}
		runes := append(slices.Clone(good[category]), bad[category]...)
		if len(runes) == 0 {
			t.Errorf("no code point of the category %s", category)
		}
		for _, r := range runes {
			if !unicode.Is(table, r) {
				t.Errorf("%U is not of the category %s", r, category)
			}
		}
	}
}

// What names a key in a violation is the JSON of the key's beginning.
func TestShownKeysAreJSON(t *testing.T) {
	for key, shown := range shownKeys() {
		var decoded string
		if err := json.Unmarshal([]byte(`"`+shown+`"`), &decoded); err != nil || !strings.HasPrefix(key, decoded) || len(shown) > 64 {
			t.Errorf("%q is shown as %q: %v", key, shown, err)
		}
	}
}

// Any bytes are a request: the answer is a status, nobody panics, what is sent on keeps the limits, and the username
// stays out of errors.
func FuzzRequestBytes(f *testing.F) {
	g := newSluice(f, io.Discard)
	for _, in := range slices.Concat(goodPools(), []input{
		{pool: devPool, user: "canary \x00"}, {pool: "canary", entries: []pair{{"", ""}, {"k", "\xff"}}}, {user: strings.Repeat("canary", 30)},
	}) {
		f.Add(in.message())
	}
	f.Add([]byte("\x0a\x05ab"))                                 // a length beyond the end
	f.Add([]byte("\x08\x01\x10\x01"))                           // a number in the place of a text
	f.Add([]byte("\x00\x00"))                                   // field 0
	f.Add([]byte("\x0b\x0c"))                                   // a group
	f.Add([]byte("\x1a\x80\x80\x80\x80\x80\x80"))               // an endless number
	f.Add([]byte("\x0a\x03a_b\x12\x06canary\x20\x02\x2a\x01x")) // an unknown field, a flag of 2
	pool, user := regexp.MustCompile(`^[\w-]+_[0-9a-zA-Z]+$`), regexp.MustCompile(`^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$`)
	f.Fuzz(func(t *testing.T, message []byte) {
		var req useradminv1.ConfirmSignUpRequest
		undecodable := proto.Unmarshal(message, &req) != nil
		sent, err := g.send(t, message)
		code, reason := status.Code(err), reasonAndOutcome(err)
		well := pool.MatchString(req.GetUserPoolId()) && user.MatchString(req.GetUsername())
		switch {
		case undecodable && (code != codes.Internal || sent != 0 || len(status.Convert(err).Details()) > 0):
			t.Errorf("undecodable: %d sent, %v", sent, err)
		case undecodable:
		case strings.Contains(reason, "INTERNAL "):
			t.Errorf("a bug: %v", err)
		case sent == 0 && (code != codes.InvalidArgument || reason != "INVALID_REQUEST NOT_SENT"):
			t.Errorf("not sent: %v", err)
		case sent > 1 || sent == 1 && !well:
			t.Errorf("%d sent, well formed %t: %v", sent, well, err)
		}
		text := prototext.Format(status.Convert(err).Proto())
		if name := req.GetUsername(); len(name) >= 5 && strings.Contains(text, name) && !strings.Contains(g.fixedText(t, &req), name) {
			t.Errorf("the username is echoed: %s", text)
		}
	})
}

// fixedText is what the answer to the same request has without the username.
func (g *sluice) fixedText(t *testing.T, req *useradminv1.ConfirmSignUpRequest) string {
	t.Helper()
	anonymous, ok := proto.Clone(req).(*useradminv1.ConfirmSignUpRequest)
	if !ok {
		t.Fatal("no request")
	}
	anonymous.Username = " \x00 "
	message, err := proto.Marshal(anonymous)
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.send(t, message)
	return prototext.Format(status.Convert(err).Proto())
}
