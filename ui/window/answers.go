package window

import (
	"context"
	"maps"
	"reflect"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
)

// answering is what the window asks about what answers.
type answering interface {
	Routes(ctx context.Context) (api.Routes, error)
	SetRoutes(ctx context.Context, rs []api.Route) (api.Routes, error)
	RouteNames(ctx context.Context) ([]api.RouteName, error)
	CheckRoute(ctx context.Context, when string) (api.RouteChecked, error)
	WriteRoute(ctx context.Context, cond api.Cond) (string, error)
	TryRoutes(ctx context.Context, rs []api.Route) ([]api.RouteTried, error)

	ResponderKinds(ctx context.Context) ([]api.ResponderKind, error)
	Responders(ctx context.Context) ([]api.Responder, error)
	AddResponder(ctx context.Context, d api.ResponderDraft) (api.Responder, error)
	ChangeResponder(ctx context.Context, id string, d api.ResponderDraft) (api.Responder, error)
	RemoveResponder(ctx context.Context, id string) error

	Leases(ctx context.Context) ([]api.Lease, error)
	SetLease(ctx context.Context, l api.Lease) error
}

// answersData is what the page shows.
type answersData struct {
	responders []api.Responder
	routes     api.Routes
	names      []api.RouteName
	leases     []api.Lease
	checked    map[string]api.RouteChecked // by expression
}

// answersPage shows what answers, what gets which message, and who has which
// conversation.
type answersPage struct {
	freshness
	w       *Window
	content fyne.CanvasObject
	scroll  *container.Scroll
	counts  *text
	failed  *fyne.Container
	failure *text
	waiting *text
	known   *fyne.Container // everything that the service told
	empty   *fyne.Container // only notifications so far
	cards   *fyne.Container
	leases  *fyne.Container
	held    *fyne.Container       // the section of leases
	since   []func(now time.Time) // bring the leases' times up to date
	routes  *routeList

	byID  map[string]*responderCard
	order []string
	data  answersData
	has   bool // data was read
}

func newAnswersPage(w *Window) *answersPage {
	p := &answersPage{w: w, byID: map[string]*responderCard{}}
	p.data.checked = map[string]api.RouteChecked{}
	p.counts = note("What gets the messages, and what it does with them.")
	p.failure = body("")
	p.failed = remark(true, p.failure, newButton(plain, "Try again", "", p.load))
	p.failed.Hide()
	p.waiting = newText("Looking at what answers…", look{color: colorMuted, align: fyne.TextAlignCenter})
	p.empty = strip(body("Only notifications so far. Add a command, a service or an agent, and then a route that leads to it."))
	p.cards, p.leases = tiles(8, 400), vbox(8)
	p.routes = newRouteList(p)
	p.held = vbox(8, partHead("Who has which conversation", "An agent keeps a conversation until it ends it, or you hand it over."), card(12, p.leases))
	p.known = vbox(24,
		vbox(8, partHead("Responders", "What is set up, and what is built in.", newButton(plain, "Add…", iconPlus, p.add)), p.empty, p.cards),
		p.routes.view, p.held)
	p.known.Hide()
	p.scroll = container.NewVScroll(pad(28, 0, 28, 28, vbox(12, p.failed, p.waiting, p.known)))
	p.content = frame(pageHead("Answers", p.counts), p.routes.bar, nil, nil, p.scroll)
	return p
}

// partHead is the title of a part of a page, with what it is about and what can
// be done.
func partHead(name, about string, actions ...fyne.CanvasObject) fyne.CanvasObject {
	return hbox(8, append([]fyne.CanvasObject{fill(vbox(0, heading(name), note(about)))}, actions...)...)
}

func (p *answersPage) view() fyne.CanvasObject { return p.content }

func (p *answersPage) shown() { p.load() }

func (p *answersPage) snapshot() {
	p.saw(p.w.snap)
	p.clock() // the accounts' names
}

