package window

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// accountsPage shows every account as a card.
type accountsPage struct {
	w       *Window
	content fyne.CanvasObject
	counts  *text
	notices *fyne.Container
	demo    *fyne.Container
	list    *fyne.Container
	empty   *fyne.Container
	add     *button
	cards   map[platforms.AccountID]*accountCard
	order   []platforms.AccountID
	shownN  string // the notices that are drawn
	offered string // the platform that the empty page offers
}

func newAccountsPage(w *Window) *accountsPage {
	p := &accountsPage{w: w, cards: map[platforms.AccountID]*accountCard{}}
	p.counts = note("")
	p.add = newButton(primary, "Add account", iconPlus, func() { w.add("") })
	p.notices, p.list, p.empty = vbox(8), vbox(12), container.NewStack()
	p.notices.Hide()
	p.demo = remark(false, body("This is the demo: its platforms and people are invented, and nothing leaves this computer."))
	p.demo.Hide()
	head := pageHead("Accounts", p.counts, p.add)
	scroll := container.NewVScroll(pad(28, 0, 28, 28, vbox(12, p.demo, p.notices, p.empty, p.list)))
	p.content = frame(head, nil, nil, nil, scroll)
	return p
}

// pageHead is a page's title, what stands under it, and its actions.
func pageHead(name string, under fyne.CanvasObject, actions ...fyne.CanvasObject) fyne.CanvasObject {
	left := vbox(0, title(name))
	if under != nil {
		left.Add(under)
	}
	row := append([]fyne.CanvasObject{fill(left)}, actions...)
	return pad(28, 20, 28, 16, sized(0, 48, hbox(8, row...)))
}

func (p *accountsPage) view() fyne.CanvasObject { return p.content }

func (p *accountsPage) shown() {}

func (p *accountsPage) tick() {
	now := p.w.now()
	for _, c := range p.cards {
		c.clock(now)
	}
}

func (p *accountsPage) snapshot() {
	s := p.w.snap
	p.counts.set("")
	if p.w.known {
		p.counts.set(model.Counts(s.Exposure))
	}
	setVisible(p.demo, s.Program.Demo)
	p.showNotices(s.Notices)

	same := len(s.Accounts) == len(p.order)
	for i, a := range s.Accounts {
		same = same && p.order[i] == a.ID
	}
	for _, a := range s.Accounts {
		c := p.cards[a.ID]
		if c == nil {
			c = newAccountCard(p.w, a)
			p.cards[a.ID] = c
		}
		c.update(a)
	}
	if !same {
		p.order = p.order[:0]
		p.list.Objects = nil
		keep := map[platforms.AccountID]*accountCard{}
		for _, a := range s.Accounts {
			p.order = append(p.order, a.ID)
			keep[a.ID] = p.cards[a.ID]
			p.list.Add(p.cards[a.ID].view)
		}
		p.cards = keep
	}
	p.showEmpty()
	p.content.Refresh()
}

func setVisible(o fyne.CanvasObject, on bool) {
	if on {
		o.Show()
	} else {
		o.Hide()
	}
}

func (p *accountsPage) showNotices(ns []api.Notice) {
	key := ""
	for _, n := range ns {
		key += n.ID + "\n" + n.Text + "\n"
	}
	if key == p.shownN {
		return
	}
	p.shownN = key
	p.notices.Objects = nil
	for _, n := range ns {
		gone := newButton(quiet, "", iconClose, nil)
		gone.tap = func() {
			gone.enable(false)
			act(p.w.b, briefly, func(ctx context.Context) error { return p.w.svc.DismissNotice(ctx, n.ID) }, func(err error) {
				gone.enable(true)
				p.w.fail(err)
			})
		}
		p.notices.Add(remark(n.Bad, body(clean.Block(n.Text)), gone))
	}
	setVisible(p.notices, len(ns) > 0)
}

// showEmpty invites to add the first account.
func (p *accountsPage) showEmpty() {
	first := ""
	if len(p.w.kinds) > 0 {
		first = p.w.kinds[0].Name
	}
	none := p.w.known && len(p.w.snap.Accounts) == 0
	setVisible(p.empty, none || !p.w.known)
	setVisible(p.add, !none)
	key := first
	if !p.w.known {
		key = "unknown"
	}
	if p.offered == key && len(p.empty.Objects) > 0 {
		return
	}
	p.offered = key
	if !p.w.known {
		p.empty.Objects = []fyne.CanvasObject{pad(0, 40, 0, 0, newText("Waiting for Postern…", look{color: colorMuted, align: fyne.TextAlignCenter}))}
		return
	}
	words := "Choose a platform: those that only dial out come first, and open nothing."
	buttons := hbox(8, gapFill())
	if k, ok := p.w.platform(first); ok {
		words = k.Title + " takes " + minutes(k.Minutes) + dialWords(k.Exposure)
		buttons.Add(newButton(primary, "Add "+k.Title, iconPlus, func() { p.w.add(first) }))
	}
	buttons.Add(newButton(plain, "Other platforms", "", func() { p.w.add("") }))
	buttons.Add(newButton(quiet, "Look around with the demo", "", p.showDemo))
	buttons.Add(gapFill())
	center := func(s string, l look) *text { l.align = fyne.TextAlignCenter; return newText(s, l) }
	p.empty.Objects = []fyne.CanvasObject{card(40, vbox(10,
		hbox(0, gapFill(), newIcon(iconAccounts, colorAccent, 36), gapFill()),
		center("No accounts yet", look{size: sizeHeading, bold: true}),
		center(words, look{color: colorMuted}),
		pad(0, 10, 0, 0, buttons)))}
}

func (p *accountsPage) showDemo() {
	p.w.confirm(question{title: "The demo runs beside your data",
		text:  "It is a Postern of its own, with invented accounts that live in memory and end with it. Quit this Postern, or not, and start the demo from a terminal:",
		quote: "postern --demo", no: "Close", also: "Copy", alsoThen: func() { p.w.copy("postern --demo", "Command") }})
}

func minutes(n int) string {
	switch {
	case n <= 0:
		return "a few minutes"
	case n == 1:
		return "a minute"
	case n == 2:
		return "two minutes"
	}
	return model.Count(n, "minute", "minutes")
}

// dialWords ends a sentence about how long a platform takes with what it opens.
func dialWords(l exposure.Level) string {
	if l == exposure.Outbound {
		return " and opens nothing."
	}
	return "; it becomes a " + model.Badge(l).Words + "."
}
