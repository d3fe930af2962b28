package window

import (
	"context"
	"reflect"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// naming is what the window asks about programs that the person named.
type naming interface {
	Clients(ctx context.Context) ([]api.Client, error)
	AddClient(ctx context.Context, d api.ClientDraft) (api.ClientMade, error)
	ChangeClient(ctx context.Context, id string, d api.ClientDraft) (api.Client, error)
	RevokeClient(ctx context.Context, id string) error
	RotateClient(ctx context.Context, id string) (api.ClientMade, error)
}

// knownConversations is how many conversations the page asks for, to name them.
const knownConversations = 500

// programsData is what the page shows.
type programsData struct {
	clients []api.Client
	convs   []api.Conversation
	only    bool // programs must use a named client
}

// programsPage shows the programs that the person named, and what each may do.
type programsPage struct {
	listing
	w      *Window
	scroll *container.Scroll
	known  *fyne.Container // everything that the service told
	empty  *fyne.Container
	listed *fyne.Container // the list with its head
	cards  *fyne.Container
	only   *toggle

	rows []*programCard
	data programsData
	has  bool // data was read
}

func newProgramsPage(w *Window) *programsPage {
	p := &programsPage{w: w}
	p.listing = newListing("programs", p.load)
	p.empty = card(24, vbox(14,
		hbox(0, gapFill(), newIcon(iconPrograms, colorMuted, 40), gapFill()),
		newText("No program has a name yet.", look{size: sizeHeading, bold: true, align: fyne.TextAlignCenter, wrap: true}),
		newText("Give a script, an editor or an agent a name and say what it may do: it gets a token of its own, and can do that and nothing else. "+
			"What it sends carries its name in the activity, and you can end it alone.", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true}),
		hbox(0, gapFill(), newButton(primary, "Name a program…", "", func() { p.add() }), gapFill())))
	p.cards = vbox(8)
	p.listed = vbox(8, partHead("Named programs", "None of them may change accounts, doors, people or settings.",
		newButton(plain, "Name a program…", iconPlus, func() { p.add() })), p.cards)
	p.only = newToggle(p.setOnly)
	p.known = vbox(24, p.empty, p.listed,
		card(16, switchRow("Programs must use a named client",
			"While this is off, a program that runs as you may also ask without a name, and is held to nothing. Switched on, it is refused; "+
				"this window, if the tray opened it, and you at a terminal may still do everything.", p.only)))
	p.known.Hide()
	p.scroll = container.NewVScroll(pad(28, 0, 28, 28, narrow(860, vbox(12, p.failed, p.waiting, p.known))))
	p.content = frame(pageHead("Programs", small("Scripts, editors and agents that ask Postern, and what each may do.")), nil, nil, nil, p.scroll)
	return p
}

func (p *programsPage) view() fyne.CanvasObject { return p.content }

func (p *programsPage) shown() { p.load() }

func (p *programsPage) snapshot() {
	p.saw(p.w.snap)
	p.clock() // the accounts' names
}

// tick brings times up to date, and reads anew what has changed: once a second
// at most, and once a minute in any case, as being used changes no state.
func (p *programsPage) tick() {
	p.clock()
	if p.due(p.w.now(), time.Minute) {
		p.load()
	}
}

func (p *programsPage) clock() {
	for _, c := range p.rows {
		c.clock(p.w.now())
	}
}

func (p *programsPage) load() {
	svc := p.w.svc
	reload(&p.listing, p.w, "programs", func(ctx context.Context) (programsData, error) { return readPrograms(ctx, svc) }, p.show)
}

func readPrograms(ctx context.Context, svc Service) (d programsData, err error) {
	if d.clients, err = svc.Clients(ctx); err != nil {
		return d, err
	}
	if d.convs, err = svc.Conversations(ctx, knownConversations); err != nil {
		return d, err
	}
	s, err := svc.Settings(ctx)
	d.only = s.ClientsOnly
	return d, err
}

// show draws what was read.
func (p *programsPage) show(d programsData) {
	old, had := p.data, p.has
	p.data, p.has = d, true
	p.failed.Hide()
	p.known.Show()
	setVisible(p.empty, len(d.clients) == 0)
	setVisible(p.listed, len(d.clients) > 0)
	p.only.setOn(d.only)
	if !had || !reflect.DeepEqual(old.clients, d.clients) {
		p.rows, p.cards.Objects = nil, nil
		for _, c := range d.clients {
			row := newProgramCard(p, c)
			p.rows = append(p.rows, row)
			p.cards.Add(row.view)
		}
	}
	p.clock()
	p.content.Refresh()
}

