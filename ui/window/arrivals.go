package window

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

const (
	arrivalsPageSize = 200
	// mostArrivals is how many requests are listed; older ones are found by a
	// search.
	mostArrivals     = 5000
	arrivalRowHeight = 48
)

// arrivals lists what arrived, newest first, and shows the one that is chosen.
type arrivals struct {
	p      *inputsPage
	w      *Window
	view   *fyne.Container
	panes  *halves
	search *entry
	input  *button // chooses one
	chips  map[string]*button
	list   *widget.List
	hint   *text
	rows   map[fyne.CanvasObject]*arrivalRow
	detail *arrival

	q        api.InputQuery
	lines    []api.InputRequest
	chosen   uint64 // the request that is shown
	more     bool
	loading  bool
	again    bool
	stop     func()
	debounce func()
}

const allInputs = "All inputs"

func newArrivals(p *inputsPage) *arrivals {
	a := &arrivals{p: p, w: p.w, chips: map[string]*button{}, rows: map[fyne.CanvasObject]*arrivalRow{}}
	a.search = newEntry(a.w, "Search headers and bodies")
	a.search.OnChanged = a.findSoon
	a.input = newButton(plain, allInputs, iconDown, a.choose)
	a.input.after = true
	chips := hbox(4)
	for _, c := range []struct{ only, label string }{{"", "All"}, {"verified", "Verified"}, {"refused", "Refused"}} {
		b := newButton(chip, c.label, "", func() { a.filter(c.only) })
		a.chips[c.only] = b
		chips.Add(b)
	}
	a.chips[""].setOn(true)
	a.list = widget.NewList(func() int { return len(a.lines) }, a.makeRow, a.drawRow)
	a.list.HideSeparators = true
	a.list.OnSelected = func(i widget.ListItemID) {
		a.list.UnselectAll()
		if i < len(a.lines) {
			a.pick(a.lines[i])
		}
	}
	a.hint = newText("", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})
	a.detail = newArrival(a)
	table := card(0, container.NewStack(pad(24, 40, 24, 0, vbox(0, a.hint)), padAll(4, a.list)))
	a.panes = newHalves(table, a.detail.view)
	a.panes.alone = a.detail.alone
	tools := pad(28, 0, 28, 12, vbox(8, hbox(8, fill(a.search), exactWidth(190, a.input)), hbox(0, chips, gapFill())))
	a.view = frame(tools, nil, nil, nil, pad(28, 0, 28, 24, a.panes.view))
	return a
}

// choose offers the inputs there are.
func (a *arrivals) choose() {
	items := []*fyne.MenuItem{fyne.NewMenuItem(allInputs, func() { a.only("") })}
	for _, in := range a.p.data {
		items = append(items, fyne.NewMenuItem(model.InputName(in), func() { a.only(in.Account) }))
	}
	a.w.popUp(a.input, items)
}

// only lists what arrived at one input, or with an empty id at all.
func (a *arrivals) only(id platforms.AccountID) {
	if id != a.q.Account {
		a.q.Account = id
		a.start()
	}
	a.name()
}

// name shows which input is chosen.
func (a *arrivals) name() {
	label := allInputs
	if a.q.Account != "" {
		label = clean.Line(a.p.label(a.q.Account), 22)
	}
	a.input.setLabel(label)
	a.list.Refresh()
}

func (a *arrivals) filter(only string) {
	if a.q.Only == only {
		return
	}
	a.q.Only = only
	for o, b := range a.chips {
		b.setOn(o == only)
	}
	a.start()
}

func (a *arrivals) findSoon(s string) {
	if a.debounce != nil {
		a.debounce()
	}
	a.debounce = a.w.b.after(250*time.Millisecond, func() {
		if s = clean.Line(s, 400); s != a.q.Text {
			a.q.Text = s
			a.start()
		}
	})
}

// start reads anew, after the query changed. A search that is under way ends.
func (a *arrivals) start() {
	if a.stop != nil {
		a.stop()
	}
	a.stop, a.loading, a.again = nil, false, false
	a.lines, a.more = nil, false
	a.list.ScrollToTop()
	a.refresh()
	a.draw()
}

// refresh reads the newest requests.
func (a *arrivals) refresh() {
	if !a.w.known {
		return
	}
	if a.loading {
		a.again = true
		return
	}
	a.load(0)
}

func (a *arrivals) load(before uint64) {
	a.loading = true
	q, svc := a.q, a.w.svc
	q.Before, q.Limit = before, arrivalsPageSize
	a.stop = call(a.w.b, briefly, func(ctx context.Context) ([]api.InputRequest, error) { return svc.Requests(ctx, q) },
		func(rs []api.InputRequest, err error) {
			a.loading, a.stop = false, nil
			switch {
			case err != nil && len(a.lines) == 0:
				a.hint.set("What arrived could not be read. " + explain(err))
			case err != nil:
				a.more = false
				a.w.fail(err)
			default:
				a.merge(before, rs)
				a.draw()
			}
			if a.again {
				a.again = false
				a.refresh()
			}
		})
}

