package cognitoclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// transportFunc answers without a network; it reports the connection as net/http does.
type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// fuzzClient is a client of one attempt whose connection is the transport.
func fuzzClient(f *testing.F, transport http.RoundTripper, endpoint string) *Client {
	f.Helper()
	c, err := New(Config{
		AWS:      aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "secret", "")},
		Endpoint: endpoint,
		Attempts: 1,
		Random:   func() float64 { return 0 },
	})
	if err != nil {
		f.Fatal(err)
	}
	c.transport = transport
	return c
}

// answerUnderTest is what the other side does with the request.
type answerUnderTest struct {
	kind    uint8 // of ending, below
	status  int
	headers string // lines of `key: value`
	body    []byte
}

const (
	endsWell = iota
	endsInTheBody
	endsAfterConnecting
	endsBeforeConnecting
	endings
)

func (a answerUnderTest) roundTrip(r *http.Request) (*http.Response, error) {
	if a.kind%endings == endsBeforeConnecting {
		return nil, errors.New("no connection")
	}
	httptrace.ContextClientTrace(r.Context()).GotConn(httptrace.GotConnInfo{})
	if a.kind%endings == endsAfterConnecting {
		return nil, errors.New("the connection broke")
	}
	body := io.Reader(bytes.NewReader(a.body))
	if a.kind%endings == endsInTheBody {
		body = io.MultiReader(body, brokenReader{})
	}
	return &http.Response{StatusCode: a.status, Header: a.header(), Body: io.NopCloser(body), Request: r}, nil
}

func (a answerUnderTest) header() http.Header {
	h := http.Header{}
	for line := range strings.Lines(a.headers) {
		if key, value, ok := strings.Cut(line, ":"); ok {
			h.Add(strings.TrimSpace(key), strings.TrimSpace(value))
		}
	}
	return h
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// complete says whether a whole answer within the bound arrives.
func (a answerUnderTest) complete() bool {
	return a.kind%endings == endsWell && len(a.body) <= maxResponse && a.status != 0
}

// success says, in other words than the client does, whether Cognito answers so after it has confirmed the user.
func (a answerUnderTest) success(fromAWS bool) bool {
	h := a.header()
	var object any
	err := json.Unmarshal(a.body, &object)
	members, isObject := object.(map[string]any)
	if !a.complete() || a.status != 200 || err != nil || !isObject || h.Values("x-amzn-errortype") != nil {
		return false
	}
	for name := range members {
		if regexp.MustCompile(`(?i)^(__type|code|message|errorType|errorMessage)$`).MatchString(name) {
			return false
		}
	}
	if fromAWS && h.Get("x-amzn-requestid") == "" || len(h.Values("Content-Type")) != 1 {
		return false
	}
	return regexp.MustCompile(`(?i)^\s*application/x-amz-json-1\.1\s*(;|$)`).MatchString(h.Get("Content-Type"))
}

// Whatever comes back: a success is a strict one, and a promise is kept.
func FuzzClassify(f *testing.F) {
	var under answerUnderTest
	transport := transportFunc(func(r *http.Request) (*http.Response, error) { return under.roundTrip(r) })
	clients := map[bool]*Client{false: fuzzClient(f, transport, "http://127.0.0.1:1"), true: fuzzClient(f, transport, "")}
	f.Add(uint8(endsWell), uint16(200), "Content-Type: application/x-amz-json-1.1\nX-Amzn-Requestid: 1", []byte("{}"), true)
	f.Add(uint8(endsWell), uint16(400), "Content-Type: application/x-amz-json-1.1", []byte(`{"__type":"NotAuthorizedException","message":"User cannot be confirmed. Current status is CONFIRMED"}`), false)
	f.Add(uint8(endsBeforeConnecting), uint16(0), "", []byte{}, true)
	f.Fuzz(func(t *testing.T, kind uint8, status uint16, headers string, body []byte, fromAWS bool) {
		under = answerUnderTest{kind: kind, status: int(status % 1000), headers: headers, body: body}
		for _, r := range []ConfirmSignUp{{}, {AllowConfirmed: true}, {Repeated: true}} {
			r.UserPoolID, r.Username = "us-east-1_EXAMPLE01", "canary-user"
			result, err := clients[fromAWS].ConfirmSignUp(context.WithoutCancel(t.Context()), r)
			if wrong := under.judge(r, result, err, fromAWS); wrong != "" {
				t.Errorf("%s: %+v became %+v, %v", wrong, under, result, err)
			}
		}
	})
}

// judge compares what the client claims with what was answered. It returns what is wrong, or nothing.
func (a answerUnderTest) judge(r ConfirmSignUp, result Result, err error, fromAWS bool) string {
	var e *Error
	switch {
	case err == nil && result.Attribution == ByThisCall:
		return wrongIf(!a.success(fromAWS), "a success that is not strict")
	case a.success(fromAWS):
		return "a strict success that failed"
	case err == nil:
		said := bytes.Contains(a.body, []byte("CONFIRMED")) || strings.Contains(a.headers, "CONFIRMED")
		return wrongIf(!r.AllowConfirmed || !a.complete() || a.status < 400 || !said && !bytes.Contains(a.body, []byte(`\u`)), "confirmed, and nobody said so")
	case !errors.As(err, &e):
		return "an error of another type"
	case r.Repeated:
		return wrongIf(e.Outcome != Unknown && e.Outcome != Applied, "a promise for an earlier sending")
	case (e.Outcome == NotSent) != (a.kind%endings == endsBeforeConnecting):
		return "the outcome is wrong about whether it was sent"
	case e.Outcome == NotApplied && (!a.complete() || a.status < 400):
		return "NOT_APPLIED without a refusal"
	case e.Outcome == NotApplied && (e.Cause > UnrecognizedException || slices.Contains(promisesNothing(), e.Cause)):
		return "NOT_APPLIED with a cause that promises nothing"
	case strings.Contains(err.Error(), "canary"):
		return "the error names the user"
	default:
		return ""
	}
}

func wrongIf(wrong bool, what string) string {
	if wrong {
		return what
	}
	return ""
}

// promisesNothing are the answers after which the user may be confirmed.
func promisesNothing() []Cause {
	return []Cause{LambdaRejected, LambdaFailed, LambdaResponseInvalid, InternalError, Unavailable, UnrecognizedException}
}

// "Confirmed already" is read from the status alone, and a status is a name that the text has after its marker.
func FuzzNotConfirmable(f *testing.F) {
	confirmedText := regexp.MustCompile(`Current status is CONFIRMED([^A-Z_]|$)`)
	statusText := regexp.MustCompile(`^[A-Z_]{1,64}$`)
	for _, message := range []string{
		"User cannot be confirmed. Current status is CONFIRMED", "User cannot be confirm. Current status is CONFIRMED.",
		"User cannot be confirmed. Current status is FORCE_CHANGE_PASSWORD", "User cannot confirm because user status is not UNCONFIRMED.",
		"User is disabled.", "Current status is UNCONFIRMED", "Current status is CONFIRMED_LATER", "Current status is . Current status is CONFIRMED", "",
	} {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message string) {
		cause, userStatus := notConfirmable(message)
		switch {
		case (cause == UserAlreadyConfirmed) != (userStatus == "CONFIRMED"):
			t.Errorf("%q: %s with the status %q", message, cause, userStatus)
		case cause == UserAlreadyConfirmed && !confirmedText.MatchString(message):
			t.Errorf("%q: taken for confirmed", message)
		case userStatus != "" && (!statusText.MatchString(userStatus) || !strings.Contains(message, "Current status is "+userStatus)):
			t.Errorf("%q: status %q", message, userStatus)
		case userStatus == "" && !slices.Contains([]Cause{NotAuthorized, UserDisabled, UserNotConfirmable}, cause):
			t.Errorf("%q: %s without a status", message, cause)
		}
		if cause, _ := notConfirmable("User cannot be confirmed. Current status is CONFIRMED. " + message); cause != UserAlreadyConfirmed {
			t.Errorf("%q behind the status made it %s", message, cause)
		}
	})
}

