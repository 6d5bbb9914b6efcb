package fakecognito

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// Status is a user's status as Cognito names it.
type Status string

// The statuses that Cognito's model has.
const (
	StatusUnconfirmed         Status = "UNCONFIRMED"
	StatusConfirmed           Status = "CONFIRMED"
	StatusArchived            Status = "ARCHIVED"
	StatusCompromised         Status = "COMPROMISED"
	StatusUnknown             Status = "UNKNOWN"
	StatusResetRequired       Status = "RESET_REQUIRED"
	StatusForceChangePassword Status = "FORCE_CHANGE_PASSWORD"
	StatusExternalProvider    Status = "EXTERNAL_PROVIDER"
)

// Statuses returns all statuses.
func Statuses() []Status {
	return []Status{
		StatusUnconfirmed, StatusConfirmed, StatusArchived, StatusCompromised,
		StatusUnknown, StatusResetRequired, StatusForceChangePassword, StatusExternalProvider,
	}
}

// Pool describes a user pool.
type Pool struct {
	// ID is the user pool's id, such as "us-east-1_EXAMPLE".
	ID string
	// ClientID is the id of the pool's app client; without one nobody can sign up.
	ClientID string
	// CaseInsensitive makes usernames and aliases resolve whatever their case.
	CaseInsensitive bool
	// PostConfirmation is the trigger that runs after a user was confirmed, or nil.
	PostConfirmation Trigger
	// UserCreationRate bounds SignUp and AdminConfirmSignUp together, in requests a
	// second with a burst of as many; zero means no bound.
	UserCreationRate int
	// ReadOnlyReplica makes the pool a replica, in which nobody can sign up or be confirmed.
	ReadOnlyReplica bool
	// Users are there from the beginning.
	Users []User
}

// User describes a user of a pool.
type User struct {
	// Username is the user's own name.
	Username string
	// Sub is the user's subject id; empty asks for a new one.
	Sub string
	// Attributes are the others, such as email and phone_number, which are aliases too.
	Attributes map[string]string
	// Status is the user's status; empty means UNCONFIRMED.
	Status Status
	// Disabled tells that the user was disabled by an administrator.
	Disabled bool
	// Created and Modified are set by the server where they are zero.
	Created time.Time
	// Modified is the moment of the last change.
	Modified time.Time
}

func (u User) clone() User {
	u.Attributes = maps.Clone(u.Attributes)
	return u
}

// aliases returns all names under which the user is found.
func (u User) aliases() []string {
	names := []string{u.Username, u.Sub}
	for _, attribute := range []string{"email", "phone_number"} {
		if v := u.Attributes[attribute]; v != "" {
			names = append(names, v)
		}
	}
	return names
}

type user struct {
	User
	poolID string
}

// pool is a user pool at work. The server's lock guards it.
type pool struct {
	Pool
	byName map[string]*user // under every alias
	count  int
	quota  bucket
}

const maxUsers = 100_000

var (
	// ErrNoPool says that the server has no such user pool.
	ErrNoPool = errors.New("no such user pool")
	// ErrNoUser says that the user pool has no such user.
	ErrNoUser = errors.New("no such user")
	// ErrTaken says that another pool or user has the id, name or alias.
	ErrTaken = errors.New("name is taken")
	// ErrStatus says that the user's status does not allow the change.
	ErrStatus = errors.New("user is not unconfirmed")
)

func (p *pool) key(name string) string {
	if p.CaseInsensitive {
		return strings.ToLower(name)
	}
	return name
}

func (p *pool) find(name string) *user { return p.byName[p.key(name)] }

// add takes the user in unless one of its names belongs to another.
func (p *pool) add(u User) (*user, error) {
	if p.count >= maxUsers {
		return nil, errors.New("user pool is full")
	}
	added := &user{User: u.clone(), poolID: p.ID}
	for _, name := range added.aliases() {
		if p.find(name) != nil {
			return nil, fmt.Errorf("user pool %s: %w", p.ID, ErrTaken)
		}
	}
	for _, name := range added.aliases() {
		p.byName[p.key(name)] = added
	}
	p.count++
	return added, nil
}

func (p *pool) remove(u *user) {
	for _, name := range u.aliases() {
		delete(p.byName, p.key(name))
	}
	p.count--
}

// bucket is a token bucket that holds a second's worth of requests.
type bucket struct {
	used float64
	last time.Time
}

func (b *bucket) take(rate int, now time.Time) bool {
	if rate <= 0 {
		return true
	}
	if passed := now.Sub(b.last).Seconds(); passed > 0 {
		b.used = max(0, b.used-passed*float64(rate))
		b.last = now
	}
	if b.used+1 > float64(rate) {
		return false
	}
	b.used++
	return true
}
