package window

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// ruleForm is the dialog in which a person lets somebody in, or changes until
// when.
type ruleForm struct {
	w     *Window
	m     *modal
	user  *entry // nil where it is known
	place *entry
	name  *entry
	who   *accountPicker
	isBot *toggle
	role  access.Role
	until *untilPicker
	here  []api.RuleDraft // where it could count, one for each choice
	at    int             // of here

	faults map[string]*text
	fault  *text
	save   *button
	busy   bool
	said   string
}

func (w *Window) newRuleForm() *ruleForm {
	f := &ruleForm{w: w, role: access.Member, faults: map[string]*text{}}
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	return f
}

// addPerson opens the form for somebody whose id the person has.
func (w *Window) addPerson() *ruleForm {
	f := w.newRuleForm()
	f.said = "They may talk now."
	f.user, f.place, f.name = newEntry(w, "Paste it"), newEntry(w, "Empty: in direct chats only"), newEntry(w, "For example: Ada")
	f.user.submit, f.place.submit, f.name.submit = f.store, f.store, f.store
	f.who = newAccountPicker(w)
	f.isBot = newToggle(nil)
	rows := vbox(14,
		f.labelled("account", "Account", "", f.who.view),
		f.labelled("user", "Their id", "A name does not count: anybody can take it. If it is no id, you are told how to find it.", f.user),
		f.labelled("conversation", "Shared conversation (optional)", "Its id. A rule for direct chats does not count in a shared one.", f.place),
		f.roles(model.Roles()),
		switchRow("It is a bot", "Only a rule for bots lets a bot in, and never as an owner: two bots that answer each other don't end.", f.isBot),
		f.labelled("until", "Counts", "", f.ends(access.Rule{})),
		f.labelled("name", "Name (optional)", "Only for showing.", f.name))
	f.open("Add by id", rows, "Add", f.user)
	return f
}

// allow opens the form for who did what an activity tells of. e is their message
// as far as it is known.
func (w *Window) allow(a api.Activity, e api.Entry, kind platforms.ConversationKind, place string) *ruleForm {
	f := w.newRuleForm()
	name := clean.Line(e.From.Name, 80)
	if name == "" {
		name = clean.Line(a.Who, 80)
	}
	f.said = "They may talk now. What they wrote before stays unanswered."
	base := api.RuleDraft{Account: a.Account, User: string(a.User), Name: name, Bot: e.From.Bot}
	direct, here := base, base
	here.Conversation, here.Place = string(a.Conversation), place
	if kind == platforms.Direct {
		here = direct
		here.Place = ""
	}
	here.Entry = a.Entry
	words := []string{"in direct chats"}
	switch {
	case kind == platforms.Direct:
		f.here = []api.RuleDraft{here}
	case a.Conversation == "":
		f.here = []api.RuleDraft{direct}
	default:
		f.here, words = []api.RuleDraft{here, direct}, []string{"in this conversation", "in direct chats"}
	}
	roles := model.Roles()
	if base.Bot {
		roles = slices.DeleteFunc(roles, func(r access.Role) bool { return r == access.Owner })
	}
	rows := vbox(14, whoBox(name, string(a.User), base.Bot))
	row := flow(8)
	var rs []*radio
	for _, s := range words {
		r := newRadio(s, nil)
		rs = append(rs, r)
		row.Add(r)
	}
	exclude(rs, func(i int) { f.at = i })(0)
	help := ""
	if a.Conversation != "" && kind != platforms.Direct {
		help = "This conversation: " + placeWords(a.Conversation, place) + ", id " + shownID(string(a.Conversation))
	}
	rows.Add(f.labelled("conversation", "They may talk", help, row))
	rows.Add(f.roles(roles))
	rows.Add(f.labelled("until", "Counts", "", f.ends(access.Rule{})))
	f.open("Allow them to talk?", rows, "Allow", nil)
	return f
}

// setEnd opens the form for a rule's end.
func (w *Window) setEnd(r access.Rule) *ruleForm {
	f := w.newRuleForm()
	f.said = "The end was changed."
	f.here, f.role = []api.RuleDraft{draftOf(r)}, r.Role
	f.open("Until when does it count?", vbox(14, whoBox(r.Name, string(r.User), r.Bot), f.labelled("until", "Counts", "", f.ends(r))), "Save", nil)
	return f
}

