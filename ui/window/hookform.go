package window

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// formTemplate is the form whose posts a template of the person's shows.
const formTemplate = "template"

// mostHookRate is how many posts a minute a limit may let.
const mostHookRate = 1000

// hookForm is the dialog in which a hook is made or changed.
type hookForm struct {
	p    *hooksPage
	w    *Window
	h    *api.Hook // nil: a new one
	m    *modal
	save *button
	busy bool

	where    *conversationPicker // of a new one
	name     *entry
	length   *text
	dialect  string
	form     *button
	about    *text
	docs     *button
	template *entry
	shown    *fyne.Container // the template
	try      *hookTry
	avatar   *entry
	marked   *toggle
	until    *untilPicker
	rate     *entry
	more     func(open bool)
	faults   map[string]*text // by the name they have on the wire
	fault    *text
}

// add opens the form of a new hook.
func (p *hooksPage) add() *hookForm {
	f := p.hookForm(api.Hook{Marked: true}, nil, "New hook", "Make the hook")
	p.w.win.Canvas().Focus(f.where.button)
	return f
}

// edit opens the form of one that there is.
func (p *hooksPage) edit(h api.Hook) *hookForm {
	f := p.hookForm(h, &h, "Edit the hook "+model.HookName(h), "Save")
	p.w.win.Canvas().Focus(f.name)
	return f
}

