package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const retryPolicy = `{"methodConfig": [{"name": [{}], "retryPolicy": {
	"maxAttempts": 4, "initialBackoff": "0.01s", "maxBackoff": "0.01s", "backoffMultiplier": 1,
	"retryableStatusCodes": ["UNAVAILABLE", "ABORTED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION"]}}]}`

// A client that retries more codes than it should shows that errors are Trailers-Only (else it could not retry at all),
// and that it obeys the pushback.
func TestRetries(t *testing.T) {
	for _, c := range []struct {
		cause      cognitoclient.Cause
		outcome    cognitoclient.Outcome
		allow      bool
		executions int32
		took       time.Duration
	}{
		// Without allow_confirmed the first repeat is marked, promises nothing and so ends the retries.
		{cognitoclient.Unreachable, cognitoclient.NotSent, false, 2, 160 * time.Millisecond},
		{cognitoclient.TooManyRequests, cognitoclient.NotApplied, false, 2, 800 * time.Millisecond},
		{cognitoclient.Unreachable, cognitoclient.NotSent, true, 4, 3 * 160 * time.Millisecond},
		{cognitoclient.TooManyRequests, cognitoclient.NotApplied, true, 4, 3 * 800 * time.Millisecond},
		{cognitoclient.ResponseLost, cognitoclient.Unknown, true, 4, 3 * 160 * time.Millisecond},
		{cognitoclient.UserDisabled, cognitoclient.NotApplied, false, 4, -1},
		{cognitoclient.ResponseLost, cognitoclient.Unknown, false, 1, 0},
		{cognitoclient.Unavailable, cognitoclient.Unknown, false, 1, 0},
		{cognitoclient.LimitExceeded, cognitoclient.NotApplied, false, 1, 0},
		{cognitoclient.TooManyFailedAttempts, cognitoclient.NotApplied, false, 1, 0},
		{cognitoclient.Stopping, cognitoclient.Unknown, false, 1, 0},
	} {
		t.Run(fmt.Sprint(c.cause, c.allow), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var executions, repeats atomic.Int32
				e := serve(t, confirming(func(_ context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
					executions.Add(1)
					if r.Repeated {
						repeats.Add(1)
					}
					if r.Repeated {
						return cognitoclient.Result{}, &cognitoclient.Error{Cause: c.cause, Outcome: cognitoclient.Unknown}
					}
					return cognitoclient.Result{}, &cognitoclient.Error{Cause: c.cause, Outcome: c.outcome}
				}), Config{Jitter: func() float64 { return 0 }}, grpc.WithDefaultServiceConfig(retryPolicy))
				req := validRequest()
				req.AllowConfirmed = c.allow
				start := time.Now()
				_, err := e.ConfirmSignUp(t.Context(), req)
				took := time.Since(start)
				if executions.Load() != c.executions || repeats.Load() != c.executions-1 {
					t.Errorf("%d executions, %d of them known as repeats", executions.Load(), repeats.Load())
				}
				if c.took >= 0 && took != c.took {
					t.Errorf("took %s, want %s", took, c.took)
				}
				if told := infoOf(t, err).GetMetadata()["repeated"]; told != fmt.Sprint(c.executions > 1) {
					t.Errorf("metadata %v", infoOf(t, err).GetMetadata())
				}
			})
		})
	}
}

