package cognitoclient

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
)

const (
	requestIDHeader = "X-Amzn-Requestid"
	errorTypeHeader = "X-Amzn-Errortype"
	// maxToken bounds names and ids in responses, in bytes; whatever is longer is not one.
	maxToken = 64
)

// classify says what a complete response means.
func (c *Client) classify(op *operation, r request, resp response) attempt {
	a := attempt{sent: true, status: resp.status, requestID: identifier(resp.header.Get(requestIDHeader), "._:-")}
	if resp.status < http.StatusBadRequest {
		if !c.strictSuccess(resp) {
			a.cause, a.problem = ResponseLost, "not a response of Cognito"
		}
		return a
	}
	said, ok := readError(resp)
	if !ok {
		a.cause, a.problem = ResponseLost, "contradictory response"
		return a
	}
	known, found := c.exceptions[strings.ToLower(said.name)]
	switch {
	case found:
		a.exception, a.cause = known.name, known.cause
	case said.name == "":
		a.cause = statusCause(resp.status)
	default:
		a.exception = identifier(said.name, "_.")
		a.cause = namedCause(resp.status)
	}
	a.trigger = triggerName(said.message)
	if isTrigger := a.cause.fact().applied == unlessTriggerBefore; a.trigger != "" && !isTrigger {
		a.cause = UnrecognizedException // a trigger ran, whatever the exception is called
	}
	switch a.cause {
	case NotAuthorized:
		if op.refusal != nil {
			a.cause, a.userStatus = op.refusal(said.message)
		}
	case InvalidParameter:
		a.violations = violations(said.message, op.members)
		a.reasonCode = identifier(said.reasonCode, "_.-")
	case LambdaRejected:
		a.triggerError = triggerError(said.message, a.trigger, r.values)
	}
	return a
}

// namedCause is the cause of an exception that this package does not know. Only a 5xx status tells more about it.
func namedCause(status int) Cause {
	switch {
	case status == http.StatusInternalServerError:
		return InternalError
	case status > http.StatusInternalServerError:
		return Unavailable
	default:
		return UnrecognizedException
	}
}

// strictSuccess reports whether the response is one that Cognito gives after an effect. The SDK also reports success for
// empty bodies, HTML and error objects with the status 200.
func (c *Client) strictSuccess(resp response) bool {
	types := resp.header["Content-Type"]
	if resp.status != http.StatusOK || len(types) != 1 || strings.Contains(types[0], ",") || len(resp.header[errorTypeHeader]) > 0 {
		return false
	}
	mediaType, _, _ := strings.Cut(types[0], ";")
	return strings.EqualFold(strings.TrimSpace(mediaType), contentType) &&
		(resp.header.Get(requestIDHeader) != "" || !c.endpoint.aws) &&
		plainObject(resp.body)
}

// plainObject reports whether the text is a JSON object that says nothing of an error.
func plainObject(text []byte) bool {
	if bytes.Equal(text, []byte("{}")) {
		return true
	}
	all, err := members(text)
	if err != nil {
		return false
	}
	return !slices.ContainsFunc(all, func(m member) bool {
		return slices.ContainsFunc([]string{"__type", "code", "message", "errorType", "errorMessage"}, func(name string) bool {
			return strings.EqualFold(m.name, name)
		})
	})
}

// errorResponse is what an error response says.
type errorResponse struct{ name, message, reasonCode string }

// readError reads the exception's name from the header and the body. It reports false where they contradict each other:
// then somebody else has changed the response on its way.
func readError(resp response) (errorResponse, bool) {
	var names, messages distinct
	for _, value := range resp.header[errorTypeHeader] {
		names.add(restjson.SanitizeErrorCode(value))
	}
	all, err := members(resp.body)
	if err != nil && len(resp.body) > 0 {
		// The status of a proxy's page says what there is to say. A cut object, or a page under a header that names an
		// exception, may have said anything.
		return errorResponse{}, names.first == "" && !bytes.HasPrefix(bytes.TrimSpace(resp.body), []byte("{"))
	}
	var reasonCode string
	for _, m := range all {
		name := strings.ToLower(m.name)
		var text string
		if json.Unmarshal(m.value, &text) != nil {
			if name == "__type" || name == "message" {
				return errorResponse{}, false // what it said decides, and it can't be read
			}
			continue
		}
		switch name {
		case "__type", "code":
			names.add(restjson.SanitizeErrorCode(text))
		case "message":
			messages.add(text)
		case "reasoncode":
			reasonCode = text
		}
	}
	return errorResponse{names.first, messages.first, reasonCode}, !names.differ && !messages.differ
}

// distinct notes whether texts differ by more than case. Empty ones say nothing.
type distinct struct {
	first  string
	differ bool
}

func (d *distinct) add(text string) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
	case d.first == "":
		d.first = text
	case !strings.EqualFold(d.first, text):
		d.differ = true
	}
}

// member is one of a JSON object. A name may occur twice.
type member struct {
	name  string
	value json.RawMessage
}

// members returns those of a JSON object in their order; a map would hide one that occurs twice.
func members(text []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, errNotAnObject
	}
	var all []member
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.name, _ = name.(string)
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errNotAnObject
	}
	return all, nil
}

// identifier returns the text if it is short and has nothing but ASCII letters, digits and the marks, and otherwise nothing: it
// could be anybody's text.
func identifier(text, marks string) string {
	if len(text) > maxToken {
		return ""
	}
	for i := range len(text) {
		c := text[i]
		if alphanumeric := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'; !alphanumeric && strings.IndexByte(marks, c) < 0 {
			return ""
		}
	}
	return text
}
