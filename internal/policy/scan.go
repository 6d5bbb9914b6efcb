package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The bounds of a policy's text. Cedar's parser and evaluator call themselves for each level of nesting.
const (
	maxRules     = 10_000
	maxRuleBytes = 64 << 10
	maxNesting   = 64
)

// refusal says what is wrong with a line of the text.
type refusal struct {
	line int
	text string
}

func (r *refusal) Error() string { return fmt.Sprintf("line %d: %s", r.line, r.text) }

func refuse(line int, format string, args ...any) error {
	return &refusal{line, fmt.Sprintf(format, args...)}
}

// token is a word, a number, a string with its quotes, or an operator.
type token struct {
	text   string
	offset int
	line   int
	column int // in characters, from 1
}

// source is the text of one rule, from its first token to its semicolon.
type source struct {
	text   string
	tokens []token
}

// scanner cuts the text into tokens as Cedar does: Cedar's own errors name no line for conditions, and its own scanner is
// internal.
type scanner struct {
	text   string
	at     int
	line   int
	column int
}

// next returns the next token; one without text is the end.
func (s *scanner) next() (token, error) {
	if err := s.passBlanks(); err != nil {
		return token{}, err
	}
	t := token{offset: s.at, line: s.line, column: s.column}
	if s.at == len(s.text) {
		return t, nil
	}
	n, err := s.length()
	if err != nil {
		return token{}, err
	}
	t.text = s.text[s.at : s.at+n]
	s.advance(n)
	return t, nil
}

// passBlanks passes over blanks and comments.
func (s *scanner) passBlanks() error {
	for s.at < len(s.text) {
		rest := s.text[s.at:]
		switch {
		case strings.IndexByte(" \t\r\n", rest[0]) >= 0:
			s.advance(1)
		case strings.HasPrefix(rest, "//"):
			if n := strings.IndexByte(rest, '\n'); n >= 0 {
				s.advance(n)
			} else {
				s.advance(len(rest))
			}
		case strings.HasPrefix(rest, "/*"):
			n := strings.Index(rest[2:], "*/")
			if n < 0 {
				return refuse(s.line, "the comment has no end: close it with */")
			}
			s.advance(n + 4)
		default:
			return nil
		}
	}
	return nil
}

// length is how many bytes the token has that begins here.
func (s *scanner) length() (int, error) {
	rest := s.text[s.at:]
	switch c := rest[0]; {
	case c == '"':
		return s.stringLength(rest)
	case wordByte(c):
		n := 1
		for n < len(rest) && wordByte(rest[n]) {
			n++
		}
		return n, nil
	case slices.Contains([]string{"::", "!=", "<=", ">=", "==", "||", "&&"}, rest[:min(2, len(rest))]):
		return 2, nil
	case strings.IndexByte("@.,;(){}[]+-*:!<>", c) >= 0:
		return 1, nil
	case strings.IndexByte("=|&", c) >= 0:
		return 0, refuse(s.line, "a single %c has no meaning: write %c%c", c, c, c)
	case c == '?':
		return 0, refuse(s.line, "templates (?principal, ?resource) have no meaning here: name the caller or the user pool")
	default:
		r, _ := utf8.DecodeRuneInString(rest)
		return 0, refuse(s.line, "the character %q has no meaning here: remove it, or put text into double quotes", r)
	}
}

func (s *scanner) stringLength(rest string) (int, error) {
	for i := 1; i < len(rest) && rest[i] != '\n'; i++ {
		switch rest[i] {
		case '"':
			return i + 1, nil
		case '\\':
			i++
		}
	}
	return 0, refuse(s.line, `the text in quotes has no end: close it with " on the same line`)
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func (s *scanner) advance(n int) {
	for _, r := range s.text[s.at : s.at+n] {
		s.column++
		if r == '\n' {
			s.line++
			s.column = 1
		}
	}
	s.at += n
}

// checkCharacters refuses what is no text.
func checkCharacters(text string) error {
	line := 1
	for i, r := range text {
		switch {
		case r == '\n':
			line++
		case r == 0:
			return refuse(line, "there is a NUL character: save the file as text in UTF-8")
		case r == '\ufeff' && i == 0:
			return refuse(line, "the file begins with a byte order mark: save it as UTF-8 without one")
		case r == utf8.RuneError && !strings.HasPrefix(text[i:], string(utf8.RuneError)):
			return refuse(line, "there is a character that is not UTF-8: save the file as UTF-8")
		}
	}
	return nil
}

// rule reads the tokens up to a semicolon, or up to the end; there are none after the last rule. It refuses what is too much for
// Cedar's parser.
func (s *scanner) rule() (source, error) {
	var tokens []token
	nesting := 0
	for {
		t, err := s.next()
		if err != nil {
			return source{}, err
		}
		if t.text != "" {
			tokens = append(tokens, t)
		}
		switch t.text {
		case "(", "[", "{", "if", "!", "-":
			nesting++
		case ")", "]", "}":
			nesting--
		}
		if nesting > maxNesting {
			return source{}, refuse(t.line, "the rule has more than %d open brackets, if, ! and -: write it as several rules", maxNesting)
		}
		if len(tokens) == 0 {
			return source{}, nil
		}
		if s.at-tokens[0].offset > maxRuleBytes {
			return source{}, refuse(tokens[0].line, "the rule that begins here has more than %d bytes: write it as several rules", maxRuleBytes)
		}
		if t.text == ";" || t.text == "" {
			return source{s.text[tokens[0].offset:s.at], tokens}, nil
		}
	}
}
