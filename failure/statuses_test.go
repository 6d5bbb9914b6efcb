package failure_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

var update = flag.Bool("update", false, "rewrite callers/testdata/statuses.json")

const statusesFile = "../callers/testdata/statuses.json"

// encoded is a status as it travels, and what every library of ours must read from it.
type encoded struct {
	Name    string `json:"name"`
	Code    uint32 `json:"code"`
	Message string `json:"message"`
	// Status is the content of grpc-status-details-bin.
	Status []byte  `json:"status,omitempty"`
	Want   reading `json:"want"`
}

// reading is what a library of ours says about a status, with the names of the schema and without their prefixes.
type reading struct {
	CodeName       string            `json:"code_name"`
	FromService    bool              `json:"from_service"`
	Reason         string            `json:"reason"`
	ReasonName     string            `json:"reason_name"`
	Outcome        string            `json:"outcome"`
	NotApplied     bool              `json:"not_applied"`
	Applied        bool              `json:"applied"`
	OutcomeUnknown bool              `json:"outcome_unknown"`
	Repeated       bool              `json:"repeated"`
	Retryable      bool              `json:"retryable"`
	RetryDelayMS   *int64            `json:"retry_delay_ms"`
	RequestID      string            `json:"request_id"`
	Message        string            `json:"message"`
	Violations     []violation       `json:"violations"`
	Metadata       map[string]string `json:"metadata"`
	Text           string            `json:"text"`
}

type violation struct {
	Field       string `json:"field"`
	Reason      string `json:"reason"`
	Description string `json:"description"`
}

func TestStatusesFile(t *testing.T) {
	var want bytes.Buffer
	encoder := json.NewEncoder(&want)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(statuses(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(statusesFile, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(statusesFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is stale: run go test ./failure -update", statusesFile)
	}
}

// TestOfStatuses has a server send every status of the shared file, so that grpc-go decodes it before package failure.
func TestOfStatuses(t *testing.T) {
	raw, err := os.ReadFile(statusesFile)
	if err != nil {
		t.Fatal(err)
	}
	var all []encoded
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		t.Run(c.Name, func(t *testing.T) {
			got, want := read(failure.Of(receive(t, c))), c.Want
			if c.Name == codeReplaced {
				// grpc-go replaces both code and message with its own.
				want.CodeName, want.Message, want.Text = "INTERNAL", got.Message, got.Text
			}
			if want.RetryDelayMS == nil {
				want.RetryDelayMS = new(int64)
			}
			*want.RetryDelayMS = min(*want.RetryDelayMS, time.Duration(math.MaxInt64).Milliseconds())
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

func read(f failure.Failure) reading {
	r := reading{
		CodeName: f.CodeName(), FromService: f.FromService,
		Reason: strings.TrimPrefix(f.Reason.String(), "ERROR_REASON_"), ReasonName: f.ReasonName,
		Outcome:    strings.TrimPrefix(f.Outcome.String(), "OUTCOME_"),
		NotApplied: f.NotApplied(), Applied: f.Applied(), OutcomeUnknown: f.OutcomeUnknown(),
		Repeated: f.Repeated(), Retryable: f.Retryable(),
		RequestID: f.RequestID, Message: f.Message, Violations: []violation{}, Metadata: f.Metadata, Text: f.String(),
	}
	delay := f.RetryDelay.Milliseconds()
	r.RetryDelayMS = &delay
	for _, v := range f.Violations {
		r.Violations = append(r.Violations, violation(v))
	}
	return r
}

// receive makes a call to a server that answers it with the encoded status.
func receive(t *testing.T, c encoded) error {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	srv := &http.Server{Protocols: protocols, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", strconv.FormatUint(uint64(c.Code), 10))
		w.Header().Set("Grpc-Message", url.PathEscape(c.Message))
		if c.Status != nil {
			w.Header().Set("Grpc-Status-Details-Bin", base64.RawStdEncoding.EncodeToString(c.Status))
		}
	})}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(lis)
	}()
	conn, err := grpc.NewClient("passthrough:///"+lis.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = conn.Close()
		_ = srv.Close()
		<-served
	}()
	_, err = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(t.Context(), request())
	return err
}
