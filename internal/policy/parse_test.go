package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"cognito.internal/useradmin/internal/policy"
)

// head is a permit but for its conditions, on line 1.
const head = `permit (principal == Caller::"spiffe://p.example/a", action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp", resource)`

// replaced is the permit with another part.
func replaced(old, with string) string { return strings.Replace(head, old, with, 1) + ";" }

// with is a permit whose condition stands on line 2.
func with(condition string) string { return head + "\nwhen { " + condition + " };" }

func TestBadPoliciesAreRefusedWithTheirLine(t *testing.T) {
	tooLong := "spiffe://p.example/" + strings.Repeat("a", 2049-len("spiffe://p.example/"))
	const action = `action == Action::"useradmin.v1.UserAdmin/ConfirmSignUp"`
	const principal = `principal == Caller::"spiffe://p.example/a"`
	const noEntity = `expected principal, action, resource, context, a value or an entity such as UserPool::"us-east-1_A"`
	const noScope = `the action does not go with this principal or resource: a principal is a Caller; the resource of ConfirmSignUp is a UserPool, that of the others Service::"useradmin"`
	const never = "a comparison in this condition can never be true: correct it or remove it"
	const neverMatches = "the rule can never match because of this condition: correct it or remove the rule"
	const noCaller = `a permit must name its caller: write principal == Caller::"spiffe://..."`
	const same = ": compare values of the same type"
	deep := strings.Repeat("(", 64) + "true" + strings.Repeat(")", 64)
	for name, c := range map[string]struct{ text, want string }{
		// The file.
		"empty":              {"", "line 1: there is no rule, and without one every call is denied: write a permit"},
		"blank":              {" \n\t\r\n", "line 1: there is no rule, and without one every call is denied: write a permit"},
		"comments only":      {"// permit\n/* forbid */\n", "line 1: there is no rule, and without one every call is denied: write a permit"},
		"not UTF-8":          {head + ";\n// \xff", "line 2: there is a character that is not UTF-8: save the file as UTF-8"},
		"NUL":                {head + ";\n\x00", "line 2: there is a NUL character: save the file as text in UTF-8"},
		"UTF-16":             {"p\x00e\x00", "line 1: there is a NUL character: save the file as text in UTF-8"},
		"byte order mark":    {"\ufeff" + head + ";", "line 1: the file begins with a byte order mark: save it as UTF-8 without one"},
		"too many rules":     {strings.Repeat("forbid (principal, action, resource);\n", 10_001), "line 10001: there are more than 10000 rules: name several methods or user pools in one rule"},
		"rule too long":      {head + ";\n" + with(`"`+strings.Repeat("x", 64<<10)+`" == "x"`), "line 2: the rule that begins here has more than 65536 bytes: write it as several rules"},
		"nested too deeply":  {with(deep), "line 2: the rule has more than 64 open brackets, if, ! and -: write it as several rules"},
		"too many negations": {with(strings.Repeat("!", 64) + "true"), "line 2: the rule has more than 64 open brackets, if, ! and -: write it as several rules"},
		// The syntax.
		"other language":        {"{\n\"allow\": true}", "line 1: a rule begins with permit or forbid"},
		"misspelt permit":       {"\npermitt (principal, action, resource);", "line 2: a rule begins with permit or forbid"},
		"a key":                 {"-----BEGIN PRIVATE KEY-----\nc2VjcmV0", "line 1: a rule begins with permit or forbid"},
		"annotation permit":     {"@permit(\"x\")\n@forbid\npermit (principal, action, resource);", "line 3: " + noCaller},
		"odd annotations":       {"@permit(\"x\")\n@when(\"x\")\n" + with("1"), "line 4: unexpected type: expected Bool but saw Long: correct the condition"},
		"no semicolon":          {head + "\n", `line 1: found the end of the rule, expected ";"`},
		"no semicolon between":  {head + "\n" + head + ";", `line 2: found "permit", expected ";"`},
		"no comma":              {"permit (" + principal + "\n" + action + ", resource);", `line 2: found "action", expected ","`},
		"no resource":           {"permit (" + principal + ",\n" + action + ");", `line 2: found ")", expected ","`},
		"order of the scope":    {"permit (\naction,\nprincipal, resource);", `line 2: found "action", expected "principal"`},
		"single equals sign":    {replaced("action ==", "\naction ="), "line 2: a single = has no meaning: write =="},
		"single ampersand":      {with("true & true"), "line 2: a single & has no meaning: write &&"},
		"strange character":     {with("true # false"), "line 2: the character '#' has no meaning here: remove it, or put text into double quotes"},
		"single quotes":         {with("resource == UserPool::'p_A'"), `line 2: the character '\'' has no meaning here: remove it, or put text into double quotes`},
		"quotes without end":    {with("resource == UserPool::\"p_A") + "\n\"", `line 2: the text in quotes has no end: close it with " on the same line`},
		"comment without end":   {head + ";\n/* x\n\n", "line 2: the comment has no end: close it with */"},
		"template":              {head + ";\nforbid (principal == ?principal, action, resource);", "line 2: templates (?principal, ?resource) have no meaning here: name the caller or the user pool"},
		"unknown variable":      {with("pool == 3"), `line 2: found "pool": ` + noEntity},
		"bad escape":            {head + ";\n" + with(`"\q" == "x"`), "line 2: syntax error in the rule that begins here: <input>:2:8: invalid char escape"},
		"large number":          {with("99999999999999999999 > 1"), `line 1: syntax error in the rule that begins here: strconv.ParseInt: parsing "99999999999999999999": value out of range`},
		"unknown function":      {with("pool(1)"), "line 2: found \"(\": `pool` is not a function"},
		"unknown method":        {with("resource.includes(1)"), "line 2: found \")\": `includes` is not a method"},
		"empty condition":       {head + "\nwhen { };", `line 2: found "}": ` + noEntity},
		"condition in brackets": {head + "\nwhen (true);", `line 2: found "(", expected "{"`},
		"list without comma":    {with(`["a" "b"].contains("a")`), `line 2: found "\"b\"", expected ","`},
		"semicolon inside":      {with("true; true"), `line 2: found ";", expected "}"`},
		"entity without quotes": {with("resource == UserPool::3"), `line 2: found "3": expected a name or text in double quotes`},
		// The rules.
		"permit for everybody":     {"\npermit (principal, action, resource);", "line 2: " + noCaller},
		"permit for a type":        {replaced(principal, "principal is Caller"), "line 1: " + noCaller},
		"permit in a caller":       {replaced("principal ==", "principal in"), "line 1: " + noCaller},
		"caller in the condition":  {"permit (principal, action, resource)\nwhen { " + principal + " };", "line 1: " + noCaller},
		"same id twice":            {"@id(\"a\")\n" + head + ";\n\n@id(\"a\")\n" + head + ";", `line 4: the @id "a" is that of the rule on line 2: give each rule its own`},
		"id with blanks":           {"@id(\"a b\")\n" + head + ";", `line 1: the @id "a b" may have 1 to 64 letters, digits, dots, hyphens and underscores only`},
		"id too long":              {`@id("` + strings.Repeat("a", 65) + `") ` + head + ";", `line 1: the @id "` + strings.Repeat("a", 65) + `" may have 1 to 64 letters, digits, dots, hyphens and underscores only`},
		"id without value":         {"@note(\"x\")\n@id\n" + head + ";", `line 2: the @id "" may have 1 to 64 letters, digits, dots, hyphens and underscores only`},
		"id like no rule":          {"@id(\"none\")\n" + head + ";", `line 1: the @id "none" means that no rule decided: give the rule another one`},
		"id like an error":         {"@id(\"error\")\n" + head + ";", `line 1: the @id "error" means that no rule decided: give the rule another one`},
		"caller without scheme":    {replaced("spiffe://p.example/a", "p.example/a"), `line 1: the caller "p.example/a" is not a SPIFFE ID (scheme is missing or invalid): write it as in its certificate, such as spiffe://prod.example/service`},
		"caller in upper case":     {replaced("p.example", "P.example"), `line 1: the caller "spiffe://P.example/a" is not a SPIFFE ID (trust domain characters are limited to lowercase letters, numbers, dots, dashes, and underscores): write it as in its certificate, such as spiffe://prod.example/service`},
		"bad caller in condition":  {with(`principal != Caller::"spiffe://p.example/a/"`), `line 2: the caller "spiffe://p.example/a/" is not a SPIFFE ID (path cannot have a trailing slash): write it as in its certificate, such as spiffe://prod.example/service`},
		"caller without path":      {replaced("spiffe://p.example/a", "spiffe://p.example"), `line 1: the caller "spiffe://p.example" is not a SPIFFE ID (it has no path): write it as in its certificate, such as spiffe://prod.example/service`},
		"caller too long":          {replaced("spiffe://p.example/a", tooLong), `line 1: the caller "` + tooLong[:80] + `..." is not a SPIFFE ID (it has more than 2,048 bytes): write it as in its certificate, such as spiffe://prod.example/service`},
		"bad pool":                 {replaced(", resource", ",\nresource == UserPool::\"us-east-1-A\""), `line 2: "us-east-1-A" is not the id of a user pool: write it as Cognito shows it, such as us-east-1_AbCdEfGhI`},
		"bad pool in condition":    {with(`resource in [UserPool::"p_A",` + "\n" + `UserPool::"p_A\n"]`), `line 3: "p_A\n" is not the id of a user pool: write it as Cognito shows it, such as us-east-1_AbCdEfGhI`},
		"pool too long":            {with(`resource == UserPool::"p_` + strings.Repeat("A", 54) + `"`), `line 2: "p_` + strings.Repeat("A", 54) + `" is not the id of a user pool: write it as Cognito shows it, such as us-east-1_AbCdEfGhI`},
		"other service":            {`forbid (principal, action, resource == Service::"other");`, `line 1: there is no Service::"other": write Service::"useradmin"`},
		"pool of another method":   {replaced(", resource", `, resource == Service::"useradmin"`), "line 1: " + noScope},
		"caller as resource":       {replaced(", resource", `, resource is Caller`), "line 1: " + noScope},
		"pool as caller":           {replaced(principal, `principal == UserPool::"p_A"`), "line 1: " + noScope},
		"misspelt action":          {replaced("ConfirmSignUp", "ConfirmSignup"), `line 1: there is no method "useradmin.v1.UserAdmin/ConfirmSignup": did you mean "useradmin.v1.UserAdmin/ConfirmSignUp"?`},
		"misspelt action in list":  {replaced(action, `action in [`+"\n"+`Action::"grpc.health.v1.Health/Wach"]`), `line 2: there is no method "grpc.health.v1.Health/Wach": did you mean "grpc.health.v1.Health/Watch"?`},
		"action of no list":        {replaced(action, "action in []"), "line 1: an empty list [] is not allowed: for no metadata write context.metadata_keys.isEmpty()"},
		"the free method":          {replaced("useradmin.v1.UserAdmin/ConfirmSignUp", "grpc.health.v1.Health/Check"), "line 1: grpc.health.v1.Health/Check needs no permission and cannot be denied: remove it"},
		"misspelt type":            {with(`resource == Userpool::"p_A"`), `line 2: there is no type "Userpool": did you mean UserPool?`},
		"misspelt type after is":   {`forbid (principal is` + "\n" + `caller, action, resource);`, `line 2: there is no type "caller": did you mean Caller?`},
		"type of another service":  {with(`resource is` + "\n" + `Cognito::UserPool`), `line 3: there is no type "Cognito::UserPool": did you mean UserPool?`},
		"misspelt attribute":       {with("true &&\ncontext.metadata_kyes.isEmpty()"), `line 3: there is no attribute "metadata_kyes": did you mean context.metadata_keys?`},
		"misspelt has":             {with("context has alow_confirmed"), `line 2: there is no attribute "alow_confirmed": did you mean context.allow_confirmed?`},
		"attribute of a pool":      {with(`resource["name"] == "x"`), `line 2: there is no attribute "name": did you mean context.metadata_keys?`},
		"misspelt and not reached": {with("resource is UserPool || context.pool"), `line 2: there is no attribute "pool": did you mean context.metadata_keys?`},
		"attribute of one method":  {replaced(action, "action") + "\n" + strings.Replace(with("context.allow_confirmed"), action, "action", 1), "line 3: attribute `allow_confirmed` in context for Action::\"grpc.health.v1.Health/List\" not found: only ConfirmSignUp has it, so name that as the rule's action"},
		"attribute of no context":  {with("resource.metadata_keys.isEmpty()"), "line 2: attribute `metadata_keys` on entity type `UserPool` not found: only ConfirmSignUp has it, so name that as the rule's action"},
		"no condition":             {with("1"), "line 2: unexpected type: expected Bool but saw Long: correct the condition"},
		"text in no set":           {with(`"a".contains("a")`), "line 2: unexpected type: expected a set but saw String: correct the condition"},
		"pool in text":             {with(`resource in "p_A"`), "line 2: unexpected type: expected a set of entities, or an entity but saw String: correct the condition"},
		"keys are no text":         {with(`context.metadata_keys == "source"`), "line 2: the types String and Set<String> are not compatible" + same},
		"pool as text":             {with(`resource == "p_A"`), "line 2: the types String and UserPool are not compatible" + same},
		"number among keys":        {with("context.metadata_keys.contains(3)"), "line 2: the types Long and String are not compatible" + same},
		"mixed list":               {with(`["a", 1].containsAll(context.metadata_keys)`), "line 2: the types Long and String are not compatible" + same},
		"empty list":               {with("[].containsAll(context.metadata_keys)"), "line 2: an empty list [] is not allowed: for no metadata write context.metadata_keys.isEmpty()"},
		"pool that is a caller":    {with(`resource == Caller::"spiffe://p.example/a" || true`), "line 2: " + never},
		"pool in callers":          {with(`!(resource in [Caller::"spiffe://p.example/a"])`), "line 2: " + never},
		"other action":             {head + "\nwhen { true }\nunless { action in [Action::\"grpc.health.v1.Health/Watch\"] };", "line 3: " + never},
		"pool is a service":        {with("resource is Service"), "line 2: " + never},
		"never":                    {with("false"), "line 2: " + neverMatches},
		"never, after unless":      {head + "\nwhen { true }\nunless { resource is UserPool };", "line 3: " + neverMatches},
		"never, of two":            {with("context.allow_confirmed && false"), "line 2: " + neverMatches},
		"bad address":              {with(`ip("x").isIpv4()`), "line 2: error during extension function argument validation: failed to parse as IP address: `\"x\"`"},
	} {
		p, err := policy.Parse([]byte(c.text))
		if err == nil || err.Error() != c.want || p != nil {
			t.Errorf("%s: got\n%v, want\n%v", name, err, c.want)
		}
	}
}

