package window

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// relayForm is the dialog in which a relay is set up or changed.
type relayForm struct {
	p    *relaysPage
	w    *Window
	kind api.RelayKind
	r    *api.Relay // nil: a new one
	m    *modal

	name     *entry
	inputs   map[string]*entry
	before   map[string]string // what the fields held when the form opened
	folded   map[string]bool
	faults   map[string]*text
	more     func(open bool)
	channels *channelList
	found    *fyne.Container // what the check found
	fault    *text
	leave    *button
	check    *button
	save     *button

	running func() // ends the check or the saving that is under way
	saving  bool
	checked *api.RelayDraft // that the last check accepted
}

// setUpRelay leads to the page of relays, and begins one for account, if it is
// not empty.
func (w *Window) setUpRelay(account platforms.AccountID) {
	w.closeModals()
	w.Go(PageRelays)
	if w.page == PageRelays && w.setup == nil { // a form that asks to be saved first stays
		w.relays.add(account)
	}
}

// add offers the sorts of relays that there are; the first channel is for
// account, if it is not empty.
func (p *relaysPage) add(account platforms.AccountID) *modal {
	said, rows := body("Looking at what there is…"), vbox(8)
	var m *modal
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	foot := vbox(10, rule(), hbox(8, gapFill(), newButton(plain, "Cancel", "", func() { m.dismiss() })))
	m = p.w.open(frame(pad(0, 0, 0, 12, vbox(8, heading("Set up a relay"), note(model.WhatRelaysAre), said)), foot, nil, nil, container.New(&uncut{}, scroll)), 600, nil)
	call(p.w.b, briefly, p.w.svc.RelayKinds, func(ks []api.RelayKind, err error) {
		switch {
		case err != nil:
			said.set("What can be set up could not be read. " + clean.Line(explain(err), 300))
		case len(ks) == 0:
			said.set("This Postern has no relays that can be set up.")
		default:
			said.set("Which sort?")
		}
		for _, k := range ks {
			b := newButton(plain, "Choose", "", func() {
				m.close()
				p.form(k, nil, account)
			})
			exact := newText(model.ExactWords(k), look{size: sizeSmall, color: colorGood, wrap: true})
			if !k.Exact {
				exact.tint(colorWarn)
			}
			rows.Add(card(12, hbox(12, fill(vbox(2, newText(clean.Line(k.Title, 60), look{bold: true}), note(clean.Line(k.Summary, 300)), exact)), b)))
		}
		m.view.Refresh()
	})
	return m
}

// edit opens the form of a relay that there is.
func (p *relaysPage) edit(r api.Relay) {
	call(p.w.b, briefly, p.w.svc.RelayKinds, func(ks []api.RelayKind, err error) {
		i := slices.IndexFunc(ks, func(k api.RelayKind) bool { return k.Name == r.Kind })
		switch {
		case err != nil:
			p.w.fail(err)
		case i < 0:
			p.w.toasts.say("This Postern does not know this sort of relay any more. Remove it, or use the version that set it up.", true)
		default:
			p.form(ks[i], &r, "")
		}
	})
}

