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

// call is one request under way.
type call struct {
	http      *http.Request
	request   Request
	received  time.Time
	operation *operation // nil for one that does not exist
	input     input      // nil without an operation or with a body that is too large
	body      []byte
	tooLarge  bool
	malformed *Exception // the body's problem; it is reported after everything that is checked before the body
}

// ServeHTTP serves one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	number, ok := s.begin()
	if !ok {
		panic(http.ErrAbortHandler)
	}
	end := sync.OnceFunc(s.end)
	defer end()
	c := s.newCall(r, number)
	if err := s.read(w, c); err != nil {
		panic(http.ErrAbortHandler)
	}
	fault := s.receive(c)
	replies := s.perform(c, fault)
	end() // what follows has no effect on users
	s.deliver(w, r, c, fault, replies)
}

func (s *Server) newCall(r *http.Request, number int) *call {
	target := r.Header.Get("X-Amz-Target")
	c := &call{http: r, request: Request{
		Number:    number,
		ID:        s.config.NewRequestID(),
		Operation: clip(strings.TrimPrefix(target, targetPrefix)),
		UserAgent: clip(r.UserAgent()),
	}}
	if name, ok := strings.CutPrefix(target, targetPrefix); ok {
		if o, known := s.operations[name]; known {
			c.operation = &o
		}
	}
	return c
}

// clip bounds what the journal keeps of a text. No valid username or user pool id is longer.
func clip(text string) string {
	const longest = 4 * 128
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "")
	}
	return text
}

// read reads the body and decodes it.
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
	if c.operation != nil {
		d := newDecoder(body)
		c.input = c.operation.decode(d)
		c.malformed = d.problem
	}
	return nil
}

// receive writes into the journal that the request has arrived, and returns its fault.
func (s *Server) receive(c *call) Fault {
	s.mu.Lock()
	if c.input != nil {
		about := c.input.subject(s)
		c.request.PoolID, c.request.Username = clip(about.poolID), clip(about.username)
		if len(c.body) <= maxJournalBody {
			c.request.ClientMetadata = about.clientMetadata
		}
	}
	fault, ok := s.scripted(c.request)
	s.mu.Unlock()
	if !ok && s.config.Fault != nil {
		fault = s.config.Fault(c.request.clone())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c.received = s.config.Now()
	s.journal.add(Entry{
		Time: c.received, Kind: KindReceived, Request: c.request, PoolID: c.request.PoolID, Fault: fault.describe(),
	})
	return fault
}

func newUUID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
