package window

import (
	"context"
	"io"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// supportDialog shows what a bundle for whoever helps would hold, and saves
// exactly that.
type supportDialog struct {
	w     *Window
	m     *modal
	files *fyne.Container
	chips []*button
	taken *text
	list  *widget.List
	hint  *text
	save  *button
	stop  func()

	bundle api.Support
	lines  []string // of the file that is shown
}

// previewColumns is how many characters of a line stand in one row where there
// is room: nothing is cut off.
const previewColumns = 92

const previewRow = 17

func (p *doctorPage) support() {
	d := &supportDialog{w: p.w, files: flow(4), taken: note(""), hint: newText("Looking at everything, and taking out what is private…", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})}
	rows := map[fyne.CanvasObject]*text{}
	d.list = widget.NewList(func() int { return len(d.lines) }, func() fyne.CanvasObject {
		t := newText("", look{size: sizeSmall, mono: true})
		o := container.NewStack(sized(0, previewRow, newBox(colorClear, "", 0)), t)
		rows[o] = t
		return o
	}, func(i widget.ListItemID, o fyne.CanvasObject) {
		if t := rows[o]; t != nil && i < len(d.lines) {
			t.set(d.lines[i])
		}
	})
	d.list.HideSeparators = true
	d.list.OnSelected = func(widget.ListItemID) { d.list.UnselectAll() }
	d.save = newButton(primary, "Save…", iconExport, d.store)
	d.save.enable(false)
	shut := newButton(plain, "Close", "", func() { d.m.dismiss() })
	preview := container.NewStack(newBox(colorSidebar, colorBorder, 8), padAll(8, container.NewStack(sized(0, 320, newBox(colorClear, "", 0)), d.list)), pad(24, 120, 24, 0, vbox(0, d.hint)))
	d.m = p.w.open(vbox(12, heading("Support bundle"),
		note("For whoever helps you. It holds no messages. Secrets, names, ids and paths of yours are taken out before you see it. Look through it: this, and nothing else, is saved."),
		d.files, preview, d.taken, pad(0, 4, 0, 0, hbox(8, gapFill(), shut, d.save))), 860, func() {
		if d.stop != nil {
			d.stop()
		}
	})
	p.w.win.Canvas().Focus(shut)
	d.stop = call(p.w.b, examining, p.w.svc.Support, func(s api.Support, err error) {
		d.stop = nil
		if err != nil {
			d.hint.set("No bundle was made. " + explain(err))
			d.hint.tint(colorBad)
			return
		}
		d.show(s)
	})
}

// show lets look at what came.
func (d *supportDialog) show(s api.Support) {
	d.bundle = s
	d.hint.Hide()
	d.save.enable(len(s.Files) > 0)
	d.taken.set(model.Taken(s.Masked))
	for i, f := range s.Files {
		b := newButton(chip, clean.Line(f.Name, 40)+" · "+model.Size(int64(len(f.Text))), "", nil)
		b.tap = func() { d.choose(i) }
		d.chips = append(d.chips, b)
		d.files.Add(b)
	}
	if len(s.Files) > 0 {
		d.choose(0)
	}
	d.m.view.Refresh()
	d.m.view.Resize(d.w.win.Canvas().Size())
}

// choose shows one of the files.
func (d *supportDialog) choose(i int) {
	for j, b := range d.chips {
		b.setOn(i == j)
	}
	columns := previewColumns
	if w := d.list.Size().Width; w > 0 {
		one := fyne.MeasureText("m", sizeSmall, fyne.TextStyle{Monospace: true}).Width
		columns = max(20, min(columns, int(w/one)-1))
	}
	d.lines = previewLines(d.bundle.Files[i].Text, columns)
	d.list.Refresh()
	d.list.ScrollToTop()
}

// previewLines is a text as rows that are no longer than the preview is wide.
func previewLines(s string, columns int) (rows []string) {
	for line := range strings.SplitSeq(strings.TrimSuffix(s, "\n"), "\n") {
		rest := []rune(strings.ReplaceAll(clean.Block(line), "\t", "    "))
		for len(rest) > columns {
			rows = append(rows, string(rest[:columns]))
			rest = append([]rune("    "), rest[columns:]...)
		}
		rows = append(rows, string(rest))
	}
	return rows
}

// store saves what was shown.
func (d *supportDialog) store() {
	s, at := d.bundle, d.w.now()
	d.w.o.Files.Save("postern-support-"+at.Format("2006-01-02")+".zip", func(out io.WriteCloser, err error) {
		if out == nil {
			d.w.fail(err)
			return
		}
		d.save.enable(false)
		act(d.w.b, transit, func(context.Context) error {
			err := client.WriteSupport(out, s, at)
			if e := out.Close(); err == nil {
				err = e
			}
			return err
		}, func(err error) {
			d.save.enable(true)
			if err != nil {
				d.w.toasts.say("The bundle is not complete. "+explain(err), true)
				return
			}
			d.m.close()
			d.w.say("The bundle was saved.")
		})
	})
}
