package window

import (
	"context"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// settling is for how long what just appeared can't be pressed: it may have come
// between a person's decision to press and the press.
const settling = 900 * time.Millisecond

// settleButtons lets buttons rest that now mean something else than a moment ago.
// Ready says whether they may then be pressed.
func (w *Window) settleButtons(ready func() bool, bs ...*button) {
	for _, b := range bs {
		b.enable(false)
	}
	w.b.after(settling, func() {
		if !ready() {
			return
		}
		for _, b := range bs {
			b.enable(true)
		}
	})
}

// claimList is the cards of those who sent a code and wait.
type claimList struct {
	w     *Window
	view  *fyne.Container
	cards map[uint64]*claimCard
	most  int // that are shown at once
	order []uint64
	rest  *text
	done  func(api.People)
	then  func(c access.Claim, accepted bool) // may be nil
}

func newClaimList(w *Window, most int, done func(api.People)) *claimList {
	l := &claimList{w: w, view: vbox(8), cards: map[uint64]*claimCard{}, most: most, rest: small(""), done: done}
	l.view.Hide()
	return l
}

// show shows cs. A card stays the same while its claim waits.
func (l *claimList) show(cs []access.Claim) {
	keep := map[uint64]*claimCard{}
	l.view.Objects, l.order = nil, nil
	for i, c := range cs {
		if i == l.most {
			l.rest.set("and " + model.Count(len(cs)-l.most, "more waits", "more wait") + " to be let in.")
			l.view.Objects = append(l.view.Objects, l.rest)
			break
		}
		card := l.cards[c.Number]
		if card == nil || card.c.User.ID != c.User.ID || card.c.Account != c.Account {
			card = newClaimCard(l, c)
		}
		keep[c.Number] = card
		l.order = append(l.order, c.Number)
		l.view.Objects = append(l.view.Objects, card.view)
	}
	l.cards = keep
	setVisible(l.view, len(cs) > 0)
	l.clock(l.w.now())
	l.view.Refresh()
}

func (l *claimList) clock(now time.Time) {
	for _, c := range l.cards {
		c.at.set("Sent " + model.Ago(c.c.At, now) + ".")
	}
}

// claimCard asks whether who sent a code is let in.
type claimCard struct {
	l    *claimList
	c    access.Claim
	view fyne.CanvasObject
	at   *text
	yes  *button
	no   *button
	busy bool
}

func newClaimCard(l *claimList, c access.Claim) *claimCard {
	k := &claimCard{l: l, c: c, at: small("")}
	k.no = newButton(plain, "Refuse", "", func() { k.tell(false) })
	k.yes = newButton(primary, "Let in", "", func() { k.tell(true) })
	k.yes.noEnter = true
	who := userName(c.User)
	called := "They are called “" + who + "”"
	if h := clean.Line(c.User.Handle, 60); h != "" && h != who {
		called += " (" + h + ")"
	}
	if who == "Someone" {
		called = "They have no name"
	}
	id := flow(8, newText("User id", look{size: sizeSmall, color: colorMuted, whole: true}))
	rows := vbox(6, newText("Somebody sent your code to "+l.w.accountLabel(c.Account)+". Is that you?", look{bold: true, wrap: true}))
	if shown := shownID(string(c.User.ID)); len(shown) > 32 {
		rows.Add(newText(shown, look{size: sizeHeading, bold: true, mono: true, wrap: true}))
	} else {
		id.Add(newText(shown, look{size: sizeHeading, bold: true, mono: true, whole: true}))
		rows.Add(id)
	}
	rows.Add(note(called + ", which proves nothing: anybody can choose a name. Let in only whom you gave the code, just now. Without an owner yet, they become one, who may also decide about permissions; otherwise a member."))
	rows.Add(hbox(8, fill(k.at), k.no, k.yes))
	k.view = newClaimGround(rows)
	l.w.settleButtons(func() bool { return !k.busy }, k.yes)
	return k
}

func newClaimGround(o fyne.CanvasObject) fyne.CanvasObject {
	c := card(14, o)
	c.Objects[0].(*box).tint(colorWarnSoft, colorWarn)
	return c
}

func (k *claimCard) tell(accept bool) {
	if k.busy {
		return
	}
	k.busy = true
	k.yes.enable(false)
	k.no.enable(false)
	w := k.l.w
	a := api.ClaimAnswer{Claim: k.c, Accept: accept}
	call(w.b, briefly, func(ctx context.Context) (api.People, error) { return w.svc.AnswerClaim(ctx, a) }, func(d api.People, err error) {
		k.busy = false
		k.yes.enable(true)
		k.no.enable(true)
		if err != nil {
			w.fail(err)
			return
		}
		said := "Refused. Whoever it was gets no answer."
		if accept {
			said = userName(k.c.User) + " (id " + shownID(string(k.c.User.ID)) + ") is let in."
		}
		w.say(said)
		k.l.done(d)
		if k.l.then != nil {
			k.l.then(k.c, accept)
		}
	})
}
