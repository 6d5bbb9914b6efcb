package fakecognito

import (
	"net/http"
	"time"
)

// Effect says whether and when a request has its effect.
type Effect int

const (
	// EffectNow processes the request as if there were no fault.
	EffectNow Effect = iota
	// EffectNever drops the request: nothing is checked and nothing changes.
	EffectNever
	// EffectLate processes the request Fault.Late after it was received, whether or not the client still waits.
	EffectLate
)

// Answer says what the client of a request gets.
type Answer int

const (
	// AnswerReal sends the response that processing led to.
	AnswerReal Answer = iota
	// AnswerException sends Fault.Exception.
	AnswerException
	// AnswerBody sends Fault.Status, Fault.Header and Fault.Body, and nothing else.
	AnswerBody
	// AnswerReset cuts the connection, on TCP with a reset.
	AnswerReset
	// AnswerHang sends nothing until the client leaves or the server is closed.
	AnswerHang
	// AnswerTruncated sends the headers and half of the body of the real response, then cuts the connection.
	AnswerTruncated
	// AnswerHuge sends a success of Fault.Size bytes without announcing its length.
	AnswerHuge
)

const hugeSize = 64 << 20

// Fault makes a request go differently from what Cognito does when all is well. Its two halves are independent: the
// effect that the request has, and the answer that the client gets. The zero Fault is none. The functions below return
// the usual ones.
type Fault struct {
	// Effect says whether and when the request has its effect.
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
	// Size is the length of the body of AnswerHuge; zero means 64 MiB.
	Size int64
}

// None is a place in a script for a request without a fault.
func None() Fault { return Fault{} }

// Throw returns the exception of that name, with its usual message unless another one is given; the request has no
// effect. Set Effect to EffectNow for an exception that is returned although the request was processed.
func Throw(name, message string) Fault {
	return Fault{Effect: EffectNever, Answer: AnswerException, Exception: *exception(name, message)}
}

// ExpiredCredentials returns the exception of a session token that has expired.
func ExpiredCredentials() Fault { return Throw("ExpiredTokenException", "") }

// ResetBeforeReading cuts the connection; the request has no effect.
func ResetBeforeReading() Fault { return Fault{Effect: EffectNever, Answer: AnswerReset} }

// ResetAfterProcessing processes the request and then cuts the connection.
func ResetAfterProcessing() Fault { return Fault{Answer: AnswerReset} }

// ApplyLate cuts the connection now and processes the request after the delay.
func ApplyLate(delay time.Duration) Fault {
	return Fault{Effect: EffectLate, Late: delay, Answer: AnswerReset}
}

// HangAndApplyLate never answers, and processes the request after the delay.
func HangAndApplyLate(delay time.Duration) Fault {
	return Fault{Effect: EffectLate, Late: delay, Answer: AnswerHang}
}

// Hang never answers, and the request has no effect.
func Hang() Fault { return Fault{Effect: EffectNever, Answer: AnswerHang} }

// HangAfterProcessing processes the request and never answers.
func HangAfterProcessing() Fault { return Fault{Answer: AnswerHang} }

// Slow processes the request and sends the real response after the delay.
func Slow(delay time.Duration) Fault { return Fault{Wait: delay} }

// Truncated processes the request and sends half of the response.
func Truncated() Fault { return Fault{Answer: AnswerTruncated} }

// HTML processes the request and sends a page, as a proxy may.
func HTML(status int) Fault {
	return Fault{
		Answer: AnswerBody, Status: status,
		Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		Body:   "<!DOCTYPE html><html><body><h1>" + http.StatusText(status) + "</h1></body></html>\n",
	}
}

// EmptyOK processes the request and sends a 200 with an empty body.
func EmptyOK() Fault {
	return Fault{Answer: AnswerBody, Status: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}}
}

// NoContent processes the request and sends a 204.
func NoContent() Fault { return Fault{Answer: AnswerBody, Status: http.StatusNoContent} }

// Redirect sends the client to another address; the request has no effect.
func Redirect(location string) Fault {
	return Fault{
		Effect: EffectNever, Answer: AnswerBody, Status: http.StatusTemporaryRedirect,
		Header: http.Header{"Location": {location}},
	}
}

// HugeBody processes the request and sends a 200 with a JSON object of 64 MiB.
func HugeBody() Fault { return Fault{Answer: AnswerHuge} }

// describe names the fault for the journal; the zero Fault is empty.
func (f Fault) describe() string {
	if f.Effect == EffectNow && f.Wait == 0 && f.Answer == AnswerReal {
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
