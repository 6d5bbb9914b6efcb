package fakecognito

// operation is one of Cognito's operations. Each has a file of its own, and operations lists them all.
type operation struct {
	// name is the operation's name in X-Amz-Target.
	name string
	// signed says that requests must be signed with AWS credentials.
	signed bool
	// decode reads the members of a request. A member that is absent or unreadable stays empty, so that faults and the
	// journal know the user even of a malformed request.
	decode func(*decoder) input
}

// input holds the decoded members of one request.
type input interface {
	// subject names whom the request is about. The lock is held.
	subject(*Server) subject
	// validate checks the members against Cognito's model, without looking at a pool.
	validate() *Exception
	// apply carries the request out, or returns an exception and has no effect. The lock is held.
	apply(*Server, *call) (result, *Exception)
}

// subject is whom a request is about, as far as the request says so.
type subject struct {
	poolID         string
	username       string
	clientMetadata map[string]string
}

// result is what a request led to.
type result struct {
	// output is the response; it is encoded as JSON.
	output any
	// trigger runs after the effect and decides whether the request succeeds. The zero triggerRun is no trigger.
	trigger triggerRun
}

// empty is the response of operations that return nothing.
type empty struct{}

// operations is the registry: an operation that is not listed here does not exist.
func operations() []operation {
	return []operation{
		adminConfirmSignUp(),
		adminGetUser(),
		signUp(),
	}
}

// Operations returns the names of the operations that the server knows.
func Operations() []string {
	var names []string
	for _, o := range operations() {
		names = append(names, o.name)
	}
	return names
}
