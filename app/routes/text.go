package routes

import (
	"reflect"
	"strconv"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// TextMost is how long a text that an expression makes may be, in bytes.
const TextMost = 64 << 10

// Writer is a compiled expression that gives a text. It never changes: any number
// of goroutines may use it.
type Writer struct {
	program *program
	work    int
}

// CompileText compiles an expression that gives a text, a number, or yes or no.
// Its errors are for the person, and are, or wrap, a *[Fault].
func CompileText(source string) (*Writer, error) {
	if strings.TrimSpace(source) == "" {
		return nil, &Fault{Words: "the expression is empty. Write one that gives a text, as in text"}
	}
	p, err := compileAs(source, true, func(root ast.Node, t reflect.Type) *Fault {
		switch t.Kind() {
		case reflect.String, reflect.Bool, reflect.Interface, reflect.Int, reflect.Float64:
			return nil
		}
		return faultAt(source, start(root), "this gives "+spell(t.String())+", and a text is wanted. Choose a part of it")
	})
	if err != nil {
		return nil, err
	}
	return &Writer{program: p, work: workMost}, nil
}

// Text is what the expression makes of an event: at most TextMost bytes of valid
// UTF-8. What is not there is empty. It takes any event, and its work is bounded
// as that of [Table.Pick] is. Its errors are [Fault]s.
func (w *Writer) Text(in Input) (out string, err error) {
	e := newEvaluation(in, w.work)
	e.when, e.program = w.program.when, w.program
	defer func() { // as in run
		if r := recover(); r != nil {
			out, err = "", &Fault{Words: "the expression could not be evaluated, which is a fault of this program. Write it another way"}
		}
	}()
	v, fault := e.eval(w.program.root)
	if fault != nil {
		return "", fault
	}
	switch v := v.(type) {
	case nil:
	case string:
		out = v
	case float64:
		out = strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		out = strconv.FormatBool(v)
	default:
		return "", e.fail(w.program.root, "this is %s, and a text is wanted. Choose a part of it", what(v))
	}
	if len(out) > TextMost {
		return "", e.fail(w.program.root, "the text has %d bytes, and %d at most are kept. Choose a part of it", len(out), TextMost)
	}
	return strings.ToValidUTF8(out, "\ufffd"), nil
}

// joined is two texts as one. Its length is bounded, so that texts which double
// with every step end soon.
func (e *evaluation) joined(n ast.Node, a, b string) (any, *Fault) {
	if len(a)+len(b) > TextMost {
		return nil, e.fail(n, "the texts have %d bytes together, and %d at most are put together. Choose parts of them", len(a)+len(b), TextMost)
	}
	if fault := e.spend(n, (len(a)+len(b))/32); fault != nil {
		return nil, fault
	}
	return a + b, nil
}
