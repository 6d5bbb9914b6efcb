package cognitoclient

import "slices"

// claim is what a call may claim: a result, or an error.
type claim struct {
	result Result
	err    *Error
}

// fold is what the call may claim after its attempts.
//
// As long as no earlier attempt may have had its effect, the last one decides. Once one may have had it, only a success,
// "it is so already" and another unknown stand: every other answer says nothing about the attempt whose response is
// missing. A failed trigger is decided before that: its attempt was answered, so no response is missing.
func fold(op *operation, r request, history []attempt) claim {
	last := history[len(history)-1]
	lost := slices.ContainsFunc(history[:len(history)-1], op.mayHaveApplied)
	already := op.already != 0 && last.cause == op.already
	switch {
	case last.cause == 0:
		return success(ByThisCall, history)
	case last.checksEffect && already:
		return failure(op, history, history[len(history)-2], Applied)
	case last.checksEffect:
		return failure(op, history, history[len(history)-2], Unknown)
	case already && (lost || r.goal && r.repeated):
		return success(Unattributed, history)
	case already && r.goal:
		return success(BeforeThisCall, history)
	}
	outcome := NotSent
	switch {
	case r.repeated && !op.readOnly, lost, op.mayHaveApplied(last):
		outcome = Unknown
	case sent(history) > 0:
		outcome = NotApplied
	}
	if lost && !last.cause.fact().stands {
		last.cause = ResponseLost
	}
	return failure(op, history, last, outcome)
}

func success(attribution Attribution, history []attempt) claim {
	return claim{result: Result{Attribution: attribution, Attempts: sent(history), RequestID: lastAnswer(history).requestID, History: made(history)}}
}

// failure is that of the attempt. Where it has no answer, what is known of Cognito's is from the last one that has.
func failure(op *operation, history []attempt, of attempt, outcome Outcome) claim {
	answer := of
	if answer.status == 0 {
		answer = lastAnswer(history)
	}
	e := &Error{
		Operation: op.name, Cause: of.cause, Outcome: outcome, Problem: of.problem,
		Exception: answer.exception, ReasonCode: answer.reasonCode, Violations: answer.violations, UserStatus: answer.userStatus,
		Trigger: answer.trigger, TriggerError: answer.triggerError, HTTPStatus: answer.status, RequestID: answer.requestID,
		Attempts: sent(history), History: made(history),
	}
	if outcome == Applied {
		e.UserStatus = history[len(history)-1].userStatus
	}
	return claim{err: e}
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

// made are the attempts that got a connection.
func made(history []attempt) []Attempt {
	n := sent(history)
	if n == 0 {
		return nil
	}
	all := make([]Attempt, 0, n)
	for _, a := range history {
		if a.sent {
			all = append(all, Attempt{Cause: a.cause, RequestID: a.requestID})
		}
	}
	return all
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
