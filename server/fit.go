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
	// hopeless is a number of violations that never fits, so that nobody tries.
	hopeless = 32
)

// fit makes the status, without what it is too small for.
func (s *Server) fit(v verdict, f *failure) error {
	var part string
	if len(f.violations) > hopeless {
		part = s.cut(f, part)
	}
	p := assemble(v, f)
	for proto.Size(p) > maxStatus {
		if part = s.cut(f, part); part == "" {
			break
		}
		p = assemble(v, f)
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
	case len(f.violations) > 0 && !f.terse:
		f.terse = true
		return "descriptions"
	case f.lambdaError != "":
		f.lambdaError = cutRunes(f.lambdaError, len(f.lambdaError)/2)
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
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
