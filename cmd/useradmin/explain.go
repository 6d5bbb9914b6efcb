package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/failure"
	"cognito.internal/useradmin/internal/schema"
)

type explainCommand struct {
	Name string `arg:"" optional:"" complete:"names" help:"A reason, an outcome, a result, a gRPC code, a metadata key or an exception of Cognito, in any case. Without a name, the reasons and what comes with them are listed."`
}

// Help is shown above the arguments.
func (*explainCommand) Help() string {
	return `For a reason it prints what it means, its gRPC code, details and metadata, what the call did to the user, and what
to do. For a gRPC code, a metadata key or an exception it prints which reasons it belongs to. The text comes from the
proto files that this program was built from, and is wrapped at the terminal's width, or at COLUMNS where there is none.

Names may be written with or without their prefix, and a code as a number. A name that means several things, such as
INTERNAL, gets a page for each.

Exit code: 0, or 2 if no such name exists.

Examples:

  useradmin explain
  useradmin explain USER_NOT_FOUND
  useradmin explain error-reason-lambda-rejected
  useradmin explain unknown
  useradmin explain FailedPrecondition
  useradmin explain 9
  useradmin explain NotAuthorizedException
  useradmin explain lambdaError`
}

// Run explains one name, or lists all.
func (c *explainCommand) Run(std streams) error {
	g, err := loadGlossary()
	if err != nil {
		return err
	}
	text := g.table(widthOf(std.Out, tableWidth))
	if c.Name != "" {
		topics := g.find(c.Name)
		if len(topics) == 0 {
			return usageError{fmt.Errorf("no reason, outcome, result, gRPC code, metadata key or exception is named %q; %s", c.Name, g.hint(c.Name))}
		}
		text = pages(widthOf(std.Out, textWidth), topics)
	}
	_, err = io.WriteString(std.Out, text)
	return err
}

// pages is everything about the topics, one below the other.
func pages(width int, topics []topic) string {
	var texts []string
	for _, t := range topics {
		page := &sheet{width: width}
		page.WriteString(t.name + " (" + t.kind + ")\n\n")
		t.write(page)
		texts = append(texts, page.text())
	}
	return strings.Join(texts, "\n")
}

func (g *glossary) writeReason(s *sheet, r schema.Reason) {
	s.paragraphs(strings.TrimSpace(r.Meaning + "\n\n" + r.More))
	for _, note := range []row{
		{"Code", strings.TrimSuffix(r.Code, ".")}, {"Details", r.Details}, {"Metadata", r.Metadata}, {"Outcome", g.outcome(r.Outcomes)},
	} {
		if note.text != "" {
			s.rows(labelWidth, note)
		}
	}
	for _, action := range r.Actions {
		text := action.Text
		if !slices.Equal(action.Outcomes, r.OutcomeNames()) {
			text = "After " + strings.Join(action.Outcomes, " or ") + ": " + text
		}
		s.rows(labelWidth, row{"Do", text})
	}
	if slices.Contains(r.OutcomeNames(), unknownOutcome) && r.Do(unknownOutcome, "") == "" {
		s.rows(labelWidth, g.findOut()...)
	}
}

const unknownOutcome = "UNKNOWN"

func (g *glossary) writeOutcome(s *sheet, outcome schema.Value) {
	s.paragraphs(outcome.Comment)
	if outcome.Name == unknownOutcome {
		s.rows(labelWidth, g.findOut()...)
	}
}

// findOut is what to do after an unknown outcome, for each RPC.
func (g *glossary) findOut() []row {
	var rows []row
	for _, v := range g.unknowns {
		rows = append(rows, row{"Do", "After UNKNOWN of " + v.Name + ": " + v.Comment})
	}
	return rows
}

