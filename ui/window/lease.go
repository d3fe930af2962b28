package window

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// showLeases lists who has which conversation.
func (p *answersPage) showLeases() {
	p.leases.Objects, p.since = nil, nil
	for i, l := range p.data.leases {
		if i > 0 {
			p.leases.Add(rule())
		}
		sub := newText("", look{size: sizeTiny, color: colorMuted})
		clock := func(now time.Time) {
			words := model.LeaseSince(l, now)
			if a, ok := p.w.account(l.Account); ok {
				words = shortName(a) + " · " + words
			}
			sub.set(words)
		}
		clock(p.w.now())
		p.since = append(p.since, clock)
		b := newButton(plain, "Hand over", iconDown, nil)
		b.tap = func() { p.w.handOver(b, l, p.data.responders, p.load) }
		name := newTapText(model.LeaseTitle(l), colorText, func() { p.w.Show(api.Request{Account: l.Account, Conversation: l.Conversation}) })
		name.look.size, name.look.bold = sizeBody, true
		p.leases.Add(hbox(10, fill(vbox(1, name, newText(model.LeaseWords(l, p.data.responders), look{size: sizeSmall}),
			sub)), b))
	}
	if len(p.data.leases) == 0 {
		p.leases.Add(body("Nobody has a conversation now."))
	}
	setVisible(p.held, len(p.data.leases) > 0 || len(model.Talkers(p.data.responders)) > 0)
}

// handOver offers who can have a conversation, and gives it to the one that is
// chosen; done runs after that.
func (w *Window) handOver(b *button, l api.Lease, rs []api.Responder, done func()) {
	give := func(holder, label string) func() {
		return func() {
			b.enable(false)
			give := api.Lease{Account: l.Account, Conversation: l.Conversation, Holder: holder}
			act(w.b, briefly, func(ctx context.Context) error { return w.svc.SetLease(ctx, give) }, func(err error) {
				b.enable(true)
				if err != nil {
					w.fail(err)
				} else {
					w.say("“" + model.LeaseTitle(l) + "” is now with " + label + ".")
				}
				done()
			})
		}
	}
	var items []*fyne.MenuItem
	add := func(holder, label, words string) {
		it := fyne.NewMenuItem(words, give(holder, label))
		it.Checked = holder == l.Holder
		it.Disabled = it.Checked
		items = append(items, it)
	}
	for _, r := range model.Talkers(rs) {
		add(r.ID, model.ResponderLabel(r), model.ResponderLabel(r))
	}
	if len(items) > 0 {
		items = append(items, fyne.NewMenuItemSeparator())
	}
	add("", "nobody", "Nobody")
	w.menu(b, false, items...)
}

// leaseLine is the line in a conversation's head that says which agent has it.
// It is not there while there is no agent.
type leaseLine struct {
	p    *inboxPage
	view *fyne.Container
	pick *button

	responders []api.Responder
	leases     []api.Lease
	loading    bool
	again      bool
}

func newLeaseLine(p *inboxPage) *leaseLine {
	l := &leaseLine{p: p}
	l.pick = newButton(chip, "", iconDown, l.choose)
	l.view = pad(0, 4, 0, 0, hbox(0, l.pick, gapFill()))
	l.view.Hide()
	return l
}

// load reads who has what.
func (l *leaseLine) load() {
	if l.loading {
		l.again = true
		return
	}
	l.loading, l.again = true, false
	svc := l.p.w.svc
	type both struct {
		rs []api.Responder
		ls []api.Lease
	}
	call(l.p.w.b, briefly, func(ctx context.Context) (b both, err error) {
		if b.rs, err = svc.Responders(ctx); err == nil {
			b.ls, err = svc.Leases(ctx)
		}
		return b, err
	}, func(b both, err error) {
		l.loading = false
		if err != nil {
			l.p.w.o.Log.Warn("who has which conversation could not be read", "err", err)
		} else {
			l.responders, l.leases = b.rs, b.ls
			l.show()
		}
		if l.again {
			l.load()
		}
	})
}

// lease is that of the open conversation; without a holder if there is none.
func (l *leaseLine) lease() api.Lease {
	for _, v := range l.leases {
		if (place{v.Account, v.Conversation}) == l.p.at {
			return v
		}
	}
	return api.Lease{Account: l.p.at.account, Conversation: l.p.at.conversation, Title: l.p.titleOf(l.p.at)}
}

func (l *leaseLine) show() {
	v := l.lease()
	words := clean.Line(model.LeaseWords(v, l.responders), 30)
	on := l.p.at != (place{}) && (v.Holder != "" || len(model.Talkers(l.responders)) > 0)
	if words == l.pick.label && on == l.view.Visible() {
		return
	}
	l.pick.setLabel(words)
	setVisible(l.view, on)
	l.p.content.Refresh()
}

func (l *leaseLine) choose() { l.p.w.handOver(l.pick, l.lease(), l.responders, l.load) }
