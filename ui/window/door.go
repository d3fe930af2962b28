package window

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// doorCard is one door: who can come in, what did, and what to do about it.
type doorCard struct {
	p    *exposurePage
	d    api.Door
	view *fyne.Container

	sign    *avatar
	name    *text
	level   *badge
	why     *text
	traffic *text
	facts   *fyne.Container // label and words, line by line
	lines   []factLine
	shut    *button
	ask     *button
	open    *button
	set     *button
	copied  *button
	busy    bool
}

// factLine is one line of a card whose words may change.
type factLine struct {
	label string
	words *text
	row   *fyne.Container
}

func newDoorCard(p *exposurePage, d api.Door) *doorCard {
	c := &doorCard{p: p}
	c.sign = newAvatar("", d.Platform, 32)
	c.sign.square = true
	c.name, c.level = newText("", look{size: sizeHeading, bold: true}), newTag()
	c.traffic, c.why = body(""), note("")
	c.facts = vbox(4)
	c.shut = newButton(danger, "Close", "", c.closeDoor)
	c.ask = newButton(plain, "Open…", "", c.askFirst)
	c.open = newButton(plain, "Open", "", c.openAgain)
	c.set = newButton(plain, "", "", func() { p.w.editListener(c.d, p.load) })
	c.copied = newButton(plain, "Copy address", iconCopy, func() { p.w.copy(clean.Line(c.d.Address, 2000), "Address") })
	head := hbox(12, c.sign, fill(c.name), c.level)
	c.view = card(16, vbox(10, head, c.traffic, c.why, c.facts, flow(8, c.shut, c.ask, c.open, c.set, c.copied)))
	return c
}

func (c *doorCard) update(d api.Door) {
	c.d = d
	c.sign.set(glyphOf(d.Glyph, d.Title), d.Platform)
	c.name.set(model.DoorName(d))
	c.level.show(model.DoorBadge(d))
	c.why.set(clean.Block(d.Why))
	setVisible(c.why, d.Why != "")
	setVisible(c.shut, d.Open && !d.Relayed)
	shut := !d.Open && !d.Relayed
	setVisible(c.ask, shut && d.Needs && d.Set)
	setVisible(c.open, shut && !d.Needs && d.Closed)
	setVisible(c.set, !d.Relayed)
	setVisible(c.copied, d.Address != "")
	c.set.setLabel("Set up the listener…")
	if d.Set {
		c.set.setLabel("Change the listener…")
	}
	c.clock(c.p.w.now())
}

// clock brings what depends on the time up to date.
func (c *doorCard) clock(now time.Time) {
	c.traffic.set(model.DoorTraffic(c.d, now))
	c.traffic.tint(colorText)
	if c.d.Open && c.d.Level == exposure.Public {
		c.traffic.tint(colorBad)
	}
	facts := doorFacts(c.d, now)
	same := len(facts) == len(c.lines)
	for i, f := range facts {
		same = same && f[0] == c.lines[i].label
	}
	if same {
		for i, f := range facts {
			c.lines[i].words.set(f[1])
		}
		return
	}
	c.facts.Objects, c.lines = nil, nil
	for _, f := range facts {
		t := newText(f[1], look{size: sizeSmall, wrap: true})
		row := hboxTop(8, exactWidth(124, small(f[0])), fill(t))
		c.facts.Add(row)
		c.lines = append(c.lines, factLine{f[0], t, row})
	}
	setVisible(c.facts, len(facts) > 0)
}

// doorFacts is what there is to know about a door beside its traffic: label and
// words.
func doorFacts(d api.Door, now time.Time) [][2]string {
	var out [][2]string
	add := func(label, words string) {
		if words != "" {
			out = append(out, [2]string{label, words})
		}
	}
	callers := clean.Line(d.Callers, 240)
	switch {
	case callers != "":
	case d.Relayed:
		callers = "the relay, and what it lets through"
	default:
		callers = model.Caller(d.If)
	}
	switch {
	case d.Relayed:
		add("Comes from", callers)
	case d.Open:
		add("Who can come in", callers)
	case d.Set:
		add("Could come in", callers)
	}
	for _, r := range d.Rotating {
		add("Secrets", model.RotationWords(r, now))
	}
	if !d.Set || d.Relayed { // what it would listen on says nothing yet
		return out
	}
	bind := clean.Line(d.Bind, 120)
	if bind != "" && !d.Open {
		bind += " (not listening now)"
	}
	add("Listens on", bind)
	add("Public address", clean.Line(d.Public, 240))
	add("To tell the platform", clean.Line(d.Address, 400))
	if len(d.Paths) > 1 {
		add("Paths", list(d.Paths, "", false))
	}
	add("Allowed sources", list(d.Allow, "all who can reach it", true))
	add("Trusted proxies", list(d.Proxies, "", false))
	add("Certificate", clean.Line(d.Cert, 240))
	add("Tunnels", list(d.Tunnels, "", false))
	if d.Ack != nil {
		add("Consent", model.AckWords(*d.Ack, now))
		add("Not done", list(each(d.Ack.NotDone, model.ItemWords), "nothing: every item was done", true))
	}
	return out
}

func each(in []string, f func(string) string) (out []string) {
	for _, s := range in {
		out = append(out, f(s))
	}
	return out
}

// list is texts from outside in one line; none, if they are wanted, is the word
// for it.
func list(s []string, none string, wanted bool) string {
	if len(s) == 0 {
		if wanted {
			return none
		}
		return ""
	}
	var out []string
	for i, v := range s {
		if i == 12 {
			out = append(out, "…")
			break
		}
		out = append(out, clean.Line(v, 160))
	}
	return strings.Join(out, " · ")
}

// do runs a change of the door, once at a time, and reads the page anew.
func (c *doorCard) do(b *button, f func(context.Context) (said string, err error)) {
	if c.busy {
		return
	}
	c.busy = true
	b.enable(false)
	w := c.p.w
	call(w.b, briefly, f, func(said string, err error) {
		c.busy = false
		b.enable(true)
		if err != nil {
			w.fail(err)
		} else {
			w.say(said)
		}
		c.p.load()
	})
}

// closeDoor closes at once: closing is safe, and a question would cost time.
func (c *doorCard) closeDoor() {
	id := c.d.Account
	said := model.DoorName(c.d) + " is closed."
	c.do(c.shut, func(ctx context.Context) (string, error) { return said, c.p.w.svc.CloseDoor(ctx, id) })
}

func (c *doorCard) openAgain() {
	id := c.d.Account
	c.do(c.open, func(ctx context.Context) (string, error) {
		d, err := c.p.w.svc.OpenDoor(ctx, id)
		return opened(d), err
	})
}

// opened says how a door is that a person has just opened: it listens once its
// account asks for that.
func opened(d api.Door) string {
	if d.Open {
		return "The listener is open."
	}
	return "It listens as soon as its account asks for it."
}

// askFirst fetches what the person must answer before the door opens.
func (c *doorCard) askFirst() {
	if c.busy {
		return
	}
	c.busy = true
	c.ask.enable(false)
	w, id := c.p.w, c.d.Account
	call(w.b, briefly, func(ctx context.Context) (api.Question, error) { return w.svc.Ask(ctx, id) }, func(q api.Question, err error) {
		c.busy = false
		c.ask.enable(true)
		if err != nil {
			w.fail(err)
			return
		}
		w.acknowledge(id, q, c.p.load)
	})
}