// setOnly changes whether programs must use a named client. The other settings
// stay as they are by then.
func (p *programsPage) setOnly(on bool) {
	p.only.enable(false)
	svc := p.w.svc
	call(p.w.b, briefly, func(ctx context.Context) (api.Settings, error) {
		s, err := svc.Settings(ctx)
		if err != nil {
			return s, err
		}
		s.ClientsOnly = on
		return svc.SetSettings(ctx, s)
	}, func(_ api.Settings, err error) {
		p.only.enable(true)
		if err != nil {
			p.only.setOn(p.data.only)
			p.w.fail(err)
			return
		}
		p.data.only = on
		said := "Programs without a name may ask again."
		if on {
			said = "Only named programs may ask now."
		}
		p.w.say(said)
		p.load()
	})
}

// places names accounts and conversations. A title is from outside, so one that
// another conversation has, too, shows its id with it.
func (p *programsPage) places() model.Places {
	return model.Places{Account: p.w.accountLabel, Conversation: p.placeName}
}

func (p *programsPage) placeName(a platforms.AccountID, id platforms.ConversationID) string {
	name, same := "", 0
	for _, c := range p.data.convs {
		if c.Account == a && c.ID == id {
			name = clean.Line(c.Title, 60)
		}
	}
	if name == "" {
		return "conversation " + shownID(string(id))
	}
	for _, c := range p.data.convs {
		if c.Account == a && clean.Line(c.Title, 60) == name {
			same++
		}
	}
	if same > 1 {
		name += " (" + shownID(string(id)) + ")"
	}
	return name
}

// programCard is one program.
type programCard struct {
	p      *programsPage
	c      api.Client
	view   *fyne.Container
	scopes *text
	times  *text
	ended  *text
	more   *button
}

func newProgramCard(p *programsPage, c api.Client) *programCard {
	r := &programCard{p: p, c: c}
	r.scopes = newText("", look{wrap: true})
	r.times = note("")
	r.ended = newText("Its time is over: it is refused. Change its end, or revoke it.", look{size: sizeSmall, color: colorWarn, wrap: true})
	r.more = newButton(quiet, "", iconMore, r.menu)
	r.view = card(12, hboxTop(10, fill(vbox(4, newText(clean.Line(c.Name, 40), look{bold: true}), r.scopes, r.times, r.ended)),
		newButton(plain, "Change…", "", func() { p.change(r.c) }), r.more))
	r.clock(p.w.now())
	return r
}

func (r *programCard) clock(now time.Time) {
	changed := r.scopes.set(upper(model.ScopeWords(r.c.Scopes, r.p.places()) + "."))
	changed = r.times.set(upper(model.ClientTimes(r.c, now))) || changed
	if r.ended.Visible() != r.c.Ended(now) {
		setVisible(r.ended, r.c.Ended(now))
		changed = true
	}
	if changed {
		r.view.Refresh()
	}
}

// upper is s, which begins with a plain letter or a digit, as the start of a
// sentence.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func (r *programCard) menu() {
	r.p.w.menu(r.more, true,
		fyne.NewMenuItem("New token…", r.rotate),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Revoke…", r.revoke))
}

// rotate makes another token, after asking.
func (r *programCard) rotate() {
	w, id := r.p.w, r.c.ID
	w.confirm(question{title: "Make a new token for " + r.c.Name + "?",
		text: "The present token counts no more at once: the program is refused until you give it the new one. What it may do stays.",
		yes:  "Make a new token", no: "Keep the present one", danger: true, then: func() {
			call(w.b, briefly, func(ctx context.Context) (api.ClientMade, error) { return w.svc.RotateClient(ctx, id) },
				func(made api.ClientMade, err error) {
					if err != nil {
						w.fail(err)
					} else {
						w.showToken(made)
					}
					r.p.load()
				})
		}})
}

// revoke ends the program, after asking.
func (r *programCard) revoke() {
	w, id, name := r.p.w, r.c.ID, r.c.Name
	w.confirm(question{title: "Revoke " + name + "?", text: model.StopsWords(r.c, w.now()),
		yes: "Revoke", no: "Keep it", danger: true, then: func() {
			act(w.b, briefly, func(ctx context.Context) error { return w.svc.RevokeClient(ctx, id) }, func(err error) {
				if err != nil {
					w.fail(err)
				} else {
					w.say(name + " was revoked.")
				}
				r.p.load()
			})
		}})
}
