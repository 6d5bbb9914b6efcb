//go:build interop

package interop

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/health" // the shipped service configs check health
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"cognito.internal/useradmin/failure"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
)

// goCaller is grpc-go with package failure.
type goCaller struct {
	mu    sync.Mutex
	conns map[goChannel]*grpc.ClientConn
}

type goChannel struct {
	address, serviceConfig string
	identity               identity
}

func newGoCaller(t *testing.T) caller {
	t.Helper()
	c := &goCaller{conns: map[goChannel]*grpc.ClientConn{}}
	t.Cleanup(func() {
		for _, conn := range c.conns {
			_ = conn.Close()
		}
	})
	return c
}

func (c *goCaller) conn(t *testing.T, key goChannel) *grpc.ClientConn {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conns[key] == nil {
		options := []grpc.DialOption{grpc.WithTransportCredentials(key.identity.credentials(t)), grpc.WithNoProxy()}
		if key.serviceConfig != "" {
			options = append(options, grpc.WithDefaultServiceConfig(key.serviceConfig))
		}
		// A list of addresses, as other libraries have it.
		addresses := manual.NewBuilderWithScheme("ipv4")
		var list []resolver.Address
		for one := range strings.SplitSeq(strings.TrimPrefix(key.address, "ipv4:"), ",") {
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
	conn := c.conn(t, goChannel{r.Address, r.ServiceConfig, r.identity})
	var shown answer
	counts := map[string]int{}
	for range max(r.Calls, 1) {
		a := c.once(t, conn, r)
		counts[a.Code]++
		if shown.Code == "" || shown.Code == "OK" || a.Code != "OK" {
			shown = a
		}
	}
	shown.ID, shown.Codes = r.ID, counts
	return shown
}

func (c *goCaller) once(t *testing.T, conn *grpc.ClientConn, r request) answer {
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
	var headers []string
	for key, value := range r.Headers {
		headers = append(headers, key, value)
	}
	ctx = metadata.AppendToOutgoingContext(ctx, headers...)
	method, message := r.rpc()
	response := responseOf(t, method)
	var trailer metadata.MD
	err := conn.Invoke(ctx, "/"+serviceName+"/"+method, message, response, grpc.Trailer(&trailer))
	a := read(err)
	a.Trailers = map[string]string{}
	for _, key := range []string{"x-request-id", "grpc-retry-pushback-ms"} {
		if values := trailer.Get(key); len(values) > 0 {
			a.Trailers[key] = values[0]
		}
	}
	if err == nil {
		a.Result = resultOf(response.ProtoReflect())
	}
	return a
}

// responseOf makes an empty response of the method, which any RPC of the linked descriptors can be.
func responseOf(t *testing.T, method string) proto.Message {
	t.Helper()
	found := userAdmin().Methods().ByName(protoreflect.Name(method))
	if found == nil {
		t.Fatalf("%s has no RPC %s", serviceName, method)
	}
	response, err := protoregistry.GlobalTypes.FindMessageByName(found.Output().FullName())
	if err != nil {
		t.Fatal(err)
	}
	return response.New().Interface()
}

// resultOf is the name of the response's field result; empty if it has none.
func resultOf(response protoreflect.Message) string {
	field := response.Descriptor().Fields().ByName("result")
	if field == nil || field.Enum() == nil {
		return ""
	}
	value := field.Enum().Values().ByNumber(response.Get(field).Enum())
	if value == nil {
		return ""
	}
	return string(value.Name())
}

const serviceName = "useradmin.v1.UserAdmin"

func userAdmin() protoreflect.ServiceDescriptor {
	return useradminv1.File_useradmin_v1_user_admin_proto.Services().ByName("UserAdmin")
}

// read shows what package failure reads.
func read(err error) answer {
	if err == nil {
		return answer{Code: "OK", FromService: true}
	}
	f := failure.Of(err)
	a := answer{
		Code: f.CodeName(), Message: f.Message, FromService: f.FromService, Reason: f.ReasonName,
		Outcome: strings.TrimPrefix(f.Outcome.String(), "OUTCOME_"), Metadata: f.Metadata, RequestID: f.RequestID,
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
