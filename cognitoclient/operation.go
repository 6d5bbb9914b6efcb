package cognitoclient

import "iter"

// operation is what differs between Cognito's operations; the rest of the package is the same for all.
type operation struct {
	// name is Cognito's, for example AdminConfirmSignUp.
	name string
	// members are the request's, as Cognito's validation messages name them.
	members []string
	// readOnly operations never have an effect.
	readOnly bool
	// already is the cause by which Cognito says that it is so already; 0 if none does.
	already Cause
	// trigger is the Lambda trigger that Cognito runs after the effect; empty if none.
	trigger string
	// triggerBefore says that Cognito runs its triggers before the effect, so that their exceptions promise that there was
	// none.
	triggerBefore bool
	// refusal reads the message of a NotAuthorizedException: what it means, and the user's status if it names one. Nil
	// means NotAuthorized.
	refusal func(message string) (cause Cause, userStatus string)
}

// mayHaveApplied reports whether the attempt may have had its effect, or still may.
func (o *operation) mayHaveApplied(a attempt) bool {
	if o.readOnly {
		return false
	}
	switch a.cause.fact().applied {
	case maybe:
		return true
	case ifSent:
		return a.sent
	case unlessTriggerBefore:
		return !o.triggerBefore
	default:
		return false
	}
}

// triggerFailed reports whether the trigger that runs after the effect failed. The effect usually stands then; another
// attempt finds out.
func (o *operation) triggerFailed(a attempt) bool {
	return o.trigger != "" && a.trigger == o.trigger && a.cause.fact().applied == unlessTriggerBefore
}

// request is one call of an operation.
type request struct {
	// pool is the id of the user pool.
	pool string
	// members are Cognito's, to be encoded as JSON. An attempt encodes them when it has a slot: a waiting one costs no more
	// memory than its caller's message.
	members any
	// size is how many bytes of JSON the texts of the members become, or a few more.
	size int
	// id is our own id of the call.
	id string
	// goal makes it a success that it is so already.
	goal bool
	// repeated says that the call is marked as a repeat: its first sending may have had its effect.
	repeated bool
	// values are what must not be shown of the request.
	values iter.Seq[string]
}
