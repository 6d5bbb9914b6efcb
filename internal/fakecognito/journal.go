package fakecognito

import (
	"maps"
	"slices"
	"time"
)

// Kind says what an entry of the journal is about.
type Kind string

const (
	// KindReceived is a request that arrived, before anything is checked. A request for an operation that does not exist
	// has no pool and no user.
	KindReceived Kind = "received"
	// KindConfirmed is the moment at which a request confirmed a user.
	KindConfirmed Kind = "confirmed"
	// KindSignedUp is the moment at which a request added a user.
	KindSignedUp Kind = "signed up"
	// KindRead is the moment at which a request read a user.
	KindRead Kind = "read"
	// KindDenied is a request that was refused with an exception and had no effect.
	KindDenied Kind = "denied"
	// KindTriggered is the start of one run of a pool's trigger.
	KindTriggered Kind = "triggered"
	// KindTriggerFailed is the failure of the trigger after a request confirmed a user.
	KindTriggerFailed Kind = "trigger failed"
	// KindAdded is a user added by a third party.
	KindAdded Kind = "added"
	// KindChanged is a user changed by a third party.
	KindChanged Kind = "changed"
	// KindDeleted is a user deleted by a third party.
	KindDeleted Kind = "deleted"
)

// Entry is one line of the journal. The entry of an effect is written at the very moment of the effect: no request and no
// reader of the journal comes between.
type Entry struct {
	// Seq numbers the entries from 1 without gaps, in the order of their moments.
	Seq int
	// Time is the moment by the server's clock.
	Time time.Time
	// Kind says what happened.
	Kind Kind
	// Request is the request that caused it; zero for what third parties do.
	Request Request
	// PoolID is the user pool, if one is known.
	PoolID string
	// Username is the user's own name, whatever alias the request used; empty if no such user exists.
	Username string
	// Sub tells a deleted user from a later one with the same name.
	Sub string
	// Status is the user's status after the moment, for KindDeleted the last one; empty if a trigger outlived its user.
	Status Status
	// Disabled says whether the user was disabled after the moment.
	Disabled bool
	// Exception names the exception of KindDenied and KindTriggerFailed.
	Exception string
	// Fault describes the fault of a received request.
	Fault string
}

// Request is what the journal and Config.Fault know of a request.
type Request struct {
	// Number counts the requests of the server from 1.
	Number int
	// ID is the response's x-amzn-RequestId.
	ID string
	// Operation is the name in X-Amz-Target, such as "AdminConfirmSignUp".
	Operation string
	// PoolID is the user pool that the request names, for SignUp that of its app client.
	PoolID string
	// Username is the username, alias or sub as the request has it.
	Username string
	// ClientMetadata is the request's; it is left out if the body exceeds 64 KiB.
	ClientMetadata map[string]string
	// UserAgent is the header User-Agent.
	UserAgent string
}

// clone makes r safe to give away.
func (r Request) clone() Request {
	r.ClientMetadata = maps.Clone(r.ClientMetadata)
	return r
}

// journal keeps the last entries, as many as its bounds allow. The server's lock guards it.
type journal struct {
	entries []Entry // oldest first
	written int
	bytes   int
	// size bounds the entries, maxBytes what they take.
	size, maxBytes int
}

func (j *journal) add(e Entry) {
	j.written++
	e.Seq = j.written
	j.entries = append(j.entries, e)
	j.bytes += e.bytes()
	for len(j.entries) > j.size || j.bytes > j.maxBytes {
		j.bytes -= j.entries[0].bytes()
		j.entries[0] = Entry{} // the array behind the slice would keep its texts
		j.entries = j.entries[1:]
	}
}

// bytes is about what the entry takes. Entries of one request share texts, which are counted for each.
func (e *Entry) bytes() int {
	const ownSize, pairSize = 512, 128 // a map takes up to so much for a pair of short texts
	r := &e.Request
	n := ownSize + len(r.ID) + len(r.Operation) + len(r.PoolID) + len(r.Username) + len(r.UserAgent) +
		len(e.PoolID) + len(e.Username) + len(e.Sub) + len(e.Exception) + len(e.Fault)
	for key, value := range r.ClientMetadata {
		n += pairSize + len(key) + len(value)
	}
	return n
}

// since returns copies of the kept entries after seq, oldest first.
func (j *journal) since(seq int) []Entry {
	gone := j.written - len(j.entries)
	out := slices.Clone(j.entries[min(max(seq-gone, 0), len(j.entries)):])
	for i := range out {
		out[i].Request = out[i].Request.clone()
	}
	return out
}

// Journal returns the journal, oldest entry first. It keeps the last entries, within Config.JournalSize and
// Config.JournalBytes; a first Seq other than 1 shows that older ones are gone.
func (s *Server) Journal() []Entry { return s.JournalSince(0) }

// JournalSince returns the entries of the journal whose Seq is greater than seq.
func (s *Server) JournalSince(seq int) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.journal.since(seq)
}

// note writes an entry about u, which may be nil. The lock is held.
func (s *Server) note(kind Kind, r Request, u *user, exceptionName string) {
	e := Entry{Time: s.config.Now(), Kind: kind, Request: r, PoolID: r.PoolID, Exception: exceptionName}
	if u != nil {
		e.PoolID, e.Username, e.Sub = u.poolID, u.Username, u.Sub
		e.Status, e.Disabled = u.Status, u.Disabled
	}
	s.journal.add(e)
}
