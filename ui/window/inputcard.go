package window

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// inputCard is one input.
type inputCard struct {
	p  *inputsPage
	in api.Input

	view     *fyne.Container
	sign     *avatar
	name     *text
	badge    *badge
	via      *text
	why      *text
	closed   *fyne.Container // the remark on why nothing can come
	address  *text
	copied   *button
	hidden   *text // a part of the address is not shown
	reach    *fyne.Container
	counts   *text
	kept     *text
	missed   *text
	answer   *text
	told     *text // where it is registered
	arrived  *button
	register *button
	forget   *button
}

func newInputCard(p *inputsPage) *inputCard {
	c := &inputCard{p: p, sign: newAvatar("", "", 36), badge: newBadge("")}
	c.sign.square = true
	c.name = newText("", look{bold: true, size: sizeHeading})
	c.via, c.counts, c.kept, c.answer, c.told, c.missed = small(""), note(""), note(""), note(""), note(""), note("")
	c.missed.look.color = colorWarn
	c.why = body("")
	c.closed = remark(false, c.why)
	c.address = newText("", look{mono: true, size: sizeSmall, wrap: true})
	c.copied = newButton(quiet, "Copy", iconCopy, func() { p.w.copy(c.in.Address, "Address") })
	c.hidden = note("Its end is a secret and not shown. It is what you entered at the relay.")
	c.reach = strip(vbox(2, hbox(8, fill(c.address), c.copied), c.hidden))
	c.arrived = newButton(plain, "What arrived", "", func() { p.arrivedAt(c.in.Account) })
	c.register = newButton(plain, "", "", func() { p.w.register(p, c.in) })
	c.forget = newButton(quiet, "Forget all…", "", func() { p.forget(c.in.Account) })
	c.view = card(16, vbox(10,
		hbox(12, c.sign, fill(vbox(0, c.name, c.via)), c.badge), c.closed, c.reach,
		vbox(2, c.counts, c.kept, c.missed, c.answer, c.told),
		flow(8, c.arrived, newButton(plain, "Settings…", "", c.settings), c.register, c.forget)))
	return c
}

// settings opens the form, with the request that is shown to try things on if
// it came to this input.
func (c *inputCard) settings() {
	var r *api.InputRequest
	if d := c.p.arrived.detail; d.full && d.r.Account == c.in.Account && !d.r.Erased {
		r = &d.r
	}
	c.p.w.inputSettings(c.p, c.in, r)
}

func (c *inputCard) update(in api.Input) {
	c.in = in
	c.sign.set(glyphOf(in.Glyph, in.Title), in.Platform)
	c.name.set(model.InputName(in))
	c.badge.set(in.Exposure)
	c.via.set("Nothing can come in")
	if via := clean.Line(in.Via, 80); via != "" {
		c.via.set("Comes by " + via)
	}
	c.why.set(clean.Sentence(clean.Block(in.Why)))
	setVisible(c.closed, in.Why != "" && in.Via == "")
	address, whole := model.AddressWords(in.Address)
	c.address.set(address)
	setVisible(c.copied, whole)
	setVisible(c.hidden, !whole)
	setVisible(c.reach, in.Address != "")
	c.kept.set(model.InputKept(in))
	c.missed.set(model.InputMissed(in))
	setVisible(c.missed, in.Missed > 0)
	c.answer.set(model.InputAnswers(in))
	setVisible(c.answer, c.answer.s != "")
	setVisible(c.register, in.RegistersAt != "" || in.Registration != nil)
	c.register.setLabel("Register at " + serviceOf(in) + "…")
	if in.Registration != nil {
		c.register.setLabel("Registration…")
	}
	setVisible(c.told, in.Registration != nil)
	setVisible(c.forget, in.Requests > 0)
	c.clock(c.p.w.now())
	c.view.Refresh()
}

// clock brings times up to date.
func (c *inputCard) clock(now time.Time) {
	c.counts.set(model.InputCounts(c.in, now))
	if r := c.in.Registration; r != nil {
		c.told.set(model.RegistrationWords(*r, now))
	}
}
