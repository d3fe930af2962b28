package window

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/inspect"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

const (
	bodyFirst   = 16 << 10 // bytes of a body that are shown at first
	bodyFactor  = 8        // by how much more each time
	bodyChunk   = 24       // rows that are drawn together
	mostHeaders = 200
	mostEntries = 24 // messages of one request that are listed
	mostAnswer  = 4 << 10
	bodyID      = "piece " // begins the ids of a body's rows
)

// arrival shows one request: whether it was genuine, what it held, what it was
// answered and what became of it. Only what is in view is drawn.
type arrival struct {
	a     *arrivals
	w     *Window
	view  *fyne.Container
	back  *button
	acts  []*button
	alone func(bool) // whether the list can't be seen beside it
	title *text
	under *text
	rows  *timeline

	r     api.InputRequest
	full  bool // r has its body
	fault string
	how   model.BodyView
	most  int
	body  bodyRows
	stop  func()
}

// bodyRows is a body, ready to be drawn.
type bodyRows struct {
	views []model.BodyView
	how   model.BodyView
	rows  []string
	more  bool
}

func newArrival(a *arrivals) *arrival {
	d := &arrival{a: a, w: a.w, rows: newTimeline()}
	d.back = newButton(quiet, "Back", iconBack, a.shut)
	shut := newButton(quiet, "", iconClose, a.shut)
	d.title, d.under = newText("", look{bold: true, size: sizeHeading}), small("")
	d.alone = func(on bool) { setVisible(d.back, on); setVisible(shut, !on) }
	acts := flow(6)
	for _, b := range []*button{
		newButton(primary, "Replay…", "", func() { d.w.replayRequest(d.r) }),
		newButton(plain, "Compare with…", "", func() { d.w.compareRequests(a, d.r) }),
		newButton(plain, "Copy as curl", iconCopy, d.curl),
		newButton(plain, "Save…", iconExport, d.save),
	} {
		d.acts = append(d.acts, b)
		acts.Add(b)
	}
	head := pad(16, 12, 8, 8, vbox(8, hbox(8, d.back, fill(vbox(0, d.title, d.under)), shut), acts))
	d.view = card(0, frame(vbox(0, head, rule()), nil, nil, nil, padAll(4, d.rows)))
	return d
}

// clear ends what is under way, and shows nothing.
func (d *arrival) clear() {
	if d.stop != nil {
		d.stop()
		d.stop = nil
	}
	d.r, d.full, d.fault, d.body = api.InputRequest{}, false, "", bodyRows{}
	d.rows.forget()
}

// show shows what the list knows of a request, and then the rest.
func (d *arrival) show(r api.InputRequest) {
	if d.r.ID == r.ID && d.full {
		return
	}
	d.clear()
	d.r, d.how, d.most = r, "", bodyFirst
	d.title.set(model.RequestMethod(r) + " · " + model.CodeWords(r.Status))
	d.under.set(d.a.p.label(r.Account) + " · " + moment(r.At))
	for _, b := range d.acts {
		b.enable(!r.Erased) // there is nothing to do it with
	}
	d.draw(true)
	id, svc := r.ID, d.w.svc
	d.stop = call(d.w.b, briefly, func(ctx context.Context) (api.InputRequest, error) { return svc.Request(ctx, id) },
		func(r api.InputRequest, err error) {
			d.stop = nil
			if err != nil {
				d.fault = "The rest could not be read. " + explain(err)
				d.draw(false)
				return
			}
			d.r, d.full = r, true
			d.rows.forget()
			d.prepare(false)
		})
}

// prepare makes rows of the body, away from the goroutine that draws.
func (d *arrival) prepare(keep bool) {
	if d.stop != nil {
		d.stop()
	}
	one := fyne.MeasureText("m", sizeSmall, fyne.TextStyle{Monospace: true}).Width
	columns := max(20, int((d.rows.Size().Width-32)/max(one, 1)))
	r, how, most := d.r, d.how, d.most
	d.stop = call(d.w.b, briefly, func(context.Context) (bodyRows, error) { return rowsOf(r, how, most, columns), nil },
		func(b bodyRows, _ error) {
			d.stop, d.body = nil, b
			d.draw(!keep)
		})
}

