package window

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

const (
	// replayLimit is how long a replay may take: responders think.
	replayLimit = 10 * time.Minute
	// mostEdited is how many bytes of a body can be edited here.
	mostEdited   = 16 << 10
	mostResults  = 50
	mostAnswered = 20 // answers of one responder
)

// replaying is the dialog that hands something to responders once more.
type replaying struct {
	w   *Window
	m   *modal
	e   *api.Entry        // what is replayed: a message
	r   *api.InputRequest // or a request
	now []string          // the labels of who would get it now

	words   *entry // the message's text
	method  *entry
	headers *entry
	body    *entry // nil: it can't be edited

	modes   [2]*radio // who gets it: those of now, or chosen ones
	chosen  bool
	to      map[string]*check
	order   []string
	list    *fyne.Container
	would   *text
	send    *toggle
	fault   *text
	results *fyne.Container
	run     *button
	leave   *button
	stop    func()
}

// replayEntry opens the dialog for a message.
func (w *Window) replayEntry(seq uint64) {
	call(w.b, briefly, func(ctx context.Context) (api.Entry, error) { return w.svc.Entry(ctx, seq) }, func(e api.Entry, err error) {
		if err != nil {
			w.fail(err)
			return
		}
		w.replay(&replaying{e: &e})
	})
}

// replayRequest opens the dialog for a request.
func (w *Window) replayRequest(r api.InputRequest) {
	w.wholeRequest(r, len(r.Body) > 0, func(r api.InputRequest) { w.replay(&replaying{r: &r}) })
}

func (w *Window) replay(d *replaying) *replaying {
	d.w, d.to, d.list, d.results = w, map[string]*check{}, vbox(0), vbox(10)
	d.fault = newText("", look{size: sizeSmall, color: colorBad, wrap: true})
	d.fault.Hide()
	d.would = note("Looking at who would get it now…")
	d.modes = [2]*radio{newRadio("Whoever would get it now", nil), newRadio("Those that I choose", nil)}
	pick := exclude(d.modes[:], func(i int) {
		d.chosen = i == 1
		setVisible(d.list, d.chosen)
		setVisible(d.would, !d.chosen)
		d.refresh()
	})
	d.send = newToggle(nil)
	d.run = newButton(primary, "Replay", "", d.start)
	d.leave = newButton(plain, "Close", "", d.end)
	var send fyne.CanvasObject = switchRow("Send the answers into the conversation", "Off: the answers are only shown here, and nothing is sent.", d.send)
	if d.mute() {
		send = note("The answers are only shown here: this platform brings messages, and takes none.")
	}
	rows := vbox(16, d.what(), vbox(4, part("Goes to"), flow(4, d.modes[0], d.modes[1]), d.would, d.list), send, d.results)
	pick(0)
	scroll := container.NewVScroll(pad(0, 0, 12, 8, rows))
	d.m = w.open(frame(pad(0, 0, 0, 12, vbox(2, heading("Replay"), note("It is handed to responders once more, as if it came now. What a responder does with it, it does again."))),
		vbox(10, rule(), d.fault, hbox(8, gapFill(), d.leave, d.run)), nil, nil, container.New(&uncut{}, scroll)), 640, d.cancel)
	w.win.Canvas().Focus(d.leave)
	d.look()
	return d
}

// mute reports whether nothing can be sent where it came from.
func (d *replaying) mute() bool {
	var id platforms.AccountID
	if d.r != nil {
		id = d.r.Account
	} else {
		id = d.e.Account
	}
	a, ok := d.w.account(id)
	if !ok {
		return false
	}
	k, ok := d.w.platform(a.Platform)
	return ok && k.Limits.Mute
}

