package policy

import (
	_ "embed" // the schema
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
)

//go:embed schema.cedarschema
var schemaText []byte

// The names of the schema.
const (
	typeCaller   = "Caller"
	typeUserPool = "UserPool"
	typeService  = "Service"
	typeAction   = "Action"

	serviceID = "useradmin"

	attributeMetadataKeys   = "metadata_keys"
	attributeAllowConfirmed = "allow_confirmed"
)

// vocabulary is what a policy can speak of.
type vocabulary struct {
	schema *resolved.Schema
	// pools are the methods whose resource is a user pool; the resource of the others is the service.
	pools map[string]bool
}

// readSchema reads the embedded schema, which is part of the program.
func readSchema() *vocabulary {
	var text schema.Schema
	if err := text.UnmarshalCedar(schemaText); err != nil {
		panic(fmt.Sprintf("the embedded schema: %v", err))
	}
	resolved, err := text.Resolve()
	if err != nil {
		panic(fmt.Sprintf("the embedded schema: %v", err))
	}
	v := &vocabulary{schema: resolved, pools: map[string]bool{}}
	for action, facts := range resolved.Actions {
		v.pools[string(action.ID)] = slices.Contains(facts.AppliesTo.Resources, typeUserPool)
	}
	return v
}

// Actions are all methods that a policy may name, sorted.
func Actions() []string { return readSchema().actions() }

func (v *vocabulary) actions() []string { return slices.Sorted(maps.Keys(v.pools)) }

// Method completes the name of a method: ConfirmSignUp is enough where no other service has a method of that name.
func Method(name string) (string, error) {
	known := append(Actions(), FreeMethod)
	var found []string
	for _, method := range known {
		if method == strings.TrimPrefix(name, "/") {
			return method, nil
		}
		if strings.HasSuffix(method, "/"+name) {
			found = append(found, method)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if near := nearMethod(name, known); near != "" {
			return "", fmt.Errorf("there is no method %q: did you mean %q?", name, near)
		}
		return "", fmt.Errorf("there is no method %q: the methods are %s", name, strings.Join(known, ", "))
	default:
		return "", fmt.Errorf("%q may be %s: write it in full", name, strings.Join(found, " or "))
	}
}

// nearMethod is the method whose last part has most in common with that of the name, if any has.
func nearMethod(name string, known []string) string {
	changes := func(method string) int {
		have, want := lastPart(name), lastPart(method)
		if len(have) > 2 && strings.Contains(want, have) {
			return 0
		}
		return levenshtein.ComputeDistance(have, want)
	}
	near := slices.MinFunc(known, func(a, b string) int { return changes(a) - changes(b) })
	if changes(near) > len(lastPart(name))/3 {
		return ""
	}
	return near
}

// lastPart is what follows the service, in small letters.
func lastPart(method string) string {
	return strings.ToLower(method[strings.LastIndexByte(method, '/')+1:])
}
