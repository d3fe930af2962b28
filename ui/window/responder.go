package window

import (
	"context"
	"strings"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// responderCard is one responder: what it is, how it is, and what to do about
// it.
type responderCard struct {
	p    *answersPage
	w    *Window
	r    api.Responder
	view *fyne.Container

	name    *text
	kind    *text
	state   *symbol
	status  *text
	trouble *fyne.Container
	why     *text
	on      *toggle
	more    *button
}

func newResponderCard(p *answersPage) *responderCard {
	c := &responderCard{p: p, w: p.w}
	c.name = newText("", look{bold: true})
	c.kind = newText("", look{size: sizeSmall, color: colorMuted})
	c.state, c.status = newSymbol("", 14, colorMuted), newText("", look{size: sizeSmall, wrap: true})
	c.on = newToggle(c.turn)
	c.more = newButton(quiet, "", iconMore, c.menu)
	c.why = body("")
	c.trouble = remark(true, c.why)
	c.view = card(12, vbox(8,
		hboxTop(10, fill(vbox(2, c.name, c.kind, hboxTop(6, c.state, fill(c.status)))), hbox(4, c.on, c.more)), c.trouble))
	return c
}

func (c *responderCard) update(r api.Responder) {
	c.r = r
	c.name.set(model.ResponderLabel(r))
	kind := clean.Line(model.ResponderKind(r), 80)
	if r.Talks {
		kind += " · has conversations"
	}
	c.kind.set(kind)
	words := clean.Block(r.Problem)
	if words == "" && r.Error != "" {
		words = "Its last failure: " + clean.Block(r.Error)
	}
	c.why.set(words)
	setVisible(c.trouble, words != "" && !r.Off)
	setVisible(c.on, !r.Builtin)
	setVisible(c.more, !r.Builtin)
	c.on.setOn(!r.Off)
	c.clock(c.w.now())
	c.view.Refresh()
}

func (c *responderCard) clock(now time.Time) {
	st := model.ResponderStatus(c.r, now)
	c.state.set(st.Symbol, stateColor(st.State))
	c.status.set(st.Words)
	c.status.tint(stateColor(st.State))
}

// turn switches it on or off.
func (c *responderCard) turn(on bool) {
	c.on.enable(false)
	id, d := c.r.ID, api.ResponderDraft{Kind: c.r.Kind, Label: c.r.Label, Off: !on}
	call(c.w.b, briefly, func(ctx context.Context) (api.Responder, error) { return c.w.svc.ChangeResponder(ctx, id, d) },
		func(_ api.Responder, err error) {
			c.on.enable(true)
			if err != nil {
				c.on.setOn(!c.r.Off)
				c.w.fail(err)
				return
			}
			c.p.load()
		})
}

func (c *responderCard) menu() {
	c.w.menu(c.more, true,
		fyne.NewMenuItem("Change…", func() { c.p.change(c.r) }),
		fyne.NewMenuItem("Add a route to it…", func() { c.p.routes.edit(-1, api.Route{To: []string{c.r.ID}}) }),
		fyne.NewMenuItemSeparator(),
		fyne.NewMenuItem("Remove…", c.remove))
}

func (c *responderCard) remove() {
	id, label := c.r.ID, model.ResponderLabel(c.r)
	words := "Its settings and secrets are deleted, and what waits for it is given up."
	uses := model.UsedBy(id, c.p.data.routes.Routes)
	switch {
	case len(uses) == 0:
		words += " No route leads to it."
	case len(uses) > 12:
		words += " " + model.Count(len(uses), "route leads", "routes lead") + " to it: " + strings.Join(uses[:12], ", ") + ", …"
	default:
		words += " " + model.Count(len(uses), "route leads", "routes lead") + " to it: " + strings.Join(uses, ", ") + "."
	}
	c.w.confirm(question{title: "Remove " + label + "?", text: words, yes: "Remove", no: "Keep it", danger: true,
		then: func() {
			act(c.w.b, briefly, func(ctx context.Context) error { return c.w.svc.RemoveResponder(ctx, id) }, func(err error) {
				if err != nil {
					c.w.fail(err)
				} else {
					c.w.say(label + " was removed.")
				}
				c.p.load()
			})
		}})
}
