package window

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

const activityPageSize = 200

// activityPage shows what happened and why, newest first.
type activityPage struct {
	w       *Window
	content fyne.CanvasObject
	search  *entry
	account *button // chooses one
	chips   map[api.What]*button
	list    *widget.List
	hint    *text
	rows    map[fyne.CanvasObject]*activityRow
	export  *button

	q        client.ActivityQuery
	lines    []api.Activity
	more     bool
	loading  bool
	again    bool
	stop     func()
	debounce func()
}

func newActivityPage(w *Window) *activityPage {
	p := &activityPage{w: w, chips: map[api.What]*button{}, rows: map[fyne.CanvasObject]*activityRow{}}
	p.search = newEntry(w, "Search who, why and ids")
	p.search.OnChanged = p.findSoon
	p.account = newButton(plain, allAccounts, iconDown, p.choose)
	p.account.after = true
	p.export = newButton(plain, "Export…", iconExport, p.save)
	chips := flow(4)
	for _, k := range []api.What{api.Alarm, api.Permission, api.GaveUp, api.Routed, api.SentOut, api.Retried, api.DiedOut, api.Rejected, api.Ignored, api.ToldAgain, api.Missed, api.Changed, api.Stopped, api.Resumed} {
		b := newButton(chip, model.ActivityWords(k), "", nil)
		b.tap = func() { p.filter(k) }
		p.chips[k] = b
		chips.Add(b)
	}
	p.list = widget.NewList(func() int { return len(p.lines) }, p.makeRow, p.drawRow)
	p.list.HideSeparators = true
	p.list.OnSelected = func(i widget.ListItemID) {
		p.list.UnselectAll()
		if i < len(p.lines) {
			p.details(p.lines[i])
		}
	}
	p.hint = newText("", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})
	head := pageHead("Activity", small("What happened, and why. Click a line for all of it."), p.export)
	tools := pad(28, 0, 28, 12, vbox(10, hbox(8, fill(p.search), exactWidth(210, p.account)), chips))
	names := pad(12, 0, 12, 6, activityColumns(
		columnHead("TIME"), columnHead("WHAT"), columnHead("ACCOUNT"), columnHead("WHO"), columnHead("WHY")))
	table := card(0, frame(vbox(0, pad(4, 10, 4, 0, names), rule()), nil, nil, nil,
		container.NewStack(pad(24, 40, 24, 0, vbox(0, p.hint)), padAll(4, p.list))))
	p.content = frame(vbox(0, head, tools), nil, nil, nil, pad(28, 0, 28, 24, table))
	return p
}

const allAccounts = "All accounts"

func columnHead(s string) *text {
	return newText(s, look{size: sizeTiny, color: colorMuted, bold: true})
}

// activityColumns lays out one line of the table.
func activityColumns(at, what, account, who, why fyne.CanvasObject) *fyne.Container {
	return container.New(columns{}, at, what, account, who, why)
}

// columns gives time and kind the width they need, and shares the rest among
// the other three.
type columns struct{}

func (columns) MinSize(objs []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(0, objs[0].MinSize().Height)
}

func (columns) Layout(objs []fyne.CanvasObject, size fyne.Size) {
	const space, at, what = 12, 84, 122
	rest := max(0, size.Width-at-what-4*space)
	var x float32
	for i, w := range []float32{at, what, rest * 0.22, rest * 0.19, rest * 0.59} {
		h := objs[i].MinSize().Height
		objs[i].Resize(fyne.NewSize(w, h))
		objs[i].Move(fyne.NewPos(x, (size.Height-h)/2))
		x += w + space
	}
}

func (p *activityPage) view() fyne.CanvasObject { return p.content }
func (p *activityPage) tick()                   {}

func (p *activityPage) shown() { p.snapshot() }

func (p *activityPage) snapshot() {
	p.name()
	p.refresh()
}

