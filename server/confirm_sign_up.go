package server

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"cognito.internal/useradmin/cognitoclient"
	useradminv1 "cognito.internal/useradmin/gen/go/useradmin/v1"
	"cognito.internal/useradmin/internal/schema"
)

func confirmSignUp() *rpc {
	return &rpc{
		name:      "ConfirmSignUp",
		operation: "AdminConfirmSignUp",
		quota:     "UserCreation",
		unknown:   "To find out, send the same call with allow_confirmed and the header x-useradmin-repeat: 1; OK means that the user is confirmed.",
		safe: func(req proto.Message) bool {
			confirm, ok := req.(*useradminv1.ConfirmSignUpRequest)
			return ok && confirm.GetAllowConfirmed()
		},
		target: func(req any) target {
			confirm, _ := req.(*useradminv1.ConfirmSignUpRequest)
			return target{confirm.GetUserPoolId(), confirm.GetUsername(), confirm.GetClientMetadata(), confirm.GetAllowConfirmed()}
		},
	}
}

// ConfirmSignUp confirms a user's sign-up.
func (u *userAdmin) ConfirmSignUp(ctx context.Context, req *useradminv1.ConfirmSignUpRequest) (*useradminv1.ConfirmSignUpResponse, error) {
	if violations := validateConfirmSignUp(req); len(violations) > 0 {
		return nil, &invalidRequest{violations}
	}
	record := recordOf(ctx)
	bounded, cancel, err := u.server.begin(ctx, record)
	if err != nil {
		return nil, err
	}
	defer cancel()
	result, err := u.server.cognito.ConfirmSignUp(bounded, cognitoclient.ConfirmSignUp{
		UserPoolID:     req.GetUserPoolId(),
		Username:       req.GetUsername(),
		ClientMetadata: req.GetClientMetadata(),
		AllowConfirmed: req.GetAllowConfirmed(),
		Repeated:       record.repeated,
		ID:             record.requestID,
	})
	if err != nil {
		return nil, err
	}
	confirmed, err := confirmedBy(result.Attribution)
	if err != nil {
		return nil, err
	}
	record.succeed(result, strings.TrimPrefix(confirmed.String(), schema.ResultPrefix))
	return &useradminv1.ConfirmSignUpResponse{Result: confirmed}, nil
}

// validateConfirmSignUp returns all violations; for a valid request it allocates nothing.
func validateConfirmSignUp(req *useradminv1.ConfirmSignUpRequest) []violation {
	var found []violation
	found = checkUserPoolID(found, req.GetUserPoolId())
	found = checkUsername(found, req.GetUsername())
	return checkClientMetadata(found, req.GetClientMetadata())
}

func confirmedBy(attribution cognitoclient.Attribution) (useradminv1.ConfirmSignUpResponse_Result, error) {
	switch attribution {
	case cognitoclient.ByThisCall:
		return useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED, nil
	case cognitoclient.BeforeThisCall:
		return useradminv1.ConfirmSignUpResponse_RESULT_ALREADY_CONFIRMED, nil
	case cognitoclient.Unattributed:
		return useradminv1.ConfirmSignUpResponse_RESULT_CONFIRMED_UNATTRIBUTED, nil
	default:
		return 0, fmt.Errorf("a success with the attribution %d", attribution)
	}
}
