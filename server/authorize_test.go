package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/audit"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/policy"
)

const (
	signup   = "spiffe://prod.example/ns/signup/sa/api"
	stranger = "spiffe://prod.example/ns/other/sa/stranger"
)

// rules let the caller signup confirm in one pool, with one key of metadata.
const rules = `
@id("signup-confirms")
permit (
  principal == Caller::"` + signup + `",
  action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp",
  resource == UserPool::"us-east-1_EXAMPLE01"
) when { ["campaign"].containsAll(context.metadata_keys) };
`

func parsed(tb testing.TB, text string) func() *policy.Policy {
	tb.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return func() *policy.Policy { return p }
}

// forwarded is a context with what a sidecar says of the caller.
func forwarded(ctx context.Context, caller string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, xfccKey, "Hash="+strings.Repeat("0", 64)+";URI="+caller)
}

// lines are the log's lines with that message.
func (l *log) lines(tb testing.TB, message string) []map[string]any {
	tb.Helper()
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			tb.Fatal(err)
		}
		if fields["msg"] == message {
			found = append(found, fields)
		}
	}
	return found
}

// Every method is an action that a policy can name, or needs no permission.
func TestEveryMethodIsAnAction(t *testing.T) {
	s := newServer(t, succeeding(), Config{Reflection: true})
	for method := range s.methods {
		if name := strings.TrimPrefix(method, "/"); name != policy.FreeMethod && !slices.Contains(policy.Actions(), name) {
			t.Errorf("%s is not an action", name)
		}
	}
	for _, action := range policy.Actions() {
		if !s.methods["/"+action] {
			t.Errorf("%s is not a method", action)
		}
	}
}

func TestWhoMayCall(t *testing.T) {
	called := 0
	e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		called++
		return cognitoclient.Result{Attribution: cognitoclient.ByThisCall, Attempts: 1}, nil
	}), Config{Authn: authn.XFCC, Policy: parsed(t, rules), Region: "us-east-1"})
	call := func(ctx context.Context, change func(*useradminv1.ConfirmSignUpRequest)) error {
		req := validRequest()
		change(req)
		_, err := e.ConfirmSignUp(ctx, req)
		return err
	}
	nothing := func(*useradminv1.ConfirmSignUpRequest) {}
	if err := call(forwarded(t.Context(), signup), nothing); err != nil {
		t.Fatal(err)
	}
	messages := map[string]bool{}
	for name, c := range map[string]struct {
		caller string
		change func(*useradminv1.ConfirmSignUpRequest)
	}{
		"another caller":     {stranger, nothing},
		"another pool":       {signup, func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = "us-east-1_EXAMPLE02" }},
		"no pool at all":     {signup, func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = "" }},
		"a username as pool": {signup, func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = "canary_user" }},
		"a username":         {signup, func(r *useradminv1.ConfirmSignUpRequest) { r.UserPoolId = "canaryuser" }},
		"a forbidden key":    {signup, func(r *useradminv1.ConfirmSignUpRequest) { r.ClientMetadata["canary-key"] = "canary-value" }},
		"an invalid request": {stranger, func(r *useradminv1.ConfirmSignUpRequest) { r.Username = "" }},
	} {
		err := call(forwarded(t.Context(), c.caller), c.change)
		want(t, err, codes.PermissionDenied, "CALLER_NOT_ALLOWED", "NOT_SENT")
		if n := len(status.Convert(err).Details()); n != 2 {
			t.Errorf("%s: %d details", name, n)
		}
		messages[status.Convert(err).Message()] = true
	}
	if len(messages) != 1 || called != 1 {
		t.Errorf("%d messages, %d calls were carried out", len(messages), called)
	}
	line := e.log.lines(t, "call")[0]
	for key, wanted := range map[string]string{
		"caller": signup, "authn": "xfcc", "rule": "signup-confirms", "pool": "us-east-1_EXAMPLE01", "policy": parsed(t, rules)().Sum()[:12],
	} {
		if line[key] != wanted {
			t.Errorf("%s is %v, want %s", key, line[key], wanted)
		}
	}
	if text := e.log.String(); strings.Contains(text, "canary") || strings.Contains(text, "new-1@") {
		t.Errorf("the log has a canary: %s", text)
	}
	if e.counted(t, "useradmin_caller_calls_total", signup, "OK") != 1 || e.counted(t, "useradmin_caller_calls_total", `"other"`) != 2 ||
		e.counted(t, "useradmin_caller_calls_total", stranger) != 0 {
		t.Error("the callers' calls are not counted as they should")
	}
	e.PolicyChanged(parsed(t, rules)(), parsed(t, strings.ReplaceAll(rules, signup, stranger))())
	if e.counted(t, "useradmin_caller_calls_total", signup) != 0 {
		t.Error("the series of a caller who is gone stays")
	}
	families, err := e.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	begun := false
	for _, f := range families {
		begun = begun || f.GetName() == "useradmin_caller_calls_total" && strings.Contains(f.String(), stranger)
	}
	if !begun {
		t.Error("the series of a new caller does not begin at 0")
	}
}

