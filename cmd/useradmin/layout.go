package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// The usual width of a terminal, and that of the widest table.
	textWidth  = 80
	tableWidth = 100
	gap        = 2
	labelWidth = 11
)

// row is a label and the text beside it.
type row struct{ label, text string }

// writeRows writes labels and texts below each other, indented.
func writeRows(b *strings.Builder, labels int, rows ...row) {
	for _, r := range rows {
		writeCells(b, []int{0, labels, textWidth - labels - 2*gap}, "", r.label, r.text)
	}
}

// writeCells writes texts side by side, each wrapped into its column.
func writeCells(b *strings.Builder, widths []int, cells ...string) {
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
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// writeParagraphs writes a text with blank lines between its paragraphs, indented.
func writeParagraphs(b *strings.Builder, text string) {
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		writeCells(b, []int{0, textWidth - gap}, "", paragraph)
		b.WriteString("\n")
	}
}

// wrap breaks a text at blanks. A word that is too long is not broken.
func wrap(text string, width int) []string {
	var lines []string
	for word := range strings.FieldsSeq(text) {
		last := len(lines) - 1
		if last >= 0 && len([]rune(lines[last]))+1+len([]rune(word)) <= width {
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
