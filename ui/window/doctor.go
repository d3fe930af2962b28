package window

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// examining is the longest that an examination may take; the service bounds it
// itself, earlier.
const examining = 60 * time.Second

// doctorPage shows what the doctor finds, as it finds it.
type doctorPage struct {
	w       *Window
	content fyne.CanvasObject
	summary *text
	run     *button
	bundle  *button
	failure *text
	failed  *fyne.Container
	groups  *fyne.Container

	findings []api.Finding // in the service's order
	ended    time.Time     // of the last whole examination
	stop     func()        // of the one that runs
	round    int           // counts examinations: what an earlier one finds is late
}

func newDoctorPage(w *Window) *doctorPage {
	p := &doctorPage{w: w, summary: small("Whether everything works, and what to do where it does not.")}
	p.run = newButton(primary, "Run", "", p.startOrStop)
	p.bundle = newButton(plain, "Support bundle…", iconExport, p.support)
	p.failure = body("")
	p.failed = remark(true, p.failure)
	p.failed.Hide()
	p.groups = vbox(16)
	p.content = frame(pageHead("Doctor", p.summary, p.bundle, p.run), nil, nil, nil,
		container.NewVScroll(pad(28, 0, 28, 28, vbox(12, p.failed, p.groups))))
	return p
}

func (p *doctorPage) view() fyne.CanvasObject { return p.content }
func (p *doctorPage) shown()                  { p.begin() }
func (p *doctorPage) snapshot()               { p.begin() }

// begin starts the first examination by itself: whoever opens this page wants to
// know.
func (p *doctorPage) begin() {
	if p.round == 0 && p.w.known && p.w.page == PageDoctor {
		p.start()
	}
}

func (p *doctorPage) tick() { p.tell() }

func (p *doctorPage) startOrStop() {
	if p.stop == nil {
		p.start()
		return
	}
	p.stop()
	p.over()
	p.failure.set("You stopped this before everything was looked at.")
	p.failed.Show()
	p.draw()
}

func (p *doctorPage) start() {
	p.round++
	round := p.round
	p.findings, p.ended = nil, time.Time{}
	p.failed.Hide()
	p.stop = act(p.w.b, examining, func(ctx context.Context) error {
		return p.w.svc.Doctor(ctx, func(x api.Examination) {
			p.w.b.ui(func() {
				if p.round == round && p.stop != nil {
					p.found(x)
				}
			})
		})
	}, func(err error) {
		if err == nil {
			p.ended = p.w.now()
		} else {
			p.failure.set("Not everything was looked at. " + explain(err))
			p.failed.Show()
		}
		p.over()
		p.draw()
	})
	p.draw()
}

// over is the end of an examination; what it has not looked at stays unknown.
func (p *doctorPage) over() {
	p.stop = nil
	for i := range p.findings {
		if p.findings[i].State == "" {
			p.findings[i].State = api.Unclear
		}
	}
}

// found takes one line of an examination in.
func (p *doctorPage) found(x api.Examination) {
	if x.Checks != nil {
		p.findings = slices.Clone(x.Checks)
	}
	if f := x.Finding; f != nil {
		if i := slices.IndexFunc(p.findings, func(have api.Finding) bool { return have.ID == f.ID }); i >= 0 {
			p.findings[i] = *f
		} else {
			p.findings = append(p.findings, *f)
		}
	}
	p.draw()
}

// tell says how far it is, or what came out.
func (p *doctorPage) tell() {
	label := "Run again"
	switch {
	case p.stop != nil:
		label = "Stop"
		open := 0
		for _, f := range p.findings {
			if f.State == "" {
				open++
			}
		}
		p.summary.set("Looking…")
		if n := len(p.findings); n > 0 {
			p.summary.set(fmt.Sprintf("Looking… %d of %d done", n-open, n))
		}
	case len(p.findings) > 0 && !p.ended.IsZero():
		p.summary.set(model.Diagnosis(p.findings) + " · " + model.Ago(p.ended, p.w.now()))
	case len(p.findings) > 0:
		p.summary.set(model.Diagnosis(p.findings))
	default:
		p.summary.set("Whether everything works, and what to do where it does not.")
		label = "Run"
	}
	p.run.setLabel(label)
}

// draw shows the findings: what needs the person, what is being looked at, what
// is fine.
func (p *doctorPage) draw() {
	p.tell()
	p.groups.Objects = nil
	var names []string
	rows := map[string]*fyne.Container{}
	for _, f := range model.ByUrgency(p.findings) {
		name := "Needs you"
		switch f.State {
		case api.Healthy:
			name = "Fine"
		case api.Skipped:
			name = "Not looked at"
		case "":
			name = "Looking"
		}
		if rows[name] == nil {
			rows[name] = vbox(12)
			names = append(names, name)
		} else {
			rows[name].Add(rule())
		}
		rows[name].Add(findingRow(f))
	}
	for _, name := range names {
		p.groups.Add(vbox(8, newText(name, look{bold: true}), card(16, rows[name])))
	}
	p.content.Refresh()
}

// findingRow is one check: a symbol with its word, what was found, what to do.
func findingRow(f api.Finding) fyne.CanvasObject {
	v := model.Health(f.State)
	ink := stateColor(v.State)
	lines := vbox(3, hbox(8, fill(newText(clean.Line(f.Title, 90), look{bold: true})), newText(v.Words, look{size: sizeSmall, color: ink, whole: true})))
	if f.Text != "" {
		lines.Add(newText(clean.Line(f.Text, 600), look{size: sizeSmall, wrap: true}))
	}
	if f.Do != "" {
		lines.Add(hboxTop(6, newText("→", look{size: sizeSmall, color: colorAccent, whole: true}),
			fill(newText(clean.Line(f.Do, 600), look{size: sizeSmall, color: colorAccent, wrap: true}))))
	}
	return hboxTop(12, newSymbol(v.Symbol, 18, ink), fill(lines))
}
