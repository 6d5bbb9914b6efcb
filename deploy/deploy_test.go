// Package deploy has what operators copy.
package deploy

import (
	"io/fs"
	"os"
	"strings"
	"testing"

	"cognito.internal/useradmin/internal/policy"
)

// The service takes the policy that the ConfigMap has.
func TestConfigMapsPolicy(t *testing.T) {
	text, err := os.ReadFile("kubernetes/useradmin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(text), "  policy.cedar: |\n")
	if !ok {
		t.Fatal("there is no policy.cedar")
	}
	var file strings.Builder
	for line := range strings.Lines(after) {
		content, indented := strings.CutPrefix(line, "    ")
		if !indented {
			break
		}
		file.WriteString(content)
	}
	if _, err := policy.Parse([]byte(file.String())); err != nil {
		t.Errorf("%v in\n%s", err, &file)
	}
}

// Nothing here opens the service to the network without proof of who calls.
func TestNothingIsOpen(t *testing.T) {
	tree := os.DirFS(".")
	err := fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := fs.ReadFile(tree, path)
		if err != nil {
			return err
		}
		plain := strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(string(text)))
		if strings.Contains(plain, "iacceptunauthenticatednetworkaccess") {
			t.Errorf("%s accepts callers who prove nothing", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
