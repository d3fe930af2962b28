package window

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// simulator is the dialog that tells what would happen if somebody wrote.
type simulator struct {
	w       *Window
	m       *modal
	who     *accountPicker
	user    *entry
	bot     *toggle
	kind    platforms.ConversationKind
	place   *entry
	placed  *fyne.Container
	words   *entry
	mention *toggle
	fault   *text
	result  *fyne.Container
	ask     *button
	stop    func()
}

// pickMost bounds the menus of known ids.
const pickMost = 24

// simulate opens the simulator, filled with an account and a rule if they are
// given.
func (w *Window) simulate(id platforms.AccountID, of ...access.Rule) *simulator {
	s := &simulator{w: w, kind: platforms.Direct, who: newAccountPicker(w), bot: newToggle(nil), mention: newToggle(nil), result: vbox(0)}
	s.user, s.place, s.words = newEntry(w, "Their id"), newEntry(w, "The conversation's id"), newEntry(w, "What they would write")
	for _, e := range []*entry{s.user, s.place, s.words} {
		e.submit = s.run
	}
	s.words.SetText("hello")
	s.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	s.fault.Hide()
	if id != "" {
		s.who.set(id)
	}
	var pickUser, pickPlace *button
	pickUser = newButton(plain, "Known", iconDown, func() { s.known(pickUser, false) })
	pickPlace = newButton(plain, "Known", iconDown, func() { s.known(pickPlace, true) })
	s.placed = vbox(12, labelled("Conversation", "", hbox(8, fill(s.place), pickPlace), nil),
		switchRow("The bot is mentioned or answered", "", s.mention))
	kinds := flow(8)
	var rs []*radio
	all := []platforms.ConversationKind{platforms.Direct, platforms.Group, platforms.Channel}
	for _, k := range all {
		r := newRadio(map[platforms.ConversationKind]string{platforms.Direct: "a direct chat", platforms.Group: "a group", platforms.Channel: "a channel"}[k], nil)
		rs = append(rs, r)
		kinds.Add(r)
	}
	pick := exclude(rs, func(i int) {
		s.kind = all[i]
		setVisible(s.placed, s.kind != platforms.Direct)
		s.refresh()
	})
	rows := vbox(14,
		labelled("Account", "", s.who.view, nil),
		labelled("Sender", "", hbox(8, fill(s.user), pickUser), nil),
		switchRow("The sender is a bot", "", s.bot),
		labelled("Where", "", kinds, nil), s.placed,
		labelled("Text", "", s.words, nil), s.fault, s.result)
	pick(0)
	if len(of) > 0 {
		r := of[0]
		s.user.SetText(string(r.User))
		s.bot.on = r.Bot
		if r.Conversation != "" {
			s.place.SetText(string(r.Conversation))
			pick(1)
		}
	}
	s.ask = newButton(primary, "What would happen?", "", s.run)
	leave := newButton(plain, "Close", "", func() { s.m.dismiss() })
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	s.m = w.open(frame(pad(0, 0, 0, 12, vbox(2, heading("What would happen if…"), note("Nothing is sent, and nothing happens."))),
		vbox(10, rule(), hbox(8, gapFill(), leave, s.ask)), nil, nil, container.New(&uncut{}, scroll)), 600, func() {
		if s.stop != nil {
			s.stop()
		}
	})
	w.win.Canvas().Focus(s.user)
	return s
}

func (s *simulator) refresh() {
	if s.m != nil {
		s.m.view.Refresh()
	}
}

// known offers the ids that rules name.
func (s *simulator) known(b *button, places bool) {
	var items []*fyne.MenuItem
	seen := map[string]bool{}
	for _, r := range s.w.people.data.Rules {
		id, name := string(r.User), r.Name
		if places {
			id, name = string(r.Conversation), r.Place
		}
		if r.Account != s.who.id || id == "" || seen[id] || len(items) == pickMost {
			continue
		}
		seen[id] = true
		items = append(items, fyne.NewMenuItem(strings.TrimSpace(clean.Line(name, 40)+" id "+clean.Line(id, 40)), func() {
			if places {
				s.place.SetText(id)
				return
			}
			s.user.SetText(id)
			s.bot.on = r.Bot
			s.bot.Refresh()
		}))
	}
	if len(items) == 0 {
		none := fyne.NewMenuItem("No rule names one", nil)
		none.Disabled = true
		items = append(items, none)
	}
	s.w.popUp(b, items)
}

func (s *simulator) run() {
	d := api.Simulation{Account: s.who.id, User: platforms.UserID(strings.TrimSpace(s.user.Text)), Bot: s.bot.on, Kind: s.kind, Text: s.words.Text}
	if s.kind != platforms.Direct {
		d.Conversation, d.Mentioned = platforms.ConversationID(strings.TrimSpace(s.place.Text)), s.mention.on
	}
	switch {
	case d.Account == "":
		s.say("Choose the account first.")
		return
	case d.User == "":
		s.say("The sender's id is missing. Paste it, or choose a known one.")
		return
	case s.kind != platforms.Direct && d.Conversation == "":
		s.say("The conversation's id is missing. Paste it, or choose a known one.")
		return
	}
	s.say("")
	if s.stop != nil {
		s.stop()
	}
	s.ask.enable(false)
	s.stop = call(s.w.b, briefly, func(ctx context.Context) (api.Why, error) { return s.w.svc.Simulate(ctx, d) }, func(y api.Why, err error) {
		s.stop = nil
		s.ask.enable(true)
		s.result.Objects = nil
		if err != nil {
			s.say(explain(err))
			return
		}
		s.result.Add(strip(whyView(y, false)))
		s.refresh()
	})
}

// say shows what is missing or wrong.
func (s *simulator) say(words string) {
	s.fault.set(clean.Block(words))
	setVisible(s.fault, words != "")
	s.refresh()
}
