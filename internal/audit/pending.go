package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
)

// maxPending bounds what Pending holds. A service has no more calls at once.
const maxPending = 100_000

// Pending collects the intents without an outcome.
type Pending struct {
	// Outcomes is how many intents have one, Early how many outcomes have no intent, Torn how many lines are
	// not whole, and Foreign how many are no lines of an audit log.
	Outcomes, Early, Torn, Foreign int

	open map[string]pendingLine
	next int
	// early are the ids of the outcomes without an intent: the file before it may come later, as where a shell sorts audit
	// before audit.1.
	early map[string]bool
	// limit is maxPending, unless a test has its own.
	limit int
}

type pendingLine struct {
	at   int
	text []byte
}

// ErrNoAudit is of a file that has lines, but none of an audit log.
var ErrNoAudit = errors.New("is not an audit log: no line in it is one that the service writes")

// Read reads a file to its end, which a service may be writing.
func (p *Pending) Read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 2*maxLine)
	var seen [3]int
	for {
		text, err := nextLine(lines)
		for len(text) > 0 {
			var line []byte
			line, text = cutLine(text)
			seen[p.add(line)]++
		}
		switch {
		case len(p.open) > cmp.Or(p.limit, maxPending):
			return errors.New("has too many intents without an outcome: name the files in the order in which they were written")
		case errors.Is(err, io.EOF) && seen[ourLine] == 0 && seen[foreignLine] > 0:
			return ErrNoAudit
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// nextLine returns a line without its break, and no more than the beginning of one that is longer than any of ours.
func nextLine(lines *bufio.Reader) ([]byte, error) {
	text, err := lines.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return bytes.TrimSpace(text), err
	}
	text = slices.Clone(text[:maxLine])
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = lines.ReadSlice('\n')
	}
	return text, err
}

// cutLine cuts off what stands before a line's beginning, as where a file that ends within a line was put before another one.
// No line has such a beginning within it, since quotes are escaped.
func cutLine(text []byte) (line, rest []byte) {
	at := bytes.Index(text[1:], []byte(lineStart))
	if at < 0 || json.Valid(text) {
		return text, nil
	}
	return text[:at+1], text[at+1:]
}

type lineKind int

const (
	ourLine lineKind = iota
	tornLine
	foreignLine
)

// add takes a line.
func (p *Pending) add(text []byte) lineKind {
	var line struct {
		Event event  `json:"event"`
		ID    string `json:"id"`
	}
	var other *json.UnmarshalTypeError
	err := json.Unmarshal(text, &line)
	begun := bytes.HasPrefix(text, []byte(lineStart)) || bytes.HasPrefix([]byte(lineStart), text)
	switch {
	case err != nil && !errors.As(err, &other) && begun:
		p.Torn++
		return tornLine
	case err != nil:
		p.Foreign++
		return foreignLine
	}
	switch line.Event {
	case intent:
		if p.early[line.ID] {
			delete(p.early, line.ID)
			p.Early--
			p.Outcomes++
			break
		}
		if p.open == nil {
			p.open = map[string]pendingLine{}
		}
		p.open[line.ID] = pendingLine{p.next, slices.Clone(text)}
		p.next++
	case outcome:
		if _, known := p.open[line.ID]; !known {
			p.Early++
			p.remember(line.ID)
			break
		}
		delete(p.open, line.ID)
		p.Outcomes++
	case denial, furtherDenials:
	default:
		p.Foreign++
		return foreignLine
	}
	return ourLine
}

// remember keeps the id of an outcome without an intent, unless there are more of them than files in a wrong order have.
func (p *Pending) remember(id string) {
	if p.early == nil {
		p.early = map[string]bool{}
	}
	if len(p.early) < cmp.Or(p.limit, maxPending) {
		p.early[id] = true
	}
}

// Lines are the intents without an outcome, in their order.
func (p *Pending) Lines() [][]byte {
	var all [][]byte
	for _, l := range slices.SortedFunc(maps.Values(p.open), func(a, b pendingLine) int { return a.at - b.at }) {
		all = append(all, l.text)
	}
	return all
}
