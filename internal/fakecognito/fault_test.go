package fakecognito_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/smithy-go"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestThrow(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, test := range []struct {
		name, message string
		status        int
	}{
		{"UserNotFoundException", "User does not exist.", 400},
		{"InternalErrorException", "Internal server error.", 500},
		{"SignatureDoesNotMatch", "does not match the signature you provided", 403},
		{"RequestLimitExceeded", "Request limit exceeded.", 503},
		{"serializationexception", "", 400},
		{"BrandNewException", "", 400},
	} {
		f.ScriptUser(poolID, "ada", fakecognito.Throw(test.name, ""))
		wantException(t, f.confirm("ada", nil), test.name, test.message, test.status)
	}
	if got := f.adasStatus(); got != fakecognito.StatusUnconfirmed {
		t.Errorf("status %s", got)
	}
	thrown := fakecognito.Throw("com.amazon.coral.service#InternalErrorException:http://internal", "odd\ntext")
	thrown.Effect = fakecognito.EffectNow
	f.ScriptUser(poolID, "ada", thrown)
	wantException(t, f.confirm("ada", nil), "InternalErrorException", "odd\ntext", http.StatusInternalServerError)
	if got := f.adasStatus(); got != fakecognito.StatusConfirmed {
		t.Errorf("status %s", got)
	}
}

func TestReasonCode(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	fault := fakecognito.Throw("InvalidParameterException", "")
	fault.Exception.ReasonCode = "CODE"
	f.ScriptUser(poolID, "ada", fault)
	err := f.confirm("ada", nil)
	if err == nil || !strings.Contains(err.Error(), "InvalidParameterException") {
		t.Fatal(err)
	}
	f.ScriptUser(poolID, "ada", fault)
	response, err := f.http.Do(f.raw(goodBody))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if !bytes.Contains(body, []byte(`"reasonCode":"CODE"`)) {
		t.Errorf("body %s", body)
	}
}

// noAnswer reports whether the connection ended before a whole response came. The transport has a different error for
// each thing that it was doing just then.
func noAnswer(err error) bool {
	for _, end := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE, net.ErrClosed} {
		if errors.Is(err, end) {
			return true
		}
	}
	return false
}

func TestFaults(t *testing.T) {
	deserialization := func(err error) bool {
		_, ok := errors.AsType[*smithy.DeserializationError](err)
		return ok
	}
	for _, test := range []struct {
		name    string
		fault   fakecognito.Fault
		want    func(error) bool
		applied bool
	}{
		{"none", fakecognito.None(), func(err error) bool { return err == nil }, true},
		{"zero", fakecognito.Fault{}, func(err error) bool { return err == nil }, true},
		{"expired", fakecognito.ExpiredCredentials(), func(err error) bool {
			e, ok := errors.AsType[smithy.APIError](err)
			return ok && e.ErrorCode() == "ExpiredTokenException"
		}, false},
		{"reset before", fakecognito.ResetBeforeReading(), noAnswer, false},
		{"reset after", fakecognito.ResetAfterProcessing(), noAnswer, true},
		{"slow", fakecognito.Slow(time.Millisecond), func(err error) bool { return err == nil }, true},
		{"truncated", fakecognito.Truncated(), noAnswer, true},
		{"HTML 200", fakecognito.HTML(200), deserialization, true},
		{"HTML 502", fakecognito.HTML(502), func(err error) bool { return err != nil }, true},
		{"empty", fakecognito.EmptyOK(), func(err error) bool { return err == nil }, true},
		{"no content", fakecognito.NoContent(), func(err error) bool { return err == nil }, true},
		{"redirect", fakecognito.Redirect("https://example.com/"), func(err error) bool {
			return err != nil && strings.Contains(err.Error(), "StatusCode: 307")
		}, false},
		{"late success", fakecognito.Fault{Effect: fakecognito.EffectLate, Late: time.Millisecond}, func(err error) bool { return err == nil }, true},
		{"empty promise", fakecognito.Fault{Effect: fakecognito.EffectNever}, func(err error) bool { return err == nil }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := start(t, fakecognito.Config{}, testPool())
			f.ScriptUser(poolID, "ada", test.fault)
			if err := f.confirm("ada", nil); !test.want(err) {
				t.Errorf("error %v", err)
			}
			if got := f.adasStatus() == fakecognito.StatusConfirmed; got != test.applied {
				t.Errorf("applied %t", got)
			}
			f.Settle()
		})
	}
}

func TestBodiesOfFaults(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, test := range []struct {
		fault       fakecognito.Fault
		status      int
		contentType string
	}{
		{fakecognito.HTML(503), 503, "text/html; charset=utf-8"},
		{fakecognito.EmptyOK(), 200, "application/x-amz-json-1.1"},
		{fakecognito.NoContent(), 204, ""},
		{fakecognito.Fault{Answer: fakecognito.AnswerBody, Body: "<p>"}, 200, ""},
	} {
		f.ScriptUser(poolID, "ada", test.fault)
		response, err := f.http.Do(f.raw(goodBody))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if response.StatusCode != test.status || response.Header.Get("Content-Type") != test.contentType ||
			response.Header.Get("X-Amzn-RequestId") != "" || string(body) != test.fault.Body {
			t.Errorf("want %d %q, got %d %v %q", test.status, test.contentType, response.StatusCode, response.Header, body)
		}
	}
}

func TestHugeBody(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	small := fakecognito.HugeBody()
	small.Size = 100_001
	f.ScriptUser(poolID, "ada", small, fakecognito.HugeBody(), fakecognito.HugeBody())
	for _, size := range []int64{small.Size, 64 << 20} {
		response, err := f.http.Do(f.raw(goodBody))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, response.Body)
		if err != nil || n != size || response.ContentLength >= 0 {
			t.Errorf("%d bytes, announced %d, %v", n, response.ContentLength, err)
		}
		_ = response.Body.Close()
	}
	response, err := f.http.Do(f.raw(goodBody)) // and a client that hangs up
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	f.Settle()
}

func TestFaultsOverTLSAndHTTP2(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		fake := fakecognito.New(fakecognito.Config{})
		if err := fake.AddPool(testPool()); err != nil {
			t.Fatal(err)
		}
		server := httptest.NewUnstartedServer(fake)
		server.EnableHTTP2 = http2
		server.StartTLS()
		fake.ScriptUser(poolID, "ada", fakecognito.ResetBeforeReading(), fakecognito.Truncated())
		client := newClient(server.URL, server.Client(), nil)
		for range 2 {
			_, err := client.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{
				UserPoolId: aws.String(poolID), Username: aws.String("ada"),
			})
			if _, ok := errors.AsType[smithy.APIError](err); err == nil || ok {
				t.Errorf("HTTP/2 %t: %v", http2, err)
			}
		}
		fake.Close()
		server.Close()
	}
}