// tick brings times up to date, and reads anew what has changed: once a second
// at most.
func (p *answersPage) tick() {
	p.clock()
	if p.due(p.w.now(), 0) {
		p.load()
	}
}

func (p *answersPage) clock() {
	now := p.w.now()
	for _, c := range p.byID {
		c.clock(now)
	}
	for _, f := range p.since {
		f(now)
	}
}

// load reads everything.
func (p *answersPage) load() {
	if !p.begin(p.w.now()) {
		return
	}
	known, svc, drafts := maps.Clone(p.data.checked), p.w.svc, p.routes.draft
	call(p.w.b, briefly, func(ctx context.Context) (answersData, error) { return readAnswers(ctx, svc, known, drafts) },
		func(d answersData, err error) {
			p.loading = false
			if err != nil {
				p.failure.set("What answers could not be read. " + explain(err))
				p.failed.Show()
				p.waiting.Hide()
				p.content.Refresh()
			} else {
				p.show(d)
			}
			if p.again {
				p.load()
			}
		})
}

// readAnswers reads everything. Expressions are checked once.
func readAnswers(ctx context.Context, svc Service, known map[string]api.RouteChecked, drafts []api.Route) (d answersData, err error) {
	if d.responders, err = svc.Responders(ctx); err != nil {
		return d, err
	}
	if d.routes, err = svc.Routes(ctx); err != nil {
		return d, err
	}
	if d.leases, err = svc.Leases(ctx); err != nil {
		return d, err
	}
	if d.names, err = svc.RouteNames(ctx); err != nil {
		return d, err
	}
	d.checked = map[string]api.RouteChecked{}
	for _, rs := range [][]api.Route{d.routes.Routes, drafts} {
		for _, r := range rs {
			c, ok := known[r.When]
			if !ok {
				if c, err = svc.CheckRoute(ctx, r.When); err != nil {
					return d, err
				}
				known[r.When] = c
			}
			d.checked[r.When] = c
		}
	}
	return d, nil
}

// show draws what was read.
func (p *answersPage) show(d answersData) {
	old, had := p.data, p.has
	p.data, p.has = d, true
	p.failed.Hide()
	p.waiting.Hide()
	p.known.Show()
	p.showResponders()
	if !had || !reflect.DeepEqual(old.routes, d.routes) || !reflect.DeepEqual(old.checked, d.checked) || !sameLabels(old.responders, d.responders) {
		p.routes.show()
	}
	if !had || !reflect.DeepEqual(old.leases, d.leases) || !reflect.DeepEqual(old.responders, d.responders) {
		p.showLeases()
	}
	p.content.Refresh()
}

// sameLabels reports whether nothing changed between a and b that routes tell.
func sameLabels(a, b []api.Responder) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].ID != b[i].ID || a[i].Label != b[i].Label || a[i].Off != b[i].Off {
			return false
		}
	}
	return true
}

func (p *answersPage) showResponders() {
	rs := p.data.responders
	same, own := len(rs) == len(p.order), 0
	keep := map[string]*responderCard{}
	for i, r := range rs {
		same = same && p.order[i] == r.ID
		c := p.byID[r.ID]
		if c == nil {
			c = newResponderCard(p)
		}
		c.update(r)
		keep[r.ID] = c
		if !r.Builtin {
			own++
		}
	}
	setVisible(p.empty, own == 0)
	if same {
		return
	}
	p.byID, p.order, p.cards.Objects = keep, nil, nil
	for _, r := range rs {
		p.order = append(p.order, r.ID)
		p.cards.Add(keep[r.ID].view)
	}
}

// menu offers items under a button, and at its right end where right is set.
func (w *Window) menu(b *button, right bool, items ...*fyne.MenuItem) {
	pop := widget.NewPopUpMenu(fyne.NewMenu("", items...), w.win.Canvas())
	at := fyne.NewPos(0, b.Size().Height+2)
	if right {
		at.X = b.Size().Width - pop.MinSize().Width
	}
	pop.ShowAtRelativePosition(at, b)
}
