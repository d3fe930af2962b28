package window

import (
	"net/url"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// guide is a platform's setup: numbered steps, with what to open and what to
// copy. Its texts and addresses are our own.
func guide(w *Window, g platforms.Guide) fyne.CanvasObject {
	rows := vbox(14)
	for i, s := range g.Steps {
		rows.Add(step(w, i+1, s))
	}
	if len(g.Scopes) > 0 {
		list := strings.Join(g.Scopes, "\n")
		rows.Add(vbox(6, newText("The bot needs these permissions", look{bold: true, size: sizeSmall}),
			snippet(w, list, "Permissions")))
	}
	if g.Manifest != "" {
		rows.Add(fold("Show the manifest to paste", snippet(w, g.Manifest, "Manifest")))
	}
	return card(16, rows)
}

func step(w *Window, n int, s platforms.Step) fyne.CanvasObject {
	number := container.NewStack(sized(24, 24, newBox(colorSoft, "", 12)),
		hbox(0, gapFill(), newText(strconv.Itoa(n), look{size: sizeSmall, bold: true, color: colorAccent, whole: true}), gapFill()))
	what := vbox(8, pad(0, 2, 0, 0, body(s.Text)))
	actions := flow(8)
	if s.Copy != "" {
		if strings.Contains(s.Copy, "\n") || len(s.Copy) > 60 {
			what.Add(snippet(w, s.Copy, "Text"))
		} else {
			actions.Add(newSnip(w, s.Copy))
		}
	}
	if s.URL != "" {
		actions.Add(newButton(plain, "Open "+address(s.URL), iconOpen, func() { w.visit(s.URL) }))
		actions.Add(newButton(quiet, "Copy link", iconCopy, func() { w.copy(s.URL, "Link") }))
	}
	if len(actions.Objects) > 0 {
		what.Add(actions)
	}
	return hboxTop(12, number, fill(what))
}

// address is a link without what everybody knows.
func address(link string) string {
	u, err := url.Parse(link)
	if err != nil {
		return link
	}
	return clean.Line(strings.TrimSuffix(u.Host+u.Path, "/"), 48)
}

// newSnip is a short text to copy.
func newSnip(w *Window, s string) fyne.CanvasObject {
	return container.NewStack(newBox(colorSunken, colorBorder, 6), pad(12, 0, 0, 0,
		hbox(4, newText(s, look{mono: true, whole: true}), newButton(quiet, "", iconCopy, func() { w.copy(s, "“"+s+"”") }))))
}

// snippet is a longer text to copy.
func snippet(w *Window, s, what string) fyne.CanvasObject {
	return container.NewStack(newBox(colorSunken, colorBorder, 8), pad(12, 8, 4, 8,
		hboxTop(8, fill(newText(s, look{mono: true, size: sizeSmall, wrap: true})),
			newButton(quiet, "", iconCopy, func() { w.copy(s, what) }))))
}
