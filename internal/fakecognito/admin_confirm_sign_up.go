package fakecognito

func adminConfirmSignUp() operation {
	return operation{name: "AdminConfirmSignUp", signed: true, decode: func(d *decoder) input {
		return adminConfirmSignUpInput{decodeAdmin(d), d.texts("ClientMetadata")}
	}}
}

type adminConfirmSignUpInput struct {
	adminInput
	clientMetadata map[string]string
}

func (in adminConfirmSignUpInput) subject(s *Server) subject {
	about := in.adminInput.subject(s)
	about.clientMetadata = in.clientMetadata
	return about
}

func (in adminConfirmSignUpInput) validate() *Exception {
	var v violations
	in.check(&v)
	v.metadata(in.clientMetadata)
	return v.exception()
}

// apply makes the user CONFIRMED. It verifies no attribute: an e-mail address that was no alias does not become one.
func (in adminConfirmSignUpInput) apply(s *Server, c *call) (result, *Exception) {
	p, u, e := in.find(s)
	if e != nil {
		return result{}, e
	}
	if u.Disabled {
		return result{}, exception(notAuthorized, "User is disabled.")
	}
	if u.Status != StatusUnconfirmed {
		return result{}, exception(notAuthorized, "User cannot be confirmed. Current status is "+string(u.Status))
	}
	u.Status, u.modified = StatusConfirmed, s.config.Now()
	s.note(KindConfirmed, c.request, u, "")
	return result{output: empty{}, trigger: triggerRun{
		name:           "PostConfirmation",
		source:         "PostConfirmation_ConfirmSignUp", // for an administrator's request too
		clientID:       "CLIENT_ID_NOT_APPLICABLE",       // an administrator's request has no app client
		trigger:        p.PostConfirmation,
		user:           u.clone(),
		clientMetadata: in.clientMetadata,
	}}, nil
}
