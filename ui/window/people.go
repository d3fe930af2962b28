package window

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// peoplePage shows who may talk to the bots, who is kept out, and who waits to be
// let in.
type peoplePage struct {
	freshness
	w       *Window
	content fyne.CanvasObject
	search  *entry
	claims  *claimList
	failed  *fyne.Container
	failure *text
	tools   *fyne.Container
	empty   fyne.CanvasObject
	list    *widget.List
	hint    *text
	rows    map[fyne.CanvasObject]*personRow

	data    api.People
	has     bool // data was read
	lines   []personLine
	query   string
	version int // of data: what is read never replaces what a change gave since
}

// personLine is one line of the list; exactly one of its pointers is set, or
// none for a head.
type personLine struct {
	title, note string
	number      int // of the rule
	rule        *access.Rule
	ignored     *access.Ignore
	open        *access.Place
}

func newPeoplePage(w *Window) *peoplePage {
	p := &peoplePage{w: w, rows: map[fyne.CanvasObject]*personRow{}}
	p.search = newEntry(w, "Search names and ids")
	p.search.OnChanged = func(s string) {
		p.query = strings.ToLower(clean.Line(s, 200))
		p.draw()
	}
	p.claims = newClaimList(w, 1, p.changed)
	p.failure = body("")
	p.failed = remark(true, p.failure, newButton(plain, "Try again", "", p.load))
	p.failed.Hide()
	p.list = widget.NewList(func() int { return len(p.lines) }, p.makeRow, p.drawRow)
	p.list.HideSeparators = true
	p.list.OnSelected = func(i widget.ListItemID) {
		p.list.UnselectAll()
		if i < len(p.lines) && p.lines[i].rule != nil {
			p.details(p.lines[i])
		}
	}
	p.hint = newText("", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})
	pair := func() { w.pair() }
	p.empty = container.NewCenter(exactWidth(380, vbox(14,
		hbox(0, gapFill(), newIcon(iconPeople, colorMuted, 40), gapFill()),
		newText("Nobody may talk to your bots yet.", look{size: sizeHeading, bold: true, align: fyne.TextAlignCenter, wrap: true}),
		newText("Whoever writes to a bot gets no answer before you let them in. Begin with yourself.", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true}),
		hbox(8, gapFill(), newButton(primary, "Pair a phone…", "", pair), newButton(plain, "Add by id…", "", func() { w.addPerson() }), gapFill()))))
	p.empty.Hide()
	p.tools = vbox(0, flow(8, newButton(primary, "Pair a phone…", "", pair), newButton(plain, "Add by id…", iconPlus, func() { w.addPerson() }),
		newButton(plain, "What would happen if…", "", func() { w.simulate("") }), exactWidth(220, p.search)))
	head := pageHead("People", small("Who may talk to your bots. What others write is shown to you, and gets no answer."))
	top := vbox(0, head, pad(28, 0, 28, 12, vbox(12, p.failed, p.claims.view, p.tools)))
	p.content = frame(top, nil, nil, nil, pad(24, 0, 24, 16, container.NewStack(p.empty, pad(24, 40, 24, 0, vbox(0, p.hint)), p.list)))
	return p
}

func (p *peoplePage) view() fyne.CanvasObject { return p.content }

func (p *peoplePage) shown() { p.load() }

func (p *peoplePage) snapshot() {
	s := p.w.snap
	p.saw(s)
	if p.asked.IsZero() || p.has && s.Claims != len(p.data.Claims) && !p.loading {
		p.load()
	}
}

// tick reads anew what has changed, once a second at most, and brings times up
// to date.
func (p *peoplePage) tick() {
	now := p.w.now()
	p.claims.clock(now)
	if now.Second() == 0 {
		p.list.Refresh()
	}
	if p.due(now, 0) {
		p.load()
	}
}

func (p *peoplePage) load() {
	if !p.w.known {
		return
	}
	if !p.begin(p.w.now()) {
		return
	}
	version := p.version
	call(p.w.b, briefly, p.w.svc.People, func(d api.People, err error) {
		p.loading = false
		switch {
		case err != nil:
			p.failure.set("Who may talk could not be read. " + explain(err))
			p.failed.Show()
			p.content.Refresh()
		case version != p.version:
			p.again = true
		default:
			p.show(d)
		}
		if p.again {
			p.load()
		}
	})
}

// show draws what was read or what a change gave.
func (p *peoplePage) show(d api.People) {
	p.data, p.has = d, true
	p.failed.Hide()
	p.claims.show(d.Claims)
	p.draw()
}

// changed is show for what a change gave.
func (p *peoplePage) changed(d api.People) {
	p.version++
	p.show(d)
}

