package window

import (
	"errors"
	"strings"

	"github.com/postern/postern/app/inspect"
	"github.com/postern/postern/ui/model"
)

// missing says what is wrong, where a request can't be shown as it came.
func missing(err error) string {
	var m *inspect.Missing
	if errors.As(err, &m) {
		return m.Text
	}
	return explain(err)
}

// diffRows are lines of a comparison as rows that are no longer than the dialog
// is wide.
func diffRows(lines []inspect.Line, columns int) (out []inspect.Line) {
	for _, l := range lines {
		for _, s := range model.TextRows(model.Visible(strings.ReplaceAll(l.Text, "\n", " ")), columns) {
			out = append(out, inspect.Line{Mark: l.Mark, Text: s})
		}
	}
	return out
}
