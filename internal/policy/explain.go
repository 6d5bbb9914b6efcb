package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"
)

// Finding is what a rule says of a request.
type Finding struct {
	Rule   string
	Line   int
	Permit bool
	// Matches says that the rule applies to the request. Otherwise Why says which part does not, and Failed that it could not
	// be evaluated.
	Matches bool
	Failed  bool
	Why     string
}

// Explain decides as Decide does, and says what the rules say that name the caller or are for every caller, in the order of
// the file.
func (p *Policy) Explain(r Request) (Decision, []Finding) {
	var rules []*rule
	for _, method := range p.schema.actions() {
		asked := r
		asked.Method = method
		rules = slices.Concat(rules, p.candidates(asked)[0], p.candidates(asked)[1])
	}
	slices.SortFunc(rules, func(a, b *rule) int { return a.tree.Position.Offset - b.tree.Position.Offset })
	made := p.request(r, attributes{keys: true, allow: true})
	env := eval.Env{
		Entities: types.EntityMap{}, Principal: made.Principal, Action: made.Action, Resource: made.Resource, Context: made.Context,
	}
	var findings []Finding
	for _, rule := range slices.Compact(rules) {
		findings = append(findings, rule.explain(env))
	}
	return p.Decide(r), findings
}

// explain looks at the parts of the rule in the order in which Cedar does. The rule is for the caller.
func (r *rule) explain(env eval.Env) Finding {
	f := Finding{Rule: r.name, Line: r.line, Permit: r.permit()}
	for _, part := range []struct {
		name string
		rule ast.Policy
	}{
		{"its action is another one", ast.Policy{Principal: ast.Scope{}.All(), Action: r.tree.Action, Resource: ast.Scope{}.All()}},
		{"its resource is another one", ast.Policy{Principal: ast.Scope{}.All(), Action: ast.Scope{}.All(), Resource: r.tree.Resource}},
	} {
		if value, err := eval.Eval(eval.PolicyToNode(&part.rule).AsIsNode(), env); err != nil || value != types.True {
			f.Why = part.name
			return f
		}
	}
	for i, c := range r.tree.Conditions {
		value, err := eval.Eval(c.Body, env)
		switch {
		case err != nil:
			f.Failed, f.Why = true, fmt.Sprintf("its condition on line %d cannot be evaluated: %v", r.conditions[i], err)
			return f
		case c.Condition == ast.ConditionUnless && value == types.True:
			f.Why = fmt.Sprintf("its unless on line %d is true: %s", r.conditions[i], written(c.Body))
			return f
		case c.Condition == ast.ConditionWhen && value != types.True:
			f.Why = fmt.Sprintf("its when on line %d is not true: %s", r.conditions[i], written(firstFalse(c.Body, env)))
			return f
		}
	}
	f.Matches = true
	return f
}

// firstFalse is the first part of a condition that makes all of it false.
func firstFalse(n ast.IsNode, env eval.Env) ast.IsNode {
	and, ok := n.(ast.NodeTypeAnd)
	if !ok {
		return n
	}
	if value, err := eval.Eval(and.Left, env); err == nil && value != types.True {
		return firstFalse(and.Left, env)
	}
	return firstFalse(and.Right, env)
}

// written is the condition as Cedar writes it.
func written(n ast.IsNode) string {
	const most = 300
	all := string(cedar.NewPolicyFromAST((*cedarast.Policy)(ast.Permit().When(ast.NewNode(n)))).MarshalCedar())
	_, text, _ := strings.Cut(all, "when {")
	text = oneLine(strings.TrimSuffix(strings.TrimSpace(text), "};"))
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// Check says what is wrong with a request that somebody wrote by hand. The method is one that Method returned.
func (r Request) Check() error {
	if err := checkCaller(r.Caller); err != nil {
		return err
	}
	if r.Method == FreeMethod {
		return nil
	}
	switch withPool := readSchema().pools[r.Method]; {
	case withPool && r.Pool == "":
		return fmt.Errorf("%s needs the id of a user pool: name it", r.Method)
	case withPool && !validPool(r.Pool):
		return fmt.Errorf("%s is not the id of a user pool: write it as Cognito shows it, such as us-east-1_AbCdEfGhI", shown(r.Pool))
	case !withPool && (r.Pool != "" || len(r.MetadataKeys) > 0 || r.AllowConfirmed):
		return fmt.Errorf("%s has no user pool, no metadata and no allow_confirmed: leave them out", r.Method)
	default:
		return nil
	}
}
