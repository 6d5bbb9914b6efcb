package server

import (
	"context"

	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// Cognito is what the handlers call. Its errors are *cognitoclient.Error; any other counts as a bug.
type Cognito interface {
	ConfirmSignUp(ctx context.Context, r cognitoclient.ConfirmSignUp) (cognitoclient.Result, error)
}

// rpc is what differs between the RPCs of UserAdmin, beside their handlers.
type rpc struct {
	// name is the method's.
	name string
	// operation is Cognito's. Only tests read it: they look for it wherever it must be named, such as the IAM policy.
	operation string
	// quota is Cognito's category of the operation's request rate.
	quota string
	// unknown tells callers how to find out what became of a call whose outcome is unknown.
	unknown string
	// safe reports whether the request may be sent again as it is although its outcome is unknown.
	safe func(proto.Message) bool
	// target tells what the request is about.
	target func(req any) target
	// rows replace rows of the contract for this RPC.
	rows map[useradminv1.ErrorReason]row
}

// rpcs are those of UserAdmin, each in a file of its own.
func rpcs() []*rpc {
	return []*rpc{confirmSignUp()}
}

// row is the RPC's own row of the reason, or that of the contract.
func (r *rpc) row(contract []row, reason useradminv1.ErrorReason) *row {
	if r != nil {
		if own, ok := r.rows[reason]; ok {
			return &own
		}
	}
	return &contract[reason]
}

// repeatable reports whether the request may be sent again as it is although its outcome is unknown. A call that is not
// UserAdmin's changes nothing.
func (r *rpc) repeatable(req proto.Message) bool { return r == nil || r.safe(req) }
