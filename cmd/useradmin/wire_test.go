package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

// The whole way: a gRPC client, the service as `serve` makes it, the real SDK, TLS, and the embedded Cognito. What
// must never come out is sent in.

const (
	canaryUser     = "canary-user"
	canaryMetadata = "canary-metadata"
	canaryText     = "canary-text arn:aws:iam::210987654321:role/canary 210987654321"
)

// world is a running service with all that it writes.
type world struct {
	client  useradminv1.UserAdminClient
	cognito *fakecognito.Server
	log     *safeBuffer
	metrics string // URL
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func newWorld(t *testing.T, trigger fakecognito.Trigger) *world {
	t.Helper()
	w := &world{log: &safeBuffer{}, cognito: fakecognito.New(fakecognito.Config{})}
	if err := w.cognito.AddPool(fakecognito.Pool{ID: devPool, PostConfirmation: trigger, Users: []fakecognito.User{{Username: canaryUser}}}); err != nil {
		t.Fatal(err)
	}
	upstream := httptest.NewUnstartedServer(w.cognito)
	upstream.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	upstream.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	upstream.StartTLS()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: upstream.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_CA_BUNDLE": bundle, "AWS_ACCESS_KEY_ID": fakecognito.DefaultAccessKeyID, "AWS_SECRET_ACCESS_KEY": fakecognito.DefaultSecretAccessKey,
		"AWS_SESSION_TOKEN": "", "AWS_CONFIG_FILE": bundle + ".none", "AWS_SHARED_CREDENTIALS_FILE": bundle + ".none", "AWS_PROFILE": "",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER": "",
	} {
		t.Setenv(name, value)
	}
	cfg, err := cognitoclient.Load(t.Context(), "us-east-1", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	flags := serviceFlags{
		Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Attempts: 3, AttemptTimeout: 300 * time.Millisecond,
		CallTimeout: 20 * time.Second, MaxConnections: 8, DrainTimeout: 5 * time.Second,
	}
	s, err := newService(&flags, newLogger(w.log, "json", slog.LevelDebug), cognitoclient.Config{AWS: cfg, Endpoint: upstream.URL}, server.Config{Reflection: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.server.Serve(ctx, s.lis) }()
	go s.admin.serve(s.logger)
	w.metrics = "http://" + s.admin.lis.Addr().String() + "/metrics"
	w.client = useradminv1.NewUserAdminClient(dial(t, s.lis.Addr().String()))
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		s.admin.close()
		w.cognito.Close()
		upstream.Close()
	})
	return w
}

func (w *world) confirm(t *testing.T, allowConfirmed bool) (string, metadata.MD) {
	t.Helper()
	var trailer metadata.MD
	resp, err := w.client.ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{
		UserPoolId: devPool, Username: canaryUser, ClientMetadata: map[string]string{"source": canaryMetadata}, AllowConfirmed: allowConfirmed,
	}, grpc.Trailer(&trailer))
	if err != nil {
		return status.Code(err).String() + " " + reasonAndOutcome(err), trailer
	}
	return resp.GetResult().String(), trailer
}

func reasonAndOutcome(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason() + " " + info.GetMetadata()["outcome"]
		}
	}
	return fmt.Sprintf("no ErrorInfo in %v", err)
}