func TestGoodPolicies(t *testing.T) {
	for _, text := range []string{
		head + ";",
		"// ; permit \" \n" + head + ";/* \" */",
		head + " when { true };",
		with(`resource == UserPool::"p_A" && context.metadata_keys.contains("a\"; \u{e9}")`),
		with(`if context.allow_confirmed then resource in [UserPool::"p_A"] else context has metadata_keys`),
		with(`context == {metadata_keys: ["a"], allow_confirmed: true}`),
		with(strings.Repeat("(", 63) + "true" + strings.Repeat(")", 63)),
		"forbid (principal, action, resource);",
		"forbid (principal is Caller, action, resource) unless { resource is UserPool };",
		`forbid (principal in Caller::"spiffe://p.example/a", action in Action::"grpc.health.v1.Health/Watch", resource in Service::"useradmin");`,
		`@id("` + strings.Repeat("a", 64) + `")` + head + ";",
		replaced("spiffe://p.example/a", "spiffe://p.example/"+strings.Repeat("a", 2048-len("spiffe://p.example/"))),
		`@id("a-1.B_c")` + "\n@note(\"why\")\n@bare\n" + head + ";",
		strings.Repeat("forbid (principal, action, resource);\n", 10_000),
	} {
		if _, err := policy.Parse([]byte(text)); err != nil {
			t.Errorf("%.300s: %v", text, err)
		}
	}
}

