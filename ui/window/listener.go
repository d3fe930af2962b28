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

// listenerForm is the dialog in which a person sets what a door listens on.
type listenerForm struct {
	w     *Window
	d     api.Door
	done  func()
	m     *modal
	save  *button
	leave *button
	drop  *button
	fault *text

	fields map[string]*entry // by the name they have on the wire
	faults map[string]*text
	more   func(open bool) // shows the fields that are folded away
	busy   bool
}

// editListener opens the form for d's listener; done runs after a change.
func (w *Window) editListener(d api.Door, done func()) *listenerForm {
	f := &listenerForm{w: w, d: d, done: done, fields: map[string]*entry{}, faults: map[string]*text{}}
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	more := vbox(14,
		f.field("proxies", "Trusted proxies", "", strings.Join(d.Proxies, ", "), "Addresses or prefixes whose X-Forwarded-For is believed, with commas between them. A tunnel on this computer calls from 127.0.0.1."),
		f.field("allow", "Allowed sources", "", strings.Join(d.Allow, ", "), "Only these addresses or prefixes are let in. Empty: all."),
		f.field("cert", "Certificate file", "/etc/ssl/bot.example.org.pem", d.Cert, "Only where no tunnel ends TLS."),
		f.field("key", "Key file", "/etc/ssl/bot.example.org.key", d.Key, ""))
	folded, unfold := folding("More settings", more)
	f.more = unfold
	rows := vbox(14,
		body("Setting a listener opens nothing to strangers: a public one stays closed until you acknowledge it."),
		f.field("bind", "Listen on", "127.0.0.1:47822", d.Bind, "An address of this computer, and a port. Keep 127.0.0.1 where a tunnel leads to it. Empty: the usual."),
		f.field("public", "Public address", "https://bot.example.org", d.Public, "By which the platform calls: the tunnel's or the proxy's."),
		folded)
	unfold(len(d.Proxies)+len(d.Allow) > 0 || d.Cert+d.Key != "")
	f.save = newButton(primary, "Save", "", f.store)
	f.leave = newButton(plain, "Cancel", "", func() { f.m.dismiss() })
	f.drop = newButton(danger, "Remove the listener", "", f.remove)
	setVisible(f.drop, d.Set)
	foot := vbox(10, rule(), f.fault, hbox(8, f.drop, gapFill(), f.leave, f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = w.open(frame(pad(0, 0, 0, 12, heading("Listener of "+model.DoorName(d))), foot, nil, nil, container.New(&uncut{}, scroll)), 560, nil)
	w.win.Canvas().Focus(f.fields["bind"])
	return f
}

func (f *listenerForm) field(key, label, hint, value, help string) fyne.CanvasObject {
	e, t := newEntry(f.w, hint), newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	e.SetText(value)
	e.OnChanged = func(string) { f.mark(key, "") }
	e.submit = f.store
	t.Hide()
	f.fields[key], f.faults[key] = e, t
	return labelled(label, help, e, t)
}

// mark shows what is wrong with a field, or that nothing is.
func (f *listenerForm) mark(key, s string) {
	t := f.faults[key]
	if t == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Block(s))
	setVisible(t, s != "")
	if s != "" && key != "bind" && key != "public" {
		f.more(true)
	}
	f.m.view.Refresh()
}

// listener is what is typed.
func (f *listenerForm) listener() api.Listener {
	v := func(key string) string { return strings.TrimSpace(f.fields[key].Text) }
	split := func(key string) []string {
		return strings.FieldsFunc(v(key), func(r rune) bool { return strings.ContainsRune(", ;\t\n", r) })
	}
	return api.Listener{Bind: v("bind"), Public: v("public"), Proxies: split("proxies"), Allow: split("allow"), Cert: v("cert"), Key: v("key")}
}

func (f *listenerForm) wait(on bool) {
	f.busy = on
	f.save.enable(!on)
	f.drop.enable(!on)
	f.save.setLabel(map[bool]string{true: "Saving…", false: "Save"}[on])
	f.m.view.Refresh()
}

func (f *listenerForm) store() {
	if f.busy {
		return
	}
	f.fail(nil)
	f.wait(true)
	l, id := f.listener(), f.d.Account
	call(f.w.b, briefly, func(ctx context.Context) (api.Door, error) { return f.w.svc.SetListener(ctx, id, l) },
		func(d api.Door, err error) {
			f.wait(false)
			if err != nil {
				f.fail(err)
				return
			}
			said := "Saved."
			if d.Needs && d.Ack == nil {
				said = "Saved. Nothing opens before you acknowledge it: press Open…"
			}
			f.end(said)
		})
}

func (f *listenerForm) end(said string) {
	if slices.Contains(f.w.modals, f.m) {
		f.m.close()
	}
	f.w.say(said)
	f.done()
}

// fail shows why the listener was refused, at the fields where it is about
// them. What was typed stays.
func (f *listenerForm) fail(err error) {
	words := ""
	if err != nil {
		words = explain(err)
		if e := told(err); e != nil {
			marked := len(e.Fields) > 0
			for key, s := range e.Fields {
				f.mark(key, s)
				marked = marked && f.faults[key] != nil
			}
			if marked { // its text tells the same once more
				words = "Not saved. Mend what is marked."
			}
		}
	}
	f.fault.set(clean.Block(words))
	setVisible(f.fault, words != "")
	f.m.view.Refresh()
}

// remove closes the door and forgets its listener, after asking.
func (f *listenerForm) remove() {
	if f.busy {
		return
	}
	id := f.d.Account
	f.w.confirm(question{title: "Remove this listener?", text: "The door closes at once, and its addresses are forgotten. An acknowledgement given for it ends.",
		yes: "Remove", no: "Keep it", danger: true, then: func() {
			f.wait(true)
			act(f.w.b, briefly, func(ctx context.Context) error { return f.w.svc.RemoveListener(ctx, id) }, func(err error) {
				f.wait(false)
				if err != nil {
					f.fail(err)
					return
				}
				f.end("The listener was removed.")
			})
		}})
}
