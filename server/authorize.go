package server

import (
	"context"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"

	"cognito.internal/useradmin/cognitoclient"
	"cognito.internal/useradmin/internal/audit"
	"cognito.internal/useradmin/internal/authn"
	"cognito.internal/useradmin/internal/policy"
)

// authorizeUnary decides before the handler looks at the request.
func (s *Server) authorizeUnary(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
	if err := s.authorize(recordOf(ctx), req); err != nil {
		return nil, err
	}
	return handler(ctx, req)
}

// authorizeStream decides before the handler begins, and again with every message: a stream may outlast the policy and the
// certificate that allowed it.
func (s *Server) authorizeStream(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	r := recordOf(stream.Context())
	if err := s.authorize(r, nil); err != nil {
		return err
	}
	asked := &askedAgain{ServerStream: stream, ask: func() error { return s.authorizeAgain(r) }}
	err := handler(srv, asked)
	if denied := asked.denied.Load(); denied != nil {
		return *denied
	}
	return err
}

// askedAgain is a stream whose messages need permission.
type askedAgain struct {
	grpc.ServerStream

	ask func() error
	// denied is why the stream has to end; handlers may replace the error by one of their own.
	denied atomic.Pointer[error]
}

// SendMsg sends the message if the stream may go on.
func (a *askedAgain) SendMsg(m any) error {
	if err := a.may(); err != nil {
		return err
	}
	return a.ServerStream.SendMsg(m)
}

// RecvMsg receives a message if the stream may go on.
func (a *askedAgain) RecvMsg(m any) error {
	if err := a.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return a.may()
}

func (a *askedAgain) may() error {
	err := a.ask()
	if err != nil {
		a.denied.Store(&err)
	}
	return err
}

// authorizeAgain looks at the connection's certificate too. What a sidecar said of the caller it said once.
func (s *Server) authorizeAgain(r *record) error {
	if s.config.Authn == authn.MTLS {
		r.caller = r.call.life.connection.caller(nil)
	}
	return s.authorize(r, nil)
}

// authorize returns nil if the caller may make the call. What is refused is the same whether the user pool exists or not.
func (s *Server) authorize(r *record, req any) error {
	if r.rpc != nil {
		r.about = r.rpc.target(req)
		r.about.metadata = fewKeys(r.about.metadata)
		r.pool = s.poolShown(r.about.pool)
	}
	if r.method == policy.FreeMethod || s.config.Authn == authn.None {
		return nil
	}
	if r.caller.id == "" {
		return s.deny(r, cognitoclient.Unauthenticated)
	}
	rules := s.config.Policy()
	decision := rules.Decide(policy.Request{
		Caller: r.caller.id, Method: r.method, Pool: r.about.pool,
		MetadataKeys: r.about.metadata, AllowConfirmed: r.about.allowConfirmed,
	})
	r.rule, r.policy = decision.Rule, rules.Sum()[:policyShown]
	if !decision.Allowed {
		return s.deny(r, cognitoclient.CallerNotAllowed)
	}
	return nil
}

// deny makes the error, and tells the audit log.
func (s *Server) deny(r *record, cause cognitoclient.Cause) error {
	if s.config.Audit != nil {
		s.config.Audit.Deny(r.auditCall(), cause.String())
	}
	e := cognitoclient.Refused(cause, r.repeated)
	e.Problem = r.caller.problem
	return e
}

// fewKeys is the metadata, or just too many keys of it: a request with more is invalid in any case, and a message has room for ten
// thousand, which would make the decision dearer than the call.
func fewKeys(metadata map[string]string) map[string]string {
	if len(metadata) <= maxEntries {
		return metadata
	}
	few := make(map[string]string, maxEntries+1)
	for key := range metadata {
		few[key] = ""
		if len(few) > maxEntries {
			break
		}
	}
	return few
}

// policyShown is how much of the policy's SHA-256 the log and the audit log have, in hexadecimal digits.
const policyShown = 12

// target is what a call is about, as far as a policy may look at it.
type target struct {
	pool, username string
	metadata       map[string]string
	allowConfirmed bool
}

// poolShown is the user pool, if it has the form of one of the Region: any other text may be a username.
func (s *Server) poolShown(pool string) string {
	name, ok := strings.CutPrefix(pool, s.config.Region+"_")
	if !ok || s.config.Region == "" || name == "" || len(pool) > maxUserPoolID {
		return ""
	}
	for i := range len(name) {
		if !alphanumeric(name[i]) {
			return ""
		}
	}
	return pool
}

// intend writes to the audit log that the call is about to be carried out. Without that line it must not be.
func (s *Server) intend(ctx context.Context, r *record) error {
	if s.config.Audit == nil {
		return nil
	}
	intent, err := s.config.Audit.Intend(ctx, r.auditCall())
	if err != nil {
		cause := cognitoclient.Ended(ctx)
		if cause == 0 {
			cause = cognitoclient.AuditUnavailable
		}
		return cognitoclient.Refused(cause, r.repeated)
	}
	r.intent = intent
	return nil
}

func (r *record) auditCall() audit.Call {
	return audit.Call{
		Caller: r.caller.id, Authn: r.server.config.Authn, Method: r.method, Pool: r.pool, Username: r.about.username,
		RequestID: r.requestID, Rule: r.rule, Policy: r.policy, Repeated: r.repeated,
	}
}

// endIntent writes how the call ended.
func (r *record) endIntent(code string) {
	if r.intent == nil {
		return
	}
	attempts := make([]audit.Attempt, len(r.history))
	for i, a := range r.history {
		attempts[i] = audit.Attempt{Result: a.Cause.String(), RequestID: a.RequestID}
	}
	r.intent.End(audit.End{Code: code, Reason: r.reason, Outcome: r.outcome, Attempts: attempts})
}
