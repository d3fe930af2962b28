package window

import (
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// accountPicker is a button that chooses one of the accounts.
type accountPicker struct {
	w       *Window
	view    *fyne.Container
	button  *button
	id      platforms.AccountID
	changed func()
}

// newAccountPicker has an account chosen where there is only one.
func newAccountPicker(w *Window) *accountPicker {
	p := &accountPicker{w: w}
	p.button = newButton(plain, "Choose an account", iconDown, p.choose)
	p.button.after = true
	p.view = hbox(0, exactWidth(280, p.button), gapFill())
	if as := w.snap.Accounts; len(as) == 1 {
		p.set(as[0].ID)
	}
	return p
}

func (p *accountPicker) set(id platforms.AccountID) {
	p.id = id
	p.button.setLabel(clean.Line(p.w.accountLabel(id), 34))
	if p.changed != nil {
		p.changed()
	}
}

func (p *accountPicker) choose() {
	var items []*fyne.MenuItem
	for _, a := range p.w.snap.Accounts {
		items = append(items, fyne.NewMenuItem(shortName(a), func() { p.set(a.ID) }))
	}
	if len(items) == 0 {
		return
	}
	p.w.popUp(p.button, items)
}

// popUp shows a menu below a button, as wide as it.
func (w *Window) popUp(b *button, items []*fyne.MenuItem) {
	pop := widget.NewPopUpMenu(fyne.NewMenu("", items...), w.win.Canvas())
	pop.ShowAtRelativePosition(fyne.NewPos(0, b.Size().Height+2), b)
	pop.Resize(fyne.NewSize(max(b.Size().Width, pop.MinSize().Width), pop.MinSize().Height))
}

// untilPicker chooses when something ends.
type untilPicker struct {
	w       *Window
	view    *fyne.Container
	radios  []*radio
	other   *entry
	was     time.Time
	choices []untilChoice
	at      int
}

// untilChoice is one of its choices.
type untilChoice struct {
	label string
	end   func(now time.Time) time.Time // nil: what is typed
}

func newUntilPicker(w *Window, was time.Time) *untilPicker {
	p := &untilPicker{w: w, was: was}
	after := func(d time.Duration) func(time.Time) time.Time {
		return func(now time.Time) time.Time { return now.Add(d).Truncate(time.Second) }
	}
	const day = 24 * time.Hour
	if !was.IsZero() {
		p.choices = append(p.choices, untilChoice{"as it is: " + model.EndWords(was, w.now()), func(time.Time) time.Time { return was }})
	}
	p.choices = append(p.choices,
		untilChoice{"for ever", func(time.Time) time.Time { return time.Time{} }},
		untilChoice{"for 1 day", after(day)}, untilChoice{"for 7 days", after(7 * day)}, untilChoice{"for 30 days", after(30 * day)},
		untilChoice{"until the end of", nil})
	row := flow(6)
	for _, c := range p.choices {
		r := newRadio(c.label, nil)
		p.radios = append(p.radios, r)
		row.Add(r)
	}
	p.other = newEntry(w, "2026-12-31")
	row.Add(exactWidth(120, p.other))
	pick := exclude(p.radios, func(i int) { p.at = i })
	pick(0)
	p.other.OnChanged = func(s string) {
		if strings.TrimSpace(s) != "" {
			pick(len(p.choices) - 1)
		}
	}
	p.view = row
	return p
}

// value is the end, or why there is none.
func (p *untilPicker) value() (time.Time, string) {
	now := p.w.now()
	if end := p.choices[p.at].end; end != nil {
		return end(now), ""
	}
	d, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(p.other.Text), time.Local)
	if err != nil {
		return time.Time{}, "Enter the last day as year, month and day: 2026-12-31."
	}
	end := d.AddDate(0, 0, 1).Add(-time.Second)
	if !end.After(now) {
		return time.Time{}, "This day is over. Enter a later one."
	}
	return end, ""
}
