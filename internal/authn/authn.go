// Package authn says who calls: by a client certificate (mTLS), or by what a sidecar says of one (XFCC).
package authn

import (
	"errors"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffeid"
)

// How a listener lets its callers prove who they are; --authn and the log have these names.
const (
	None = "none"
	MTLS = "mtls"
	XFCC = "xfcc"
)

// Identity is who calls.
type Identity struct {
	// Caller is the SPIFFE ID.
	Caller string
	// NotAfter is the time from which the verified chain proves nothing any more. It is zero where a sidecar verified it.
	NotAfter time.Time
}

// maxIDBytes is the most that SPIFFE lets an ID have.
const maxIDBytes = 2048

// CheckCaller says why the text cannot be a caller: it is not the SPIFFE ID of a workload, which has a path.
func CheckCaller(text string) error {
	if len(text) > maxIDBytes {
		return errTooLong
	}
	id, err := spiffeid.FromString(text)
	if err == nil && id.Path() == "" {
		return errNoPath
	}
	return err
}

var (
	errTooLong = errors.New("it has more than 2,048 bytes")
	errNoPath  = errors.New("it has no path")
)

func isCaller(text string) bool { return CheckCaller(text) == nil }
