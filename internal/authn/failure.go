package authn

// Failure is why there is no identity. Nothing that the peer sent is in it.
type Failure struct {
	// Kind is one of Kinds.
	Kind string
}

// Error says the same in a sentence.
func (f *Failure) Error() string {
	for _, k := range kinds() {
		if k.kind == f.Kind {
			return k.text
		}
	}
	return f.Kind
}

// Kinds returns every kind of failure.
func Kinds() []string {
	var names []string
	for _, k := range kinds() {
		names = append(names, k.kind)
	}
	return names
}

// Cut is the kind of a connection that ends within its handshake, as probes do that only connect.
const Cut = "cut"

// The kinds of failures.
const (
	// Of the certificate.
	noCertificate    = "no_certificate"
	malformed        = "malformed"
	expired          = "expired"
	notYetValid      = "not_yet_valid"
	unknownAuthority = "unknown_authority"
	badChain         = "bad_chain"
	wrongUsage       = "wrong_usage"
	isCA             = "is_ca"
	weakKey          = "weak_key"
	notSPIFFE        = "not_spiffe"
	severalURIs      = "several_uris"
	// Of the handshake.
	notTLS     = "not_tls"
	oldVersion = "old_version"
	noALPN     = "no_alpn"
	refused    = "refused_by_peer"
	protocol   = "protocol"
	tooLarge   = "too_large"
	timedOut   = "timed_out"
	// Of the header.
	noHeader       = "no_header"
	severalHeaders = "several_headers"
	badHeader      = "bad_header"
)

type kindText struct{ kind, text string }

func kinds() []kindText {
	return []kindText{
		{noCertificate, "the caller shows no client certificate"},
		{malformed, "the caller's certificate cannot be read"},
		{expired, "a certificate of the caller's chain has expired"},
		{notYetValid, "a certificate of the caller's chain is not valid yet"},
		{unknownAuthority, "the caller's certificate is from none of the client CAs"},
		{badChain, "the caller's certificate breaks a rule of the CAs above it"},
		{wrongUsage, "the caller's certificate is not for client authentication"},
		{isCA, "the caller's certificate is a CA's"},
		{weakKey, "a key or signature of the caller's chain is too weak"},
		{notSPIFFE, "the caller has no SPIFFE ID with a path"},
		{severalURIs, "the caller's certificate has several URIs"},
		{notTLS, "the peer does not speak TLS"},
		{oldVersion, "the peer speaks only versions of TLS that are too old"},
		{noALPN, "the peer does not ask for h2 by ALPN"},
		{refused, "the peer refuses this server's certificate or settings"},
		{protocol, "the peer breaks a rule of TLS, or has no algorithm in common"},
		{tooLarge, "the peer's handshake is too large"},
		{timedOut, "the peer does not finish the handshake in time"},
		{Cut, "the connection ends within the handshake"},
		{noHeader, "the request has no XFCC header"},
		{severalHeaders, "the request has several XFCC headers"},
		{badHeader, "the XFCC header is not of the one accepted form"},
	}
}

func fail(kind string) *Failure { return &Failure{Kind: kind} }
