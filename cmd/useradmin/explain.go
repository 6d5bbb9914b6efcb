package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"google.golang.org/protobuf/reflect/protoreflect"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

type explainCommand struct {
	Reason string `arg:"" optional:"" complete:"names" help:"A reason, an outcome or a result, in any case, with or without its prefix; all of them if not given."`
}

// Help is shown above the arguments.
func (*explainCommand) Help() string {
	return `It tells what the reason means, its gRPC code, details and metadata, what the failed call did to the user, and
what to do. The text is that of the proto files which this program was built from.

Exit code: 0, or 2 for a name that is none, with the nearest one.

Examples:

  useradmin explain
  useradmin explain USER_NOT_FOUND
  useradmin explain error-reason-lambda-rejected
  useradmin explain OUTCOME_UNKNOWN`
}

// Run explains one reason or outcome, or all.
func (c *explainCommand) Run(std streams) error {
	g, err := loadGlossary()
	if err != nil {
		return err
	}
	text := g.table()
	if c.Reason != "" {
		e, ok := g.find(c.Reason)
		if !ok {
			return usageError{fmt.Errorf("no reason, outcome or result is named %q; %s", c.Reason, g.hint(c.Reason))}
		}
		text = g.page(e)
	}
	_, err = io.WriteString(std.Out, text)
	return err
}

// glossary is what the proto files say of reasons and outcomes.
type glossary struct {
	schema                     *schema.Schema
	reasons, outcomes, results []entry
}

// entry is one value of an enum. Its comment has a text and below it notes, each of which begins with its label.
type entry struct {
	// name lacks the prefix.
	name, meaning string
	notes         []row
}

const (
	reasonPrefix  = "ERROR_REASON_"
	outcomePrefix = "OUTCOME_"
	resultPrefix  = "RESULT_"
)

func loadGlossary() (*glossary, error) {
	s, err := schema.Load()
	if err != nil {
		return nil, err
	}
	return &glossary{
		schema:   s,
		reasons:  entries(s, useradminv1.ErrorReason(0).Descriptor(), reasonPrefix),
		outcomes: entries(s, useradminv1.Outcome(0).Descriptor(), outcomePrefix),
		results:  entries(s, useradminv1.ConfirmSignUpResponse_Result(0).Descriptor(), resultPrefix),
	}, nil
}

// entries are the enum's values, without that which is never sent.
func entries(s *schema.Schema, enum protoreflect.EnumDescriptor, prefix string) []entry {
	var all []entry
	for i := range enum.Values().Len() {
		value := enum.Values().Get(i)
		if value.Number() == 0 {
			continue
		}
		e := entry{name: strings.TrimPrefix(string(value.Name()), prefix)}
		e.meaning, e.notes = parseComment(s.Comment(value.FullName()))
		all = append(all, e)
	}
	return all
}

// parseComment divides a comment at the lines that begin with a label. The lines below a label belong to it.
func parseComment(comment string) (string, []row) {
	var meaning []string
	var notes []row
	for line := range strings.SplitSeq(comment, "\n") {
		label, text, _ := strings.Cut(line, ":")
		switch {
		case slices.Contains([]string{"Code", "Details", "Metadata", "Outcome", "Do"}, label):
			notes = append(notes, row{label, strings.TrimSpace(text)})
		case len(notes) > 0:
			last := &notes[len(notes)-1]
			last.text = strings.TrimSpace(last.text + " " + line)
		default:
			meaning = append(meaning, line)
		}
	}
	return strings.TrimSpace(strings.Join(meaning, "\n")), notes
}

// note is the text of that label; empty if there is none.
func (e entry) note(label string) string {
	for _, note := range e.notes {
		if note.label == label {
			return note.text
		}
	}
	return ""
}

func (g *glossary) all() []entry {
	return slices.Concat(g.reasons, g.outcomes, g.results)
}