func TestCallsThatDoNotProveTheCaller(t *testing.T) {
	e := serve(t, succeeding(), Config{Authn: authn.XFCC, Policy: parsed(t, rules)})
	for name, values := range map[string][]string{
		"no header":   nil,
		"two headers": {"Hash=" + strings.Repeat("0", 64) + ";URI=" + signup, "Hash=" + strings.Repeat("0", 64) + ";URI=" + signup},
		"a forgery":   {"Hash=" + strings.Repeat("0", 64) + ";URI=" + stranger + ";URI=" + signup},
	} {
		ctx := metadata.NewOutgoingContext(t.Context(), metadata.MD{xfccKey: values})
		_, err := e.ConfirmSignUp(ctx, validRequest())
		want(t, err, codes.Unauthenticated, "UNAUTHENTICATED", "NOT_SENT")
		if md := infoOf(t, err).GetMetadata(); len(md) != 5 {
			t.Errorf("%s: %v", name, md)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, repeatKey, "1")
		_, err = e.ConfirmSignUp(ctx, validRequest())
		want(t, err, codes.Unauthenticated, "UNAUTHENTICATED", "UNKNOWN")
	}
	for _, line := range e.log.lines(t, "call") {
		if line["problem"] == nil || line["caller"] != nil || line["level"] != "WARN" {
			t.Errorf("line %v", line)
		}
	}
}

// Only Health/Check is free. A policy can open the rest.
func TestStreamsNeedPermission(t *testing.T) {
	open := rules
	for _, action := range []string{"grpc.health.v1.Health/Watch", "grpc.health.v1.Health/List", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo"} {
		open += `permit (principal == Caller::"` + signup + `", action == Action::"` + action + `", resource);` + "\n"
	}
	e := serve(t, succeeding(), Config{Authn: authn.XFCC, Policy: parsed(t, open), Reflection: true})
	health := grpc_health_v1.NewHealthClient(e.conn)
	if _, err := health.Check(t.Context(), &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Error(err)
	}
	for caller, code := range map[string]codes.Code{"": codes.Unauthenticated, stranger: codes.PermissionDenied, signup: codes.OK} {
		ctx, cancel := context.WithCancel(t.Context())
		if caller != "" {
			ctx = forwarded(ctx, caller)
		}
		_, err := health.List(ctx, &grpc_health_v1.HealthListRequest{})
		if status.Code(err) != code {
			t.Errorf("List for %q: %v", caller, err)
		}
		watch, err := health.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
		if err == nil {
			_, err = watch.Recv()
		}
		if status.Code(err) != code {
			t.Errorf("Watch for %q: %v", caller, err)
		}
		if err := reflect(ctx, e.conn); status.Code(err) != code {
			t.Errorf("reflection for %q: %v", caller, err)
		}
		cancel()
	}
}

