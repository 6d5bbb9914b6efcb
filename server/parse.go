package server

import (
	"slices"
	"strings"
)

const (
	reasonTooShort = "TOO_SHORT"
	reasonRefused  = "REFUSED"
)

// parseInvalidParameter reads Cognito's text for values that it refuses, one violation for each field and reason:
//
//	2 validation errors detected: Value '…' at 'userPoolId' failed to satisfy constraint: Member must …; Value at …
//
// Nothing of the text is passed on: it has values of the request. Any other text gives nothing.
func parseInvalidParameter(message string) []violation {
	const (
		failed = "' failed to satisfy constraint: "
		at     = " at '"
	)
	count := strings.TrimLeft(message, "0123456789")
	rest, ok := strings.CutPrefix(count, " validation error")
	if !ok || len(count) == len(message) {
		return nil
	}
	rest, ok = strings.CutPrefix(strings.TrimPrefix(rest, "s"), " detected: ")
	var found []violation
	for ok {
		var before string
		before, rest, ok = strings.Cut(rest, failed)
		start := strings.LastIndex(before, at)
		if !ok || start < 0 {
			continue
		}
		field := protoField(before[start+len(at):])
		if field != "" {
			if v := constraint(field, rest); !slices.Contains(found, v) {
				found = append(found, v)
			}
		}
	}
	return found
}

// protoField is our name of Cognito's field; empty for those that our request does not have.
func protoField(path string) string {
	switch {
	case path == "userPoolId":
		return fieldUserPoolID
	case path == "username":
		return fieldUsername
	case path == fieldOfMetadata || strings.HasPrefix(path, fieldOfMetadata+"."):
		return fieldClientMetadata
	default:
		return ""
	}
}

const fieldOfMetadata = "clientMetadata"

// constraint tells from the beginning of Cognito's sentence what the field failed.
func constraint(field, sentence string) violation {
	v := violation{field: field}
	switch {
	case strings.HasPrefix(sentence, "Member must not be null"):
		return v.because(reasonRequired, "Cognito requires a value.")
	case strings.HasPrefix(sentence, "Member must have length greater than or equal to"):
		return v.because(reasonTooShort, "Cognito takes longer values only.")
	case strings.HasPrefix(sentence, "Member must have length less than or equal to"):
		return v.because(reasonTooLong, "Cognito takes shorter values only.")
	case strings.HasPrefix(sentence, "Member must satisfy regular expression pattern"):
		return v.because(reasonBadFormat, "Cognito takes values of another form only.")
	default:
		return v.because(reasonRefused, "Cognito does not take the value.")
	}
}