func (p *hooksPage) hookForm(h api.Hook, of *api.Hook, title, yes string) *hookForm {
	f := &hookForm{p: p, w: p.w, h: of, dialect: h.Dialect, faults: map[string]*text{}}
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	f.name, f.length = newEntry(f.w, "For example: Build server"), note("")
	f.name.SetText(h.Name)
	f.name.OnChanged = func(string) { f.count(); f.mark("name", "") }
	f.name.submit = f.store
	f.form = newButton(plain, "", iconDown, f.choose)
	f.form.after = true
	f.about = note("")
	f.docs = newButton(quiet, "What they post", iconOpen, func() {})
	f.template = newAreaEntry(f.w, "{{ .title }}: {{ .message }}")
	f.template.SetMinRowsVisible(4)
	f.template.SetText(h.Template)
	f.template.OnChanged = func(string) { f.mark("template", ""); f.try.changed() }
	f.try = newHookTry(f)
	f.avatar = newEntry(f.w, "https://example.org/picture.png")
	f.avatar.SetText(h.Avatar)
	f.avatar.OnChanged = func(string) { f.mark("avatar", "") }
	f.marked = newToggle(nil)
	f.marked.on = h.Marked
	f.until = newUntilPicker(f.w, h.Expires)
	f.rate = newEntry(f.w, "30")
	if h.Limit.N > 0 {
		f.rate.SetText(strconv.Itoa(h.Limit.N))
	}
	f.rate.OnChanged = func(string) { f.mark("limit", "") }
	f.avatar.submit, f.rate.submit, f.until.other.submit = f.store, f.store, f.store

	rows := vbox(16)
	if of == nil {
		f.where = newConversationPicker(f.w, func() { f.mark("conversation", ""); f.m.view.Refresh() })
		rows.Add(f.labelled("conversation", "Posts into", "This conversation and no other.", f.where.view))
	} else {
		rows.Add(note("Posts into " + p.place(h) + ". Its address stays."))
	}
	rows.Add(f.labelled("name", "Name", "Who posts, where a post does not say.", f.name, f.length))
	f.shown = vbox(0, f.labelled("template", "Template", "In the language of Go's text/template; the post's JSON is the dot.", f.template))
	rows.Add(f.labelled("dialect", "What programs post", "", hbox(8, exactWidth(240, f.form), f.docs, gapFill()), f.about))
	rows.Add(f.shown)
	rows.Add(fold("Try it", f.try.view))
	more := vbox(16,
		switchRow("A line in the chat says that a message came by a hook", "So that nobody takes it for yours.", f.marked),
		f.labelled("avatar", "Picture", "The address of a picture, for platforms that show one. Postern does not fetch it.", f.avatar),
		f.labelled("limit", "Posts a minute, at most", "Empty: the usual 30.", hbox(0, exactWidth(120, f.rate), gapFill())),
		f.labelled("expires", "Counts", "", f.until.view))
	folded, unfold := folding("More settings", more)
	f.more = unfold
	rows.Add(folded)
	f.save = newButton(primary, yes, "", f.store)
	foot := vbox(10, rule(), f.fault, hbox(8, gapFill(), newButton(plain, "Cancel", "", func() { f.m.dismiss() }), f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = f.w.open(frame(pad(0, 0, 0, 12, heading(title)), foot, nil, nil, container.New(&uncut{}, scroll)), 640, func() { f.try.stop() })
	f.count()
	f.describe()
	return f
}

// labelled is a field under its label, with what is wrong with it.
func (f *hookForm) labelled(key, label, help string, o fyne.CanvasObject, under ...fyne.CanvasObject) fyne.CanvasObject {
	t := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	t.Hide()
	f.faults[key] = t
	return labelled(label, help, o, t, under...)
}

// mark shows what is wrong with a field, or that nothing is.
func (f *hookForm) mark(key, s string) {
	switch key {
	case "account", "thread":
		key = "conversation"
	}
	t := f.faults[key]
	if t == nil || f.m == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Line(s, 400))
	setVisible(t, s != "")
	if s != "" && (key == "avatar" || key == "limit" || key == "expires") {
		f.more(true)
	}
	f.m.view.Refresh()
}

// count says how long the name is, as it is typed.
func (f *hookForm) count() {
	words, fits := model.NameLength(f.name.Text)
	f.length.set(words)
	f.length.tint(map[bool]fyne.ThemeColorName{true: colorMuted, false: colorBad}[fits])
}

// choose offers the forms that there are.
func (f *hookForm) choose() {
	var items []*fyne.MenuItem
	for _, k := range f.p.data.Forms {
		items = append(items, fyne.NewMenuItem(clean.Line(k.Title, 40)+": "+clean.Line(k.Summary, 80), func() {
			f.dialect = k.Dialect
			f.mark("dialect", "")
			f.describe()
			f.try.changed()
		}))
	}
	if len(items) > 0 {
		f.w.popUp(f.form, items)
	}
}

// describe shows what the chosen form is.
func (f *hookForm) describe() {
	f.form.setLabel(model.FormTitle(f.dialect, f.p.data.Forms))
	f.docs.Hide()
	f.about.set("")
	for _, k := range f.p.data.Forms {
		if k.Dialect != f.dialect {
			continue
		}
		f.about.set(clean.Line(clean.Sentence(k.Summary), 200))
		f.docs.tap = func() { f.w.visit(k.Docs) }
		setVisible(f.docs, k.Docs != "")
	}
	setVisible(f.shown, f.dialect == formTemplate)
	f.try.example(f.dialect)
	f.m.view.Refresh()
}

// limit is the limit that is typed, or what is wrong with it. One that stays the
// same number keeps the rest of what it was.
func (f *hookForm) limit() (platforms.Rate, string) {
	s := strings.TrimSpace(f.rate.Text)
	if s == "" {
		return platforms.Rate{}, ""
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > mostHookRate {
		return platforms.Rate{}, "Enter a whole number between 1 and " + strconv.Itoa(mostHookRate) + ", or nothing."
	}
	if f.h != nil && f.h.Limit.N == n {
		return f.h.Limit, ""
	}
	return platforms.Rate{N: n, Per: time.Minute, Burst: max(1, n/3)}, ""
}

// typed is what the form says, and whether it is complete.
func (f *hookForm) typed() (d api.HookDraft, ok bool) {
	ok = true
	bad := func(key, s string) {
		if s != "" {
			f.mark(key, s)
			ok = false
		}
	}
	d = api.HookDraft{Name: strings.TrimSpace(f.name.Text), Avatar: strings.TrimSpace(f.avatar.Text), Dialect: f.dialect, Unmarked: !f.marked.on}
	if f.where != nil {
		d.Account, d.Conversation = f.where.chosen.Account, f.where.chosen.ID
		if d.Conversation == "" {
			bad("conversation", "Choose a conversation.")
		}
	}
	bad("name", model.NameFault(f.name.Text))
	if f.dialect == formTemplate {
		if d.Template = f.template.Text; strings.TrimSpace(d.Template) == "" {
			bad("template", "The template is missing. Write one, or choose another form.")
		}
	}
	var why string
	d.Limit, why = f.limit()
	bad("limit", why)
	d.Expires, why = f.until.value()
	bad("expires", why)
	return d, ok
}

// changes is what d makes different of the hook.
func (f *hookForm) changes(d api.HookDraft) (c api.HookChange) {
	set := func(to **string, was, now string) {
		if was != now {
			*to = &now
		}
	}
	set(&c.Name, f.h.Name, d.Name)
	set(&c.Avatar, f.h.Avatar, d.Avatar)
	set(&c.Dialect, f.h.Dialect, d.Dialect)
	set(&c.Template, f.h.Template, d.Template)
	if marked := !d.Unmarked; marked != f.h.Marked {
		c.Marked = &marked
	}
	if d.Limit != f.h.Limit {
		c.Limit = &d.Limit
	}
	if !d.Expires.Equal(f.h.Expires) {
		c.Expires = &d.Expires
	}
	return c
}

func (f *hookForm) store() {
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
	was, svc := f.save.label, f.w.svc
	f.save.setLabel("Saving…")
	h := f.h
	call(f.w.b, briefly, func(ctx context.Context) (api.HookMade, error) {
		if h == nil {
			return svc.AddHook(ctx, d)
		}
		changed, err := svc.ChangeHook(ctx, h.ID, f.changes(d))
		return api.HookMade{Hook: changed}, err
	}, func(made api.HookMade, err error) {
		f.busy = false
		f.save.setLabel(was)
		f.save.enable(true)
		if err != nil {
			f.fail(err)
			return
		}
		if slices.Contains(f.w.modals, f.m) {
			f.m.close()
			f.try.stop()
		}
		if made.URL != "" {
			f.w.showHook(made, f.p.data.Forms)
		} else {
			f.w.say(d.Name + " was saved. Its address stays.")
		}
		f.p.load()
	})
}

// fail shows why it was refused. What was typed stays.
func (f *hookForm) fail(err error) {
	words := ""
	if err != nil {
		words = clean.Line(explain(err), 400)
		if e := told(err); e != nil {
			for key, s := range e.Fields {
				f.mark(key, s)
			}
		}
		if !slices.Contains(f.w.modals, f.m) { // it was left meanwhile
			f.w.fail(err)
			return
		}
	}
	f.fault.set(words)
	setVisible(f.fault, words != "")
	f.m.view.Refresh()
}
