package hooks

import (
	"strings"
	"text/template"
)

// mostShown bounds what Shape.Show makes, in bytes: beyond what any chat takes
// in one message.
const mostShown = 256 << 10

// Shape shows data as Markdown, as a person wrote it: its own text is
// Markdown, and each value that it shows is escaped, calls nobody and runs
// nothing. It may be used by several goroutines.
type Shape struct{ t *template.Template }

// ParseShape reads a template of at most 8 KiB, such as "**{{.who}}**:
// {{.text}}". Its errors are Invalid.
func ParseShape(source string) (*Shape, error) {
	t, err := compile(source)
	if err != nil {
		return nil, err
	}
	return &Shape{t}, nil
}

// Show is what the template makes of data: texts, lists of them and maps. What is
// longer than 256 KiB is cut off.
func (t *Shape) Show(data map[string]any) (string, error) {
	own, err := t.t.Clone()
	if err != nil {
		return "", err
	}
	out, err := run(own, data, mostShown)
	return strings.TrimSpace(strings.ToValidUTF8(out, "")), err
}
