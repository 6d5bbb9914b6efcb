package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	// The widths where no terminal says one: the usual one, and that of the widest table.
	textWidth  = 80
	tableWidth = 100
	// Below this, wrapping helps nobody.
	leastWidth = 30
	mostWidth  = 1_000 // columns of text that nobody reads any more
	gap        = 2
	labelWidth = 11
)

// widthOf is how many columns the terminal behind w has. If w is not a terminal, COLUMNS sets the width.
func widthOf(w io.Writer, otherwise int) int {
	columns := otherwise
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		columns = n
	}
	if file, ok := w.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		// Some terminals do not know.
		if n, _, err := term.GetSize(int(file.Fd())); err == nil && n > 0 {
			columns = n
		}
	}
	return min(max(columns, leastWidth), mostWidth)
}

// row is a label and the text beside it.
type row struct{ label, text string }

// sheet is a text that is wrapped at its width.
type sheet struct {
	strings.Builder
	width int
}

// rows writes labels and texts below each other, indented.
func (s *sheet) rows(labels int, rows ...row) {
	for _, r := range rows {
		s.cells([]int{0, labels, s.width - labels - 2*gap}, "", r.label, r.text)
	}
}

// list writes rows whose labels are of any width. Below a label that leaves too little space, the text has its own line.
func (s *sheet) list(rows ...row) {
	labels := labelWidth
	for _, r := range rows {
		if n := utf8.RuneCountInString(r.label); n <= s.width/2 {
			labels = max(labels, n)
		}
	}
	for _, r := range rows {
		if utf8.RuneCountInString(r.label) <= labels {
			s.rows(labels, r)
			continue
		}
		s.cells([]int{0, s.width - gap}, "", r.label)
		s.cells([]int{gap, s.width - 2*gap}, "", r.text)
	}
}

// cells writes texts side by side, each wrapped into its column.
func (s *sheet) cells(widths []int, cells ...string) {
	wrapped, height := make([][]string, len(cells)), 0
	for x, cell := range cells {
		wrapped[x] = wrap(cell, widths[x])
		height = max(height, len(wrapped[x]))
	}
	for y := range height {
		var line strings.Builder
		for x, width := range widths {
			text := ""
			if y < len(wrapped[x]) {
				text = wrapped[x][y]
			}
			fmt.Fprintf(&line, "%-*s%*s", width, text, gap, "")
		}
		s.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// lines writes a text that is not indented.
func (s *sheet) lines(text string) {
	s.cells([]int{s.width}, text)
}

// paragraphs writes a text with blank lines between its paragraphs, indented.
func (s *sheet) paragraphs(text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		s.cells([]int{0, s.width - gap}, "", paragraph)
		s.WriteString("\n")
	}
}

// text is what was written, with one line break at its end.
func (s *sheet) text() string {
	return strings.TrimRight(s.String(), "\n") + "\n"
}

// wrap breaks a text at blanks. A word that is too long is not broken.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && utf8.RuneCountInString(lines[last])+1+utf8.RuneCountInString(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// printable quotes a text that could control a terminal; what comes over the network may contain anything.
func printable(text string) string {
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}
