package fakecognito

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// confirm is AdminConfirmSignUp.
func (s *Server) confirm(c *call) reply {
	u, trigger, e := s.applyConfirm(c)
	if e != nil {
		return failure(e)
	}
	if trigger == nil {
		return success(struct{}{})
	}
	if e := s.runTrigger(c, u, trigger); e != nil {
		return failure(e)
	}
	return success(struct{}{})
}

// applyConfirm makes the user CONFIRMED. It returns a copy of the user.
func (s *Server) applyConfirm(c *call) (user, Trigger, *Exception) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, e := s.admit(c)
	if e == nil {
		e = confirmable(u)
	}
	if e != nil {
		s.deny(c, u, e)
		return user{}, nil, e
	}
	u.Status, u.Modified = StatusConfirmed, s.now()
	s.note(KindConfirmed, c.request, u, "")
	return user{User: u.clone(), poolID: u.poolID}, s.pools[u.poolID].PostConfirmation, nil
}

// admit finds the user of a request that wants to confirm one. The lock is held.
func (s *Server) admit(c *call) (*user, *Exception) {
	p := s.pools[c.request.PoolID]
	if p == nil {
		return nil, noPool(c.request.PoolID)
	}
	if p.ReadOnlyReplica {
		return nil, exception(operationNotEnabled, "")
	}
	if !p.quota.take(p.UserCreationRate, s.now()) {
		return nil, exception(tooManyRequests, "")
	}
	if u := p.find(c.request.Username); u != nil {
		return u, nil
	}
	return nil, exception(userNotFound, "")
}

func confirmable(u *user) *Exception {
	if u.Disabled {
		return exception(notAuthorized, "User is disabled.")
	}
	if u.Status != StatusUnconfirmed {
		return exception(notAuthorized, "User cannot be confirmed. Current status is "+string(u.Status))
	}
	return nil
}

func noPool(id string) *Exception {
	return exception(resourceNotFound, fmt.Sprintf("User pool %s does not exist.", id))
}

type attribute struct {
	Name  string
	Value string
}

// get is AdminGetUser.
func (s *Server) get(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[c.request.PoolID]
	if p == nil {
		return s.deny(c, nil, noPool(c.request.PoolID))
	}
	u := p.find(c.request.Username)
	if u == nil {
		return s.deny(c, nil, exception(userNotFound, ""))
	}
	s.note(KindRead, c.request, u, "")
	attributes := []attribute{{"sub", u.Sub}}
	for _, name := range slices.Sorted(maps.Keys(u.Attributes)) {
		attributes = append(attributes, attribute{name, u.Attributes[name]})
	}
	return success(struct {
		Username             string
		UserAttributes       []attribute
		UserCreateDate       float64
		UserLastModifiedDate float64
		Enabled              bool
		UserStatus           Status
	}{
		u.Username, attributes,
		float64(u.Created.UnixMilli()) / 1000, float64(u.Modified.UnixMilli()) / 1000,
		!u.Disabled, u.Status,
	})
}

// signUp is SignUp, for the pool of the request's app client.
func (s *Server) signUp(c *call) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.clients[deref(c.input.clientID)]
	e := s.admitSignUp(c, p)
	if e != nil {
		return s.deny(c, nil, e)
	}
	u := User{Username: c.request.Username, Sub: newUUID(), Attributes: map[string]string{}, Status: StatusUnconfirmed}
	for _, a := range c.input.attributes {
		u.Attributes[a.Name] = a.Value
	}
	if u.Attributes["email"] != "" && u.Attributes["email_verified"] == "" {
		u.Attributes["email_verified"] = "false"
	}
	u.Created = s.now()
	u.Modified = u.Created
	added, err := p.add(u)
	switch {
	case err == nil:
	case p.find(u.Username) != nil:
		return s.deny(c, nil, exception(usernameExists, ""))
	case p.count >= maxUsers:
		return s.deny(c, nil, exception(limitExceeded, "Maximum number of users exceeded."))
	default:
		return s.deny(c, nil, exception(usernameExists, "An account with the given email or phone_number already exists."))
	}
	s.note(KindSignedUp, c.request, added, "")
	return success(struct {
		UserConfirmed bool
		UserSub       string
	}{false, u.Sub})
}

// admitSignUp tells why the pool takes nobody in now. The lock is held.
func (s *Server) admitSignUp(c *call, p *pool) *Exception {
	const shortest = 8 // of Cognito's default password policy
	switch {
	case p == nil:
		return exception(resourceNotFound, fmt.Sprintf("User pool client %s does not exist.", deref(c.input.clientID)))
	case p.ReadOnlyReplica:
		return exception(operationNotEnabled, "")
	case !p.quota.take(p.UserCreationRate, s.now()):
		return exception(tooManyRequests, "")
	case utf8.RuneCountInString(deref(c.input.password)) < shortest:
		return exception(invalidPassword, "")
	}
	return nil
}
