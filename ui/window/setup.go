package window

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// setupPage adds an account, or changes one. The level of exposure stands
// beside Save from the first moment on.
type setupPage struct {
	w       *Window
	account *api.Account // nil: a new one
	kind    string       // of platform
	forms   map[string]*accountForm

	content fyne.CanvasObject
	choices *fyne.Container // the platforms, when adding
	rows    map[string]*choice
	middle  *fyne.Container
	badge   *badge
	how     *text
	leave   *button
	check   *button
	save    *button

	running func() // ends the check or the saving that is under way
	saving  bool
}

func newSetupPage(w *Window, kind string, a *api.Account) *setupPage {
	p := &setupPage{w: w, account: a, kind: kind, forms: map[string]*accountForm{}, rows: map[string]*choice{}}
	name, under := "Add an account", "Choose a platform. Those that need the least come first."
	if a != nil {
		name, under = "Edit "+clean.Line(a.Title, 40)+" "+accountName(*a), "What you leave empty stays as it is."
	}
	back := newButton(quiet, "", iconBack, func() { w.Go(PageAccounts) })
	head := pad(20, 20, 28, 12, sized(0, 48, hbox(6, back, fill(vbox(0, title(name), small(under))))))

	p.badge = newBadge(exposure.Refused)
	p.how = note("")
	p.leave = newButton(plain, "Cancel", "", p.cancel)
	p.check = newButton(plain, "Check", iconCheck, func() { p.runCheck(nil) })
	p.save = newButton(primary, "Save", "", p.trySave)
	foot := container.NewStack(newBox(colorSidebar, "", 0), frame(rule(), nil, nil, nil,
		pad(28, 12, 28, 12, hbox(12, p.badge, fill(p.how), p.leave, p.check, p.save))))

	p.middle = container.NewStack()
	p.choices = vbox(4)
	var left fyne.CanvasObject
	if a == nil {
		compare := newButton(quiet, "Compare them all", "", p.compare)
		left = exactWidth(292, container.NewVScroll(pad(28, 0, 12, 16, vbox(8, p.choices, hbox(0, compare)))))
	}
	p.content = frame(head, foot, left, nil, p.middle)
	p.platforms()
	return p
}

func (p *setupPage) view() fyne.CanvasObject { return p.content }
func (p *setupPage) shown() {
	if f := p.form(); f != nil {
		f.focus()
	}
}
func (p *setupPage) snapshot() {}
func (p *setupPage) tick()     {}

// platforms rebuilds the choices from what the service offers.
func (p *setupPage) platforms() {
	kinds := p.w.kinds
	if p.kind == "" && len(kinds) > 0 {
		p.kind = kinds[0].Name
	}
	p.choices.Objects = nil
	for _, k := range kinds {
		c := newChoice(k, func() { p.choose(k.Name) })
		p.rows[k.Name] = c
		p.choices.Add(c)
	}
	p.choose(p.kind)
}

func (p *setupPage) choose(name string) {
	if p.saving {
		return
	}
	p.stop()
	p.kind = name
	for n, c := range p.rows {
		c.setOn(n == name)
	}
	f := p.form()
	if f == nil {
		p.middle.Objects = []fyne.CanvasObject{pad(28, 24, 28, 0, newText("Waiting for Postern…", look{color: colorMuted}))}
		p.middle.Refresh()
		p.buttons()
		return
	}
	p.level(f.kind.Exposure)
	if p.account != nil {
		p.level(p.account.Exposure)
	}
	p.middle.Objects = []fyne.CanvasObject{f.view}
	p.middle.Refresh()
	p.buttons()
	if p.w.setup == p { // else it is not in the window yet
		f.focus()
	}
}

// form is the form of the chosen platform; what was typed into it stays when
// another is looked at.
func (p *setupPage) form() *accountForm {
	if f := p.forms[p.kind]; f != nil {
		return f
	}
	k, ok := p.w.platform(p.kind)
	if !ok {
		return nil
	}
	f := newAccountForm(p, k)
	p.forms[p.kind] = f
	return f
}

// level shows, before anything is saved, what the account will be.
func (p *setupPage) level(l exposure.Level) {
	p.badge.set(l)
	p.how.set(levelWords(l))
	if k, ok := p.w.platform(p.kind); ok && (p.account == nil || l == exposure.Refused) {
		p.how.set(model.BeforeSaving(k.Inbound, l, levelWords(l)))
	}
	p.badge.Refresh()
}

// levelWords says what a level means for this computer.
func levelWords(l exposure.Level) string {
	switch l {
	case exposure.Outbound:
		return "Postern dials out. Nothing listens, and nobody can reach this computer through it."
	case exposure.Relayed:
		return "A relay has the public address; Postern dials out to it."
	case exposure.Local:
		return "A listener that only programs on this computer can reach."
	case exposure.Private:
		return "A listener on this computer or its private network, whose callers are private too."
	case exposure.Public:
		return "Strangers will be able to send bytes to a program on this computer."
	}
	return "It needs a listener that others can reach. Postern keeps it closed until you acknowledge that."
}

func (p *setupPage) buttons() {
	f := p.form()
	idle := p.running == nil && !p.saving
	p.save.enable(idle && f != nil)
	p.check.enable(idle && f != nil)
	p.leave.setLabel("Cancel")
	if p.running != nil && !p.saving {
		p.leave.setLabel("Stop checking")
	}
	p.leave.enable(!p.saving)
	p.save.setLabel(map[bool]string{false: "Save", true: "Saving…"}[p.saving])
	p.content.Refresh()
}

