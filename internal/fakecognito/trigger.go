package fakecognito

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"
)

const (
	triggerSource  = "PostConfirmation_ConfirmSignUp"
	triggerLimit   = 5 * time.Second
	triggerTries   = 3
	noClient       = "CLIENT_ID_NOT_APPLICABLE" // an administrator's request has no app client
	unknownSDK     = "aws-sdk-unknown-unknown"
	triggerName    = "PostConfirmation"
	unrecognizable = "Unrecognizable lambda output"
	invalidJSON    = "Invalid lambda function output : Invalid JSON"
)

// Trigger is a pool's PostConfirmation Lambda function. It runs after the user was
// confirmed, whether or not the client still waits. As with Lambda, what it returns
// is encoded as JSON, and it must be the event: an object with an object "response".
// An error of type InvocationError says that the function could not be run, any
// other error that the function refused.
//
// One run may take 5 seconds, after which its context ends; three runs that take
// too long fail the request. A trigger must return when its context ends.
type Trigger func(ctx context.Context, event Event) (any, error)

// InvocationError is a Trigger's way to say that the pool could not run it, such as
// InvocationError("AccessDeniedException").
type InvocationError string

// Error returns the name of what went wrong.
func (e InvocationError) Error() string { return string(e) }

// Event is what a trigger gets. It marshals to the JSON that Cognito sends.
type Event struct {
	Version       string        `json:"version"`
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext CallerContext `json:"callerContext"`
	TriggerSource string        `json:"triggerSource"`
	Request       EventRequest  `json:"request"`
	Response      struct{}      `json:"response"`
}

// CallerContext tells a trigger where the request came from.
type CallerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

// EventRequest is the part of an event that is about the user.
type EventRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// runTrigger runs the trigger for a user who has been confirmed.
func (s *Server) runTrigger(c *call, u user, trigger Trigger) *Exception {
	e := exception(unexpectedLambda, triggerName+" invocation failed due to error Socket timeout while invoking Lambda function.")
	for range triggerTries {
		s.noteTrigger(KindTriggered, c, u, "")
		got, inTime := s.invoke(trigger, s.event(c, u))
		if inTime {
			e = judge(got.out, got.err)
			break
		}
		if s.base.Err() != nil {
			break
		}
	}
	if e != nil {
		s.noteTrigger(KindTriggerFailed, c, u, e.Name)
	}
	return e
}

// noteTrigger writes an entry with the user as he is now, since others may have
// changed him while the trigger ran.
func (s *Server) noteTrigger(kind Kind, c *call, u user, exceptionName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now, err := s.lookUp(u.poolID, u.Sub); err == nil {
		u = *now
	} else {
		u.Status, u.Disabled = "", false
	}
	s.note(kind, c.request, &u, exceptionName)
}

type outcome struct {
	out any
	err error
}

// invoke runs the trigger once. What comes after the limit is lost.
func (s *Server) invoke(trigger Trigger, event Event) (got outcome, inTime bool) {
	ctx, cancel := context.WithTimeout(s.base, triggerLimit)
	defer cancel()
	s.mu.Lock()
	s.hold()
	s.mu.Unlock()
	result := make(chan outcome, 1)
	go func() {
		defer s.end()
		run := outcome{err: InvocationError("Runtime exited")} // stays after runtime.Goexit
		defer func() { result <- run }()
		run.out, run.err = trigger(ctx, event)
	}()
	select {
	case got = <-result:
		return got, ctx.Err() == nil
	case <-ctx.Done():
		return outcome{}, false
	}
}

// judge turns what a trigger gave into Cognito's exceptions.
func judge(out any, err error) *Exception {
	if failed, ok := errors.AsType[InvocationError](err); ok {
		return exception(unexpectedLambda, triggerName+" invocation failed due to error "+string(failed)+".")
	}
	if err != nil {
		return exception(userLambdaValidation, triggerName+" failed with error "+err.Error()+".")
	}
	text, err := json.Marshal(out)
	if err != nil {
		return exception(invalidLambda, invalidJSON)
	}
	var event members
	if json.Unmarshal(text, &event) != nil || !bytes.HasPrefix(event["response"], []byte("{")) {
		return exception(invalidLambda, unrecognizable)
	}
	return nil
}

// event describes the confirmation; each run of a trigger gets its own.
func (s *Server) event(c *call, u user) Event {
	attributes := maps.Clone(u.Attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["sub"] = u.Sub
	attributes["cognito:user_status"] = string(u.Status)
	return Event{
		Version:       "1",
		Region:        s.config.Region,
		UserPoolID:    u.poolID,
		UserName:      u.Username,
		CallerContext: CallerContext{AWSSDKVersion: sdkVersion(c.request.UserAgent), ClientID: noClient},
		TriggerSource: triggerSource,
		Request: EventRequest{
			UserAttributes: attributes,
			ClientMetadata: maps.Clone(c.input.clientMetadata),
		},
	}
}

// sdkVersion names the caller's SDK after the first product of its user agent.
func sdkVersion(userAgent string) string {
	product, _, _ := strings.Cut(userAgent, " ")
	name, version, ok := strings.Cut(product, "/")
	if !ok || !strings.HasPrefix(name, "aws-sdk-") || version == "" {
		return unknownSDK
	}
	return name + "-" + version
}
