package window

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// dryRun is the dialog that tells what would have become of the last events.
type dryRun struct {
	w    *Window
	p    *answersPage
	m    *modal
	said *text
	rows *fyne.Container
	only *button
	out  []model.Outcome
}

// tryRoutes opens the dialog: before are the routes as they are saved, after as
// they would be.
func (w *Window) tryRoutes(p *answersPage, before, after []api.Route) *dryRun {
	d := &dryRun{w: w, p: p, said: body("Looking at the last messages…"), rows: vbox(0)}
	d.only = newButton(chip, "Only what changes", "", func() { d.only.setOn(!d.only.on); d.draw() })
	d.only.Hide()
	scroll := container.NewVScroll(pad(0, 0, 12, 8, d.rows))
	foot := vbox(10, rule(), hbox(8, gapFill(), newButton(plain, "Close", "", func() { d.m.dismiss() })))
	head := pad(0, 0, 0, 12, vbox(8, heading("What would have become of the last messages"), hbox(8, fill(d.said), d.only)))
	d.m = w.open(frame(head, foot, nil, nil, container.New(&uncut{}, scroll)), 860, nil)
	svc, same := w.svc, sameRoutes(before, after)
	type both struct{ old, new []api.RouteTried }
	call(w.b, patient, func(ctx context.Context) (b both, err error) {
		if b.new, err = svc.TryRoutes(ctx, after); err != nil || same {
			b.old = b.new
			return b, err
		}
		b.old, err = svc.TryRoutes(ctx, before)
		return b, err
	}, func(b both, err error) {
		if err != nil {
			d.said.set("It could not be tried. " + explain(err))
			d.m.view.Refresh()
			return
		}
		d.out = model.Outcomes(b.old, b.new)
		changed := 0
		for _, o := range d.out {
			if o.Changed {
				changed++
			}
		}
		switch {
		case len(d.out) == 0:
			d.said.set("There are no messages to try them with yet.")
		case same:
			d.said.set("Nothing was done: this is what the saved routes do with the last " + model.Count(len(d.out), "message", "messages") + ".")
		case changed == 0:
			d.said.set("Nothing would change for the last " + model.Count(len(d.out), "message", "messages") + ".")
		default:
			d.said.set(model.Count(changed, "message goes", "messages go") + " another way than with the saved routes, of " + model.Count(len(d.out), "message", "messages") + ".")
		}
		setVisible(d.only, changed > 0)
		d.draw()
	})
	return d
}

func (d *dryRun) draw() {
	d.rows.Objects = nil
	now := d.w.now()
	for _, o := range d.out {
		if d.only.on && !o.Changed {
			continue
		}
		e := o.Entry
		line := clean.Line(e.Text, 200)
		if line == "" {
			line = "(no text)"
		}
		ink := colorText
		words := vbox(1, hbox(8, newText(clockOf(e.At, now), look{size: sizeSmall, color: colorMuted, whole: true}), newText(userName(e.From), look{size: sizeSmall, bold: true, whole: true}),
			fill(newText(line, look{size: sizeSmall}))))
		if o.Changed {
			ink = colorWarn
			words.Add(leads("Before: "+o.BeforeRoute, o.BeforeTo, colorMuted))
			words.Add(leads("Now: "+o.Route, o.To, ink))
		} else {
			words.Add(leads(o.Route, o.To, colorMuted))
		}
		sign := newIcon(iconRight, colorMuted, 14)
		if o.Changed {
			sign = newIcon(iconEdit, ink, 14)
		}
		d.rows.Add(pad(0, 6, 0, 6, hboxTop(8, sign, fill(words))))
		d.rows.Add(rule())
	}
	d.m.view.Refresh()
}

// leads is a line that says where a route leads.
func leads(route, to string, ink fyne.ThemeColorName) fyne.CanvasObject {
	return hboxTop(6, newText(route, look{size: sizeSmall, color: ink, whole: true}), newIcon(iconSend, ink, 14), fill(newText(to, look{size: sizeSmall, color: ink, wrap: true})))
}
