package window

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// details shows all of one line.
func (p *activityPage) details(a api.Activity) {
	w := p.w
	rows := vbox(8, heading(model.ActivityWords(a.What)))
	var all []string
	add := func(k, v string) {
		if v == "" {
			return
		}
		all = append(all, k+": "+v)
		rows.Add(hboxTop(8, exactWidth(100, pad(0, 7, 0, 0, small(k))), fill(pad(0, 7, 0, 0, newText(v, look{size: sizeSmall, wrap: true}))),
			newButton(quiet, "", iconCopy, func() { w.copy(v, k) })))
	}
	add("Time", moment(a.At))
	add("Account", p.accountOf(a))
	add("Conversation", clean.Line(string(a.Conversation), 200))
	add("Who", clean.Line(a.Who, 200))
	add("User id", shownID(string(a.User)))
	add("Why", clean.Block(a.Why))
	add("Line", strconv.FormatUint(a.Seq, 10))
	if a.Entry != 0 {
		add("Entry", strconv.FormatUint(a.Entry, 10))
	}
	var m *modal
	buttons := hbox(8, newButton(plain, "Copy all", iconCopy, func() { w.copy(strings.Join(all, "\n"), "Line") }), gapFill())
	if a.Conversation != "" {
		buttons.Add(newButton(plain, "Open conversation", "", func() {
			m.close()
			w.Go(PageInbox)
			w.inbox.visit(place{a.Account, a.Conversation}, a.Entry)
		}))
	}
	done := newButton(primary, "Close", "", func() { m.close() })
	buttons.Add(done)
	deeds := flow(8)
	if a.Entry != 0 {
		deeds.Add(newButton(plain, "Why?", iconInfo, func() { m.close(); w.why(a.Entry) }))
		deeds.Add(newButton(plain, "Replay…", "", func() { m.close(); w.replayEntry(a.Entry) }))
	}
	if a.User != "" {
		deeds.Add(newButton(plain, "Allow…", "", func() { m.close(); w.askAllow(a) }))
		deeds.Add(newButton(danger, "Ignore for good…", "", func() { m.close(); w.ignoreForGood(a) }))
	}
	if len(deeds.Objects) > 0 {
		rows.Add(pad(0, 8, 0, 0, deeds))
	}
	rows.Add(pad(0, 8, 0, 0, buttons))
	m = w.open(rows, 520, nil)
	w.win.Canvas().Focus(done)
}

// askAllow opens the form that lets in who an activity tells of, once their
// message and where it stands were looked at. What can't be read is left out.
func (w *Window) askAllow(a api.Activity) {
	type found struct {
		e     api.Entry
		kind  platforms.ConversationKind
		title string
	}
	call(w.b, briefly, func(ctx context.Context) (f found, err error) {
		if a.Entry != 0 {
			if e, err := w.svc.Entry(ctx, a.Entry); err == nil && e.From.ID == a.User {
				f.e = e
			}
		}
		cs, err := w.svc.Conversations(ctx, conversationLimit)
		if i := slices.IndexFunc(cs, func(c api.Conversation) bool { return c.Account == a.Account && c.ID == a.Conversation }); i >= 0 {
			f.kind, f.title = cs[i].Kind, clean.Line(cs[i].Title, 80)
		}
		return f, err
	}, func(f found, err error) {
		if err != nil {
			w.fail(err)
			return
		}
		w.allow(a, f.e, f.kind, f.title)
	})
}

// ignoreForGood asks before it keeps out who an activity tells of.
func (w *Window) ignoreForGood(a api.Activity) {
	w.confirm(question{title: "Ignore them for good?",
		text:  "They are not heard any more in any conversation of " + w.accountLabel(a.Account) + ", whatever the rules say, and get no answer. You can take them off the list on the People page.",
		quote: personQuote(a.Who, string(a.User)), yes: "Ignore for good", no: "Leave it", danger: true,
		then: func() {
			d := api.IgnoreDraft{Account: a.Account, User: a.User, Name: clean.Line(a.Who, 80)}
			w.change(func(ctx context.Context) (api.People, error) { return w.svc.Ignore(ctx, d) }, "They are ignored for good.")
		}})
}
