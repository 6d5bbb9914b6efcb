package policy_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/policy"
)

const (
	confirmSignUp = "useradmin.v1.UserAdmin/ConfirmSignUp"
	watch         = "grpc.health.v1.Health/Watch"
	one           = "spiffe://prod.example/one"
	two           = "spiffe://prod.example/two"
)

// modelRule is a rule in plain terms.
type modelRule struct {
	permit    bool
	caller    string // empty: every caller
	method    string // empty: every method
	condition string // one of those below
}

const (
	always   = ""
	poolIsA  = ` when { resource in [UserPool::"p_A", UserPool::"p_C"] }`
	fewKeys  = ` when { context has metadata_keys && ["k"].containsAll(context.metadata_keys) }`
	notAllow = ` unless { context has allow_confirmed && context.allow_confirmed }`
	errs     = ` when { 9223372036854775807 + 1 > 0 }`
)

// decide is the reference. It knows nothing of Cedar.
func decide(rules []modelRule, r policy.Request) policy.Decision {
	decision := policy.Decision{Rule: "none"}
	for _, permits := range []bool{true, false} { // forbids come last and win
		for i, rule := range slices.Backward(rules) { // the first one of the file comes last and wins
			if rule.permit != permits || rule.caller != "" && rule.caller != r.Caller || rule.method != "" && rule.method != r.Method {
				continue
			}
			confirm := r.Method == confirmSignUp
			matches := false
			switch rule.condition {
			case always:
				matches = true
			case poolIsA:
				matches = confirm && (r.Pool == "p_A" || r.Pool == "p_C")
			case fewKeys:
				_, k := r.MetadataKeys["k"]
				matches = confirm && (len(r.MetadataKeys) == 0 || k && len(r.MetadataKeys) == 1)
			case notAllow:
				matches = !confirm || !r.AllowConfirmed
			}
			if matches {
				decision = policy.Decision{Allowed: permits, Rule: fmt.Sprintf("line %d", i+1)}
			}
		}
	}
	for _, rule := range rules {
		if rule.condition == errs && (rule.caller == "" || rule.caller == r.Caller) && (rule.method == "" || rule.method == r.Method) {
			decision = policy.Decision{Rule: "error"}
		}
	}
	return decision
}

// cedar writes the rule as a line of a file.
func (r modelRule) cedar() string {
	effect, principal, action := "forbid", "principal", "action"
	if r.permit {
		effect = "permit"
	}
	if r.caller != "" {
		principal = fmt.Sprintf("principal == Caller::%q", r.caller)
	}
	if r.method != "" {
		action = fmt.Sprintf("action == Action::%q", r.method)
	}
	return fmt.Sprintf("%s (%s, %s, resource)%s;\n", effect, principal, action, r.condition)
}

func modelRules() []modelRule {
	var rules []modelRule
	for _, r := range []modelRule{{permit: true, caller: one}, {permit: true, caller: two}, {caller: one}, {caller: ""}} {
		for method, conditions := range map[string][]string{confirmSignUp: {always, poolIsA, errs}, "": {always, fewKeys, notAllow}} {
			for _, condition := range conditions {
				rules = append(rules, modelRule{r.permit, r.caller, method, condition})
			}
		}
	}
	return rules
}

func modelRequests() []policy.Request {
	var requests []policy.Request
	for _, caller := range []string{one, two, "spiffe://prod.example/three", ""} {
		requests = append(requests, policy.Request{Caller: caller, Method: watch})
		for _, pool := range []string{"p_A", "p_B"} {
			for _, keys := range []map[string]string{nil, {"k": "v"}, {"k": "", "x": ""}} {
				for _, allow := range []bool{false, true} {
					requests = append(requests, policy.Request{
						Caller: caller, Method: confirmSignUp, Pool: pool, MetadataKeys: keys, AllowConfirmed: allow,
					})
				}
			}
		}
	}
	return requests
}

// TestDecisionsAreThoseOfTheModel tries all policies of up to three of 24 rules, with -short of up to two, on all requests.
func TestDecisionsAreThoseOfTheModel(t *testing.T) {
	rules, requests := modelRules(), modelRequests()
	try := func(t *testing.T, chosen ...modelRule) {
		var text strings.Builder
		for _, r := range chosen {
			text.WriteString(r.cedar())
		}
		p, err := policy.Parse([]byte(text.String()))
		if err != nil {
			t.Errorf("%v:\n%s", err, &text)
			return
		}
		for _, r := range requests {
			if got, want := p.Decide(r), decide(chosen, r); got != want {
				t.Errorf("%+v: %+v, want %+v:\n%s", r, got, want, &text)
			}
		}
	}
	for _, a := range rules {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			try(t, a)
			for _, b := range rules {
				try(t, a, b)
				for _, c := range rules {
					if testing.Short() {
						break
					}
					try(t, a, b, c)
				}
			}
		})
	}
}
