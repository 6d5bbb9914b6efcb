package fakecognito

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The operations by their names in X-Amz-Target.
const (
	opAdminConfirmSignUp = "AdminConfirmSignUp"
	opAdminGetUser       = "AdminGetUser"
	opSignUp             = "SignUp"
)

// reply is what processing gives.
type reply struct {
	status    int
	body      []byte
	exception *Exception
}

// perform lets the request have its effect; the reply comes through the channel.
func (s *Server) perform(c *call, f Fault) <-chan reply {
	result := make(chan reply, 1)
	switch f.Effect {
	case EffectNever:
		result <- success(struct{}{})
	case EffectLate:
		s.mu.Lock()
		s.hold()
		s.mu.Unlock()
		c.http = c.http.Clone(s.base) // the original is over when the handler returns
		go func() {
			defer s.end()
			time.Sleep(f.Late)
			result <- s.process(c)
		}()
	default:
		result <- s.process(c)
	}
	return result
}

// process checks the request and carries it out.
func (s *Server) process(c *call) reply {
	if e := s.check(c); e != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.deny(c, nil, e)
	}
	switch c.request.Operation {
	case opAdminConfirmSignUp:
		return s.confirm(c)
	case opAdminGetUser:
		return s.get(c)
	default:
		return s.signUp(c)
	}
}

// check goes through all that can be told without looking at a pool.
func (s *Server) check(c *call) *Exception {
	if e := route(c.http); e != nil {
		return e
	}
	if c.tooLarge {
		return exception(requestTooLarge, "")
	}
	if c.request.Operation != opSignUp {
		if e := s.authenticate(c); e != nil {
			return e
		}
	}
	if c.problem != nil {
		return c.problem
	}
	if c.request.Operation == opSignUp {
		return validateSignUp(c.input)
	}
	return validateAdmin(c.input, c.request.Operation == opAdminConfirmSignUp)
}

// route tells whether the request is one that this service speaks.
func route(r *http.Request) *Exception {
	if r.URL.Path != "/" || r.Method != http.MethodPost {
		return &Exception{Name: unknownOperation, Status: http.StatusNotFound}
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != contentType {
		return &Exception{Name: unknownOperation, Status: http.StatusNotFound}
	}
	operation, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok || !slices.Contains([]string{opAdminConfirmSignUp, opAdminGetUser, opSignUp}, operation) {
		return exception(unknownOperation, "")
	}
	return nil
}

// deny notes that the request has no effect. The lock is held.
func (s *Server) deny(c *call, u *user, e *Exception) reply {
	s.note(KindDenied, c.request, u, e.Name)
	return failure(e)
}

func success(v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // only our own types come here
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

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
