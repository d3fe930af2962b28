package hooks

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"
	"unicode/utf8"

	"github.com/postern/postern/platforms/text"
)

// mostSteps is how many rounds all loops of a template turn together: data from
// outside decides how long a list is.
const mostSteps = 10_000

// mostWork is how many bytes of values a template reads together, in its loops
// too: a value may be as long as the body.
const mostWork = 8 << 20

// words are the functions that a template may name, tick and show aside, which
// are ours. What formats is not among them: a width that comes from outside would
// take any memory.
var words = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice",
	"code", "link", "lower", "upper", "line", "default"}

// shown is Markdown that needs no escape any more.
type shown string

var (
	errSteps = errors.New("too many steps")
	errFull  = errors.New("too long")
)

// compile reads a person's template. Its own text is Markdown; each value that it
// shows is escaped. Data are maps, lists, texts and truths, numbers as they were
// written; they have no methods.
func compile(source string) (*template.Template, error) {
	if strings.TrimSpace(source) == "" {
		return nil, Invalid{"Template", "This form needs a template. Write one, such as: {{.title}}"}
	}
	if len(source) > mostTemplate || !utf8.ValidString(source) {
		return nil, Invalid{"Template", "A template is text of at most 8 KiB. Shorten it."}
	}
	t, err := template.New("hook").Option("missingkey=zero").Funcs(functions(&work{})).Parse(source)
	if err != nil {
		return nil, invalid("Template", "The template can't be read, line %s. Correct it.", text.Line(strings.TrimPrefix(err.Error(), "template: hook:"), 200))
	}
	if len(t.Templates()) > 1 {
		return nil, Invalid{"Template", "A template can't define others. Write it as one."}
	}
	if t.Tree == nil || t.Root == nil {
		return nil, Invalid{"Template", "The template shows nothing. Write what it is to show."}
	}
	if err := tame(t.Root); err != nil {
		return nil, err
	}
	return t, nil
}

// work is what a template may still do.
type work struct{ steps, bytes int }

func (w *work) tick() (string, error) {
	if w.steps--; w.steps < 0 {
		return "", errSteps
	}
	return "", nil
}

// read is v as text, as long as there is work left.
func (w *work) read(v any) (string, error) {
	if w.bytes <= 0 {
		return "", errSteps
	}
	s := plain(v)
	w.bytes -= len(s)
	return s, nil
}

// reading is a function of a value's text.
func reading[T any](w *work, f func(string) T) func(v any) (T, error) {
	return func(v any) (out T, err error) {
		s, err := w.read(v)
		if err != nil {
			return out, err
		}
		return f(s), nil
	}
}

func functions(w *work) template.FuncMap {
	return template.FuncMap{
		"tick": w.tick,
		"show": func(v any) (shown, error) {
			if s, ok := v.(shown); ok {
				return s, nil
			}
			s, err := w.read(v)
			return shown(escaped(s)), err
		},
		"code": reading(w, func(s string) shown { return shown(span(s)) }),
		"link": func(label, address any) (shown, error) {
			l, err := w.read(label)
			if err != nil {
				return "", err
			}
			a, err := w.read(address)
			return shown(linked(l, a)), err
		},
		"lower": reading(w, strings.ToLower),
		"upper": reading(w, strings.ToUpper),
		"line":  reading(w, func(s string) string { return text.Line(s, 300) }),
		"default": func(otherwise, v any) (any, error) {
			s, err := w.read(v)
			if s == "" {
				return otherwise, err
			}
			return v, err
		},
	}
}

// plain is a value as text: lists and maps are JSON.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case shown:
		return string(v)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

