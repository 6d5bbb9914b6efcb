package cognitoclient

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// ConfirmSignUp is a call to confirm a user's sign-up.
type ConfirmSignUp struct {
	// UserPoolID is the id of the user pool.
	UserPoolID string
	// Username is the username or the sub, in UTF-8; it goes to Cognito unchanged.
	Username string
	// ClientMetadata goes to the pool's PostConfirmation trigger; it may be nil.
	ClientMetadata map[string]string
	// AllowConfirmed makes a user who is already confirmed a success.
	AllowConfirmed bool
	// Repeated says that the call is marked as a repeat, so that its first sending may have confirmed the user.
	Repeated bool
	// ID is our own id of the call, which Cognito's User-Agent header carries; of the form [A-Za-z0-9._:-]{1,64}.
	ID string
}

// ConfirmSignUp confirms the user's sign-up with AdminConfirmSignUp. Its error is always an *Error.
//
// A deadline on ctx should leave the caller the time to report. A cancellation of ctx with a cause of its own ends
// the call with Stopping.
func (c *Client) ConfirmSignUp(ctx context.Context, r ConfirmSignUp) (Result, error) {
	size := jsonSize(r.UserPoolID) + jsonSize(r.Username)
	for key, value := range r.ClientMetadata {
		size += jsonSize(key) + jsonSize(value)
	}
	return c.call(ctx, confirmSignUp(), request{
		pool: r.UserPoolID, id: r.ID, goal: r.AllowConfirmed, repeated: r.Repeated,
		members: struct {
			UserPoolID     string            `json:"UserPoolId"`
			Username       string            `json:"Username"`
			ClientMetadata map[string]string `json:"ClientMetadata,omitempty"`
		}{r.UserPoolID, r.Username, r.ClientMetadata},
		size: size,
		values: func(yield func(string) bool) {
			if !yield(r.Username) {
				return
			}
			for _, value := range r.ClientMetadata {
				if !yield(value) {
					return
				}
			}
		},
	})
}

func confirmSignUp() *operation {
	return &operation{
		name:    "AdminConfirmSignUp",
		members: []string{"userPoolId", "username", "clientMetadata"},
		already: UserAlreadyConfirmed,
		trigger: "PostConfirmation",
		refusal: notConfirmable,
	}
}

// notConfirmable tells apart what NotAuthorizedException means: mostly that the user's status is not UNCONFIRMED.
func notConfirmable(message string) (cause Cause, userStatus string) {
	const marker = "Current status is "
	if _, rest, found := strings.Cut(message, marker); found {
		userStatus = statusName(rest)
	}
	switch {
	case userStatus == string(types.UserStatusTypeConfirmed):
		return UserAlreadyConfirmed, userStatus
	case userStatus != "", strings.Contains(message, "status is not UNCONFIRMED"):
		return UserNotConfirmable, userStatus
	case strings.HasPrefix(message, "User is disabled"):
		return UserDisabled, ""
	default:
		return NotAuthorized, ""
	}
}

// statusName is the name in capitals that the text begins with; one that is longer than any status is not a name.
func statusName(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '_' && (r < 'A' || r > 'Z') })
	if end < 0 {
		end = len(text)
	}
	if end > maxToken {
		return ""
	}
	return text[:end]
}
