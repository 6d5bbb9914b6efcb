package cognitoclient

import "slices"

// fold is what a call may claim after its attempts. As long as no earlier attempt may have been applied, the last one
// decides. Once one may have been, only a success, a confirmed user or another unknown speaks for itself; every other
// answer says nothing about the attempt whose answer is missing.
func fold(history []attempt, r Request) (Result, error) {
	last := history[len(history)-1]
	lost := slices.ContainsFunc(history[:len(history)-1], attempt.mayHaveApplied)
	switch {
	case last.cause == 0:
		return result(Confirmed, history), nil
	case last.cause == UserAlreadyConfirmed && lost:
		return result(ConfirmedUnattributed, history), nil
	case last.cause == UserAlreadyConfirmed && r.AllowConfirmed && r.Repeated:
		return result(ConfirmedUnattributed, history), nil
	case last.cause == UserAlreadyConfirmed && r.AllowConfirmed:
		return result(AlreadyConfirmed, history), nil
	}
	cause := last.cause
	if lost && !speaksForItself(cause) {
		cause = ResponseLost
	}
	answer := lastAnswer(history)
	return Result{}, &Error{
		Cause:      cause,
		Outcome:    outcome(history, r),
		Exception:  answer.exception,
		Message:    answer.message,
		ReasonCode: answer.reasonCode,
		UserStatus: answer.userStatus,
		HTTPStatus: answer.status,
		RequestID:  answer.requestID,
		Attempts:   sent(history),
		Problem:    last.problem,
	}
}

// speaksForItself says whether the cause stands after an attempt that may have been applied: its outcome is unknown
// in any case, or it says why the call ended.
func speaksForItself(cause Cause) bool {
	switch cause {
	case LambdaRejected, LambdaFailed, LambdaResponseInvalid, InternalError, Unavailable, Cancelled, Stopping, Bug:
		return true
	default:
		return false
	}
}

func outcome(history []attempt, r Request) Outcome {
	switch {
	case slices.ContainsFunc(history, attempt.mayHaveApplied):
		return Unknown
	case r.Repeated && history[len(history)-1].cause == UserAlreadyConfirmed:
		return Unknown // the earlier try may have confirmed the user
	case sent(history) > 0:
		return NotApplied
	default:
		return NotSent
	}
}

func result(confirmation Confirmation, history []attempt) Result {
	return Result{Confirmation: confirmation, Attempts: sent(history), RequestID: lastAnswer(history).requestID}
}

func sent(history []attempt) int {
	n := 0
	for _, a := range history {
		if a.sent {
			n++
		}
	}
	return n
}

// lastAnswer is the last attempt that Cognito answered, or a zero one.
func lastAnswer(history []attempt) attempt {
	for _, a := range slices.Backward(history) {
		if a.status != 0 {
			return a
		}
	}
	return attempt{}
}
