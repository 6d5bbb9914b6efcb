package audit

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"cognito.internal/useradmin/internal/conffile"
)

// minKeyBytes is what makes guessing the key hopeless; guessing a username is not, for who has the key.
const minKeyBytes = sha256.Size

// The decisions.
const (
	allowed = "allow"
	denied  = "deny"
)

// An intent that was written after its caller gave up gets its outcome at once: the call was not made.
const (
	reasonUnavailable = "AUDIT_UNAVAILABLE"
	outcomeNotSent    = "NOT_SENT"
)

// layout is RFC 3339 with milliseconds.
const layout = "2006-01-02T15:04:05.000Z07:00"

// ReadKey reads the key's file. All of its bytes are the key, a line break at the end too.
func ReadKey(path string) ([]byte, error) {
	key, err := conffile.File{Path: path, Secret: true}.Read()
	if err != nil {
		return nil, err
	}
	if len(key) < minKeyBytes {
		return nil, errors.New(path + ": " + errShortKey.Error())
	}
	return key, nil
}

var errShortKey = errors.New("the key of the audit log has less than 32 bytes: make one with openssl rand -hex 32")

// Hasher hides usernames: who has the key can find a user's lines, and nobody can read a name out of them.
type Hasher struct {
	macs  *sync.Pool
	keyID string
}

// mac is an HMAC with room for what goes in and comes out, since both would be allocated.
type mac struct {
	hash.Hash

	name, sum []byte
}

// NewHasher returns one for the key.
func NewHasher(key []byte) (Hasher, error) {
	if len(key) < minKeyBytes {
		return Hasher{}, errShortKey
	}
	h := Hasher{macs: &sync.Pool{New: func() any { return &mac{Hash: hmac.New(sha256.New, key)} }}}
	// No username has a NUL.
	h.keyID = string(h.append(nil, "\x00key id")[:8])
	return h, nil
}

// KeyID tells keys apart.
func (h Hasher) KeyID() string { return h.keyID }

// User returns what stands for the username: its HMAC-SHA-256 in hexadecimal digits.
func (h Hasher) User(name string) string { return string(h.append(nil, name)) }

func (h Hasher) append(b []byte, name string) []byte {
	m := h.macs.Get().(*mac) //nolint:forcetypeassert,errcheck // nothing else is in it
	defer h.macs.Put(m)
	m.Reset()
	m.name = append(m.name[:0], name...)
	_, _ = m.Write(m.name) // never fails
	m.sum = m.Sum(m.sum[:0])
	return hex.AppendEncode(b, m.sum)
}

// encoder makes lines.
type encoder struct {
	Hasher

	// process and count make ids. Callers choose request ids, so those can repeat.
	process string
	count   *atomic.Uint64
}

func newEncoder(key []byte) (encoder, error) {
	h, err := NewHasher(key)
	return encoder{Hasher: h, process: rand.Text()[:13] + "-", count: new(atomic.Uint64)}, err
}

func (e encoder) newID() string {
	var room [40]byte
	return string(strconv.AppendUint(append(room[:0], e.process...), e.count.Add(1), 10))
}

// call encodes what all lines of a call have.
func (e encoder) call(c Call) []byte {
	b := make([]byte, 0, 512)
	b = appendField(b, "caller", c.Caller)
	b = appendField(b, "authn", c.Authn)
	b = appendField(b, "method", c.Method)
	b = appendField(b, "pool", c.Pool)
	if c.Username != "" {
		b = append(b, `,"user":"`...)
		b = append(e.append(b, c.Username), '"')
		b = appendField(b, "key_id", e.keyID)
	}
	b = appendField(b, "request_id", c.RequestID)
	b = appendField(b, "rule", c.Rule)
	b = appendField(b, "policy", c.Policy)
	if c.Repeated {
		b = append(b, `,"repeated":true`...)
	}
	return b
}

func (encoder) intent(now time.Time, i *Intent) []byte {
	b := begin(now, intent, i.id, len(i.call))
	b = append(b, i.call...)
	b = appendField(b, "decision", allowed)
	return append(b, "}\n"...)
}

func (encoder) outcome(now time.Time, i *Intent, e End) []byte {
	b := begin(now, outcome, i.id, len(i.call)+128*(1+len(e.Attempts)))
	b = append(b, i.call...)
	b = appendField(b, "decision", allowed)
	b = appendField(b, "code", e.Code)
	b = appendField(b, "reason", e.Reason)
	b = appendField(b, "outcome", e.Outcome)
	for n, a := range e.Attempts {
		if n == 0 {
			b = append(b, `,"attempts":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"result":`...)
		b = appendText(b, a.Result)
		b = appendField(b, "cognito_request_id", a.RequestID)
		b = append(b, '}')
	}
	if len(e.Attempts) > 0 {
		b = append(b, ']')
	}
	return append(b, "}\n"...)
}

func (e encoder) denial(now time.Time, id string, c Call, reason string) []byte {
	call := e.call(c)
	b := begin(now, denial, id, len(call))
	b = append(b, call...)
	b = appendField(b, "decision", denied)
	b = appendField(b, "reason", reason)
	return append(b, "}\n"...)
}

// furtherDenials is the line of those that have none.
func (e encoder) furtherDenials(now, since time.Time, caller string, t *tally) []byte {
	b := begin(now, furtherDenials, e.newID(), 0)
	b = appendField(b, "caller", caller)
	b = appendField(b, "authn", t.authn)
	b = appendField(b, "decision", denied)
	b = append(b, `,"count":`...)
	b = strconv.AppendInt(b, int64(t.rest), 10)
	b = append(b, `,"since":"`...)
	b = since.UTC().AppendFormat(b, layout)
	return append(b, "\"}\n"...)
}

// lineStart is how every line begins.
const lineStart = `{"time":"`

func begin(now time.Time, e event, id string, room int) []byte {
	b := append(make([]byte, 0, 256+room), lineStart...)
	b = now.UTC().AppendFormat(b, layout)
	b = append(b, '"')
	b = appendField(b, "event", string(e))
	return appendField(b, "id", id)
}

// appendField appends a field; one without a value is left out.
func appendField(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(b, `,"`...)
	b = append(b, name...)
	b = append(b, `":`...)
	return appendText(b, value)
}

// appendText appends a JSON string. Nearly all are plain; encoding/json knows the rest.
func appendText(b []byte, value string) []byte {
	if plain(value) {
		b = append(b, '"')
		b = append(b, value...)
		return append(b, '"')
	}
	quoted, _ := json.Marshal(value) // never fails
	return append(b, quoted...)
}

func plain(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
