package fakecognito_test

import (
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cip "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"cognito.internal/useradmin/internal/fakecognito"
)

func TestJournal(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	metadata := map[string]string{"call": "7", "attempt": "1"}
	if err := f.confirm("ada@example.com", metadata); err != nil {
		t.Fatal(err)
	}
	_ = f.confirm("ada", nil)
	_ = f.confirm("nobody", nil)
	_, _, _ = f.get("ada")
	_ = f.SetDisabled(poolID, "ada", true)
	_ = f.DeleteUser(poolID, "ada")

	entries := f.Journal()
	if got, want := f.kinds(), "received, confirmed, received, denied, received, denied, received, read, changed, deleted"; got != want {
		t.Fatalf("journal %q, want %q", got, want)
	}
	for i, e := range entries {
		if e.Seq != i+1 || e.PoolID != poolID || i > 0 && e.Time.Before(entries[i-1].Time) {
			t.Errorf("entry %+v", e)
		}
	}
	added, received, confirmed := entries[0], entries[1], entries[2]
	if added.Username != "ada" || added.Status != fakecognito.StatusUnconfirmed {
		t.Errorf("added %+v", added)
	}
	r := confirmed.Request
	if r.ID == "" || r.ID != received.Request.ID || r.Number != 1 || r.Operation != "AdminConfirmSignUp" ||
		r.Username != "ada@example.com" || !maps.Equal(r.ClientMetadata, metadata) || r.UserAgent == "" {
		t.Errorf("request %+v", r)
	}
	if confirmed.Username != "ada" || confirmed.Sub != added.Sub || confirmed.Status != fakecognito.StatusConfirmed {
		t.Errorf("confirmed %+v", confirmed)
	}
	if e := entries[4]; e.Exception != "NotAuthorizedException" || e.Status != fakecognito.StatusConfirmed {
		t.Errorf("denied %+v", e)
	}
	if e := entries[6]; e.Exception != "UserNotFoundException" || e.Username != "" {
		t.Errorf("denied %+v", e)
	}
	if e := entries[9]; !e.Disabled || e.Request.ID != "" {
		t.Errorf("changed %+v", e)
	}
	if got := f.JournalSince(9); len(got) != 2 || got[0].Seq != 10 {
		t.Errorf("since 9: %+v", got)
	}
	r.ClientMetadata["call"] = "8"
	if f.Journal()[2].Request.ClientMetadata["call"] != "7" {
		t.Error("a reader changed the journal")
	}
}

func TestJournalIsBounded(t *testing.T) {
	f := start(t, fakecognito.Config{JournalSize: 3}, testPool())
	for range 10 {
		_ = f.SetDisabled(poolID, "ada", true)
	}
	entries := f.Journal()
	if len(entries) != 3 || entries[0].Seq != 9 || entries[2].Seq != 11 {
		t.Errorf("kept %+v", entries)
	}
	if got := f.JournalSince(10); len(got) != 1 || got[0].Seq != 11 {
		t.Errorf("since 10: %+v", got)
	}
	if got := f.JournalSince(20); len(got) != 0 {
		t.Errorf("since 20: %+v", got)
	}
}

// Of a large request the journal leaves the client metadata out.
func TestJournalOfLargeRequest(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	for _, c := range []struct {
		size int
		kept bool
	}{{60_000, true}, {70_000, false}} {
		_ = f.confirm("ada", map[string]string{"k": strings.Repeat("a", c.size)})
		entries := f.Journal()
		if got := len(entries[len(entries)-1].Request.ClientMetadata) > 0; got != c.kept {
			t.Errorf("%d bytes: kept %t", c.size, got)
		}
	}
}

// Many clients race for one user while third parties reset it: of the requests between two resets exactly one succeeds,
// and it is the one that the journal says confirmed the user.
func TestJournalUnderLoad(t *testing.T) {
	f := start(t, fakecognito.Config{}, testPool())
	const callers, calls = 8, 20
	var mu sync.Mutex
	won := map[string]bool{}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for call := range calls {
				id := strconv.Itoa(caller) + "/" + strconv.Itoa(call)
				_, err := f.client.AdminConfirmSignUp(t.Context(), &cip.AdminConfirmSignUpInput{
					UserPoolId: aws.String(poolID), Username: aws.String("ada"),
					ClientMetadata: map[string]string{"call": id},
				})
				if err == nil {
					mu.Lock()
					won[id] = true
					mu.Unlock()
				}
				if call%5 == 0 {
					_ = f.SetStatus(poolID, "ada", fakecognito.StatusUnconfirmed)
				}
			}
		})
	}
	group.Wait()
	status, confirmed := fakecognito.StatusUnconfirmed, 0
	for _, e := range f.Journal() {
		switch e.Kind {
		case fakecognito.KindConfirmed:
			if status != fakecognito.StatusUnconfirmed || !won[e.Request.ClientMetadata["call"]] {
				t.Errorf("confirmed at %s: %+v", status, e)
			}
			confirmed++
			status = e.Status
		case fakecognito.KindChanged:
			status = e.Status
		case fakecognito.KindDenied:
			if status != fakecognito.StatusConfirmed || won[e.Request.ClientMetadata["call"]] {
				t.Errorf("denied at %s: %+v", status, e)
			}
		}
	}
	if confirmed != len(won) || confirmed == 0 {
		t.Errorf("%d confirmed, %d won", confirmed, len(won))
	}
}
