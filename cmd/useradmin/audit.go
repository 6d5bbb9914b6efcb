package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode"
	"unicode/utf8"

	"cognito.internal/useradmin/internal/audit"
)

type auditCommand struct {
	Pending auditPendingCommand `cmd:"" help:"List calls whose intent has no outcome, as after a crash."`
	Hash    auditHashCommand    `cmd:"" help:"Print what stands for a username in the audit log."`
}

type auditPendingCommand struct {
	Files []string `arg:"" name:"file" complete:"file" help:"The files of the audit log, the oldest first; - is standard input."`
}

// Help is shown above the arguments.
func (*auditPendingCommand) Help() string {
	return `It prints the line of each intent that has no outcome, and a summary to standard error. After a crash these are the
calls that may have been carried out. While the service runs, calls under way are among them.

The outcome of a call is in the next file if the audit log was rotated in between, so name the files before it too.

Exit code: 0 if no intent is without an outcome, 1 if one is, 2 if a file cannot be read or is not an audit log.

Examples:

  useradmin audit pending /var/log/useradmin/audit
  useradmin audit pending audit.2 audit.1 audit
  zcat audit.2.gz audit.1.gz | useradmin audit pending - audit`
}

// Run reads the files in their order.
func (c *auditPendingCommand) Run(std streams) error {
	var p audit.Pending
	for _, path := range c.Files {
		if err := readAudit(&p, path); err != nil {
			return usageError{err}
		}
	}
	lines := p.Lines()
	for _, line := range lines {
		if _, err := std.Out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	_, _ = fmt.Fprintf(std.Err, "intents with an outcome: %d, without: %d; skipped: outcomes without an intent: %d, torn lines: %d, other lines: %d\n",
		p.Outcomes, len(lines), p.Early, p.Torn, p.Foreign)
	if len(lines) > 0 {
		return exitCode(exitFailure)
	}
	return nil
}

func readAudit(p *audit.Pending, path string) error {
	in := os.Stdin
	if path != "-" {
		file, err := os.Open(path) //nolint:gosec // the file that the command names
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	if err := p.Read(in); err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	return nil
}

type auditHashCommand struct {
	AuditKey string `required:"" env:"-" placeholder:"FILE" complete:"file" help:"The key, as serve has it."`
}

// Help is shown above the arguments.
func (*auditHashCommand) Help() string {
	return `It reads usernames from standard input, one a line, so that none gets into the shell's history, and prints for each what
the lines of the audit log have as its user. The key's id goes to standard error; lines with another key_id need that key.

Exit code: 0, or 2 for wrong usage, a key that cannot be used, or a line without a username. A line that
cannot be a username, as with a space at its end, gets a warning.

Example (it waits for a name):

  useradmin audit hash --audit-key audit.key`
}

// maxName is more than a username has, which is at most 128 characters.
const maxName = 4 << 10

// Run hashes line by line.
func (c *auditHashCommand) Run(std streams) error {
	key, err := audit.ReadKey(c.AuditKey)
	if err != nil {
		return usageError{withoutSecret(fmt.Errorf("--audit-key: %w", err), []string{"--audit-key", c.AuditKey})}
	}
	hasher, err := audit.NewHasher(key)
	if err != nil {
		return usageError{err}
	}
	_, _ = fmt.Fprintf(std.Err, "key_id %s\n", hasher.KeyID())
	return hashLines(hasher, os.Stdin, std)
}

// invisible characters are in no username: spaces, NUL and a byte order mark are among them.
func invisible(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }

func hashLines(hasher audit.Hasher, in io.Reader, std streams) error {
	names := bufio.NewScanner(in)
	names.Buffer(nil, maxName)
	at := 0
	for names.Scan() {
		at++
		switch {
		case !utf8.Valid(names.Bytes()):
			return usageError{fmt.Errorf("line %d of standard input is not UTF-8", at)}
		case len(bytes.TrimFunc(names.Bytes(), invisible)) == 0:
			return usageError{fmt.Errorf("line %d of standard input has no username", at)}
		case bytes.ContainsFunc(names.Bytes(), invisible):
			_, _ = fmt.Fprintf(std.Err, "line %d of standard input has a space or an invisible character, which no username of Cognito has: nothing will be found by it\n", at)
		}
		if _, err := io.WriteString(std.Out, hasher.User(names.Text())+"\n"); err != nil {
			return err
		}
	}
	switch err := names.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return usageError{fmt.Errorf("line %d of standard input is longer than any username", at+1)}
	case err != nil:
		return fmt.Errorf("standard input cannot be read: %w", err)
	case at == 0:
		return usageError{errors.New("standard input has no username")}
	default:
		return nil
	}
}
