// Package fakecognito is an embedded Amazon Cognito: an http.Handler that speaks AWS JSON 1.1 and knows the operations
// that [Operations] lists. AWS's own tools and SDKs can talk to it.
//
// It checks what the real one checks (signature, target, content type, the members of a request) and returns AWS's own
// texts. It keeps user pools and users and runs PostConfirmation triggers. A [Fault] makes it misbehave, and its journal
// of [Entry] values says what really happened: tests compare with it what their callers claim.
//
// Nothing outlives it: [Server.Settle] waits until no request can have an effect any more, and [Server.Close] ends what
// hangs and then waits the same way. It waits with timers and channels only, so it runs in a testing/synctest bubble.
//
// An operation is a value in a file of its own, such as admin_get_user.go. To add one, write that file and name it in
// the registry, the function operations.
package fakecognito
