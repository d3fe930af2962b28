package window

import (
	"context"
	"reflect"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// exposurePage shows what of this computer can be reached, by whom, and why.
type exposurePage struct {
	freshness
	w       *Window
	content fyne.CanvasObject
	scroll  *container.Scroll
	counts  *text
	shutAll *button
	failed  *fyne.Container
	failure *text
	waiting *text
	known   *fyne.Container // everything that the service told
	alarm   *fyne.Container
	alarmed *text
	summary *text
	sign    *icon
	drawing *drawing
	relay   *button // where an account could be reached by one instead
	doors   *fyne.Container
	sockets *fyne.Container
	tunnels *fyne.Container
	record  *auditCard

	cards    map[platforms.AccountID]*doorCard
	order    []platforms.AccountID
	data     api.View
	has      bool                // data was read
	audited  time.Time           // when the audit record was
	wanted   platforms.AccountID // the door to show once it is there
	shutting bool
}

func newExposurePage(w *Window) *exposurePage {
	p := &exposurePage{w: w, cards: map[platforms.AccountID]*doorCard{}}
	p.counts = note("") // never cut: the last number is the one that matters
	p.shutAll = newButton(danger, "Close every public listener", "", p.closeAll)
	p.shutAll.enable(false)
	p.failure = body("")
	p.failed = remark(true, p.failure, newButton(plain, "Try again", "", p.load))
	p.failed.Hide()
	p.waiting = newText("Looking at what can be reached…", look{color: colorMuted, align: fyne.TextAlignCenter})
	p.alarmed = body("")
	p.alarm = remark(true, p.alarmed)
	p.summary, p.sign = newText("", look{bold: true, wrap: true}), newIcon(iconCheck, colorGood, 18)
	p.drawing = newDrawing()
	p.relay = newButton(plain, "Set up a relay…", iconRelays, func() { w.setUpRelay("") })
	p.doors, p.sockets, p.tunnels = vbox(12), vbox(6), vbox(6)
	p.record = newAuditCard(w)
	p.known = vbox(12, p.alarm,
		card(16, vbox(14, hbox(10, p.sign, fill(p.summary)), p.drawing.view, rule(), hbox(12, fill(note(model.Recommendation)), p.relay))),
		p.doors,
		card(16, vbox(8, heading("Sockets"), note("Every socket on which this program listens, as the system tells."), p.sockets)),
		card(16, vbox(8, heading("Tunnels"), note("Programs found on this computer that publish local ports. What is behind one can be reached, whatever it listens on."), p.tunnels)),
		p.record.view)
	p.known.Hide()
	p.doors.Hide()
	p.scroll = container.NewVScroll(pad(28, 0, 28, 28, vbox(12, p.failed, p.waiting, p.known)))
	p.content = frame(pageHead("Exposure", p.counts, p.shutAll), nil, nil, nil, p.scroll)
	return p
}

func (p *exposurePage) view() fyne.CanvasObject { return p.content }

func (p *exposurePage) shown() { p.load() }

func (p *exposurePage) snapshot() {
	s := p.w.snap
	p.counts.set("")
	if p.w.known {
		p.counts.set(model.Counts(s.Exposure))
	}
	p.allowClosing()
	p.saw(s)
	if p.has {
		p.drawing.show(model.Lanes(s, p.data))
	}
}

// tick brings times up to date, and reads anew what has changed: once a second
// at most.
func (p *exposurePage) tick() {
	now := p.w.now()
	for _, c := range p.cards {
		c.clock(now)
	}
	if p.due(now, 0) {
		p.read()
		if now.Sub(p.audited) >= recordRest {
			p.readRecord()
		}
	}
}

func (p *exposurePage) allowClosing() {
	open := p.w.snap.Exposure[exposure.Public] > 0
	for _, d := range p.data.Doors {
		open = open || d.Open && d.Level == exposure.Public
	}
	p.shutAll.enable(open && !p.shutting)
}

// recordRest is how often the audit record is read while nothing happens to a
// door: the service looks at all of its lines each time.
const recordRest = 15 * time.Second

// load reads what can be reached, and the audit record's newest lines.
func (p *exposurePage) load() {
	p.read()
	p.readRecord()
}

func (p *exposurePage) readRecord() {
	p.audited = p.w.now()
	p.record.refresh()
}

func (p *exposurePage) read() {
	if !p.begin(p.w.now()) {
		return
	}
	call(p.w.b, briefly, p.w.svc.Exposure, func(v api.View, err error) {
		p.loading = false
		if err != nil {
			p.failure.set("What can be reached could not be read. " + explain(err))
			if p.has {
				p.failure.set("What can be reached could not be read anew; this is how it was " + model.Clock(p.data.At, p.w.now()) + ". " + explain(err))
			}
			p.failed.Show()
			p.waiting.Hide()
			p.content.Refresh()
		} else {
			p.show(v)
		}
		if p.again {
			p.read()
		}
	})
}

// show draws what was read.
func (p *exposurePage) show(v api.View) {
	old, had := p.data, p.has
	p.data, p.has = v, true
	p.failed.Hide()
	p.waiting.Hide()
	p.known.Show()
	p.allowClosing()
	words, public := model.Reachable(p.w.snap, v)
	p.summary.set(words)
	if public {
		p.sign.set(iconWarn, colorBad)
		p.summary.tint(colorBad)
	} else {
		p.sign.set(iconCheck, colorGood)
		p.summary.tint(colorText)
	}
	p.drawing.show(model.Lanes(p.w.snap, v))
	setVisible(p.relay, slices.ContainsFunc(v.Doors, func(d api.Door) bool { return !d.Relayed }))
	p.showDoors(v.Doors)
	if had && !slices.EqualFunc(old.Doors, v.Doors, sameState) {
		p.readRecord()
	}
	if !had || !reflect.DeepEqual(old.Sockets, v.Sockets) || old.Note != v.Note {
		p.showSockets(v)
	}
	if !had || !reflect.DeepEqual(old.Tunnels, v.Tunnels) {
		p.showTunnels(v.Tunnels)
	}
	p.content.Refresh()
	p.reveal()
}

// sameState reports whether nothing happened between a and b that the record
// tells of; what came through does not count.
func sameState(a, b api.Door) bool {
	return a.Account == b.Account && a.Open == b.Open && a.Closed == b.Closed && a.Level == b.Level && a.Since.Equal(b.Since) &&
		reflect.DeepEqual(a.Listener, b.Listener) && reflect.DeepEqual(a.Ack, b.Ack)
}

func (p *exposurePage) showDoors(ds []api.Door) {
	same := len(ds) == len(p.order)
	for i, d := range ds {
		same = same && p.order[i] == d.Account
		c := p.cards[d.Account]
		if c == nil {
			c = newDoorCard(p, d)
			p.cards[d.Account] = c
		}
		c.update(d)
	}
	if same {
		return
	}
	p.order, p.doors.Objects = nil, nil
	keep := map[platforms.AccountID]*doorCard{}
	for _, d := range ds {
		p.order = append(p.order, d.Account)
		keep[d.Account] = p.cards[d.Account]
		p.doors.Add(p.cards[d.Account].view)
	}
	p.cards = keep
	setVisible(p.doors, len(ds) > 0)
}

// showSockets lists the process's real sockets; what nobody opened is an alarm.
func (p *exposurePage) showSockets(v api.View) {
	strange := 0
	p.sockets.Objects = nil
	for _, k := range v.Sockets {
		ink, sign, words := levelColor(k.Level), newSymbol(model.Badge(k.Level).Symbol, 16, levelColor(k.Level)), model.SocketWords(k)
		var mark fyne.CanvasObject = sign
		if k.Strange {
			strange++
			ink = colorBad
			mark = newIcon(iconWarn, colorBad, 16)
		}
		line := vbox(1, newText(clean.Line(k.Addr, 80), look{mono: true, size: sizeSmall, color: ink}),
			newText(words, look{size: sizeSmall, color: map[bool]fyne.ThemeColorName{true: colorBad, false: colorMuted}[k.Strange], wrap: true}))
		p.sockets.Add(hboxTop(8, mark, fill(line)))
	}
	if len(v.Sockets) == 0 && v.Note == "" {
		p.sockets.Add(body("None: this program listens on nothing."))
	}
	if v.Note != "" {
		p.sockets.Add(note(clean.Block(v.Note)))
	}
	p.alarmed.set(model.StrangeWords(strange) + ". Quit Postern, and look for what opened it before you start it again. The sockets are listed below.")
	setVisible(p.alarm, strange > 0)
}

func (p *exposurePage) showTunnels(ts []api.Tunnel) {
	p.tunnels.Objects = nil
	for _, t := range ts {
		ink := colorBad
		if t.Inside {
			ink = colorWarn
		}
		line := vbox(1, newText(model.TunnelWords(t)+".", look{size: sizeSmall, wrap: true}))
		if len(t.Ours) > 0 {
			line.Add(newText("Leads to "+list(t.Ours, "", false), look{size: sizeSmall, color: ink, wrap: true}))
		}
		p.tunnels.Add(hboxTop(8, newIcon(iconOpen, ink, 16), fill(line)))
	}
	if len(ts) == 0 {
		p.tunnels.Add(body("None found."))
	}
}

// closeAll closes every public listener at once, without a question: closing is
// safe.
func (p *exposurePage) closeAll() {
	if p.shutting {
		return
	}
	p.shutting = true
	p.shutAll.enable(false)
	act(p.w.b, briefly, func(ctx context.Context) error { return p.w.svc.CloseDoor(ctx, "") }, func(err error) {
		p.shutting = false
		p.allowClosing()
		if err != nil {
			p.w.fail(err)
		} else {
			p.w.say("Every public listener is closed.")
		}
		p.load()
	})
}

// showDoor goes to the page of what can be reached, at an account's door.
func (w *Window) showDoor(id platforms.AccountID) {
	w.Go(PageExposure)
	w.exposure.visit(id)
}

// visit scrolls to an account's door.
func (p *exposurePage) visit(id platforms.AccountID) {
	p.wanted = id
	p.reveal()
}

func (p *exposurePage) reveal() {
	c := p.cards[p.wanted]
	if c == nil || p.w.page != PageExposure {
		return
	}
	p.wanted = ""
	d := fyne.CurrentApp().Driver()
	y := d.AbsolutePositionForObject(c.view).Y - d.AbsolutePositionForObject(p.scroll.Content).Y
	p.scroll.ScrollToOffset(fyne.NewPos(0, max(0, y-8)))
}
