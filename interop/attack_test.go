//go:build interop

package interop

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // the server can read compressed messages
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/rawcall"
)

const confirmPath = "/" + serviceName + "/" + confirmSignUp

// attack is a call that keeps to no rules.
type attack struct {
	name string
	// path is that of ConfirmSignUp if it is empty.
	path string
	// headers are names and values in turn.
	headers []string
	// data are the DATA frames. The last one ends the call, unless a second HEADERS frame does.
	data     [][]byte
	trailers bool
	block    []byte // of the second
	// code is how the call ends, pool what the service then sees.
	code codes.Code
	pool string
}

// send makes the call on a new connection.
func (a attack) send(t *testing.T, address string, config *tls.Config) rawcall.End {
	t.Helper()
	end, err := a.try(t, address, config, 10*time.Second)
	if err != nil {
		t.Fatalf("%s: %v", a.name, err)
	}
	return end
}

// try is send for calls that may not even get a status.
func (a attack) try(t *testing.T, address string, config *tls.Config, patience time.Duration) (rawcall.End, error) {
	t.Helper()
	tcp, err := (&tls.Dialer{NetDialer: &net.Dialer{Timeout: time.Second}, Config: config}).DialContext(t.Context(), "tcp", address)
	if err != nil {
		return rawcall.End{}, err
	}
	defer func() { _ = tcp.Close() }()
	conn, err := rawcall.New(tcp)
	if err != nil {
		return rawcall.End{}, err
	}
	go conn.Listen()
	if err := a.write(conn); err != nil {
		return rawcall.End{}, err
	}
	select {
	case end, ok := <-conn.Ends:
		if !ok {
			return rawcall.End{}, errors.New("the connection ended")
		}
		return end, nil
	case <-time.After(patience):
		return rawcall.End{}, fmt.Errorf("no end within %s", patience)
	}
}

func (a attack) write(conn *rawcall.Conn) error {
	path := a.path
	if path == "" {
		path = confirmPath
	}
	stream, err := conn.Open(path, slices.Concat(a.headers, []string{"grpc-timeout", "5S"})...)
	for i, data := range a.data {
		if err == nil {
			err = conn.Send(stream, data, i == len(a.data)-1 && !a.trailers)
		}
	}
	if err == nil && a.trailers {
		err = conn.Framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: a.block, EndHeaders: true, EndStream: true})
	}
	return err
}

// framed is the message behind its prefix.
func framed(message []byte) []byte { return append(rawcall.Prefix(len(message)), message...) }

// recorder is a service that keeps what reaches it.
type recorder struct {
	useradminv1.UnimplementedUserAdminServer
	backend

	mu      sync.Mutex
	pools   []string
	headers []metadata.MD
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	tcp, socket := listenLoopback(t), listenSocket(t, socketPath(t))
	r := &recorder{backend: backend{tcp.Addr().String(), socket.Addr().String()}}
	s := grpc.NewServer()
	useradminv1.RegisterUserAdminServer(s, r)
	checks := health.NewServer()
	checks.SetServingStatus(serviceName, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(s, checks)
	go func() { _ = s.Serve(newTwin(tcp, socket)) }()
	t.Cleanup(s.Stop)
	return r
}

// ConfirmSignUp keeps the pool and the headers.
func (r *recorder) ConfirmSignUp(ctx context.Context, request *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pools, r.headers = append(r.pools, request.GetUserPoolId()), append(r.headers, headers)
	return &useradminv1.ConfirmSignUpResponse{}, nil
}

// take returns what reached the service since the last time.
func (r *recorder) take() ([]string, []metadata.MD) {
	r.mu.Lock()
	defer r.mu.Unlock()
	pools, headers := r.pools, r.headers
	r.pools, r.headers = nil, nil
	return pools, headers
}

// usualMessage is a call for the usual pool.
func usualMessage(t *testing.T) []byte {
	t.Helper()
	message, err := proto.Marshal(&useradminv1.ConfirmSignUpRequest{UserPoolId: usualPool, Username: "user"})
	if err != nil {
		t.Fatal(err)
	}
	return framed(message)
}
