package schema

import (
	"regexp"
	"slices"
	"strings"
)

// Reason is a value of ErrorReason with what its comment says. Each text but More is one line. Backquotes are kept.
// What the comment does not say is empty.
type Reason struct {
	// Name has no prefix.
	Name string
	// Meaning is the first paragraph. The message of a status begins with it.
	Meaning string
	// More is what follows, up to the labels, with a blank line between paragraphs.
	More string
	// The texts behind the labels Code, Details, Metadata and Outcome.
	Code, Details, Metadata, Outcomes string
	// Actions are the texts of the labels that begin with `Do`.
	Actions []Action
}

// Action is what the caller should do after certain outcomes.
type Action struct {
	Outcomes []string
	Text     string
}

// parseReason reads the comment of a reason. A `Do` without outcomes is for those under `Outcome`.
func parseReason(value Value) Reason {
	text, notes := parseComment(value.Comment)
	meaning, more, _ := strings.Cut(text, "\n\n")
	r := Reason{Name: value.Name, Meaning: oneLine(meaning), More: more}
	for _, n := range notes {
		switch n.label {
		case "Code":
			r.Code = n.text
		case "Details":
			r.Details = n.text
		case "Metadata":
			r.Metadata = n.text
		case "Outcome":
			r.Outcomes = n.text
		case "Do":
			outcomes := capitals(n.qualifier)
			if n.qualifier == "" {
				outcomes = r.OutcomeNames()
			}
			r.Actions = append(r.Actions, Action{outcomes, n.text})
		}
	}
	return r
}

// Message returns the message of a status with this reason and outcome, without backquotes: the meaning, then what to
// do.
//
// The caller passes the Unknown of the RPC. It is what to do after the outcome UNKNOWN, unless the reason says it.
func (r Reason) Message(outcome, unknown string) string {
	return strings.ReplaceAll(strings.TrimSpace(r.Meaning+" "+r.Do(outcome, unknown)), "`", "")
}

// Do returns what the caller should do after this reason and outcome, with backquotes; see Message.
func (r Reason) Do(outcome, unknown string) string {
	for _, action := range r.Actions {
		if slices.Contains(action.Outcomes, outcome) {
			return action.Text
		}
	}
	if outcome == "UNKNOWN" {
		return unknown
	}
	return ""
}

// Codes returns the names of the gRPC codes that the reason has. In the text, a clause that begins with a code says
// when it is that one.
func (r Reason) Codes() []string {
	var codes []string
	for clause := range strings.SplitSeq(r.Code, ";") {
		if names := capitals(clause); len(names) > 0 {
			codes = append(codes, names[0])
		}
	}
	return codes
}

// OutcomeNames returns the outcomes that the reason has on a call that is not marked as a repeat.
func (r Reason) OutcomeNames() []string {
	return capitals(r.Outcomes)
}

// Keys returns the reason's own keys of ErrorInfo.metadata. In the text, each begins a clause.
func (r Reason) Keys() []string {
	var keys []string
	for _, note := range r.KeyNotes() {
		keys = append(keys, note.Name)
	}
	return keys
}

// KeyNotes returns what the text says about each of the reason's own keys, without a period at the end.
func (r Reason) KeyNotes() []Value {
	var notes []Value
	for clause := range strings.SplitSeq(strings.TrimSuffix(r.Metadata, "."), "; ") {
		if rest, ok := strings.CutPrefix(clause, "`"); ok {
			key, text, _ := strings.Cut(rest, "`")
			notes = append(notes, Value{key, strings.TrimLeft(text, ", ")})
		}
	}
	return notes
}

// note is a part of a comment with a label before it: `label: text` or `label (qualifier): text`.
type note struct{ label, qualifier, text string }

// parseComment separates the notes of a comment from the paragraphs before, between and after them. Notes stand in a
// paragraph that begins with a label; a line without a label continues the note above it.
func parseComment(comment string) (text string, notes []note) {
	labelled := regexp.MustCompile(`^(Code|Details|Metadata|Outcome|Do|Unknown)(?: \(([^)]*)\))?: +(.*)$`)
	var paragraphs []string
	for paragraph := range strings.SplitSeq(comment, "\n\n") {
		if !labelled.MatchString(strings.SplitN(paragraph, "\n", 2)[0]) {
			paragraphs = append(paragraphs, paragraph)
			continue
		}
		for line := range strings.SplitSeq(paragraph, "\n") {
			if match := labelled.FindStringSubmatch(line); match != nil {
				notes = append(notes, note{match[1], match[2], match[3]})
			} else {
				notes[len(notes)-1].text += " " + strings.TrimSpace(line)
			}
		}
	}
	return strings.Join(paragraphs, "\n\n"), notes
}

// capitals returns the words in capitals, as the names of codes and outcomes are.
func capitals(text string) []string {
	return regexp.MustCompile(`\b[A-Z]{2,}(?:_[A-Z]+)*\b`).FindAllString(text, -1)
}

func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