// post sends one call by plain HTTP/2, with a message that is framed and encoded already.
func (e *edge) post(t *testing.T, encoding string, message []byte) (header, trailer http.Header) {
	t.Helper()
	var protocols http.Protocols
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &protocols, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return e.listener.DialContext(ctx)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	frame := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message))) //nolint:gosec // the messages are small
	if encoding != "" {
		frame[0] = 1
	}
	url := "http://bufconn" + useradminv1.UserAdmin_ConfirmSignUp_FullMethodName
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(append(frame, message...)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/grpc")
	req.Header.Set("Te", "trailers")
	if encoding != "" {
		req.Header.Set("Grpc-Encoding", encoding)
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if rest, err := io.ReadAll(resp.Body); err != nil || len(rest) > 0 {
		t.Fatalf("body %q, %v", rest, err)
	}
	return resp.Header, resp.Trailer
}

// An HTTP/2 client sees an error as one block of headers, of the size that the tests of the contract compute.
func TestErrorsAreTrailersOnly(t *testing.T) {
	failed := sampleError(cognitoclient.LambdaRejected, cognitoclient.Unknown)
	e := serve(t, failing(*failed), Config{NewRequestID: func() string { return "request-1" }})
	message, err := proto.Marshal(validRequest())
	if err != nil {
		t.Fatal(err)
	}
	header, trailer := e.post(t, "", message)
	got := len(":status") + len("200") + 32
	for key, values := range header {
		got += len(key) + len(strings.Join(values, ",")) + 32
	}
	s := newServer(t, succeeding(), Config{})
	computed := convertError(t, s, &record{requestID: "request-1"}, validRequest(), failed).headerList(t)
	if header.Get("Grpc-Status") != "9" || len(trailer) > 0 || got != computed {
		t.Errorf("a header list of %d bytes, computed were %d: %v, trailer %v", got, computed, header, trailer)
	}
}

// A gzip bomb is unpacked up to the limit and no further.
func TestGzipBomb(t *testing.T) {
	var member bytes.Buffer
	w := gzip.NewWriter(&member)
	_, err := w.Write(make([]byte, 1<<20))
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	bomb := bytes.Repeat(member.Bytes(), 64) // members in a row unpack to one stream
	e := serve(t, succeeding(), Config{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	header, _ := e.post(t, "gzip", bomb)
	runtime.ReadMemStats(&after)
	if got := header.Get("Grpc-Status"); got != "8" {
		t.Errorf("status %s: %s", got, header.Get("Grpc-Message"))
	}
	if spent := after.TotalAlloc - before.TotalAlloc; spent > 4<<20 {
		t.Errorf("a bomb of 64 MiB cost %d KiB", spent>>10)
	}
}

// The details of an expired call get home before the caller's own deadline cuts it.
func TestDeadlineGetsHome(t *testing.T) {
	for timeout, kept := range map[time.Duration]time.Duration{
		200 * time.Millisecond: 50 * time.Millisecond,
		500 * time.Millisecond: 50 * time.Millisecond,
		2 * time.Second:        200 * time.Millisecond,
		time.Minute:            time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			e := serve(t, waiting(nil), Config{})
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			start := time.Now()
			_, err := e.ConfirmSignUp(ctx, validRequest())
			if took := time.Since(start); took != timeout-kept {
				t.Errorf("a deadline of %s was spent in %s", timeout, took)
			}
			want(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "UNKNOWN")
		})
	}
}

func TestNoDeadlineGetsTheCallTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, waiting(nil), Config{})
		start := time.Now()
		_, err := e.ConfirmSignUp(t.Context(), validRequest())
		if took := time.Since(start); took != DefaultCallTimeout {
			t.Errorf("took %s", took)
		}
		want(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "UNKNOWN")
	})
}

// A connection that is told to go is cut after its grace, so no deadline gives a call more time than that.
func TestNoCallOutlivesTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, waiting(nil), Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		start := time.Now()
		_, err := e.ConfirmSignUp(ctx, validRequest())
		if took := time.Since(start); took != MaxCallTimeout || took >= connectionAgeGrace {
			t.Errorf("took %s", took)
		}
		want(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "UNKNOWN")
	})
}

func TestTooLittleTimeSendsNothing(t *testing.T) {
	for timeout, calls := range map[time.Duration]int32{
		60 * time.Millisecond: 0, 149 * time.Millisecond: 0, 150 * time.Millisecond: 1,
	} {
		synctest.Test(t, func(t *testing.T) {
			var called atomic.Int32
			e := serve(t, confirming(func(context.Context, cognitoclient.ConfirmSignUp) (cognitoclient.Result, error) {
				called.Add(1)
				return cognitoclient.Result{Attribution: cognitoclient.ByThisCall}, nil
			}), Config{})
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			_, err := e.ConfirmSignUp(ctx, validRequest())
			if called.Load() != calls {
				t.Errorf("%s: %d calls", timeout, called.Load())
			}
			if calls == 0 {
				want(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "NOT_SENT")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := make(chan struct{}, 1)
		e := serve(t, waiting(began), Config{})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		go func() {
			<-began
			cancel()
		}()
		if _, err := e.ConfirmSignUp(ctx, validRequest()); status.Code(err) != codes.Canceled {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if !strings.Contains(e.log.String(), `"code":"Canceled","reason":"CANCELLED"`) {
			t.Errorf("log %s", e.log)
		}
	})
}

func TestLateCancellationIsTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for left, cause := range map[time.Duration]cognitoclient.Cause{
			-time.Second: cognitoclient.DeadlineExceeded, 20 * time.Millisecond: cognitoclient.DeadlineExceeded, 21 * time.Millisecond: cognitoclient.Cancelled,
		} {
			ctx, cancel := context.WithTimeout(t.Context(), left)
			if got := lateCancellation(ctx, cognitoclient.Cancelled); got != cause {
				t.Errorf("%s before the deadline: %v", left, got)
			}
			if got := lateCancellation(ctx, cognitoclient.Stopping); got != cognitoclient.Stopping {
				t.Errorf("another end became %v", got)
			}
			cancel()
		}
		if got := lateCancellation(t.Context(), cognitoclient.Cancelled); got != cognitoclient.Cancelled {
			t.Errorf("without a deadline: %v", got)
		}
	})
}

// A repeat that ends before any attempt is still a repeat: its first sending may have had its effect.
func TestRepeatsThatNeverReachCognito(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := serve(t, succeeding(), Config{})
		ctx := metadata.AppendToOutgoingContext(t.Context(), repeatKey, "1")
		short, cancel := context.WithTimeout(ctx, 140*time.Millisecond)
		defer cancel()
		_, err := e.ConfirmSignUp(short, validRequest())
		want(t, err, codes.DeadlineExceeded, "DEADLINE_EXCEEDED", "UNKNOWN")
		e.halt(stopping{})
		_, err = e.ConfirmSignUp(ctx, validRequest())
		want(t, err, codes.Aborted, "SERVER_STOPPING", "UNKNOWN")
	})
}
