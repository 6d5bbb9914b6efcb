package fakecognito

import (
	"regexp"
	"slices"
)

// names returns every name that finds the user.
func (p *pool) names(u *user) []string {
	names := []string{u.Username, u.Sub}
	for _, attribute := range p.signInAttributes(u) {
		names = append(names, u.Attributes[attribute])
	}
	return names
}

// signInAttributes returns the attributes that find the user as things are.
func (p *pool) signInAttributes(u *user) []string {
	var found []string
	for _, attribute := range slices.Concat(p.UsernameAttributes, p.AliasAttributes) {
		isVerified := attribute == preferredUsername || u.Attributes[verified(attribute)] == "true"
		if u.Attributes[attribute] != "" && (isVerified || slices.Contains(p.UsernameAttributes, attribute)) {
			found = append(found, attribute)
		}
	}
	return found
}

// conflict says which name of a user, who is not in the pool yet, belongs to somebody else.
func (p *pool) conflict(u *user) *Exception {
	if p.find(u.Username) != nil || p.find(u.Sub) != nil {
		return exception(usernameExists, "User already exists")
	}
	code := aliasExists
	if len(p.UsernameAttributes) > 0 {
		code = usernameExists
	}
	for _, attribute := range p.signInAttributes(u) {
		if p.find(u.Attributes[attribute]) != nil {
			return exception(code, "An account with the given "+attribute+" already exists.")
		}
	}
	return nil
}

var (
	emailPattern       = regexp.MustCompile(`\A[^\s@]+@[^\s@]+\z`)
	phoneNumberPattern = regexp.MustCompile(`\A\+[0-9]+\z`)
)

// nameUser applies the pool's rules for usernames to a new user.
func (p *pool) nameUser(u *user) *Exception {
	isEmail, isPhoneNumber := emailPattern.MatchString(u.Username), phoneNumberPattern.MatchString(u.Username)
	switch {
	case !usernameRule().allows(u.Username):
		return exception(invalidParameter, "Username does not match "+usernameRule().text)
	case isEmail && slices.Contains(p.AliasAttributes, email):
		return exception(invalidParameter, "Username cannot be of email format, since user pool is configured for email alias.")
	case isPhoneNumber && slices.Contains(p.AliasAttributes, phoneNumber):
		return exception(invalidParameter, "Username cannot be of phone number format, since user pool is configured for phone number alias.")
	case len(p.UsernameAttributes) == 0:
		return nil
	case isEmail && slices.Contains(p.UsernameAttributes, email):
		u.Attributes[email] = u.Username
	case isPhoneNumber && slices.Contains(p.UsernameAttributes, phoneNumber):
		u.Attributes[phoneNumber] = u.Username
	case len(p.UsernameAttributes) > 1:
		return exception(invalidParameter, "Username should be either an email or a phone number.")
	case p.UsernameAttributes[0] == email:
		return exception(invalidParameter, "Username should be an email.")
	default:
		return exception(invalidParameter, "Username should be a phone number.")
	}
	u.Username = u.Sub
	return nil
}
