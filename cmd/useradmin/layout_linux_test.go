package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// terminal returns a terminal of that width: what a person's program reads, and what the command writes to.
func terminal(t *testing.T, columns uint16) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = screen.Close() })
	fd := int(screen.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: 24}); err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tty.Close() })
	return screen, tty
}

// onTerminal returns what the program writes to a terminal of that width.
func onTerminal(t *testing.T, columns uint16, args ...string) string {
	t.Helper()
	screen, tty := terminal(t, columns)
	shown := make(chan string)
	go func() {
		text, _ := io.ReadAll(screen) // it ends with an error once nobody has the terminal open
		shown <- string(text)
	}()
	if code := run(args, streams{tty, tty}); code != 0 {
		t.Errorf("%q: exit code %d", args, code)
	}
	_ = tty.Close()
	return <-shown
}

// A terminal's width counts, whatever COLUMNS says; without one COLUMNS counts, and without both the usual width.
func TestTextIsAsWideAsTheTerminal(t *testing.T) {
	widest := func(text string) int {
		widest := 0
		for line := range strings.Lines(text) {
			widest = max(widest, len(strings.TrimRight(line, "\r\n")))
		}
		return widest
	}
	for _, c := range []struct {
		columns     uint16
		variable    string
		least, most int
	}{
		{60, "", 50, 60}, {60, "200", 50, 60}, {140, "", 101, 140}, {5, "", 20, 37}, {0, "", 70, 80}, {0, "60", 50, 60},
	} {
		t.Setenv("COLUMNS", c.variable)
		var text string
		if c.columns == 0 {
			_, text, _ = inProcess("explain", "LAMBDA_REJECTED")
		} else {
			text = onTerminal(t, c.columns, "explain", "LAMBDA_REJECTED")
		}
		if got := widest(text); got < c.least || got > c.most {
			t.Errorf("%d columns, COLUMNS=%q: %d wide, want %d to %d:\n%s", c.columns, c.variable, got, c.least, c.most, text)
		}
	}
}
