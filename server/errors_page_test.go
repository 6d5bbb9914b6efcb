package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/schema"
)

// docs/errors.md is made of the proto's comments, with which TestTheTableIsTheProtos compares the table that the server
// goes by.
func TestErrorsPage(t *testing.T) {
	s, err := schema.Load()
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "../docs/errors.md", errorsPage(s))
}

func errorsPage(s *schema.Schema) string {
	var b strings.Builder
	b.WriteString(`# Errors

<!-- Generated from proto/useradmin/v1/errors.proto by "go test ./server -update": change the comments there. -->

Every error status of this service has the details ErrorInfo (domain ` + "`" + domain + "`" + `) and RequestInfo, whose id is also the
trailer ` + "`x-request-id`" + `. A status without that ErrorInfo was made by something else: its outcome is unknown. The trailer
` + "`grpc-retry-pushback-ms`" + ` tells the retry policies of gRPC clients the same as RetryInfo; on ABORTED, and on RESOURCE_EXHAUSTED
without RetryInfo, it is ` + "`-1`" + `, which stops them. A status has at most 2 KiB, so that the header list of an error stays under
4 KiB: proxies and client libraries lose larger ones. Statuses that grpc-go makes before any handler runs (unknown method,
undecodable or oversized message) have no details.

| reason | gRPC code | outcome | further details |
|---|---|---|---|
`)
	for _, r := range s.Reasons() {
		fmt.Fprintf(&b, "| [%s](#%s) | %s | %s | %s |\n", r.Name, strings.ToLower(r.Name), cell(r.Code), cell(r.Outcomes), cell(r.Details))
	}
	b.WriteString("\n## Outcomes\n\n| outcome | the effect of the failed call on the user |\n|---|---|\n")
	for _, o := range s.Outcomes() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", o.Name, joined(o.Comment))
	}
	for _, rpc := range s.Unknowns() {
		fmt.Fprintf(&b, "\nAfter UNKNOWN from %s: %s\n", rpc.Name, lowerFirst(rpc.Comment))
	}
	b.WriteString("\n## Metadata of every error\n\n| key | value |\n|---|---|\n")
	for _, key := range s.MetadataKeys() {
		fmt.Fprintf(&b, "| `%s` | %s |\n", key.Name, joined(key.Comment))
	}
	b.WriteString("\nThese keys, and those of the reason below, are always there: one that does not apply, or is not known, is empty, `0` or `false`.\n")
	b.WriteString("\n## Reasons\n")
	for _, r := range s.Reasons() {
		writeReason(&b, r)
	}
	return b.String()
}

func writeReason(b *strings.Builder, r schema.Reason) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n", r.Name, r.Meaning)
	if r.More != "" {
		fmt.Fprintf(b, "\n%s\n", r.More)
	}
	b.WriteString("\n")
	for _, line := range [][2]string{{"Code", r.Code}, {"Details", r.Details}, {"Metadata", r.Metadata}, {"Outcome", r.Outcomes}} {
		if line[1] != "" {
			fmt.Fprintf(b, "- %s: %s\n", line[0], line[1])
		}
	}
	for _, action := range r.Actions {
		fmt.Fprintf(b, "- Do (%s): %s\n", strings.Join(action.Outcomes, ", "), action.Text)
	}
	if slices.Contains(r.OutcomeNames(), "UNKNOWN") && r.Do("UNKNOWN", "") == "" {
		b.WriteString("- Do (UNKNOWN): see [Outcomes](#outcomes).\n")
	}
}

func cell(text string) string { return strings.TrimSuffix(text, ".") }

func joined(comment string) string {
	return strings.ReplaceAll(strings.ReplaceAll(comment, "\n\n", " "), "\n", " ")
}

func lowerFirst(text string) string { return strings.ToLower(text[:1]) + text[1:] }
