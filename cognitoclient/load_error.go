package cognitoclient

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
)

// loadError says in words of this package why the configuration can't be used: the SDK's texts hold ARNs, accounts, paths
// and values of files.
func loadError(err error) error {
	var unreadable config.SharedConfigLoadError
	var role config.SharedConfigAssumeRoleError
	var noARN config.CredentialRequiresARNError
	var path *fs.PathError
	text := "AWS configuration: "
	switch {
	case errors.As(err, &unreadable):
		text += "the shared " + kindOfFile(unreadable.Filename) + " file can't be read"
	case errors.As(err, &role): // before the profile that does not exist, which it may wrap
		text += "the source_profile of the profile does not exist or has no credentials"
	case errors.As(err, new(config.SharedConfigProfileNotExistError)):
		text += "the profile (AWS_PROFILE) is in neither of the shared files"
	case errors.As(err, &noARN):
		text += "the profile has a source of credentials (" + knownKey(noARN.Type) + ") and no role_arn"
	case errors.As(err, new(config.AssumeRoleTokenProviderNotSetError)):
		text += "the profile's role wants a code of a second factor (mfa_serial), which a service can't give"
	case errors.As(err, &path):
		text += "the CA bundle (AWS_CA_BUNDLE or ca_bundle) can't be read: " + kindOfPathError(path)
	default:
		text += explain(err.Error())
	}
	return errors.New(text)
}

// explain finds our words for an error of the SDK that has no type.
func explain(text string) string {
	for _, known := range [...]struct{ fragment, ours string }{
		{"custom CA bundle", "the CA bundle (AWS_CA_BUNDLE or ca_bundle) has no certificate in PEM"},
		{"partial credentials found", "a profile has only one of aws_access_key_id and aws_secret_access_key"},
		{"role ARN is not set", "there is a web identity token file and no role: set AWS_ROLE_ARN"},
		{"only one credential type", "the profile has several sources of credentials (source_profile, credential_source, credential_process, web_identity_token_file): keep one"},
		{"failed to find SSO session section", "the profile's sso_session has no section in the shared config file"},
		{"missing required configuration", "the profile's SSO settings are incomplete"},
		{" must match ", "the profile's SSO settings contradict those of its sso_session"},
		{"credential_source values must be", "the profile's credential_source must be EcsContainer, Ec2InstanceMetadata or Environment"},
		{"specified as the credential_source", "the profile's credential_source is EcsContainer, and neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set"},
		{"hosts are allowed", "AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http on loopback or on the addresses of ECS and EKS"},
		{"failed to resolve host", "the host of AWS_CONTAINER_CREDENTIALS_FULL_URI has no address"},
		{"local HTTP cred provider URL", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL"},
		{"invalid URL", "AWS_CONTAINER_CREDENTIALS_FULL_URI is not a URL"},
	} {
		if strings.Contains(text, known.fragment) {
			return known.ours
		}
	}
	return "a setting has a value that the AWS SDK does not understand" + where(text)
}

// where names the setting that the SDK's text is about, if it is one of the SDK's: the names of variables and keys are no
// secrets, their values may be.
func where(text string) string {
	if key := regexp.MustCompile(`failed to load (\w+) from shared config`).FindStringSubmatch(text); key != nil {
		return " (" + knownKey(key[1]) + " in the shared config file)"
	}
	var name string
	for _, variable := range os.Environ() { // the longest, since one name may begin with another
		if n, _, _ := strings.Cut(variable, "="); strings.HasPrefix(n, "AWS_") && len(n) > len(name) && strings.Contains(text, n) {
			name = n
		}
	}
	if name == "" {
		return ""
	}
	return fmt.Sprintf(" (%s)", name)
}

// knownKey gives a key back if it is one that the SDK reads and may complain about.
func knownKey(key string) string {
	if slices.Contains([]string{
		"source_profile", "credential_source", "web_identity_token_file", "ec2_metadata_service_endpoint_mode", "defaults_mode",
		"max_attempts", "retry_mode", "disable_request_compression", "disable_clock_skew_correction",
		"request_min_compression_size_bytes", "account_id_endpoint_mode", "request_checksum_calculation", "response_checksum_validation",
	}, key) {
		return key
	}
	return "one of its keys"
}

func kindOfFile(name string) string {
	if name == cmp.Or(os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename()) {
		return "credentials"
	}
	return "config"
}

// skippedFile says in brackets which shared file the SDK passed over because it can't be opened, and why. A file that nobody
// named may be missing.
func skippedFile() string {
	for _, file := range [...]struct{ kind, named, usual string }{
		{"credentials", os.Getenv("AWS_SHARED_CREDENTIALS_FILE"), config.DefaultSharedCredentialsFilename()},
		{"config", os.Getenv("AWS_CONFIG_FILE"), config.DefaultSharedConfigFilename()},
	} {
		f, err := os.Open(cmp.Or(file.named, file.usual))
		if err == nil {
			_ = f.Close()
			continue
		}
		var path *fs.PathError
		if errors.As(err, &path) && (file.named != "" || !errors.Is(err, fs.ErrNotExist)) {
			return " (shared " + file.kind + " file: " + kindOfPathError(path) + ")"
		}
	}
	return ""
}

func kindOfPathError(err *fs.PathError) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such file"
	case errors.Is(err, fs.ErrPermission):
		return "no permission"
	default:
		return "not a file"
	}
}
