package fakecognito

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// call is one request at work.
type call struct {
	http     *http.Request
	request  Request
	received time.Time
	body     []byte
	input    input
	problem  *Exception // of the body, answered after all checks that go before it
	tooLarge bool       // so the body is not even looked at
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, ok := s.begin()
	if !ok {
		panic(http.ErrAbortHandler)
	}
	end := sync.OnceFunc(s.end)
	defer end()
	c := s.newCall(r, number)
	fault, early := s.cutEarly(c)
	if !early {
		if err := s.read(w, c); err != nil {
			panic(http.ErrAbortHandler)
		}
		fault = s.meet(c)
	}
	result := s.perform(c, fault)
	end()
	s.deliver(w, r, c, fault, result)
}

func (s *Server) newCall(r *http.Request, number int) *call {
	return &call{http: r, request: Request{
		Number:       number,
		ID:           s.config.NewRequestID(),
		Operation:    clip(strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)),
		InvocationID: clip(r.Header.Get("Amz-Sdk-Invocation-Id")),
		Attempt:      clip(r.Header.Get("Amz-Sdk-Request")),
		UserAgent:    clip(r.UserAgent()),
	}}
}

// clip bounds what the journal keeps. No value that passes the checks is so long.
func clip(text string) string {
	const longest = 4 * 128
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "")
	}
	return text
}

// cutEarly takes the fault of a request whose body is to be left unread.
func (s *Server) cutEarly(c *call) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.scripts.byNumber[c.request.Number]
	if !ok || f.Effect != EffectNever || f.Answer != AnswerReset || !f.concerns(c.request) {
		return Fault{}, false
	}
	delete(s.scripts.byNumber, c.request.Number)
	s.receive(c, f)
	return f, true
}

// read takes the body in and what can be known of the request from it.
func (s *Server) read(w http.ResponseWriter, c *call) error {
	past := time.Unix(1, 0)
	stop := context.AfterFunc(s.base, func() { // or Close would wait for a stalled client
		_ = http.NewResponseController(w).SetReadDeadline(past)
	})
	defer stop()
	body, err := io.ReadAll(io.LimitReader(c.http.Body, maxBody+1))
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	if c.tooLarge = len(body) > maxBody; c.tooLarge {
		return nil
	}
	c.body = body
	c.input, c.problem = decode(body)
	c.request.Username = clip(deref(c.input.username))
	c.request.PoolID = clip(deref(c.input.userPoolID))
	if len(body) <= maxJournalBody {
		c.request.ClientMetadata = c.input.clientMetadata
	}
	return nil
}

// meet writes down that the request has arrived and returns the fault that it meets.
func (s *Server) meet(c *call) Fault {
	f, ok := s.scripted(c)
	if !ok && s.config.Fault != nil {
		f = s.config.Fault(c.request.clone())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.receive(c, f)
	return f
}

// scripted takes the request's fault out of the scripts.
func (s *Server) scripted(c *call) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[c.request.PoolID]
	if c.request.Operation == opSignUp {
		if p = s.clients[deref(c.input.clientID)]; p != nil {
			c.request.PoolID = p.ID
		}
	}
	var canonical string
	if p != nil {
		if u := p.find(c.request.Username); u != nil {
			canonical = u.Username
		}
	}
	return s.scripts.next(c.request, canonical)
}

// receive writes down that the request has arrived. The lock is held.
func (s *Server) receive(c *call, f Fault) {
	c.received = s.now()
	s.journal.add(Entry{
		Time: c.received, Kind: KindReceived, Request: c.request,
		PoolID: c.request.PoolID, Fault: f.describe(),
	})
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