// A stream that was allowed ends when it is no longer.
func TestStreamsAreAskedAgain(t *testing.T) {
	open := parsed(t, `permit (principal == Caller::"`+signup+`", action, resource);`)()
	closed := parsed(t, `forbid (principal, action, resource);`)()
	var current atomic.Pointer[policy.Policy]
	for name, over := range map[string]func(*edge){
		"the policy":      func(*edge) { current.Store(closed) },
		"the certificate": func(e *edge) { e.only(t).revoked.Store(true) },
	} {
		current.Store(open)
		a := newAuthority(t)
		e := serve(t, succeeding(), Config{Authn: authn.MTLS, TLS: a.load(t), Policy: current.Load, Reflection: true},
			secure(a.as(t, devca.Request{URIs: []string{signup}})))
		stream, err := reflectionv1.NewServerReflectionClient(e.conn).ServerReflectionInfo(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		list := func() error {
			_ = stream.Send(&reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}})
			_, err := stream.Recv()
			return err
		}
		if err := list(); err != nil {
			t.Fatal(err)
		}
		watch, err := grpc_health_v1.NewHealthClient(e.conn).Watch(t.Context(), &grpc_health_v1.HealthCheckRequest{Service: serviceName})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := watch.Recv(); err != nil {
			t.Fatal(err)
		}
		over(e)
		err = list()
		if info := infoOf(t, err); info.GetReason() != "CALLER_NOT_ALLOWED" && info.GetReason() != "UNAUTHENTICATED" {
			t.Errorf("%s: reflection ends with %v", name, err)
		}
		e.health.SetServingStatus(serviceName, grpc_health_v1.HealthCheckResponse_NOT_SERVING)
		_, err = watch.Recv()
		if code := status.Code(err); code != codes.PermissionDenied && code != codes.Unauthenticated {
			t.Errorf("%s: the watch ends with %v", name, err)
		}
	}
}

func reflect(ctx context.Context, conn *grpc.ClientConn) error {
	stream, err := reflectionv1.NewServerReflectionClient(conn).ServerReflectionInfo(ctx)
	if err != nil {
		return err
	}
	if err := stream.Send(&reflectionv1.ServerReflectionRequest{
		MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{},
	}); err != nil && !errors.Is(err, io.EOF) { // Recv says how the stream ended
		return err
	}
	_, err = stream.Recv()
	return err
}

func TestXFCCIsIgnoredWhereNobodyProvesAnything(t *testing.T) {
	e := serve(t, succeeding(), Config{})
	for range 3 {
		if _, err := e.ConfirmSignUp(forwarded(t.Context(), signup), validRequest()); err != nil {
			t.Fatal(err)
		}
	}
	if n := e.counted(t, "useradmin_ignored_xfcc_total"); n != 3 {
		t.Errorf("%v were counted", n)
	}
	if n := strings.Count(e.log.String(), xfccKey); n != 1 {
		t.Errorf("%d warnings", n)
	}
	if line := e.log.lines(t, "call")[0]; line["caller"] != anonymous || line["authn"] != "none" {
		t.Errorf("line %v", line)
	}
}

const auditKey = "0123456789abcdef0123456789abcdef"

// auditLog is an audit log of the test.
func auditLog(t *testing.T) (log *audit.Log, read func() []map[string]any) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(audit.Config{
		Path: path, Key: []byte(auditKey),
		Logger: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return log, func() []map[string]any {
		log.Close()
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "new-1") || strings.Contains(string(text), "spring") {
			t.Errorf("the audit log has a canary: %s", text)
		}
		var lines []map[string]any
		for line := range strings.Lines(string(text)) {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fields)
		}
		return lines
	}
}

