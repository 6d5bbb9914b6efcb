package main

import (
	"fmt"
	"io"
	"os"

	"cognito.internal/useradmin/internal/conffile"
	"cognito.internal/useradmin/internal/policy"
)

type policyCommand struct {
	Check   policyCheckCommand   `cmd:"" help:"Check the file of a policy as serve does."`
	Explain policyExplainCommand `cmd:"" help:"Explain what a policy decides on a call, and why."`
}

type policyCheckCommand struct {
	File string `arg:"" complete:"file" help:"The file of the policy, in Cedar; - is standard input."`
}

// Help is shown above the arguments.
func (*policyCheckCommand) Help() string {
	return `It prints one line: how many rules the policy has, how many callers they name, and its SHA-256, which the service
reports as the policy in force. A mistake is reported with its line and with what to do; a policy with a mistake is
refused as a whole.

Exit code: 0, or 2 if the service would refuse the file.

Examples:

  useradmin policy check policy.cedar
  make-policy | useradmin policy check -`
}

// Run checks the file.
func (c *policyCheckCommand) Run(std streams) error {
	p, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "ok: %s, %s, %s, sha256 %s\n", count(p.Permits(), "permit"), count(p.Forbids(), "forbid"), count(len(p.Callers()), "caller"), p.Sum())
	return err
}

func readPolicy(path string) (*policy.Policy, error) {
	if path == "-" {
		return pipedPolicy()
	}
	store, err := policy.Open(path)
	if err != nil {
		return nil, usageError{err}
	}
	return store.Current(), nil
}

// pipedPolicy is that of standard input, which has no mode to check.
func pipedPolicy() (*policy.Policy, error) {
	text, err := io.ReadAll(io.LimitReader(os.Stdin, conffile.MaxBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("standard input cannot be read: %w", err)
	case len(text) > conffile.MaxBytes:
		return nil, usageError{fmt.Errorf("standard input is larger than %d bytes", conffile.MaxBytes)}
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("standard input: %w", err)}
	}
	return p, nil
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

type policyExplainCommand struct {
	File           string   `arg:"" complete:"file" help:"The file of the policy, in Cedar; - is standard input."`
	Caller         string   `required:"" env:"-" placeholder:"ID" help:"Who calls: a SPIFFE ID."`
	Method         string   `required:"" env:"-" placeholder:"METHOD" help:"What is called: ConfirmSignUp, or the full name of any method."`
	Pool           string   `env:"-" placeholder:"POOL" help:"The id of the user pool, for ConfirmSignUp."`
	Key            []string `sep:"none" env:"-" placeholder:"KEY" help:"A key of the client metadata; can be repeated."`
	AllowConfirmed bool     `env:"-" help:"The call has allow_confirmed."`
}

// Help is shown above the arguments.
func (*policyExplainCommand) Help() string {
	return `It prints ALLOWED or DENIED and the rule that decides. If no permit matches, it lists the permits of this caller, and
which part of each does not match.

Exit code: 0 if the call is allowed, 1 if it is denied, 2 for wrong usage or if the service would refuse the file.

Example:

  useradmin policy explain policy.cedar --caller spiffe://prod.example/ns/signup/sa/api --method ConfirmSignUp --pool us-east-1_EXAMPLE01 --key source`
}

// Run explains one decision.
func (c *policyExplainCommand) Run(std streams) error {
	p, err := readPolicy(c.File)
	if err != nil {
		return err
	}
	request, err := c.request()
	if err != nil {
		return usageError{err}
	}
	if request.Method == policy.FreeMethod {
		_, err := io.WriteString(std.Out, "ALLOWED: "+policy.FreeMethod+" needs no permission.\n")
		return err
	}
	decision, findings := p.Explain(request)
	if _, err := io.WriteString(std.Out, explained(decision, findings)); err != nil {
		return err
	}
	if !decision.Allowed {
		return exitCode(exitFailure)
	}
	return nil
}

func (c *policyExplainCommand) request() (policy.Request, error) {
	method, err := policy.Method(c.Method)
	if err != nil {
		return policy.Request{}, err
	}
	keys := map[string]string{}
	for _, key := range c.Key {
		keys[key] = ""
	}
	request := policy.Request{Caller: c.Caller, Method: method, Pool: c.Pool, MetadataKeys: keys, AllowConfirmed: c.AllowConfirmed}
	return request, request.Check()
}

// explained is the decision and why.
func explained(decision policy.Decision, findings []policy.Finding) string {
	var permits, forbids, failed, others []policy.Finding
	for _, f := range findings {
		switch {
		case f.Failed:
			failed = append(failed, f)
		case f.Matches && f.Permit:
			permits = append(permits, f)
		case f.Matches:
			forbids = append(forbids, f)
		case f.Permit:
			others = append(others, f)
		}
	}
	switch {
	case decision.Allowed:
		return "ALLOWED by " + described(permits[0]) + ".\n"
	case len(failed) > 0:
		return "DENIED: a condition cannot be evaluated.\n" + listed(failed)
	case len(forbids) > 0 && len(permits) > 0:
		return "DENIED by " + described(forbids[0]) + ": a forbid wins over " + described(permits[0]) + ".\n"
	case len(forbids) > 0:
		return "DENIED by " + described(forbids[0]) + ".\n"
	case len(others) > 0:
		return "DENIED: no permit matches. Those of this caller:\n" + listed(others)
	default:
		return "DENIED: no permit names this caller.\n"
	}
}

func described(f policy.Finding) string {
	kind := "the forbid"
	if f.Permit {
		kind = "the permit"
	}
	return kind + " " + place(f)
}

// place is the line, with the @id if there is one.
func place(f policy.Finding) string {
	line := fmt.Sprintf("line %d", f.Line)
	if f.Rule == line {
		return "on " + line
	}
	return fmt.Sprintf("%s on %s", f.Rule, line)
}

func listed(findings []policy.Finding) string {
	var text string
	for _, f := range findings {
		text += "  " + described(f) + ": " + f.Why + "\n"
	}
	return text
}