// stop ends a check that is under way.
func (p *setupPage) stop() {
	if p.running != nil && !p.saving {
		p.running()
		p.running = nil
		if f := p.form(); f != nil {
			f.result(nil)
		}
	}
}

func (p *setupPage) cancel() {
	if p.running != nil {
		p.stop()
		p.buttons()
		return
	}
	p.w.Go(PageAccounts)
}

// close forgets what was typed.
func (p *setupPage) close() {
	if p.running != nil {
		p.running()
		p.running = nil
	}
	for _, f := range p.forms {
		f.wipe()
	}
}

func (p *setupPage) dirty() bool {
	for _, f := range p.forms {
		if f.changed() {
			return true
		}
	}
	return false
}

func (p *setupPage) id() platforms.AccountID {
	if p.account == nil {
		return ""
	}
	return p.account.ID
}

// runCheck checks what is typed, and then goes on with then, if it is set and
// nothing failed to be asked.
func (p *setupPage) runCheck(then func(api.Check)) {
	f := p.form()
	if f == nil || p.running != nil || p.saving {
		return
	}
	if !f.complete() {
		p.buttons()
		return
	}
	d, id := f.draft(), p.id()
	f.checking()
	p.running = call(p.w.b, patient, func(ctx context.Context) (api.Check, error) { return p.w.svc.CheckDraft(ctx, id, d) },
		func(out api.Check, err error) {
			p.running = nil
			if err != nil {
				out.Error = &api.Error{Kind: platforms.KindOf(err), Text: explain(err)}
				out.Exposure = f.kind.Exposure
			}
			if out.Exposure != "" {
				p.level(out.Exposure)
			}
			f.result(&out)
			f.checked = d
			p.buttons()
			if then != nil {
				then(out)
			}
		})
	p.buttons()
}

// trySave saves what a check accepts, and asks before it saves anything else.
func (p *setupPage) trySave() {
	f := p.form()
	if f == nil || p.running != nil || p.saving {
		return
	}
	if !f.complete() {
		p.buttons()
		return
	}
	decide := func(out api.Check) {
		if out.Error == nil && len(out.Fields) == 0 {
			p.store()
			return
		}
		why := "The form still has something to mend."
		if out.Error != nil {
			why = out.Error.Text
		}
		p.w.confirm(question{title: "Save although the check failed?", text: why + " The account can be saved, but it will not work like this.",
			yes: "Save anyway", no: "Go back", then: p.store})
	}
	switch {
	case p.account != nil && !f.credentials():
		p.store() // only names and switches changed: nothing to check
	case f.out != nil && same(f.checked, f.draft()):
		decide(*f.out)
	default:
		p.runCheck(decide)
	}
}

func (p *setupPage) store() {
	if p.saving {
		return
	}
	f := p.form()
	d := f.draft()
	p.saving = true
	p.running = call(p.w.b, patient, func(ctx context.Context) (api.Account, error) {
		if p.account == nil {
			return p.w.svc.AddAccount(ctx, d)
		}
		return p.w.svc.ChangeAccount(ctx, p.account.ID, d)
	}, func(a api.Account, err error) {
		p.saving, p.running = false, nil
		if err != nil {
			f.refused(err)
			p.buttons()
			return
		}
		f.wipe()
		p.forms = map[string]*accountForm{}
		p.w.Go(PageAccounts)
		if p.account != nil {
			p.w.say("Saved.")
			return
		}
		p.hello(a)
	})
	p.buttons()
}

// choice is one platform in the list at the left.
type choice struct {
	button
	view fyne.CanvasObject
	back *box
}

func newChoice(k api.Platform, tap func()) *choice {
	sign := newAvatar(glyphOf(k.Glyph, k.Title), k.Name, 32)
	sign.square = true
	v := model.Badge(k.Exposure)
	head := hbox(6, fill(newText(clean.Line(k.Title, 40), look{bold: true})), newText(shortMinutes(k.Minutes), look{size: sizeTiny, color: colorMuted, whole: true}))
	level := hbox(5, newSymbol(v.Symbol, 14, levelColor(k.Exposure)), fill(newText(v.Words, look{size: sizeTiny, color: levelColor(k.Exposure)})))
	c := &choice{button: button{tap: tap}, back: newBox(colorClear, "", 8)}
	c.view = container.NewStack(c.back, pad(10, 10, 10, 10,
		hboxTop(10, sign, fill(vbox(2, head, level, newText(clean.Line(k.Summary, 200), look{size: sizeTiny, color: colorMuted, wrap: true}))))))
	c.ExtendBaseWidget(c)
	return c
}

func shortMinutes(n int) string {
	if n <= 0 {
		return ""
	}
	return model.Count(n, "min", "min")
}

// MinSize implements fyne.CanvasObject.
func (c *choice) MinSize() fyne.Size { return c.view.MinSize() }

// CreateRenderer implements fyne.Widget.
func (c *choice) CreateRenderer() fyne.WidgetRenderer {
	r := &drawn{w: c, min: c.MinSize, objs: []fyne.CanvasObject{c.view}, layout: c.view.Resize}
	r.paint = func() {
		fill, stroke := colorClear, fyne.ThemeColorName("")
		switch {
		case c.on:
			fill = colorSoft
		case c.hovered:
			fill = colorSidebar
		}
		if c.focused {
			stroke = colorAccent
		}
		c.back.tint(fill, stroke)
		c.view.Refresh()
	}
	r.paint()
	return r
}
