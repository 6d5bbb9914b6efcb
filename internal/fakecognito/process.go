package fakecognito

import (
	"encoding/json"
	"mime"
	"net/http"
	"time"
)

// reply is the response to a request.
type reply struct {
	status    int
	body      []byte
	exception *Exception // nil for a success
}

// perform gives the request its effect; the reply comes through the channel.
func (s *Server) perform(c *call, f Fault) <-chan reply {
	replies := make(chan reply, 1)
	switch f.Effect {
	case EffectNever:
		replies <- success(empty{})
	case EffectLate:
		s.mu.Lock()
		s.hold()
		s.mu.Unlock()
		c.http = c.http.Clone(s.base) // the original is over when the handler returns
		go func() {
			defer s.end()
			time.Sleep(f.Late)
			replies <- s.process(c)
		}()
	default:
		replies <- s.process(c)
	}
	return replies
}

// process checks the request, carries it out and runs its trigger.
func (s *Server) process(c *call) reply {
	done, e := s.apply(c)
	if e == nil {
		e = s.runTrigger(c, done.trigger)
	}
	if e != nil {
		return failure(e)
	}
	return success(done.output)
}

func (s *Server) apply(c *call) (result, *Exception) {
	var done result
	e := s.check(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e == nil {
		done, e = c.input.apply(s, c)
	}
	if e != nil {
		_, u := s.lookUp(c.request.PoolID, c.request.Username)
		s.note(KindDenied, c.request, u, e.Name)
	}
	return done, e
}

// check checks what can be checked without looking at a pool, in AWS's order.
func (s *Server) check(c *call) *Exception {
	if e := route(c); e != nil {
		return e
	}
	if c.tooLarge {
		return exception(requestTooLarge, "")
	}
	if c.operation.signed {
		if e := s.authenticate(c); e != nil {
			return e
		}
	}
	if c.malformed != nil {
		return c.malformed
	}
	return c.input.validate()
}

// route refuses requests that are not for an operation.
func route(c *call) *Exception {
	media, _, err := mime.ParseMediaType(c.http.Header.Get("Content-Type"))
	if c.http.URL.Path != "/" || c.http.Method != http.MethodPost || err != nil || media != contentType {
		return &Exception{Name: unknownOperation, Status: http.StatusNotFound}
	}
	if c.operation == nil {
		return exception(unknownOperation, "")
	}
	return nil
}

func success(output any) reply {
	body, err := json.Marshal(output)
	if err != nil {
		panic(err) // the operations' own types always marshal
	}
	return reply{status: http.StatusOK, body: body}
}

func failure(e *Exception) reply {
	body, err := json.Marshal(struct {
		Type       string `json:"__type"`
		Message    string `json:"message,omitempty"`
		ReasonCode string `json:"reasonCode,omitempty"`
	}{e.Name, e.Message, e.ReasonCode})
	if err != nil {
		panic(err) // strings always marshal
	}
	status := e.Status
	if status == 0 {
		status = http.StatusBadRequest
	}
	return reply{status: status, body: body, exception: e}
}
