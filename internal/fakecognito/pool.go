package fakecognito

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pool describes a user pool.
type Pool struct {
	// ID is the user pool's id, such as "us-east-1_EXAMPLE".
	ID string
	// ClientID is the id of the pool's app client; without one nobody can sign up.
	ClientID string
	// CaseInsensitive makes usernames, e-mail addresses and preferred usernames match in any case, as in pools that the
	// AWS console makes.
	CaseInsensitive bool
	// AliasAttributes are the attributes that find a user besides the username and the sub: "email" and "phone_number"
	// once they are verified, "preferred_username" always. A user who owns an alias owns it alone; unverified values need
	// not be unique.
	AliasAttributes []string
	// UsernameAttributes are the attributes that users sign up with in place of a username: "email", "phone_number" or
	// both. The username is then the sub. The attributes find the user even while they are unverified, and are unique. A
	// pool has AliasAttributes or UsernameAttributes, not both.
	UsernameAttributes []string
	// PostConfirmation is the trigger that runs after a user was confirmed, or nil.
	PostConfirmation Trigger
	// Users are there from the beginning.
	Users []User
}

// check refuses what Cognito's CreateUserPool refuses.
func (p Pool) check() error {
	if !userPoolIDRule().allows(p.ID) {
		return fmt.Errorf("%q is not a user pool id", p.ID)
	}
	if len(p.AliasAttributes) > 0 && len(p.UsernameAttributes) > 0 {
		return fmt.Errorf("user pool %s: only one of AliasAttributes and UsernameAttributes can be set", p.ID)
	}
	for _, attribute := range p.AliasAttributes {
		if !slices.Contains([]string{email, phoneNumber, preferredUsername}, attribute) {
			return fmt.Errorf("user pool %s: %q cannot be an alias", p.ID, attribute)
		}
	}
	for _, attribute := range p.UsernameAttributes {
		if !slices.Contains([]string{email, phoneNumber}, attribute) {
			return fmt.Errorf("user pool %s: %q cannot be a username", p.ID, attribute)
		}
	}
	return nil
}

// pool is a user pool with its users. The server's lock guards it.
type pool struct {
	Pool
	byName map[string]*user // under every name that finds the user
}

func newPool(described Pool) *pool {
	described.Users = nil
	return &pool{Pool: described, byName: map[string]*user{}}
}

func (p *pool) find(name string) *user { return p.byName[p.key(name)] }

func (p *pool) key(name string) string {
	if p.CaseInsensitive {
		return strings.ToLower(name)
	}
	return name
}

// add adds a user, unless a name is not allowed or belongs to somebody else.
func (p *pool) add(described User, now time.Time) (*user, *Exception) {
	u := newUser(p.ID, described, now)
	if e := p.nameUser(u); e != nil {
		return nil, e
	}
	u.setUnverified()
	if e := p.conflict(u); e != nil {
		return nil, e
	}
	p.insert(u)
	return u, nil
}

// replace gives the user new values, unless one of the names that find it then belongs to somebody else.
func (p *pool) replace(u *user, changed user) *Exception {
	p.remove(u)
	defer p.insert(u)
	if e := p.conflict(&changed); e != nil {
		return e
	}
	*u = changed
	return nil
}

func (p *pool) insert(u *user) {
	for _, name := range p.names(u) {
		p.byName[p.key(name)] = u
	}
}

func (p *pool) remove(u *user) {
	for _, name := range p.names(u) {
		delete(p.byName, p.key(name))
	}
}
