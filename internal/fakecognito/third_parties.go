package fakecognito

import (
	"errors"
	"fmt"
)

// The methods below are what everybody else does to a pool: other administrators, the users themselves, AWS. What they
// do is in the journal.

// AddPool adds a user pool with its users. It fails if the pool's settings are not allowed, or if its id, its app client
// or a user's name is taken.
func (s *Server) AddPool(described Pool) error {
	if err := described.check(); err != nil {
		return fmt.Errorf("add user pool: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	client := described.ClientID
	if s.pools[described.ID] != nil || client != "" && s.clients[client] != nil {
		return fmt.Errorf("add user pool %s: the id or the app client is taken", described.ID)
	}
	p := newPool(described)
	var added []*user
	for _, one := range described.Users {
		u, e := p.add(one, s.config.Now())
		if e != nil {
			return fmt.Errorf("add user pool %s: user %s: %w", p.ID, one.Username, e)
		}
		added = append(added, u)
	}
	s.pools[p.ID] = p
	if client != "" {
		s.clients[client] = p
	}
	for _, u := range added {
		s.note(KindAdded, Request{}, u, "")
	}
	return nil
}

// AddUser adds a user to a pool.
func (s *Server) AddUser(poolID string, described User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[poolID]
	if p == nil {
		return fmt.Errorf("add user: no user pool %s", poolID)
	}
	u, e := p.add(described, s.config.Now())
	if e != nil {
		return fmt.Errorf("add user %s: %w", described.Username, e)
	}
	s.note(KindAdded, Request{}, u, "")
	return nil
}

// Confirm confirms an UNCONFIRMED user as the user's own ConfirmSignUp does: the e-mail address or phone number that the
// code went to becomes verified. It fails if the user has another status or if somebody else owns the alias. The trigger
// does not run.
func (s *Server) Confirm(poolID, name string) error {
	return s.change(poolID, name, func(u *user) error {
		if u.Status != StatusUnconfirmed {
			return fmt.Errorf("the user is %s", u.Status)
		}
		u.Status = StatusConfirmed
		if attribute := u.codeAttribute(); attribute != "" {
			u.Attributes[verified(attribute)] = "true"
		}
		return nil
	})
}

// SetStatus gives a user any status.
func (s *Server) SetStatus(poolID, name string, status Status) error {
	return s.change(poolID, name, func(u *user) error {
		u.Status = status
		return nil
	})
}

// SetDisabled disables or enables a user.
func (s *Server) SetDisabled(poolID, name string, disabled bool) error {
	return s.change(poolID, name, func(u *user) error {
		u.Disabled = disabled
		return nil
	})
}

// DeleteUser deletes a user. Another one may get the name.
func (s *Server) DeleteUser(poolID, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, u := s.lookUp(poolID, name)
	if u == nil {
		return errors.New("delete user: no such user")
	}
	p.remove(u)
	s.note(KindDeleted, Request{}, u, "")
	return nil
}

func (s *Server) change(poolID, name string, apply func(*user) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, u := s.lookUp(poolID, name)
	if u == nil {
		return errors.New("change user: no such user")
	}
	changed := u.clone()
	if err := apply(&changed); err != nil {
		return fmt.Errorf("change user: %w", err)
	}
	changed.modified = s.config.Now()
	if e := p.replace(u, changed); e != nil {
		return fmt.Errorf("change user: %w", e)
	}
	s.note(KindChanged, Request{}, u, "")
	return nil
}

// lookUp returns nil for a pool or a user that does not exist. The lock is held.
func (s *Server) lookUp(poolID, name string) (*pool, *user) {
	p := s.pools[poolID]
	if p == nil {
		return nil, nil
	}
	return p, p.find(name)
}
