package server

import (
	"unicode/utf8"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// maxStatus bounds the serialized google.rpc.Status, since proxies and clients lose an error whose whole header
	// list is larger than 4 KiB.
	maxStatus = 2048
	// maxViolations is what a status keeps where its violations do not fit.
	maxViolations = 16
	// neverFits is a number of violations that nobody needs to try.
	neverFits = 32
)

// fit makes the status, without the parts for which it has no room.
func (s *Server) fit(f *failure) error {
	var part string
	if len(f.violations) > neverFits {
		part = s.cut(f, part)
	}
	p := f.status()
	for proto.Size(p) > maxStatus {
		if part = s.cut(f, part); part == "" {
			break
		}
		p = f.status()
	}
	return status.FromProto(p).Err()
}

// cut leaves out the next part and counts it, once in a row.
func (s *Server) cut(f *failure, before string) string {
	part := f.shrink()
	if part != "" && part != before {
		s.metrics.cut.WithLabelValues(part).Inc()
	}
	return part
}

// shrink leaves out the next part in the contract's fixed order and names it; "" means that none is left. ErrorInfo and
// RetryInfo are never touched.
func (f *failure) shrink() string {
	switch {
	case len(f.violations) > maxViolations:
		f.omit(len(f.violations) - maxViolations)
		return "violations"
	case len(f.violations) > 0 && !f.bare:
		f.bare = true
		return "descriptions"
	case f.cognito.TriggerError != "":
		f.cognito.TriggerError = cutRunes(f.cognito.TriggerError, len(f.cognito.TriggerError)/2)
		return "lambda_error"
	case len(f.violations) > 0:
		f.omit(1)
		return "violations"
	default:
		return ""
	}
}

func (f *failure) omit(n int) {
	f.omitted += n
	f.violations = f.violations[:len(f.violations)-n]
}

// cutRunes cuts the text to the limit in bytes, between two runes.
func cutRunes(text string, limit int) string {
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
