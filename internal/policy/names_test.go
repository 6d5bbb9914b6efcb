package policy

import (
	"regexp"
	"strings"
	"testing"
)

// TestPoolsAreThoseOfTheContract compares validPool with the expression in the contract, for all short texts of these characters.
func TestPoolsAreThoseOfTheContract(t *testing.T) {
	contract := regexp.MustCompile(`\A[\w-]+_[0-9a-zA-Z]+\z`)
	texts := []string{""}
	for range 4 {
		texts = extended(texts)
		for _, text := range texts {
			if got, want := validPool(text), contract.MatchString(text); got != want {
				t.Fatalf("%q: %v, want %v", text, got, want)
			}
		}
	}
	for length, want := range map[int]bool{maxPool: true, maxPool + 1: false} {
		if got := validPool("p_" + strings.Repeat("A", length-2)); got != want {
			t.Errorf("%d characters: %v", length, got)
		}
	}
}

// extended are the texts with one more character.
func extended(texts []string) []string {
	var all []string
	for _, text := range texts {
		for _, next := range "aZ09_-.\né" {
			all = append(all, text+string(next))
		}
	}
	return all
}
