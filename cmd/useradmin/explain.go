package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"cognito.internal/useradmin/internal/schema"
)

type explainCommand struct {
	Name string `arg:"" optional:"" complete:"names" help:"A reason, an outcome or a result, in any case, with or without its prefix. Without a name, all are listed."`
}

// Help is shown above the arguments.
func (*explainCommand) Help() string {
	return `For a reason it prints what it means, its gRPC code, details and metadata, what the call did to the user, and what
to do. The text comes from the proto files that this program was built from.

Exit code: 0, or 2 if no such name exists.

Examples:

  useradmin explain
  useradmin explain USER_NOT_FOUND
  useradmin explain error-reason-lambda-rejected
  useradmin explain unknown`
}

// Run explains one name, or lists all.
func (c *explainCommand) Run(std streams) error {
	g, err := loadGlossary()
	if err != nil {
		return err
	}
	text := g.table()
	if c.Name != "" {
		name, ok := g.find(c.Name)
		if !ok {
			return usageError{fmt.Errorf("no reason, outcome or result is named %q; %s", c.Name, g.hint(c.Name))}
		}
		text = g.page(name)
	}
	_, err = io.WriteString(std.Out, text)
	return err
}

// glossary is what the contract says about reasons, outcomes and results.
type glossary struct {
	reasons           []schema.Reason
	outcomes, results []schema.Value
	keys              []schema.Value // of the metadata
	unknowns          []schema.Value // by RPC
}

func loadGlossary() (*glossary, error) {
	s, err := schema.Load()
	if err != nil {
		return nil, err
	}
	return &glossary{s.Reasons(), s.Outcomes(), s.Results(), s.MetadataKeys(), s.Unknowns()}, nil
}

// names are all names that explain takes.
func (g *glossary) names() []string {
	var names []string
	for _, r := range g.reasons {
		names = append(names, r.Name)
	}
	for _, v := range slices.Concat(g.outcomes, g.results) {
		names = append(names, v.Name)
	}
	return names
}

// find returns the name that is meant. People write names in many ways, and metrics have some without COGNITO_.
func (g *glossary) find(name string) (string, bool) {
	name = normalName(name)
	names := g.names()
	i := slices.IndexFunc(names, func(n string) bool { return n == name || n == "COGNITO_"+name })
	if i < 0 {
		return "", false
	}
	return names[i], true
}

func normalName(name string) string {
	name = strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToUpper(strings.TrimSpace(name)))
	for _, prefix := range []string{schema.ReasonPrefix, schema.OutcomePrefix, schema.ResultPrefix} {
		name = strings.TrimPrefix(name, prefix)
	}
	return name
}

// hint names the nearest name, if one is near.
func (g *glossary) hint(name string) string {
	nearest, changes := g.nearest(normalName(name))
	if changes > len(name)/3 {
		return "useradmin explain lists them"
	}
	return "the nearest is " + nearest
}

// nearest is the name that needs the fewest changes of letters. A word left out counts as one change: people remember
// UNAVAILABLE, not COGNITO_UNAVAILABLE.
func (g *glossary) nearest(name string) (nearest string, changes int) {
	cost := func(candidate string) int {
		words := strings.Split(candidate, "_")
		least := levenshtein.ComputeDistance(name, candidate)
		for i := range words {
			for j := i + 1; j <= len(words); j++ {
				least = min(least, levenshtein.ComputeDistance(name, strings.Join(words[i:j], "_"))+len(words)-(j-i))
			}
		}
		return least
	}
	nearest = slices.MinFunc(g.names(), func(a, b string) int { return cost(a) - cost(b) })
	return nearest, cost(nearest)
}

// reason returns the reason of that name.
func (g *glossary) reason(name string) (schema.Reason, bool) {
	i := slices.IndexFunc(g.reasons, func(r schema.Reason) bool { return r.Name == name })
	if i < 0 {
		return schema.Reason{}, false
	}
	return g.reasons[i], true
}

// comment is what the contract says about an outcome or a result.
func (g *glossary) comment(name string) string {
	for _, v := range slices.Concat(g.outcomes, g.results) {
		if v.Name == name {
			return v.Comment
		}
	}
	return ""
}

// page is everything about one name.
func (g *glossary) page(name string) string {
	var b strings.Builder
	b.WriteString(name + "\n\n")
	if r, ok := g.reason(name); ok {
		g.writeReason(&b, r)
	} else {
		writeParagraphs(&b, g.comment(name))
	}
	if name == unknownOutcome {
		writeRows(&b, labelWidth, g.findOut()...)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

const unknownOutcome = "UNKNOWN"

func (g *glossary) writeReason(b *strings.Builder, r schema.Reason) {
	writeParagraphs(b, strings.TrimSpace(r.Meaning+"\n\n"+r.More))
	for _, note := range []row{
		{"Code", strings.TrimSuffix(r.Code, ".")}, {"Details", r.Details}, {"Metadata", r.Metadata}, {"Outcome", g.outcome(r.Outcomes)},
	} {
		if note.text != "" {
			writeRows(b, labelWidth, note)
		}
	}
	for _, action := range r.Actions {
		text := action.Text
		if !slices.Equal(action.Outcomes, r.OutcomeNames()) {
			text = "After " + strings.Join(action.Outcomes, " or ") + ": " + text
		}
		writeRows(b, labelWidth, row{"Do", text})
	}
	if slices.Contains(r.OutcomeNames(), unknownOutcome) && r.Do(unknownOutcome, "") == "" {
		writeRows(b, labelWidth, g.findOut()...)
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

// outcome adds its meaning to the name of an outcome. Other texts stay as they are.
func (g *glossary) outcome(text string) string {
	name := strings.TrimSuffix(text, ".")
	if meaning, _, _ := strings.Cut(g.comment(name), "\n\n"); meaning != "" {
		return name + ": " + meaning
	}
	return text
}

// table has a line for each reason, then the outcomes, the results and the metadata of every error.
func (g *glossary) table() string {
	const reason, code, outcome = 29, 19, 12
	widths := []int{reason, code, outcome, tableWidth - reason - code - outcome - 3*gap}
	var b strings.Builder
	writeCells(&b, widths, "REASON", "CODE", "OUTCOME", "MEANING")
	for _, r := range g.reasons {
		writeCells(&b, widths, r.Name, strings.Join(r.Codes(), ", "), strings.Join(r.OutcomeNames(), ", "), r.Meaning)
	}
	for _, list := range []struct {
		title  string
		values []schema.Value
	}{
		{"Outcomes", g.outcomes}, {"Results", g.results}, {"Metadata of every error", g.keys},
	} {
		b.WriteString("\n" + list.title + ":\n")
		labels := 0
		for _, v := range list.values {
			labels = max(labels, len(v.Name))
		}
		for _, v := range list.values {
			text, _, _ := strings.Cut(v.Comment, "\n\n")
			writeRows(&b, labels, row{v.Name, text})
		}
	}
	b.WriteString("\nFor details and what to do: useradmin explain NAME\n")
	return b.String()
}
