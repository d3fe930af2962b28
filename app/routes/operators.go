package routes

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
)

func (e *evaluation) binary(n *ast.BinaryNode) (any, *Fault) {
	switch n.Operator {
	case "and", "&&", "or", "||":
		yes, fault := e.truth(n.Left)
		if fault != nil {
			return nil, fault
		}
		if either := n.Operator == "or" || n.Operator == "||"; yes == either {
			return yes, nil
		}
		yes, fault = e.truth(n.Right)
		return yes, fault
	case "??":
		v, fault := e.eval(n.Left)
		if fault != nil || v != nil {
			return v, fault
		}
		return e.eval(n.Right)
	}
	a, fault := e.eval(n.Left)
	if fault != nil {
		return nil, fault
	}
	b, fault := e.eval(n.Right)
	if fault != nil {
		return nil, fault
	}
	switch n.Operator {
	case "==":
		return e.equal(n, a, b)
	case "!=":
		same, fault := e.equal(n, a, b)
		return !same && fault == nil, fault
	case "in":
		return e.in(n, a, b)
	case "contains", "startsWith", "endsWith", "matches":
		return e.texts(n, a, b)
	}
	return e.numbers(n, a, b)
}

// equal compares plain values; those of two sorts differ.
func (e *evaluation) equal(n ast.Node, a, b any) (bool, *Fault) {
	if a == nil || b == nil {
		return a == nil && b == nil, nil
	}
	for _, v := range []any{a, b} {
		if whole(v) {
			return false, e.fail(n, "%s can't be compared as a whole. Choose a part of it", what(v))
		}
	}
	if s, ok := a.(string); ok {
		if fault := e.spend(n, len(s)/32); fault != nil {
			return false, fault
		}
	}
	return a == b, nil
}

// whole reports whether a value has parts.
func whole(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

// in looks for a plain value in a list, or for a name in an object.
func (e *evaluation) in(n ast.Node, a, b any) (any, *Fault) {
	switch b := b.(type) {
	case nil:
		return false, nil
	case []any:
		for _, v := range b {
			if fault := e.spend(n, 2); fault != nil {
				return nil, fault
			}
			if whole(a) || whole(v) {
				continue
			}
			if same, fault := e.equal(n, a, v); same || fault != nil {
				return same, fault
			}
		}
		return false, nil
	case map[string]any:
		key, ok := a.(string)
		if !ok {
			return nil, e.fail(n, "parts of an object have names, and this is %s", what(a))
		}
		_, ok = b[key]
		return ok, nil
	}
	return nil, e.fail(n, "in looks into a list, and this is %s. Use contains for text", what(b))
}

// texts compares two texts. What is not there contains nothing.
func (e *evaluation) texts(n *ast.BinaryNode, a, b any) (any, *Fault) {
	if a == nil || b == nil {
		return false, nil
	}
	s, ok := a.(string)
	with, also := b.(string)
	if !ok || !also {
		wrong := a
		if ok {
			wrong = b
		}
		return nil, e.fail(n, "%s compares texts, and this is %s. Write string(…) around it", n.Operator, what(wrong))
	}
	switch n.Operator {
	case "contains":
		if fault := e.spend(n, len(s)/8); fault != nil {
			return nil, fault
		}
		return strings.Contains(s, with), nil
	case "startsWith":
		return strings.HasPrefix(s, with), nil
	case "endsWith":
		return strings.HasSuffix(s, with), nil
	}
	p, ok := e.program.patterns[n]
	if !ok {
		return nil, e.fail(n, "the regular expression is missing")
	}
	if fault := e.spend(n, p.steps(len(s))); fault != nil {
		return nil, fault
	}
	return p.re.MatchString(s), nil
}

// steps is what matching a text of n bytes costs at most: package regexp follows
// every instruction at every character.
func (p pattern) steps(n int) int { return (n + 1) * p.cost }

func (e *evaluation) numbers(n *ast.BinaryNode, a, b any) (any, *Fault) {
	x, ok := a.(float64)
	y, also := b.(float64)
	if ok && also {
		switch n.Operator {
		case "<":
			return x < y, nil
		case "<=":
			return x <= y, nil
		case ">":
			return x > y, nil
		case ">=":
			return x >= y, nil
		case "+":
			return x + y, nil
		case "-":
			return x - y, nil
		case "*":
			return x * y, nil
		case "/":
			return x / y, nil
		}
	}
	s, ok := a.(string)
	t, also := b.(string)
	if n.Operator == "+" && e.program.joins && (ok || also) {
		if ok && also {
			return e.joined(n, s, t)
		}
		wrong := a
		if ok {
			wrong = b
		}
		return nil, e.fail(n, "+ joins texts, and this is %s. Write string(…) around it", what(wrong))
	}
	if ok && also && slices.Contains([]string{"<", "<=", ">", ">="}, n.Operator) {
		if fault := e.spend(n, min(len(s), len(t))/32); fault != nil {
			return nil, fault
		}
		switch c := strings.Compare(s, t); n.Operator {
		case "<":
			return c < 0, nil
		case "<=":
			return c <= 0, nil
		case ">":
			return c > 0, nil
		default:
			return c >= 0, nil
		}
	}
	return nil, e.fail(n, "%s stands between %s and %s. Use it between two numbers", n.Operator, what(a), what(b))
}

func (e *evaluation) call(n ast.Node, name string, args []ast.Node) (any, *Fault) {
	vs := make([]any, len(args))
	for i, arg := range args {
		v, fault := e.eval(arg)
		if fault != nil {
			return nil, fault
		}
		vs[i] = v
	}
	want := 1
	if name == "has" {
		want = 2
	}
	if len(vs) != want {
		return nil, e.fail(n, "%s takes another number of arguments. Write it as in %s", name, example(name))
	}
	switch v := vs[0].(type) {
	case string:
		if fault := e.spend(n, len(v)); fault != nil {
			return nil, fault
		}
		switch name {
		case "has":
			return e.has(n, v, vs[1])
		case "header":
			value := e.header(v)
			return value, e.spend(n, len(value))
		case "lower":
			return strings.ToLower(v), nil
		case "upper":
			return strings.ToUpper(v), nil
		case "trim":
			return strings.TrimSpace(v), nil
		case "string":
			return v, nil
		case "len":
			return float64(utf8.RuneCountInString(v)), nil
		}
	case nil:
		switch name {
		case "has":
			return false, nil
		case "len":
			return 0.0, nil
		default:
			return "", nil
		}
	case []any:
		if name == "len" {
			return float64(len(v)), nil
		}
	case map[string]any:
		if name == "len" {
			return float64(len(v)), nil
		}
	case float64:
		if name == "string" {
			return strconv.FormatFloat(v, 'f', -1, 64), nil
		}
	case bool:
		if name == "string" {
			return strconv.FormatBool(v), nil
		}
	}
	return nil, e.fail(n, "%s can't be used with %s. Choose a part of it", name, what(vs[0]))
}

// has looks for a text within another, whatever their case. Call counted s.
func (e *evaluation) has(n ast.Node, s string, v any) (any, *Fault) {
	switch part := v.(type) {
	case nil:
		return false, nil
	case string:
		if fault := e.spend(n, len(part)); fault != nil {
			return nil, fault
		}
		return strings.Contains(strings.ToLower(s), strings.ToLower(part)), nil
	}
	return nil, e.fail(n, "has looks for a text, and this is %s. Write string(…) around it", what(v))
}
