package cognitoclient

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestCausesOf compares what is said of each exception with what becomes of it.
func TestCausesOf(t *testing.T) {
	c := client(t, "", nil)
	names := Exceptions()
	if len(names) != len(exceptions()) || !slices.IsSorted(names) {
		t.Errorf("the names are %q", names)
	}
	for _, name := range names {
		var met []Cause
		for _, message := range []string{
			"User cannot be confirmed. Current status is CONFIRMED", "User cannot be confirmed. Current status is ARCHIVED", "User is disabled.", "",
		} {
			body, err := json.Marshal(map[string]string{"__type": name, "message": message})
			if err != nil {
				t.Fatal(err)
			}
			a := c.classify(confirmSignUp(), request{}, response{status: http.StatusBadRequest, body: body})
			if !slices.Contains(met, a.cause) {
				met = append(met, a.cause)
			}
		}
		for _, spelling := range []string{name, strings.ToUpper(name)} {
			if got := CausesOf(spelling); !slices.Equal(got, met) {
				t.Errorf("%s: %v, but it became %v", spelling, got, met)
			}
		}
	}
	for _, name := range []string{"", "UserNotFound", "ExceptionOfTomorrow"} {
		if got := CausesOf(name); got != nil {
			t.Errorf("%q: %v", name, got)
		}
	}
}
