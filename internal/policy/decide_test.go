package policy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/policy"
)

func parse(tb testing.TB, text string) *policy.Policy {
	tb.Helper()
	p, err := policy.Parse([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func TestWhatAPolicySaysOfItself(t *testing.T) {
	text := fmt.Sprintf("forbid (principal == Caller::%q, action, resource);\n", "spiffe://prod.example/z") +
		modelRule{permit: true, caller: two}.cedar() + modelRule{permit: true, caller: one}.cedar() + modelRule{permit: true, caller: two}.cedar()
	p := parse(t, text)
	sum := sha256.Sum256([]byte(text))
	if p.Sum() != hex.EncodeToString(sum[:]) || p.Permits() != 3 || p.Forbids() != 1 {
		t.Errorf("sum %s, %d permits, %d forbids", p.Sum(), p.Permits(), p.Forbids())
	}
	if got := p.Callers(); !slices.Equal(got, []string{one, two}) {
		t.Errorf("callers %q", got)
	}
	p.Callers()[0] = "changed"
	for caller, want := range map[string]bool{one: true, two: true, "spiffe://prod.example/z": false, "": false, "changed": false} {
		if p.Names(caller) != want {
			t.Errorf("names %q: %t", caller, !want)
		}
	}
}

func TestActionsAndMethods(t *testing.T) {
	want := []string{
		"grpc.health.v1.Health/List", "grpc.health.v1.Health/Watch", "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		"grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", "useradmin.v1.UserAdmin/ConfirmSignUp",
	}
	if got := policy.Actions(); !slices.Equal(got, want) {
		t.Errorf("actions %q", got)
	}
	for name, want := range map[string]string{
		"ConfirmSignUp": confirmSignUp, confirmSignUp: confirmSignUp, "/" + confirmSignUp: confirmSignUp, "Watch": watch, "Check": policy.FreeMethod,
	} {
		if got, err := policy.Method(name); err != nil || got != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, want := range map[string]string{
		"ServerReflectionInfo":                  `"ServerReflectionInfo" may be ` + want[2] + " or " + want[3] + ": write it in full",
		"Confirm":                               `there is no method "Confirm": did you mean "` + confirmSignUp + `"?`,
		"CONFIRMSIGNUP":                         `there is no method "CONFIRMSIGNUP": did you mean "` + confirmSignUp + `"?`,
		"/useradmin.v1.UserAdmin/ConfirmSingUp": `there is no method "/useradmin.v1.UserAdmin/ConfirmSingUp": did you mean "` + confirmSignUp + `"?`,
		"Wach":                                  `there is no method "Wach": did you mean "` + watch + `"?`,
		"DeleteUser":                            `there is no method "DeleteUser": the methods are ` + strings.Join(want, ", ") + ", " + policy.FreeMethod,
		"a/":                                    `there is no method "a/": the methods are ` + strings.Join(want, ", ") + ", " + policy.FreeMethod,
		"":                                      `there is no method "": the methods are ` + strings.Join(want, ", ") + ", " + policy.FreeMethod,
	} {
		if got, err := policy.Method(name); err == nil || err.Error() != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestNothingIsAllowedWithoutAPermit(t *testing.T) {
	p := parse(t, modelRule{permit: true, caller: one}.cedar())
	for _, r := range []policy.Request{
		{}, {Caller: two, Method: watch}, {Method: watch}, {Caller: one}, {Caller: one, Method: "/" + watch}, {Caller: one, Method: policy.FreeMethod},
		{Caller: one, Method: "useradmin.v1.UserAdmin/Unknown", Pool: "p_A"}, {Caller: one + "/", Method: watch}, {Caller: strings.ToUpper(one), Method: watch},
	} {
		if got := p.Decide(r); got != (policy.Decision{Rule: "none"}) {
			t.Errorf("%+v: %+v", r, got)
		}
	}
}

// TestAConditionThatErrsDenies has a sum that is too large in a permit and in a forbid, each beside a permit that matches.
func TestAConditionThatErrsDenies(t *testing.T) {
	permit := modelRule{permit: true, caller: one}.cedar()
	r := policy.Request{Caller: one, Method: confirmSignUp, Pool: "p_A"}
	if got := parse(t, permit).Decide(r); !got.Allowed {
		t.Fatalf("the permit alone: %+v", got)
	}
	for _, errs := range []modelRule{{permit: true, caller: one, condition: errs}, {caller: one, condition: errs}, {condition: errs}} {
		for _, text := range []string{permit + errs.cedar(), errs.cedar() + permit} {
			if got := parse(t, text).Decide(r); got != (policy.Decision{Rule: "error"}) {
				t.Errorf("%+v:\n%s", got, text)
			}
		}
	}
	// Those of others change nothing.
	others := modelRule{permit: true, caller: two, condition: errs}.cedar() + modelRule{caller: one, method: watch, condition: errs}.cedar()
	if got := parse(t, permit+others).Decide(r); !got.Allowed {
		t.Errorf("with rules of others: %+v", got)
	}
}

func TestTheResourceIsThatOfTheMethod(t *testing.T) {
	p := parse(t, fmt.Sprintf(`permit (principal == Caller::%q, action, resource == UserPool::"p_A");`, one)+
		fmt.Sprintf(`permit (principal == Caller::%q, action, resource == Service::"useradmin");`, two)+
		fmt.Sprintf(`permit (principal == Caller::%q, action, resource is UserPool);`, "spiffe://prod.example/three"))
	for _, c := range []struct {
		r    policy.Request
		want bool
	}{
		{policy.Request{Caller: one, Method: confirmSignUp, Pool: "p_A"}, true},
		{policy.Request{Caller: one, Method: confirmSignUp, Pool: "p_B"}, false},
		{policy.Request{Caller: one, Method: confirmSignUp}, false},
		{policy.Request{Caller: one, Method: watch, Pool: "p_A"}, false},
		{policy.Request{Caller: two, Method: watch}, true},
		{policy.Request{Caller: two, Method: confirmSignUp}, false},
		{policy.Request{Caller: two, Method: confirmSignUp, Pool: "useradmin"}, false},
		// A pool that is left out is for validation to refuse, not for the policy.
		{policy.Request{Caller: "spiffe://prod.example/three", Method: confirmSignUp}, true},
	} {
		if got := p.Decide(c.r); got.Allowed != c.want {
			t.Errorf("%+v: %+v", c.r, got)
		}
	}
}

func TestTheContextIsWholeWhereARuleTakesItWhole(t *testing.T) {
	p := parse(t, strings.Replace(modelRule{permit: true, caller: one, method: confirmSignUp}.cedar(), ";", ` when { context == {metadata_keys: ["k"], allow_confirmed: true} };`, 1))
	for _, c := range []struct {
		r    policy.Request
		want bool
	}{
		{policy.Request{Caller: one, Method: confirmSignUp, MetadataKeys: map[string]string{"k": ""}, AllowConfirmed: true}, true},
		{policy.Request{Caller: one, Method: confirmSignUp, MetadataKeys: map[string]string{"k": ""}}, false},
		{policy.Request{Caller: one, Method: confirmSignUp, AllowConfirmed: true}, false},
	} {
		if got := p.Decide(c.r); got.Allowed != c.want {
			t.Errorf("%+v: %+v", c.r, got)
		}
	}
}

// costly is a policy as large teams have it: many callers, long lists of pools.
func costly(callers, pools int) string {
	var list []string
	for i := range pools {
		list = append(list, fmt.Sprintf(`UserPool::"us-east-1_%d"`, i))
	}
	var text strings.Builder
	for i := range callers {
		fmt.Fprintf(&text, "@id(\"c%d\")\npermit (principal == Caller::\"spiffe://prod.example/c%d\", action == Action::%q, resource)\n"+
			"when { resource in [%s] && [\"source\", \"campaign\", \"language\", \"channel\"].containsAll(context.metadata_keys) };\n", i, i, confirmSignUp, strings.Join(list, ", "))
	}
	return text.String()
}

func usual() policy.Request {
	return policy.Request{
		Caller: "spiffe://prod.example/c0", Method: confirmSignUp, Pool: "us-east-1_0",
		MetadataKeys: map[string]string{"source": "web", "campaign": "spring", "language": "en"}, AllowConfirmed: true,
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, size := range [][2]int{{1, 1}, {1, 500}, {2000, 2}} {
		p, r := parse(b, costly(size[0], size[1])), usual()
		b.Run(fmt.Sprintf("callers=%d/pools=%d", size[0], size[1]), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Decide(r)
			}
		})
	}
}

func BenchmarkParse(b *testing.B) {
	text := []byte(costly(3000, 2))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}

// TestTheExampleInDeploy shows what it is meant to show.
func TestTheExampleInDeploy(t *testing.T) {
	text, err := os.ReadFile("../../deploy/policy/example.cedar")
	if err != nil {
		t.Fatal(err)
	}
	p := parse(t, string(text))
	const signup, support, probe = "spiffe://prod.example/ns/signup/sa/api", "spiffe://prod.example/ns/support/sa/desk", "spiffe://prod.example/ns/monitoring/sa/probe"
	const pool1, pool2, auditors = "us-east-1_EXAMPLE01", "us-east-1_EXAMPLE02", "us-east-1_AUDIT0001"
	source := map[string]string{"source": ""}
	for _, c := range []struct {
		r    policy.Request
		want string
	}{
		{policy.Request{Caller: signup, Method: confirmSignUp, Pool: pool1, MetadataKeys: source}, "allowed by signup"},
		{policy.Request{Caller: signup, Method: confirmSignUp, Pool: pool1}, "allowed by signup"},
		{policy.Request{Caller: signup, Method: confirmSignUp, Pool: pool2}, "denied by none"},
		{policy.Request{Caller: signup, Method: confirmSignUp, Pool: auditors}, "denied by auditors"},
		{policy.Request{Caller: signup, Method: watch}, "denied by none"},
		{policy.Request{Caller: support, Method: confirmSignUp, Pool: pool2, AllowConfirmed: true}, "allowed by support"},
		{policy.Request{Caller: support, Method: confirmSignUp, Pool: pool2}, "denied by none"},
		{policy.Request{Caller: support, Method: confirmSignUp, Pool: pool2, AllowConfirmed: true, MetadataKeys: source}, "denied by none"},
		{policy.Request{Caller: probe, Method: watch}, "allowed by probe"},
		{policy.Request{Caller: probe, Method: confirmSignUp, Pool: pool1}, "denied by none"},
	} {
		got := "denied by "
		decision := p.Decide(c.r)
		if decision.Allowed {
			got = "allowed by "
		}
		if got += decision.Rule; got != c.want {
			t.Errorf("%+v: %s, want %s", c.r, got, c.want)
		}
	}
}
