package main

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/schema"
)

// glossary is what the contract says about reasons, outcomes and results.
type glossary struct {
	reasons           []schema.Reason
	outcomes, results []schema.Value
	keys              []schema.Value // of the metadata of every error
	unknowns          []schema.Value // by RPC
}

func loadGlossary() (*glossary, error) {
	s, err := schema.Load()
	if err != nil {
		return nil, err
	}
	return &glossary{s.Reasons(), s.Outcomes(), s.Results(), s.MetadataKeys(), s.Unknowns()}, nil
}

// topic is something that explain explains. Several can have the same name: INTERNAL is a reason and a gRPC code.
type topic struct {
	name, kind string
	// spellings are other names for it, which mean it as clearly.
	spellings []string
	// short is a name that means it where nothing has that name.
	short string
	// copied says that people copy the name instead of remembering a part of it.
	copied bool
	write  func(*sheet)
}

// topics are all that explain takes.
func (g *glossary) topics() []topic {
	var topics []topic
	for _, r := range g.reasons {
		topics = append(topics, topic{
			name: r.Name, kind: "reason", spellings: []string{schema.ReasonPrefix + r.Name}, short: strings.TrimPrefix(r.Name, "COGNITO_"),
			write: func(s *sheet) { g.writeReason(s, r) },
		})
	}
	for _, v := range g.outcomes {
		topics = append(topics, topic{
			name: v.Name, kind: "outcome", spellings: []string{schema.OutcomePrefix + v.Name}, write: func(s *sheet) { g.writeOutcome(s, v) },
		})
	}
	for _, v := range g.results {
		topics = append(topics, topic{
			name: v.Name, kind: "result", spellings: []string{schema.ResultPrefix + v.Name}, write: func(s *sheet) { s.paragraphs(v.Comment) },
		})
	}
	for c := codes.OK; c <= codes.Unauthenticated; c++ {
		name, number := code.Code(c).String(), strconv.Itoa(int(c))
		topics = append(topics, topic{
			name: name, kind: "gRPC code " + number, spellings: []string{number, c.String()}, write: func(s *sheet) { g.writeCode(s, name) },
		})
	}
	for _, v := range g.keys {
		topics = append(topics, topic{name: v.Name, kind: "metadata key", write: func(s *sheet) { s.paragraphs("On every error: " + v.Comment) }})
	}
	for _, name := range g.ownKeys() {
		topics = append(topics, topic{name: name, kind: "metadata key", write: func(s *sheet) { g.writeOwnKey(s, name) }})
	}
	for _, name := range cognitoclient.Exceptions() {
		topics = append(topics, topic{
			name: name, kind: "exception of Cognito", short: strings.TrimSuffix(name, "Exception"), copied: true,
			write: func(s *sheet) { g.writeException(s, name) },
		})
	}
	return topics
}

// ownKeys are the metadata keys that some reasons have and others do not.
func (g *glossary) ownKeys() []string {
	var keys []string
	for _, r := range g.reasons {
		for _, key := range r.Keys() {
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// names are all names that explain takes.
func (g *glossary) names() []string {
	var names []string
	for _, t := range g.topics() {
		if !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}
	return names
}

// find returns what is meant by a name. People write names in many ways, and some without COGNITO_ or Exception.
func (g *glossary) find(name string) []topic {
	name = squeezed(name)
	var found, shortened []topic
	for _, t := range g.topics() {
		switch is := func(other string) bool { return squeezed(other) == name }; {
		case is(t.name), slices.ContainsFunc(t.spellings, is):
			found = append(found, t)
		case t.short != "" && is(t.short) && len(shortened) == 0:
			shortened = append(shortened, t)
		}
	}
	if len(found) == 0 {
		return shortened
	}
	return found
}

// constant writes a name as constants are written.
func constant(name string) string {
	name = regexp.MustCompile(`([a-z])([A-Z])`).ReplaceAllString(strings.TrimSpace(name), "${1}_$2")
	return strings.NewReplacer("-", "_", " ", "_").Replace(strings.ToUpper(name))
}

// squeezed is a constant without the marks between its words. A mark before them stays: -1 is not 1.
func squeezed(name string) string {
	name = constant(name)
	start := min(len(name), 1)
	return name[:start] + strings.ReplaceAll(name[start:], "_", "")
}

// hint names the nearest name, if one is near.
func (g *glossary) hint(name string) string {
	bare := constant(name)
	for _, prefix := range []string{schema.ReasonPrefix, schema.OutcomePrefix, schema.ResultPrefix} {
		bare = strings.TrimPrefix(bare, prefix)
	}
	nearest, changes := g.nearest(bare)
	switch {
	case nearest != "" && changes <= len(name)/3:
		return "the nearest is " + nearest
	case strings.HasSuffix(squeezed(name), "EXCEPTION"):
		return "an exception that this service does not know becomes UNRECOGNIZED_EXCEPTION"
	default:
		return "useradmin explain lists them"
	}
}

// nearest is the name that needs the fewest changes of letters. A word left out counts as one change: people remember
// UNAVAILABLE, not COGNITO_UNAVAILABLE.
func (g *glossary) nearest(name string) (nearest string, changes int) {
	changes = len(name) + 1
	for _, t := range g.topics() {
		if n := distance(name, constant(t.name), !t.copied); n < changes {
			nearest, changes = t.name, n
		}
	}
	return nearest, changes
}

func distance(name, candidate string, leaveOut bool) int {
	least := levenshtein.ComputeDistance(name, candidate)
	words := strings.Split(candidate, "_")
	for i := range words {
		for j := i + 1; j <= len(words) && leaveOut; j++ {
			least = min(least, levenshtein.ComputeDistance(name, strings.Join(words[i:j], "_"))+len(words)-(j-i))
		}
	}
	return least
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

// outcome adds its meaning to the name of an outcome. Other texts stay as they are.
func (g *glossary) outcome(text string) string {
	name := strings.TrimSuffix(text, ".")
	if meaning, _, _ := strings.Cut(g.comment(name), "\n\n"); meaning != "" {
		return name + ": " + meaning
	}
	return text
}
