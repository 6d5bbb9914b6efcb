package cognitoclient

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

func TestBudgetIsTheSDKs(t *testing.T) {
	if budgetSize != retry.DefaultRetryRateTokens || repeatCost != retry.DefaultThrottlingRetryCost || retry.DefaultNoRetryIncrement != 1 {
		t.Errorf("the SDK's are %d, %d and %d", retry.DefaultRetryRateTokens, retry.DefaultThrottlingRetryCost, retry.DefaultNoRetryIncrement)
	}
}

// attemptsOf counts the attempts of n calls, one after the other.
func attemptsOf(t *testing.T, c *Client, n int) int {
	t.Helper()
	var made int
	respond := c.transport
	c.transport = transportFunc(func(r *http.Request) (*http.Response, error) {
		made++
		return respond.RoundTrip(r)
	})
	for range n {
		_ = at(t.Context(), c, "us-east-1_A")
	}
	return made
}

// Repeats that add to the load of an ill Cognito have a budget; those that clear a lost response or a trigger's failure
// are free.
func TestRepeatsHaveABudget(t *testing.T) {
	const calls = 200
	for _, test := range []struct {
		name, body string
		want       int
	}{
		{"throttled", throttleBody, calls + budgetSize/repeatCost},
		{"ill", `{"__type":"InternalErrorException"}`, calls + budgetSize/repeatCost},
		{"unavailable", `{"__type":"ServiceUnavailable"}`, calls + budgetSize/repeatCost},
		{"lost", "", 3 * calls},
		{"trigger failed", lambdaBody, 2 * calls},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := scripted(t, func(c *Config) { c.Attempts = 3 }, func(*http.Request) string { return test.body })
				if got := attemptsOf(t, c, calls); got != test.want {
					t.Errorf("%d attempts, want %d", got, test.want)
				}
			})
		})
	}
}

// A throttle after a lost response leaves its outcome open: the repeat that clears it is free.
func TestRepeatAfterALostResponseIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		c := scripted(t, func(c *Config) { c.Attempts = 3 }, func(*http.Request) string {
			if n++; n%3 == 1 {
				return ""
			}
			return throttleBody
		})
		c.budget.spent.Store(budgetSize)
		if got := attemptsOf(t, c, 1); got != 3 {
			t.Errorf("%d attempts, want 3", got)
		}
	})
}

// Each answer of a healthy Cognito earns one, whether it is a success or a refusal; the budget never grows beyond its size.
func TestBudgetIsEarned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := okBody
		c := scripted(t, func(c *Config) { c.Attempts = 3 }, func(*http.Request) string { return body })
		attemptsOf(t, c, 20)
		if spent := c.budget.spent.Load(); spent != 0 {
			t.Errorf("%d of a full budget are spent", spent)
		}
		c.budget.spent.Store(budgetSize)
		attemptsOf(t, c, repeatCost-1)
		body = `{"__type":"UserNotFoundException"}`
		attemptsOf(t, c, 1)
		body = throttleBody
		if got := attemptsOf(t, c, 2); got != 3 {
			t.Errorf("%d attempts for two calls, want 3: one repeat was earned", got)
		}
	})
}

// What cannot be trusted to be Cognito's earns nothing.
func TestOthersEarnNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, func(c *Config) { c.Attempts = 3 }, func(*http.Request) string { return `{"__type":"A","code":"B"}` })
		c.budget.spent.Store(budgetSize)
		if got := attemptsOf(t, c, 5); got != 15 || c.budget.spent.Load() != budgetSize {
			t.Errorf("%d attempts earned %d", got, budgetSize-c.budget.spent.Load())
		}
	})
}

// Neither does the page of a proxy before AWS.
func TestPagesEarnNothing(t *testing.T) {
	c := client(t, "", nil)
	c.budget.spent.Store(budgetSize)
	page := attempt{cause: UnrecognizedException, status: http.StatusForbidden}
	c.observe(page, 0)
	if spent := c.budget.spent.Load(); spent != budgetSize {
		t.Errorf("a page earned %d", budgetSize-spent)
	}
	page.requestID = "c-1"
	c.observe(page, 0)
	if spent := c.budget.spent.Load(); spent != budgetSize-1 {
		t.Errorf("an exception earned %d", budgetSize-spent)
	}
}

// A repeat that is not made costs nothing: its caller leaves, or it gets no slot.
func TestRepeatThatIsNotMadeIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := scripted(t, func(c *Config) { c.Attempts, c.MaxConnections = 3, 2 }, func(*http.Request) string { return throttleBody })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		_ = at(ctx, c, "us-east-1_A")
		if spent := c.budget.spent.Load(); spent != 0 {
			t.Errorf("%d are spent after a cancellation", spent)
		}
		var calls sync.WaitGroup
		calls.Go(func() { _ = at(t.Context(), c, "us-east-1_A") })
		synctest.Wait() // it is throttled and waits
		if verdict := c.slots.TryTake("us-east-1_A"); verdict != 0 {
			t.Fatal(verdict)
		}
		calls.Wait()
		if spent := c.budget.spent.Load(); spent != 0 {
			t.Errorf("%d are spent without a slot", spent)
		}
	})
}
