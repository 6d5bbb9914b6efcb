//go:build interop

package interop

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
)

// report collects results for a table in docs/interop.md.
type report struct {
	mu    sync.Mutex
	tests []string
	rows  map[string][]string          // of a test, in the order of their first cell
	cells map[string]map[string]string // by test and row, by column
}

var (
	results    = newReport()
	deviations = newReport()
)

func newReport() *report {
	return &report{rows: map[string][]string{}, cells: map[string]map[string]string{}}
}

// note puts a cell into the report: ok, or FAILED if the test fails.
func (r *report) note(t *testing.T, test, row, column string) {
	t.Helper()
	r.noteAs(t, test, row, column, "ok")
}

// noteAs is note with another word than ok.
func (r *report) noteAs(t *testing.T, test, row, column, word string) {
	t.Helper()
	t.Cleanup(func() {
		text := word
		if t.Failed() {
			text = "FAILED"
		}
		r.set(test, row, column, text)
	})
}

func (r *report) set(test, row, column, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.tests, test) {
		r.tests = append(r.tests, test)
	}
	if !slices.Contains(r.rows[test], row) {
		r.rows[test] = append(r.rows[test], row)
	}
	key := test + "\x00" + row
	if r.cells[key] == nil {
		r.cells[key] = map[string]string{}
	}
	r.cells[key][column] = text
}

// table is the report in Markdown, sorted.
func (r *report) table(head string, columns []string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s |\n|---|---|%s\n", head, strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	tests := slices.Clone(r.tests)
	slices.Sort(tests)
	for _, test := range tests {
		rows := slices.Clone(r.rows[test])
		slices.Sort(rows)
		for _, row := range rows {
			cells := make([]string, len(columns))
			for i, column := range columns {
				cells[i] = r.cells[test+"\x00"+row][column]
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", test, row, strings.Join(cells, " | "))
		}
	}
	return b.String()
}
