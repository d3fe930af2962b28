package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

// parts cuts a message into the messages that a platform's limits allow. The
// text comes first, the buttons stand under its last piece, then the files; a
// single file takes a short text as its caption. What the platform can never
// take is an Error of kind Rejected or Unsupported.
//
// Each part's key is derived from the message's, so that a part has the same
// key in every attempt.
func parts(m platforms.Message, on platforms.Platform) ([]platforms.Message, error) {
	l := on.Limits
	for _, f := range m.Files {
		if l.Upload == 0 {
			return nil, errNoFiles
		}
		if f.Size > l.Upload {
			return nil, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
				"The file %q is larger than the %d MB that this platform takes. Send a smaller one, or a link.", f.Name, l.Upload>>20)}
		}
	}
	if m.Text == "" && len(m.Files) == 0 {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The message is empty. Write something or attach a file."}
	}
	m = fitButtons(m, l)
	length := func(s string) int {
		if on.Length == nil {
			return text.Len(s, l.Unit)
		}
		return on.Length(s, m.Format)
	}
	fits := func(s string, max int) bool { return max == 0 || length(s) <= max }
	caption := len(m.Files) == 1 && len(m.Buttons) == 0 && fits(m.Text, l.Caption)

	var out []platforms.Message
	if m.Text != "" && !caption {
		pieces := []string{m.Text}
		if !fits(m.Text, l.Text) {
			pieces = text.Fit(m.Text, l.Text, l.Unit, length)
		}
		for i, piece := range pieces {
			p := m
			p.Text, p.Files, p.Buttons = piece, nil, nil
			if i > 0 {
				p.ReplyTo = ""
			}
			if i == len(pieces)-1 {
				p.Buttons = m.Buttons
			}
			out = append(out, p)
		}
	}
	for _, f := range m.Files {
		p := m
		p.Files = []platforms.File{f}
		if !caption {
			p.Text = ""
		}
		if len(m.Buttons) > 0 && m.Text != "" {
			p.Buttons = nil
		}
		if len(out) > 0 {
			p.ReplyTo = ""
		}
		out = append(out, p)
	}
	if len(out) > 1 {
		for i := range out {
			out[i].Key = fmt.Sprintf("%s/%d", m.Key, i+1)
		}
	}
	return out, nil
}

var errNoFiles = &platforms.Error{Kind: platforms.Unsupported, Text: "This platform takes no files from bots. Send a link instead."}

// fitButtons puts buttons into the rows that a platform has room for, with
// labels that it shows; where it has no room for all, they become a list.
func fitButtons(m platforms.Message, l platforms.Limits) platforms.Message {
	n := 0
	for _, row := range m.Buttons {
		n += len(row)
	}
	switch {
	case n == 0:
		m.Buttons = nil
		return m
	case n > l.Buttons:
		return numbered(m)
	}
	var rows [][]platforms.Button
	for _, row := range m.Buttons {
		row = slices.Clone(row)
		for i := range row {
			if l.Label > 0 {
				row[i].Label = text.Line(row[i].Label, l.Label)
			}
		}
		if l.ButtonsPerRow == 0 && len(row) > 0 {
			rows = append(rows, row)
			continue
		}
		for part := range slices.Chunk(row, l.ButtonsPerRow) {
			rows = append(rows, part)
		}
	}
	m.Buttons = rows
	return m
}

// numbered writes buttons as a numbered list, for platforms without buttons.
func numbered(m platforms.Message) platforms.Message {
	n := 0
	var list strings.Builder
	for _, row := range m.Buttons {
		for _, b := range row {
			n++
			line := text.Line(b.Label, 200)
			if b.URL != "" {
				line += ": " + b.URL
			}
			if m.Format == platforms.Markdown {
				line = markup.Escape(line)
			}
			fmt.Fprintf(&list, "\n%d. %s", n, line)
		}
	}
	if m.Format == platforms.Markdown {
		m.Text += "\n"
	}
	m.Text += list.String()
	m.Buttons = nil
	return m
}