// choose offers the accounts there are.
func (p *activityPage) choose() {
	items := []*fyne.MenuItem{fyne.NewMenuItem(allAccounts, func() { p.only("") })}
	for _, a := range p.w.snap.Accounts {
		items = append(items, fyne.NewMenuItem(shortName(a), func() { p.only(a.ID) }))
	}
	pop := widget.NewPopUpMenu(fyne.NewMenu("", items...), p.w.win.Canvas())
	pop.ShowAtRelativePosition(fyne.NewPos(0, p.account.Size().Height+2), p.account)
	pop.Resize(fyne.NewSize(p.account.Size().Width, pop.MinSize().Height))
}

// only shows one account's activity, or with an empty id that of all.
func (p *activityPage) only(id platforms.AccountID) {
	if id != p.q.Account {
		p.q.Account = id
		p.start()
	}
	p.name()
}

// name shows which account is chosen.
func (p *activityPage) name() {
	label := allAccounts
	if p.q.Account != "" {
		label = clean.Line(string(p.q.Account), 24)
		if a, ok := p.w.account(p.q.Account); ok {
			label = clean.Line(shortName(a), 26)
		}
	}
	p.account.setLabel(label)
}

// shortName tells an account from the others in few words.
func shortName(a api.Account) string {
	name := clean.Line(a.Name, 30)
	if name == "" || name == clean.Line(a.Title, 30) {
		name = clean.Line(a.Handle, 30)
	}
	return strings.TrimSpace(clean.Line(a.Title, 30) + " " + name)
}

func (p *activityPage) filter(k api.What) {
	if i := slices.Index(p.q.What, k); i >= 0 {
		p.q.What = slices.Delete(slices.Clone(p.q.What), i, i+1)
	} else {
		p.q.What = append(slices.Clone(p.q.What), k)
	}
	for w, b := range p.chips {
		b.setOn(slices.Contains(p.q.What, w))
	}
	p.start()
}

func (p *activityPage) findSoon(s string) {
	if p.debounce != nil {
		p.debounce()
	}
	p.debounce = p.w.b.after(250*time.Millisecond, func() {
		if s = clean.Line(s, 400); s != p.q.Text {
			p.q.Text = s
			p.start()
		}
	})
}

// start reads anew, after the query changed.
func (p *activityPage) start() {
	if p.stop != nil {
		p.stop()
	}
	p.stop, p.loading, p.again = nil, false, false
	p.lines, p.more = nil, false
	p.list.ScrollToTop()
	p.draw()
	p.refresh()
}

// refresh reads the newest lines.
func (p *activityPage) refresh() {
	if !p.w.known {
		return
	}
	if p.loading {
		p.again = true
		return
	}
	p.load(0)
}

func (p *activityPage) load(before uint64) {
	p.loading = true
	q := p.q
	q.Before, q.Limit = before, activityPageSize
	p.stop = call(p.w.b, briefly, func(ctx context.Context) ([]api.Activity, error) { return p.w.svc.Activity(ctx, q) },
		func(as []api.Activity, err error) {
			p.loading, p.stop = false, nil
			switch {
			case err != nil && len(p.lines) == 0:
				p.hint.set("The activity could not be read. " + explain(err))
			case err != nil:
				p.more = false
				p.w.fail(err)
			default:
				p.merge(before, as)
				p.draw()
			}
			if p.again {
				p.again = false
				p.refresh()
			}
		})
}

func (p *activityPage) merge(before uint64, as []api.Activity) {
	full := len(as) >= activityPageSize
	switch {
	case before != 0:
		p.lines, p.more = append(p.lines, as...), full
	case len(p.lines) == 0 || len(as) == 0:
		p.lines, p.more = as, full
	default:
		n := slices.IndexFunc(as, func(a api.Activity) bool { return a.Seq <= p.lines[0].Seq })
		if n < 0 { // more is new than was read
			p.lines, p.more = as, full
			return
		}
		p.lines = append(as[:n:n], p.lines...)
		if y := p.list.GetScrollOffset(); n > 0 && y > 0 {
			p.list.Refresh()
			p.list.ScrollToOffset(y + float32(n)*(activityRowHeight+4))
		}
	}
}

