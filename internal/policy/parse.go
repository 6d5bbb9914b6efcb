package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// Parse reads the text of a policy as a whole: one mistake, and it refuses all of it. The error is one line.
func Parse(text []byte) (*Policy, error) {
	if err := checkCharacters(string(text)); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	v := readSchema()
	b := builder{
		schema: v, validator: validate.New(v.schema, validate.WithStrict()),
		names: map[string]int{}, callers: map[string]bool{},
		policy: &Policy{sum: hex.EncodeToString(sum[:]), schema: v, rules: map[scope][]*rule{}, texts: map[string]types.Value{}},
	}
	scan := scanner{text: string(text), line: 1, column: 1}
	for n := 0; ; n++ {
		s, err := scan.rule()
		switch {
		case err != nil:
			return nil, err
		case len(s.tokens) == 0 && n == 0:
			return nil, refuse(1, "there is no rule, and without one every call is denied: write a permit")
		case len(s.tokens) == 0:
			b.policy.callers = slices.Sorted(maps.Keys(b.callers))
			return b.policy, nil
		case n == maxRules:
			return nil, refuse(s.line(), "there are more than %d rules: name several methods or user pools in one rule", maxRules)
		}
		if err := b.add(s); err != nil {
			return nil, err
		}
	}
}

// builder makes a policy rule by rule.
type builder struct {
	schema    *vocabulary
	validator *validate.Validator
	// names has the line of each @id.
	names   map[string]int
	callers map[string]bool
	policy  *Policy
}

func (b *builder) add(s source) error {
	tree, err := s.parse()
	if err != nil {
		return err
	}
	name, err := b.name(s, tree)
	if err != nil {
		return err
	}
	if err := b.check(s, tree); err != nil {
		return err
	}
	for _, c := range tree.Conditions {
		inspect(c.Body, func(n ast.IsNode) {
			if value, ok := n.(ast.NodeValue); ok {
				if text, ok := value.Value.(types.String); ok {
					b.policy.texts[string(text)] = text
				}
			}
		})
	}
	b.index(&rule{name, s.line(), s.conditions(), attributesOf(tree), tree, compile(tree)})
	return nil
}

// index puts the rule where requests look for it.
func (b *builder) index(r *rule) {
	caller := ""
	if named, ok := r.tree.Principal.(ast.ScopeTypeEq); ok {
		caller = string(named.Entity.ID)
	}
	if r.permit() {
		b.policy.permits++
		b.callers[caller] = true
	} else {
		b.policy.forbids++
	}
	for _, method := range b.methods(r.tree.Action) {
		key := scope{caller, method}
		b.policy.rules[key] = append(b.policy.rules[key], r)
	}
}

// methods are those that the rule's action covers. No action of the schema is in another.
func (b *builder) methods(action ast.IsActionScopeNode) []string {
	switch named := action.(type) {
	case ast.ScopeTypeEq:
		return []string{string(named.Entity.ID)}
	case ast.ScopeTypeIn:
		return []string{string(named.Entity.ID)}
	case ast.ScopeTypeInSet:
		var methods []string
		for _, entity := range named.Entities {
			methods = append(methods, string(entity.ID))
		}
		slices.Sort(methods)
		return slices.Compact(methods)
	default:
		return b.schema.actions()
	}
}

// maxName is how many characters an @id may have.
const maxName = 64

// name is the rule's @id, or its line.
func (b *builder) name(s source, tree *ast.Policy) (string, error) {
	i := slices.IndexFunc(tree.Annotations, func(a ast.AnnotationType) bool { return a.Key == "id" })
	if i < 0 {
		return fmt.Sprintf("line %d", s.line()), nil
	}
	id, line := string(tree.Annotations[i].Value), s.lineAfter("@", "id")
	switch {
	case id == "" || len(id) > maxName || !onlyAlphanumeric(id, "._-"):
		return "", refuse(line, "the @id %s may have 1 to 64 letters, digits, dots, hyphens and underscores only", shown(id))
	case id == ruleNone || id == ruleError:
		return "", refuse(line, "the @id %q means that no rule decided: give the rule another one", id)
	case b.names[id] != 0:
		return "", refuse(line, "the @id %q is that of the rule on line %d: give each rule its own", id, b.names[id])
	}
	b.names[id] = s.line()
	return id, nil
}

