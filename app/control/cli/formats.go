package cli

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// exporter writes messages in some format.
type exporter struct {
	write func(api.Entry) error
	close func() error
}

func (e *env) exporter(format string, w io.Writer) (exporter, error) {
	switch format {
	case "jsonl":
		return exporter{write: func(v api.Entry) error {
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("encode message %d: %w", v.Seq, err)
			}
			_, err = io.WriteString(w, safeJSON(raw)+"\n")
			return err
		}, close: func() error { return nil }}, nil
	case "md":
		return exporter{write: func(v api.Entry) error {
			_, err := io.WriteString(w, e.markdown(v))
			return err
		}, close: func() error { return nil }}, nil
	case "csv":
		return csvExporter(w), nil
	}
	return exporter{}, wrong("--format takes jsonl, md or csv")
}

// markdown is a message to read: a heading of ours, then the text in a fence
// that it can't end.
func (e *env) markdown(v api.Entry) string {
	var b strings.Builder
	about := []string{plainMarkdown(who(v)), e.when(v.At), plainMarkdown(string(v.Account) + " " + string(v.Conversation)), plainMarkdown(strings.Trim(marks(v), "[]"))}
	fmt.Fprintf(&b, "**%d**", v.Seq)
	for _, a := range about {
		if a != "" {
			b.WriteString(" · " + a)
		}
	}
	b.WriteString("\n\n")
	if v.Erased {
		b.WriteString("(the content is not kept)\n\n")
	}
	said := []string{v.Text, v.Note}
	if v.Click != nil {
		said = append(said, "pressed "+v.Click.Data)
	}
	for _, s := range said {
		if s = text.Block(s); strings.TrimSpace(s) != "" {
			fence := strings.Repeat("`", max(3, longestRun(s, '`')+1))
			b.WriteString(fence + "text\n" + s + "\n" + fence + "\n\n")
		}
	}
	for _, f := range fileList(v) {
		b.WriteString("- file: " + plainMarkdown(f) + "\n")
	}
	if len(v.Attachments) > 0 {
		b.WriteString("\n")
	}
	if v.Why != "" {
		b.WriteString("(" + plainMarkdown(v.Why) + ")\n\n")
	}
	return b.String()
}

// plainMarkdown is one line that Markdown shows as it is: all ASCII punctuation
// may be escaped (CommonMark 0.31, 2.4).
func plainMarkdown(s string) string {
	var b strings.Builder
	for _, r := range text.Line(s, 0) {
		if r <= unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// longestRun is how often r stands in a row in s, at most.
func longestRun(s string, r rune) (most int) {
	n := 0
	for _, c := range s {
		if n++; c != r {
			n = 0
		}
		most = max(most, n)
	}
	return most
}

// fileList is a message's attachments in words.
func fileList(v api.Entry) (out []string) {
	for _, a := range v.Attachments {
		s := a.Name
		if n := size(a.Size); n != "" {
			s += " (" + n + ")"
		}
		out = append(out, text.Line(s, 0))
	}
	return out
}

// csvExporter writes RFC 4180 with a heading.
func csvExporter(w io.Writer) exporter {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	begun := false
	begin := func() error {
		if begun {
			return nil
		}
		begun = true
		return out.Write([]string{"seq", "at", "account", "conversation", "thread", "direction", "status", "from_id", "from_name", "from_handle",
			"message", "reply_to", "text", "note", "files"})
	}
	return exporter{write: func(v api.Entry) error {
		if err := begin(); err != nil {
			return err
		}
		direction, id := "in", string(v.Message)
		if v.Outgoing {
			direction = "out"
			if len(v.IDs) > 0 {
				id = string(v.IDs[0])
			}
		}
		row := []string{fmt.Sprint(v.Seq), stamp(v.At), string(v.Account), string(v.Conversation), string(v.Thread), direction, string(v.Status),
			string(v.From.ID), v.From.Name, v.From.Handle, id, string(v.ReplyTo), v.Text, v.Note, strings.Join(fileList(v), "\n")}
		for i, cell := range row {
			row[i] = cellText(cell)
		}
		return out.Write(row)
	}, close: func() error {
		if err := begin(); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	}}
}

// stamp is a time for programs; "" for never.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// cellText is s without what steers a terminal, and as text for a spreadsheet:
// what would be a formula has a ' before it. Some programs skip spaces first or
// take the wide forms of the signs, too. https://owasp.org/www-community/attacks/CSV_Injection
func cellText(s string) string {
	s = text.Block(s)
	begin := strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsSpace(r) && r != '\t' && r != '\n' })
	for _, sign := range "=+-@＝＋－＠\t\n" {
		if strings.HasPrefix(begin, string(sign)) {
			return "'" + s
		}
	}
	return s
}
