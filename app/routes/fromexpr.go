package routes

import (
	"strings"
	"unicode"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser/lexer"
)

// Parse is the Cond that an expression says, if a Cond can say it. Otherwise the
// expression can only be shown as text.
func Parse(when string) (Cond, bool) {
	if p, err := compile(when); err != nil {
		return Cond{}, false
	} else if p == nil {
		return Cond{}, true
	}
	if commented(when) {
		return Cond{}, false
	}
	tree, _, fault := parse(when)
	if fault != nil {
		return Cond{}, false
	}
	c, ok := condOf(tree.Node)
	if !ok {
		return Cond{}, false
	}
	if _, err := c.Expr(); err != nil {
		return Cond{}, false
	}
	return c, true
}

// commented reports whether there is anything but space between two tokens: a
// comment would be lost.
func commented(when string) bool {
	tokens, err := lexer.Lex(file.NewSource(when))
	if err != nil {
		return true
	}
	runes, at := []rune(when), 0
	for _, t := range tokens {
		if t.Kind == lexer.EOF {
			break
		}
		if strings.ContainsFunc(string(runes[at:max(at, t.From)]), func(r rune) bool { return !unicode.IsSpace(r) }) {
			return true
		}
		at = t.To
	}
	return strings.TrimSpace(string(runes[at:])) != ""
}

func condOf(n ast.Node) (Cond, bool) {
	switch n := n.(type) {
	case *ast.UnaryNode:
		if n.Operator != "not" && n.Operator != "!" {
			return Cond{}, false
		}
		if b, ok := n.Node.(*ast.BinaryNode); ok && b.Operator == "in" {
			return existsOf(b)
		}
		c, ok := condOf(n.Node)
		return Cond{Op: Not, Of: []Cond{c}}, ok
	case *ast.BinaryNode:
		return binaryOf(n)
	case *ast.BuiltinNode:
		return attachmentOf(n)
	case *ast.CallNode:
		if called(n, "has") && len(n.Arguments) == 2 {
			return comparison(Has, n.Arguments[0], n.Arguments[1])
		}
	case *ast.IdentifierNode, *ast.MemberNode:
		if name, kind, ok := fieldOf(n); ok && kind == YesNo {
			return Cond{Op: Is, Field: name, Value: "true"}, true
		}
	}
	return Cond{}, false
}

func binaryOf(n *ast.BinaryNode) (Cond, bool) {
	switch n.Operator {
	case "and", "&&":
		return joined(And, n)
	case "or", "||":
		return joined(Or, n)
	case "==":
		return comparison(Is, n.Left, n.Right)
	case "!=":
		if c, ok := comparison(IsNot, n.Left, n.Right); ok && (c.Value != "" || strings.HasPrefix(c.Field, "json.")) {
			return c, true
		} else if ok {
			return Cond{Op: Exists, Field: c.Field}, true
		}
	case "contains":
		return comparison(Contains, n.Left, n.Right)
	case "startsWith":
		return comparison(StartsWith, n.Left, n.Right)
	case "endsWith":
		return comparison(EndsWith, n.Left, n.Right)
	case "matches":
		return comparison(Matches, n.Left, n.Right)
	case ">":
		of, ok := n.Left.(*ast.BuiltinNode)
		zero, also := n.Right.(*ast.IntegerNode)
		if ok && also && of.Name == "len" && len(of.Arguments) == 1 && named(of.Arguments[0], "attachments") && zero.Value == 0 {
			return Cond{Op: HasAttachment}, true
		}
	}
	return Cond{}, false
}

// joined flattens a and b and c, which the parser reads from the left.
func joined(op Op, n *ast.BinaryNode) (Cond, bool) {
	left, ok := condOf(n.Left)
	right, also := condOf(n.Right)
	if left.Op == op {
		return Cond{Op: op, Of: append(left.Of, right)}, ok && also
	}
	return Cond{Op: op, Of: []Cond{left, right}}, ok && also
}

