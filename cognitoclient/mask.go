package cognitoclient

import (
	"bytes"
	"encoding/json"
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxTriggerError bounds what callers see of a trigger's text, in bytes.
	maxTriggerError = 512
	accountID       = 12 // digits
	mask            = "[masked]"
)

// triggerError is the text with which the trigger failed, fit for callers: without control characters, and with ARNs,
// account ids and the values masked.
func triggerError(message, trigger string, values iter.Seq[string]) string {
	text, ok := strings.CutPrefix(message, trigger+" failed with error ")
	if !ok || trigger == "" {
		return ""
	}
	text = strings.ToValidUTF8(strings.TrimSuffix(text, "."), "")
	// Masked twice: a control character may separate a value from the next word, and it may split a value, which is whole only
	// after the character is gone.
	text = masked(stripControls(masked(text, values)), values)
	return cut(strings.TrimSpace(text), maxTriggerError)
}

func masked(text string, values iter.Seq[string]) string {
	m := make(maskedBytes, len(text))
	m.arns(text)
	m.accountIDs(text)
	if values != nil {
		for value := range values {
			m.value(text, value)
		}
	}
	return m.apply(text)
}

// cut cuts the text to the limit in bytes, between two runes.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
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

// maskedBytes says which bytes of a text must not be shown. All kinds are found in the whole text before any is
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

// accountIDs masks twelve digits, also as the console shows them: 1234-5678-9012.
func (m maskedBytes) accountIDs(text string) {
	for i := 0; i < len(text); i++ {
		start := i
		for i < len(text) && digit(text[i]) {
			i++
		}
		switch {
		case i-start == accountID:
			m.mark(start, i)
		case i-start == accountID/3 && inGroups(text[start:]):
			m.mark(start, start+accountID+2)
		}
	}
}

// inGroups reports whether the text begins with three groups of four digits.
func inGroups(text string) bool {
	const length = accountID + 2
	if len(text) < length || len(text) > length && digit(text[length]) {
		return false
	}
	for i := range length {
		if i%5 == 4 && text[i] != '-' || i%5 != 4 && !digit(text[i]) {
			return false
		}
	}
	return true
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// value masks a value of the request, as it is and as triggers show it that throw JSON. The case of ASCII letters does not
// matter: many pools keep usernames in lower case.
func (m maskedBytes) value(text, value string) {
	if value == "" {
		return
	}
	text, value = lower(text), lower(value)
	m.token(text, value)
	if inJSON := escaped(value); inJSON != value {
		m.token(text, inJSON)
	}
}

// lower changes ASCII letters only, so that the text keeps its length.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// escaped is the value as it stands between the quotes of a JSON string.
func escaped(value string) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(value) != nil {
		return value
	}
	return strings.Trim(b.String(), "\n")[1 : b.Len()-2]
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
