package fakecognito

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	sigAlgorithm  = "AWS4-HMAC-SHA256"
	sigService    = "cognito-idp"
	sigTerminator = "aws4_request"
	sigTimeFormat = "20060102T150405Z"
	sigSkew       = 5 * time.Minute
)

// authorization is a parsed Authorization header of Signature Version 4.
type authorization struct {
	keyID, date, region, service, terminator string
	signedHeaders                            []string
	signature                                string
	signedAt                                 time.Time
}

// scope is the credential scope that the key is derived for.
func (a authorization) scope() string {
	return strings.Join([]string{a.date, a.region, a.service, a.terminator}, "/")
}

// authenticate checks the signature as of the moment the request arrived. Like AWS it accepts whatever headers were
// signed, since SDKs differ in them.
func (s *Server) authenticate(c *call) *Exception {
	a, e := parseAuthorization(c.http.Header)
	if e != nil {
		return e
	}
	if a.keyID != DefaultAccessKeyID || c.http.Header.Get("X-Amz-Security-Token") != "" {
		return exception(unrecognizedClient, "")
	}
	if e := checkSkew(a.signedAt, c.received); e != nil {
		return e
	}
	if e := s.checkScope(a); e != nil {
		return e
	}
	want := sign(DefaultSecretAccessKey, a, canonicalRequest(c, a))
	if subtle.ConstantTimeCompare([]byte(want), []byte(a.signature)) != 1 {
		return exception(invalidSignature, "")
	}
	return nil
}

// parseAuthorization reads the header and says what is missing in it.
func parseAuthorization(h http.Header) (authorization, *Exception) {
	var a authorization
	value := h.Get("Authorization")
	if value == "" {
		return a, exception(missingToken, "")
	}
	algorithm, list, _ := strings.Cut(value, " ")
	if algorithm != sigAlgorithm {
		return a, exception(incompleteSignature, fmt.Sprintf("Unsupported AWS 'algorithm': '%s'.", algorithm))
	}
	parameters := map[string]string{}
	for _, pair := range strings.Split(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		parameters[name] = value
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parameters[name] == "" {
			missing = append(missing, fmt.Sprintf("Authorization header requires '%s' parameter.", name))
		}
	}
	var dated bool
	if a.signedAt, dated = signingTime(h); !dated {
		missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	if len(missing) > 0 {
		return a, exception(incompleteSignature, strings.Join(missing, " "))
	}
	return a, a.fill(parameters)
}

func (a *authorization) fill(parameters map[string]string) *Exception {
	parts := strings.Split(parameters["Credential"], "/")
	if len(parts) != 5 {
		return exception(incompleteSignature, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '"+parameters["Credential"]+"'")
	}
	a.keyID, a.date, a.region, a.service, a.terminator = parts[0], parts[1], parts[2], parts[3], parts[4]
	a.signature = parameters["Signature"]
	a.signedHeaders = strings.Split(parameters["SignedHeaders"], ";")
	if !slices.Contains(a.signedHeaders, "host") {
		return exception(invalidSignature, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return nil
}

func signingTime(h http.Header) (time.Time, bool) {
	if t, err := time.Parse(sigTimeFormat, h.Get("X-Amz-Date")); err == nil {
		return t, true
	}
	t, err := http.ParseTime(h.Get("Date"))
	return t.UTC(), err == nil
}

func checkSkew(signed, now time.Time) *Exception {
	now = now.UTC()
	text := func(format string, edge time.Time, sign string) *Exception {
		return exception(invalidSignature, fmt.Sprintf(format+" %s (%s %s 5 min.)",
			signed.Format(sigTimeFormat), edge.Format(sigTimeFormat), now.Format(sigTimeFormat), sign))
	}
	if edge := now.Add(-sigSkew); signed.Before(edge) {
		return text("Signature expired: %s is now earlier than", edge, "-")
	}
	if edge := now.Add(sigSkew); signed.After(edge) {
		return text("Signature not yet current: %s is still later than", edge, "+")
	}
	return nil
}

func (s *Server) checkScope(a authorization) *Exception {
	switch {
	case a.date != a.signedAt.Format("20060102"):
		return exception(invalidSignature, fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			a.date, a.signedAt.Format("20060102"), a.signedAt.Format(sigTimeFormat)))
	case a.region != s.config.Region:
		return exception(invalidSignature, fmt.Sprintf("Credential should be scoped to a valid region, not '%s'.", a.region))
	case a.service != sigService:
		return exception(invalidSignature, fmt.Sprintf("Credential should be scoped to correct service: '%s'.", sigService))
	case a.terminator != sigTerminator:
		return exception(invalidSignature, fmt.Sprintf("Credential should be scoped with a valid terminator: '%s', not '%s'.", sigTerminator, a.terminator))
	}
	return nil
}

// canonicalRequest is the request in the form that is signed. Its path is "/".
func canonicalRequest(c *call, a authorization) string {
	var b strings.Builder
	b.WriteString(c.http.Method + "\n/\n" + canonicalQuery(c.http.URL.Query()) + "\n")
	for _, name := range a.signedHeaders {
		b.WriteString(name + ":" + canonicalHeader(c.http, name) + "\n")
	}
	b.WriteString("\n" + strings.Join(a.signedHeaders, ";") + "\n")
	hash := sha256.Sum256(c.body)
	b.WriteString(hex.EncodeToString(hash[:]))
	return b.String()
}

func canonicalQuery(q url.Values) string {
	for _, values := range q {
		slices.Sort(values)
	}
	return strings.ReplaceAll(q.Encode(), "+", "%20")
}

func canonicalHeader(r *http.Request, name string) string {
	switch name {
	case "host": // net/http removes these two from the header
		return r.Host
	case "content-length":
		return strconv.FormatInt(r.ContentLength, 10)
	}
	values := slices.Clone(r.Header.Values(name))
	for i, v := range values {
		values[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(values, ",")
}

// sign derives the key for the scope and signs the canonical request with it.
func sign(secret string, a authorization, canonical string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, a.terminator} {
		key = mac(key, part)
	}
	hash := sha256.Sum256([]byte(canonical))
	text := strings.Join([]string{
		sigAlgorithm, a.signedAt.Format(sigTimeFormat), a.scope(), hex.EncodeToString(hash[:]),
	}, "\n")
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