// What the exhaustive test leaves open: longer histories, and that neither the order of earlier attempts nor unsent ones
// among them change the claim.
func FuzzFold(f *testing.F) {
	f.Add([]byte{0}, false, false)
	f.Add([]byte{22, 4}, true, false)
	f.Add([]byte{12, 21, 22, 16, 0}, false, true)
	f.Fuzz(func(t *testing.T, kinds []byte, allow, repeated bool) {
		history, request := historyOf(kinds), request{goal: allow, repeated: repeated}
		if len(history) == 0 {
			return
		}
		checkPromises(t, history, request)
		want, last := told(folded(request, history)), len(history)-1
		if got := told(folded(request, append([]attempt{{cause: Unreachable}}, history...))); got != want {
			t.Errorf("%v: an unsent attempt before it made %s of %s", history, got, want)
		}
		earlier := slices.Clone(history[:last])
		slices.Reverse(earlier)
		cause := func(h []attempt) string {
			first, _, _ := strings.Cut(told(folded(request, h)), " ")
			return first
		}
		if got := cause(append(earlier, history[last])); got != cause(history) {
			t.Errorf("%v: the order of earlier attempts made %s of %s", history, got, want)
		}
	})
}

// historyOf is a history that the loop can make: up to ten attempts, all but the last repeatable.
func historyOf(kinds []byte) []attempt {
	var history []attempt
	for _, kind := range kinds[:min(len(kinds), 10)] {
		cause := Cause(kind % uint8(causes))
		a := attempt{cause: cause, sent: cause != Unreachable && kind < 128}
		if cause <= UnrecognizedException {
			a.sent, a.status = true, 400
		}
		if n := len(history); n > 0 && !history[n-1].cause.fact().repeat {
			break
		}
		history = append(history, a)
	}
	return history
}