// what shows what is replayed, and lets it be edited.
func (d *replaying) what() fyne.CanvasObject {
	if d.e != nil {
		d.words = newAreaEntry(d.w, "")
		d.words.SetMinRowsVisible(4)
		if len(d.e.Text) > mostEdited {
			d.words = nil
			return vbox(4, part("Message"), strip(newText(clean.Line(d.e.Text, 400), look{size: sizeSmall, wrap: true})), note("It is too long to be edited here, and is replayed as it was."))
		}
		d.words.SetText(d.e.Text)
		from := userName(d.e.From) + " · " + d.w.accountLabel(d.e.Account) + " · " + moment(d.e.At)
		return labelled("Text", from+". What you change here changes only what the responders get.", d.words, nil)
	}
	r := d.r
	d.method = newEntry(d.w, "POST")
	d.method.SetText(clean.Line(r.Method, 40))
	d.headers = newAreaEntry(d.w, "Name: value")
	d.headers.SetMinRowsVisible(4)
	d.headers.TextStyle.Monospace = true
	d.headers.SetText(model.HeaderLines(r.Header))
	edit := vbox(12, labelled("Method", "", exactWidth(140, d.method), nil), labelled("Headers", "One a line, as Name: value.", d.headers, nil))
	switch {
	case r.Cut:
		edit.Add(note("Only the beginning of the body is kept, so it is replayed as the messages that it became."))
	case len(r.Body) > mostEdited:
		edit.Add(note("The body is too long to be edited here, and is replayed as it was."))
	case !utf8.Valid(r.Body):
		edit.Add(note("The body is no text, and is replayed as it was."))
	default:
		d.body = newAreaEntry(d.w, "")
		d.body.SetMinRowsVisible(6)
		d.body.TextStyle.Monospace = true
		d.body.SetText(string(r.Body))
		edit.Add(labelled("Body", "Its signature is not checked again: you are the one who sends it.", d.body, nil))
	}
	rows := vbox(6, part("Request"), note(model.RequestMethod(*r)+" · "+d.w.inputs.label(r.Account)+" · "+moment(r.At)+" · "+model.RequestSize(*r)))
	if r.Masked > 0 {
		rows.Add(note(model.Count(r.Masked, "secret value was", "secret values were") + " taken out before it was kept, so responders don't get them."))
	}
	rows.Add(fold("Edit before it is replayed", edit))
	return rows
}

// look reads who would get it now, and who else could.
func (d *replaying) look() {
	type found struct {
		all []api.Responder
		why *api.Why
	}
	var seq uint64
	switch {
	case d.e != nil:
		seq = d.e.Seq
	case len(d.r.Entries) > 0:
		seq = d.r.Entries[0]
	}
	svc := d.w.svc
	d.stop = call(d.w.b, briefly, func(ctx context.Context) (f found, err error) {
		if f.all, err = svc.Responders(ctx); err != nil || seq == 0 {
			return f, err
		}
		if y, err := svc.Why(ctx, seq); err == nil && y.Now.Verdict == access.Allowed {
			f.why = &y
		}
		return f, nil
	}, func(f found, err error) {
		d.stop = nil
		if err != nil {
			d.would.set("Who would get it could not be read. " + explain(err))
			d.refresh()
			return
		}
		d.would.set("Who that is, the routes decide when it is replayed.")
		if f.why != nil {
			d.now = f.why.To
			d.would.set("That is: " + list(d.now, "nobody, for no route takes it.", true))
		}
		for _, r := range f.all {
			label := model.ResponderLabel(r)
			if r.Off {
				label += " (off)"
			}
			c := newCheck(label, nil)
			c.on = slices.Contains(d.now, r.Label) || slices.Contains(d.now, model.ResponderLabel(r))
			c.tap = func() { c.setOn(!c.on) }
			d.to[r.ID], d.order = c, append(d.order, r.ID)
			d.list.Add(hbox(0, c, gapFill()))
		}
		d.refresh()
	})
}

func (d *replaying) refresh() {
	if d.m != nil {
		d.m.view.Refresh()
	}
}

