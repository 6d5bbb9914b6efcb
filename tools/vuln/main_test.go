package main

import (
	"strings"
	"testing"
)

const (
	head = `{"config":{}}{"SBOM":{"modules":[{"path":"a"},{"path":"b"}]}}{"progress":{"message":"x"}}{"osv":{"id":"GO-1","summary":"Old."}}`
	std  = `{"finding":{"osv":"GO-1","fixed_version":"v1.26.9","trace":[{"module":"stdlib","version":"v1.26.8","package":"net/http","function":"Get"}]}}`
)

func TestJudge(t *testing.T) {
	module := func(fixed, more string) string {
		return head + std + `{"osv":{"id":"GO-2","summary":"Bad."}}` +
			`{"finding":{"osv":"GO-2","fixed_version":"` + fixed + `","trace":[{"module":"b","version":"v1.0.0"` + more + `},{"module":"a"}]}}`
	}
	tests := []struct{ name, in, out, err string }{
		{"nothing", head, "0 advisories", ""},
		{"the Go release only", head + std, "known  GO-1 stdlib v1.26.8, fixed in v1.26.9, called", ""},
		{"its tools", head + strings.ReplaceAll(std, "stdlib", "toolchain"), "known  GO-1 toolchain", ""},
		{"called", module("v1.1.0", `,"package":"b","function":"F"`), "FAILED GO-2 b v1.0.0, fixed in v1.1.0, called: Bad.", "1 of these advisories fail"},
		{"imported", module("v1.1.0", `,"package":"b"`), "FAILED GO-2 b v1.0.0, fixed in v1.1.0, imported only", "1 of these advisories fail"},
		{"required", module("v1.1.0", ""), "FAILED GO-2 b v1.0.0, fixed in v1.1.0, required only", "1 of these advisories fail"},
		{"not fixed, called", module("", `,"package":"b","function":"F"`), "FAILED GO-2 b v1.0.0, fixed in no version, called", "1 of these advisories fail"},
		{"not fixed, not called", module("", `,"package":"b"`), "known  GO-2 b", ""},
		{"no output", "", "", "looked at 0 modules"},
		{"no database", strings.Replace(head, `"osv"`, `"other"`, 1), "", "looked at 2 modules and found 0 entries"},
		{"cut output", head + `{"finding":`, "", "unexpected EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var out strings.Builder
			err := check(strings.NewReader(test.in), &out)
			if !strings.Contains(out.String(), test.out) {
				t.Errorf("printed %q, want %q", out.String(), test.out)
			}
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

// One vulnerability is reported once for each way in which the code meets it; the worst counts.
func TestFindingsAreGathered(t *testing.T) {
	var out strings.Builder
	in := head + `{"finding":{"osv":"GO-2","trace":[{"module":"b"}]}}{"finding":{"osv":"GO-2","trace":[{"module":"b","package":"b","function":"F"}]}}` +
		`{"finding":{"osv":"GO-2","trace":[{"module":"b","package":"b"}]}}`
	if err := check(strings.NewReader(in), &out); err == nil || strings.Count(out.String(), "GO-2") != 1 || !strings.Contains(out.String(), "called") {
		t.Errorf("%v, printed %q", err, out.String())
	}
}
