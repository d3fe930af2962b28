package window

import (
	"net/url"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// pairDialog shows a code to send to a bot, waits for who sends it, and asks
// whether that is the person. The code ends with the dialog.
type pairDialog struct {
	w *Window
	m *modal

	code    api.Pairing
	made    bool // code is out
	over    bool // it is used up or too old
	bot     int  // whose QR code is shown
	shown   *text
	left    *text
	state   *text
	copied  *button
	again   *button
	offer   *fyne.Container // code and bots
	bots    *fyne.Container
	picture *fyne.Container
	claims  *claimList
	fault   *text
	leave   *button

	loading  bool
	dirty    bool
	revision uint64
	closed   bool
}

// pair opens the dialog, once at a time, and asks for a code.
func (w *Window) pair() {
	if w.pairing != nil {
		return
	}
	d := &pairDialog{w: w, revision: w.snap.Revision}
	d.shown = newText("", look{size: 24, mono: true, bold: true, wrap: true, align: fyne.TextAlignCenter})
	d.left, d.state = small(""), note("")
	d.fault = newText("", look{color: colorBad, wrap: true})
	d.fault.Hide()
	d.copied = newButton(plain, "Copy", iconCopy, func() { w.copy(d.code.Code, "The code was") })
	d.again = newButton(primary, "New code", "", d.make)
	d.again.Hide()
	d.leave = newButton(plain, "Cancel", "", func() { d.m.dismiss() })
	d.bots, d.picture = vbox(6), vbox(6)
	d.offer = vbox(14,
		body("From your phone, send this code to one of your bots, in a direct chat with it. Who sent it is shown here, and let in only when you say so."),
		strip(vbox(6, d.shown, hbox(8, fill(d.left), d.copied))),
		hboxTop(16, fill(d.bots), d.picture))
	d.offer.Hide()
	d.claims = newClaimList(w, 3, w.people.changed)
	d.claims.then = d.answered
	scroll := container.NewVScroll(pad(0, 0, 12, 4, vbox(12, d.claims.view, d.offer, d.fault)))
	foot := vbox(10, rule(), hbox(8, fill(d.state), d.leave, d.again))
	d.m = w.open(frame(pad(0, 0, 0, 12, heading("Pair a phone")), foot, nil, nil, container.New(&uncut{}, scroll)), 600, d.end)
	w.pairing = d
	w.win.Canvas().Focus(d.leave)
	d.make()
	d.clock()
}

// make asks for a new code.
func (d *pairDialog) make() {
	d.fail(nil)
	d.again.Hide()
	d.state.set("Making a code…")
	d.refresh()
	call(d.w.b, briefly, d.w.svc.Pair, func(p api.Pairing, err error) {
		if d.closed {
			if err == nil {
				d.cancel() // it came after the person had gone
			}
			return
		}
		if err != nil {
			d.state.set("")
			d.again.Show()
			d.fail(err)
			return
		}
		d.code, d.made, d.over = p, true, false
		d.shown.set(clean.Line(p.Code, 80))
		d.draw()
		d.tick()
	})
}

// draw shows the code's bots.
func (d *pairDialog) draw() {
	d.bots.Objects, d.bot = nil, -1
	for i, b := range d.code.Bots {
		if b.Link != "" && d.bot < 0 {
			d.bot = i
		}
	}
	if len(d.code.Bots) == 0 {
		d.bots.Add(note("There is no bot to send it to yet. Add an account first."))
	} else {
		d.bots.Add(newText("Your bots", look{size: sizeSmall, bold: true}))
	}
	const most = 12
	for i, b := range d.code.Bots {
		if i == most {
			d.bots.Add(note("and " + model.Count(len(d.code.Bots)-most, "more bot", "more bots") + "."))
			break
		}
		d.bots.Add(d.botRow(i, b))
	}
	d.show(d.bot)
	d.offer.Show()
	d.refresh()
}

func (d *pairDialog) botRow(i int, b api.PairingBot) fyne.CanvasObject {
	name := clean.Line(b.Title, 40)
	under := clean.Line(b.Handle, 48)
	if l := clean.Line(b.Name, 40); l != "" && l != name {
		name += " " + l
	}
	row := hbox(6, fill(vbox(0, newText(name, look{bold: true}), small(under))))
	if b.Link != "" {
		row.Add(newButton(quiet, "QR", "", func() { d.show(i) }))
	}
	chat := b.Chat
	if chat == "" {
		chat = b.Link
	}
	if chat != "" {
		row.Add(newButton(plain, "Open chat", iconOpen, func() { d.w.visitChat(chat) }))
	}
	return row
}

// visitChat opens a bot's chat. A server of the person's own may have no TLS,
// which is asked about.
func (w *Window) visitChat(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		w.visit(address)
		return
	}
	w.confirm(question{title: "Open this address?", text: "It has no TLS: whoever is on the network in between can read along.", quote: clean.Line(address, 400),
		yes: "Open in browser", no: "Close", then: func() { w.fail(w.o.OpenURL(u)) }})
}

