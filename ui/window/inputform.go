package window

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// inputForm is the dialog in which a person says how an input answers and what
// is kept of it.
type inputForm struct {
	p  *inputsPage
	w  *Window
	in api.Input
	m  *modal

	modes     [3]*radio // of the answer
	mode      int
	status    *entry
	media     *entry
	reply     *entry
	custom    *fyne.Container
	transform *entry
	ephemeral *toggle
	keep      *entry
	days      *entry
	keeps     *text
	faults    map[string]*text
	fault     *text
	save      *button
	busy      bool

	trials [2]*inputTrial // of the answer and of the text
	sample api.InputRequest
	looked bool // for a sample
	stop   func()
}

// The ways to answer, as api.InputAnswer names them.
func answerModes() [3]string { return [3]string{"", "static", "dynamic"} }

const (
	mostKept     = 10_000
	mostKeptDays = 365
)

// inputSettings opens the form of an input; r, if it is not nil, is a request
// that expressions are tried against.
func (w *Window) inputSettings(p *inputsPage, in api.Input, r *api.InputRequest) *inputForm {
	f := &inputForm{p: p, w: w, in: in, faults: map[string]*text{}}
	if r != nil {
		f.sample = *r
	}
	f.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	f.fault.Hide()
	s := in.Settings
	rows := vbox(18)

	f.status, f.media = newEntry(w, "200"), newEntry(w, "text/plain")
	f.reply = newAreaEntry(w, "")
	f.reply.TextStyle.Monospace = true
	f.reply.SetMinRowsVisible(3)
	if s.Answer.Status != 0 {
		f.status.SetText(strconv.Itoa(s.Answer.Status))
	}
	f.media.SetText(s.Answer.Type)
	f.reply.SetText(s.Answer.Body)
	f.trials[0] = f.trial("answer", f.reply)
	f.custom = vbox(12, f.field("answer", "", "", f.reply), f.trials[0].out,
		hboxTop(16, exactWidth(120, f.field("status", "Status", "200 to 299.", f.status)), fill(f.field("type", "Media type", "Empty: text/plain, or JSON if it is that.", f.media))))
	f.modes = [3]*radio{newRadio("The platform's own", nil), newRadio("A fixed text", nil), newRadio("An expression", nil)}
	pick := exclude(f.modes[:], f.answer)
	how := vbox(6, part("Answer to a genuine request that was stored"), flow(4, f.modes[0], f.modes[1], f.modes[2]), f.custom)
	modes := answerModes()
	pick(max(0, slices.Index(modes[:], s.Answer.Mode)))
	if in.Replies {
		rows.Add(how)
	} else {
		rows.Add(vbox(4, part("Answer"), note("The platform's own protocol says how this input answers. It can't be chosen.")))
	}

	f.transform = newAreaEntry(w, `For example: "New order " + string(json.number)`)
	f.transform.TextStyle.Monospace = true
	f.transform.SetMinRowsVisible(2)
	f.transform.SetText(s.Transform)
	f.trials[1] = f.trial("transform", f.transform)
	rows.Add(vbox(6, f.field("transform", "Text of the message", "An expression, in the language of routes, whose text becomes the message's. Empty: as the platform has it.", f.transform), f.trials[1].out))

	f.ephemeral = newToggle(func(bool) { f.told() })
	f.ephemeral.on = s.Ephemeral
	rows.Add(switchRow("Keep no contents", "Of a request only when it came and how it was answered is kept, and of its message nothing after it was handed on. It can't be looked at or replayed then.", f.ephemeral))

	f.keep, f.days = newEntry(w, fmt.Sprintf("%d, as usual", api.UsualRequests)), newEntry(w, fmt.Sprintf("%d, as usual", api.UsualTime/(24*time.Hour)))
	if s.Keep > 0 {
		f.keep.SetText(strconv.Itoa(s.Keep))
	}
	if d := int(s.KeepFor / (24 * time.Hour)); d > 0 {
		f.days.SetText(strconv.Itoa(d))
	}
	for _, e := range []*entry{f.keep, f.days} {
		e.submit = f.store
		e.OnChanged = func(string) { f.told() }
	}
	f.keeps = note("")
	rows.Add(vbox(6, hboxTop(16, fill(f.field("keep", "Requests to keep", "", f.keep)), fill(f.field("keep_for", "Days to keep them", "", f.days))), f.keeps))

	f.save = newButton(primary, "Save", "", f.store)
	foot := vbox(10, rule(), f.fault, hbox(8, gapFill(), newButton(plain, "Cancel", "", func() { f.m.dismiss() }), f.save))
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	f.m = w.open(frame(pad(0, 0, 0, 12, heading("Settings of "+model.InputName(in))), foot, nil, nil, container.New(&uncut{}, scroll)), 620, f.end)
	f.told()
	f.look()
	if in.Replies {
		w.win.Canvas().Focus(f.modes[f.mode])
	} else {
		w.win.Canvas().Focus(f.transform)
	}
	return f
}