// FuzzParse looks for texts that are accepted and should not be.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", head + ";", with(`["k"].containsAll(context.metadata_keys) && resource in [UserPool::"p_A"]`), "forbid (principal, action, resource);",
		"@id(\"a\")\npermit (principal, action, resource) unless { if !true then -1 > 2 else context has allow_confirmed };", with(`ip("1.1.1.1").isIpv4() || "a*" like "\*"`),
		with(`{a: [1, 2], "b": decimal("1.0")}.a.contains(2) || principal.hasTag("x")`), "permit (principal == ?principal, action, resource);",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := policy.Parse([]byte(text))
		if err != nil {
			if !strings.HasPrefix(err.Error(), "line ") || strings.ContainsAny(err.Error(), "\n\r\x00") {
				t.Errorf("not one line: %q", err)
			}
			return
		}
		for _, caller := range append(p.Callers(), one) {
			for _, method := range policy.Actions() {
				r := policy.Request{Caller: caller, Method: method, Pool: "p_A", MetadataKeys: map[string]string{"k": ""}}
				decision, findings := p.Explain(r)
				checkExplained(t, decision, findings)
				if decision.Allowed && !p.Names(caller) {
					t.Errorf("%q may call %s, and no permit names it", caller, method)
				}
			}
		}
		everyPermitNames(t, text)
	})
}

