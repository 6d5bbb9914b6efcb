package fakecognito

import "fmt"

// The methods below play the part of everybody else who changes a pool: other
// administrators, the users themselves, AWS. What they do goes into the journal.

// AddPool adds a user pool with its users. It fails where the pool's id, its app
// client or one of its users' names is taken.
func (s *Server) AddPool(description Pool) error {
	if !userPoolIDRule().allows(description.ID) {
		return fmt.Errorf("add user pool %q: not a user pool id", description.ID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	client := description.ClientID
	if s.pools[description.ID] != nil || client != "" && s.clients[client] != nil {
		return fmt.Errorf("add user pool %s: %w", description.ID, ErrTaken)
	}
	users := description.Users
	description.Users = nil
	p := &pool{Pool: description, byName: map[string]*user{}}
	var added []*user
	for _, u := range users {
		one, err := s.take(p, u)
		if err != nil {
			return fmt.Errorf("add user pool %s: %w", p.ID, err)
		}
		added = append(added, one)
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

// take adds u to the pool with what it leaves open filled in. The lock is held.
func (s *Server) take(p *pool, u User) (*user, error) {
	if !usernameRule().allows(u.Username) {
		return nil, fmt.Errorf("not a username: %q", u.Username)
	}
	if u.Sub == "" {
		u.Sub = newUUID()
	}
	if u.Status == "" {
		u.Status = StatusUnconfirmed
	}
	if u.Created.IsZero() {
		u.Created = s.now()
	}
	if u.Modified.IsZero() {
		u.Modified = u.Created
	}
	return p.add(u)
}

// AddUser adds a user to a pool.
func (s *Server) AddUser(poolID string, u User) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[poolID]
	if p == nil {
		return fmt.Errorf("add user: %w", ErrNoPool)
	}
	added, err := s.take(p, u)
	if err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	s.note(KindAdded, Request{}, added, "")
	return nil
}

// User returns the user of that name, alias or sub.
func (s *Server) User(poolID, name string) (User, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.lookUp(poolID, name)
	if err != nil {
		return User{}, false
	}
	return u.clone(), true
}

// Confirm confirms an UNCONFIRMED user, as the user's own ConfirmSignUp would; the
// trigger does not run. It fails with ErrStatus where the user has another status.
func (s *Server) Confirm(poolID, name string) error {
	return s.change(poolID, name, func(u *user) error {
		if u.Status != StatusUnconfirmed {
			return ErrStatus
		}
		u.Status = StatusConfirmed
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

// DeleteUser deletes a user. Another one may take the name.
func (s *Server) DeleteUser(poolID, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.lookUp(poolID, name)
	if err != nil {
		return fmt.Errorf("delete user: %w", err)
	}
	s.pools[poolID].remove(u)
	s.note(KindDeleted, Request{}, u, "")
	return nil
}

func (s *Server) change(poolID, name string, apply func(*user) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.lookUp(poolID, name)
	if err == nil {
		err = apply(u)
	}
	if err != nil {
		return fmt.Errorf("change user: %w", err)
	}
	u.Modified = s.now()
	s.note(KindChanged, Request{}, u, "")
	return nil
}

// lookUp finds a user. The lock is held.
func (s *Server) lookUp(poolID, name string) (*user, error) {
	p := s.pools[poolID]
	if p == nil {
		return nil, ErrNoPool
	}
	u := p.find(name)
	if u == nil {
		return nil, ErrNoUser
	}
	return u, nil
}