// writeCode lists the reasons that come with a code, or the results that come with OK.
func (g *glossary) writeCode(s *sheet, name string) {
	if name == code.Code_OK.String() {
		s.paragraphs("The call succeeded. Its results:")
		s.list(firstParagraphs(g.results)...)
		return
	}
	var rows []row
	for _, r := range g.reasons {
		own := r.Codes()
		if !slices.Contains(own, name) {
			continue
		}
		text := r.Meaning
		if len(own) > 1 {
			text += " Code: " + r.Code
		}
		rows = append(rows, row{r.Name, text})
	}
	const others = "something else made the status: a proxy, a library, a cut connection or the caller's own deadline. Then the outcome is unknown."
	if len(rows) == 0 {
		s.paragraphs("No reason of this service comes with this code: " + others)
		return
	}
	s.paragraphs("The reasons that come with it:")
	s.list(rows...)
	s.WriteString("\n")
	s.paragraphs("Without an ErrorInfo of the domain " + failure.Domain + ", " + others)
}

// writeOwnKey says on which reasons a metadata key stands, and what it is there.
func (g *glossary) writeOwnKey(s *sheet, key string) {
	s.paragraphs("On these reasons:")
	var rows []row
	for _, r := range g.reasons {
		for _, note := range r.KeyNotes() {
			if note.Name == key {
				rows = append(rows, row{r.Name, note.Comment})
			}
		}
	}
	s.list(rows...)
}

// writeException says which reason an exception becomes.
func (g *glossary) writeException(s *sheet, name string) {
	causes := cognitoclient.CausesOf(name)
	if len(causes) == 1 {
		s.paragraphs("This service reports it with the reason " + causes[0].String() + ":")
		if r, ok := g.reason(causes[0].String()); ok {
			g.writeReason(s, r)
		}
		return
	}
	s.paragraphs("This service reports it with one of these reasons, depending on Cognito's message:")
	var rows []row
	for _, cause := range causes {
		r, _ := g.reason(cause.String())
		rows = append(rows, row{cause.String(), r.Meaning})
	}
	s.list(rows...)
}

// table has a line for each reason, then the outcomes, the results and the metadata.
func (g *glossary) table(width int) string {
	s := &sheet{width: width}
	g.writeTable(s)
	keys := firstParagraphs(g.keys)
	for _, key := range g.ownKeys() {
		var on []string
		for _, r := range g.reasons {
			if slices.Contains(r.Keys(), key) {
				on = append(on, r.Name)
			}
		}
		keys = append(keys, row{key, "of " + strings.Join(on, ", ") + "."})
	}
	for _, list := range []struct {
		title string
		rows  []row
	}{
		{"Outcomes", firstParagraphs(g.outcomes)}, {"Results", firstParagraphs(g.results)}, {"Metadata of every error, then of some", keys},
	} {
		s.WriteString("\n" + list.title + ":\n")
		s.list(list.rows...)
	}
	s.WriteString("\n")
	s.lines("For details and what to do: useradmin explain NAME. It also takes gRPC codes, such as NOT_FOUND, and exceptions of Cognito, such as UserNotFoundException.")
	return s.text()
}

// writeTable writes the reasons. Where the terminal is narrow, the meaning stands below the rest.
func (g *glossary) writeTable(s *sheet) {
	const reason, code, outcome, leastMeaning = 29, 19, 12, 30
	widths := []int{reason, code, outcome, s.width - reason - code - outcome - 3*gap}
	if widths[3] < leastMeaning {
		for _, r := range g.reasons {
			s.lines(r.Name + " (" + strings.Join(r.Codes(), ", ") + "; " + strings.Join(r.OutcomeNames(), ", ") + ")")
			s.cells([]int{0, s.width - gap}, "", r.Meaning)
		}
		return
	}
	s.cells(widths, "REASON", "CODE", "OUTCOME", "MEANING")
	for _, r := range g.reasons {
		s.cells(widths, r.Name, strings.Join(r.Codes(), ", "), strings.Join(r.OutcomeNames(), ", "), r.Meaning)
	}
}

func firstParagraphs(values []schema.Value) []row {
	var rows []row
	for _, v := range values {
		text, _, _ := strings.Cut(v.Comment, "\n\n")
		rows = append(rows, row{v.Name, text})
	}
	return rows
}
