package authn_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/authn"
)

const (
	by    = "By=spiffe://prod.example/ns/useradmin/sa/useradmin;"
	hash  = "Hash=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef;"
	empty = `Subject="";`
	uri   = "URI=" + caller
	admin = "spiffe://prod.example/ns/admin/sa/api"
)

// xfccCase is a header's value and the kind of the failure; none if it names the caller.
type xfccCase struct{ value, kind string }

func xfccCases() []xfccCase {
	long := "spiffe://prod.example/" + strings.Repeat("a", 2048-len("spiffe://prod.example/"))
	return append([]xfccCase{
		// What Envoy and Istio write.
		{by + hash + empty + uri, ""},
		{by + hash + uri, ""},
		{hash + empty + uri, ""},
		{hash + uri, ""},
		{hash + "URI=" + long, ""},
		{by + hash + empty + "URI=spiffe://other.example/A_b-c.d", ""},

		// More than one caller.
		{by + hash + empty + uri + "," + by + hash + empty + "URI=" + admin, "bad_header"},
		{hash + uri + "," + hash + uri, "bad_header"},
		{hash + uri + ",", "bad_header"},
		{"," + hash + uri, "bad_header"},
		{hash + uri + ", " + hash + uri, "bad_header"},
		{hash + uri + ";URI=" + admin, "bad_header"},
		{hash + "URI=" + admin + ";" + uri, "bad_header"},
		{hash + uri + ";" + uri, "bad_header"},
		{hash + "URI=,URI=" + admin, "bad_header"},
		{hash + uri + "," + admin, "bad_header"},

		// What a name in a certificate can hold.
		{hash + uri + ";DNS=prod.example", "bad_header"},
		{hash + "DNS=prod.example;" + uri, "bad_header"},
		{"DNS=x;" + hash + uri, "bad_header"},
		{hash + uri + ";By=spiffe://prod.example/x", "bad_header"},
		{by + by + hash + uri, "bad_header"},
		{by + hash + hash + uri, "bad_header"},
		{by + hash + empty + empty + uri, "bad_header"},
		{by + hash + `Subject="CN=api";` + uri, "bad_header"},
		{by + hash + `Subject="CN=\";URI=` + admin + `";` + uri, "bad_header"},
		{by + hash + `Subject="";URI=` + admin + `";` + uri, "bad_header"},
		{by + hash + `Subject=;` + uri, "bad_header"},
		{by + hash + `Subject=" ";` + uri, "bad_header"},
		{by + hash + `Subject="""` + uri, "bad_header"},
		{by + hash + `Cert="-----BEGIN";` + uri, "bad_header"},
		{by + hash + `Chain="x";` + uri, "bad_header"},
		{by + hash + "Uid=1;" + uri, "bad_header"},

		// Another order, another case, missing parts.
		{hash + by + uri, "bad_header"},
		{empty + hash + uri, "bad_header"},
		{by + empty + hash + uri, "bad_header"},
		{uri + ";" + hash[:len(hash)-1], "bad_header"},
		{uri, "bad_header"},
		{by + uri, "bad_header"},
		{by, "bad_header"},
		{hash, "bad_header"},
		{by + hash, "bad_header"},
		{by + hash + empty, "bad_header"},
		{"", "bad_header"},
		{strings.ToLower(by + hash + uri), "bad_header"},
		{"by" + by[2:] + hash + uri, "bad_header"},
		{by + hash + "uri=" + caller, "bad_header"},
		{by + hash + "Uri=" + caller, "bad_header"},
		{"HASH" + hash[4:] + uri, "bad_header"},
		{"By=;" + hash + uri, "bad_header"},
		{"By=spiffe://prod.example;" + hash + uri, "bad_header"},
		{"By=http://prod.example/x;" + hash + uri, "bad_header"},
		{"By=spiffe://prod.example/" + strings.Repeat("a", 2048) + ";" + hash + uri, "bad_header"},
		{by[:len(by)-1], "bad_header"},

		// The hash.
		{"Hash=;" + uri, "bad_header"},
		{"Hash=" + hash[6:] + uri, "bad_header"},
		{"Hash=0" + hash[5:] + uri, "bad_header"},
		{"Hash=" + strings.ToUpper(hash[5:]) + uri, "bad_header"},
		{"Hash=g" + hash[6:] + uri, "bad_header"},
		{`Hash="` + hash[5:len(hash)-1] + `";` + uri, "bad_header"},
		{"Hash= " + hash[6:] + uri, "bad_header"},
		{hash[:len(hash)-1] + "," + uri, "bad_header"},
		{hash[:len(hash)-1], "bad_header"},

		// Spaces and what is no text.
		{" " + hash + uri, "bad_header"},
		{"\t" + hash + uri, "bad_header"},
		{hash + " " + uri, "bad_header"},
		{by + " " + hash + uri, "bad_header"},
		{hash + ";" + uri, "bad_header"},
		{hash + `URI="` + caller + `"`, "bad_header"},
		{"\xef\xbb\xbf" + hash + uri, "bad_header"},
		{strings.Repeat(by, 10_000) + hash + uri, "bad_header"},
	}, uriCases(long)...)
}

