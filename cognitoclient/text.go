package cognitoclient

import (
	"slices"
	"strings"
	"unicode"
)

// triggers are Cognito's names of the Lambda triggers.
func triggers() []string {
	return []string{
		"PostConfirmation", "PreSignUp", "PreAuthentication", "PostAuthentication", "PreTokenGeneration", "CustomMessage",
		"UserMigration", "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "VerifyAuthChallenge",
		"CustomEmailSender", "CustomSMSSender", "InboundFederation",
	}
}

// triggerName is the trigger with whose name the message begins; empty if it begins with something else.
func triggerName(message string) string {
	end := strings.IndexFunc(message, func(r rune) bool { return !unicode.IsLetter(r) })
	if end < 0 {
		end = len(message)
	}
	if slices.Contains(triggers(), message[:end]) {
		return message[:end]
	}
	return ""
}

// violations reads an InvalidParameterException's message, one violation for each member and reason:
//
//	2 validation errors detected: Value '…' at 'userPoolId' failed to satisfy constraint: Member must …; Value at …
//
// Only the members given are reported: the text has values of the request, and keys of its maps in paths.
func violations(message string, members []string) []Violation {
	const (
		failed = "' failed to satisfy constraint: "
		at     = " at '"
	)
	afterCount := strings.TrimLeft(message, "0123456789")
	rest, ok := strings.CutPrefix(afterCount, " validation error")
	if !ok || len(afterCount) == len(message) {
		return nil
	}
	rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, "s"), " detected: ")
	var found []Violation
	for ok {
		var before string
		before, rest, ok = strings.Cut(rest, failed)
		start := strings.LastIndex(before, at)
		if !ok || start < 0 {
			continue
		}
		member, _, _ := strings.Cut(before[start+len(at):], ".")
		v := Violation{Member: member, Reason: constraint(rest)}
		if slices.Contains(members, member) && !slices.Contains(found, v) {
			found = append(found, v)
		}
	}
	return found
}

// constraint tells from the beginning of Cognito's sentence which kind of constraint the member violates.
func constraint(sentence string) string {
	for _, kind := range [...]struct{ sentence, reason string }{
		{"Member must not be null", "REQUIRED"},
		{"Member must have length greater than or equal to", "TOO_SHORT"},
		{"Member must have length less than or equal to", "TOO_LONG"},
		{"Member must satisfy regular expression pattern", "BAD_FORMAT"},
	} {
		if strings.HasPrefix(sentence, kind.sentence) {
			return kind.reason
		}
	}
	return "REFUSED"
}