// show draws bot i's link as a QR code; -1 draws none.
func (d *pairDialog) show(i int) {
	d.bot, d.picture.Objects = i, nil
	if i >= 0 {
		b := d.code.Bots[i]
		if pic := qrPicture(b.Link, 172); pic != nil {
			words := clean.Line(b.Handle, 40)
			if words == "" {
				words = clean.Line(b.Title, 40)
			}
			d.picture.Add(pic)
			d.picture.Add(exactWidth(174, newText("Scan to write to "+words, look{size: sizeTiny, color: colorMuted, align: fyne.TextAlignCenter, wrap: true})))
		}
	}
	d.refresh()
}

func (d *pairDialog) refresh() { d.m.view.Refresh() }

// clock brings the countdown up to date until the dialog is closed.
func (d *pairDialog) clock() {
	d.w.b.after(time.Second, func() {
		if d.closed {
			return
		}
		d.tick()
		d.clock()
	})
}

func (d *pairDialog) tick() {
	now := d.w.now()
	d.claims.clock(now)
	if d.dirty && !d.loading {
		d.read()
	}
	if !d.made || d.over {
		return
	}
	if !now.Before(d.code.Until) {
		d.ended("The code is too old now, and lets in nobody any more.")
		return
	}
	d.left.set("Counts once, for another " + model.Left(d.code.Until, now))
	d.state.set("Waiting for somebody to send it…")
}

// ended takes away a code that does not count any more.
func (d *pairDialog) ended(why string) {
	d.over, d.code.Code = true, ""
	d.shown.set("")
	d.left.set("")
	d.state.set(why)
	d.offer.Hide()
	d.again.Show()
	d.leave.setLabel("Close")
	d.refresh()
}

// snapshot follows the state: a claim is read at once, what else changed with
// the next second.
func (d *pairDialog) snapshot() {
	s := d.w.snap
	if s.Revision == d.revision {
		return
	}
	d.revision, d.dirty = s.Revision, true
	if s.Claims != len(d.claims.order) && !d.loading {
		d.read()
	}
}

func (d *pairDialog) read() {
	d.loading, d.dirty = true, false
	version := d.w.people.version
	call(d.w.b, briefly, d.w.svc.People, func(p api.People, err error) {
		d.loading = false
		if d.closed || version != d.w.people.version {
			d.dirty = true
			return
		}
		if err != nil {
			d.fail(err)
			return
		}
		d.w.people.show(p)
		d.arrived(p)
	})
}

// arrived shows who sent a code.
func (d *pairDialog) arrived(p api.People) {
	d.claims.show(p.Claims)
	if len(p.Claims) > 0 && d.made && !d.over && p.Pairing.IsZero() {
		d.ended("The code was used.")
		d.again.Hide()
	}
	d.refresh()
}

// answered goes on after the person decided about a claim.
func (d *pairDialog) answered(_ access.Claim, accepted bool) {
	if accepted {
		d.m.dismiss()
		return
	}
	d.claims.show(d.w.people.data.Claims)
	if len(d.w.people.data.Claims) == 0 && d.over {
		d.ended("Refused. The code counted once, and is used up.")
	}
	d.refresh()
}

func (d *pairDialog) fail(err error) {
	words := ""
	if err != nil {
		words = explain(err)
	}
	d.fault.set(clean.Block(words))
	setVisible(d.fault, words != "")
	d.refresh()
}

// end is called when the dialog was closed: its code ends with it.
func (d *pairDialog) end() {
	d.closed, d.w.pairing = true, nil
	if d.made && !d.over {
		d.cancel()
	}
	d.code.Code = ""
}

func (d *pairDialog) cancel() { act(d.w.b, briefly, d.w.svc.CancelPairing, d.w.fail) }
