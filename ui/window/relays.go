package window

import (
	"context"
	"reflect"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

// relaying is what the window asks about servers that take requests for us.
type relaying interface {
	RelayKinds(ctx context.Context) ([]api.RelayKind, error)
	Relays(ctx context.Context) ([]api.Relay, error)
	AddRelay(ctx context.Context, d api.RelayDraft) (api.Relay, error)
	ChangeRelay(ctx context.Context, id string, d api.RelayDraft) (api.Relay, error)
	RemoveRelay(ctx context.Context, id string) error
	PauseRelay(ctx context.Context, id string) error
	ResumeRelay(ctx context.Context, id string) error
	CheckRelay(ctx context.Context, id string, d api.RelayDraft) (api.RelayCheck, error)
}

// mostRelayCards is how many relays the page draws; the rest is told as a number,
// and the command line lists it.
const mostRelayCards = 100

// relaysPage shows the servers that take requests for this computer, and that it
// dials.
type relaysPage struct {
	listing
	w      *Window
	scroll *container.Scroll
	known  *fyne.Container // everything that the service told
	empty  *fyne.Container
	listed *fyne.Container
	cards  *fyne.Container
	rest   *text

	rows []*relayCard
	open *relayForm // nil unless one is open
	data []api.Relay
	has  bool // data was read
}

func newRelaysPage(w *Window) *relaysPage {
	p := &relaysPage{w: w}
	p.listing = newListing("relays", p.load)
	p.empty = card(24, vbox(14,
		hbox(0, gapFill(), newIcon(iconRelays, colorMuted, 40), gapFill()),
		newText("No relays yet.", look{size: sizeHeading, bold: true, align: fyne.TextAlignCenter, wrap: true}),
		newText(model.WhatRelaysAre, look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true}),
		hbox(0, gapFill(), newButton(primary, "Set up a relay…", "", func() { p.add("") }), gapFill())))
	p.cards = vbox(12)
	p.rest = note("")
	p.rest.Hide()
	p.listed = vbox(8, partHead("Your relays", "Whoever runs one can read what comes by it.",
		newButton(plain, "Set up a relay…", iconPlus, func() { p.add("") })), p.cards, p.rest)
	p.known = vbox(20, p.empty, p.listed)
	p.known.Hide()
	p.scroll = container.NewVScroll(pad(28, 0, 28, 28, narrow(860, vbox(12, p.failed, p.waiting, p.known))))
	p.content = frame(pageHead("Relays", small("Servers that take requests for you. This computer dials them, and nothing opens.")), nil, nil, nil, p.scroll)
	return p
}

func (p *relaysPage) view() fyne.CanvasObject { return p.content }

func (p *relaysPage) shown() { p.load() }

func (p *relaysPage) snapshot() {
	p.saw(p.w.snap)
	p.clock() // the accounts' names
}

// relaysRest is how often relays are read while no state changes: what comes by
// one changes none.
const relaysRest = 10 * time.Second

func (p *relaysPage) tick() {
	p.clock()
	if p.due(p.w.now(), relaysRest) {
		p.load()
	}
}

func (p *relaysPage) clock() {
	for _, c := range p.rows {
		c.clock(p.w.now())
	}
}

func (p *relaysPage) load() {
	reload(&p.listing, p.w, "relays", p.w.svc.Relays, p.show)
}

// show draws what was read. A card stays with its relay, so that what is unfolded
// in it stays too.
func (p *relaysPage) show(rs []api.Relay) {
	old, had := p.data, p.has
	p.data, p.has = rs, true
	p.failed.Hide()
	p.known.Show()
	setVisible(p.empty, len(rs) == 0)
	setVisible(p.listed, len(rs) > 0)
	if !had || !reflect.DeepEqual(old, rs) {
		was := map[string]*relayCard{}
		for _, r := range p.rows {
			was[r.r.ID] = r
		}
		p.rows, p.cards.Objects = nil, nil
		for i, r := range rs {
			if i == mostRelayCards {
				break
			}
			row := was[r.ID]
			if row == nil {
				row = newRelayCard(p)
			}
			row.update(r)
			p.rows = append(p.rows, row)
			p.cards.Add(row.view)
		}
		more := len(rs) - len(p.rows)
		p.rest.set("And " + model.Count(more, "more, which “postern relays” lists.", "more, which “postern relays” lists."))
		setVisible(p.rest, more > 0)
	}
	p.clock()
	p.content.Refresh()
}