// find accepts names as people write them, and as metrics do that count attempts at Cognito.
func (g *glossary) find(name string) (entry, bool) {
	name = normalName(name)
	all := g.all()
	i := slices.IndexFunc(all, func(e entry) bool { return e.name == name || e.name == "COGNITO_"+name })
	if i < 0 {
		return entry{}, false
	}
	return all[i], true
}

// hint is the nearest name, if one is near.
func (g *glossary) hint(name string) string {
	nearest, cost := g.nearest(name)
	if cost > len(name)/3 {
		return "useradmin explain lists them"
	}
	return "the nearest is " + nearest
}

// nearest is the name that needs the fewest changes of letters. Each word left out counts like one: people remember
// UNAVAILABLE, not COGNITO_UNAVAILABLE.
func (g *glossary) nearest(name string) (nearest string, changes int) {
	name = normalName(name)
	cost := func(e entry) int {
		words := strings.Split(e.name, "_")
		least := levenshtein.ComputeDistance(name, e.name)
		for i := range words {
			for j := i + 1; j <= len(words); j++ {
				least = min(least, levenshtein.ComputeDistance(name, strings.Join(words[i:j], "_"))+len(words)-(j-i))
			}
		}
		return least
	}
	least := slices.MinFunc(g.all(), func(a, b entry) int { return cost(a) - cost(b) })
	return least.name, cost(least)
}

func normalName(name string) string {
	name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToUpper(strings.TrimSpace(name)))
	return strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(name, reasonPrefix), outcomePrefix), resultPrefix)
}

// page is all that is said of one entry.
func (g *glossary) page(e entry) string {
	var b strings.Builder
	b.WriteString(e.name + "\n\n")
	writeParagraphs(&b, e.meaning)
	for _, note := range e.notes {
		switch note.label {
		case "Code":
			note.text = strings.TrimSuffix(note.text, ".")
		case "Outcome":
			note.text = g.outcome(note.text)
		}
		writeRows(&b, labelWidth, note)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// outcome adds what it means to the name of an outcome; a list of several stays as it is.
func (g *glossary) outcome(text string) string {
	name := strings.TrimSuffix(text, ".")
	for _, e := range g.outcomes {
		if e.name == name {
			meaning, _, _ := strings.Cut(e.meaning, "\n\n")
			return name + ": " + meaning
		}
	}
	return text
}

// table is a line for each reason, the outcomes, and what any error may say besides.
func (g *glossary) table() string {
	const reason, code, outcome = 29, 19, 12
	widths := []int{reason, code, outcome, tableWidth - reason - code - outcome - 3*gap}
	var b strings.Builder
	writeCells(&b, widths, "REASON", "CODE", "OUTCOME", "MEANING")
	for _, e := range g.reasons {
		var codes []string
		for clause := range strings.SplitSeq(e.note("Code"), ";") {
			// Behind the first name stands when it is so.
			codes = append(codes, names(clause)[:1]...)
		}
		writeCells(&b, widths, e.name, strings.Join(codes, ", "), strings.Join(names(e.note("Outcome")), ", "), e.meaning)
	}
	b.WriteString("\nOutcomes:\n")
	for _, e := range g.outcomes {
		writeRows(&b, labelWidth, row{e.name, e.meaning})
	}
	b.WriteString("\nMetadata that any error may have:\n")
	for _, r := range listed(g.schema.Comment("useradmin.v1.ErrorReason")) {
		writeRows(&b, len("violationsOmitted"), r)
	}
	b.WriteString("\nuseradmin explain REASON tells what to do, and the details.\n")
	return b.String()
}

// names are the words in capitals, such as those of codes and outcomes.
func names(text string) []string {
	return regexp.MustCompile(`\b[A-Z]{2,}(_[A-Z]+)*\b`).FindAllString(text, -1)
}

// listed are the items of a comment's list, each a name in backquotes and what it is.
func listed(comment string) []row {
	var items []row
	for line := range strings.SplitSeq(comment, "\n") {
		if item, ok := strings.CutPrefix(line, "- `"); ok {
			name, text, _ := strings.Cut(item, "`: ")
			items = append(items, row{name, text})
		}
	}
	return items
}