// change runs a change of who may talk, says what was done, and shows what came
// of it.
func (w *Window) change(f func(context.Context) (api.People, error), said string) {
	call(w.b, briefly, f, func(d api.People, err error) {
		if err != nil {
			w.fail(err)
			return
		}
		w.people.changed(d)
		w.say(said)
	})
}

func (p *peoplePage) draw() {
	p.lines = p.arrange()
	none := p.has && len(p.data.Rules)+len(p.data.Ignored)+len(p.data.Open) == 0
	setVisible(p.empty, none)
	setVisible(p.tools, p.has && !none)
	words := ""
	switch {
	case !p.has:
		words = "Reading who may talk…"
	case !none && len(p.lines) == 0:
		words = "Nobody matches."
	}
	p.hint.set(words)
	setVisible(p.list, len(p.lines) > 0) // it would take the clicks from what it covers
	p.list.Refresh()
	p.content.Refresh()
}

// arrange is the list's lines: rules by account, then who is ignored, then the
// open places.
func (p *peoplePage) arrange() (lines []personLine) {
	byAccount := map[platforms.AccountID][]personLine{}
	for i := range p.data.Rules {
		r := &p.data.Rules[i]
		if p.matches(r.Name, string(r.User), r.Place, string(r.Conversation)) {
			byAccount[r.Account] = append(byAccount[r.Account], personLine{rule: r, number: i + 1})
		}
	}
	for _, id := range p.accounts() {
		if rows := byAccount[id]; len(rows) > 0 {
			lines = append(lines, personLine{title: p.w.accountLabel(id), note: model.Count(len(rows), "rule", "rules")})
			lines = append(lines, rows...)
		}
	}
	head := func(title, note string) *int {
		lines = append(lines, personLine{title: title, note: note})
		n := len(lines)
		return &n
	}
	n := head("Ignored for good", "Not heard, whatever the rules say.")
	for i := range p.data.Ignored {
		if g := &p.data.Ignored[i]; p.matches(g.Name, string(g.User), string(g.Conversation)) {
			lines = append(lines, personLine{ignored: g})
		}
	}
	lines = without(lines, *n)
	n = head("Heard without being mentioned", "In other shared conversations a bot must be mentioned or answered.")
	for i := range p.data.Open {
		if o := &p.data.Open[i]; p.matches(o.Name, string(o.Conversation)) {
			lines = append(lines, personLine{open: o})
		}
	}
	return without(lines, *n)
}

// without takes the head away below which nothing stands.
func without(lines []personLine, head int) []personLine {
	if len(lines) == head {
		return lines[:head-1]
	}
	return lines
}

func (p *peoplePage) matches(in ...string) bool {
	return p.query == "" || slices.ContainsFunc(in, func(s string) bool { return strings.Contains(strings.ToLower(s), p.query) })
}

// accounts is those that rules name: first those there are, in their order.
func (p *peoplePage) accounts() (ids []platforms.AccountID) {
	for _, a := range p.w.snap.Accounts {
		ids = append(ids, a.ID)
	}
	known := len(ids)
	for _, r := range p.data.Rules {
		if !slices.Contains(ids, r.Account) {
			ids = append(ids, r.Account)
		}
	}
	slices.Sort(ids[known:])
	return ids
}

// details shows all of a rule.
func (p *peoplePage) details(l personLine) {
	w, r := p.w, *l.rule
	rows := vbox(8, heading(personName(r.Name, r.User)))
	add := func(k, v string) {
		if v != "" {
			rows.Add(hboxTop(8, exactWidth(110, pad(0, 7, 0, 0, small(k))), fill(pad(0, 7, 0, 0, newText(v, look{size: sizeSmall, wrap: true}))),
				newButton(quiet, "", iconCopy, func() { w.copy(v, k) })))
		}
	}
	add("Rule", strconv.Itoa(l.number))
	add("Account", w.accountLabel(r.Account))
	add("User id", shownID(string(r.User)))
	add("Role", string(r.Role))
	add("Counts in", placeWords(r.Conversation, r.Place))
	add("Conversation", shownID(string(r.Conversation)))
	add("Counts", model.EndWords(r.Until, w.now()))
	if r.Bot {
		add("Is", "a bot")
	}
	rows.Add(note("The name is for showing. What counts is the id."))
	var m *modal
	done := newButton(primary, "Close", "", func() { m.close() })
	rows.Add(pad(0, 8, 0, 0, hbox(8, gapFill(), done)))
	m = w.open(rows, 480, nil)
	w.win.Canvas().Focus(done)
}
