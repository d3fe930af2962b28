package window

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/ui/model"
)

// coming is what the window asks of a running Postern about what comes in from
// outside.
type coming interface {
	Inputs(ctx context.Context) ([]api.Input, error)
	SetInput(ctx context.Context, id platforms.AccountID, s api.InputSettings) (api.Input, error)
	Requests(ctx context.Context, q api.InputQuery) ([]api.InputRequest, error)
	Request(ctx context.Context, id uint64) (api.InputRequest, error)
	ForgetRequests(ctx context.Context, id platforms.AccountID) error
	TryInput(ctx context.Context, t api.InputTrial) (api.InputTried, error)
	Replay(ctx context.Context, r api.Replay) (api.Replayed, error)

	RegisterForm(ctx context.Context, id platforms.AccountID) (api.RegistrationForm, error)
	Register(ctx context.Context, id platforms.AccountID, d api.RegistrationDraft) (api.Registration, error)
	Unregister(ctx context.Context, id platforms.AccountID) error
}

// inputsPage shows where something can come in from outside, and what came.
type inputsPage struct {
	freshness
	w       *Window
	content fyne.CanvasObject
	failed  *fyne.Container
	failure *text
	waiting *text
	empty   fyne.CanvasObject
	cards   *fyne.Container
	tabs    [2]*button
	panes   [2]fyne.CanvasObject
	arrived *arrivals

	byID  map[platforms.AccountID]*inputCard
	order []platforms.AccountID
	data  []api.Input
	has   bool // data was read
}

// The page's two parts.
const (
	tabInputs = iota
	tabArrived
)

func newInputsPage(w *Window) *inputsPage {
	p := &inputsPage{w: w, byID: map[platforms.AccountID]*inputCard{}}
	p.failure = body("")
	p.failed = remark(true, p.failure, newButton(plain, "Try again", "", p.load))
	p.failed.Hide()
	p.waiting = newText("Looking at what can come in…", look{color: colorMuted, align: fyne.TextAlignCenter})
	relays := newButton(plain, "Look at relays", "", func() { w.Go(PageRelays) })
	p.empty = container.NewCenter(exactWidth(400, vbox(14,
		hbox(0, gapFill(), newIcon(iconInputs, colorMuted, 40), gapFill()),
		newText("Nothing can come in from outside.", look{size: sizeHeading, bold: true, align: fyne.TextAlignCenter, wrap: true}),
		newText("That is the safe state. To receive webhooks, add an account that takes them, and a relay that brings them without opening this computer.",
			look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true}),
		hbox(8, gapFill(), newButton(primary, "Add a webhook account", "", func() { w.add("") }), relays, gapFill()))))
	p.empty.Hide()
	p.cards = tiles(12, 400)
	p.arrived = newArrivals(p)
	p.tabs = [2]*button{newButton(chip, "Inputs", "", func() { p.tab(tabInputs) }), newButton(chip, "What arrived", "", func() { p.tab(tabArrived) })}
	scroll := container.NewVScroll(pad(28, 0, 28, 28, vbox(12, p.failed, p.waiting, p.cards)))
	p.panes = [2]fyne.CanvasObject{container.NewStack(scroll, p.empty), p.arrived.view}
	head := pageHead("Inputs", note("What can come in from outside, what came, and what became of it."), p.tabs[0], p.tabs[1])
	p.content = frame(head, nil, nil, nil, container.NewStack(p.panes[0], p.panes[1]))
	p.tab(tabInputs)
	return p
}

func (p *inputsPage) view() fyne.CanvasObject { return p.content }

func (p *inputsPage) shown() {
	p.load()
	p.arrived.refresh()
}

func (p *inputsPage) snapshot() {
	p.saw(p.w.snap)
	if p.asked.IsZero() && p.w.page == PageInputs { // it is the first page
		p.load()
		p.arrived.refresh()
	}
}

// tick brings times up to date, and reads anew what has changed: once a second
// at most.
func (p *inputsPage) tick() {
	now := p.w.now()
	for _, c := range p.byID {
		c.clock(now)
	}
	if p.due(now, 0) {
		p.load()
		p.arrived.refresh()
	}
}

// tab shows one of the page's parts.
func (p *inputsPage) tab(i int) {
	for j := range p.tabs {
		p.tabs[j].setOn(i == j)
		setVisible(p.panes[j], i == j)
	}
	if p.content != nil {
		p.content.Refresh()
	}
}

// arrivedAt shows what arrived at one input, or with an empty id at all.
func (p *inputsPage) arrivedAt(id platforms.AccountID) {
	p.tab(tabArrived)
	p.arrived.only(id)
}

// load reads the inputs.
func (p *inputsPage) load() {
	if !p.w.known {
		return
	}
	if !p.begin(p.w.now()) {
		return
	}
	call(p.w.b, briefly, p.w.svc.Inputs, func(in []api.Input, err error) {
		p.loading = false
		p.waiting.Hide()
		if err != nil {
			p.failure.set("The inputs could not be read. " + explain(err))
			p.failed.Show()
			p.content.Refresh()
		} else {
			p.show(in)
		}
		if p.again {
			p.load()
		}
	})
}

// show draws what was read.
func (p *inputsPage) show(in []api.Input) {
	p.data, p.has = in, true
	p.failed.Hide()
	setVisible(p.empty, len(in) == 0)
	same := len(in) == len(p.order)
	keep := map[platforms.AccountID]*inputCard{}
	for i, one := range in {
		same = same && p.order[i] == one.Account
		c := p.byID[one.Account]
		if c == nil {
			c = newInputCard(p)
		}
		c.update(one)
		keep[one.Account] = c
	}
	if !same {
		p.byID, p.order, p.cards.Objects = keep, nil, nil
		for _, one := range in {
			p.order = append(p.order, one.Account)
			p.cards.Add(keep[one.Account].view)
		}
	}
	p.arrived.name()
	p.content.Refresh()
}

// input is one of the inputs.
func (p *inputsPage) input(id platforms.AccountID) (api.Input, bool) {
	for _, in := range p.data {
		if in.Account == id {
			return in, true
		}
	}
	return api.Input{}, false
}

// label names the input that an account is, or was.
func (p *inputsPage) label(id platforms.AccountID) string {
	if in, ok := p.input(id); ok {
		return model.InputName(in)
	}
	return p.w.accountLabel(id)
}

// forget drops what is kept of an input's requests, or of all with an empty id,
// after asking.
func (p *inputsPage) forget(id platforms.AccountID) {
	of := "every input"
	if id != "" {
		of = p.label(id)
	}
	p.w.confirm(question{title: "Forget what arrived?",
		text: "What is kept of the requests to " + of + " is erased, and can't be looked at or replayed any more. Messages that they became stay in the inbox.",
		yes:  "Forget all", no: "Keep", danger: true,
		then: func() {
			act(p.w.b, briefly, func(ctx context.Context) error { return p.w.svc.ForgetRequests(ctx, id) }, func(err error) {
				if err != nil {
					p.w.fail(err)
					return
				}
				p.w.say("What arrived was forgotten.")
				p.arrived.start()
				p.load()
			})
		}})
}
