package window

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/widget"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

const personRowHeight = 50

// personRow is one line of the People page: a head, a rule, who is ignored, or an
// open place.
type personRow struct {
	p    *peoplePage
	view *fyne.Container
	line personLine

	head        *fyne.Container
	title, note *text

	body                  *fyne.Container
	sign                  *avatar
	name, id, where, ends *text
	role                  *badge
	more, drop            *button
}

func (p *peoplePage) makeRow() fyne.CanvasObject {
	r := &personRow{p: p}
	r.title, r.note = newText("", look{bold: true, whole: true}), small("")
	r.head = pad(4, 14, 4, 0, hbox(10, r.title, fill(r.note)))
	r.sign = newAvatar("", "", 30)
	r.name, r.id = newText("", look{bold: true}), newText("", look{size: sizeSmall, mono: true, color: colorMuted})
	r.where, r.ends = newText("", look{size: sizeSmall}), newText("", look{size: sizeTiny, color: colorMuted})
	r.role = newTag()
	r.more = newButton(quiet, "", iconMore, r.menu)
	r.drop = newButton(plain, "", "", r.remove)
	r.body = container.NewStack(newBox(colorSurface, colorBorder, 8), pad(10, 0, 8, 0,
		hbox(10, r.sign, fill(vbox(0, r.name, r.id)), fill(vbox(1, r.where, r.ends)), exactWidth(136, hbox(4, r.role, gapFill(), r.drop, r.more)))))
	r.view = container.NewStack(sized(0, personRowHeight, newBox(colorClear, "", 0)), r.head, pad(0, 0, 14, 0, r.body))
	p.rows[r.view] = r
	return r.view
}

func (p *peoplePage) drawRow(i widget.ListItemID, o fyne.CanvasObject) {
	r := p.rows[o]
	if r == nil || i >= len(p.lines) {
		return
	}
	l := p.lines[i]
	r.line = l
	isHead := l.rule == nil && l.ignored == nil && l.open == nil
	setVisible(r.head, isHead)
	setVisible(r.body, !isHead)
	setVisible(r.more, l.rule != nil)
	setVisible(r.role, l.rule != nil)
	setVisible(r.drop, l.rule == nil)
	w := p.w
	switch {
	case l.rule != nil:
		u := l.rule
		r.show(u.Name, string(u.User), string(u.User))
		if u.Bot {
			r.name.set(personName(u.Name, u.User) + " (bot)")
		}
		r.where.set(placeWords(u.Conversation, u.Place))
		under := model.EndWords(u.Until, w.now())
		if u.Conversation != "" {
			under = shownID(string(u.Conversation)) + " · " + under
		}
		r.ends.set(under)
		r.ends.tint(colorMuted)
		if !u.Until.IsZero() && !w.now().Before(u.Until) {
			r.ends.tint(colorBad)
		}
		r.role.show(model.RoleBadge(u.Role))
	case l.ignored != nil:
		g := l.ignored
		id := string(g.User)
		if id == "" {
			id = string(g.Conversation)
		}
		r.show(g.Name, id, id)
		r.where.set(w.accountLabel(g.Account))
		under := "everywhere"
		switch {
		case g.User == "":
			under = "the whole conversation"
		case g.Conversation != "":
			under = "in " + shownID(string(g.Conversation))
		}
		r.ends.set(under)
		r.ends.tint(colorMuted)
		r.drop.setLabel("Take off…")
	case l.open != nil:
		r.show(l.open.Name, string(l.open.Conversation), string(l.open.Conversation))
		r.where.set(w.accountLabel(l.open.Account))
		r.ends.set("from those who may talk there")
		r.ends.tint(colorMuted)
		r.drop.setLabel("Close")
	default:
		r.title.set(l.title)
		r.note.set(l.note)
	}
	r.view.Refresh()
}

// show sets who or what a row is about.
func (r *personRow) show(name, id, seed string) {
	shown := clean.Line(name, 80)
	if shown == "" {
		shown = "No name"
	}
	r.sign.set(initials(shown), seed)
	r.name.set(shown)
	r.id.set("id " + shownID(id))
}

