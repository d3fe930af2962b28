package app

import (
	"fmt"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// parts cuts a message into the messages that a platform's limits allow. The
// text comes first, the buttons stand under its last piece, then the files; a
// single file takes a short text as its caption. What the platform can never
// take is an Error of kind Rejected or Unsupported.
//
// Each part's key is derived from the message's, so that a part has the same
// key in every attempt.
func parts(m platforms.Message, l platforms.Limits) ([]platforms.Message, error) {
	for _, f := range m.Files {
		if l.Upload == 0 {
			return nil, &platforms.Error{Kind: platforms.Unsupported, Text: "This platform takes no files from bots. Send a link instead."}
		}
		if f.Size > l.Upload {
			return nil, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
				"The file %q is larger than the %d MB that this platform takes. Send a smaller one, or a link.", f.Name, l.Upload>>20)}
		}
	}
	if m.Text == "" && len(m.Files) == 0 {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The message is empty. Write something or attach a file."}
	}
	if l.Buttons == 0 && len(m.Buttons) > 0 {
		m = numbered(m)
	}
	caption := len(m.Files) == 1 && len(m.Buttons) == 0 && fits(m.Text, l.Caption, l.Unit)

	var out []platforms.Message
	if m.Text != "" && !caption {
		pieces := []string{m.Text}
		if !fits(m.Text, l.Text, l.Unit) {
			pieces = text.Split(m.Text, l.Text, l.Unit)
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

// fits reports whether s is within max units; max 0 means no limit.
func fits(s string, max int, u platforms.Unit) bool {
	return max == 0 || text.Len(s, u) <= max
}

// numbered writes buttons as a numbered list, for platforms without buttons.
func numbered(m platforms.Message) platforms.Message {
	n := 0
	for _, row := range m.Buttons {
		for _, b := range row {
			n++
			m.Text += fmt.Sprintf("\n%d. %s", n, b.Label)
			if b.URL != "" {
				m.Text += ": " + b.URL
			}
		}
	}
	m.Buttons = nil
	return m
}
