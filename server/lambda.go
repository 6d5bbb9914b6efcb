package server

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

const (
	defaultTrigger = "PostConfirmation"
	// maxLambdaError bounds what callers see of a trigger's text, in bytes.
	maxLambdaError = 512
	accountID      = 12 // digits
	mask           = "[masked]"
)

// triggers are Cognito's names of the Lambda triggers.
func triggers() [14]string {
	return [...]string{
		"PostConfirmation", "PreSignUp", "PreAuthentication", "PostAuthentication", "PreTokenGeneration", "CustomMessage",
		"UserMigration", "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "VerifyAuthChallenge",
		"CustomEmailSender", "CustomSMSSender", "InboundFederation",
	}
}

// triggerName is the trigger that Cognito's text begins with, from the fixed list: the text itself is not to be trusted.
func triggerName(message string) string {
	word, _, _ := strings.Cut(message, " ")
	if names := triggers(); slices.Contains(names[:], word) {
		return word
	}
	return defaultTrigger
}

// lambdaError is the text with which the trigger threw, fit for callers: without control characters, and with ARNs,
// account ids and what the request named masked.
func lambdaError(message string, req *useradminv1.ConfirmSignUpRequest) string {
	text, ok := strings.CutPrefix(message, triggerName(message)+" failed with error ")
	if !ok {
		return ""
	}
	text = strings.ToValidUTF8(strings.TrimSuffix(text, "."), "")
	masked := make(maskedBytes, len(text))
	masked.arns(text)
	masked.accountIDs(text)
	masked.value(text, req.GetUsername())
	for _, value := range req.GetClientMetadata() {
		masked.value(text, value)
	}
	// Control characters part words, so they go last.
	return cutRunes(strings.TrimSpace(stripControls(masked.apply(text))), maxLambdaError)
}

// stripControls drops control and invisible characters.
func stripControls(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.C, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, text)
}

// maskedBytes says which bytes of a text are not to be shown. All kinds are found in the whole text before any is
// replaced, so that one can't hide another.
type maskedBytes []bool

func (m maskedBytes) mark(start, end int) {
	for i := start; i < end; i++ {
		m[i] = true
	}
}

func (m maskedBytes) arns(text string) {
	for start := 0; ; {
		i := strings.Index(text[start:], "arn:")
		if i < 0 {
			return
		}
		start += i
		end := start
		for end < len(text) && text[end] > ' ' && strings.IndexByte("\"'`<>()[]{}", text[end]) < 0 {
			end++
		}
		if end > start+len("arn:") {
			m.mark(start, end)
		}
		start = end
	}
}

func (m maskedBytes) accountIDs(text string) {
	for i := 0; i < len(text); i++ {
		start := i
		for i < len(text) && '0' <= text[i] && text[i] <= '9' {
			i++
		}
		if i-start == accountID {
			m.mark(start, i)
		}
	}
}

// value masks a value of the request, as it is and as triggers show it that throw JSON.
func (m maskedBytes) value(text, value string) {
	if value == "" {
		return
	}
	m.token(text, value)
	if escaped := escape(value, len(text)); escaped != value && escaped != "" {
		m.token(text, escaped)
	}
}

// token masks the token wherever no letter or digit adjoins it.
func (m maskedBytes) token(text, value string) {
	for start, done := 0, 0; ; {
		i := strings.Index(text[start:], value)
		if i < 0 {
			return
		}
		start += i
		end := start + len(value)
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !partOfWord(before) && !partOfWord(after) {
			m.mark(max(start, done), end) // each byte once, or a trigger could make this quadratic
			done = end
		}
		_, width := utf8.DecodeRuneInString(text[start:])
		start += width
	}
}

func partOfWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

func (m maskedBytes) apply(text string) string {
	var b strings.Builder
	for i := range len(text) {
		switch {
		case !m[i]:
			b.WriteByte(text[i])
		case i == 0 || !m[i-1]:
			b.WriteString(mask)
		}
	}
	return b.String()
}
