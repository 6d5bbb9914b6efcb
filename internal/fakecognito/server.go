package fakecognito

import (
	"context"
	"sync"
	"time"
)

// The credentials that are accepted where Config names none, those of AWS's own examples.
const (
	DefaultAccessKeyID     = "AKIAIOSFODNN7EXAMPLE"
	DefaultSecretAccessKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

const (
	contentType        = "application/x-amz-json-1.1"
	targetPrefix       = "AWSCognitoIdentityProviderService."
	maxBody            = 1 << 20
	maxJournalBody     = 64 << 10 // larger requests leave their client metadata out of the journal
	defaultJournalSize = 10_000
)

// Config holds the settings of a server. The zero Config works.
type Config struct {
	// AccessKeyID and SecretAccessKey are the credentials that requests must be signed
	// with. Empty means DefaultAccessKeyID and DefaultSecretAccessKey.
	AccessKeyID string
	// SecretAccessKey belongs to AccessKeyID.
	SecretAccessKey string
	// SessionToken, where set, must come with every signed request.
	SessionToken string
	// Region is the AWS Region; empty means us-east-1.
	Region string
	// Now is the clock of signatures, quotas and the journal; nil means time.Now. It is
	// called under the server's lock, so it must not call the server.
	Now func() time.Time
	// NewRequestID makes the values of x-amzn-RequestId; nil means random UUIDs.
	NewRequestID func() string
	// Fault is asked for the fault of a request for which none is scripted; the zero
	// Fault is none. It must be safe for concurrent use.
	Fault func(Request) Fault
	// JournalSize bounds the entries that the journal keeps; zero means 10,000.
	JournalSize int
}

// Server is an embedded Cognito. It serves HTTP at the path "/". Its methods are
// safe for concurrent use.
type Server struct {
	config Config
	base   context.Context // of triggers: they outlive the requests they are run for
	cancel context.CancelFunc

	mu       sync.Mutex // guards all below; never held while something blocks
	pools    map[string]*pool
	clients  map[string]*pool
	scripts  scripts
	journal  journal
	requests int
	working  int           // requests, late effects and triggers that are not over
	idle     chan struct{} // closed when working falls to 0
	closed   bool
}

// New returns a server without user pools.
func New(config Config) *Server {
	if config.AccessKeyID == "" {
		config.AccessKeyID, config.SecretAccessKey = DefaultAccessKeyID, DefaultSecretAccessKey
	}
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
	base, cancel := context.WithCancel(context.Background())
	return &Server{
		config:  config,
		base:    base,
		cancel:  cancel,
		pools:   map[string]*pool{},
		clients: map[string]*pool{},
		scripts: scripts{byNumber: map[int]Fault{}, byUser: map[userKey][]Fault{}},
		journal: journal{size: config.JournalSize},
	}
}

// Settle blocks until no request that has arrived can have an effect any more:
// until all are processed, those that land late included, and all triggers are over.
// Requests that hang after they were processed don't count.
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

// Close cuts new requests off, ends those that hang, cancels the contexts of
// running triggers and then settles: requests that land late still land.
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

// ScriptUser queues faults for the next requests that name the user of that pool:
// one request, one fault. A request finds the queue under the user's own name,
// whatever alias it uses, or under the name as the request has it.
func (s *Server) ScriptUser(poolID, username string, faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pools[poolID]; p != nil {
		if u := p.find(username); u != nil {
			username = u.Username
		}
	}
	key := userKey{poolID, username}
	s.scripts.byUser[key] = append(s.scripts.byUser[key], faults...)
}

// ScriptRequest sets the fault of the server's n-th request, counted from 1. It
// goes before the faults of the request's user and leaves those waiting.
func (s *Server) ScriptRequest(n int, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts.byNumber[n] = f
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

// now is the server's clock. The lock is held wherever the order of times matters.
func (s *Server) now() time.Time { return s.config.Now() }
