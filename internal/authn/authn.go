// Package authn says who calls: by a client certificate (mTLS), or by what a sidecar says of one (XFCC).
package authn

import (
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

// IsCaller tells whether the text is the SPIFFE ID of a workload: one with a path, and no longer than SPIFFE allows.
func IsCaller(text string) bool {
	if len(text) > maxIDBytes {
		return false
	}
	id, err := spiffeid.FromString(text)
	return err == nil && id.Path() != ""
}
