package audit

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// maxPending bounds what Pending holds. A service has no more calls at once.
const maxPending = 100_000

// Pending collects the intents without an outcome. Read takes the files in the order in which they were written.
type Pending struct {
	// Outcomes is how many intents have one, Early how many outcomes have no intent before them, Torn how many lines are
	// not whole.
	Outcomes, Early, Torn int

	open map[string]pendingLine
	next int
}

type pendingLine struct {
	at   int
	text []byte
}

// ErrNoAudit is of a file that has lines, but none of an audit.
var ErrNoAudit = errors.New("is no audit: it has none of an audit's lines")

// Read reads a file to its end, which a service may be writing.
func (p *Pending) Read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 2*maxLine)
	ours, foreign := 0, 0
	for {
		line, err := lines.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if text := bytes.TrimSpace(line); len(text) > 0 {
			kind := tornLine
			if !long {
				if kind, err = p.add(text), cmp.Or(err, p.bound()); kind == ourLine {
					ours++
				}
			}
			if kind == tornLine {
				p.Torn++
			}
			if kind == foreignLine || kind == tornLine && !bytes.HasPrefix(text, []byte(lineStart)) {
				foreign++
			}
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		switch {
		case errors.Is(err, io.EOF) && ours == 0 && foreign > 0:
			return ErrNoAudit
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

type lineKind int

const (
	tornLine lineKind = iota
	ourLine
	foreignLine
)

// add takes a line.
func (p *Pending) add(text []byte) lineKind {
	var line struct {
		Event event  `json:"event"`
		ID    string `json:"id"`
	}
	var wrong *json.UnmarshalTypeError
	switch err := json.Unmarshal(text, &line); {
	case errors.As(err, &wrong):
		return foreignLine
	case err != nil:
		return tornLine
	}
	switch line.Event {
	case intent:
		if p.open == nil {
			p.open = map[string]pendingLine{}
		}
		p.open[line.ID] = pendingLine{p.next, slices.Clone(text)}
		p.next++
	case outcome:
		if _, known := p.open[line.ID]; !known {
			p.Early++
			break
		}
		delete(p.open, line.ID)
		p.Outcomes++
	case denial, more:
	default:
		return foreignLine
	}
	return ourLine
}

func (p *Pending) bound() error {
	if len(p.open) > maxPending {
		return fmt.Errorf("has more than %d intents without an outcome: name the files in the order in which they were written", maxPending)
	}
	return nil
}

// Lines are the intents without an outcome, in their order.
func (p *Pending) Lines() [][]byte {
	var all [][]byte
	for _, l := range slices.SortedFunc(maps.Values(p.open), func(a, b pendingLine) int { return a.at - b.at }) {
		all = append(all, l.text)
	}
	return all
}
