package cognitoclient

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A name that no partition can have is refused; one that is only unknown is not. An endpoint of one's own asks nothing of
// the name.
func TestRegionMatchesAPartition(t *testing.T) {
	cfg := Config{AWS: aws.Config{Credentials: aws.AnonymousCredentials{}}, Random: func() float64 { return 0 }}
	for name, good := range map[string]bool{
		"us-east-1": true, "us-esat-1": true, "eu-nowhere-99": true, "cn-north-1": true, "eusc-de-east-1": true, "us-gov-west-1": true,
		"us-isof-south-1": true, "US_EAST": false, "x": false, "x.y": false, "us-east-1.": false, "us-east-1\n": false,
		"us-east-1.example.com": false, "us-east": false, "aws-global": false, "eusc-fr-east-1": false, "US-EAST-1": false,
	} {
		cfg.AWS.Region, cfg.Endpoint = name, ""
		if _, err := New(cfg); (err == nil) != good || !good && !strings.Contains(err.Error(), "is not an AWS Region") {
			t.Errorf("%q: %v", name, err)
		}
	}
	cfg.AWS.Region, cfg.Endpoint = "local", "http://127.0.0.1:9229"
	if _, err := New(cfg); err != nil {
		t.Errorf("with an endpoint of one's own: %v", err)
	}
}

func TestKnownRegion(t *testing.T) {
	for name, want := range map[string]string{"us-esat-1": "us-east-1", "eu-cental-1": "eu-central-1", "us-gov-wst-1": "us-gov-west-1"} {
		if known, nearest := KnownRegion(name); known || nearest != want {
			t.Errorf("%s: known %t, nearest %s, want %s", name, known, nearest, want)
		}
	}
	if known, nearest := KnownRegion("us-east-1"); !known || nearest != "us-east-1" {
		t.Errorf("us-east-1: known %t, nearest %s", known, nearest)
	}
}

// Drift: patterns and names are those of the SDK's partitions.
func TestRegionsAreTheSDKs(t *testing.T) {
	var patterns, names []string
	ast.Inspect(sdkSource(t, "github.com/aws/aws-sdk-go-v2", "internal/endpoints/awsrulesfn/partitions.go"), func(n ast.Node) bool {
		pair, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		if key, _ := pair.Key.(*ast.Ident); key != nil && key.Name == "RegionRegex" {
			patterns = append(patterns, unquote(t, pair.Value))
		}
		if literal, _ := pair.Key.(*ast.BasicLit); literal != nil {
			if name := unquote(t, literal); !strings.HasSuffix(name, "-global") {
				names = append(names, name)
			}
		}
		return true
	})
	slices.Sort(names)
	if want := regionPatterns(); !slices.Equal(patterns, want) {
		t.Errorf("the SDK's patterns are\n%q, ours\n%q", patterns, want)
	}
	if want := knownRegions(); !slices.Equal(names, want) {
		t.Errorf("the SDK's Regions are\n%q, ours\n%q", names, want)
	}
}

func unquote(t *testing.T, value ast.Expr) string {
	t.Helper()
	literal, ok := value.(*ast.BasicLit)
	if !ok {
		t.Fatalf("%T is not a string: the SDK's source has changed its shape", value)
	}
	text, err := strconv.Unquote(literal.Value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