// comparison is of a field with a literal. What JSON holds is compared as text.
func comparison(op Op, left, right ast.Node) (Cond, bool) {
	asText := false
	if s, ok := left.(*ast.BuiltinNode); ok && s.Name == "string" && len(s.Arguments) == 1 {
		left, asText = s.Arguments[0], true
	}
	name, kind, ok := fieldOf(left)
	if !ok || asText != (kind == JSON) {
		return Cond{}, false
	}
	switch right := right.(type) {
	case *ast.StringNode:
		return Cond{Op: op, Field: name, Value: right.Value}, kind != YesNo
	case *ast.BoolNode:
		value := "false"
		if right.Value {
			value = "true"
		}
		return Cond{Op: op, Field: name, Value: value}, kind == YesNo
	}
	return Cond{}, false
}

// existsOf reads json?.a not in [nil, ""].
func existsOf(n *ast.BinaryNode) (Cond, bool) {
	name, kind, ok := fieldOf(n.Left)
	list, also := n.Right.(*ast.ArrayNode)
	if !ok || !also || kind != JSON || len(list.Nodes) != 2 {
		return Cond{}, false
	}
	_, none := list.Nodes[0].(*ast.NilNode)
	empty, ok := list.Nodes[1].(*ast.StringNode)
	return Cond{Op: Exists, Field: name}, none && ok && empty.Value == ""
}

// attachmentOf reads any(attachments, .type startsWith "image/").
func attachmentOf(n *ast.BuiltinNode) (Cond, bool) {
	if n.Name != "any" || len(n.Arguments) != 2 || !named(n.Arguments[0], "attachments") {
		return Cond{}, false
	}
	each, ok := n.Arguments[1].(*ast.PredicateNode)
	if !ok {
		return Cond{}, false
	}
	b, ok := each.Node.(*ast.BinaryNode)
	if !ok || b.Operator != "startsWith" {
		return Cond{}, false
	}
	m, ok := b.Left.(*ast.MemberNode)
	value, also := b.Right.(*ast.StringNode)
	if !ok || !also || m.Optional || value.Value == "" {
		return Cond{}, false
	}
	_, entry := m.Node.(*ast.PointerNode)
	part, ok := m.Property.(*ast.StringNode)
	return Cond{Op: HasAttachment, Value: value.Value}, entry && ok && part.Value == "type"
}

// fieldOf is a field as [Cond] names it.
func fieldOf(n ast.Node) (name string, kind Type, ok bool) {
	switch n := n.(type) {
	case *ast.CallNode:
		if called(n, "header") && len(n.Arguments) == 1 {
			if lit, ok := n.Arguments[0].(*ast.StringNode); ok && lit.Value != "" {
				return "header." + lit.Value, Text, true
			}
		}
		return "", "", false
	case *ast.ChainNode:
		path, ok := jsonPath(n.Node)
		return "json" + path, JSON, ok && path != ""
	case *ast.IdentifierNode:
		name = n.Value
	case *ast.MemberNode:
		of, ok := n.Node.(*ast.IdentifierNode)
		part, also := n.Property.(*ast.StringNode)
		if !ok || !also || n.Optional {
			return "", "", false
		}
		name = of.Value + "." + part.Value
	}
	for _, known := range Suggest() {
		if known.Name == name && (known.Type == Text || known.Type == YesNo) {
			return name, known.Type, true
		}
	}
	return "", "", false
}

// jsonPath reads what follows json, where each part has a ?. before it.
func jsonPath(n ast.Node) (string, bool) {
	if named(n, "json") {
		return "", true
	}
	if c, ok := n.(*ast.ChainNode); ok { // before ?.["…"] the parser closes a chain
		n = c.Node
	}
	m, ok := n.(*ast.MemberNode)
	if !ok || !m.Optional {
		return "", false
	}
	part, ok := m.Property.(*ast.StringNode)
	if !ok || part.Value == "" || strings.Contains(part.Value, ".") {
		return "", false
	}
	path, ok := jsonPath(m.Node)
	return path + "." + part.Value, ok
}

func named(n ast.Node, name string) bool {
	id, ok := n.(*ast.IdentifierNode)
	return ok && id.Value == name
}

func called(n *ast.CallNode, name string) bool { return named(n.Callee, name) }