// draft is the replay as it is set; why says what is missing.
func (d *replaying) draft() (r api.Replay, why string) {
	r.Send = d.send.on
	if d.chosen {
		for _, id := range d.order {
			if d.to[id].on {
				r.To = append(r.To, id)
			}
		}
		if len(r.To) == 0 {
			return r, "Nobody is chosen. Choose at least one, or whoever would get it now."
		}
	}
	if d.e != nil {
		r.Entry = d.e.Seq
		if d.words != nil && d.words.Text != d.e.Text {
			r.Text = &d.words.Text
		}
		return r, ""
	}
	r.Request = d.r.ID
	if s := strings.TrimSpace(d.method.Text); s != clean.Line(d.r.Method, 40) {
		r.Method = &s
	}
	if d.headers.Text != model.HeaderLines(d.r.Header) {
		h, err := model.ParseHeaderLines(d.headers.Text)
		if err != "" {
			return r, err
		}
		r.Header = h
	}
	if d.body != nil && d.body.Text != string(d.r.Body) {
		r.Body = []byte(d.body.Text)
	}
	return r, ""
}

// start replays it.
func (d *replaying) start() {
	if d.stop != nil {
		return
	}
	r, why := d.draft()
	d.say(why)
	if why != "" {
		return
	}
	d.run.enable(false)
	d.run.setLabel("Replaying…")
	d.leave.setLabel("Cancel")
	d.results.Objects = []fyne.CanvasObject{note("Waiting for the responders…")}
	d.refresh()
	svc := d.w.svc
	d.stop = call(d.w.b, replayLimit, func(ctx context.Context) (api.Replayed, error) { return svc.Replay(ctx, r) },
		func(out api.Replayed, err error) {
			d.settle("Again")
			if err != nil {
				d.results.Objects = nil
				d.say("It was not replayed. " + explain(err))
				return
			}
			d.show(out)
		})
}

// settle is the dialog with nothing under way.
func (d *replaying) settle(label string) {
	d.stop = nil
	d.run.enable(true)
	d.run.setLabel(label)
	d.leave.setLabel("Close")
}

func (d *replaying) say(s string) {
	d.fault.set(clean.Block(s))
	setVisible(d.fault, s != "")
	d.refresh()
}

// end cancels what is under way, or closes the dialog.
func (d *replaying) end() {
	if d.stop == nil || d.run.label != "Replaying…" {
		d.m.dismiss()
		return
	}
	d.stop()
	d.settle("Replay")
	d.results.Objects = []fyne.CanvasObject{note("Cancelled. What a responder had done by then is done.")}
	d.refresh()
}

func (d *replaying) cancel() {
	if d.stop != nil {
		d.stop()
		d.stop = nil
	}
}

// show tells what the responders made of it.
func (d *replaying) show(out api.Replayed) {
	d.results.Objects = []fyne.CanvasObject{part("What came of it")}
	if len(out.Results) == 0 {
		d.results.Add(note("Nobody got it: no route takes it."))
	}
	for i, r := range out.Results {
		if i == mostResults {
			d.results.Add(note("and " + strconv.Itoa(len(out.Results)-i) + " more"))
			break
		}
		d.results.Add(replayResult(r))
	}
	d.refresh()
}

func replayResult(r api.ReplayResult) fyne.CanvasObject {
	label := clean.Line(r.Label, 60)
	if label == "" {
		label = clean.Line(r.Responder, 60)
	}
	v := model.ReplayVerdict(r)
	rows := vbox(6, hbox(8, newSymbol(v.Symbol, 16, stateColor(v.State)), fill(newText(label, look{bold: true})),
		newText(v.Words+" · "+model.Took(r.Took), look{size: sizeSmall, color: stateColor(v.State), whole: true})))
	if r.Error != "" {
		rows.Add(newText(clean.Sentence(clean.Block(r.Error)), look{size: sizeSmall, color: colorBad, wrap: true}))
	}
	for i, a := range r.Answers {
		if i == mostAnswered {
			rows.Add(note("and " + strconv.Itoa(len(r.Answers)-i) + " more"))
			break
		}
		s, more := model.BodyText(model.AsRaw, []byte(a), mostAnswer)
		if more {
			s += " …"
		}
		rows.Add(strip(newText(s, look{wrap: true})))
	}
	return card(12, rows)
}
