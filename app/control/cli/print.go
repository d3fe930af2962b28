package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/term"

	"github.com/postern/postern/platforms/text"
)

// say prints one line for a person. Its values are cleaned.
func (e *env) say(format string, a ...any) {
	fmt.Fprintln(e.Out, text.Line(fmt.Sprintf(format, a...), 0))
}

// row prints cells side by side, without the empty ones. They are cleaned.
func (e *env) row(cells []string) {
	var shown []string
	for _, cell := range cells {
		if cell = text.Line(cell, 0); cell != "" {
			shown = append(shown, cell)
		}
	}
	fmt.Fprintln(e.Out, strings.Join(shown, "  "))
}

// told says what was done unless err says that it wasn't; nothing with --json,
// as there is nothing to tell a program beyond the exit code.
func (e *env) told(err error, format string, a ...any) error {
	if err == nil && !e.json {
		e.say(format, a...)
	}
	return err
}

// block prints text of several lines from outside, each indented, so that none
// passes for a line of ours.
func (e *env) block(s string) {
	for line := range strings.SplitSeq(text.Block(s), "\n") {
		fmt.Fprintln(e.Out, "    "+line)
	}
}

// printJSON prints v in ASCII-safe JSON: indented for one answer.
func (e *env) printJSON(v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	return e.rawJSON(raw, err)
}

// lineJSON prints v as one line of JSON.
func (e *env) lineJSON(v any) error {
	raw, err := json.Marshal(v)
	return e.rawJSON(raw, err)
}

func (e *env) rawJSON(raw []byte, err error) error {
	if err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	_, err = io.WriteString(e.Out, safeJSON(raw)+"\n")
	return err
}

// safeJSON is valid JSON raw with everything invisible escaped: encoding/json
// escapes the first 32 control characters only, and a terminal obeys others.
func safeJSON(raw []byte) string {
	var b strings.Builder
	b.Grow(len(raw))
	for len(raw) > 0 {
		r, n := utf8.DecodeRune(raw)
		switch {
		case r < 0x7f:
			b.WriteByte(raw[0]) // line breaks are those between values
		case unicode.IsPrint(r) && r != utf8.RuneError:
			b.Write(raw[:n])
		case r > 0xffff:
			hi, lo := surrogates(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		raw = raw[n:]
	}
	return b.String()
}

func surrogates(r rune) (hi, lo rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

// table prints rows below head, in columns. Cells are cleaned; the last column
// is cut where the terminal ends.
func (e *env) table(head []string, rows [][]string) {
	rows = append([][]string{head}, rows...)
	widths := make([]int, len(head))
	for _, row := range rows {
		for i := range row {
			row[i] = text.Line(row[i], 0)
			if i < len(row)-1 {
				row[i] = text.Line(row[i], 48)
				widths[i] = max(widths[i], uniseg.StringWidth(row[i]))
			}
		}
	}
	most := e.width()
	for _, row := range rows {
		var b strings.Builder
		used := 0
		for i, cell := range row {
			if i == len(row)-1 {
				b.WriteString(fit(cell, most-used))
				break
			}
			b.WriteString(cell)
			b.WriteString(strings.Repeat(" ", widths[i]-uniseg.StringWidth(cell)+2))
			used += widths[i] + 2
		}
		fmt.Fprintln(e.Out, strings.TrimRight(b.String(), " "))
	}
}

// fit cuts s to most columns, but not below 20.
func fit(s string, most int) string {
	most = max(most, 20)
	if uniseg.StringWidth(s) <= most {
		return s
	}
	used, state, rest := 0, -1, s
	var b strings.Builder
	for rest != "" {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if used+w > most-1 {
			break
		}
		used += w
		b.WriteString(cluster)
	}
	return b.String() + "…"
}

// width is the terminal's, or one that cuts nothing where Out is none.
func (e *env) width() int {
	if f, ok := e.Out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			return w
		}
	}
	return 1 << 16
}

// when is a time for a person; "" for never.
func (e *env) when(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(e.Zone).Format("2006-01-02 15:04")
}

// size is a number of bytes for a person.
func size(n int64) string {
	switch {
	case n <= 0:
		return ""
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}

// some is n, or nothing for 0.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
