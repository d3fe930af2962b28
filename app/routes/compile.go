package routes

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/parser/lexer"
)

// Bounds of one expression.
const (
	nodesMost   = 1000 // of the syntax tree
	patternMost = 500  // instructions of one regular expression
	patternsAll = 2000 // instructions of all of them
)

// program is a checked expression.
type program struct {
	when     string
	root     ast.Node
	joins    bool                 // texts may be joined, since one is wanted
	patterns map[ast.Node]pattern // by the operator that uses it
	steps    int                  // instructions of all patterns
}

type pattern struct {
	re   *regexp.Regexp
	cost int // instructions
}

// compile reads an expression; empty: nil, which always holds. Its errors are
// *Faults without a route.
func compile(when string) (p *program, err error) {
	return compileAs(when, false, func(root ast.Node, t reflect.Type) *Fault {
		if t.Kind() != reflect.Bool && t.Kind() != reflect.Interface {
			return faultAt(when, start(root), "this gives "+spell(t.String())+", and a condition is either true or false. Compare it with something, as in "+instead(t))
		}
		return nil
	})
}

// compileAs reads an expression whose outcome fits, and in which texts may be
// joined or not.
func compileAs(when string, joins bool, fits func(ast.Node, reflect.Type) *Fault) (p *program, err error) {
	if strings.TrimSpace(when) == "" && len(when) <= WhenMost {
		return nil, nil
	}
	// The parser and the checker are not ours, and are fed what somebody types.
	defer func() {
		if r := recover(); r != nil {
			p, err = nil, &Fault{Words: "the expression can't be read. Write it more simply"}
		}
	}()
	tree, cfg, fault := parse(when)
	if fault != nil {
		return nil, fault
	}
	p = &program{when: when, root: tree.Node, joins: joins, patterns: map[ast.Node]pattern{}}
	if fault := p.allow(tree.Node, map[ast.Node]bool{}); fault != nil {
		return nil, fault
	}
	t, err := checker.Check(tree, cfg)
	if err != nil {
		return nil, explain(when, err)
	}
	if fault := fits(tree.Node, t); fault != nil {
		return nil, fault
	}
	if fault := p.numeric(tree.Node); fault != nil {
		return nil, fault
	}
	return p, nil
}

// parse reads the syntax only.
func parse(when string) (*parser.Tree, *conf.Config, *Fault) {
	if len(when) > WhenMost {
		return nil, nil, &Fault{Words: tooLong(len(when))}
	}
	for i, r := range []rune(when) {
		if r == utf8.RuneError || unicode.IsControl(r) && !unicode.IsSpace(r) {
			return nil, nil, faultAt(when, i, "here is a character that can't be read. Delete it")
		}
		if unicode.Is(unicode.Bidi_Control, r) { // the expression would not say what it seems to
			return nil, nil, faultAt(when, i, fmt.Sprintf(`here is an invisible character that changes the direction of writing. Delete it, or write \u%04x in a text`, r))
		}
	}
	cfg := conf.CreateNew()
	for _, o := range []expr.Option{
		expr.Env(known{}), expr.MaxNodes(nodesMost), expr.DisableAllBuiltins(),
		expr.Function("has", nowhere, new(func(any, any) bool)),
		expr.Function("header", nowhere, new(func(string) string)),
	} {
		o(cfg)
	}
	for _, name := range theirs() {
		expr.EnableBuiltin(name)(cfg)
	}
	for name := range cfg.Disabled {
		delete(cfg.Builtins, name)
	}
	tree, err := parser.ParseWithConfig(when, cfg)
	if err != nil {
		return nil, nil, explain(when, err)
	}
	return tree, cfg, nil
}

// nowhere stands for functions where only their types count.
func nowhere(...any) (any, error) { return nil, errors.ErrUnsupported }

// start is where a node begins, as far as the parser says: it gives an operator
// its own place.
func start(n ast.Node) int {
	switch n := n.(type) {
	case *ast.BinaryNode:
		return start(n.Left)
	case *ast.MemberNode:
		return start(n.Node)
	case *ast.ChainNode:
		return start(n.Node)
	case *ast.CallNode:
		return start(n.Callee)
	case *ast.ConditionalNode:
		return start(n.Cond)
	}
	return n.Location().From
}

// allow refuses what is outside the list of what may be used. The parser puts
// the same node in two places for a < b < c and a ?: b, which nested doubles all
// work with every level, so that must be refused before anybody follows the tree.
func (p *program) allow(n ast.Node, seen map[ast.Node]bool) *Fault {
	no := func(words string, args ...any) *Fault {
		return faultAt(p.when, n.Location().From, fmt.Sprintf(words, args...))
	}
	if seen[n] {
		return no("comparisons can't be chained. Join two comparisons with “and”")
	}
	seen[n] = true
	switch n := n.(type) {
	case *ast.NilNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.StringNode, *ast.ChainNode,
		*ast.ArrayNode, *ast.PredicateNode:
	case *ast.ConditionalNode:
		if n.Cond == n.Exp1 {
			return faultAt(p.when, start(n), "?: can't be used. Write what comes out if this is true between ? and :")
		}
	case *ast.IdentifierNode:
		if n.Value == "$env" {
			return no("$env can't be used. Name what you want to look at")
		}
	case *ast.UnaryNode:
		if n.Operator == "+" {
			return no("+ can't stand alone before something. Leave it out")
		}
	case *ast.BinaryNode:
		if fault := p.operator(n); fault != nil {
			return fault
		}
	case *ast.MemberNode:
		if n.Method {
			return no("nothing here has functions of its own. %s", functions())
		}
	case *ast.CallNode:
		name, ok := n.Callee.(*ast.IdentifierNode)
		if !ok {
			return no("this is no function. %s", functions())
		}
		if !slices.Contains(ours(), name.Value) {
			return no("there is no function %s here. %s", name.Value, or(meant(name.Value, callable()), functions()))
		}
		for _, arg := range n.Arguments {
			if fault := p.allow(arg, seen); fault != nil {
				return fault
			}
		}
		return nil
	case *ast.BuiltinNode:
		if !slices.Contains(theirs(), n.Name) {
			return no("the function %s can't be used here. %s", n.Name, functions())
		}
		if overList(n.Name) && len(n.Arguments) < 2 {
			return no("%s needs a condition too, as in %s", n.Name, example(n.Name))
		}
	case *ast.PointerNode:
		if n.Name != "" {
			return no("#%s can't be used. Write # for the entry itself", n.Name)
		}
	case *ast.SliceNode:
		return no("parts of a text or list can't be cut out. Use startsWith, endsWith or matches")
	case *ast.VariableDeclaratorNode:
		return no("let can't be used. Write out what it stands for")
	case *ast.SequenceNode:
		return no("only one condition can stand here. Join conditions with “and” or “or” instead of ;")
	case *ast.BytesNode:
		return no("b before a quote can't be used. Leave it out")
	default:
		return no("braces can't be used here. Use parentheses, and [ ] for lists")
	}
	for _, child := range children(n) {
		if fault := p.allow(child, seen); fault != nil {
			return fault
		}
	}
	return nil
}

