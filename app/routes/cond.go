package routes

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Cond is a condition as choices from lists: what the window shows beside the
// expression. The zero Cond always holds.
type Cond struct {
	Op    Op     `json:"op,omitempty"`
	Field string `json:"field,omitempty"` // a name of Suggest's, or json.a.b, or header.X-Name
	Value string `json:"value,omitempty"` // what it is compared with; text, never an expression
	Of    []Cond `json:"of,omitempty"`    // what And, Or and Not are about
}

// Op is how a Cond compares.
type Op string

// The operators. Has ignores case, as the function does. HasAttachment has no
// field; its value is what the file's media type begins with, and may be empty.
const (
	Always        Op = ""
	And           Op = "and" // of two or more
	Or            Op = "or"  // of two or more
	Not           Op = "not" // of one
	Is            Op = "is"
	IsNot         Op = "is not"
	Has           Op = "has"
	Contains      Op = "contains"
	StartsWith    Op = "starts with"
	EndsWith      Op = "ends with"
	Matches       Op = "matches" // Value is a regular expression
	Exists        Op = "exists"  // is there, and is not empty text
	HasAttachment Op = "has attachment"
)

// condDepth is how deep Conds may be nested.
const condDepth = 16

// Expr is the expression that says the same. A value never becomes code. It
// fails where the condition is incomplete; the error is for the person.
func (c Cond) Expr() (string, error) {
	if c.Op == Always && c.Field == "" && c.Value == "" && len(c.Of) == 0 {
		return "", nil
	}
	var b strings.Builder
	if err := c.write(&b, 0); err != nil {
		return "", err
	}
	if b.Len() > WhenMost {
		return "", errors.New(tooLong(b.Len()))
	}
	if err := Check(b.String()); err != nil {
		return "", err
	}
	return b.String(), nil
}

func (c Cond) write(b *strings.Builder, depth int) error {
	if depth > condDepth {
		return fmt.Errorf("the conditions are nested deeper than %d levels. Make two routes of them", condDepth)
	}
	if b.Len() > WhenMost {
		return errors.New(tooLong(b.Len()))
	}
	switch c.Op {
	case And, Or, Not:
		return c.join(b, depth)
	}
	if len(c.Of) > 0 {
		return fmt.Errorf("“%s” can't have conditions within it. Take them out", c.Op)
	}
	value, err := quote(c.Value)
	if err != nil {
		return err
	}
	if c.Op == HasAttachment {
		switch {
		case c.Field != "":
			return errors.New("“has attachment” looks at the files only. Leave the field empty")
		case c.Value == "":
			b.WriteString("len(attachments) > 0")
		default:
			b.WriteString("any(attachments, .type startsWith " + value + ")")
		}
		return nil
	}
	f, err := field(c.Field)
	if err != nil {
		return err
	}
	return c.compare(b, f, value)
}

func (c Cond) join(b *strings.Builder, depth int) error {
	if c.Field != "" || c.Value != "" {
		return fmt.Errorf("“%s” has conditions within it, and nothing else. Take out field and value", c.Op)
	}
	if c.Op == Not {
		if len(c.Of) != 1 {
			return errors.New("“not” needs exactly one condition within it. Add or remove some")
		}
		b.WriteString("not (")
		defer b.WriteByte(')')
		return c.Of[0].write(b, depth+1)
	}
	if len(c.Of) < 2 {
		return fmt.Errorf("“%s” needs two conditions at least. Add one, or take out the “%s”", c.Op, c.Op)
	}
	for i, of := range c.Of {
		if i > 0 {
			b.WriteString(" " + string(c.Op) + " ")
		}
		wrap := of.Op == And || of.Op == Or
		if wrap {
			b.WriteByte('(')
		}
		if err := of.write(b, depth+1); err != nil {
			return err
		}
		if wrap {
			b.WriteByte(')')
		}
	}
	return nil
}

func (c Cond) compare(b *strings.Builder, f operand, value string) error {
	if f.kind == YesNo {
		if c.Op != Is && c.Op != IsNot || c.Value != "true" && c.Value != "false" {
			return fmt.Errorf("%s is either true or false. Choose “is”, and one of these two", c.Field)
		}
		value = c.Value
	}
	of := f.source
	if f.kind == JSON {
		of = "string(" + of + ")"
	}
	switch c.Op {
	case Is:
		b.WriteString(of + " == " + value)
	case IsNot:
		b.WriteString(of + " != " + value)
	case Has:
		b.WriteString("has(" + of + ", " + value + ")")
	case Contains:
		b.WriteString(of + " contains " + value)
	case StartsWith:
		b.WriteString(of + " startsWith " + value)
	case EndsWith:
		b.WriteString(of + " endsWith " + value)
	case Matches:
		if _, _, err := regular(c.Value); err != nil {
			return err
		}
		b.WriteString(of + " matches " + value)
	case Exists:
		if c.Value != "" {
			return errors.New("“exists” compares with nothing. Leave the value empty")
		}
		if f.kind == JSON {
			b.WriteString(f.source + " not in [nil, \"\"]")
		} else {
			b.WriteString(f.source + " != \"\"")
		}
	default:
		return fmt.Errorf("there is no comparison “%s”. Choose one from the list", c.Op)
	}
	return nil
}

// operand is a field, as an expression.
type operand struct {
	source string
	kind   Type
}

func field(name string) (operand, error) {
	if path, ok := strings.CutPrefix(name, "json."); ok {
		source := "json"
		for part := range strings.SplitSeq(path, ".") {
			if part == "" {
				return operand{}, fmt.Errorf("%q has an empty part. Write it as in json.issue.title", name)
			}
			if identifier(part) {
				source += "?." + part
				continue
			}
			quoted, err := quote(part)
			if err != nil {
				return operand{}, err
			}
			source += "?.[" + quoted + "]"
		}
		return operand{source, JSON}, nil
	}
	if header, ok := strings.CutPrefix(name, "header."); ok {
		quoted, err := quote(header)
		if err != nil || header == "" {
			return operand{}, errors.New("the name of the header is missing or can't be read. Write it as in header.X-GitHub-Event")
		}
		return operand{"header(" + quoted + ")", Text}, nil
	}
	for _, n := range Suggest() {
		if n.Name == name && (n.Type == Text || n.Type == YesNo) {
			return operand{name, n.Type}, nil
		}
	}
	return operand{}, fmt.Errorf("there is no field %q to compare. Choose one from the list", name)
}

// identifier reports whether s can follow a point in an expression.
func identifier(s string) bool {
	for i, r := range s {
		if r > unicode.MaxASCII || r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// quote writes text as a literal of the language. Whatever is not plain ASCII and
// visible is written as an escape.
func quote(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", errors.New("the value has bytes that are no text. Type it anew")
	}
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case unicode.IsPrint(r) && r != utf8.RuneError:
			b.WriteRune(r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			b.WriteString(`\u` + pad(strconv.FormatInt(int64(r), 16)))
		}
	}
	b.WriteByte('"')
	return b.String(), nil
}

func pad(hex string) string { return strings.Repeat("0", 4-len(hex)) + hex }
