package window

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/widget"
)

// look is how a text is drawn; zero fields mean body text in the foreground
// colour.
type look struct {
	size  float32
	color fyne.ThemeColorName
	bold  bool
	mono  bool
	align fyne.TextAlign
	wrap  bool // in as many lines as it takes; else cut to one, with an ellipsis
	whole bool // one line that is never cut
}

// text draws plain text, exactly as it is: no markup, no padding.
type text struct {
	widget.BaseWidget
	s    string
	look look

	width float32
	lines []string
}

func newText(s string, l look) *text {
	if l.size == 0 {
		l.size = sizeBody
	}
	if l.color == "" {
		l.color = colorText
	}
	t := &text{s: s, look: l}
	t.ExtendBaseWidget(t)
	t.wrapLines()
	return t
}

func title(s string) *text   { return newText(s, look{size: sizeTitle, bold: true}) }
func heading(s string) *text { return newText(s, look{size: sizeHeading, bold: true}) }
func body(s string) *text    { return newText(s, look{wrap: true}) }
func small(s string) *text   { return newText(s, look{size: sizeSmall, color: colorMuted}) }
func note(s string) *text    { return newText(s, look{size: sizeSmall, color: colorMuted, wrap: true}) }

// set changes the words and reports whether they differ.
func (t *text) set(s string) bool {
	if t.s == s {
		return false
	}
	t.s = s
	t.wrapLines()
	t.Refresh()
	return true
}

// tint changes the colour.
func (t *text) tint(c fyne.ThemeColorName) {
	if t.look.color != c {
		t.look.color = c
		t.Refresh()
	}
}

func (t *text) style() fyne.TextStyle {
	return fyne.TextStyle{Bold: t.look.bold, Monospace: t.look.mono}
}

func (t *text) measure(s string) fyne.Size { return fyne.MeasureText(s, t.look.size, t.style()) }

func (t *text) lineHeight() float32 { return t.measure("Mg").Height }

// Resize implements fyne.CanvasObject.
func (t *text) Resize(s fyne.Size) {
	if s.Width != t.width {
		t.width = s.Width
		t.wrapLines()
		t.BaseWidget.Resize(s)
		t.Refresh()
		return
	}
	t.BaseWidget.Resize(s)
}

// MinSize implements fyne.CanvasObject. What can be cut or wrapped asks for no
// width.
func (t *text) MinSize() fyne.Size {
	h := t.lineHeight() * float32(max(1, len(t.lines)))
	if t.look.whole {
		return fyne.NewSize(t.measure(t.s).Width, h)
	}
	return fyne.NewSize(0, h)
}

// natural is how wide the text is if nothing is cut or wrapped.
func (t *text) natural() (w float32) {
	for l := range strings.SplitSeq(t.s, "\n") {
		w = max(w, t.measure(l).Width)
	}
	return w
}

func (t *text) wrapLines() {
	switch {
	case t.look.whole || t.width <= 0 && !t.look.wrap:
		t.lines = []string{t.s}
	case t.look.wrap:
		t.lines = t.lines[:0]
		for l := range strings.SplitSeq(t.s, "\n") {
			t.lines = wrapLine(t.lines, strings.TrimRight(strings.ReplaceAll(l, "\t", "    "), " \r"), t.width, t.measure)
		}
	default:
		t.lines = []string{elide(t.s, t.width, t.measure)}
	}
}

// elide cuts s to width.
func elide(s string, width float32, measure func(string) fyne.Size) string {
	if measure(s).Width <= width {
		return s
	}
	r := []rune(s)
	lo, hi := 0, len(r)
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if measure(string(r[:mid])+"…").Width <= width {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return strings.TrimRight(string(r[:lo]), " ") + "…"
}

// wrapLine appends s to lines, broken between words where it is wider than
// width, and inside words that are wider by themselves.
func wrapLine(lines []string, s string, width float32, measure func(string) fyne.Size) []string {
	if width <= 0 || measure(s).Width <= width {
		return append(lines, s)
	}
	space := measure(" ").Width
	var line strings.Builder
	var x float32
	flush := func() {
		lines = append(lines, strings.TrimRight(line.String(), " "))
		line.Reset()
		x = 0
	}
	for i, word := range strings.Split(s, " ") {
		if i > 0 {
			line.WriteByte(' ')
			x += space
		}
		w := measure(word).Width
		if x+w <= width {
			line.WriteString(word)
			x += w
			continue
		}
		if strings.TrimSpace(line.String()) != "" {
			flush()
		}
		if w <= width {
			line.WriteString(word)
			x = w
			continue
		}
		for _, r := range word {
			c := measure(string(r)).Width
			if x > 0 && x+c > width {
				flush()
			}
			line.WriteRune(r)
			x += c
		}
	}
	flush()
	return lines
}

// CreateRenderer implements fyne.Widget.
func (t *text) CreateRenderer() fyne.WidgetRenderer {
	r := &textRenderer{t: t}
	r.build()
	return r
}

type textRenderer struct {
	t    *text
	objs []fyne.CanvasObject
}

func (r *textRenderer) build() {
	c := colorOf(r.t.look.color)
	for len(r.objs) < len(r.t.lines) {
		r.objs = append(r.objs, canvas.NewText("", c))
	}
	r.objs = r.objs[:len(r.t.lines)]
	for i, s := range r.t.lines {
		o := r.objs[i].(*canvas.Text)
		o.Text, o.Color, o.TextSize, o.TextStyle, o.Alignment = s, c, r.t.look.size, r.t.style(), r.t.look.align
	}
	r.Layout(r.t.Size())
}

func (r *textRenderer) Layout(size fyne.Size) {
	h := r.t.lineHeight()
	for i, o := range r.objs {
		o.Move(fyne.NewPos(0, float32(i)*h))
		o.Resize(fyne.NewSize(size.Width, h))
	}
}

func (r *textRenderer) Refresh() {
	r.build()
	for _, o := range r.objs {
		o.Refresh()
	}
	canvas.Refresh(r.t)
}

func (r *textRenderer) MinSize() fyne.Size           { return r.t.MinSize() }
func (r *textRenderer) Objects() []fyne.CanvasObject { return r.objs }
func (r *textRenderer) Destroy()                     {}
