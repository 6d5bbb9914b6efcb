//go:build interop

package interop

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/devca"
	"cognito.internal/useradmin/internal/fakecognito"
	"cognito.internal/useradmin/server"
)

// A call that is refused before its message is read has its details at every caller over every path. It has no trailers.
func TestRefusalsBeforeTheMessageArrive(t *testing.T) {
	w := newWorldOf(t, func(r fakecognito.Request) fakecognito.Fault {
		if strings.HasPrefix(r.Username, "holds-") {
			return fakecognito.Hang()
		}
		return fakecognito.Fault{}
	}, server.Config{MaxCalls: 1})
	w.fill(t)
	golden := loadGolden(t)
	for _, kind := range callerKinds() {
		if kind.name == "grpcurl" {
			continue // it asks for the descriptors first, and that stream is refused as well
		}
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			calling := kind.open(t)
			for _, p := range w.paths {
				t.Run(p.name, func(t *testing.T) {
					results.note(t, "Refused before the message", kind.name, p.name)
					c := testCase{name: "overloaded", method: confirmSignUp}
					want, _, _ := p.want(golden, c)
					want.Trailers = nil
					got := kind.strip(c.send(t, calling, kind, p))
					if want = kind.strip(want); !reflect.DeepEqual(got, want) {
						t.Error(difference(got, want))
					}
				})
			}
		})
	}
}

// fill takes the one place of each replica until the test ends, for another caller than the tests'.
func (w *world) fill(t *testing.T) {
	t.Helper()
	ctx, release := context.WithCancel(t.Context())
	holder := w.pki.presenting(t, devca.Request{URIs: []string{holderURI}})
	ended := make(chan struct{}, len(w.cutters))
	n := 0
	hold := func(ctx context.Context, target string, secure credentials.TransportCredentials) {
		conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(secure), grpc.WithNoProxy())
		if err != nil {
			t.Fatal(err)
		}
		n++
		request := &useradminv1.ConfirmSignUpRequest{UserPoolId: usualPool, Username: fmt.Sprint("holds-", n)}
		go func() {
			_, _ = useradminv1.NewUserAdminClient(conn).ConfirmSignUp(ctx, request)
			_ = conn.Close()
			ended <- struct{}{}
		}()
	}
	plaintext := insecure.NewCredentials()
	for i, r := range w.plain {
		hold(ctx, r.address, plaintext)
		hold(ctx, w.known["HAProxy"][i].address, credentials.NewTLS(holder))
		named := metadata.AppendToOutgoingContext(ctx, xfcc, "Hash="+strings.Repeat("0", 64)+";URI="+holderURI)
		hold(named, "unix:"+w.known["Envoy"][i].socket, plaintext)
	}
	t.Cleanup(func() {
		release()
		for range w.cutters {
			<-ended
		}
	})
	for range 200 {
		if len(w.upstream.requests(0)) == len(w.cutters) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the calls that take the places did not arrive")
}
