package window

import (
	"context"
	"reflect"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// hooking is what the window asks about addresses at which programs post.
type hooking interface {
	Hooks(ctx context.Context) (api.Hooks, error)
	AddHook(ctx context.Context, d api.HookDraft) (api.HookMade, error)
	ChangeHook(ctx context.Context, id string, c api.HookChange) (api.Hook, error)
	RotateHook(ctx context.Context, id string, r api.HookRotation) (api.HookMade, error)
	RemoveHook(ctx context.Context, id string) error
	TryHook(ctx context.Context, t api.HookTry) (api.HookTried, error)
	SetHookListener(ctx context.Context, l api.HookListener) (api.Hooks, error)
}

// mostHookCards is how many hooks the page draws; the rest is told as a number,
// and the command line lists it.
const mostHookCards = 200

// hooksPage shows the addresses at which programs on this computer post into
// conversations.
type hooksPage struct {
	listing
	w      *Window
	scroll *container.Scroll
	known  *fyne.Container // everything that the service told
	badge  *badge
	where  *text
	empty  *fyne.Container
	listed *fyne.Container // the list with its head
	cards  *fyne.Container
	rest   *text

	rows []*hookCard
	data api.Hooks
	has  bool // data was read
}

func newHooksPage(w *Window) *hooksPage {
	p := &hooksPage{w: w}
	p.listing = newListing("hooks", p.load)
	p.badge, p.where = newTag(), body("")
	p.empty = card(24, vbox(14,
		hbox(0, gapFill(), newIcon(iconHooks, colorMuted, 40), gapFill()),
		newText("No hooks yet.", look{size: sizeHeading, bold: true, align: fyne.TextAlignCenter, wrap: true}),
		newText("A hook is a URL at which a program on this computer posts into one conversation.", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true}),
		hbox(0, gapFill(), newButton(primary, "New hook…", "", func() { p.add() }), gapFill())))
	p.cards = vbox(8)
	p.rest = note("")
	p.rest.Hide()
	p.listed = vbox(8, partHead("Your hooks", "Whoever has a hook's URL may post there, and nothing else.",
		newButton(plain, "New hook…", iconPlus, func() { p.add() })), p.cards, p.rest)
	served := card(16, hbox(12, p.badge, fill(p.where), newButton(plain, "Change…", "", func() { p.listen() })))
	p.known = vbox(20, served, p.empty, p.listed)
	p.known.Hide()
	p.scroll = container.NewVScroll(pad(28, 0, 28, 28, narrow(860, vbox(12, p.failed, p.waiting, p.known))))
	p.content = frame(pageHead("Hooks", small("URLs at which programs post into your conversations.")), nil, nil, nil, p.scroll)
	return p
}

func (p *hooksPage) view() fyne.CanvasObject { return p.content }

func (p *hooksPage) shown() { p.load() }

func (p *hooksPage) snapshot() {
	p.saw(p.w.snap)
	p.clock() // the accounts' names
}

// tick brings times up to date, and reads anew what has changed: once a second
// at most, and once a minute in any case, as being used changes no state.
func (p *hooksPage) tick() {
	p.clock()
	if p.due(p.w.now(), time.Minute) {
		p.load()
	}
}

func (p *hooksPage) clock() {
	for _, c := range p.rows {
		c.clock(p.w.now())
	}
}

func (p *hooksPage) load() {
	reload(&p.listing, p.w, "hooks", p.w.svc.Hooks, p.show)
}

// show draws what was read.
func (p *hooksPage) show(h api.Hooks) {
	old, had := p.data, p.has
	p.data, p.has = h, true
	p.failed.Hide()
	p.known.Show()
	words, look := model.HookListening(h)
	p.where.set(words)
	p.badge.show(look)
	setVisible(p.empty, len(h.Hooks) == 0)
	setVisible(p.listed, len(h.Hooks) > 0)
	if !had || !reflect.DeepEqual(old.Hooks, h.Hooks) {
		p.draw()
	}
	p.clock()
	p.content.Refresh()
}

// draw makes a card for each hook; one whose switch is on its way stays.
func (p *hooksPage) draw() {
	was := map[string]*hookCard{}
	for _, r := range p.rows {
		was[r.h.ID] = r
	}
	p.rows, p.cards.Objects = nil, nil
	for i, h := range p.data.Hooks {
		if i == mostHookCards {
			break
		}
		row := was[h.ID]
		if row == nil {
			row = newHookCard(p, h)
		}
		row.update(h)
		p.rows = append(p.rows, row)
		p.cards.Add(row.view)
	}
	more := len(p.data.Hooks) - len(p.rows)
	p.rest.set("And " + model.Count(more, "more, which “postern hooks” lists.", "more, which “postern hooks” lists."))
	setVisible(p.rest, more > 0)
}

// place is where a hook posts: "Family" on Telegram family.
func (p *hooksPage) place(h api.Hook) string {
	title := clean.Line(h.Where, 60)
	if title == "" {
		title = shownID(string(h.Conversation))
	}
	account := clean.Line(h.Label, 60)
	if a, ok := p.w.account(h.Account); ok {
		account = shortName(a)
	}
	if account == "" {
		account = clean.Line(string(h.Account), 40)
	}
	return "“" + title + "” on " + account
}