// The audit log has the intent, the outcome and what was denied, and nothing of what was never going to be sent.
func TestAuditedCalls(t *testing.T) {
	log, read := auditLog(t)
	failed := cognitoclient.Error{Cause: cognitoclient.UserNotFound, Outcome: cognitoclient.NotApplied, Attempts: 1, History: []cognitoclient.Attempt{
		{Cause: cognitoclient.TooManyRequests, RequestID: "cognito-1"}, {Cause: cognitoclient.UserNotFound, RequestID: "cognito-2"},
	}}
	e := serve(t, failing(failed), Config{Authn: authn.XFCC, Policy: parsed(t, rules), Region: "us-east-1", Audit: log})
	invalid := validRequest()
	invalid.Username = ""
	for _, c := range []struct {
		caller string
		req    *useradminv1.ConfirmSignUpRequest
	}{{signup, validRequest()}, {signup, invalid}, {stranger, validRequest()}} {
		_, _ = e.ConfirmSignUp(forwarded(t.Context(), c.caller), c.req)
	}
	lines := read()
	var events []any
	for _, line := range lines {
		events = append(events, line["event"])
	}
	if !slices.Equal(events, []any{"intent", "outcome", "denial"}) {
		t.Fatalf("events %v", events)
	}
	intent, outcome := lines[0], lines[1]
	if intent["caller"] != signup || intent["pool"] != "us-east-1_EXAMPLE01" || intent["rule"] != "signup-confirms" || intent["id"] != outcome["id"] {
		t.Errorf("intent %v", intent)
	}
	attempts, _ := outcome["attempts"].([]any)
	if outcome["outcome"] != "NOT_APPLIED" || outcome["reason"] != "USER_NOT_FOUND" || len(attempts) != 2 {
		t.Errorf("outcome %v", outcome)
	}
}

// Without its line in the audit log no call is made, and the caller may send it again.
func TestNoCallWithoutAnIntent(t *testing.T) {
	log, _ := auditLog(t)
	log.Close()
	called := false
	e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
		called = true
		return cognitoclient.Result{}, nil
	}), Config{Audit: log})
	_, err := e.ConfirmSignUp(t.Context(), validRequest())
	want(t, err, codes.Unavailable, "AUDIT_UNAVAILABLE", "NOT_SENT")
	if called {
		t.Error("the call was made")
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), repeatKey, "1")
	_, err = e.ConfirmSignUp(ctx, validRequest())
	want(t, err, codes.Aborted, "AUDIT_UNAVAILABLE", "UNKNOWN")
}

// A configuration that would leave a door open is refused.
func TestHalfAGateIsRefused(t *testing.T) {
	for _, c := range []Config{
		{Authn: "ntlm"}, {Authn: authn.XFCC}, {Authn: authn.MTLS, Policy: parsed(t, rules)}, {Policy: parsed(t, rules)},
		{TLS: &authn.TLS{}}, {Authn: authn.XFCC, TLS: &authn.TLS{}, Policy: parsed(t, rules)},
	} {
		if _, err := New(succeeding(), c); err == nil {
			t.Errorf("%s is accepted", c.Authn)
		}
	}
}

// Over TCP, the header proves nothing.
func TestXFCCIsForSockets(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, succeeding(), Config{Authn: authn.XFCC, Policy: parsed(t, rules)})
	if err := s.Serve(t.Context(), lis); err == nil || !strings.Contains(err.Error(), "Unix sockets") {
		t.Errorf("it serves: %v", err)
	}
}

// A caller's share holds over all connections; callers whom nobody can name are told apart by their connections.
func TestShareOfACaller(t *testing.T) {
	both := rules + `permit (principal == Caller::"` + stranger + `", action, resource);`
	e := serve(t, waiting(nil), Config{Authn: authn.XFCC, Policy: parsed(t, both), MaxCalls: 4})
	header := "Hash=" + strings.Repeat("0", 64) + ";URI=" + signup
	first, second := e.raw(t), e.raw(t)
	if taken, _ := e.fill(t, first, confirmMethod, xfccKey, header); taken != 2 {
		t.Errorf("the caller took %d places", taken)
	}
	taken, busy := e.fill(t, second, confirmMethod, xfccKey, header)
	if taken != 0 {
		t.Errorf("the same caller took %d more on another connection", taken)
	}
	want(t, busy.Status.Err(), codes.ResourceExhausted, "CALLER_BUSY", "NOT_SENT")
	if e.counted(t, "useradmin_caller_calls_total", signup, "CALLER_BUSY") != 2 {
		t.Error("what is refused is not counted for its caller")
	}
	if taken, _ := e.fill(t, second, confirmMethod, xfccKey, strings.Replace(header, signup, stranger, 1)); taken != 1 {
		t.Errorf("another caller on the same connection took %d places", taken)
	}
}
