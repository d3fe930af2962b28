package window

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// Widths of the comparison's columns.
const (
	compareName  float32 = 118
	compareValue float32 = 136
)

// compare shows what all platforms can and can't do, side by side.
func (p *setupPage) compare() {
	kinds := p.w.kinds
	head := hboxTop(12, exactWidth(compareName, gap()))
	for _, k := range kinds {
		head.Add(exactWidth(compareValue, newText(clean.Line(k.Title, 40), look{bold: true, wrap: true})))
	}
	rows := vbox(8, head, rule())
	for _, c := range model.Capabilities(kinds) {
		row := hboxTop(12, exactWidth(compareName, newText(c.Name, look{size: sizeSmall, bold: true, wrap: true})))
		for _, v := range c.Values {
			row.Add(exactWidth(compareValue, capability(v)))
		}
		rows.Add(row)
		rows.Add(rule())
	}
	width := compareName + float32(len(kinds))*(compareValue+12)
	var m *modal
	done := newButton(primary, "Close", "", func() { m.close() })
	body := vbox(16, heading("What each platform can do"),
		tall(440, container.NewScroll(exactWidth(width, rows))),
		hbox(8, fill(note("From the platforms' own documentation, as of this version.")), done))
	m = p.w.open(body, width+60, nil)
	p.w.win.Canvas().Focus(done)
}

// abilities is one platform's column of the comparison, for its form.
func abilities(k api.Platform) fyne.CanvasObject {
	rows := vbox(6)
	for _, c := range model.Capabilities([]api.Platform{k}) {
		rows.Add(hboxTop(12, exactWidth(compareName+12, newText(c.Name, look{size: sizeSmall, color: colorMuted, wrap: true})), fill(capability(c.Values[0]))))
	}
	return rows
}

func capability(v string) *text {
	l := look{size: sizeSmall, wrap: true}
	if v == "no" || v == "no limit known" {
		l.color = colorMuted
	}
	return newText(clean.Block(v), l)
}

// gap is nothing, where a layout wants an object.
func gap() fyne.CanvasObject { return newText("", look{}) }

// tall gives o this height, or what is there.
func tall(h float32, o fyne.CanvasObject) fyne.CanvasObject { return container.New(&tallest{h}, o) }

type tallest struct{ height float32 }

// MinSize implements fyne.Layout.
func (t *tallest) MinSize(objs []fyne.CanvasObject) (min fyne.Size) {
	for _, o := range objs {
		min = min.Max(o.MinSize())
	}
	min.Height = t.height
	return min
}

// Layout implements fyne.Layout.
func (*tallest) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	for _, o := range objs {
		o.Move(fyne.Position{})
		o.Resize(size)
	}
}
