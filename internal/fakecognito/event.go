package fakecognito

import "strings"

// Event is what a trigger gets. It marshals to the JSON that Cognito sends.
type Event struct {
	Version       string        `json:"version"`
	Region        string        `json:"region"`
	UserPoolID    string        `json:"userPoolId"`
	UserName      string        `json:"userName"`
	CallerContext CallerContext `json:"callerContext"`
	TriggerSource string        `json:"triggerSource"`
	Request       EventRequest  `json:"request"`
	Response      struct{}      `json:"response"`
}

// CallerContext tells a trigger where the request came from.
type CallerContext struct {
	AWSSDKVersion string `json:"awsSdkVersion"`
	ClientID      string `json:"clientId"`
}

// EventRequest is the part of an event that is about the user.
type EventRequest struct {
	UserAttributes map[string]string `json:"userAttributes"`
	ClientMetadata map[string]string `json:"clientMetadata,omitempty"`
}

// sdkVersion names the caller's SDK after the first product in its User-Agent.
func sdkVersion(userAgent string) string {
	product, _, _ := strings.Cut(userAgent, " ")
	name, version, ok := strings.Cut(product, "/")
	if !ok || !strings.HasPrefix(name, "aws-sdk-") || version == "" {
		return "aws-sdk-unknown-unknown"
	}
	return name + "-" + version
}
