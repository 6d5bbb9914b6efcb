package fakecognito

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// The patterns of Cognito's model.
const (
	userPoolIDText = `[\w-]+_[0-9a-zA-Z]+`
	clientIDText   = `[\w+]+`
	nameText       = `[\p{L}\p{M}\p{S}\p{N}\p{P}]+`
	passwordText   = `[\S]+`
)

var (
	userPoolIDPattern = regexp.MustCompile(`\A` + userPoolIDText + `\z`)
	clientIDPattern   = regexp.MustCompile(`\A` + clientIDText + `\z`)
	namePattern       = regexp.MustCompile(`\A` + nameText + `\z`)
	passwordPattern   = regexp.MustCompile(`\A` + passwordText + `\z`)
)

// rule is the constraint of a string member.
type rule struct {
	shortest, longest int // in code points
	pattern           *regexp.Regexp
	text              string // the pattern as AWS shows it
}

func userPoolIDRule() rule     { return rule{1, 55, userPoolIDPattern, userPoolIDText} }
func clientIDRule() rule       { return rule{1, 128, clientIDPattern, clientIDText} }
func usernameRule() rule       { return rule{1, 128, namePattern, nameText} }
func passwordRule() rule       { return rule{0, 256, passwordPattern, passwordText} }
func attributeNameRule() rule  { return rule{1, 32, namePattern, nameText} }
func attributeValueRule() rule { return rule{longest: 2048} }
func metadataRule() rule       { return rule{longest: 131072} }

// broken returns AWS's texts of the constraints that the value violates.
func (r rule) broken(value string) []string {
	var texts []string
	if r.pattern != nil && !r.pattern.MatchString(value) {
		texts = append(texts, "Member must satisfy regular expression pattern: "+r.text)
	}
	length := utf8.RuneCountInString(value)
	if length < r.shortest {
		texts = append(texts, fmt.Sprintf("Member must have length greater than or equal to %d", r.shortest))
	}
	if length > r.longest {
		texts = append(texts, fmt.Sprintf("Member must have length less than or equal to %d", r.longest))
	}
	return texts
}

func (r rule) allows(value string) bool { return len(r.broken(value)) == 0 }

// violations collects what is wrong with the members of a request.
type violations struct{ texts []string }

// require checks a required member. Its value is shown unless it is sensitive.
func (v *violations) require(path string, value *string, r rule, sensitive bool) {
	if value == nil {
		v.add(path, "", "Member must not be null")
		return
	}
	shown := ""
	if !sensitive {
		shown = " '" + *value + "'"
	}
	for _, text := range r.broken(*value) {
		v.add(path, shown, text)
	}
}

func (v *violations) add(path, shown, constraint string) {
	v.texts = append(v.texts, "Value"+shown+" at '"+path+"' failed to satisfy constraint: "+constraint)
}

func (v *violations) metadata(m map[string]string) {
	const bounds = "[Member must have length less than or equal to 131072, Member must have length greater than or equal to 0]"
	var keys, values bool
	for key, value := range m {
		keys = keys || !metadataRule().allows(key)
		values = values || !metadataRule().allows(value)
	}
	if keys {
		v.add("clientMetadata", "", "Map keys must satisfy constraint: "+bounds)
	}
	if values {
		v.add("clientMetadata", "", "Map value must satisfy constraint: "+bounds)
	}
}

func (v *violations) exception() *Exception {
	if len(v.texts) == 0 {
		return nil
	}
	noun := "errors"
	if len(v.texts) == 1 {
		noun = "error"
	}
	return exception(invalidParameter,
		fmt.Sprintf("%d validation %s detected: %s", len(v.texts), noun, strings.Join(v.texts, "; ")))
}
