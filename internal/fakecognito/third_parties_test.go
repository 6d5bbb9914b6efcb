package fakecognito_test

import (
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestThirdParties(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	if err := f.Confirm(poolID, "ada"); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"second confirmation": {f.Confirm(poolID, "ada"), "the user is CONFIRMED"},
		"no pool":             {f.SetDisabled("us-east-1_x", "ada", true), "no such user"},
		"no user":             {f.DeleteUser(poolID, "bob"), "no such user"},
		"user without a pool": {f.AddUser("us-east-1_x", fakecognito.User{Username: "bob"}), "no user pool us-east-1_x"},
		"taken username":      {f.AddUser(poolID, fakecognito.User{Username: "ada"}), "User already exists"},
		"bad username":        {f.AddUser(poolID, fakecognito.User{Username: "a b"}), "InvalidParameterException"},
	} {
		if test.err == nil || !strings.Contains(test.err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", name, test.err, test.want)
		}
	}
	if err := f.DeleteUser(poolID, "ada@example.com"); err != nil {
		t.Fatal(err)
	}
	f.finds(adasSub, "")
	if err := f.AddUser(poolID, fakecognito.User{Username: "ada"}); err != nil {
		t.Fatal(err)
	}
	if got := f.adasStatus(); got != fakecognito.StatusUnconfirmed {
		t.Errorf("the later user with that name is %s", got)
	}
	f.finds(adasSub, "")
	if got, want := f.kinds(), "changed, deleted, received, denied, received, denied"; got != want {
		t.Errorf("journal %q, want %q", got, want)
	}
}

func TestAddPoolRefusals(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for name, pool := range map[string]fakecognito.Pool{
		"taken id":       {ID: poolID},
		"taken client":   {ID: "us-east-1_x", ClientID: clientID},
		"bad id":         {ID: "pool"},
		"bad alias":      {ID: "us-east-1_x", AliasAttributes: []string{"name"}},
		"bad username":   {ID: "us-east-1_x", UsernameAttributes: []string{"preferred_username"}},
		"both":           {ID: "us-east-1_x", AliasAttributes: []string{"email"}, UsernameAttributes: []string{"email"}},
		"user twice":     {ID: "us-east-1_x", Users: []fakecognito.User{{Username: "bob"}, {Username: "bob"}}},
		"user's address": {ID: "us-east-1_x", UsernameAttributes: []string{"email"}, Users: []fakecognito.User{{Username: "bob"}}},
	} {
		if err := f.AddPool(pool); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := f.AddPool(fakecognito.Pool{ID: "us-east-1_x"}); err != nil {
		t.Error(err)
	}
}
