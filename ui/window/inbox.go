package window

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

const (
	conversationLimit = 1000
	pageSize          = 60 // entries that are read at once
	searchLimit       = 200
)

// place names a conversation.
type place struct {
	account      platforms.AccountID
	conversation platforms.ConversationID
}

// inboxPage shows conversations at the left, and the chosen one at the right.
type inboxPage struct {
	w       *Window
	content fyne.CanvasObject
	search  *entry
	list    *widget.List
	hint    *text
	rows    map[fyne.CanvasObject]*convRow

	convs   []api.Conversation
	loading bool
	again   bool
	loaded  bool

	query    string // what the list shows results of; empty: conversations
	found    []api.Entry
	stopFind func()
	debounce func()

	at     place
	sticky bool // the open conversation was unread when it was opened
	thread *thread
	right  *fyne.Container
	choose fyne.CanvasObject // stands there while none is open

	sign     *avatar
	title    *text
	under    *text
	badge    *badge
	lease    *leaseLine
	composer *composer
}

func newInboxPage(w *Window) *inboxPage {
	p := &inboxPage{w: w, rows: map[fyne.CanvasObject]*convRow{}}
	p.search = newEntry(w, "Search all messages")
	p.search.Icon = nil
	p.search.OnChanged = p.findSoon
	p.list = widget.NewList(p.length, p.makeRow, p.drawRow)
	p.list.HideSeparators = true
	p.list.OnSelected = p.selected
	p.hint = newText("", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})
	head := pad(20, 20, 16, 8, vbox(12, sized(0, 30, title("Inbox")), p.search))
	left := container.NewStack(newBox(colorSurface, "", 0),
		frame(nil, nil, nil, sized(1, 0, newBox(colorBorder, "", 0)),
			frame(head, nil, nil, nil, container.NewStack(pad(24, 40, 24, 0, vbox(0, p.hint)), pad(8, 0, 8, 4, p.list)))))

	p.sign = newAvatar("", "", 36)
	p.title = newText("", look{size: sizeHeading, bold: true})
	p.under = small("")
	p.badge = newBadge("")
	p.lease = newLeaseLine(p)
	p.thread = newThread(p)
	p.composer = newComposer(p)
	top := vbox(0, pad(24, 14, 24, 14, hbox(12, p.sign, fill(vbox(0, p.title, p.under, p.lease.view)), p.badge)), rule())
	conversation := frame(top, p.composer.view, nil, nil, p.thread.view)
	p.choose = container.NewCenter(vbox(8, hbox(0, gapFill(), newIcon(iconInbox, colorMuted, 36), gapFill()),
		newText("Choose a conversation", look{color: colorMuted, whole: true})))
	p.right = container.NewStack(p.choose, conversation)
	conversation.Hide()
	p.content = frame(w.asks.view, nil, exactWidth(312, left), nil, p.right)
	return p
}

func (p *inboxPage) view() fyne.CanvasObject { return p.content }

func (p *inboxPage) shown() { p.reload() }

func (p *inboxPage) tick() {
	p.w.asks.tick()
	if p.w.now().Second() == 0 && p.query == "" {
		p.list.Refresh()
	}
}

func (p *inboxPage) snapshot() {
	p.reload()
	p.headline()
	p.composer.state()
}

// reload reads the conversations and what is new in the open one. Changes that
// come while it does are read afterwards, together.
func (p *inboxPage) reload() {
	if !p.w.known {
		return
	}
	if p.loading {
		p.again = true
		return
	}
	p.loading = true
	call(p.w.b, briefly, func(ctx context.Context) ([]api.Conversation, error) {
		return p.w.svc.Conversations(ctx, conversationLimit)
	},
		func(cs []api.Conversation, err error) {
			p.loading = false
			if err != nil {
				p.w.o.Log.Warn("conversations could not be read", "err", err)
				if !p.loaded {
					p.say("The conversations could not be read. " + explain(err))
				}
			} else {
				p.loaded = true
				p.convs = cs
				sortConversations(p.convs, p.at, p.sticky)
				p.drawList()
				p.headline()
				p.thread.seen() // the messages may have come first
			}
			if p.again {
				p.again = false
				p.reload()
			}
		})
	p.lease.load()
	p.thread.refresh()
}

func (p *inboxPage) say(s string) { p.hint.set(s) }

func (p *inboxPage) drawList() {
	switch {
	case p.length() > 0:
		p.say("")
	case p.query != "":
		p.say("Nothing was found.")
	case p.loaded:
		p.say("No conversations yet. Whoever writes to one of your bots appears here.")
	}
	p.list.Refresh()
	p.mark()
}

// mark shows which conversation is open.
func (p *inboxPage) mark() {
	on := p.list.OnSelected
	p.list.OnSelected = nil
	defer func() { p.list.OnSelected = on }()
	p.list.UnselectAll()
	if p.query != "" {
		return
	}
	for i, c := range p.convs {
		if (place{c.Account, c.ID}) == p.at {
			selectWithoutScrolling(p.list, i)
		}
	}
}

