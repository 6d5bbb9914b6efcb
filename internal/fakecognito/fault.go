package fakecognito

import (
	"net/http"
	"time"
)

// Effect says what becomes of a request that meets a fault.
type Effect int

const (
	// EffectNow processes the request as if there were no fault.
	EffectNow Effect = iota
	// EffectNever drops the request: nothing is checked and nothing happens.
	EffectNever
	// EffectLate processes the request Fault.Late after it was received, whether or
	// not the client is still there.
	EffectLate
)

// Answer says what the client gets for a request that meets a fault.
type Answer int

const (
	// AnswerReal sends what processing gave.
	AnswerReal Answer = iota
	// AnswerException sends Fault.Exception.
	AnswerException
	// AnswerBody sends Fault.Status, Fault.Header and Fault.Body, and nothing that
	// they don't say.
	AnswerBody
	// AnswerReset cuts the connection, on TCP with a reset.
	AnswerReset
	// AnswerHang sends nothing until the client leaves or the server is closed.
	AnswerHang
	// AnswerTruncated sends the headers and half of the body of what processing gave,
	// then cuts the connection.
	AnswerTruncated
	// AnswerHuge sends a success of Fault.Size bytes without announcing its length.
	AnswerHuge
)

// HugeSize is the size of HugeBody's answer.
const HugeSize = 64 << 20

// Fault is a departure from what Cognito does when all is well. Its two halves are
// independent: the effect that the request has, and the answer that the client
// gets. The zero Fault is none. Fault has constructors for the usual ones.
type Fault struct {
	// Operation limits a scripted fault to one operation: a request for another one
	// neither meets nor uses it up. Empty means any operation.
	Operation string
	// Effect says what becomes of the request.
	Effect Effect
	// Late is the delay of EffectLate.
	Late time.Duration
	// Wait is the time between the processing and the answer.
	Wait time.Duration
	// Answer says what the client gets.
	Answer Answer
	// Exception is sent by AnswerException. Its zero Status means 400.
	Exception Exception
	// Status, Header and Body are sent by AnswerBody. A zero Status means 200.
	Status int
	// Header holds the headers of AnswerBody.
	Header http.Header
	// Body is the body of AnswerBody.
	Body string
	// Size is the length of the body of AnswerHuge; zero means HugeSize.
	Size int64

	// real asks for the zero Fault in a queue: one request without a fault.
	real bool
}

// IsZero reports whether f is no fault at all.
func (f Fault) IsZero() bool {
	return f.Operation == "" && f.Effect == EffectNow && f.Wait == 0 && f.Answer == AnswerReal && !f.real
}

// None is a place in a script for a request that meets no fault.
func None() Fault { return Fault{real: true} }

// Throw answers with the exception of that name, with the usual message unless
// another one is given; the request has no effect. Set Effect to EffectNow for an
// exception that comes although the request was processed.
func Throw(name, message string) Fault {
	return Fault{Effect: EffectNever, Answer: AnswerException, Exception: *exception(name, message)}
}

// ExpiredCredentials answers as AWS does when the session token has run out.
func ExpiredCredentials() Fault { return Throw("ExpiredTokenException", "") }

// ResetBeforeReading cuts the connection; the request has no effect. Where the
// fault is scripted by the request's number, the body is left unread.
func ResetBeforeReading() Fault { return Fault{Effect: EffectNever, Answer: AnswerReset} }

// ResetAfterProcessing processes the request and cuts the connection then.
func ResetAfterProcessing() Fault { return Fault{Answer: AnswerReset} }

// ApplyLate cuts the connection now and processes the request after the delay.
func ApplyLate(delay time.Duration) Fault {
	return Fault{Effect: EffectLate, Late: delay, Answer: AnswerReset}
}

// HangAndApplyLate lets the client wait and processes the request after the delay.
func HangAndApplyLate(delay time.Duration) Fault {
	return Fault{Effect: EffectLate, Late: delay, Answer: AnswerHang}
}

// Hang never answers, and the request has no effect.
func Hang() Fault { return Fault{Effect: EffectNever, Answer: AnswerHang} }

// HangAfterProcessing processes the request and never answers.
func HangAfterProcessing() Fault { return Fault{Answer: AnswerHang} }

// Slow processes the request and gives the real answer after the delay.
func Slow(delay time.Duration) Fault { return Fault{Wait: delay} }

// Truncated processes the request and cuts the answer in half.
func Truncated() Fault { return Fault{Answer: AnswerTruncated} }

// HTML processes the request and answers with a page, as a proxy may.
func HTML(status int) Fault {
	return Fault{
		Answer: AnswerBody, Status: status,
		Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body:   "<!DOCTYPE html><html><body><h1>" + http.StatusText(status) + "</h1></body></html>\n",
	}
}

// EmptyOK processes the request and answers 200 with an empty body.
func EmptyOK() Fault {
	return Fault{Answer: AnswerBody, Status: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}}
}

// NoContent processes the request and answers 204.
func NoContent() Fault { return Fault{Answer: AnswerBody, Status: http.StatusNoContent} }

// Redirect sends the client to another address; the request has no effect.
func Redirect(location string) Fault {
	return Fault{
		Effect: EffectNever, Answer: AnswerBody, Status: http.StatusTemporaryRedirect,
		Header: http.Header{"Location": {location}},
	}
}

// HugeBody processes the request and answers 200 with a JSON object of 64 MiB.
func HugeBody() Fault { return Fault{Answer: AnswerHuge} }

// describe names the fault for the journal.
func (f Fault) describe() string {
	if f.IsZero() || f.real {
		return ""
	}
	effects := [...]string{"now", "never", "late"}
	answers := [...]string{"real", "exception", "body", "reset", "hang", "truncated", "huge"}
	text := "effect " + nth(effects[:], int(f.Effect)) + ", answer " + nth(answers[:], int(f.Answer))
	if f.Answer == AnswerException {
		text += " " + f.Exception.Name
	}
	return text
}

func nth(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "unknown"
	}
	return names[i]
}

// scripts holds the faults that wait for their requests. The server's lock guards it.
type scripts struct {
	byNumber map[int]Fault
	byUser   map[userKey][]Fault
}

type userKey struct{ poolID, name string }

// next takes the fault of a request out of the scripts: that of its number first,
// then that of the user it names.
func (s *scripts) next(r Request, canonical string) (Fault, bool) {
	if f, ok := s.byNumber[r.Number]; ok && f.concerns(r) {
		delete(s.byNumber, r.Number)
		return f, true
	}
	for _, name := range []string{canonical, r.Username} {
		key := userKey{r.PoolID, name}
		queue := s.byUser[key]
		if len(queue) == 0 || !queue[0].concerns(r) {
			continue
		}
		if len(queue) == 1 {
			delete(s.byUser, key)
		} else {
			s.byUser[key] = queue[1:]
		}
		return queue[0], true
	}
	return Fault{}, false
}

func (f Fault) concerns(r Request) bool { return f.Operation == "" || f.Operation == r.Operation }
