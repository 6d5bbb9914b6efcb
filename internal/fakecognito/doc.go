// Package fakecognito is an embedded Amazon Cognito: an http.Handler that speaks
// AWS JSON 1.1 and knows three operations, AdminConfirmSignUp, AdminGetUser and
// SignUp. AWS's own tools and SDKs can talk to it.
//
// It checks what the real one checks (signature, target, content type, the members
// of a request) and answers with AWS's own texts. It keeps user pools and users,
// runs PostConfirmation triggers and throttles. It can be told to misbehave, see
// [Fault], and it keeps a journal of what really happened, see [Entry], with which
// tests compare what their callers claim.
//
// What it starts it also ends: [Server.Settle] waits until no request can have an
// effect any more, [Server.Close] ends what hangs and then waits the same way. All
// its waiting is done with timers and channels, so it runs in a testing/synctest
// bubble, over a [Pipe] for instance.
package fakecognito