// uriCases have the right form, and another URI.
func uriCases(long string) []xfccCase {
	var cases []xfccCase
	for _, id := range []string{
		"", " " + caller, caller + " ", caller + "\n", caller + "\x00", caller + "\x7f", caller + "/", caller + "#", caller + "?", caller + "%", caller + "%2F",
		caller + "\r\nx: y", caller + "\t", caller + "é", caller + "'", caller + "(", caller + "*",
		"SPIFFE://prod.example/x", "spiffe://Prod.example/x", "spiffe://prod.example", "spiffe://prod.example/", "spiffe:///x", "spiffe:prod.example/x",
		"http://prod.example/x", "prod.example/x", "/x", "spiffe://prod.example:1/x", "spiffe://u@prod.example/x", "spiffe://prod.example//x",
		"spiffe://prod.example/./x", "spiffe://prod.example/../x", "spiffe://prod.example/x/..", "spiffe://prod.example\\x", long + "a",
	} {
		cases = append(cases, xfccCase{by + hash + empty + "URI=" + id, "not_spiffe"})
	}
	return cases
}

// xfccKind is the kind of the failure, or nothing.
func xfccKind(t *testing.T, got authn.Identity, err error) string {
	t.Helper()
	var failure *authn.Failure
	switch {
	case err == nil:
		return ""
	case got != (authn.Identity{}) || !errors.As(err, &failure):
		t.Errorf("%+v, %v", got, err)
		return "?"
	default:
		return failure.Kind
	}
}

func TestXFCC(t *testing.T) {
	for _, c := range xfccCases() {
		got, err := authn.FromXFCC([]string{c.value})
		if kind := xfccKind(t, got, err); kind != c.kind {
			t.Errorf("%q: %q, want %q", c.value, kind, c.kind)
		}
		if c.kind == "" && (!strings.HasSuffix(c.value, "URI="+got.Caller) || !got.NotAfter.IsZero()) {
			t.Errorf("%q: %+v", c.value, got)
		}
	}
}

func TestXFCCIsOneValue(t *testing.T) {
	for _, c := range []struct {
		values []string
		kind   string
	}{
		{nil, "no_header"},
		{[]string{}, "no_header"},
		{[]string{hash + uri, hash + uri}, "several_headers"},
		{[]string{hash + uri, ""}, "several_headers"},
		{[]string{"", hash + uri}, "several_headers"},
	} {
		got, err := authn.FromXFCC(c.values)
		if kind := xfccKind(t, got, err); kind != c.kind {
			t.Errorf("%q: %q, want %q", c.values, kind, c.kind)
		}
	}
}

// TestXFCCIsCheap is for every call.
func TestXFCCIsCheap(t *testing.T) {
	for _, value := range []string{by + hash + empty + uri, by + hash + empty + uri + "," + hash + uri} {
		values := []string{value}
		if n := testing.AllocsPerRun(100, func() { _, _ = authn.FromXFCC(values) }); n > 1 {
			t.Errorf("%q: %v allocations", value, n)
		}
	}
}

// FuzzXFCC compares with another way of reading: split the value, and compare each part with a pattern of SPIFFE's.
func FuzzXFCC(f *testing.F) {
	for _, c := range xfccCases() {
		f.Add(c.value)
	}
	label := `[a-zA-Z0-9._-]`
	id := regexp.MustCompile(`^spiffe://[a-z0-9._-]+((?:/` + label + `+)+)$`)
	digits := regexp.MustCompile(`^[0-9a-f]{64}$`)
	workload := func(text string) bool {
		if len(text) > 2048 || !id.MatchString(text) || strings.HasSuffix(text, "\n") {
			return false
		}
		for segment := range strings.SplitSeq(id.FindStringSubmatch(text)[1], "/") {
			if segment == "." || segment == ".." {
				return false
			}
		}
		return true
	}
	expected := func(value string) string {
		parts := strings.Split(value, ";")
		allowed := []struct {
			key      string
			optional bool
			valid    func(string) bool
		}{
			{"By", true, workload},
			{"Hash", false, digits.MatchString},
			{"Subject", true, func(text string) bool { return text == `""` }},
			{"URI", false, workload},
		}
		caller := ""
		for _, field := range allowed {
			key, text, _ := strings.Cut(parts[0], "=")
			switch {
			case key != field.key && field.optional:
				continue
			case key != field.key || !field.valid(text):
				return ""
			}
			caller = text
			if parts = parts[1:]; len(parts) == 0 {
				parts = []string{""}
				if field.key != "URI" {
					return ""
				}
			} else if field.key == "URI" {
				return ""
			}
		}
		return caller
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := authn.FromXFCC([]string{value})
		if want := expected(value); got.Caller != want || (err == nil) != (want != "") {
			t.Errorf("%q: %+v, %v, want %q", value, got, err, want)
		}
	})
}
