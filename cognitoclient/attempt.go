package cognitoclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
)

// attempt is what is known about one try to call Cognito. The zero cause is a strict success.
type attempt struct {
	cause      Cause
	sent       bool // it got a connection
	status     int  // HTTP status of a complete answer, or 0
	exception  string
	message    string
	reasonCode string
	userStatus string
	requestID  string
	problem    string // why there is no answer
}

// mayHaveApplied says whether the attempt may have confirmed the user, or still may.
func (a attempt) mayHaveApplied() bool {
	switch a.cause {
	case ResponseLost, Unavailable, InternalError, LambdaRejected, LambdaFailed, LambdaResponseInvalid,
		UnrecognizedException, Bug:
		return true
	case DeadlineExceeded, Cancelled, Stopping:
		return a.sent
	default:
		return false
	}
}

// repeatable says whether another attempt can help. A Lambda exception, a quota and a refusal come again.
func (a attempt) repeatable() bool {
	switch a.cause {
	case TooManyRequests, Unreachable, InternalError, Unavailable, ResponseLost:
		return true
	default:
		return false
	}
}

// exchange is what the HTTP client and the credentials saw of one attempt. Error types can't tell whether a request
// was sent, so the connection itself is asked.
type exchange struct {
	connected     atomic.Bool
	noCredentials atomic.Bool
	dispatched    bool // it reached the HTTP client
	host          string
	status        int
	header        http.Header
	body          []byte
	problem       string
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	if ex, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return ex
	}
	return &exchange{}
}

func (c *Client) attempt(ctx context.Context, r Request) attempt {
	if cause := ended(ctx); cause != 0 {
		return attempt{cause: cause}
	}
	start := time.Now()
	ex := &exchange{}
	bounded, cancel := context.WithTimeout(context.WithValue(ctx, exchangeKey{}, ex), c.attemptTimeout)
	defer cancel()
	_, err := c.api.AdminConfirmSignUp(bounded, &cognitoidentityprovider.AdminConfirmSignUpInput{
		UserPoolId: &r.UserPoolID, Username: &r.Username, ClientMetadata: r.ClientMetadata,
	})
	a := c.classify(ctx, ex, err)
	c.onAttempt(a.cause, time.Since(start))
	return a
}

// classify turns what was seen into what is known. A complete answer counts even if the context ended meanwhile.
func (c *Client) classify(ctx context.Context, ex *exchange, err error) attempt {
	a := attempt{sent: ex.connected.Load(), status: ex.status, requestID: ex.header.Get(requestIDHeader), problem: ex.problem}
	switch {
	case ex.status != 0:
		c.classifyAnswer(&a, ex, err)
	case ended(ctx) != 0:
		a.cause = ended(ctx)
	case a.sent:
		a.cause = ResponseLost
	case ex.noCredentials.Load():
		a.cause, a.problem = CredentialsRefused, "no credentials"
	case ex.dispatched:
		a.cause = Unreachable
	default:
		a.cause, a.problem = Bug, "the SDK made no request"
	}
	return a
}

const requestIDHeader = "X-Amzn-Requestid"

func (c *Client) classifyAnswer(a *attempt, ex *exchange, err error) {
	if ex.status < 400 {
		if !ex.strictSuccess() {
			a.cause, a.problem = ResponseLost, "not an answer of Cognito's"
		}
		return
	}
	var apiErr smithy.APIError
	if errors.As(err, &apiErr) && apiErr.ErrorCode() != unnamedException {
		a.exception, a.message = apiErr.ErrorCode(), apiErr.ErrorMessage()
		a.cause = c.causeOf(a.exception)
	}
	var invalid *types.InvalidParameterException
	if errors.As(err, &invalid) {
		a.reasonCode = aws.ToString(invalid.ReasonCode)
	}
	switch {
	case a.cause != 0:
	case a.exception != "" && ex.status < 500:
		a.cause = UnrecognizedException // its name beats the HTTP status, and the name says nothing
	case a.exception != "" && ex.status == http.StatusNotImplemented:
		a.cause = Unavailable
	default:
		a.cause = statusCause(ex.status)
	}
	if a.cause == NotAuthorized {
		a.cause, a.userStatus = refusal(a.message)
	}
}

// unnamedException is what the SDK calls an error answer without a code.
const unnamedException = "UnknownError"

// strictSuccess says whether the answer is one that Cognito gives after it has confirmed the user. The SDK also
// reports success for empty bodies, HTML and error objects with the status 200.
func (ex *exchange) strictSuccess() bool {
	mediaType, _, _ := strings.Cut(ex.header.Get("Content-Type"), ";")
	return ex.status == http.StatusOK &&
		strings.EqualFold(strings.TrimSpace(mediaType), "application/x-amz-json-1.1") &&
		ex.header.Get("X-Amzn-Errortype") == "" &&
		(ex.header.Get(requestIDHeader) != "" || !awsHost(ex.host)) &&
		plainObject(ex.body)
}

// plainObject says whether the text is a JSON object that does not name an exception.
func plainObject(text []byte) bool {
	if bytes.Equal(text, []byte("{}")) {
		return true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return false
	}
	_, named := members["__type"]
	return !named
}
