package window

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
)

// conversationPicker is a button that chooses one of the conversations there
// are, with a search.
type conversationPicker struct {
	w       *Window
	view    *fyne.Container
	button  *button
	id      *text // a title can be anybody's; what counts is the id
	chosen  api.Conversation
	changed func()
}

func newConversationPicker(w *Window, changed func()) *conversationPicker {
	p := &conversationPicker{w: w, changed: changed, id: note("")}
	p.button = newButton(plain, "Choose a conversation…", iconDown, func() { p.open() })
	p.button.after = true
	p.id.Hide()
	p.view = vbox(4, hbox(0, exactWidth(360, p.button), gapFill()), p.id)
	return p
}

func (p *conversationPicker) set(c api.Conversation) {
	p.chosen = c
	p.button.setLabel(clean.Line(conversationTitle(c)+" · "+p.w.accountLabel(c.Account), 46))
	p.id.set("On " + p.w.accountLabel(c.Account) + ", id " + shownID(string(c.ID)))
	p.id.Show()
	p.changed()
}

// conversationList is the dialog in which one is chosen.
type conversationList struct {
	p      *conversationPicker
	m      *modal
	search *entry
	said   *text
	rows   *fyne.Container
	all    []api.Conversation
	found  []api.Conversation // that are drawn
	read   bool
	stop   func()
}

// open shows the conversations; those with the latest messages come first.
func (p *conversationPicker) open() *conversationList {
	l := &conversationList{p: p, said: note("Looking at the conversations…"), rows: vbox(2)}
	l.search = newEntry(p.w, "Search by title, account or id")
	l.search.OnChanged = func(string) { l.draw() }
	l.search.submit = func() {
		if len(l.found) > 0 {
			l.take(l.found[0])
		}
	}
	scroll := container.NewVScroll(pad(0, 0, 12, 0, l.rows))
	foot := vbox(10, rule(), hbox(8, fill(l.said), newButton(plain, "Cancel", "", func() { l.m.dismiss() })))
	l.m = p.w.open(frame(pad(0, 0, 0, 12, vbox(10, heading("Choose a conversation"), l.search)), foot, nil, nil, sized(0, 320, scroll)), 520,
		func() { l.stop() })
	l.stop = call(p.w.b, briefly, func(ctx context.Context) ([]api.Conversation, error) {
		return p.w.svc.Conversations(ctx, knownConversations)
	},
		func(cs []api.Conversation, err error) {
			if err != nil {
				l.said.set("The conversations could not be read. " + clean.Line(explain(err), 300))
				l.m.view.Refresh()
				return
			}
			l.all, l.read = slices.DeleteFunc(cs, p.mute), true
			l.draw()
		})
	p.w.win.Canvas().Focus(l.search)
	return l
}

// mute reports whether nothing can be posted into c.
func (p *conversationPicker) mute(c api.Conversation) bool {
	a, _ := p.w.account(c.Account)
	k, _ := p.w.platform(a.Platform)
	return limitsOf(a, k).Mute
}

// draw lists what the search finds, as far as it is of use.
func (l *conversationList) draw() {
	if !l.read {
		return
	}
	l.found, l.rows.Objects = nil, nil
	q, more := strings.ToLower(clean.Line(l.search.Text, 200)), 0
	for _, c := range l.all {
		a, _ := l.p.w.account(c.Account)
		of := strings.ToLower(conversationTitle(c) + " " + shortName(a) + " " + string(c.ID))
		switch {
		case !strings.Contains(of, q):
		case len(l.found) == mostChoices:
			more++
		default:
			l.found = append(l.found, c)
			l.rows.Add(l.row(c, a))
		}
	}
	switch {
	case len(l.all) == 0:
		l.said.set("No conversations yet. Whoever writes to one of your bots appears here.")
	case len(l.found) == 0:
		l.said.set("Nothing was found.")
	case more > 0:
		l.said.set("There are more. Search for what you need.")
	default:
		l.said.set("")
	}
	l.m.view.Refresh()
}

func (l *conversationList) row(c api.Conversation, a api.Account) fyne.CanvasObject {
	sign := newAvatar(glyphOf(a.Glyph, a.Title), a.Platform, 28)
	sign.square = true
	o := &choice{button: button{tap: func() { l.take(c) }}, back: newBox(colorClear, "", 8)}
	o.view = container.NewStack(o.back, pad(8, 6, 8, 6, hbox(10, sign,
		fill(vbox(0, newText(conversationTitle(c), look{bold: true}), newText(kindWords(c, a), look{size: sizeTiny, color: colorMuted}))))))
	o.ExtendBaseWidget(o)
	return o
}

func (l *conversationList) take(c api.Conversation) {
	l.m.close()
	l.p.set(c)
	l.p.w.win.Canvas().Focus(l.p.button)
}
