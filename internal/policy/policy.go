// Package policy decides by a file in Cedar which caller may call which method, for which user pool.
package policy

import (
	"iter"
	"slices"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// FreeMethod needs no permission, and a policy cannot name it.
const FreeMethod = "grpc.health.v1.Health/Check"

// What Decision.Rule is where no rule decides.
const (
	ruleNone  = "none"
	ruleError = "error"
)

// Request is what is decided.
type Request struct {
	// Caller is a SPIFFE ID.
	Caller string
	// Method has no slash in front: "useradmin.v1.UserAdmin/ConfirmSignUp".
	Method string
	// Pool is the id of the user pool, for methods that have one. For the others the resource is the service.
	Pool string
	// MetadataKeys is the client metadata, of which only the keys are used.
	MetadataKeys   map[string]string
	AllowConfirmed bool
}

// Decision is the answer. Its Rule is the @id of the rule that decided, or "line N" if that has none; "none" if no rule matches,
// and "error" if a condition could not be evaluated. Neither of the two is ever allowed.
type Decision struct {
	Allowed bool
	Rule    string
}

// Policy is what a whole file says. It does not change.
type Policy struct {
	sum     string
	callers []string
	permits int
	forbids int
	schema  *vocabulary
	// rules are those that can match a caller and a method, in the order of the file. Those with an empty caller are for
	// every caller. So a decision costs the same however many rules are for others.
	rules map[scope][]*rule
	// texts are the values of the texts in quotes: a metadata key that the policy names needs no memory at a decision.
	texts map[string]types.Value
}

type scope struct{ caller, method string }

// rule is a permit or a forbid.
type rule struct {
	name string
	line int
	// conditions are the lines on which they begin.
	conditions []int
	uses       attributes
	tree       *ast.Policy // as in the file
	cedar      *cedar.Policy
}

func (r *rule) permit() bool { return r.cedar.Effect() == cedar.Permit }

// Decide never allows what no permit names. A rule whose condition cannot be evaluated denies: Cedar itself would skip it, and
// with it a forbid.
func (p *Policy) Decide(r Request) Decision {
	rules := p.candidates(r)
	decision, diagnostic := cedar.Authorize(rules.iterator(), nil, p.request(r, rules.use()))
	switch {
	case len(diagnostic.Errors) > 0:
		return Decision{Rule: ruleError}
	case len(diagnostic.Reasons) == 0:
		return Decision{Rule: ruleNone}
	default:
		first := diagnostic.Reasons[0]
		for _, other := range diagnostic.Reasons[1:] {
			if other.Position.Offset < first.Position.Offset {
				first = other
			}
		}
		return Decision{Allowed: decision == cedar.Allow, Rule: string(first.PolicyID)}
	}
}

// candidates are the rules that can matter to a request: those for its caller, and those for every caller.
type candidates [2][]*rule

func (p *Policy) candidates(r Request) candidates {
	found := candidates{1: p.rules[scope{"", r.Method}]}
	if r.Caller != "" {
		found[0] = p.rules[scope{r.Caller, r.Method}]
	}
	return found
}

func (c candidates) iterator() iterator {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, rules := range c {
			for _, r := range rules {
				if !yield(cedar.PolicyID(r.name), r.cedar) {
					return
				}
			}
		}
	}
}

// iterator gives Cedar the rules.
type iterator iter.Seq2[cedar.PolicyID, *cedar.Policy]

// All is the iterator.
func (i iterator) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return iter.Seq2[cedar.PolicyID, *cedar.Policy](i)
}

// use is what the rules look at.
func (c candidates) use() attributes {
	var all attributes
	for _, rules := range c {
		for _, r := range rules {
			all.keys = all.keys || r.uses.keys
			all.allow = all.allow || r.uses.allow
		}
	}
	return all
}

// Names reports whether a permit names the caller.
func (p *Policy) Names(caller string) bool {
	_, named := slices.BinarySearch(p.callers, caller)
	return named
}

// Callers are those that permits name, sorted.
func (p *Policy) Callers() []string { return slices.Clone(p.callers) }

// Sum is the SHA-256 of the text in lower-case hexadecimal digits.
func (p *Policy) Sum() string { return p.sum }

// Permits is the number of permits.
func (p *Policy) Permits() int { return p.permits }

// Forbids is the number of forbids.
func (p *Policy) Forbids() int { return p.forbids }
