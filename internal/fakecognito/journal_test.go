package fakecognito_test

import (
	"maps"
	"runtime"
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

// However large the requests are, what the journal keeps of them stays within its bytes; the oldest entries go.
func TestJournalIsBoundedInBytes(t *testing.T) {
	many := map[string]string{}
	for i := range 2_000 {
		many[strconv.Itoa(i)] = ""
	}
	for name, metadata := range map[string]map[string]string{"large": {"k": strings.Repeat("a", 60_000)}, "many": many} {
		t.Run(name, func(t *testing.T) {
			const bound, requests = 1 << 20, 60
			f := start(t, fakecognito.Config{JournalBytes: bound}, testPool())
			before := heap()
			for range requests {
				_ = f.confirm("ada", metadata)
			}
			f.Settle()
			if grown := heap() - before; grown > 2*bound {
				t.Errorf("the heap grew by %d bytes", grown)
			}
			entries := f.Journal()
			last := entries[len(entries)-1]
			if want := 1 + 2*requests; last.Seq != want || entries[0].Seq == 1 || len(entries) != want-entries[0].Seq+1 {
				t.Errorf("kept %d entries from %d to %d, want the last ones up to %d", len(entries), entries[0].Seq, last.Seq, want)
			}
			if got := f.JournalSince(last.Seq - 1); len(got) != 1 || got[0].Seq != last.Seq {
				t.Errorf("since %d: %d entries", last.Seq-1, len(got))
			}
			if got := f.JournalSince(1); len(got) != len(entries) {
				t.Errorf("since 1, which is gone: %d entries, want %d", len(got), len(entries))
			}
		})
	}
}

// An entry that is larger than the journal leaves it empty.
func TestJournalOfNothing(t *testing.T) {
	f := start(t, fakecognito.Config{JournalBytes: 1}, testPool())
	if entries := f.Journal(); len(entries) != 0 {
		t.Errorf("kept %+v", entries)
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc) //nolint:gosec // far below the bound
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
