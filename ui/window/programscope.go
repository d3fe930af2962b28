package window

import (
	"slices"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// mostChoices is how many conversations a menu offers; those with the latest
// messages come first.
const mostChoices = 60

// scopeList is the part of a form that says what a program may do, one line for
// each scope.
type scopeList struct {
	p       *programsPage
	view    *fyne.Container
	lines   *fyne.Container
	rows    []*scopeRow
	changed func()
}

// scopeRow is one scope: what, in which account, in which conversation.
type scopeRow struct {
	l        *scopeList
	s        api.Scope
	anywhere bool // the account must still be chosen; without, the scope is for all
	anyplace bool // the same of the conversation
	view     *fyne.Container
	do       *button
	account  *button
	place    *button
	placeBox *fyne.Container
	id       *text
}

func newScopeList(p *programsPage, scopes []api.Scope, changed func()) *scopeList {
	l := &scopeList{p: p, lines: vbox(6), changed: func() {}}
	l.view = vbox(8, l.lines, hbox(0, newButton(plain, "Add another", iconPlus, func() { l.blank(api.MaySend) }), gapFill()))
	for _, s := range scopes {
		l.add(s)
	}
	if len(scopes) == 0 {
		l.blank(api.MayRead)
	}
	l.changed = changed
	return l
}

func (l *scopeList) add(s api.Scope) *scopeRow {
	r := &scopeRow{l: l, s: s}
	menu := func(tap func()) *button {
		b := newButton(plain, "", iconDown, tap)
		b.after = true
		return b
	}
	r.do, r.account, r.place = menu(r.chooseDo), menu(r.chooseAccount), menu(r.choosePlace)
	r.id = note("")
	r.placeBox = exactWidth(196, r.place)
	r.view = strip(hboxTop(4, fill(vbox(4, flow(6, exactWidth(126, r.do), exactWidth(170, r.account), r.placeBox), r.id)),
		newButton(quiet, "", iconClose, r.remove)))
	l.rows = append(l.rows, r)
	l.lines.Add(r.view)
	r.show()
	return r
}

// blank adds a line in which the place must be chosen: what a person did not say
// is not let.
func (l *scopeList) blank(do api.Do) *scopeRow {
	r := l.add(api.Scope{Do: do})
	r.anywhere = true
	r.show()
	return r
}

func (r *scopeRow) remove() {
	i := slices.Index(r.l.rows, r)
	if i < 0 {
		return
	}
	r.l.rows = slices.Delete(r.l.rows, i, i+1)
	r.l.lines.Remove(r.view)
	r.l.drawn()
}

// scopes is what is chosen, each once.
func (l *scopeList) scopes() (out []api.Scope) {
	for _, r := range l.rows {
		if !slices.Contains(out, r.s) {
			out = append(out, r.s)
		}
	}
	return out
}

// unfinished is what must still be chosen, empty if nothing.
func (l *scopeList) unfinished() string {
	for _, r := range l.rows {
		switch {
		case r.anywhere:
			return "Choose an account, or every account."
		case r.anyplace:
			return "Choose a conversation, or every conversation."
		}
	}
	return ""
}

func (l *scopeList) drawn() {
	l.changed()
	l.view.Refresh()
	if n := len(l.p.w.modals); n > 0 {
		l.p.w.modals[n-1].view.Refresh()
	}
}

// show draws what is chosen.
func (r *scopeRow) show() {
	r.do.setLabel(doWords(r.s.Do))
	switch {
	case r.anywhere:
		r.account.setLabel("Choose where")
	case r.s.Account == "":
		r.account.setLabel("in every account")
	default:
		r.account.setLabel(clean.Line("in "+r.l.p.w.accountLabel(r.s.Account), 21))
	}
	name := "every conversation"
	switch {
	case r.s.Conversation != "":
		name = clean.Line(r.l.p.placeName(r.s.Account, r.s.Conversation), 24)
	case r.anyplace:
		name = "Choose which"
	}
	r.place.setLabel(name)
	setVisible(r.placeBox, r.s.Account != "" && r.s.Do != api.MayStatus)
	// A title can be anybody's; what counts is the id.
	r.id.set("Conversation “" + r.l.p.placeName(r.s.Account, r.s.Conversation) + "”, id " + shownID(string(r.s.Conversation)))
	setVisible(r.id, r.s.Conversation != "")
	r.l.drawn()
}

// doWords is what a scope lets do, as it stands after "It may".
func doWords(do api.Do) string {
	switch do {
	case api.MayRead:
		return "read"
	case api.MaySend:
		return "send"
	case api.MayHook:
		return "make hooks"
	}
	return "see the status"
}

func (r *scopeRow) chooseDo() {
	var items []*fyne.MenuItem
	for _, c := range []struct {
		do    api.Do
		words string
	}{{api.MayRead, "read messages and files"}, {api.MaySend, "send messages and files"}, {api.MayHook, "make hooks that post"}, {api.MayStatus, "see the status of accounts"}} {
		items = append(items, fyne.NewMenuItem(c.words, func() {
			was := r.s.Do
			r.s.Do = c.do
			switch {
			case c.do == api.MayStatus:
				r.s.Conversation, r.anyplace = "", false
			case was == api.MayStatus:
				r.anyplace = r.s.Account != ""
			}
			r.show()
		}))
	}
	r.l.p.w.popUp(r.do, items)
}

func (r *scopeRow) chooseAccount() {
	set := func(id platforms.AccountID) func() {
		return func() {
			if r.anywhere || id != r.s.Account {
				r.s.Account, r.s.Conversation = id, ""
				r.anywhere, r.anyplace = false, id != "" && r.s.Do != api.MayStatus
			}
			r.show()
		}
	}
	items := []*fyne.MenuItem{fyne.NewMenuItem("in every account", set(""))}
	for _, a := range r.l.p.w.snap.Accounts {
		items = append(items, fyne.NewMenuItem("in "+shortName(a), set(a.ID)))
	}
	r.l.p.w.popUp(r.account, items)
}

func (r *scopeRow) choosePlace() {
	set := func(id platforms.ConversationID) func() {
		return func() { r.s.Conversation, r.anyplace = id, false; r.show() }
	}
	items := []*fyne.MenuItem{fyne.NewMenuItem("every conversation", set(""))}
	for _, c := range r.l.p.data.convs {
		if c.Account == r.s.Account && len(items) <= mostChoices {
			items = append(items, fyne.NewMenuItem(r.l.p.placeName(c.Account, c.ID), set(c.ID)))
		}
	}
	r.l.p.w.popUp(r.place, items)
}
