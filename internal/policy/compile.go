package policy

import (
	"github.com/cedar-policy/cedar-go"
	cedarast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
)

// compile makes the rule that is evaluated. It means the same as the one in the file.
func compile(tree *ast.Policy) *cedar.Policy {
	fast := *tree
	fast.Conditions = nil
	for _, c := range tree.Conditions {
		fast.Conditions = append(fast.Conditions, ast.ConditionType{Condition: c.Condition, Body: asContains(c.Body)})
	}
	return cedar.NewPolicyFromAST((*cedarast.Policy)(&fast))
}

// asContains turns `resource in [a, b]` into `[a, b].contains(resource)`: no entity here has parents, so both mean the same.
// For the first, Cedar builds a new set at each decision; the second costs the same however many entities there are.
func asContains(n ast.IsNode) ast.IsNode {
	switch n := n.(type) {
	case ast.NodeTypeAnd:
		n.Left, n.Right = asContains(n.Left), asContains(n.Right)
		return n
	case ast.NodeTypeOr:
		n.Left, n.Right = asContains(n.Left), asContains(n.Right)
		return n
	case ast.NodeTypeNot:
		n.Arg = asContains(n.Arg)
		return n
	case ast.NodeTypeIn:
		if _, ok := n.Right.(ast.NodeTypeSet); ok {
			return ast.NodeTypeContains{BinaryNode: ast.BinaryNode{Left: n.Right, Right: n.Left}}
		}
	}
	return n
}
