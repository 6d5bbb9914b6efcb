// Command vuln reads what `govulncheck -format json` prints and decides: it exits with 1 if an advisory of a module
// has to be acted on. Advisories of the Go release itself are printed only: a newer patch release fixes them, and it is
// the release's build that has to use it, not this machine.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

// message is what this needs of govulncheck's; each has one of these.
type message struct {
	SBOM *struct {
		Modules []struct {
			Path string `json:"path"`
		} `json:"modules"`
	} `json:"SBOM"`
	OSV *struct {
		ID      string `json:"id"`
		Summary string `json:"summary"`
	} `json:"osv"`
	Finding *finding `json:"finding"`
}

type finding struct {
	ID    string `json:"osv"`
	Fixed string `json:"fixed_version"`
	// Trace begins with what is vulnerable.
	Trace []struct {
		Module   string `json:"module"`
		Version  string `json:"version"`
		Package  string `json:"package"`
		Function string `json:"function"`
	} `json:"trace"`
}

// advisory is all findings of one vulnerability in one module.
type advisory struct {
	id, summary, module, version, fixed string
	imported, called                    bool
}

func main() {
	if err := check(os.Stdin, os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "vuln:", err)
		os.Exit(1)
	}
}

func check(r io.Reader, w io.Writer) error {
	advisories, err := read(r, w)
	if err != nil {
		return err
	}
	failed := 0
	for _, a := range advisories {
		verdict := "known "
		if a.fails() {
			verdict = "FAILED"
			failed++
		}
		if _, err := fmt.Fprintln(w, verdict, a); err != nil {
			return err
		}
	}
	if failed > 0 {
		return fmt.Errorf("take the fixed versions with go get: %d of these advisories fail", failed)
	}
	return nil
}

// read returns the advisories, ordered by module. What looks at nothing finds nothing, which is an error: every database
// has entries about the standard library, and govulncheck passes them on whether they apply or not.
func read(r io.Reader, w io.Writer) ([]*advisory, error) {
	summaries, all := map[string]string{}, map[string]*advisory{}
	modules := 0
	for decoder := json.NewDecoder(r); ; {
		var m message
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("govulncheck's output: %w", err)
		}
		switch {
		case m.SBOM != nil:
			modules = len(m.SBOM.Modules)
		case m.OSV != nil:
			summaries[m.OSV.ID] = m.OSV.Summary
		case m.Finding != nil && len(m.Finding.Trace) > 0:
			note(all, m.Finding)
		}
	}
	if modules < 2 || len(summaries) == 0 {
		return nil, fmt.Errorf("govulncheck looked at %d modules and found %d entries about them in the database", modules, len(summaries))
	}
	for _, a := range all {
		a.summary = summaries[a.id]
	}
	if _, err := fmt.Fprintf(w, "%d modules, %d entries about them, %d advisories\n", modules, len(summaries), len(all)); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(all), func(a, b *advisory) int {
		return cmp.Or(cmp.Compare(a.module, b.module), cmp.Compare(a.id, b.id))
	}), nil
}

func note(all map[string]*advisory, f *finding) {
	at := f.Trace[0]
	key := f.ID + " " + at.Module
	if all[key] == nil {
		all[key] = &advisory{id: f.ID, module: at.Module, version: at.Version, fixed: f.Fixed}
	}
	all[key].imported = all[key].imported || at.Package != ""
	all[key].called = all[key].called || at.Function != ""
}

// fails says whether there is something to do here: a fixed version is taken, whether the code calls what is vulnerable
// or not; without one, only a vulnerability that the code calls stops the run.
func (a *advisory) fails() bool {
	switch a.module {
	case "stdlib", "toolchain":
		return false
	default:
		return a.fixed != "" || a.called
	}
}

func (a *advisory) String() string {
	use := "required only"
	switch {
	case a.called:
		use = "called"
	case a.imported:
		use = "imported only"
	}
	return fmt.Sprintf("%s %s %s, fixed in %s, %s: %s", a.id, a.module, a.version, cmp.Or(a.fixed, "no version"), use, a.summary)
}
