package server

import (
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"cognito.internal/useradmin/cognitoclient"
)

const (
	// domain is the ErrorInfo's of every status that this service makes.
	domain     = "useradmin.cognito.internal"
	apiService = "cognito-idp.amazonaws.com"
)

// status is what goes onto the wire: ErrorInfo, RequestInfo, RetryInfo, then the row's own detail.
func (f *failure) status() *statuspb.Status {
	details := make([]*anypb.Any, 0, 4)
	details = append(details, f.errorInfo())
	details = pack(details, &errdetails.RequestInfo{RequestId: f.requestID})
	if f.delay > 0 {
		details = pack(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(f.delay)})
	}
	if f.row.detail != nil {
		if detail := f.row.detail(f); detail != nil {
			details = pack(details, detail)
		}
	}
	//nolint:gosec // codes are small
	return &statuspb.Status{Code: int32(f.code), Message: f.message(), Details: details}
}

// pack appends the detail. One that can't be encoded is left out: the status is worth more than it.
func pack(details []*anypb.Any, detail proto.Message) []*anypb.Any {
	packed, err := anypb.New(detail)
	if err != nil {
		return details
	}
	return append(details, packed)
}

// errorInfo is the packed ErrorInfo. It is encoded by hand, since a map costs four allocations an entry.
func (f *failure) errorInfo() *anypb.Any {
	b := make([]byte, 0, 384)
	b = appendString(b, 1, f.reason())
	b = appendString(b, 2, domain)
	for _, p := range f.metadata() {
		b = protowire.AppendTag(b, 3, protowire.BytesType)
		b = protowire.AppendVarint(b, sizeString(p.key)+sizeString(p.value))
		b = appendString(b, 1, p.key)
		b = appendString(b, 2, p.value)
	}
	return &anypb.Any{TypeUrl: "type.googleapis.com/google.rpc.ErrorInfo", Value: b}
}

func appendString(b []byte, field protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), text)
}

// sizeString is the size of a string field whose number takes one byte.
func sizeString(text string) uint64 {
	return uint64(1 + protowire.SizeBytes(len(text))) //nolint:gosec // sizes are positive
}

// pairs are the metadata of an ErrorInfo, each key once.
type pairs []struct{ key, value string }

func (p *pairs) add(key, value string) {
	*p = append(*p, struct{ key, value string }{key, value})
}

// metadata has the keys of every error and those of the row, what is empty included: AIP-193 wants a key that was sent once
// for a reason to be sent always.
func (f *failure) metadata() pairs {
	if f.rpc == nil {
		return nil
	}
	p := make(pairs, 0, 10)
	p.add("outcome", f.outcome.String())
	p.add("attempts", strconv.Itoa(f.cognito.Attempts))
	p.add("exception", f.cognito.Exception)
	p.add("cognitoRequestId", f.cognito.RequestID)
	p.add("repeated", strconv.FormatBool(f.repeated))
	if f.row.keys != nil {
		f.row.keys(f, &p)
	}
	return p
}

func requestKeys(f *failure, p *pairs) {
	only := ""
	if len(f.violations) == 1 && f.omitted == 0 {
		only = f.violations[0].reason
	}
	p.add("violation", only)
	p.add("violationsOmitted", strconv.Itoa(f.omitted))
}

func parameterKeys(f *failure, p *pairs) {
	p.add("reasonCode", f.cognito.ReasonCode)
	p.add("violationsOmitted", strconv.Itoa(f.omitted))
}

func userStatus(f *failure, p *pairs) { p.add("userStatus", f.cognito.UserStatus) }

func triggerKeys(f *failure, p *pairs) {
	p.add("trigger", f.cognito.Trigger)
	userStatus(f, p)
}

func rejectionKeys(f *failure, p *pairs) {
	triggerKeys(f, p)
	p.add("lambdaError", f.cognito.TriggerError)
}

// badRequest has the violations; nil where there are none to name.
func badRequest(f *failure) proto.Message {
	if len(f.violations) == 0 {
		return nil
	}
	fields := make([]*errdetails.BadRequest_FieldViolation, len(f.violations))
	for i, v := range f.violations {
		fields[i] = &errdetails.BadRequest_FieldViolation{Field: v.path(), Reason: v.reason, Description: v.description}
		if f.bare {
			fields[i].Description = ""
		}
	}
	return &errdetails.BadRequest{FieldViolations: fields}
}

// named are the violations that Cognito found, by the request's own names of its fields.
func (f *failure) named(found []cognitoclient.Violation) []violation {
	if len(found) == 0 || f.req == nil {
		return nil
	}
	fields := f.req.ProtoReflect().Descriptor().Fields()
	named := make([]violation, 0, len(found))
	for _, v := range found {
		if field := fields.ByJSONName(v.Member); field != nil {
			named = append(named, violation{field: string(field.Name()), reason: v.Reason, description: rejected(v.Reason)})
		}
	}
	return named
}

// rejected describes what Cognito demands instead.
func rejected(reason string) string {
	switch reason {
	case reasonRequired:
		return "Cognito requires a value."
	case reasonTooShort:
		return "Cognito accepts longer values only."
	case reasonTooLong:
		return "Cognito accepts shorter values only."
	case reasonBadFormat:
		return "Cognito accepts values of another form only."
	default:
		return "Cognito does not accept the value."
	}
}

func userPool(f *failure) proto.Message {
	var name string
	if req, ok := f.req.(interface{ GetUserPoolId() string }); ok {
		name = req.GetUserPoolId()
	}
	return &errdetails.ResourceInfo{ResourceType: apiService + "/UserPool", ResourceName: name}
}

func user(*failure) proto.Message {
	return &errdetails.ResourceInfo{ResourceType: apiService + "/User"}
}

func precondition(kind, subject string) func(*failure) proto.Message {
	return func(f *failure) proto.Message { return f.precondition(kind, subject) }
}

func (f *failure) precondition(kind, subject string) proto.Message {
	return &errdetails.PreconditionFailure{Violations: []*errdetails.PreconditionFailure_Violation{
		{Type: kind, Subject: subject, Description: f.row.says},
	}}
}

func lambdaTrigger(f *failure) proto.Message {
	return f.precondition("LAMBDA_TRIGGER", f.cognito.Trigger)
}

func operationEnabled(f *failure) proto.Message { return f.precondition("OPERATION_ENABLED", f.region) }

// quota is one of Cognito's.
func quota(subject string) func(*failure) proto.Message { return quotaOf(apiService, subject) }

// share is a bound of this service.
func share(subject string) func(*failure) proto.Message { return quotaOf("", subject) }

func quotaOf(service, subject string) func(*failure) proto.Message {
	return func(f *failure) proto.Message {
		return &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{
			{Subject: subject, ApiService: service, Description: f.row.says},
		}}
	}
}

// requestRate names the quota as Service Quotas does.
func requestRate(f *failure) proto.Message {
	v := &errdetails.QuotaFailure_Violation{
		Subject: "account", ApiService: apiService, QuotaDimensions: map[string]string{"region": f.region}, Description: f.row.says,
	}
	if f.rpc != nil {
		v.QuotaId = f.rpc.quota
	}
	return &errdetails.QuotaFailure{Violations: []*errdetails.QuotaFailure_Violation{v}}
}