// checkExplained compares a decision with what the rules say.
func checkExplained(t *testing.T, decision policy.Decision, findings []policy.Finding) {
	t.Helper()
	want := policy.Decision{Rule: "none"}
	for _, permits := range []bool{true, false} {
		for i := range findings {
			if f := findings[len(findings)-1-i]; f.Matches && f.Permit == permits {
				want = policy.Decision{Allowed: permits, Rule: f.Rule}
			}
		}
	}
	for _, f := range findings {
		if f.Failed {
			want = policy.Decision{Rule: "error"}
		}
	}
	if decision != want {
		t.Errorf("decided %+v, explained %+v: %s", decision, want, fmt.Sprint(findings))
	}
}

// everyPermitNames reads an accepted text with Cedar itself.
func everyPermitNames(t *testing.T, text string) {
	t.Helper()
	rules, err := cedar.NewPolicyListFromBytes("", []byte(text))
	if err != nil {
		t.Fatalf("Cedar refuses what is accepted: %v", err)
	}
	for _, rule := range rules {
		tree := (*ast.Policy)(rule.AST())
		if _, ok := tree.Principal.(ast.ScopeTypeEq); !ok && rule.Effect() == cedar.Permit {
			t.Errorf("a permit names no caller: %s", rule.MarshalCedar())
		}
	}
}
