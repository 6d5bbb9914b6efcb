package cognitoclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// maxAnswer bounds the body and the header of an answer. Cognito's are a few hundred bytes; the SDK reads any length.
const maxAnswer = 64 << 10

var (
	errNoRegion      = errors.New("no AWS Region is configured: set --region, AWS_REGION or region in the shared config file")
	errNoAnswer      = errors.New("the connection became another protocol's")
	errAnswerTooLong = errors.New("the answer is longer than 64 KiB")
)

// Load reads the SDK's default configuration: environment, shared files, and the credential chain, which is not asked
// yet. An empty region means the configured one. An endpoint that the configuration names is refused, since whoever
// sets it would get every request, with the usernames in it.
func Load(ctx context.Context, region string) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region), config.WithAppID("useradmin"))
	if err != nil {
		return aws.Config{}, fmt.Errorf("AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return aws.Config{}, errNoRegion
	}
	if endpoint := cognitoidentityprovider.NewFromConfig(cfg).Options().BaseEndpoint; endpoint != nil {
		return aws.Config{}, errors.New("the AWS configuration names an endpoint (AWS_ENDPOINT_URL, " +
			"AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER or endpoint_url): remove it, or set --cognito-endpoint " +
			"and AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true")
	}
	return cfg, nil
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the Cognito endpoint must be a URL of a scheme, a host and perhaps a port, for example https://127.0.0.1:9229")
	}
	if u.Scheme == "https" || u.Scheme == "http" && loopback(u.Hostname()) {
		return nil
	}
	return errors.New("the Cognito endpoint must be https, or http on loopback")
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// awsHost says whether the host is one of AWS's own, which send a request id with every answer.
func awsHost(host string) bool {
	for _, suffix := range [...]string{".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".amazonaws.eu"} {
		if strings.HasSuffix(strings.ToLower(host), suffix) {
			return true
		}
	}
	return false
}

// newTransport adapts the transport of the configured client, which has the CA bundle and the proxies.
func newTransport(cfg Config) *http.Transport {
	base, ok := cfg.AWS.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	t.DialContext = cfg.DialContext
	if t.DialContext == nil {
		t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	}
	t.TLSHandshakeTimeout = 5 * time.Second
	t.MaxConnsPerHost = cfg.MaxConnections
	t.MaxIdleConns = cfg.MaxConnections
	t.MaxIdleConnsPerHost = cfg.MaxConnections
	t.IdleConnTimeout = 20 * time.Second // a connection that dies under a request costs an unknown outcome
	t.MaxResponseHeaderBytes = maxAnswer
	t.DisableCompression = true // what is bounded is what is read
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true) // over HTTP/2 one broken connection would lose the answers of many calls
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{}
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(cfg.MaxConnections)
	return t
}

// httpClient sends one request, follows no redirect, and notes in the context's exchange what it saw.
type httpClient struct{ transport http.RoundTripper }

// Do sends the request and reads the whole answer.
func (h *httpClient) Do(req *http.Request) (*http.Response, error) {
	ex := exchangeOf(req.Context())
	ex.dispatched, ex.host = true, req.URL.Hostname()
	ctx := httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { ex.connected.Store(true) },
	})
	req = req.WithContext(ctx)
	if err := keepBody(req); err != nil {
		return nil, err
	}
	resp, body, err := h.roundTrip(req)
	if err != nil {
		ex.problem = problem(err)
		return nil, err
	}
	ex.status, ex.header, ex.body = resp.StatusCode, resp.Header, body
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// roundTrip returns the whole answer or none.
func (h *httpClient) roundTrip(req *http.Request) (*http.Response, []byte, error) {
	resp, err := h.transport.RoundTrip(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil, nil, errNoAnswer // its body is the bare connection, whose reads no context ends
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err == nil && len(body) > maxAnswer {
		err = errAnswerTooLong
	}
	return resp, body, err
}

// problem tells an operator what kind of error it is. The error's own text may name hosts of a proxy and more.
func problem(err error) string {
	var noName *net.DNSError
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, errAnswerTooLong):
		return "answer too long"
	case errors.As(err, &noName):
		return "name not resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.As(err, &certificate), errors.As(err, &notTLS), errors.As(err, &alert):
		return "TLS failed"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timed out"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, net.ErrClosed):
		return "connection cut"
	default:
		return "other"
	}
}

// keepBody puts the body into memory, so that the transport may send it again on another connection if the first
// turned out to be dead before a byte was written.
func keepBody(req *http.Request) error {
	if req.Body == nil {
		return nil
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return err
	}
	_ = req.Body.Close()
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	req.Body, err = req.GetBody()
	return err
}

// witnessedCredentials notes in the context's exchange that no credentials could be had.
type witnessedCredentials struct{ aws.CredentialsProvider }

// Retrieve gets the credentials.
func (w witnessedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	credentials, err := w.CredentialsProvider.Retrieve(ctx)
	if err != nil {
		exchangeOf(ctx).noCredentials.Store(true)
	}
	return credentials, err
}
