package window

import (
	"context"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// formNative is Postern's own form.
const formNative = ""

// shownHook is the dialog that shows a hook's new address, this once. Nothing
// keeps the address after the dialog is closed.
type shownHook struct {
	w      *Window
	m      *modal
	url    string
	field  *entry
	copied bool
	wipes  []func()
}

func (w *Window) showHook(made api.HookMade, forms []api.HookForm) *shownHook {
	s := &shownHook{w: w, url: made.URL}
	name := model.HookName(made.Hook)
	s.field = newEntry(w, "")
	s.field.SetText(made.URL)
	s.field.OnChanged = func(string) { s.field.SetText(s.url) } // to copy from, not to write into
	take := newButton(primary, "Copy", iconCopy, nil)
	take.tap = func() {
		w.win.Canvas().Focus(s.field)
		s.field.TypedShortcut(&fyne.ShortcutSelectAll{})
		s.put(s.url, "The address was")
	}
	rows := vbox(14,
		remark(false, body("It is not shown again: Postern keeps only its hash. Whoever has it may post as this hook.")),
		hbox(8, fill(s.field), take))
	s.howTo(rows, made.Hook, forms)
	done := newButton(plain, "Done", "", func() { s.m.dismiss() })
	s.m = w.open(frame(pad(0, 0, 0, 12, heading("The address of "+name)), pad(0, 16, 0, 0, hbox(8, gapFill(), done)), nil, nil,
		container.New(&uncut{}, container.NewVScroll(pad(0, 0, 12, 0, rows)))), 640, func() {
		s.wipe()
		if !s.copied {
			w.say("The address was not copied. If it is still needed, choose “New address…” in the menu of " + name + ".")
		}
	})
	w.win.Canvas().Focus(take)
	return s
}

// howTo says what to do with the address.
func (s *shownHook) howTo(rows *fyne.Container, h api.Hook, forms []api.HookForm) {
	sample := map[string]string{formNative: `{"content": "Hello"}`, formTemplate: `{"title": "Hello"}`}[h.Dialect]
	if sample != "" {
		if line := model.CurlLine(s.url, sample); line != "" {
			rows.Add(vbox(4, newText("From a script or a terminal", look{bold: true, size: sizeSmall}), s.line(line, "The line was")))
		}
	}
	i := slices.IndexFunc(forms, func(k api.HookForm) bool { return k.Dialect == h.Dialect })
	if h.Dialect != formNative && i >= 0 {
		k := forms[i]
		row := hbox(8, fill(body("Paste the address where your program asks for a webhook's address. What it posts is read as: "+clean.Line(k.Title, 40)+".")))
		if k.Docs != "" {
			row.Add(newButton(plain, "Where that is", iconOpen, func() { s.w.visit(k.Docs) }))
		}
		rows.Add(row)
	}
	if h.Dialect != formNative {
		return
	}
	others := vbox(6)
	for _, k := range forms {
		if at := model.FormAddress(s.url, k); at != "" && k.Dialect != h.Dialect {
			others.Add(vbox(2, newText(clean.Line(k.Title, 40)+": "+clean.Line(k.Summary, 120), look{size: sizeSmall}), s.line(at, "The address was")))
		}
	}
	if len(others.Objects) > 0 {
		rows.Add(fold("For programs that post in another form", others))
	}
}

// line is a text that bears the address, to copy while the dialog is open.
func (s *shownHook) line(words, what string) fyne.CanvasObject {
	t := newText(words, look{mono: true, size: sizeSmall, wrap: true})
	s.wipes = append(s.wipes, func() { words = ""; t.set("") })
	return strip(hbox(8, fill(t), newButton(quiet, "", iconCopy, func() { s.put(words, what) })))
}

func (s *shownHook) put(words, what string) {
	if words != "" {
		s.w.o.Copy(words)
		s.copied = true
		s.w.say(what + " copied.")
	}
}

// wipe forgets the address.
func (s *shownHook) wipe() {
	s.url = ""
	s.field.OnChanged = nil
	s.field.SetText("")
	for _, w := range s.wipes {
		w()
	}
	s.wipes = nil
}

// hookListener is the dialog in which a person says where hooks are served.
type hookListener struct {
	m     *modal
	bind  *entry
	save  *button
	fault *text
	busy  bool
}

func (p *hooksPage) listen() *hookListener {
	w, l := p.w, &hookListener{fault: newText("", look{size: sizeSmall, color: colorBad, wrap: true})}
	l.fault.Hide()
	say := func(s string) {
		l.fault.set(clean.Line(s, 400))
		setVisible(l.fault, s != "")
		l.m.view.Refresh()
	}
	l.bind = newEntry(w, "127.0.0.1:47820")
	l.bind.SetText(p.data.Bind)
	l.bind.OnChanged = func(string) {
		if l.fault.Visible() {
			say("")
		}
	}
	store := func() {
		if l.busy {
			return
		}
		l.busy = true
		l.save.enable(false)
		l.save.setLabel("Saving…")
		say("")
		d := api.HookListener{Bind: strings.TrimSpace(l.bind.Text)}
		call(w.b, briefly, func(ctx context.Context) (api.Hooks, error) { return w.svc.SetHookListener(ctx, d) }, func(h api.Hooks, err error) {
			l.busy = false
			l.save.enable(true)
			l.save.setLabel("Save")
			if err != nil {
				words := explain(err)
				if e := told(err); e != nil && e.Fields["bind"] != "" {
					words = e.Fields["bind"]
				}
				say(words)
				return
			}
			if slices.Contains(w.modals, l.m) {
				l.m.close()
			}
			p.show(h)
			w.say("Hooks have a new place. Give programs the new addresses: only the part before the path differs.")
			p.load()
		})
	}
	l.bind.submit = store
	l.save = newButton(primary, "Save", "", store)
	l.m = w.open(vbox(14, heading("Where hooks are served"),
		labelled("Address and port", "An address of this computer alone, such as 127.0.0.1, and a port of your choice. Nobody else can reach it.", l.bind, l.fault),
		hbox(8, gapFill(), newButton(plain, "Cancel", "", func() { l.m.dismiss() }), l.save)), 480, nil)
	w.win.Canvas().Focus(l.bind)
	return l
}