// merge puts what was read into the list. What is in view stays where it is.
func (a *arrivals) merge(before uint64, rs []api.InputRequest) {
	full := len(rs) >= arrivalsPageSize
	switch {
	case before != 0:
		a.lines, a.more = append(a.lines, rs...), full
	case len(a.lines) == 0 || len(rs) == 0:
		a.lines, a.more = rs, full
	default:
		n := slices.IndexFunc(rs, func(r api.InputRequest) bool { return r.ID <= a.lines[0].ID })
		if n < 0 { // more is new than was read, or nothing of the old is kept
			a.lines, a.more = rs, full
			return
		}
		a.lines = append(rs[:n:n], a.lines...)
		if y := a.list.GetScrollOffset(); n > 0 && y > 0 {
			a.list.Refresh()
			a.list.ScrollToOffset(y + float32(n)*(arrivalRowHeight+4))
		}
	}
	if len(a.lines) >= mostArrivals {
		a.lines, a.more = a.lines[:mostArrivals:mostArrivals], false
	}
}

func (a *arrivals) draw() {
	a.hint.set("")
	switch {
	case len(a.lines) > 0 || a.loading:
	case a.q.Text != "" || a.q.Account != "" || a.q.Only != "":
		a.hint.set("Nothing matches.")
	default:
		a.hint.set("Nothing has arrived yet. What does is listed here, with whether it was genuine.")
	}
	a.list.Refresh()
}

// pick shows a request.
func (a *arrivals) pick(r api.InputRequest) {
	a.chosen = r.ID
	a.list.Refresh()
	a.detail.show(r)
	a.panes.open(true)
}

// shut puts the chosen request away.
func (a *arrivals) shut() {
	a.chosen = 0
	a.detail.clear()
	a.panes.open(false)
	a.list.Refresh()
}

// briefVerdict is how many characters of a verdict are shown whole: it leaves
// the line's rest to what came.
const briefVerdict = 24

// arrivalRow is one line of the list.
type arrivalRow struct {
	view                      *fyne.Container
	ground                    *box
	at, method, where, status *text
	verdict, subject, marks   *text
	sign                      *symbol
	brief                     *text // the verdict, where it is short
	long                      fyne.CanvasObject
}

func (a *arrivals) makeRow() fyne.CanvasObject {
	s := func(c fyne.ThemeColorName) *text { return newText("", look{size: sizeSmall, color: c}) }
	whole := func(c fyne.ThemeColorName) *text { return newText("", look{size: sizeSmall, color: c, whole: true}) }
	r := &arrivalRow{at: whole(colorMuted), method: whole(colorText), where: s(colorText), status: whole(colorMuted),
		verdict: s(colorGood), subject: s(colorMuted), marks: whole(colorWarn), sign: newSymbol("", 14, colorGood)}
	r.method.look.bold = true
	r.brief = whole(colorGood)
	r.long = fill(r.verdict)
	r.ground = newBox(colorClear, "", 8)
	r.view = container.NewStack(sized(0, arrivalRowHeight, r.ground), pad(12, 4, 12, 4, vbox(2,
		hbox(10, r.at, r.method, fill(r.where), r.marks, r.status), hbox(6, r.sign, r.brief, r.long, fill(r.subject)))))
	a.rows[r.view] = r
	return r.view
}

func (a *arrivals) drawRow(i widget.ListItemID, o fyne.CanvasObject) {
	r := a.rows[o]
	if r == nil || i >= len(a.lines) {
		return
	}
	r.draw(a, a.lines[i])
	if i >= len(a.lines)-20 && a.more && !a.loading {
		a.loading = true // so that only one of the last lines asks
		last := a.lines[len(a.lines)-1].ID
		a.w.b.after(0, func() { a.load(last) })
	}
}

func (r *arrivalRow) draw(a *arrivals, q api.InputRequest) {
	ground := colorClear
	if q.ID == a.chosen {
		ground = colorSoft
	}
	r.ground.tint(ground, "")
	r.at.set(activityTime(q.At, a.w.now()))
	r.method.set(model.RequestMethod(q))
	where := a.p.label(q.Account)
	if q.Via != "" && q.Via != "listener" {
		where += " · " + model.ViaWords(q.Via)
	}
	r.where.set(where)
	r.status.set("–")
	if q.Status != 0 {
		r.status.set(strconv.Itoa(q.Status))
	}
	v := model.Verdict(q)
	r.sign.set(v.Symbol, stateColor(v.State))
	short := v.State == model.Good || utf8.RuneCountInString(v.Words) <= briefVerdict
	setVisible(r.brief, short)
	setVisible(r.long, !short)
	r.brief.tint(stateColor(v.State))
	r.brief.set(v.Words + "  ")
	r.verdict.set(v.Words)
	r.verdict.tint(stateColor(v.State))
	r.subject.set(model.RequestSubject(q))
	marks := strings.Join(model.RequestMarks(q), " · ")
	r.marks.set(marks)
	setVisible(r.marks, marks != "")
	r.view.Refresh()
}
