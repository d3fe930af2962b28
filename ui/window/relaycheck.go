package window

import (
	"context"
	"slices"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// buttons brings the buttons up to date.
func (f *relayForm) buttons() {
	idle := f.running == nil
	f.check.enable(idle)
	f.save.enable(idle)
	f.save.setLabel(map[bool]string{true: "Saving…", false: "Save"}[f.saving])
	f.leave.setLabel(map[bool]string{true: "Stop checking", false: "Cancel"}[!idle && !f.saving])
	f.m.view.Refresh()
}

func (f *relayForm) stop() {
	f.running()
	f.running = nil
	f.result(nil)
	f.buttons()
}

// result shows what a check found; nil takes it away.
func (f *relayForm) result(o fyne.CanvasObject) {
	f.found.Objects = nil
	if o != nil {
		f.found.Objects = []fyne.CanvasObject{o}
	}
	setVisible(f.found, o != nil)
	f.m.view.Refresh()
}

// runCheck connects once with what is typed, and then goes on with then, if it
// is set.
func (f *relayForm) runCheck(then func(ok bool, why string)) {
	if f.running != nil {
		return
	}
	f.fail("")
	for key := range f.faults {
		f.mark(key, "")
	}
	if !f.complete() {
		return
	}
	d, id, svc := f.draft(), f.id(), f.w.svc
	f.checked = nil
	f.result(strip(hbox(10, newIcon(iconActivity, colorAccent, 16), fill(body("Dialling "+clean.Line(f.kind.Title, 40)+"…")))))
	f.running = call(f.w.b, patient, func(ctx context.Context) (api.RelayCheck, error) { return svc.CheckRelay(ctx, id, d) },
		func(out api.RelayCheck, err error) {
			f.running = nil
			if err != nil {
				out.Error = &api.Error{Kind: platforms.KindOf(err), Text: explain(err)}
				if e := told(err); e != nil {
					out.Fields = e.Fields
				}
			}
			why := f.tell(out)
			if why == "" {
				f.checked = &d
			}
			f.buttons()
			if then != nil {
				then(why == "", why)
			}
		})
	f.buttons()
}

// tell shows what a check found, and returns why it failed, if it did.
func (f *relayForm) tell(out api.RelayCheck) (why string) {
	for key, s := range out.Fields {
		f.mark(key, s)
	}
	switch {
	case out.Error != nil:
		why = clean.Line(out.Error.Text, 400)
		f.result(remark(true, body(why)))
	case len(out.Fields) > 0:
		why = "The form still has something to mend."
		f.result(remark(true, body(why)))
	default:
		said := clean.Line(out.Text, 400)
		if said == "" {
			said = "The relay answered, and takes what is typed here."
		}
		f.result(strip(hbox(10, newIcon(iconCheck, colorGood, 18), fill(body(said)))))
	}
	return why
}

// trySave saves what a check accepts, and asks before it saves anything else.
func (f *relayForm) trySave() {
	if f.running != nil || !f.complete() {
		return
	}
	d := f.draft()
	switch {
	case f.r != nil && len(d.Values) == 0:
		f.store() // only names and channels changed: nothing to dial for
	case f.checked != nil && sameRelay(*f.checked, d):
		f.store()
	default:
		f.runCheck(func(ok bool, why string) {
			if ok {
				f.store()
				return
			}
			if !slices.Contains(f.w.modals, f.m) {
				return
			}
			f.w.confirm(question{title: "Save although the check failed?", text: why + " The relay can be saved, but nothing comes by it like this.",
				yes: "Save anyway", no: "Go back", then: f.store})
		})
	}
}

func (f *relayForm) store() {
	if f.running != nil {
		return
	}
	f.fail("")
	d, id, svc := f.draft(), f.id(), f.w.svc
	f.saving = true
	f.running = call(f.w.b, patient, func(ctx context.Context) (api.Relay, error) {
		if id == "" {
			return svc.AddRelay(ctx, d)
		}
		return svc.ChangeRelay(ctx, id, d)
	}, func(r api.Relay, err error) {
		f.running, f.saving = nil, false
		open := slices.Contains(f.w.modals, f.m)
		switch {
		case err != nil && open:
			if e := told(err); e != nil {
				for key, s := range e.Fields {
					f.mark(key, s)
				}
			}
			f.fail(explain(err))
		case err != nil:
			f.w.fail(err)
		default:
			if open {
				f.m.dismiss()
			}
			f.w.say(model.RelayName(r) + " was saved. Tell the senders its public address.")
		}
		f.buttons()
		f.p.load()
	})
	f.buttons()
}

// fail shows why saving was refused. What was typed stays.
func (f *relayForm) fail(s string) {
	f.fault.set(clean.Line(s, 400))
	setVisible(f.fault, s != "")
	f.m.view.Refresh()
}
