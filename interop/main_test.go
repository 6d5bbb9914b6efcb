//go:build interop

package interop

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

const docs = "../docs/interop.md"

// TestMain prints the tables after all tests, and compares them with the docs if all tests ran.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	fmt.Printf("\n%s\n%s\n", results.matrix(), deviations.peers())
	if filter := flag.Lookup("test.run"); code == 0 && filter.Value.String() == "" && os.Getenv("INTEROP_CALLERS") == "" {
		if err := publish(map[string]string{"matrix": results.matrix(), "peers": deviations.peers()}); err != nil {
			fmt.Fprintln(os.Stderr, "interop:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// publish puts the tables between their markers in the docs; without -update it fails if they differ.
func publish(tables map[string]string) error {
	shown, err := os.ReadFile(docs)
	if err != nil {
		return err
	}
	text := string(shown)
	for name, table := range tables {
		begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
		before, rest, ok := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return fmt.Errorf("docs/interop.md has no markers for the table %s", name)
		}
		text = before + begin + table + end + after
	}
	switch {
	case text == string(shown):
		return nil
	case !*update:
		return fmt.Errorf("docs/interop.md shows other results: run interop/run -update")
	default:
		return os.WriteFile(docs, []byte(text), 0o600)
	}
}

// matrix is the table of tests and callers by paths.
func (r *report) matrix() string {
	return r.table("| | caller |", []string{"direct", "Envoy", "HAProxy", "HAProxy http", "nginx"})
}

// peers is the table of others' Cognitos: step, end and how AWS does it.
func (r *report) peers() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	b.WriteString("| | user | ends with | AWS |\n|---|---|---|---|\n")
	tests := slices.Clone(r.tests)
	slices.Sort(tests)
	for _, test := range tests {
		for _, row := range r.rows[test] {
			for want, word := range r.cells[test+"\x00"+row] {
				fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", test, row, want, word)
			}
		}
	}
	return b.String()
}
