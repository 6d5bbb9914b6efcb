package policy

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"cognito.internal/useradmin/internal/conffile"
)

// Store holds the policy of a file and follows its changes.
type Store struct {
	file    conffile.File
	text    []byte // at the start
	current atomic.Pointer[loaded]
}

type loaded struct {
	policy *Policy
	at     time.Time
}

// Open reads the policy. Its errors say in one line what is wrong and how to fix it.
func Open(path string) (*Store, error) {
	s := &Store{file: conffile.File{Path: path}}
	text, err := s.file.Read()
	if err != nil {
		return nil, err
	}
	p, err := s.parse(text)
	if err != nil {
		return nil, err
	}
	s.text = text
	s.take(p)
	return s, nil
}

// Current is the policy in force.
func (s *Store) Current() *Policy { return s.current.Load().policy }

// Loaded is when the policy in force was taken.
func (s *Store) Loaded() time.Time { return s.current.Load().at }

// Watch follows the file until the context ends. It takes a new policy whole or not at all: changed gets the one taken, failed
// gets why the last one stays in force.
func (s *Store) Watch(ctx context.Context, changed func(*Policy), failed func(error)) {
	conffile.Watch(ctx, []conffile.File{s.file}, [][]byte{s.text}, func(texts [][]byte) error {
		p, err := s.parse(texts[0])
		if err != nil {
			return err
		}
		s.take(p)
		changed(p)
		return nil
	}, failed)
}

func (s *Store) take(p *Policy) { s.current.Store(&loaded{p, time.Now()}) }

func (s *Store) parse(text []byte) (*Policy, error) {
	p, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.file.Path, err)
	}
	return p, nil
}
