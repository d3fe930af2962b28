package window

import (
	"context"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
)

// hookTry is the part of a hook's form that shows what a post would look like.
// Nothing is sent.
type hookTry struct {
	f      *hookForm
	view   *fyne.Container
	post   *entry
	event  *entry
	run    *button
	result *fyne.Container
	ends   func() // the call that is under way
}

func newHookTry(f *hookForm) *hookTry {
	t := &hookTry{f: f, result: vbox(6)}
	t.post = newAreaEntry(f.w, "")
	t.post.SetMinRowsVisible(4)
	t.post.OnChanged = func(string) { t.changed() }
	t.event = newEntry(f.w, "push")
	t.event.submit = t.start
	t.run = newButton(plain, "Try", iconPlay, t.start)
	t.view = vbox(8, note("Paste what a program posts, and see what it would look like. Nothing is sent."), t.post,
		hbox(8, newText("Event", look{size: sizeSmall, bold: true, whole: true}), exactWidth(150, t.event),
			fill(note("Only for forms that name it in a header.")), t.run),
		t.result)
	return t
}

// example is what could be pasted, where that is plain.
func (t *hookTry) example(dialect string) {
	t.post.SetPlaceHolder(map[string]string{formNative: `{"content": "Build 214 is green"}`, formTemplate: `{"title": "Build 214", "message": "is green"}`}[dialect])
}

// changed takes away a result that says nothing any more.
func (t *hookTry) changed() {
	t.stop()
	if len(t.result.Objects) > 0 {
		t.show()
	}
}

func (t *hookTry) stop() {
	if t.ends != nil {
		t.ends()
		t.ends = nil
		t.run.setLabel("Try")
	}
}

func (t *hookTry) show(objs ...fyne.CanvasObject) {
	t.result.Objects = objs
	t.f.m.view.Refresh()
}

// start tries what is pasted, or ends a try that is under way.
func (t *hookTry) start() {
	if t.ends != nil {
		t.stop()
		t.show()
		return
	}
	d := api.HookTry{Dialect: t.f.dialect, Event: strings.TrimSpace(t.event.Text), Body: t.post.Text}
	if d.Dialect == formTemplate {
		d.Template = t.f.template.Text
	}
	t.run.setLabel("Stop")
	t.show(note("Trying…"))
	t.ends = call(t.f.w.b, briefly, func(ctx context.Context) (api.HookTried, error) { return t.f.w.svc.TryHook(ctx, d) },
		func(out api.HookTried, err error) {
			t.ends = nil
			t.run.setLabel("Try")
			switch {
			case err != nil:
				t.show(remark(true, body(clean.Line(explain(err), 600))))
			case out.Problem != "":
				t.show(remark(true, body(clean.Line(out.Problem, 600))))
			default:
				t.show(t.look(out))
			}
		})
}

// look is a post as it would appear.
func (t *hookTry) look(out api.HookTried) fyne.CanvasObject {
	who := clean.Line(out.Username, 64)
	if who == "" {
		who = clean.Line(strings.TrimSpace(t.f.name.Text), 64)
	}
	if who == "" {
		who = "The hook's name"
	}
	said := clean.Block(out.Text)
	if r := []rune(said); len(r) > shownRunes {
		said = string(r[:shownRunes]) + "…"
	}
	if strings.TrimSpace(said) == "" {
		said = "(no text)"
	}
	return vbox(4, newText(who, look{size: sizeSmall, bold: true, color: colorMuted}), strip(newText(said, look{wrap: true})))
}
