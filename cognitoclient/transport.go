package cognitoclient

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"cognito.internal/useradmin/internal/loopback"
)

// maxResponse bounds the body and the header of a response. Cognito's have a few hundred bytes.
const maxResponse = 64 << 10

var (
	errSwitchedProtocols = errors.New("the connection became another protocol's")
	errResponseTooLong   = errors.New("the response is longer than 64 KiB")
	errNotLoopback       = errors.New("an http endpoint that is not on loopback")
	errNotAnObject       = errors.New("not a JSON object")
)

// adaptable reports whether newTransport can adapt the client; nil means the SDK's default.
func adaptable(client aws.HTTPClient) bool {
	_, ok := client.(*awshttp.BuildableClient)
	return client == nil || ok
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
		t.DialContext = dialer(cfg.Endpoint).DialContext
	}
	t.OnProxyConnectResponse = proxyConnected
	t.TLSHandshakeTimeout = 5 * time.Second
	t.MaxConnsPerHost = cfg.MaxConnections
	t.MaxIdleConns = cfg.MaxConnections
	t.MaxIdleConnsPerHost = cfg.MaxConnections
	t.IdleConnTimeout = 20 * time.Second // a connection that dies under a request costs an unknown outcome
	t.MaxResponseHeaderBytes = maxResponse
	t.ReadBufferSize, t.WriteBufferSize = 1<<10, 2<<10 // an ordinary request and response fit; with 5,000 connections it saves 25 MB
	t.DisableCompression = true                        // what is bounded is what is read
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true) // over HTTP/2 one broken connection would lose the responses of many calls
	if t.TLSClientConfig == nil {
		t.TLSClientConfig = &tls.Config{}
	}
	t.TLSClientConfig.MinVersion = max(t.TLSClientConfig.MinVersion, tls.VersionTLS12)
	t.TLSClientConfig.ClientSessionCache = tls.NewLRUClientSessionCache(cfg.MaxConnections)
	return t
}

// dialer connects to the endpoint. Without TLS it connects to loopback only, wherever localhost leads.
func dialer(endpoint string) *net.Dialer {
	d := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	if u, err := url.Parse(endpoint); err == nil && u.Scheme == "http" {
		d.Control = loopbackOnly
	}
	return d
}

// loopbackOnly is a Control whose error problem knows.
func loopbackOnly(network, address string, conn syscall.RawConn) error {
	if loopback.Control(network, address, conn) != nil {
		return errNotLoopback
	}
	return nil
}

// proxyRefusal is a proxy's refusal to connect to Cognito.
type proxyRefusal int

func (p proxyRefusal) Error() string { return fmt.Sprintf("proxy answered %d", int(p)) }

func proxyConnected(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode != http.StatusOK {
		return proxyRefusal(resp.StatusCode)
	}
	return nil
}

// problem tells an operator which kind of error it is. The error's own text may name hosts and more.
func problem(err error) string {
	var refusal proxyRefusal
	if errors.As(err, &refusal) {
		return refusal.Error()
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "proxyconnect" {
		return "proxy: " + kindOf(dial.Err)
	}
	return kindOf(err)
}

func kindOf(err error) string {
	var noName *net.DNSError
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	var notTLS tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.Is(err, errResponseTooLong):
		return "response too long"
	case errors.Is(err, errNotLoopback):
		return "not loopback"
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