func (p *program) operator(n *ast.BinaryNode) *Fault {
	no := func(words string) *Fault { return faultAt(p.when, n.Location().From, words) }
	switch n.Operator {
	case "and", "&&", "or", "||", "==", "!=", "<", "<=", ">", ">=", "in", "contains", "startsWith", "endsWith", "??", "+", "-", "*", "/":
		return nil
	case "matches":
		lit, ok := n.Right.(*ast.StringNode)
		if !ok {
			return no("what comes after matches must be written in quotes, since an event may not bring its own pattern")
		}
		re, cost, err := regular(lit.Value)
		if p.steps += cost; err == nil && p.steps > patternsAll {
			err = fmt.Errorf("the regular expressions have more steps together than the %d at most that are allowed. Make two routes", patternsAll)
		}
		if err != nil {
			return faultAt(p.when, lit.Location().From, err.Error())
		}
		p.patterns[n] = pattern{re, cost}
		return nil
	}
	return no(fmt.Sprintf("the operator %s can't be used. Compare with ==, !=, <, >, in, contains, startsWith, endsWith or matches", n.Operator))
}

// regular compiles a regular expression and tells how many instructions it has.
func regular(source string) (*regexp.Regexp, int, error) {
	tree, err := syntax.Parse(source, syntax.Perl)
	var bad *syntax.Error
	if errors.As(err, &bad) {
		return nil, 0, fmt.Errorf("the regular expression can't be read: %s at %q. See https://pkg.go.dev/regexp/syntax for how they are written", bad.Code, bad.Expr)
	} else if err != nil {
		return nil, 0, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, 0, err
	}
	if len(prog.Inst) > patternMost {
		return nil, 0, fmt.Errorf("the regular expression has %d steps, and %d at most are allowed. Use smaller repetitions", len(prog.Inst), patternMost)
	}
	re, err := regexp.Compile(source)
	return re, len(prog.Inst), err
}

// numeric refuses to calculate with what is known not to be numbers. The checker
// would join texts.
func (p *program) numeric(n ast.Node) *Fault {
	if b, ok := n.(*ast.BinaryNode); ok && slices.Contains([]string{"+", "-", "*", "/"}, b.Operator) && !(p.joins && b.Operator == "+") {
		for _, side := range []ast.Node{b.Left, b.Right} {
			if side.Type().Kind() == reflect.String {
				return faultAt(p.when, b.Location().From, "texts can't be joined. Compare each by itself")
			}
		}
	}
	for _, child := range children(n) {
		if fault := p.numeric(child); fault != nil {
			return fault
		}
	}
	return nil
}

// children are the nodes below one of those that allow lets through.
func children(n ast.Node) []ast.Node {
	switch n := n.(type) {
	case *ast.UnaryNode:
		return []ast.Node{n.Node}
	case *ast.BinaryNode:
		return []ast.Node{n.Left, n.Right}
	case *ast.ChainNode:
		return []ast.Node{n.Node}
	case *ast.MemberNode:
		return []ast.Node{n.Node, n.Property}
	case *ast.CallNode:
		return n.Arguments
	case *ast.BuiltinNode:
		return n.Arguments
	case *ast.PredicateNode:
		return []ast.Node{n.Node}
	case *ast.ConditionalNode:
		return []ast.Node{n.Cond, n.Exp1, n.Exp2}
	case *ast.ArrayNode:
		return n.Nodes
	}
	return nil
}

// explain turns an error of the library's into a Fault.
func explain(when string, err error) *Fault {
	var at *file.Error
	if errors.As(err, &at) {
		from := at.From
		switch {
		case regexp.MustCompile(early).MatchString(at.Message):
			from = utf8.RuneCountInString(when)
		case regexp.MustCompile(openQuote).MatchString(at.Message):
			from = unread(when)
		}
		return faultAt(when, from, words(at.Message))
	}
	return &Fault{Words: words(err.Error())}
}

// unread is where the token begins that the lexer could not read.
func unread(when string) int {
	l, at := lexer.New(), 0
	l.Reset(file.NewSource(when))
	for t, err := l.Next(); err == nil; t, err = l.Next() {
		at = t.To
	}
	for _, r := range []rune(when)[at:] {
		if !unicode.IsSpace(r) {
			break
		}
		at++
	}
	return at
}