// field is a field with its label, and what is wrong with it.
func (f *inputForm) field(key, label, help string, o *entry) fyne.CanvasObject {
	t := newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	t.Hide()
	f.faults[key] = t
	if o.OnChanged == nil {
		o.OnChanged = func(string) { f.mark(key, "") }
	}
	if label == "" {
		return vbox(4, o, t)
	}
	return labelled(label, help, o, t)
}

func (f *inputForm) answer(i int) {
	f.mode = i
	f.trials[0].off = i != 2
	f.trials[0].soon()
	f.mark("answer", "")
	setVisible(f.custom, i > 0)
	f.reply.SetPlaceHolder([]string{"", "The text", `For example: "Thanks, " + json.user.name`}[i])
	f.refresh()
}

func (f *inputForm) refresh() {
	if f.m != nil {
		f.m.view.Refresh()
	}
}

// told says in words what will be kept.
func (f *inputForm) told() {
	if f.keeps == nil {
		return
	}
	f.mark("keep", "")
	f.mark("keep_for", "")
	s := api.InputSettings{Ephemeral: f.ephemeral.on}
	s.Keep, _ = strconv.Atoi(strings.TrimSpace(f.keep.Text))
	if d, err := strconv.Atoi(strings.TrimSpace(f.days.Text)); err == nil {
		s.KeepFor = time.Duration(min(max(d, 0), mostKeptDays)) * 24 * time.Hour
	}
	f.keeps.set("Kept: " + model.InputKeeps(s) + ".")
	f.refresh()
}

// mark shows what is wrong with a field, or that nothing is.
func (f *inputForm) mark(key, s string) {
	t := f.faults[key]
	if t == nil || s == "" && !t.Visible() {
		return
	}
	t.set(clean.Block(clean.Sentence(s)))
	setVisible(t, s != "")
	f.refresh()
}

// typed is what the form says, and whether it is complete.
func (f *inputForm) typed() (s api.InputSettings, ok bool) {
	ok = true
	for key := range f.faults {
		f.mark(key, "")
	}
	number := func(key string, e *entry, least, most int) int {
		v := strings.TrimSpace(e.Text)
		if v == "" {
			return 0
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			f.mark(key, "Enter a whole number from "+strconv.Itoa(least)+" to "+model.Thousands(uint64(most))+", or nothing.")
			ok = false
		}
		return n
	}
	s = api.InputSettings{Transform: strings.TrimSpace(f.transform.Text), Ephemeral: f.ephemeral.on,
		Keep: number("keep", f.keep, 1, mostKept), KeepFor: time.Duration(number("keep_for", f.days, 1, mostKeptDays)) * 24 * time.Hour}
	if f.in.Replies && f.mode > 0 {
		s.Answer = api.InputAnswer{Mode: answerModes()[f.mode], Status: number("status", f.status, 200, 299), Type: strings.TrimSpace(f.media.Text), Body: f.reply.Text}
		if f.mode == 2 && strings.TrimSpace(f.reply.Text) == "" {
			f.mark("answer", "The expression is missing. Write one, or choose another answer.")
			ok = false
		}
	}
	return s, ok
}

func (f *inputForm) store() {
	if f.busy {
		return
	}
	f.fail(nil)
	s, ok := f.typed()
	if !ok {
		return
	}
	f.wait(true)
	id, svc := f.in.Account, f.w.svc
	call(f.w.b, briefly, func(ctx context.Context) (api.Input, error) { return svc.SetInput(ctx, id, s) }, func(_ api.Input, err error) {
		f.wait(false)
		if err != nil {
			f.fail(err)
			return
		}
		if slices.Contains(f.w.modals, f.m) {
			f.m.close()
		}
		f.end()
		f.w.say("The settings of " + model.InputName(f.in) + " are saved.")
		f.p.load()
	})
}

func (f *inputForm) wait(on bool) {
	f.busy = on
	f.save.enable(!on)
	f.save.setLabel(map[bool]string{true: "Saving…", false: "Save"}[on])
	f.refresh()
}

// fail shows why nothing was saved, at the fields where it is about them.
func (f *inputForm) fail(err error) {
	words := ""
	if err != nil {
		words = "Not saved. " + explain(err)
		if e := told(err); e != nil {
			for key, s := range e.Fields {
				f.mark(key, s)
			}
		}
	}
	f.fault.set(clean.Block(words))
	setVisible(f.fault, words != "")
	f.refresh()
}
