package fakecognito

import (
	"context"
	"sync"
	"time"
)

// The credentials that requests must be signed with, those of AWS's own examples.
const (
	DefaultAccessKeyID     = "AKIAIOSFODNN7EXAMPLE"
	DefaultSecretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

const (
	contentType        = "application/x-amz-json-1.1"
	targetPrefix       = "AWSCognitoIdentityProviderService."
	maxBody            = 1 << 20
	maxJournalBody     = 64 << 10 // of larger requests the journal leaves the client metadata out
	defaultJournalSize = 10_000
	usualEntry         = 1_600 // bytes; an entry without much client metadata takes less than half of it
)

// Config holds the settings of a server. The zero Config works.
type Config struct {
	// Region is the AWS Region; empty means us-east-1.
	Region string
	// Now is the clock of signatures, of the Date header and of the journal; nil means time.Now. It is called under the
	// server's lock, so it must not call the server.
	Now func() time.Time
	// NewRequestID makes the values of x-amzn-RequestId; nil means random UUIDs.
	NewRequestID func() string
	// Fault returns the fault of a request that ScriptUser has none for; the zero Fault is none. It must be safe for
	// concurrent use.
	Fault func(Request) Fault
	// JournalSize bounds the entries that the journal keeps; zero means 10,000.
	JournalSize int
	// JournalBytes bounds what those entries take; zero means 1,600 bytes for each, 16 MB by default.
	JournalBytes int
}

// Server is an embedded Cognito. It serves HTTP at the path "/". Its methods are safe for concurrent use.
type Server struct {
	config     Config
	operations map[string]operation
	// base is the context of triggers and late effects, which outlive the requests that they belong to.
	base   context.Context
	cancel context.CancelFunc

	mu       sync.Mutex // guards everything below; never held while something blocks
	pools    map[string]*pool
	clients  map[string]*pool // by the id of the app client
	scripts  map[userKey][]Fault
	journal  journal
	requests int
	working  int           // requests, late effects and triggers that are not over
	idle     chan struct{} // closed when working falls to 0
	closed   bool
}

// New returns a server without user pools.
func New(config Config) *Server {
	if config.Region == "" {
		config.Region = "us-east-1"
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	if config.NewRequestID == nil {
		config.NewRequestID = newUUID
	}
	if config.JournalSize <= 0 {
		config.JournalSize = defaultJournalSize
	}
	if config.JournalBytes <= 0 {
		config.JournalBytes = config.JournalSize * usualEntry
	}
	base, cancel := context.WithCancel(context.Background())
	s := &Server{
		config:     config,
		operations: map[string]operation{},
		base:       base,
		cancel:     cancel,
		pools:      map[string]*pool{},
		clients:    map[string]*pool{},
		scripts:    map[userKey][]Fault{},
		journal:    journal{size: config.JournalSize, maxBytes: config.JournalBytes},
	}
	for _, o := range operations() {
		s.operations[o.name] = o
	}
	return s
}

// Settle blocks until no request that has arrived can have an effect any more: until all are processed, those that are
// applied late included, and all triggers are over. It does not wait for requests that hang after they were processed.
func (s *Server) Settle() {
	for {
		s.mu.Lock()
		working, idle := s.working, s.idle
		s.mu.Unlock()
		if working == 0 {
			return
		}
		<-idle
	}
}

// Close cuts new requests off, ends those that hang, cancels the contexts of running triggers and then settles: late
// effects still happen.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.Settle()
}

// Requests returns the number of requests that have arrived.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// begin counts a request in, unless the server is closed.
func (s *Server) begin() (number int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, false
	}
	s.requests++
	s.hold()
	return s.requests, true
}

// hold counts a piece of work in. The lock is held.
func (s *Server) hold() {
	if s.working == 0 {
		s.idle = make(chan struct{})
	}
	s.working++
}

// end counts a piece of work out.
func (s *Server) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.working--
	if s.working == 0 {
		close(s.idle)
	}
}
