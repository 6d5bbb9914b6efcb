package authn

import "strings"

// FromXFCC reads the values of the header x-forwarded-client-cert. Envoy escapes neither URIs nor DNS names in it, so that
// a certificate's name can hold what looks like further fields or another element. Therefore only this form is
// accepted, where the parts in brackets may be missing, and no character of a SPIFFE ID can end it:
//
//	[By=<SPIFFE ID>;]Hash=<64 hexadecimal digits>;[Subject="";]URI=<SPIFFE ID>
func FromXFCC(values []string) (Identity, error) {
	switch len(values) {
	case 0:
		return Identity{}, fail(noHeader)
	case 1:
	default:
		return Identity{}, fail(severalHeaders)
	}
	rest := values[0]
	if after, found := strings.CutPrefix(rest, "By="); found {
		by, next, found := strings.Cut(after, ";")
		if !found || !isCaller(by) {
			return Identity{}, fail(badHeader)
		}
		rest = next
	}
	rest, found := cutHash(rest)
	if !found {
		return Identity{}, fail(badHeader)
	}
	rest = strings.TrimPrefix(rest, `Subject="";`)
	uri, found := strings.CutPrefix(rest, "URI=")
	switch {
	case !found || strings.ContainsAny(uri, `,;="`):
		return Identity{}, fail(badHeader)
	case !isCaller(uri):
		return Identity{}, fail(notSPIFFE)
	default:
		return Identity{Caller: uri}, nil
	}
}

// cutHash cuts off the field that Envoy always writes.
func cutHash(text string) (rest string, found bool) {
	text, found = strings.CutPrefix(text, "Hash=")
	if !found || len(text) <= 64 || text[64] != ';' {
		return "", false
	}
	for i := range 64 {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return text[65:], true
}