// line is that of permit or forbid, which annotations may be called too.
func (s source) line() int {
	for i, t := range s.tokens {
		if (t.text == "permit" || t.text == "forbid") && (i == 0 || s.tokens[i-1].text != "@") {
			return t.line
		}
	}
	return s.tokens[0].line
}

// lineAfter is the line on which these tokens stand one after the other, else the rule's.
func (s source) lineAfter(texts ...string) int {
	for i := range s.tokens {
		if slices.EqualFunc(s.tokens[i:min(i+len(texts), len(s.tokens))], texts, func(t token, text string) bool { return t.text == text }) {
			return s.tokens[i].line
		}
	}
	return s.line()
}

// conditions are the lines of when and unless outside of brackets. Annotations may be called so too.
func (s source) conditions() []int {
	var lines []int
	nesting := 0
	for i, t := range s.tokens {
		switch t.text {
		case "(", "[", "{":
			nesting++
		case ")", "]", "}":
			nesting--
		case "when", "unless":
			if nesting == 0 && s.tokens[min(i+1, len(s.tokens)-1)].text == "{" {
				lines = append(lines, t.line)
			}
		}
	}
	return lines
}

// parse makes exactly one rule of the text.
func (s source) parse() (*ast.Policy, error) {
	var rules cedar.PolicyList
	if err := rules.UnmarshalCedar([]byte(s.text)); err != nil {
		return nil, s.syntaxError(err)
	}
	if len(rules) != 1 {
		return nil, refuse(s.tokens[0].line, "Cedar reads %d rules where one should be: begin each rule on a new line", len(rules))
	}
	tree := (*ast.Policy)(rules[0].AST())
	// The first of several rules that match is the one that decides.
	tree.Position = ast.Position{Offset: s.tokens[0].offset, Line: s.line()}
	return tree, nil
}

// syntaxError turns Cedar's error, which names the token after the wrong one, into a line.
func (s source) syntaxError(err error) error {
	parts := regexp.MustCompile(`parse error at <input>:(\d+):(\d+) "(?:[^"\\]|\\.)*": ((?s:.*))$`).FindStringSubmatch(err.Error())
	if parts == nil {
		return refuse(s.tokens[0].line, "syntax error in the rule that begins here: %s", oneLine(strings.TrimPrefix(err.Error(), "parser error: ")))
	}
	line, _ := strconv.Atoi(parts[1])
	column, _ := strconv.Atoi(parts[2])
	at := s.indexAt(line, column)
	// Where Cedar only looked at the token, or there is none after the wrong one, it is the wrong one.
	looked := strings.HasPrefix(parts[3], "got ") || strings.HasPrefix(parts[3], "exact got  want")
	if !looked && at > 0 {
		at--
	}
	return refuse(s.tokens[min(at, len(s.tokens)-1)].line, "%s", s.expected(at, parts[3]))
}

// indexAt is the token at that place of the rule's text, or the end.
func (s source) indexAt(line, column int) int {
	first := s.tokens[0]
	for i, t := range s.tokens {
		if own := t.line - first.line + 1; own == line && (t.column == column || own == 1 && t.column-first.column+1 == column) {
			return i
		}
	}
	return len(s.tokens)
}

// expected says in plain words what Cedar expects.
func (s source) expected(at int, message string) string {
	if strings.HasPrefix(message, "unexpected effect") {
		// What is found is not shown: it may be no policy, but a key.
		return "a rule begins with permit or forbid"
	}
	found := "the end of the rule"
	if at < len(s.tokens) {
		found = shown(s.tokens[at].text)
	}
	if _, want, ok := strings.Cut(message, " want "); ok {
		return fmt.Sprintf("found %s, expected %q", found, want)
	}
	for cedars, ours := range map[string]string{
		"invalid primary":                    `expected principal, action, resource, context, a value or an entity such as UserPool::"us-east-1_A"`,
		"expected string":                    "expected text in double quotes",
		"expected ident or string":           "expected a name or text in double quotes",
		"expected ident or reserved keyword": "expected a name",
		"expected ident":                     "expected a name",
		"unexpected token":                   "expected a name or text in double quotes",
	} {
		if message == cedars || strings.HasPrefix(message, cedars+":") {
			return fmt.Sprintf("found %s: %s", found, ours)
		}
	}
	return fmt.Sprintf("found %s: %s", found, oneLine(message))
}

// shown is the text in quotes, cut where it is long.
func shown(text string) string {
	const most = 80
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most]) + "..."
	}
	return strconv.Quote(text)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
