package fakecognito

import (
	"maps"
	"time"
)

// Status is a user's status as Cognito names it.
type Status string

// The statuses of Cognito's model.
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

// User describes a user of a pool.
type User struct {
	// Username is the user's own name. In a pool with UsernameAttributes it is the e-mail address or phone number, and
	// the user's own name becomes the Sub.
	Username string
	// Sub is the user's subject id; empty means a new one.
	Sub string
	// Attributes are all others. Where email or phone_number is set, email_verified or phone_number_verified defaults
	// to "false".
	Attributes map[string]string
	// Status is the user's status; empty means UNCONFIRMED.
	Status Status
	// Disabled says that an administrator disabled the user.
	Disabled bool
}

// user is a user of a pool. The server's lock guards it.
type user struct {
	User
	poolID   string
	created  time.Time
	modified time.Time
}

func newUser(poolID string, described User, now time.Time) *user {
	u := &user{User: described, poolID: poolID, created: now, modified: now}
	u.Attributes = maps.Clone(described.Attributes)
	if u.Attributes == nil {
		u.Attributes = map[string]string{}
	}
	if u.Sub == "" {
		u.Sub = newUUID()
	}
	if u.Status == "" {
		u.Status = StatusUnconfirmed
	}
	return u
}

func (u *user) clone() user {
	copied := *u
	copied.Attributes = maps.Clone(u.Attributes)
	return copied
}

// The attributes that can find a user.
const (
	email             = "email"
	phoneNumber       = "phone_number"
	preferredUsername = "preferred_username"
)

// verified names the attribute that says whether the given one is verified.
func verified(attribute string) string { return attribute + "_verified" }

// setUnverified makes explicit what Cognito always says of an e-mail address and a phone number.
func (u *user) setUnverified() {
	for _, attribute := range []string{email, phoneNumber} {
		if u.Attributes[attribute] != "" && u.Attributes[verified(attribute)] == "" {
			u.Attributes[verified(attribute)] = "false"
		}
	}
}

// codeAttribute is the attribute that a confirmation code is sent to: of two the phone number. Empty means neither.
func (u *user) codeAttribute() string {
	for _, attribute := range []string{phoneNumber, email} {
		if u.Attributes[attribute] != "" {
			return attribute
		}
	}
	return ""
}