// Each fault of the embedded Cognito, over the whole way, in both modes.
func TestWholeWay(t *testing.T) {
	throw := func(name string) fakecognito.Fault { return fakecognito.Throw(name, canaryText) }
	always := func(f fakecognito.Fault) []fakecognito.Fault { return []fakecognito.Fault{f, f, f} }
	tests := []struct {
		name          string
		faults        []fakecognito.Fault
		strict, allow string
	}{
		{"no fault", nil, "RESULT_CONFIRMED", "RESULT_CONFIRMED"},
		{"one lost answer", []fakecognito.Fault{fakecognito.ResetAfterProcessing()}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"lost before it was applied", []fakecognito.Fault{fakecognito.ResetBeforeReading()}, "RESULT_CONFIRMED", "RESULT_CONFIRMED"},
		{"all lost", always(fakecognito.ResetAfterProcessing()), "Aborted COGNITO_RESPONSE_LOST UNKNOWN", "Unavailable COGNITO_RESPONSE_LOST UNKNOWN"},
		{"truncated", []fakecognito.Fault{fakecognito.Truncated()}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"HTML with 200", []fakecognito.Fault{fakecognito.HTML(200)}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"HTML with 502", always(fakecognito.HTML(502)), "Aborted COGNITO_UNAVAILABLE UNKNOWN", "Unavailable COGNITO_UNAVAILABLE UNKNOWN"},
		{"empty 200", []fakecognito.Fault{fakecognito.EmptyOK()}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"204", []fakecognito.Fault{fakecognito.NoContent()}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"redirect", []fakecognito.Fault{fakecognito.Redirect("https://127.0.0.1:1/")}, "RESULT_CONFIRMED", "RESULT_CONFIRMED"},
		{"64 MiB", []fakecognito.Fault{fakecognito.HugeBody()}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"hang", []fakecognito.Fault{fakecognito.HangAfterProcessing()}, "RESULT_CONFIRMED_UNATTRIBUTED", "RESULT_CONFIRMED_UNATTRIBUTED"},
		{"throttled once", []fakecognito.Fault{throw("TooManyRequestsException")}, "RESULT_CONFIRMED", "RESULT_CONFIRMED"},
		{"throttled", always(throw("TooManyRequestsException")), "ResourceExhausted TOO_MANY_REQUESTS NOT_APPLIED", "ResourceExhausted TOO_MANY_REQUESTS NOT_APPLIED"},
		{"lost, then refused", []fakecognito.Fault{fakecognito.ResetBeforeReading(), throw("AccessDeniedException")}, "Aborted COGNITO_RESPONSE_LOST UNKNOWN", "Unavailable COGNITO_RESPONSE_LOST UNKNOWN"},
		{"access denied", always(throw("AccessDeniedException")), "FailedPrecondition COGNITO_ACCESS_DENIED NOT_APPLIED", "FailedPrecondition COGNITO_ACCESS_DENIED NOT_APPLIED"},
		{"expired credentials", always(fakecognito.ExpiredCredentials()), "Unavailable COGNITO_CREDENTIALS NOT_APPLIED", "Unavailable COGNITO_CREDENTIALS NOT_APPLIED"},
	}
	for _, test := range tests {
		for _, allow := range []bool{false, true} {
			want := map[bool]string{false: test.strict, true: test.allow}[allow]
			t.Run(fmt.Sprintf("%s, allow_confirmed %t", test.name, allow), func(t *testing.T) {
				w := newWorld(t, nil)
				w.cognito.ScriptUser(devPool, canaryUser, test.faults...)
				got, trailer := w.confirm(t, allow)
				if got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
				if len(trailer.Get("x-request-id")) != 1 {
					t.Errorf("trailers %v", trailer)
				}
				w.noCanaries(t, fmt.Sprint(got, trailer))
			})
		}
	}
}

// A trigger that throws tells its own text and nothing else.
func TestTriggerTextAlone(t *testing.T) {
	w := newWorld(t, func(_ context.Context, e fakecognito.Event) (any, error) {
		return nil, errors.New("no seat left for " + e.UserName + " from " + e.Request.ClientMetadata["source"] + " says arn:aws:iam::210987654321:role/canary")
	})
	_, err := w.client.ConfirmSignUp(t.Context(), &useradminv1.ConfirmSignUpRequest{
		UserPoolId: devPool, Username: canaryUser, ClientMetadata: map[string]string{"source": canaryMetadata},
	})
	text := fmt.Sprint(status.Convert(err).Proto())
	if !strings.Contains(text, "no seat left for [masked] from [masked] says [masked]") {
		t.Errorf("got %s", text)
	}
	w.noCanaries(t, text)
	if strings.Contains(w.log.String(), "no seat left") {
		t.Error("the trigger's text is in the log")
	}
}

// noCanaries looks for what was sent in everything that came out.
func (w *world) noCanaries(t *testing.T, answer string) {
	t.Helper()
	outputs := map[string]string{"answer": answer, "log": w.log.String(), "metrics": fetch(t, w.metrics)}
	if !strings.Contains(outputs["log"], "useradmin.v1.UserAdmin/ConfirmSignUp") || !strings.Contains(outputs["metrics"], "useradmin_cognito_attempt_seconds_count") {
		t.Errorf("the call is missing in the log or in the metrics")
	}
	for where, output := range outputs {
		for _, canary := range []string{"canary", "210987654321", fakecognito.DefaultSecretAccessKey, fakecognito.DefaultAccessKeyID, "arn:aws"} {
			if strings.Contains(output, canary) {
				t.Errorf("%q is in the %s:\n%s", canary, where, output)
			}
		}
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// One call is one line, with all that an operator asks for.
func TestOneLogLineACall(t *testing.T) {
	w := newWorld(t, nil)
	ctx := metadata.AppendToOutgoingContext(t.Context(), "x-request-id", "caller-1")
	if _, err := w.client.ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{UserPoolId: devPool, Username: canaryUser}); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(w.log.String()) {
		if strings.Contains(line, `"msg":"call"`) {
			lines = append(lines, line)
		}
	}
	var fields map[string]any
	if len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &fields) != nil {
		t.Fatalf("lines %q", lines)
	}
	for _, key := range []string{"method", "code", "outcome", "attempts", "duration", "peer", "request_id", "cognito_request_id"} {
		if fields[key] == nil {
			t.Errorf("no %s in %s", key, lines[0])
		}
	}
	if fields["request_id"] != "caller-1" {
		t.Errorf("request id %v", fields["request_id"])
	}
}
