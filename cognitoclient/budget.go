package cognitoclient

import "sync/atomic"

// The size, and what a repeat after a throttle costs, are those of the AWS SDK's retry quota.
const (
	budgetSize = 500
	repeatCost = 5
)

// budget bounds the attempts that add to the load of a Cognito that throttles or is ill: when most attempts fail, their
// repeats would only take the places of others.
type budget struct{ spent atomic.Int64 }

// spend pays for a repeat, if enough is left.
func (b *budget) spend() bool {
	if b.spent.Add(repeatCost) <= budgetSize {
		return true
	}
	b.spent.Add(-repeatCost)
	return false
}

// refund gives back what was spent on a repeat that was not made.
func (b *budget) refund() { b.spent.Add(-repeatCost) }

// earn gives a little back after a response that shows that Cognito is well.
func (b *budget) earn() {
	for {
		spent := b.spent.Load()
		if spent <= 0 || b.spent.CompareAndSwap(spent, spent-1) {
			return
		}
	}
}
