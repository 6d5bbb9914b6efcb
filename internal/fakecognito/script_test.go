package fakecognito_test

import (
	"testing"

	"cognito.internal/useradmin/internal/fakecognito"
)

// A script goes before Config.Fault, and one request uses up one fault.
func TestScripts(t *testing.T) {
	f := start(t, fakecognito.Config{Fault: func(r fakecognito.Request) fakecognito.Fault {
		if r.Username == "ghost" || r.Username == "ada" {
			return fakecognito.Throw("InternalErrorException", "")
		}
		return fakecognito.Fault{}
	}}, testPool())
	f.ScriptUser(poolID, "ada@example.com", fakecognito.Throw("TooManyRequestsException", ""), fakecognito.Throw("LimitExceededException", ""))
	f.ScriptUser(poolID, adasSub, fakecognito.None())
	f.ScriptUser(poolID, "nobody", fakecognito.Throw("ThrottlingException", ""))

	wantException(t, f.confirm("ada", nil), "TooManyRequestsException", "", 400)
	wantException(t, f.confirm(adasSub, nil), "LimitExceededException", "", 400)
	wantException(t, f.confirm("nobody", nil), "ThrottlingException", "", 400)
	wantException(t, f.confirm("nobody", nil), "UserNotFoundException", "", 400)
	wantException(t, f.confirm("ghost", nil), "InternalErrorException", "", 500)
	if err := f.confirm("ada", nil); err != nil {
		t.Error(err)
	}
	wantException(t, f.confirm("ada", nil), "InternalErrorException", "", 500)
}