func (p *activityPage) draw() {
	p.hint.set("")
	if len(p.lines) == 0 {
		p.hint.set("Nothing yet.")
		if p.loading {
			p.hint.set("")
		} else if p.q.Text != "" || p.q.Account != "" || len(p.q.What) > 0 {
			p.hint.set("Nothing matches.")
		}
	}
	p.list.Refresh()
}

const (
	activityRowHeight = 36
	offerWidth        = 640 // of a line in which there is room for buttons
)

// activityRow is one line.
type activityRow struct {
	view                        *fyne.Container
	at, what, account, who, why *text
	line                        api.Activity
	allow, ignore               *button // of who is not let in, and could be
}

func (p *activityPage) makeRow() fyne.CanvasObject {
	s := func(c fyne.ThemeColorName) *text { return newText("", look{size: sizeSmall, color: c}) }
	r := &activityRow{at: s(colorMuted), what: s(colorText), account: s(colorText), who: s(colorText), why: s(colorMuted)}
	r.what.look.bold = true
	r.allow = newButton(chip, "Allow…", "", func() { p.w.askAllow(r.line) })
	r.ignore = newButton(chip, "Ignore…", "", func() { p.w.ignoreForGood(r.line) })
	r.view = container.NewStack(sized(0, activityRowHeight, newBox(colorClear, "", 0)),
		pad(12, 0, 12, 0, activityColumns(r.at, r.what, r.account, r.who, hbox(6, fill(r.why), r.allow, r.ignore))))
	p.rows[r.view] = r
	return r.view
}

func (p *activityPage) drawRow(i widget.ListItemID, o fyne.CanvasObject) {
	r := p.rows[o]
	if r == nil || i >= len(p.lines) {
		return
	}
	a := p.lines[i]
	r.line = a
	offer := a.User != "" && p.list.Size().Width >= offerWidth // else behind a click
	setVisible(r.allow, offer)
	setVisible(r.ignore, offer)
	r.at.set(activityTime(a.At, p.w.now()))
	r.what.set(model.ActivityWords(a.What))
	r.what.tint(whatColor(a.What))
	r.account.set(p.accountOf(a))
	r.who.set(clean.Line(a.Who, 80))
	r.why.set(clean.Line(a.Why, 240))
	if i >= len(p.lines)-20 && p.more && !p.loading {
		p.loading = true // so that only one of the last lines asks
		last := p.lines[len(p.lines)-1].Seq
		p.w.b.after(0, func() { p.load(last) })
	}
}

func activityTime(t, now time.Time) string {
	t = t.Local()
	if daysBetween(t, now.Local()) == 0 {
		return t.Format("15:04:05")
	}
	return t.Format("2 Jan 15:04")
}

func whatColor(w api.What) fyne.ThemeColorName {
	switch w {
	case api.Alarm, api.DiedOut, api.Rejected, api.GaveUp:
		return colorBad
	case api.Retried, api.Stopped, api.Ignored:
		return colorWarn
	case api.Routed, api.SentOut, api.Resumed:
		return colorGood
	}
	return colorMuted
}

func (p *activityPage) accountOf(a api.Activity) string {
	if acc, ok := p.w.account(a.Account); ok {
		return shortName(acc)
	}
	return clean.Line(string(a.Account), 40)
}

// save exports what the filters select, as one JSON value a line.
func (p *activityPage) save() {
	q := p.q
	p.w.o.Files.Save("postern-activity-"+p.w.now().Format("2006-01-02")+".jsonl", func(out io.WriteCloser, err error) {
		if out == nil {
			p.w.fail(err)
			return
		}
		p.export.enable(false)
		p.export.setLabel("Exporting…")
		act(p.w.b, transit, func(ctx context.Context) error {
			in, err := p.w.svc.Export(ctx, q)
			if err == nil {
				_, err = io.Copy(out, in)
				_ = in.Close()
			}
			if e := out.Close(); err == nil {
				err = e
			}
			return err
		}, func(err error) {
			p.export.enable(true)
			p.export.setLabel("Export…")
			if err != nil {
				p.w.toasts.say("The export is not complete. "+explain(err), true)
				return
			}
			p.w.say("The activity was exported.")
		})
	})
}