// tame refuses what a template may not do, counts the rounds of its loops and
// escapes what it shows.
func tame(n parse.Node) error {
	switch n := n.(type) {
	case nil:
		return nil
	case *parse.ListNode:
		if n == nil {
			return nil
		}
		for _, in := range n.Nodes {
			if err := tame(in); err != nil {
				return err
			}
		}
	case *parse.ActionNode:
		if err := tame(n.Pipe); err != nil {
			return err
		}
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, command("show", n.Pos))
		}
	case *parse.IfNode:
		return tameAll(n.Pipe, n.List, n.ElseList)
	case *parse.WithNode:
		return tameAll(n.Pipe, n.List, n.ElseList)
	case *parse.RangeNode:
		if err := tameAll(n.Pipe, n.List, n.ElseList); err != nil {
			return err
		}
		tick := &parse.ActionNode{NodeType: parse.NodeAction, Pos: n.Pos, Line: n.Line,
			Pipe: &parse.PipeNode{NodeType: parse.NodePipe, Pos: n.Pos, Line: n.Line, Cmds: []*parse.CommandNode{command("tick", n.Pos)}}}
		n.List.Nodes = slices.Insert(n.List.Nodes, 0, parse.Node(tick))
	case *parse.PipeNode:
		for _, c := range n.Cmds {
			if err := tame(c); err != nil {
				return err
			}
		}
	case *parse.CommandNode:
		for _, a := range n.Args {
			if err := tame(a); err != nil {
				return err
			}
		}
	case *parse.ChainNode:
		return tame(n.Node)
	case *parse.IdentifierNode:
		if !slices.Contains(words, n.Ident) {
			return invalid("Template", "A template can't use %q. It knows %s.", n.Ident, strings.Join(words, ", "))
		}
	case *parse.TemplateNode:
		return Invalid{"Template", "A template can't use others. Write it as one."}
	}
	return nil
}

func tameAll(pipe *parse.PipeNode, lists ...*parse.ListNode) error {
	if err := tame(pipe); err != nil {
		return err
	}
	for _, l := range lists {
		if err := tame(l); err != nil {
			return err
		}
	}
	return nil
}

func command(name string, pos parse.Pos) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Pos: pos, Args: []parse.Node{parse.NewIdentifier(name).SetPos(pos)}}
}

// Try is Parse for the person whose hook it is, who is told what is wrong with
// its template; senders are not.
func Try(h Hook, header http.Header, body []byte) (Post, error) {
	if h.Dialect == Template {
		if _, err := compile(h.Template); err != nil {
			return Post{}, err
		}
	}
	return Parse(h, header, body)
}

// templated shows any JSON as the hook's template says.
func templated(source string, body []byte) (Post, *Fault) {
	t, err := compile(source)
	if err != nil {
		return Post{}, &Fault{Kind: Failed, Text: "The hook's template can't be used. Its owner has to correct it."}
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var data any
	if err := d.Decode(&data); err != nil {
		return Post{}, malformed("", "The body is not JSON. Correct it.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Post{}, malformed("", "The body has more than one JSON value. Send one.")
	}
	out, err := run(t, data, mostBytes)
	switch {
	case errors.Is(err, errSteps):
		return Post{}, &Fault{Kind: TooLong, Text: "The body's lists are too long for the hook's template. Send less."}
	case err != nil:
		return Post{}, malformed("", "The body lacks what the hook's template asks for. Send it.")
	}
	p := newPage()
	p.add(strings.TrimSpace(strings.ToValidUTF8(out, "")))
	return p.post(empty("", "There is nothing to show in the body. Send more."))
}

// run has t show data, at most so many bytes of it. t is not used by anybody else.
func run(t *template.Template, data any, most int) (string, error) {
	t.Funcs(functions(&work{steps: mostSteps, bytes: mostWork}))
	out := &bounded{left: most}
	if err := t.Execute(out, methodless(data)); err != nil && !errors.Is(err, errFull) {
		return "", err
	}
	return out.String(), nil
}

// methodless is JSON without a type that has methods, which a template would
// call: a number is the text that it was.
func methodless(v any) any {
	switch v := v.(type) {
	case json.Number:
		return v.String()
	case []any:
		for i := range v {
			v[i] = methodless(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = methodless(v[k])
		}
	}
	return v
}

// bounded is a writer that is full after some bytes.
type bounded struct {
	strings.Builder
	left int
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.left)
	b.Builder.Write(p[:n])
	if b.left -= n; n < len(p) {
		return n, errFull
	}
	return n, nil
}