// whoBox shows who it is about: the id first, as the name is none's own.
func whoBox(name, id string, bot bool) fyne.CanvasObject {
	rows := vbox(2, newText("id "+shownID(id), look{bold: true, mono: true, wrap: true}))
	words := clean.Line(name, 80)
	switch {
	case words == "" && bot:
		words = "A bot without a name."
	case words == "":
		words = "No name was told."
	case bot:
		words = "A bot called “" + words + "”. Anybody can choose that name: it proves nothing."
	default:
		words = "Called “" + words + "”. Anybody can choose that name: it proves nothing."
	}
	rows.Add(note(words))
	return strip(rows)
}

// labelled is a field under its label, with what is wrong with it.
func (f *ruleForm) labelled(key, label, help string, o fyne.CanvasObject) fyne.CanvasObject {
	t := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	t.Hide()
	f.faults[key] = t
	if e, ok := o.(*entry); ok {
		e.OnChanged = func(string) { f.mark(key, "") }
	}
	return labelled(label, help, o, t)
}

// roles lets choose a role.
func (f *ruleForm) roles(all []access.Role) fyne.CanvasObject {
	rows := vbox(0)
	var rs []*radio
	for _, r := range all {
		b := newRadio(string(r), nil)
		rs = append(rs, b)
		rows.Add(hbox(4, exactWidth(100, b), fill(note(model.RoleHelp(r)))))
	}
	exclude(rs, func(i int) { f.role = all[i] })(0)
	return f.labelled("role", "Role", "", rows)
}

func (f *ruleForm) ends(r access.Rule) fyne.CanvasObject {
	f.until = newUntilPicker(f.w, r.Until)
	f.until.other.submit = f.store
	return f.until.view
}

func (f *ruleForm) open(title string, rows fyne.CanvasObject, yes string, focus fyne.Focusable) {
	f.save = newButton(primary, yes, "", f.store)
	f.save.noEnter = focus == nil
	leave := newButton(plain, "Cancel", "", func() { f.m.dismiss() })
	foot := vbox(10, rule(), f.fault, hbox(8, gapFill(), leave, f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = f.w.open(frame(pad(0, 0, 0, 12, heading(title)), foot, nil, nil, container.New(&uncut{}, scroll)), 560, nil)
	if focus == nil {
		focus = leave
	}
	f.w.win.Canvas().Focus(focus)
}

// mark shows what is wrong with a field, or that nothing is.
func (f *ruleForm) mark(key, s string) {
	t := f.faults[key]
	if t == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Block(s))
	setVisible(t, s != "")
	f.m.view.Refresh()
}

// typed is what the form says, and whether it is complete.
func (f *ruleForm) typed() (d api.RuleDraft, ok bool) {
	if f.user != nil {
		d = api.RuleDraft{Account: f.who.id, User: strings.TrimSpace(f.user.Text), Conversation: strings.TrimSpace(f.place.Text),
			Name: clean.Line(f.name.Text, 80), Bot: f.isBot.on}
		switch {
		case d.Account == "":
			f.mark("account", "Choose the account first.")
			return d, false
		case d.User == "":
			f.mark("user", "The id is missing. Paste it.")
			return d, false
		}
	} else {
		d = f.here[f.at]
	}
	until, why := f.until.value()
	if why != "" {
		f.mark("until", why)
		return d, false
	}
	d.Role, d.Until = f.role, until
	return d, true
}

func (f *ruleForm) store() {
	if f.busy {
		return
	}
	f.fail(nil)
	for key := range f.faults {
		f.mark(key, "")
	}
	d, ok := f.typed()
	if !ok {
		return
	}
	f.busy = true
	f.save.enable(false)
	call(f.w.b, briefly, func(ctx context.Context) (api.People, error) { return f.w.svc.Allow(ctx, d) }, func(p api.People, err error) {
		f.busy = false
		f.save.enable(true)
		if err != nil {
			f.fail(err)
			return
		}
		if slices.Contains(f.w.modals, f.m) {
			f.m.close()
		}
		f.w.people.changed(p)
		f.w.say(f.said)
	})
}

// fail shows why it was refused, at the fields where it is about them. What was
// typed stays. The service says in the error's text how to get an id.
func (f *ruleForm) fail(err error) {
	words := ""
	if err != nil {
		words = explain(err)
		if e := told(err); e != nil {
			marked := false
			for key, s := range e.Fields {
				f.mark(key, s)
				marked = marked || f.faults[key] != nil
			}
			if !marked && f.user != nil && e.Kind == platforms.Rejected && f.place.Text == "" {
				f.mark("user", words) // nothing else was typed that it could be about
				marked = true
			}
			if marked {
				words = ""
			}
		}
	}
	f.fault.set(clean.Block(words))
	setVisible(f.fault, words != "")
	f.m.view.Refresh()
}
