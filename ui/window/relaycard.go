package window

import (
	"context"
	"reflect"
	"slices"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// Bounds of what a card draws.
const (
	mostGaps     = 50
	mostChannels = 100
)

// relayCard is one relay: how its connection is, where its channels lead, and
// what is missing.
type relayCard struct {
	p       *relaysPage
	r       api.Relay
	view    *fyne.Container
	name    *text
	kind    *text
	state   *symbol
	status  *text
	traffic *text
	pause   *button
	more    *button

	trouble, noted    *fyne.Container // why it does not work, or not yet
	warned            *fyne.Container // what it can't do
	problem, said     *text
	warning           *text
	channels, gapRows *fyne.Container
	gaps              *fyne.Container // with their head
	gapHead           *text
	gapFold           *button
	lines             []func(now time.Time) bool // bring a channel's words up to date
	drawnGaps         time.Time                  // as of which the gaps' words are
	busy              bool
}

func newRelayCard(p *relaysPage) *relayCard {
	c := &relayCard{p: p}
	c.name, c.kind = newText("", look{size: sizeHeading, bold: true, whole: true}), newText("", look{color: colorMuted})
	c.state, c.status = newSymbol("", 14, colorMuted), newText("", look{size: sizeSmall, wrap: true})
	c.traffic = note("")
	c.problem, c.said, c.warning = body(""), body(""), body("")
	c.trouble, c.noted, c.warned = remark(true, c.problem), remark(false, c.said), remark(false, c.warning)
	c.channels, c.gapRows = vbox(6), vbox(4)
	c.gapRows.Hide()
	c.gapHead = newText("", look{size: sizeSmall, color: colorWarn})
	c.gapFold = newButton(quiet, "Show", iconRight, func() { c.unfold(!c.gapRows.Visible()) })
	c.gaps = strip(vbox(6, hbox(8, newIcon(iconWarn, colorWarn, 16), fill(c.gapHead), c.gapFold), c.gapRows))
	c.pause = newButton(plain, "Pause", "", c.turn)
	c.more = newButton(quiet, "", iconMore, func() {
		p.w.menu(c.more, true,
			fyne.NewMenuItem("Edit…", func() { p.edit(c.r) }),
			fyne.NewMenuItemSeparator(),
			fyne.NewMenuItem("Remove…", c.remove))
	})
	c.view = card(14, vbox(10,
		hboxTop(10, fill(vbox(3, hbox(8, c.name, fill(c.kind)), hbox(6, c.state, fill(c.status)), c.traffic)), c.pause, c.more),
		flow(6, newBadge(exposure.Relayed)),
		c.trouble, c.noted, c.warned, c.channels, c.gaps))
	return c
}

// update takes what was read.
func (c *relayCard) update(r api.Relay) {
	old := c.r
	c.r = r
	c.name.set(clean.Line(model.RelayName(r), 40))
	kind := clean.Line(r.Title, 40)
	if kind == c.name.s {
		kind = ""
	}
	c.kind.set(kind)
	why := clean.Line(r.Note, 400)
	c.problem.set(why)
	c.said.set(why)
	bad := model.RelayStatus(r, c.p.w.now()).State == model.Bad
	setVisible(c.trouble, why != "" && !r.Paused && bad)
	setVisible(c.noted, why != "" && !r.Paused && !bad)
	c.warning.set(clean.Line(r.Warning, 400))
	setVisible(c.warned, r.Warning != "")
	if !c.busy {
		c.pause.setLabel(map[bool]string{true: "Resume", false: "Pause"}[r.Paused])
	}
	if len(c.lines) == 0 || !reflect.DeepEqual(old.Channels, r.Channels) {
		c.drawChannels()
	}
	setVisible(c.gaps, len(r.Gaps) > 0)
	if !reflect.DeepEqual(old.Gaps, r.Gaps) {
		c.drawGaps(c.p.w.now())
	}
	c.clock(c.p.w.now())
	c.view.Refresh()
}

// drawChannels makes a line for each channel.
func (c *relayCard) drawChannels() {
	c.lines, c.channels.Objects = nil, nil
	for i, ch := range c.r.Channels {
		if i == mostChannels {
			c.channels.Add(note("And " + model.Count(len(c.r.Channels)-i, "more.", "more.")))
			break
		}
		to, traffic := newText("", look{size: sizeSmall, bold: true, wrap: true}), note("")
		rows := vbox(2, to)
		if ch.Public != "" {
			at := clean.Line(ch.Public, 400)
			rows.Add(hbox(4, fill(newText(at, look{size: sizeSmall, mono: true})), newButton(quiet, "", iconCopy, func() { c.p.w.copy(ch.Public, "The public address was") })))
		}
		rows.Add(traffic)
		if ch.Problem != "" {
			rows.Add(newText(clean.Line(ch.Problem, 400), look{size: sizeSmall, color: colorBad, wrap: true}))
		}
		c.lines = append(c.lines, func(now time.Time) bool {
			words := model.RelayTraffic(ch.Taken, ch.Refused, ch.Last, now)
			if in := clean.Line(ch.Input, 60); in != "" {
				words += " · by input " + in
			}
			changed := to.set(model.ChannelWords(ch, c.p.w.accountLabel(ch.Account)))
			return traffic.set(upper(words)) || changed
		})
		c.channels.Add(strip(rows))
	}
}

func (c *relayCard) drawGaps(now time.Time) {
	c.drawnGaps = now
	c.gapHead.set(model.GapsWords(c.r.Gaps))
	c.gapRows.Objects = nil
	gs := slices.Clone(c.r.Gaps)
	slices.SortStableFunc(gs, func(a, b api.RelayGap) int { return b.At.Compare(a.At) })
	for i, g := range gs {
		if i == mostGaps {
			c.gapRows.Add(note("And " + model.Count(len(gs)-i, "earlier one.", "earlier ones.")))
			break
		}
		ink := colorMuted
		if g.Certain {
			ink = colorWarn
		}
		c.gapRows.Add(newText(model.GapWords(g, now), look{size: sizeSmall, color: ink, wrap: true}))
	}
}

// unfold shows or hides the gaps.
func (c *relayCard) unfold(on bool) {
	setVisible(c.gapRows, on)
	c.gapFold.setLabel(map[bool]string{true: "Hide", false: "Show"}[on])
	c.gapFold.setGlyph(map[bool]glyph{true: iconDown, false: iconRight}[on])
	c.p.content.Refresh()
}

// clock brings words that change with time and with the accounts up to date.
func (c *relayCard) clock(now time.Time) {
	v := model.RelayStatus(c.r, now)
	if c.busy {
		v = model.StatusView{State: model.Unknown, Symbol: model.Unknown.Symbol(), Words: c.pause.label}
	}
	c.state.set(v.Symbol, stateColor(v.State))
	changed := c.status.set(v.Words)
	traffic := model.RelayTraffic(c.r.Taken, c.r.Refused, c.r.Last, now)
	changed = c.traffic.set(upper(traffic)) || changed
	for _, f := range c.lines {
		changed = f(now) || changed
	}
	if len(c.r.Gaps) > 0 && c.drawnGaps.YearDay() != now.YearDay() {
		c.drawGaps(now)
	}
	if changed {
		c.view.Refresh()
	}
}

// turn pauses the relay, or dials it again.
func (c *relayCard) turn() {
	w, id, name, paused := c.p.w, c.r.ID, model.RelayName(c.r), c.r.Paused
	c.busy = true
	c.pause.enable(false)
	c.pause.setLabel(map[bool]string{true: "Resuming…", false: "Pausing…"}[paused])
	c.clock(w.now())
	act(w.b, briefly, func(ctx context.Context) error {
		if paused {
			return w.svc.ResumeRelay(ctx, id)
		}
		return w.svc.PauseRelay(ctx, id)
	}, func(err error) {
		c.busy = false
		c.pause.enable(true)
		if err != nil {
			w.fail(err)
		} else {
			c.r.Paused = !paused
			w.say(name + map[bool]string{true: " is dialled again.", false: " is paused."}[paused])
		}
		c.update(c.r)
		c.p.load()
	})
}

// remove takes the relay away, after asking.
func (c *relayCard) remove() {
	w, id, name := c.p.w, c.r.ID, model.RelayName(c.r)
	w.confirm(question{title: "Remove the relay " + name + "?",
		text: model.RelayStops(c.r, func(ch api.RelayChannel) string { return w.accountLabel(ch.Account) }),
		yes:  "Remove", no: "Keep it", danger: true, then: func() {
			act(w.b, briefly, func(ctx context.Context) error { return w.svc.RemoveRelay(ctx, id) }, func(err error) {
				if err != nil {
					w.fail(err)
				} else {
					w.say(name + " was removed.")
				}
				c.p.load()
			})
		}})
}