// remove takes an ignored one off the list, or closes an open place.
func (r *personRow) remove() {
	w, l := r.p.w, r.line
	switch {
	case l.ignored != nil:
		g := *l.ignored
		id := string(g.User)
		if id == "" {
			id = string(g.Conversation)
		}
		w.confirm(question{title: "Take this off the list?", text: "They are heard again where a rule lets them in. Without a rule they stay strangers.",
			quote: personQuote(g.Name, id), yes: "Take off", no: "Keep ignoring",
			then: func() {
				k := api.RuleKey{Account: g.Account, User: g.User, Conversation: g.Conversation}
				w.change(func(ctx context.Context) (api.People, error) { return w.svc.Unignore(ctx, k) }, "Taken off the list.")
			}})
	case l.open != nil: // closing is safe, so it is done at once
		k := api.RuleKey{Account: l.open.Account, Conversation: l.open.Conversation}
		w.change(func(ctx context.Context) (api.People, error) { return w.svc.SetOpen(ctx, k, false) }, "The bot must be mentioned there again.")
	}
}

// personQuote is a name and an id as a dialog quotes them.
func personQuote(name, id string) string {
	if n := clean.Line(name, 80); n != "" {
		return "id " + shownID(id) + "\n" + n
	}
	return "id " + shownID(id)
}

func (r *personRow) menu() {
	if r.line.rule == nil {
		return
	}
	w, u := r.p.w, *r.line.rule
	var items []*fyne.MenuItem
	for _, role := range model.Roles() {
		if role == u.Role || role == access.Owner && u.Bot {
			continue
		}
		items = append(items, fyne.NewMenuItem("Make "+article(role), func() { r.p.setRole(u, role) }))
	}
	items = append(items, fyne.NewMenuItem("Change the end…", func() { w.setEnd(u) }), fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Details…", func() { r.p.details(r.line) }),
		fyne.NewMenuItem("Copy id", func() { w.copy(shownID(string(u.User)), "Id") }),
		fyne.NewMenuItem("What would happen if they wrote…", func() { w.simulate(u.Account, u) }))
	if u.Conversation != "" {
		items = append(items, fyne.NewMenuItem("Hear all without a mention there…", func() { r.p.openPlace(u) }))
	}
	items = append(items, fyne.NewMenuItemSeparator(), fyne.NewMenuItem("Remove…", func() { r.p.removeRule(u) }))
	pop := widget.NewPopUpMenu(fyne.NewMenu("", items...), w.win.Canvas())
	pop.ShowAtRelativePosition(fyne.NewPos(r.more.Size().Width-pop.MinSize().Width, r.more.Size().Height+2), r.more)
}

func article(r access.Role) string {
	if r == access.Owner {
		return "an owner"
	}
	return "a " + string(r)
}

// setRole asks before it gives more, and takes away at once.
func (p *peoplePage) setRole(u access.Rule, role access.Role) {
	w := p.w
	do := func() {
		d := draftOf(u)
		d.Role = role
		w.change(func(ctx context.Context) (api.People, error) { return w.svc.Allow(ctx, d) },
			personName(u.Name, u.User)+" is "+article(role)+" now.")
	}
	if u.Role.AtLeast(role) {
		do()
		return
	}
	w.confirm(question{title: "Make them " + article(role) + "?", text: model.RoleHelp(role) + " This counts in " + placeWords(u.Conversation, u.Place) + ".",
		quote: personQuote(u.Name, string(u.User)), yes: "Make " + article(role), no: "Leave it", then: do})
}

func (p *peoplePage) removeRule(u access.Rule) {
	w := p.w
	w.confirm(question{title: "Remove " + personName(u.Name, u.User) + "?",
		text:  "They are not heard any more in " + placeWords(u.Conversation, u.Place) + ", from the next message on.",
		quote: personQuote(u.Name, string(u.User)), yes: "Remove", no: "Keep", danger: true,
		then: func() {
			w.change(func(ctx context.Context) (api.People, error) { return w.svc.Disallow(ctx, keyOf(u)) }, personName(u.Name, u.User)+" was removed.")
		}})
}

func (p *peoplePage) openPlace(u access.Rule) {
	w := p.w
	w.confirm(question{title: "Hear all without a mention?",
		text:  "In this conversation, all that those who may talk there write then goes to what answers, also what they say to each other. It lets in nobody new.",
		quote: personQuote(u.Place, string(u.Conversation)), yes: "Hear all", no: "Leave it",
		then: func() {
			k := api.RuleKey{Account: u.Account, Conversation: u.Conversation}
			w.change(func(ctx context.Context) (api.People, error) { return w.svc.SetOpen(ctx, k, true) }, "All is heard there now.")
		}})
}