func (p *relaysPage) form(k api.RelayKind, r *api.Relay, account platforms.AccountID) *relayForm {
	f := &relayForm{p: p, w: p.w, kind: k, r: r, inputs: map[string]*entry{}, before: map[string]string{}, folded: map[string]bool{}, faults: map[string]*text{}}
	words := "Set up " + clean.Line(k.Title, 60)
	if r != nil {
		words = "Edit " + model.RelayName(*r)
	}
	rows := vbox(16)
	if !k.Exact {
		rows.Add(remark(false, body(model.ExactWords(k))))
	}
	switch {
	case len(k.Setup.Steps) == 0:
	case r == nil:
		rows.Add(guide(f.w, k.Setup))
	default:
		rows.Add(fold("Show the setup steps again", guide(f.w, k.Setup)))
	}
	f.name = newEntry(f.w, "For example: "+lowered(k.Title))
	f.name.submit = f.trySave
	f.name.OnChanged = func(string) { f.mark("name", "") }
	if r != nil {
		f.name.SetText(r.Name)
	}
	rows.Add(labelled("Name", "Your own label, to tell relays apart.", f.name, f.faultOf("name")))
	more := vbox(16)
	for _, fd := range k.Fields {
		if fd.Advanced {
			f.folded[fd.Key] = true
			more.Add(f.field(fd))
		} else {
			rows.Add(f.field(fd))
		}
	}
	f.more = func(bool) {}
	if len(more.Objects) > 0 {
		view, open := folding("More settings", more)
		f.more = open
		rows.Add(view)
	}
	f.channels = newChannelList(f, account)
	rows.Add(labelled(channelsTitle(k), channelsHelp(k), f.channels.view, f.faultOf("channels")))
	f.found = container.NewStack()
	f.found.Hide()

	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	f.leave = newButton(plain, "Cancel", "", f.cancel)
	f.check = newButton(plain, "Check", iconCheck, func() { f.runCheck(nil) })
	f.save = newButton(primary, "Save", "", f.trySave)
	foot := vbox(10, rule(), f.fault, f.found, note(levelWords(exposure.Relayed)), hbox(8, newBadge(exposure.Relayed), gapFill(), f.leave, f.check, f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = f.w.open(frame(pad(0, 0, 0, 12, heading(words)), foot, nil, nil, container.New(&uncut{}, scroll)), 720, f.close)
	f.w.win.Canvas().Focus(f.name)
	f.channels.readPaths()
	p.open = f
	return f
}

func (f *relayForm) faultOf(key string) *text {
	t := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	t.Hide()
	f.faults[key] = t
	return t
}

// field is one line of the form.
func (f *relayForm) field(fd api.Field) fyne.CanvasObject {
	e := newEntry(f.w, clean.Line(fd.Placeholder, 120))
	e.Password = fd.Secret
	label := clean.Line(fd.Label, 60)
	if f.r != nil {
		if kept := clean.Line(f.r.Secrets[fd.Key], 12); fd.Secret && kept != "" {
			e.SetPlaceHolder("Saved, ends in " + strings.TrimPrefix(kept, "…") + ". Leave empty to keep it.")
		}
		if !fd.Secret {
			e.SetText(f.r.Settings[fd.Key])
		}
		f.before[fd.Key] = e.Text
	} else if !fd.Required {
		label += " (optional)"
	}
	e.submit = f.trySave
	e.OnChanged = func(string) { f.mark(fd.Key, "") }
	f.inputs[fd.Key] = e
	if len(fd.Options) > 0 {
		return labelled(clean.Line(fd.Label, 60), clean.Line(fd.Help, 400), picker(fd.Options, e), f.faultOf(fd.Key))
	}
	return labelled(label, clean.Line(fd.Help, 400), e, f.faultOf(fd.Key))
}

// mark shows what is wrong with a field, or that nothing is.
func (f *relayForm) mark(key, s string) {
	if strings.HasPrefix(key, "channel") {
		key = "channels"
	}
	t := f.faults[key]
	if t == nil || f.m == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Line(s, 400))
	setVisible(t, s != "")
	if s != "" && f.folded[key] {
		f.more(true)
	}
	f.m.view.Refresh()
}

// complete reports whether everything that is needed was typed, and says so at
// what was not.
func (f *relayForm) complete() bool {
	ok := true
	for _, fd := range f.kind.Fields {
		kept := f.r != nil && fd.Secret && f.r.Secrets[fd.Key] != ""
		if fd.Required && len(fd.Options) == 0 && strings.TrimSpace(f.inputs[fd.Key].Text) == "" && !kept {
			f.mark(fd.Key, clean.Line(fd.Label, 60)+" is missing. Fill it in.")
			ok = false
		}
	}
	if s := f.channels.unfinished(); s != "" {
		f.mark("channels", s)
		ok = false
	}
	return ok
}

// draft is what is typed. A change carries only the values that differ, so that
// a secret that was left alone stays.
func (f *relayForm) draft() api.RelayDraft {
	d := api.RelayDraft{Kind: f.kind.Name, Name: strings.TrimSpace(f.name.Text), Values: map[string]string{}, Channels: f.channels.channels()}
	for _, fd := range f.kind.Fields {
		v := strings.TrimSpace(f.inputs[fd.Key].Text)
		switch {
		case f.r == nil && v == "":
		case f.r != nil && v == strings.TrimSpace(f.before[fd.Key]):
		default:
			d.Values[fd.Key] = v
		}
	}
	return d
}

func sameRelay(a, b api.RelayDraft) bool {
	return a.Kind == b.Kind && maps.Equal(a.Values, b.Values) && reflect.DeepEqual(a.Channels, b.Channels)
}

func (f *relayForm) id() string {
	if f.r == nil {
		return ""
	}
	return f.r.ID
}

// cancel stops a check that is under way, and else closes the form.
func (f *relayForm) cancel() {
	if f.running != nil && !f.saving {
		f.stop()
		return
	}
	f.m.dismiss()
}

// close ends a check, and forgets what was typed. What is being saved goes on.
func (f *relayForm) close() {
	if f.running != nil && !f.saving {
		f.running()
		f.running = nil
	}
	f.channels.end()
	if f.p.open == f {
		f.p.open = nil
	}
	for _, e := range f.inputs {
		e.OnChanged = nil
		e.SetText("")
	}
}
