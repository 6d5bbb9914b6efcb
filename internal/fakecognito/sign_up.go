package fakecognito

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

func signUp() operation {
	return operation{name: "SignUp", decode: func(d *decoder) input {
		return signUpInput{
			clientID:       d.text("ClientId"),
			username:       d.text("Username"),
			password:       d.text("Password"),
			attributes:     d.attributes("UserAttributes"),
			clientMetadata: d.texts("ClientMetadata"),
		}
	}}
}

type signUpInput struct {
	clientID       *string
	username       *string
	password       *string
	attributes     []attribute
	clientMetadata map[string]string
}

type signUpOutput struct {
	UserConfirmed       bool
	UserSub             string
	CodeDeliveryDetails *codeDelivery `json:",omitempty"`
}

func (in signUpInput) subject(s *Server) subject {
	about := subject{username: deref(in.username), clientMetadata: in.clientMetadata}
	if p := s.clients[deref(in.clientID)]; p != nil {
		about.poolID = p.ID
	}
	return about
}

func (in signUpInput) validate() *Exception {
	var v violations
	v.require("clientId", in.clientID, clientIDRule(), true)
	v.require("username", in.username, usernameRule(), true)
	if in.password != nil {
		v.require("password", in.password, passwordRule(), true)
	}
	for i, a := range in.attributes {
		path := fmt.Sprintf("userAttributes.%d.member", i+1)
		v.require(path+".name", &a.Name, attributeNameRule(), false)
		v.require(path+".value", &a.Value, attributeValueRule(), true)
	}
	v.metadata(in.clientMetadata)
	return v.exception()
}

// apply adds an UNCONFIRMED user to the pool of the request's app client.
func (in signUpInput) apply(s *Server, c *call) (result, *Exception) {
	p := s.clients[deref(in.clientID)]
	if p == nil {
		return result{}, exception(resourceNotFound, fmt.Sprintf("User pool client %s does not exist.", deref(in.clientID)))
	}
	if e := in.writable(p); e != nil {
		return result{}, e
	}
	const shortest = 8 // Cognito's default password policy
	if utf8.RuneCountInString(deref(in.password)) < shortest {
		return result{}, exception(invalidPassword, "")
	}
	described := User{Username: deref(in.username), Attributes: map[string]string{}}
	for _, a := range in.attributes {
		described.Attributes[a.Name] = a.Value
	}
	u, e := p.add(described, s.config.Now())
	if e != nil {
		return result{}, e
	}
	s.note(KindSignedUp, c.request, u, "")
	return result{output: signUpOutput{UserSub: u.Sub, CodeDeliveryDetails: u.codeDelivery()}}, nil
}

// writable checks that users may set these attributes themselves.
func (in signUpInput) writable(p *pool) *Exception {
	for _, a := range in.attributes {
		switch {
		case a.Name == "sub" || strings.HasPrefix(a.Name, "cognito:"):
			return exception(invalidParameter, "Cannot modify the non-mutable attribute "+a.Name)
		case a.Name == verified(email) || a.Name == verified(phoneNumber):
			return exception(notAuthorized, "A client attempted to write unauthorized attribute")
		case a.Name == preferredUsername && slices.Contains(p.AliasAttributes, preferredUsername):
			return exception(invalidParameter, "Preferred username cannot be provided for unconfirmed account, "+
				"since user pool is configured for preferred username alias.")
		}
	}
	return nil
}

// codeDelivery says where the confirmation code went.
type codeDelivery struct {
	AttributeName  string
	DeliveryMedium string
	Destination    string
}

// codeDelivery is nil where there is nowhere to send a code to.
func (u *user) codeDelivery() *codeDelivery {
	switch attribute := u.codeAttribute(); attribute {
	case phoneNumber:
		return &codeDelivery{attribute, "SMS", maskPhoneNumber(u.Attributes[attribute])}
	case email:
		return &codeDelivery{attribute, "EMAIL", maskEmail(u.Attributes[attribute])}
	default:
		return nil
	}
}

// maskEmail keeps the first character of each side, as in "n***@e***".
func maskEmail(address string) string {
	local, domain, _ := strings.Cut(address, "@")
	return first(local) + "***@" + first(domain) + "***"
}

func first(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return text[:size]
}

// maskPhoneNumber keeps the plus sign and the last four digits, as in "+*******0100".
func maskPhoneNumber(number string) string {
	const shown = 4
	digits := strings.TrimPrefix(number, "+")
	hidden := max(len(digits)-shown, 0)
	return "+" + strings.Repeat("*", hidden) + digits[hidden:]
}
