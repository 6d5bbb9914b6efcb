package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"cognito.internal/useradmin/internal/authn"
)

// check refuses a rule that names what does not exist, or that compares what can never be equal.
func (b *builder) check(s source, tree *ast.Policy) error {
	if _, ok := tree.Principal.(ast.ScopeTypeEq); !ok && tree.Effect == ast.EffectPermit {
		return refuse(s.line(), `a permit must name its caller: write principal == Caller::"spiffe://..."`)
	}
	for _, entity := range entities(tree) {
		if err := b.checkEntity(s, entity); err != nil {
			return err
		}
	}
	for _, name := range typesNamed(tree) {
		if err := b.checkType(s, name); err != nil {
			return err
		}
	}
	bare := *tree
	bare.Conditions = nil
	if err := b.validate(s.line(), &bare); err != nil {
		return err
	}
	for i, c := range tree.Conditions {
		if err := b.checkCondition(s, bare, c, s.conditions()[i]); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) checkEntity(s source, entity types.EntityUID) error {
	id := string(entity.ID)
	line := s.lineAfter("::", strconv.Quote(id))
	switch entity.Type {
	case typeCaller:
		if err := checkCaller(id); err != nil {
			return refuse(line, "%v", err)
		}
	case typeUserPool:
		if !validPool(id) {
			return refuse(line, "%s is not the id of a user pool: write it as Cognito shows it, such as us-east-1_AbCdEfGhI", shown(id))
		}
	case typeService:
		if id != serviceID {
			return refuse(line, `there is no Service::%s: write Service::%q`, shown(id), serviceID)
		}
	case typeAction:
		return b.checkMethod(line, id)
	default:
		return b.checkType(s, entity.Type)
	}
	return nil
}

// checkCaller refuses what no certificate proves.
func checkCaller(id string) error {
	if err := authn.CheckCaller(id); err != nil {
		return fmt.Errorf("the caller %s is not a SPIFFE ID (%w): write it as in its certificate, such as spiffe://prod.example/service", shown(id), err)
	}
	return nil
}

func (b *builder) checkMethod(line int, method string) error {
	if _, known := b.schema.pools[method]; known {
		return nil
	}
	if method == FreeMethod {
		return refuse(line, "%s needs no permission and cannot be denied: remove it", FreeMethod)
	}
	return refuse(line, "there is no method %s: did you mean %q?", shown(method), nearest(method, b.schema.actions()))
}

func (b *builder) checkType(s source, name types.EntityType) error {
	known := []string{typeCaller, typeUserPool, typeService, typeAction}
	if slices.Contains(known, string(name)) {
		return nil
	}
	first, _, _ := strings.Cut(string(name), "::")
	return refuse(s.lineOf(first), "there is no type %s: did you mean %s?", shown(string(name)), nearest(string(name), known))
}

func nearest(name string, known []string) string {
	return slices.MinFunc(known, func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}

// lineOf is the line of the first token with that text, else the rule's.
func (s source) lineOf(text string) int { return s.lineAfter(text) }

// maxPool is the most characters that the contract lets user_pool_id have.
const maxPool = 55

// validPool matches `^[\w-]+_[0-9a-zA-Z]+$`, as the contract says of user_pool_id. It is no regexp: compiling one for each
// rule took most of the time that a large policy needs.
func validPool(id string) bool {
	at := strings.LastIndexByte(id, '_')
	return at > 0 && at < len(id)-1 && len(id) <= maxPool && onlyAlphanumeric(id[:at], "_-") && onlyAlphanumeric(id[at+1:], "")
}

// onlyAlphanumeric tells whether the text has nothing but letters and digits of ASCII and the others.
func onlyAlphanumeric(text, others string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte(others, c) < 0 {
			return false
		}
	}
	return true
}

// checkCondition looks at each part of a condition by itself: where the left side decides, Cedar's validator does not look at
// the right one.
func (b *builder) checkCondition(s source, bare ast.Policy, c ast.ConditionType, line int) error {
	with := func(body ast.IsNode) *ast.Policy {
		bare.Conditions = []ast.ConditionType{{Condition: ast.ConditionWhen, Body: body}}
		return &bare
	}
	var err error
	inspect(c.Body, func(n ast.IsNode) {
		if err == nil {
			err = b.checkAttribute(s, line, n)
		}
	})
	if err != nil {
		return err
	}
	if err := b.validate(line, with(c.Body)); err != nil {
		return err
	}
	inspect(c.Body, func(n ast.IsNode) {
		if err == nil && comparison(n) && b.always(with, n, false) {
			err = refuse(line, "a comparison in this condition can never be true: correct it or remove it")
		}
	})
	if err != nil {
		return err
	}
	if c.Condition == ast.ConditionWhen && b.always(with, c.Body, false) || c.Condition == ast.ConditionUnless && b.always(with, c.Body, true) {
		return refuse(line, "the rule can never match because of this condition: correct it or remove the rule")
	}
	return nil
}

// checkAttribute refuses names that the context does not have.
func (b *builder) checkAttribute(s source, line int, n ast.IsNode) error {
	var name string
	switch n := n.(type) {
	case ast.NodeTypeAccess:
		name = string(n.Value)
	case ast.NodeTypeHas:
		name = string(n.Value)
	default:
		return nil
	}
	if known := []string{attributeMetadataKeys, attributeAllowConfirmed}; !slices.Contains(known, name) {
		for _, t := range s.tokens {
			if t.line >= line && (t.text == name || t.text == strconv.Quote(name)) {
				line = t.line
				break
			}
		}
		return refuse(line, "there is no attribute %s: did you mean context.%s?", shown(name), nearest(name, known))
	}
	return nil
}

// comparison reports whether the node can be false because of the types of what it compares.
func comparison(n ast.IsNode) bool {
	switch n.(type) {
	case ast.NodeTypeEquals, ast.NodeTypeNotEquals, ast.NodeTypeIn, ast.NodeTypeIs, ast.NodeTypeIsIn, ast.NodeTypeHas, ast.NodeTypeHasTag:
		return true
	default:
		return false
	}
}

// always reports whether Cedar's validator knows that the condition is always false, or always true, for every method of the rule.
// It has no other way to say so: it does not look at what can never be evaluated, here a number where a condition should be.
func (b *builder) always(with func(ast.IsNode) *ast.Policy, condition ast.IsNode, value bool) bool {
	probe := ast.NodeTypeIfThenElse{If: condition, Then: ast.Long(1).AsIsNode(), Else: ast.True().AsIsNode()}
	if value {
		probe.Then, probe.Else = probe.Else, probe.Then
	}
	return b.validator.Policy("", with(probe)) == nil
}

// validate asks Cedar's validator, whose errors name no line.
func (b *builder) validate(line int, tree *ast.Policy) error {
	err := b.validator.Policy("", tree)
	if err == nil {
		return nil
	}
	// The order is that of a map.
	messages := strings.Split(err.Error(), "\n")
	message := slices.Min(messages)
	return refuse(line, "%s", plain(message))
}

// plain says Cedar's message, which is also in other words where those say more.
func plain(message string) string {
	switch {
	case strings.HasPrefix(message, "unable to find an applicable action"):
		return `the action does not go with this principal or resource: a principal is a Caller; the resource of ConfirmSignUp is a UserPool, that of the others Service::"` + serviceID + `"`
	case strings.HasPrefix(message, "empty set literals"):
		return "an empty list [] is not allowed: for no metadata write context.metadata_keys.isEmpty()"
	case strings.HasPrefix(message, "attribute `"):
		return message + ": only ConfirmSignUp has it, so name that as the rule's action"
	case strings.HasSuffix(message, "are not compatible"):
		return message + ": compare values of the same type"
	case strings.HasPrefix(message, "unexpected type"):
		return strings.NewReplacer("Set<__cedar::internal::Any>", "a set", "Set<__cedar::internal::AnyEntity>", "a set of entities",
			"__cedar::internal::AnyEntity", "an entity", "__cedar::internal::OpenRecord{}", "a record").Replace(message) + ": correct the condition"
	default:
		return message
	}
}

// entities are all that the rule names.
func entities(tree *ast.Policy) []types.EntityUID {
	var found []types.EntityUID
	for _, scope := range []any{tree.Principal, tree.Action, tree.Resource} {
		switch named := scope.(type) {
		case ast.ScopeTypeEq:
			found = append(found, named.Entity)
		case ast.ScopeTypeIn:
			found = append(found, named.Entity)
		case ast.ScopeTypeInSet:
			found = append(found, named.Entities...)
		case ast.ScopeTypeIsIn:
			found = append(found, named.Entity)
		}
	}
	for _, c := range tree.Conditions {
		inspect(c.Body, func(n ast.IsNode) {
			if value, ok := n.(ast.NodeValue); ok {
				if entity, ok := value.Value.(types.EntityUID); ok {
					found = append(found, entity)
				}
			}
		})
	}
	return found
}

// typesNamed are the types after `is`.
func typesNamed(tree *ast.Policy) []types.EntityType {
	var found []types.EntityType
	for _, scope := range []any{tree.Principal, tree.Resource} {
		switch named := scope.(type) {
		case ast.ScopeTypeIs:
			found = append(found, named.Type)
		case ast.ScopeTypeIsIn:
			found = append(found, named.Type)
		}
	}
	for _, c := range tree.Conditions {
		inspect(c.Body, func(n ast.IsNode) {
			switch n := n.(type) {
			case ast.NodeTypeIs:
				found = append(found, n.EntityType)
			case ast.NodeTypeIsIn:
				found = append(found, n.EntityType)
			}
		})
	}
	return found
}

func inspect(n ast.IsNode, look func(ast.IsNode)) {
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		look(n)
		return true
	})
}
