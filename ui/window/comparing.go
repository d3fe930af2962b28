package window

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/inspect"
	"github.com/postern/postern/ui/model"
)

// mostDiffRows is how many rows of a comparison are shown.
const mostDiffRows = 20_000

// comparing is the dialog that shows in what two requests differ.
type comparing struct {
	a     *arrivals
	w     *Window
	m     *modal
	one   api.InputRequest
	head  *text
	pick  *widget.List // the others
	list  *widget.List // the lines
	hint  *text
	only  *check // leave out what is the same
	again *button
	stop  func()

	others []api.InputRequest // to choose from
	lines  []inspect.Line     // that are shown
	all    []inspect.Line
	rows   map[fyne.CanvasObject]*arrivalRow
	drawn  map[fyne.CanvasObject]*diffRow
}

// compareRequests lets choose from what is listed another request, and shows in
// what they differ.
func (w *Window) compareRequests(a *arrivals, r api.InputRequest) *comparing {
	c := &comparing{a: a, w: w, one: r, rows: map[fyne.CanvasObject]*arrivalRow{}, drawn: map[fyne.CanvasObject]*diffRow{}}
	c.others = slices.DeleteFunc(slices.Clone(a.lines), func(o api.InputRequest) bool { return o.ID == r.ID })
	c.head = note("")
	c.hint = newText("", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})
	c.only = newCheck("Only what differs", nil)
	c.only.tap = func() { c.only.setOn(!c.only.on); c.draw() }
	c.again = newButton(plain, "Another…", "", c.ask)
	c.pick = widget.NewList(func() int { return len(c.others) }, c.makeOther, c.drawOther)
	c.pick.OnSelected = func(i widget.ListItemID) {
		c.pick.UnselectAll()
		if i < len(c.others) {
			c.against(c.others[i])
		}
	}
	c.list = widget.NewList(func() int { return len(c.lines) }, c.makeLine, c.drawLine)
	c.list.OnSelected = func(widget.ListItemID) { c.list.UnselectAll() }
	c.pick.HideSeparators, c.list.HideSeparators = true, true
	shut := newButton(plain, "Close", "", func() { c.m.dismiss() })
	view := container.NewStack(newBox(colorSidebar, colorBorder, 8), padAll(6, container.NewStack(sized(0, 420, newBox(colorClear, "", 0)), c.pick, c.list)),
		pad(24, 120, 24, 0, vbox(0, c.hint)))
	c.m = w.open(frame(pad(0, 0, 0, 12, vbox(4, heading("Compare requests"), c.head)),
		pad(0, 12, 0, 0, hbox(8, c.only, gapFill(), c.again, shut)), nil, nil, view), 860, func() {
		if c.stop != nil {
			c.stop()
		}
	})
	w.win.Canvas().Focus(shut)
	c.ask()
	return c
}

// ask lists what can be compared.
func (c *comparing) ask() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	c.all, c.lines = nil, nil
	c.head.set("Choose what to compare the request of " + moment(c.one.At) + " with.")
	c.hint.set("")
	if len(c.others) == 0 {
		c.hint.set("There is no other request in the list. Choose another filter and try again.")
	}
	c.only.Hide()
	c.again.Hide()
	c.list.Hide()
	c.pick.Show()
	c.refresh()
}

// against shows in what r differs.
func (c *comparing) against(r api.InputRequest) {
	c.all, c.lines = nil, nil
	c.pick.Hide()
	c.list.Show()
	c.hint.set("Comparing…")
	c.refresh()
	one, svc := c.one.ID, c.w.svc
	width := fyne.MeasureText("m", sizeSmall, fyne.TextStyle{Monospace: true}).Width
	columns := max(20, int((c.pick.Size().Width-48)/max(width, 1)))
	c.stop = call(c.w.b, briefly, func(ctx context.Context) (out []inspect.Line, err error) {
		a, err := svc.Request(ctx, one)
		if err != nil {
			return nil, err
		}
		b, err := svc.Request(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		return diffRows(inspect.Diff(a, b), columns), nil
	}, func(out []inspect.Line, err error) {
		c.stop = nil
		c.again.Show()
		if err != nil {
			c.hint.set("They could not be compared. " + explain(err))
			c.refresh()
			return
		}
		if len(out) > mostDiffRows {
			out = append(out[:mostDiffRows:mostDiffRows], inspect.Line{Text: "… and more that is not shown"})
		}
		c.all = out
		n := 0
		for _, l := range out {
			if l.Mark == "+" || l.Mark == "-" {
				n++
			}
		}
		c.head.set("− " + moment(c.one.At) + "     + " + moment(r.At) + "     " + model.Count(n, "line differs", "lines differ"))
		if n == 0 {
			c.head.set("The requests of " + moment(c.one.At) + " and " + moment(r.At) + " hold the same.")
		}
		c.hint.set("")
		c.only.Show()
		c.only.setOn(n > 0)
		c.draw()
	})
}

// draw shows all lines, or only those that differ.
func (c *comparing) draw() {
	c.lines = c.all
	if c.only.on {
		c.lines = nil
		for _, l := range c.all {
			if l.Mark != " " {
				c.lines = append(c.lines, l)
			}
		}
	}
	c.refresh()
	c.list.ScrollToTop()
}

func (c *comparing) refresh() {
	c.list.Refresh()
	if c.m != nil {
		c.m.view.Refresh()
	}
}

func (c *comparing) makeOther() fyne.CanvasObject {
	o := c.a.makeRow()
	c.rows[o] = c.a.rows[o]
	delete(c.a.rows, o)
	return o
}

func (c *comparing) drawOther(i widget.ListItemID, o fyne.CanvasObject) {
	if r := c.rows[o]; r != nil && i < len(c.others) {
		r.draw(c.a, c.others[i])
	}
}

// diffRow is a line of a comparison.
type diffRow struct {
	box        *box
	mark, text *text
}

func (c *comparing) makeLine() fyne.CanvasObject {
	r := &diffRow{box: newBox(colorClear, "", 0), mark: newText("", look{size: sizeSmall, mono: true, bold: true, whole: true}), text: newText("", look{size: sizeSmall, mono: true})}
	o := container.NewStack(sized(0, previewRow, r.box), pad(8, 0, 8, 0, hbox(8, exactWidth(12, r.mark), fill(r.text))))
	c.drawn[o] = r
	return o
}

func (c *comparing) drawLine(i widget.ListItemID, o fyne.CanvasObject) {
	r := c.drawn[o]
	if r == nil || i >= len(c.lines) {
		return
	}
	l := c.lines[i]
	mark, ink, ground := l.Mark, colorText, colorClear
	switch l.Mark {
	case "+":
		ink, ground = colorGood, colorSoft
	case "-":
		mark, ink, ground = "−", colorBad, colorBadSoft
	case "":
		ink = colorMuted
	}
	r.box.tint(ground, "")
	r.mark.set(mark)
	r.mark.tint(ink)
	r.text.set(l.Text)
	r.text.tint(ink)
}
