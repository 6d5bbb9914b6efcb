package server

import (
	"fmt"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/code"
	"google.golang.org/grpc/codes"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// ContractTable is the error contract as a table in Markdown, made of the rows that the server goes by.
func ContractTable() string {
	c := newContract("us-east-1")
	var b strings.Builder
	b.WriteString("| reason | gRPC code | outcome | further details | further metadata | message |\n|---|---|---|---|---|---|\n")
	for _, r := range c.rows() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s | %s |\n",
			shortReason(r.reason), r.codeText(), r.claim, r.detailText(), r.metadataText(), r.message)
	}
	return b.String()
}

// String says it as the table does.
func (c claim) String() string {
	switch c {
	case refused:
		return "NOT_APPLIED"
	case neverSent:
		return "NOT_SENT"
	case unsent:
		return "NOT_SENT; NOT_APPLIED if an attempt was refused"
	case unlessRepeated:
		return "NOT_APPLIED; UNKNOWN on a repeat"
	case asTold:
		return "NOT_SENT, NOT_APPLIED or UNKNOWN"
	default:
		return "UNKNOWN"
	}
}

func (r *row) codeText() string {
	name := codeName(r.code)
	switch {
	case r.code == codes.Unavailable && r.claim == maybe:
		return codeName(codes.Aborted) + "; " + name + " with `allow_confirmed`"
	case r.code == codes.Unavailable && !r.claim.promises():
		return name + "; " + codeName(codes.Aborted) + " if UNKNOWN without `allow_confirmed`"
	default:
		return name
	}
}

func codeName(c codes.Code) string {
	return code.Code(c).String() //nolint:gosec // codes are small
}

// detailText and metadataText show what the row makes of a failure that has everything.
func (r *row) detailText() string {
	var names []string
	if r.delay > 0 {
		names = append(names, "RetryInfo")
	}
	if r.code == codes.Unavailable && r.delay > 0 && !r.claim.promises() {
		names[0] += " with UNAVAILABLE only"
	}
	if r.detail != nil {
		names = append(names, string(r.detail(everything()).ProtoReflect().Descriptor().Name()))
	}
	return strings.Join(names, ", ")
}

func (r *row) metadataText() string {
	if r.annotate == nil {
		return ""
	}
	var n notes
	r.annotate(everything(), &n)
	keys := make([]string, len(n))
	for i, note := range n {
		keys[i] = "`" + note.key + "`"
	}
	return strings.Join(keys, ", ")
}

func everything() *failure {
	return &failure{
		req:         &useradminv1.ConfirmSignUpRequest{UserPoolId: "us-east-1_EXAMPLE01"},
		cognito:     cognitoclient.Error{UserStatus: "RESET_REQUIRED", ReasonCode: "code"},
		violations:  []violation{{field: fieldUsername, reason: reasonRequired}},
		lambdaError: "text",
	}
}
