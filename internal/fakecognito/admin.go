package fakecognito

import "fmt"

// adminInput holds the members that all operations of an administrator on a user have. The inputs of such operations
// embed it; one with more members decodes and validates those itself.
type adminInput struct {
	userPoolID *string
	username   *string
}

func decodeAdmin(d *decoder) adminInput {
	return adminInput{userPoolID: d.text("UserPoolId"), username: d.text("Username")}
}

func (in adminInput) subject(*Server) subject {
	return subject{poolID: deref(in.userPoolID), username: deref(in.username)}
}

func (in adminInput) validate() *Exception {
	var v violations
	in.check(&v)
	return v.exception()
}

func (in adminInput) check(v *violations) {
	v.require("userPoolId", in.userPoolID, userPoolIDRule(), false)
	v.require("username", in.username, usernameRule(), true)
}

// find returns the user and the pool. The lock is held.
func (in adminInput) find(s *Server) (*pool, *user, *Exception) {
	p := s.pools[deref(in.userPoolID)]
	if p == nil {
		return nil, nil, exception(resourceNotFound, fmt.Sprintf("User pool %s does not exist.", deref(in.userPoolID)))
	}
	u := p.find(deref(in.username))
	if u == nil {
		return nil, nil, exception(userNotFound, "")
	}
	return p, u, nil
}
