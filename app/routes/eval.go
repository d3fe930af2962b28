package routes

import (
	"fmt"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// evaluation looks at one event under any number of conditions. Values are what
// JSON has: nil, bool, float64, string, []any and map[string]any.
type evaluation struct {
	given

	left    int // steps that may still be taken
	when    string
	program *program
	entries []any // what # stands for, the innermost last
}

func newEvaluation(in Input, work int) *evaluation {
	return &evaluation{given: given{in: in.bounded()}, left: work}
}

// run evaluates one condition. What fails is false.
func (e *evaluation) run(p *program) (yes bool, fault *Fault) {
	if p == nil {
		return true, nil
	}
	e.when, e.program, e.entries = p.when, p, e.entries[:0]
	// Nothing here is known to panic. If something does, an event from outside
	// must not stop the others.
	defer func() {
		if r := recover(); r != nil {
			yes, fault = false, &Fault{Words: "the condition could not be evaluated, which is a fault of this program. Write it another way"}
		}
	}()
	return e.truth(p.root)
}

// fail is a fault at a node.
func (e *evaluation) fail(n ast.Node, words string, args ...any) *Fault {
	return faultAt(e.when, n.Location().From, fmt.Sprintf(words, args...))
}

// spend counts work, in steps of about ten nanoseconds, before it is done. So it
// is bounded what one event can cost, however much there is in it and whatever the
// conditions do. What asks for more than is left fails, and takes nothing from
// those after it.
func (e *evaluation) spend(n ast.Node, steps int) *Fault {
	if steps > e.left {
		return e.fail(n, "this event has too much in it to look through under all conditions. Ask first for what is quick to tell, such as account or kind")
	}
	e.left -= steps
	return nil
}

// truth evaluates n as a condition. What is not there is false.
func (e *evaluation) truth(n ast.Node) (bool, *Fault) {
	v, fault := e.eval(n)
	if fault != nil {
		return false, fault
	}
	switch v := v.(type) {
	case bool:
		return v, nil
	case nil:
		return false, nil
	}
	return false, e.fail(n, "this is %s, and a condition is true or false. Compare it with something", what(v))
}

func (e *evaluation) eval(n ast.Node) (any, *Fault) {
	if fault := e.spend(n, 4); fault != nil {
		return nil, fault
	}
	switch n := n.(type) {
	case *ast.NilNode:
		return nil, nil
	case *ast.BoolNode:
		return n.Value, nil
	case *ast.IntegerNode:
		return float64(n.Value), nil
	case *ast.FloatNode:
		return n.Value, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.IdentifierNode:
		v, problem := e.name(n.Value)
		if problem != "" {
			return nil, e.fail(n, "%s", problem)
		}
		return v, nil
	case *ast.PointerNode:
		if len(e.entries) == 0 {
			return nil, e.fail(n, "# stands for an entry of a list, and there is none here")
		}
		return e.entries[len(e.entries)-1], nil
	case *ast.UnaryNode:
		return e.unary(n)
	case *ast.BinaryNode:
		return e.binary(n)
	case *ast.ConditionalNode:
		yes, fault := e.truth(n.Cond)
		switch {
		case fault != nil:
			return nil, fault
		case yes:
			return e.eval(n.Exp1)
		}
		return e.eval(n.Exp2)
	case *ast.ChainNode:
		v, _, fault := e.member(n.Node)
		return v, fault
	case *ast.MemberNode:
		v, _, fault := e.member(n)
		return v, fault
	case *ast.ArrayNode:
		list := make([]any, len(n.Nodes))
		for i, entry := range n.Nodes {
			v, fault := e.eval(entry)
			if fault != nil {
				return nil, fault
			}
			list[i] = v
		}
		return list, nil
	case *ast.PredicateNode:
		return e.eval(n.Node)
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			return e.call(n, name.Value, n.Arguments)
		}
	case *ast.BuiltinNode:
		if overList(n.Name) {
			return e.over(n)
		}
		return e.call(n, n.Name, n.Arguments)
	}
	return nil, e.fail(n, "this can't be evaluated. Write it another way")
}

// member evaluates a part of something. over reports that what comes after ?. is
// left out, since there is nothing before it.
func (e *evaluation) member(n ast.Node) (v any, over bool, fault *Fault) {
	m, ok := n.(*ast.MemberNode)
	if !ok {
		v, fault = e.eval(n)
		return v, false, fault
	}
	of, over, fault := e.member(m.Node)
	if fault != nil || over {
		return nil, over, fault
	}
	if of == nil && m.Optional {
		return nil, true, nil
	}
	key, fault := e.eval(m.Property)
	if fault != nil {
		return nil, false, fault
	}
	switch of := of.(type) {
	case map[string]any:
		if key, ok := key.(string); ok {
			return of[key], false, nil
		}
		return nil, false, e.fail(m, "parts of an object are chosen by name, and this is %s", what(key))
	case []any:
		i, ok := key.(float64)
		if !ok || i != float64(int(i)) {
			return nil, false, e.fail(m, "entries of a list are chosen by number, and this is %s. Use any to look at all of them", what(key))
		}
		at := int(i)
		if at < 0 {
			at += len(of)
		}
		if at < 0 || at >= len(of) {
			if m.Optional {
				return nil, false, nil
			}
			return nil, false, e.fail(m, "the list has %d entries, so there is none at [%d]. Write ?.[%d] where it may be missing", len(of), int(i), int(i))
		}
		return of[at], false, nil
	case nil:
		if key, ok := key.(string); ok {
			return nil, false, e.fail(m, "there is nothing that could have .%s. Write ?. before it where something may be missing", short(key))
		}
		return nil, false, e.fail(m, "there is no list here. Write ?. before the [ where it may be missing")
	}
	return nil, false, e.fail(m, "this is %s, and has no parts", what(of))
}

func (e *evaluation) unary(n *ast.UnaryNode) (any, *Fault) {
	if n.Operator == "-" {
		v, fault := e.eval(n.Node)
		if fault != nil {
			return nil, fault
		}
		f, ok := v.(float64)
		if !ok {
			return nil, e.fail(n, "- stands before %s, and must stand before a number", what(v))
		}
		return -f, nil
	}
	yes, fault := e.truth(n.Node)
	return !yes && fault == nil, fault
}

// over evaluates a condition for the entries of a list. What is not there has no
// entries.
func (e *evaluation) over(n *ast.BuiltinNode) (any, *Fault) {
	v, fault := e.eval(n.Arguments[0])
	if fault != nil {
		return nil, fault
	}
	list, ok := v.([]any)
	if !ok && v != nil {
		return nil, e.fail(n, "%s looks through a list, and this is %s", n.Name, what(v))
	}
	depth := len(e.entries)
	defer func() { e.entries = e.entries[:depth] }()
	e.entries = append(e.entries, nil)
	held := 0
	for _, entry := range list {
		e.entries[depth] = entry
		yes, fault := e.truth(n.Arguments[1])
		if fault != nil {
			return nil, fault
		}
		if yes {
			held++
		}
		switch {
		case n.Name == "any" && yes:
			return true, nil
		case n.Name == "none" && yes, n.Name == "all" && !yes, n.Name == "one" && held > 1:
			return false, nil
		}
	}
	switch n.Name {
	case "any":
		return false, nil
	case "one":
		return held == 1, nil
	case "count":
		return float64(held), nil
	}
	return true, nil
}

// what names the sort of a value, with its article.
func what(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case float64:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	}
	return "an object"
}

func short(s string) string {
	if len(s) > 40 {
		s = strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
