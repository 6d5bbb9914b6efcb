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
	if inJSON := escaped(value); inJSON != value {
		m.token(text, inJSON)
	}
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
