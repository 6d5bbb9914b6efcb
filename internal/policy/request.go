package policy

import (
	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// attributes are those of the context that rules look at.
type attributes struct{ keys, allow bool }

// attributesOf reads a rule's conditions. Where one takes the context as a whole, it looks at everything.
func attributesOf(tree *ast.Policy) attributes {
	var found attributes
	named, whole := 0, 0
	look := func(on ast.IsNode, name types.String) {
		if on == ast.Context().AsIsNode() {
			named++
			found.keys = found.keys || name == attributeMetadataKeys
			found.allow = found.allow || name == attributeAllowConfirmed
		}
	}
	for _, c := range tree.Conditions {
		inspect(c.Body, func(n ast.IsNode) {
			switch n := n.(type) {
			case ast.NodeTypeAccess:
				look(n.Arg, n.Value)
			case ast.NodeTypeHas:
				look(n.Arg, n.Value)
			case ast.NodeTypeVariable:
				if n.Name == "context" {
					whole++
				}
			}
		})
	}
	if whole > named {
		return attributes{keys: true, allow: true}
	}
	return found
}

// request is the request in Cedar's terms. What no rule looks at is left out: the context is the dearest part.
func (p *Policy) request(r Request, uses attributes) cedar.Request {
	made := cedar.Request{
		Principal: types.NewEntityUID(typeCaller, types.String(r.Caller)),
		Action:    types.NewEntityUID(typeAction, types.String(r.Method)),
		Resource:  types.NewEntityUID(typeService, serviceID),
	}
	if !p.schema.pools[r.Method] {
		return made
	}
	made.Resource = types.NewEntityUID(typeUserPool, types.String(r.Pool))
	if uses == (attributes{}) {
		return made
	}
	context := types.RecordMap{}
	if uses.keys {
		var few [16]types.Value
		keys := few[:0]
		for key := range r.MetadataKeys {
			value, known := p.texts[key]
			if !known {
				value = types.String(key)
			}
			keys = append(keys, value)
		}
		context[attributeMetadataKeys] = types.NewSet(keys...)
	}
	if uses.allow {
		context[attributeAllowConfirmed] = types.Boolean(r.AllowConfirmed)
	}
	made.Context = types.NewRecord(context)
	return made
}
