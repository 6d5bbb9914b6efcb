package fakecognito_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"cognito.internal/useradmin/internal/fakecognito"
)

// Each name finds the user only in a pool with that setting, an e-mail address or phone number only once it is verified.
func TestAliases(t *testing.T) {
	attributes := func(verified string) map[string]string {
		return map[string]string{
			"email": "ada@example.com", "email_verified": verified,
			"phone_number": "+12065550100", "phone_number_verified": verified, "preferred_username": "countess",
		}
	}
	for _, test := range []struct{ aliases, verified, found string }{
		{"", "true", ""},
		{"email", "true", "ada@example.com"},
		{"email", "false", ""},
		{"phone_number", "true", "+12065550100"},
		{"phone_number", "false", ""},
		{"preferred_username", "false", "countess"},
		{"email phone_number preferred_username", "true", "ada@example.com +12065550100 countess"},
	} {
		t.Run(test.aliases+" "+test.verified, func(t *testing.T) {
			f := start(t, fakecognito.Config{}, fakecognito.Pool{
				ID: poolID, AliasAttributes: strings.Fields(test.aliases),
				Users: []fakecognito.User{{Username: "ada", Sub: adasSub, Attributes: attributes(test.verified)}},
			})
			for _, name := range []string{"ada@example.com", "+12065550100", "countess"} {
				owner := ""
				if strings.Contains(test.found, name) {
					owner = "ada"
				}
				f.finds(name, owner)
			}
			f.finds("ada", "ada")
			f.finds(adasSub, "ada")
		})
	}
}

// Unverified addresses need not be unique; the first user who verifies one owns it.
func TestAliasBelongsToOne(t *testing.T) {
	pool := testPool()
	pool.Users = nil
	f := start(t, fakecognito.Config{}, pool)
	for _, name := range []string{"ada", "bob"} {
		if _, err := f.signUp(name, map[string]string{"email": "shared@example.com"}); err != nil {
			t.Fatal(err)
		}
	}
	f.finds("shared@example.com", "")
	if err := f.Confirm(poolID, "bob"); err != nil {
		t.Fatal(err)
	}
	f.finds("shared@example.com", "bob")
	if err := f.Confirm(poolID, "ada"); err == nil || !strings.Contains(err.Error(), "AliasExistsException: An account with the given email already exists.") {
		t.Errorf("second owner: %v", err)
	}
	if got := f.adasStatus(); got != fakecognito.StatusUnconfirmed {
		t.Errorf("status %s", got)
	}
	err := f.AddUser(poolID, fakecognito.User{Username: "carol", Attributes: map[string]string{"email": "shared@example.com", "email_verified": "true"}})
	if err == nil || !strings.Contains(err.Error(), "AliasExistsException") {
		t.Errorf("third owner: %v", err)
	}
	if err := f.confirm("ada", nil); err != nil { // an administrator verifies nothing
		t.Error(err)
	}
	wantException(t, f.confirm("shared@example.com", nil), "NotAuthorizedException", "Current status is CONFIRMED", http.StatusBadRequest)
	if err := f.DeleteUser(poolID, "bob"); err != nil {
		t.Fatal(err)
	}
	f.finds("shared@example.com", "")
}

func TestUsernameCase(t *testing.T) {
	for _, insensitive := range []bool{false, true} {
		pool := testPool()
		pool.CaseInsensitive = insensitive
		f := start(t, fakecognito.Config{}, pool)
		owner := ""
		if insensitive {
			owner = "ada"
		}
		f.finds("Ada", owner)
		f.finds("ADA@example.COM", owner)
		_, err := f.signUp("ADA", nil)
		if insensitive {
			wantException(t, err, "UsernameExistsException", "User already exists", http.StatusBadRequest)
		} else if err != nil {
			t.Error(err)
		}
	}
}

// In a pool that signs up with e-mail addresses the username is the sub, and the address finds the user at once.
func TestUsernameAttributes(t *testing.T) {
	pool := fakecognito.Pool{
		ID: poolID, ClientID: clientID, CaseInsensitive: true, UsernameAttributes: []string{"email", "phone_number"},
		Users: []fakecognito.User{{Username: "ada@example.com"}},
	}
	f := start(t, fakecognito.Config{}, pool)
	out, err := f.signUp("bob@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	sub := aws.ToString(out.UserSub)
	if got := aws.ToString(out.CodeDeliveryDetails.Destination); got != "b***@e***" {
		t.Errorf("code delivered to %q", got)
	}
	u, attributes, err := f.get("Bob@Example.com")
	if err != nil || aws.ToString(u.Username) != sub || attributes["sub"] != sub || attributes["email"] != "bob@example.com" || attributes["email_verified"] != "false" {
		t.Errorf("user %+v %v, %v", u, attributes, err)
	}
	f.ScriptUser(poolID, "bob@example.com", fakecognito.Throw("TooManyRequestsException", ""))
	wantException(t, f.confirm(sub, nil), "TooManyRequestsException", "", http.StatusBadRequest)
	if err := f.confirm("bob@example.com", nil); err != nil {
		t.Error(err)
	}
	entries := f.Journal()
	if last := entries[len(entries)-1]; last.Kind != fakecognito.KindConfirmed || last.Username != sub || last.Request.Username != "bob@example.com" {
		t.Errorf("entry %+v", last)
	}
	for _, name := range []string{"BOB@example.com", "ada@example.com"} {
		_, err = f.signUp(name, nil)
		wantException(t, err, "UsernameExistsException", "An account with the given email already exists.", http.StatusBadRequest)
	}
	if _, err = f.signUp("+12065550100", nil); err != nil {
		t.Error(err)
	}
	_, err = f.signUp("carol@example.com", map[string]string{"phone_number": "+12065550100"})
	wantException(t, err, "UsernameExistsException", "An account with the given phone_number already exists.", http.StatusBadRequest)
}

func TestUsernameFormat(t *testing.T) {
	for attributes, want := range map[string]string{
		"email":              "Username should be an email.",
		"phone_number":       "Username should be a phone number.",
		"email phone_number": "Username should be either an email or a phone number.",
	} {
		f := start(t, fakecognito.Config{}, fakecognito.Pool{ID: poolID, ClientID: clientID, UsernameAttributes: strings.Fields(attributes)})
		_, err := f.signUp("bob", nil)
		wantException(t, err, "InvalidParameterException", want, http.StatusBadRequest)
	}
}
