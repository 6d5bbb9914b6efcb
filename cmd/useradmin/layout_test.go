package main

import (
	"io"
	"testing"
)

// A label that is too long for a column does not push the others aside.
func TestListOfLabels(t *testing.T) {
	s := &sheet{width: 40}
	s.list(row{"short", "one two three four five six seven"}, row{"as-long-as-it-may-be", "one two three four"}, row{"longer-than-half-the-width", "one two three four five six seven eight"})
	want := "" +
		"  short                 one two three\n" +
		"                        four five six\n" +
		"                        seven\n" +
		"  as-long-as-it-may-be  one two three\n" +
		"                        four\n" +
		"  longer-than-half-the-width\n" +
		"    one two three four five six seven\n" +
		"    eight\n"
	if got := s.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWidthWithoutATerminal(t *testing.T) {
	for columns, want := range map[string]int{"": textWidth, "0": textWidth, "-1": textWidth, "wide": textWidth, "1": leastWidth, "120": 120, "99999999": mostWidth} {
		t.Setenv("COLUMNS", columns)
		if got := widthOf(io.Discard, textWidth); got != want {
			t.Errorf("COLUMNS=%q: %d, want %d", columns, got, want)
		}
	}
}