// selectWithoutScrolling keeps the list where the person left it.
func selectWithoutScrolling(l *widget.List, i int) {
	y := l.GetScrollOffset()
	l.Select(i)
	l.ScrollToOffset(y)
}

func (p *inboxPage) length() int {
	if p.query != "" {
		return len(p.found)
	}
	return len(p.convs)
}

func (p *inboxPage) makeRow() fyne.CanvasObject {
	r := newConvRow()
	p.rows[r.view] = r
	return r.view
}

func (p *inboxPage) drawRow(i widget.ListItemID, o fyne.CanvasObject) {
	r := p.rows[o]
	if r == nil || i >= p.length() {
		return
	}
	if p.query == "" {
		c := p.convs[i]
		a, _ := p.w.account(c.Account)
		r.conversation(c, glyphOf(a.Glyph, a.Title), a.Platform, a.Inbound == platforms.Webhook, p.w.now())
		return
	}
	e := p.found[i]
	a, _ := p.w.account(e.Account)
	r.entry(e, p.titleOf(place{e.Account, e.Conversation}), glyphOf(a.Glyph, a.Title), a.Platform, p.w.now())
}

func (p *inboxPage) conversationAt(at place) (api.Conversation, bool) {
	for _, c := range p.convs {
		if (place{c.Account, c.ID}) == at {
			return c, true
		}
	}
	return api.Conversation{Account: at.account, ID: at.conversation}, false
}

func (p *inboxPage) titleOf(at place) string {
	c, _ := p.conversationAt(at)
	return conversationTitle(c)
}

func (p *inboxPage) selected(i widget.ListItemID) {
	if i >= p.length() {
		return
	}
	if p.query != "" {
		e := p.found[i]
		p.visit(place{e.Account, e.Conversation}, e.Seq)
		return
	}
	p.visit(place{p.convs[i].Account, p.convs[i].ID}, 0)
	if !p.composer.text.Disabled() && p.w.current() == page(p) { // to answer at once
		p.w.win.Canvas().Focus(p.composer.text)
	}
}

// open shows a conversation from outside this page. Reply puts the cursor into
// the answer box.
func (p *inboxPage) open(id platforms.AccountID, c platforms.ConversationID, reply bool) {
	p.clearSearch()
	p.visit(place{id, c}, 0)
	p.mark()
	if reply && p.w.current() == page(p) { // a form that asks to be saved first stays
		p.w.win.Canvas().Focus(p.composer.text)
	}
}

// visit opens a conversation at its end, or around the entry seq.
func (p *inboxPage) visit(at place, seq uint64) {
	if at != p.at || seq != 0 || p.thread.detached {
		p.composer.leave()
		p.at = at
		c, _ := p.conversationAt(at)
		p.sticky = c.Unread > 0
		p.thread.open(at, seq)
		p.composer.enter(at)
	}
	p.right.Objects[0].Hide()
	p.right.Objects[1].Show()
	p.headline()
	p.right.Refresh()
}

// headline brings the open conversation's title up to date.
func (p *inboxPage) headline() {
	if p.at == (place{}) {
		return
	}
	c, _ := p.conversationAt(p.at)
	a, _ := p.w.account(p.at.account)
	name := conversationTitle(c)
	p.sign.set(initials(name), string(c.ID))
	p.title.set(name)
	under := kindWords(c, a)
	if c.Stranger {
		under += " · may not talk to this bot"
	}
	p.under.set(clean.Line(under, 200))
	p.badge.set(a.Exposure)
	setVisible(p.badge, a.ID != "")
	p.lease.show()
}

// findSoon searches once the person pauses in typing.
func (p *inboxPage) findSoon(q string) {
	if p.debounce != nil {
		p.debounce()
	}
	if p.stopFind != nil {
		p.stopFind()
		p.stopFind = nil
	}
	q = clean.Line(q, 400)
	if q == "" {
		p.query, p.found = "", nil
		p.drawList()
		return
	}
	p.debounce = p.w.b.after(250*time.Millisecond, func() { p.find(q) })
}

func (p *inboxPage) find(q string) {
	p.stopFind = call(p.w.b, briefly, func(ctx context.Context) ([]api.Entry, error) { return p.w.svc.Search(ctx, q, searchLimit) },
		func(es []api.Entry, err error) {
			p.stopFind = nil
			if err != nil {
				p.w.fail(err)
				return
			}
			p.query, p.found = q, es
			p.list.ScrollToTop()
			p.drawList()
		})
}

func (p *inboxPage) clearSearch() {
	if p.search.Text != "" {
		p.search.SetText("")
	}
}

// deed is a button that acts on one entry and shows it anew.
func (p *inboxPage) deed(label string, seq uint64, f func(context.Context, uint64) error, done string) *button {
	b := newButton(plain, label, "", nil)
	b.tap = func() {
		b.enable(false)
		act(p.w.b, briefly, func(ctx context.Context) error { return f(ctx, seq) }, func(err error) {
			b.enable(true)
			if err != nil {
				p.w.fail(err)
				return
			}
			if done != "" {
				p.w.say(done)
			}
			p.thread.update(seq)
		})
	}
	return b
}
