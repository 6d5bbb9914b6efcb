package cognitoclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

// source is where credentials come from: a provider of the SDK's chain.
type source struct{ name, hint string }

// sourceOf is the provider that the SDK chose, which is the first that is configured. One that other providers give
// credentials to, a role of the profile, is not among them.
func sourceOf(chain []aws.CredentialSource) source {
	const notConfigured = "set credentials in the environment or the shared files, or give the container or the instance a role"
	sources := map[aws.CredentialSource]source{
		aws.CredentialSourceEnvVars:              {"environment", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"},
		aws.CredentialSourceEnvVarsSTSWebIDToken: {"web identity of the environment", "check AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and the role's trust policy"},
		aws.CredentialSourceProfileSTSWebIDToken: {"web identity of the profile", "check web_identity_token_file, role_arn and the role's trust policy"},
		aws.CredentialSourceProfile:              {"keys of the profile", "set aws_access_key_id and aws_secret_access_key"},
		aws.CredentialSourceSSO:                  {"SSO session of the profile", "begin one with aws sso login as the user who runs this process"},
		aws.CredentialSourceSSOLegacy:            {"SSO session of the profile", "begin one with aws sso login as the user who runs this process"},
		aws.CredentialSourceLogin:                {"login session of the profile", "begin one with aws login as the user who runs this process"},
		aws.CredentialSourceProcess:              {"credential_process of the profile", "run its command as the user who runs this process"},
		aws.CredentialSourceHTTP:                 {"container endpoint", "check the role of the task or the pod"},
		aws.CredentialSourceIMDS:                 {"instance metadata", notConfigured},
	}
	for _, link := range chain {
		if s, ok := sources[link]; ok {
			return s
		}
	}
	return source{"provider", notConfigured}
}

// credentialsProblem says in fixed words which provider gave no credentials and why: the SDK's texts hold ARNs, paths and
// what a process printed. Only a code of an error is AWS's own.
func credentialsProblem(chain []aws.CredentialSource, err error) (problem, hint string) {
	missing, last := halfAKey(), slices.Equal(chain, []aws.CredentialSource{aws.CredentialSourceIMDS}) // nothing else was found
	if missing != "" && last {
		return "environment: " + missing + " is missing", "set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither"
	}
	from := sourceOf(chain)
	if errors.As(err, new(*credentials.StaticCredentialsEmptyError)) { // credential_source = Environment
		from = sourceOf([]aws.CredentialSource{aws.CredentialSourceEnvVars})
	}
	service, operation := refuser(err)
	role := slices.Contains(chain, aws.CredentialSourceSTSAssumeRole)
	switch {
	case operation == "AssumeRole", role && err == errNoKeys: //nolint:errorlint // its source's error would be wrapped
		from = source{"role of the profile", "check role_arn, the role's trust policy and the source of its credentials"}
	case role:
		from.name = "source of the profile's role, " + from.name
	}
	problem = from.name + ": " + whyNot(chain, service, err)
	switch {
	case last:
		problem += skippedFile()
	case missing != "":
		problem += " (" + missing + " is missing)"
	}
	return problem, from.hint
}

// whyNot puts an error of the chain into fixed words.
func whyNot(chain []aws.CredentialSource, service string, err error) string {
	var file *tokenFileError
	var status interface{ HTTPStatusCode() int }
	var refused smithy.APIError
	switch {
	case errors.As(err, &file):
		return "token file: " + kindOfPathError(&file.PathError)
	case errors.As(err, new(*credentials.StaticCredentialsEmptyError)):
		return "no keys"
	case errors.As(err, new(*processcreds.ProviderError)):
		return processProblem(err)
	case errors.As(err, &refused) && refused.ErrorCode() != "":
		return cmp.Or(service, "it") + " refuses: " + codeOnly(refused.ErrorCode())
	case errors.As(err, &status) && status.HTTPStatusCode() >= 300:
		return fmt.Sprintf("HTTP status %d", status.HTTPStatusCode())
	case strings.Contains(err.Error(), "access disabled to EC2 IMDS"):
		return "disabled"
	case strings.Contains(err.Error(), "resolve auth token"):
		return "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE can't be read"
	case errors.Is(err, errNoKeys):
		return "no usable answer"
	case kindOf(err) != "other":
		return kindOf(err)
	case errors.As(err, new(*ssocreds.InvalidTokenError)), hasSession(chain):
		return "expired, or never begun"
	default:
		return "no usable answer"
	}
}

// hasSession reports whether somebody has to sign in for the chain.
func hasSession(chain []aws.CredentialSource) bool {
	return slices.ContainsFunc(chain, func(link aws.CredentialSource) bool {
		return link == aws.CredentialSourceSSO || link == aws.CredentialSourceSSOLegacy || link == aws.CredentialSourceLogin
	})
}

func processProblem(err error) string {
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return fmt.Sprintf("exit code %d", exit.ExitCode())
	case errors.As(err, &exit):
		return "killed, perhaps because it took longer than a minute"
	case errors.As(err, new(*exec.Error)), errors.As(err, new(*fs.PathError)):
		return "no shell to run it"
	default:
		return "its output is not as the SDK wants it"
	}
}

// refuser is the service and the operation of the innermost request, which is the one that failed; empty if there was none.
func refuser(err error) (service, operation string) {
	var request *smithy.OperationError
	for errors.As(err, &request) {
		service, operation, err = request.ServiceID, request.OperationName, request.Err
		if strings.HasPrefix(err.Error(), "get identity: ") { // it was not sent, for want of the credentials to sign it with
			service, operation = "", ""
		}
	}
	return service, operation
}

// halfAKey is the variable that is missing where just one of a static key is set; the SDK goes on as if none were.
func halfAKey() string {
	id := cmp.Or(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_ACCESS_KEY"))
	secret := cmp.Or(os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SECRET_KEY"))
	switch {
	case id != "" && secret == "":
		return "AWS_SECRET_ACCESS_KEY"
	case id == "" && secret != "":
		return "AWS_ACCESS_KEY_ID"
	default:
		return ""
	}
}

// tokenFile is a web identity token. The SDK's own reader hides why it failed.
type tokenFile string

// GetIdentityToken reads the token.
func (f tokenFile) GetIdentityToken() ([]byte, error) {
	token, err := os.ReadFile(string(f))
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, &tokenFileError{*path}
	}
	return token, err
}

type tokenFileError struct{ fs.PathError }

// problem says why the credentials did not come.
func (k *keys) problem(err error) string {
	text, _ := credentialsProblem(k.cache.ProviderSources(), err)
	return text
}

// FetchCredentials gets the AWS credentials, so that the first call finds them in the cache. Its errors are fit for logs:
// AWS's own texts about credentials contain account ids and ARNs.
func (c *Client) FetchCredentials(ctx context.Context) error {
	_, err := c.keys.fetch(ctx)
	if err == nil {
		return nil
	}
	problem, hint := credentialsProblem(c.keys.cache.ProviderSources(), err)
	return fmt.Errorf("no AWS credentials: %s; %s", problem, hint)
}