func rowsOf(r api.InputRequest, how model.BodyView, most, columns int) (b bodyRows) {
	b.views = model.BodyViews(strings.Join(headerOf(r, "Content-Type"), ""), r.Body)
	if len(b.views) == 0 {
		return b
	}
	if b.how = b.views[0]; slices.Contains(b.views, how) {
		b.how = how
	}
	s, more := model.BodyText(b.how, r.Body, most)
	b.rows, b.more = model.TextRows(s, columns), more
	return b
}

func headerOf(r api.InputRequest, key string) []string {
	for k, v := range r.Header {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// draw makes the rows of what is known; from its beginning if top is set.
func (d *arrival) draw(top bool) {
	y := d.rows.scroll.Offset.Y
	var rows []row
	add := func(id string, o func() fyne.CanvasObject) {
		space := float32(4)
		if strings.HasPrefix(id, bodyID) { // the pieces of one text
			space = 0
		}
		rows = append(rows, row{id: id, guess: 40, fixed: true,
			build: func() fyne.CanvasObject { return pad(12, space, 12, space, o()) }})
	}
	add("verdict", d.verdict)
	if d.fault != "" {
		add("fault", func() fyne.CanvasObject { return remark(true, body(d.fault)) })
	}
	if len(d.r.Entries) > 0 {
		add("became", d.became)
	}
	d.headers(add)
	d.content(add)
	if s := d.r.Answer; s != "" {
		add("answer", func() fyne.CanvasObject {
			s, more := model.BodyText(model.AsRaw, []byte(s), mostAnswer)
			if more {
				s += " …"
			}
			return vbox(4, part("It was answered"), strip(newText(s, look{size: sizeSmall, mono: true, wrap: true})))
		})
	}
	if d.rows.set(rows, false); top {
		y = 0
	}
	d.rows.scrollTo(y)
	d.view.Refresh()
}

func part(s string) *text { return newText(s, look{bold: true, size: sizeSmall}) }

// verdict is what matters most.
func (d *arrival) verdict() fyne.CanvasObject {
	r, v := d.r, model.Verdict(d.r)
	c := stateColor(v.State)
	o := vbox(6, hboxTop(8, pad(0, 2, 0, 0, newSymbol(v.Symbol, 16, c)), fill(newText(model.VerdictSentence(r), look{bold: true, color: c, wrap: true}))))
	from := "It came " + model.ViaWords(r.Via)
	if r.From != "" {
		from += " from " + clean.Line(r.From, 80)
	}
	o.Add(note(from + ". Answered: " + model.AnswerLine(r) + "."))
	if r.Query != "" {
		s, _ := model.BodyText(model.AsRaw, []byte("?"+r.Query), mostAnswer)
		o.Add(newText(s, look{size: sizeSmall, mono: true, wrap: true}))
	}
	for _, n := range model.RequestNotes(r) {
		o.Add(hboxTop(8, newIcon(iconInfo, colorWarn, 16), fill(note(n))))
	}
	return o
}

// became leads to the messages that the request became.
func (d *arrival) became() fyne.CanvasObject {
	list := flow(4)
	for i, seq := range d.r.Entries {
		if i == mostEntries {
			list.Add(small("and " + strconv.Itoa(len(d.r.Entries)-i) + " more"))
			break
		}
		list.Add(newButton(chip, "Message "+strconv.FormatUint(seq, 10), iconInbox, func() { d.w.openEntry(seq) }))
	}
	return vbox(4, part("It became"), list)
}

// openEntry shows a message where it stands in the inbox.
func (w *Window) openEntry(seq uint64) {
	call(w.b, briefly, func(ctx context.Context) (api.Entry, error) { return w.svc.Entry(ctx, seq) }, func(e api.Entry, err error) {
		if err != nil {
			w.fail(err)
			return
		}
		w.closeModals()
		w.Go(PageInbox)
		w.inbox.visit(place{e.Account, e.Conversation}, e.Seq)
	})
}

// headers is a row each, in the order of their names.
func (d *arrival) headers(add func(string, func() fyne.CanvasObject)) {
	keys := slices.Sorted(maps.Keys(d.r.Header))
	if len(keys) == 0 {
		return
	}
	add("headers", func() fyne.CanvasObject { return part("Headers") })
	for i, k := range keys {
		if i == mostHeaders {
			add("headers more", func() fyne.CanvasObject { return note("and " + strconv.Itoa(len(keys)-i) + " more") })
			return
		}
		v, _ := model.BodyText(model.AsRaw, []byte(strings.Join(d.r.Header[k], "\n")), mostAnswer)
		add("header "+k, func() fyne.CanvasObject {
			return hboxTop(10, exactWidth(150, newText(clean.Line(k, 80), look{size: sizeSmall, color: colorMuted, wrap: true})),
				fill(newText(v, look{size: sizeSmall, mono: true, wrap: true})))
		})
	}
}

// content is the body, in pieces that are drawn when they come into view.
func (d *arrival) content(add func(string, func() fyne.CanvasObject)) {
	b := d.body
	switch {
	case !d.full && d.fault == "":
		add("body", func() fyne.CanvasObject { return vbox(4, part("Body"), note("Reading it…")) })
		return
	case len(b.rows) == 0:
		return
	}
	add("body "+string(b.how), func() fyne.CanvasObject {
		views := flow(4, pad(0, 5, 8, 0, newText("Body", look{bold: true, size: sizeSmall, whole: true})))
		for _, v := range b.views {
			c := newButton(chip, string(v), "", func() { d.how = v; d.prepare(true) })
			c.setOn(v == b.how)
			views.Add(c)
		}
		views.Add(newButton(chip, "Copy", iconCopy, func() { d.w.copy(string(d.r.Body), "Body") }))
		return views
	})
	for i := 0; i < len(b.rows); i += bodyChunk {
		end := min(i+bodyChunk, len(b.rows))
		s := strings.Join(b.rows[i:end], "\n")
		add(fmt.Sprint(bodyID, b.how, i, " ", end), func() fyne.CanvasObject { return newText(s, look{size: sizeSmall, mono: true, wrap: true}) })
	}
	if b.more {
		add("body more", func() fyne.CanvasObject {
			return hbox(8, newButton(plain, "Show more", iconDown, func() { d.most *= bodyFactor; d.prepare(true) }),
				fill(note("This is its beginning. It has "+model.Size(d.r.Size)+" in all.")))
		})
	}
}

// address is where a command may send the request again.
func (d *arrival) address() string {
	in, _ := d.a.p.input(d.r.Account)
	return inspect.Address(in)
}

// whole goes on with the request and its body.
func (d *arrival) whole(then func(api.InputRequest)) {
	d.w.wholeRequest(d.r, d.full, then)
}

func (w *Window) wholeRequest(r api.InputRequest, full bool, then func(api.InputRequest)) {
	if full {
		then(r)
		return
	}
	call(w.b, briefly, func(ctx context.Context) (api.InputRequest, error) { return w.svc.Request(ctx, r.ID) }, func(r api.InputRequest, err error) {
		if err != nil {
			w.fail(err)
			return
		}
		then(r)
	})
}

func (d *arrival) curl() {
	d.whole(func(r api.InputRequest) {
		s, err := inspect.Curl(r, d.address())
		if err != nil {
			d.w.toasts.say(missing(err), true)
			return
		}
		d.w.copy(s, "The command was")
	})
}

// save writes the request to a file, as it stands on the wire.
func (d *arrival) save() {
	d.whole(func(r api.InputRequest) {
		at := r.At.Local().Format("2006-01-02-150405")
		text, err := inspect.HTTP(r, d.address())
		if err != nil {
			d.w.toasts.say(missing(err), true)
			return
		}
		d.w.o.Files.Save("request-"+strconv.FormatUint(r.ID, 10)+"-"+at+inspect.Extension(text), func(out io.WriteCloser, err error) {
			if out == nil {
				d.w.fail(err)
				return
			}
			act(d.w.b, transit, func(context.Context) error {
				_, err := out.Write(text)
				if e := out.Close(); err == nil {
					err = e
				}
				return err
			}, func(err error) {
				if err != nil {
					d.w.toasts.say("The file is not complete. "+explain(err), true)
					return
				}
				d.w.say("The request was saved.")
			})
		})
	})
}
