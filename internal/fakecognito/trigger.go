package fakecognito

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"time"
)

const (
	triggerLimit = 5 * time.Second
	triggerTries = 3
)

// Trigger is a pool's Lambda function. As with Lambda, what it returns is encoded as JSON, and it must be the event: an
// object with an object "response". An error says that the function rejects the user.
//
// It runs whether or not the client still waits. One run may take 5 seconds, after which its context ends; three runs
// that take too long fail the request. A trigger must return when its context ends.
type Trigger func(ctx context.Context, event Event) (any, error)

// triggerRun is a trigger that an operation runs after its effect.
type triggerRun struct {
	name           string // as the texts of exceptions have it
	source         string // as the event has it
	clientID       string
	trigger        Trigger // nil means that there is nothing to run
	user           user    // as the operation left the user
	clientMetadata map[string]string
}

// invocation is how one run of a trigger ended.
type invocation struct {
	output any
	err    error
	exited bool // the function ended its process
}

// runTrigger returns nil if there is no trigger, or if it succeeded.
func (s *Server) runTrigger(c *call, run triggerRun) *Exception {
	if run.trigger == nil {
		return nil
	}
	e := run.notInvoked("Socket timeout while invoking Lambda function.")
	for range triggerTries {
		s.noteTrigger(KindTriggered, c, run, "")
		if got, inTime := s.invoke(run.trigger, s.event(c, run)); inTime {
			e = run.exception(got)
			break
		}
		if s.base.Err() != nil {
			break
		}
	}
	if e != nil {
		s.noteTrigger(KindTriggerFailed, c, run, e.Name)
	}
	return e
}

func (run triggerRun) notInvoked(reason string) *Exception {
	return exception(unexpectedLambda, run.name+" invocation failed due to error "+reason)
}

// exception is what Cognito returns after such a run; nil is a success.
func (run triggerRun) exception(got invocation) *Exception {
	if got.exited {
		return run.notInvoked("Runtime exited.")
	}
	if got.err != nil {
		return exception(userLambdaValidation, run.name+" failed with error "+got.err.Error()+".")
	}
	text, err := json.Marshal(got.output)
	if err != nil {
		return exception(invalidLambda, "Invalid lambda function output : Invalid JSON")
	}
	var event members
	if json.Unmarshal(text, &event) != nil || !bytes.HasPrefix(event["response"], []byte("{")) {
		return exception(invalidLambda, "Unrecognizable lambda output")
	}
	return nil
}

// noteTrigger writes an entry with the user's present state, since others may have changed it while the trigger ran.
func (s *Server) noteTrigger(kind Kind, c *call, run triggerRun, exceptionName string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := run.user
	if _, now := s.lookUp(u.poolID, u.Sub); now != nil {
		u = *now
	} else {
		u.Status, u.Disabled = "", false
	}
	s.note(kind, c.request, &u, exceptionName)
}

// invoke runs the trigger once. What it returns after the limit is lost.
func (s *Server) invoke(trigger Trigger, event Event) (got invocation, inTime bool) {
	ctx, cancel := context.WithTimeout(s.base, triggerLimit)
	defer cancel()
	s.mu.Lock()
	s.hold()
	s.mu.Unlock()
	ended := make(chan invocation, 1)
	go func() {
		defer s.end()
		run := invocation{exited: true} // what remains after runtime.Goexit
		defer func() { ended <- run }()
		output, err := trigger(ctx, event)
		run = invocation{output: output, err: err}
	}()
	select {
	case got = <-ended:
		return got, ctx.Err() == nil
	case <-ctx.Done():
		return invocation{}, false
	}
}

// event describes the user to the trigger; each run gets an event of its own.
func (s *Server) event(c *call, run triggerRun) Event {
	attributes := maps.Clone(run.user.Attributes)
	attributes["sub"] = run.user.Sub
	attributes["cognito:user_status"] = string(run.user.Status)
	return Event{
		Version:       "1",
		Region:        s.config.Region,
		UserPoolID:    run.user.poolID,
		UserName:      run.user.Username,
		CallerContext: CallerContext{AWSSDKVersion: sdkVersion(c.request.UserAgent), ClientID: run.clientID},
		TriggerSource: run.source,
		Request:       EventRequest{UserAttributes: attributes, ClientMetadata: maps.Clone(run.clientMetadata)},
	}
}
