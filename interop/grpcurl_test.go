//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/protobuf/encoding/protojson"

	"cognito.internal/useradmin/failure"
)

// grpcurl learns every type from the service's reflection, those of the details included, or from a descriptor set; each call
// is a process.
type grpcurl struct{ path, protoset string }

func newGrpcurl(t *testing.T) caller {
	t.Helper()
	return grpcurl{path: tool(t, "grpcurl")}
}

func (g grpcurl) call(t *testing.T, r request) answer {
	t.Helper()
	method, message := r.rpc()
	input, err := protojson.Marshal(message)
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-plaintext", "-v", "-format-error", "-max-msg-sz", "1048576", "-d", "@"}
	if g.protoset != "" {
		args = append(args, "-protoset", g.protoset)
	}
	if r.DeadlineMS > 0 {
		args = append(args, "-max-time", strconv.FormatFloat(float64(r.DeadlineMS)/1000, 'f', 3, 64))
	}
	if r.RequestID != "" {
		args = append(args, "-rpc-header", "x-request-id: "+r.RequestID)
	}
	for key, value := range r.Headers {
		args = append(args, "-rpc-header", key+": "+value)
	}
	cmd := exec.Command(g.path, append(r.identity.grpcurl(args), r.Address, serviceName+"/"+method)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if r.CancelMS > 0 {
		timer := time.AfterFunc(time.Duration(r.CancelMS)*time.Millisecond, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	a := answer{ID: r.ID, Code: "CANCELLED", Outcome: "UNKNOWN"}
	switch state := cmd.ProcessState.ExitCode(); {
	case state == 1 && strings.Contains(stderr.String(), "Failed to dial"):
		a.Code, a.Message = "no connection", stderr.String() // without a status
	case state >= 0:
		a, err = parseGrpcurl(stdout.String(), stderr.Bytes(), state)
	}
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, &stdout, &stderr)
	}
	a.Codes = map[string]int{a.Code: 1}
	return a
}

// grpcurlStatus is a google.rpc.Status in JSON with all the details that the service sends.
type grpcurlStatus struct {
	Code    int32  `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type            string            `json:"@type"`
		Reason          string            `json:"reason"`
		Domain          string            `json:"domain"`
		Metadata        map[string]string `json:"metadata"`
		RequestID       string            `json:"requestId"`
		RetryDelay      string            `json:"retryDelay"`
		FieldViolations []violation       `json:"fieldViolations"`
	} `json:"details"`
}

func parseGrpcurl(stdout string, stderr []byte, exit int) (answer, error) {
	a := answer{Code: "OK", FromService: true, Trailers: grpcurlTrailers(stdout)}
	if exit == 0 {
		var resp struct {
			Result string `json:"result"`
		}
		start, end := strings.Index(stdout, "{"), strings.LastIndex(stdout, "}")
		if start < 0 || end < start {
			return a, errors.New("no response in grpcurl's output")
		}
		err := json.Unmarshal([]byte(stdout[start:end+1]), &resp)
		a.Result = resp.Result
		return a, err
	}
	var s grpcurlStatus
	start := bytes.IndexByte(stderr, '{')
	if exit < 64 || start < 0 {
		return a, fmt.Errorf("grpcurl failed with exit code %d", exit)
	}
	if err := json.Unmarshal(stderr[start:], &s); err != nil {
		return a, err
	}
	a.Code, a.Message, a.Outcome, a.FromService = code.Code(s.Code).String(), s.Message, "UNKNOWN", false
	for _, d := range s.Details {
		a.Details = append(a.Details, lastPart(d.Type))
		switch lastPart(d.Type) {
		case "google.rpc.ErrorInfo":
			a.FromService, a.Reason, a.Metadata, a.Outcome = d.Domain == failure.Domain, d.Reason, d.Metadata, d.Metadata["outcome"]
		case "google.rpc.RequestInfo":
			a.RequestID = d.RequestID
		case "google.rpc.BadRequest":
			a.Violations = d.FieldViolations
		case "google.rpc.RetryInfo":
			delay, err := time.ParseDuration(d.RetryDelay)
			if err != nil {
				return a, err
			}
			ms := delay.Milliseconds()
			a.RetryDelayMS = &ms
		}
	}
	return a, nil
}

func grpcurlTrailers(stdout string) map[string]string {
	trailers := map[string]string{}
	_, after, _ := strings.Cut(stdout, "Response trailers received:")
	for line := range strings.Lines(after) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if key == "x-request-id" || key == "grpc-retry-pushback-ms" {
			trailers[key] = value
		}
	}
	return trailers
}
