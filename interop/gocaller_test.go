//go:build interop

package interop

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the shipped service configs check health
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// goCaller is grpc-go with package failure.
type goCaller struct {
	mu    sync.Mutex
	conns map[[2]string]*grpc.ClientConn
}

func newGoCaller(t *testing.T) caller {
	t.Helper()
	c := &goCaller{conns: map[[2]string]*grpc.ClientConn{}}
	t.Cleanup(func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
	})
	return c
}

func (c *goCaller) conn(t *testing.T, address, serviceConfig string) *grpc.ClientConn {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]string{address, serviceConfig}
	if c.conns[key] == nil {
		options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithNoProxy()}
		if serviceConfig != "" {
			options = append(options, grpc.WithDefaultServiceConfig(serviceConfig))
		}
		// As other libraries have it: a list of addresses.
		addresses := manual.NewBuilderWithScheme("ipv4")
		var list []resolver.Address
		for one := range strings.SplitSeq(strings.TrimPrefix(address, "ipv4:"), ",") {
			list = append(list, resolver.Address{Addr: one})
		}
		addresses.InitialState(resolver.State{Addresses: list})
		conn, err := grpc.NewClient("ipv4:///service", append(options, grpc.WithResolvers(addresses))...)
		if err != nil {
			t.Fatal(err)
		}
		c.conns[key] = conn
	}
	return c.conns[key]
}

func (c *goCaller) call(t *testing.T, r request) answer {
	t.Helper()
	client := useradminv1.NewUserAdminClient(c.conn(t, r.Address, r.ServiceConfig))
	var told answer
	counts := map[string]int{}
	for range max(r.Calls, 1) {
		a := c.once(t, client, r)
		counts[a.Code]++
		if told.Code == "" || told.Code == "OK" || a.Code != "OK" {
			told = a
		}
	}
	told.ID, told.Codes = r.ID, counts
	return told
}

func (c *goCaller) once(t *testing.T, client useradminv1.UserAdminClient, r request) answer {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if r.DeadlineMS > 0 {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.DeadlineMS)*time.Millisecond)
		defer cancel()
	}
	if r.CancelMS > 0 {
		timer := time.AfterFunc(time.Duration(r.CancelMS)*time.Millisecond, cancel)
		defer timer.Stop()
	}
	if r.RequestID != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "x-request-id", r.RequestID)
	}
	var trailer metadata.MD
	resp, err := client.ConfirmSignUp(ctx, &useradminv1.ConfirmSignUpRequest{
		UserPoolId: r.UserPoolID, Username: r.Username, ClientMetadata: r.ClientMetadata, AllowConfirmed: r.AllowConfirmed,
	}, grpc.Trailer(&trailer))
	a := read(err)
	a.Trailers = map[string]string{}
	for _, key := range []string{"x-request-id", "grpc-retry-pushback-ms"} {
		if values := trailer.Get(key); len(values) > 0 {
			a.Trailers[key] = values[0]
		}
	}
	if err == nil {
		a.Result = resp.GetResult().String()
	}
	return a
}

// read says what package failure says.
func read(err error) answer {
	if err == nil {
		return answer{Code: "OK", FromService: true}
	}
	f := failure.Of(err)
	a := answer{
		Code: f.CodeName(), Message: f.Message, FromService: f.FromService, Reason: f.ReasonName,
		Outcome: f.Outcome.String(), Metadata: f.Metadata, RequestID: f.RequestID,
	}
	for _, v := range f.Violations {
		a.Violations = append(a.Violations, violation(v))
	}
	if f.RetryDelay > 0 {
		delay := f.RetryDelay.Milliseconds()
		a.RetryDelayMS = &delay
	}
	for _, detail := range status.Convert(err).Proto().GetDetails() {
		a.Details = append(a.Details, lastPart(detail.GetTypeUrl()))
	}
	return a
}

func lastPart(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }
