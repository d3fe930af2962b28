package window

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// letter is what was written to one conversation and not sent yet.
type letter struct {
	text    string
	files   []*Picked
	reply   platforms.MessageID
	quote   string // of what is replied to
	key     string // of the attempt to send exactly this; empty: none was made
	sending bool
	failed  string // why the last attempt failed
}

func (l *letter) empty() bool {
	return strings.TrimSpace(l.text) == "" && len(l.files) == 0
}

// composer is the answer box. It keeps a letter for every conversation, until
// the service has taken it.
type composer struct {
	p       *inboxPage
	view    fyne.CanvasObject
	text    *entry
	attach  *button
	send    *button
	count   *text
	chips   *fyne.Container
	fault   *fyne.Container
	why     *text
	letters map[place]*letter
	at      place
	quiet   bool // the text changes by our own hand
}

func newComposer(p *inboxPage) *composer {
	c := &composer{p: p, letters: map[place]*letter{}}
	c.text = newAreaEntry(p.w, "Write a message")
	c.text.SetMinRowsVisible(2)
	c.text.submit = c.submit
	c.text.OnChanged = c.changed
	c.attach = newButton(quiet, "", iconClip, c.pick)
	c.attach.tall = true
	c.send = newButton(primary, "Send", iconSend, c.submit)
	c.send.tall = true
	c.count = newText("", look{size: sizeTiny, color: colorMuted})
	c.chips = flow(6)
	c.chips.Hide()
	c.why = body("")
	c.fault = remark(true, c.why)
	c.fault.Hide()
	c.view = vbox(0, rule(), pad(24, 12, 24, 10, vbox(6, c.fault, c.chips,
		hbox(8, fill(c.text), c.attach, c.send), c.count)))
	c.at = place{}
	return c
}

func (c *composer) letter() *letter {
	l := c.letters[c.at]
	if l == nil {
		l = &letter{}
		c.letters[c.at] = l
	}
	return l
}

// leave keeps what was written; enter shows what was written there before.
func (c *composer) leave() {
	if l := c.letters[c.at]; l != nil && l.empty() && l.reply == "" && !l.sending {
		delete(c.letters, c.at)
	}
}

func (c *composer) enter(at place) {
	c.at = at
	c.show()
}

// show draws the letter of the open conversation.
func (c *composer) show() {
	l := c.letter()
	c.quiet = true
	if c.text.Text != l.text {
		c.text.SetText(l.text)
	}
	c.quiet = false
	rows := strings.Count(l.text, "\n") + 1 + len(l.text)/90
	c.text.SetMinRowsVisible(min(max(2, rows), 8))
	c.drawChips(l)
	c.why.set("Not sent. " + l.failed)
	setVisible(c.fault, l.failed != "")
	c.state()
	c.p.right.Refresh()
}

func (c *composer) drawChips(l *letter) {
	c.chips.Objects = nil
	if l.reply != "" {
		c.chips.Add(newButton(chip, "Reply to “"+clean.Line(l.quote, 40)+"”", iconClose, func() {
			l.reply, l.quote, l.key = "", "", ""
			c.show()
		}))
	}
	for i, f := range l.files {
		c.chips.Add(newButton(chip, clean.Line(f.Name, 40)+" · "+model.Size(f.Size), iconClose, func() {
			l.files = append(l.files[:i:i], l.files[i+1:]...)
			l.key = ""
			c.show()
		}))
	}
	setVisible(c.chips, len(c.chips.Objects) > 0)
}

// state brings what depends on the account and the length up to date.
func (c *composer) state() {
	if c.at == (place{}) {
		return
	}
	l := c.letter()
	a, ok := c.p.w.account(c.at.account)
	k, _ := c.p.w.platform(a.Platform)
	words := c.words(l, a, ok, k)
	c.count.set(words)
	limits := limitsOf(a, k)
	mute := limits.Mute
	c.send.enable(!l.sending && ok && !mute && !l.empty())
	c.send.setLabel(map[bool]string{false: "Send", true: "Sending…"}[l.sending])
	c.attach.enable(!l.sending && ok && limits.Upload > 0)
	if l.sending || mute {
		c.text.Disable()
	} else {
		c.text.Enable()
	}
}

// limitsOf is what may be sent through an account.
func limitsOf(a api.Account, k api.Platform) platforms.Limits {
	if a.Limits != nil {
		return *a.Limits
	}
	return k.Limits
}

// words are what stands below the answer box.
func (c *composer) words(l *letter, a api.Account, ok bool, k api.Platform) string {
	if !ok {
		return "The account of this conversation was removed. Nothing can be sent."
	}
	limits := limitsOf(a, k)
	if limits.Mute {
		return "Nothing can be sent here: " + clean.Line(k.Title, 40) + " only brings messages."
	}
	if max := limits.Text; max > 0 {
		unit := limits.Unit
		if n := clean.Len(l.text, unit); n > max {
			return fmt.Sprintf("%d %s: it will be sent as %d messages, one after the other.", n, unitWords(unit), len(clean.Split(l.text, max, unit)))
		} else if n > max*8/10 {
			return fmt.Sprintf("%d of %d %s", n, max, unitWords(unit))
		}
	}
	if a.Paused || a.Status == api.Paused || c.p.w.snap.Program.Paused {
		return "The account is paused. What you send waits until it is resumed."
	}
	s := "Enter sends, Shift+Enter breaks the line."
	if k.Name != "" && limits.Upload == 0 {
		s += " This platform takes no files from bots."
	}
	return s
}

func unitWords(u platforms.Unit) string {
	if u == platforms.Bytes {
		return "bytes"
	}
	return "characters"
}

func (c *composer) changed(s string) {
	if c.quiet || c.at == (place{}) {
		return
	}
	l := c.letter()
	l.text, l.key = s, ""
	rows := min(max(2, strings.Count(s, "\n")+1+len(s)/90), 8)
	c.text.SetMinRowsVisible(rows)
	c.state()
	if l.failed != "" {
		l.failed = ""
		c.fault.Hide()
	}
	c.p.right.Refresh()
}

func (c *composer) replyTo(e api.Entry) {
	l := c.letter()
	l.reply, l.quote, l.key = e.Message, e.Text, ""
	c.show()
	c.p.w.win.Canvas().Focus(c.text)
}

func (c *composer) pick() {
	at := c.at
	c.p.w.o.Files.Open(func(f *Picked, err error) {
		if f == nil {
			c.p.w.fail(err)
			return
		}
		c.add(at, f)
	})
}

// add puts a file to the letter for at, if the platform takes it.
func (c *composer) add(at place, f *Picked) {
	a, _ := c.p.w.account(at.account)
	k, _ := c.p.w.platform(a.Platform)
	if limit := k.Limits.Upload; limit > 0 && f.Size > limit {
		c.p.w.toasts.say(fmt.Sprintf("%s is %s. %s takes files up to %s: send a smaller one, or a link.",
			clean.Line(f.Name, 60), model.Size(f.Size), clean.Line(k.Title, 40), model.Size(limit)), true)
		return
	}
	l := c.letters[at]
	if l == nil {
		l = &letter{}
		c.letters[at] = l
	}
	l.files = append(l.files, f)
	l.key = ""
	if at == c.at {
		c.show()
	}
}

// submit hands the letter to the service. It is kept until the service has it;
// another attempt at the same letter carries the same key, so that it is not
// sent twice.
func (c *composer) submit() {
	l, at := c.letter(), c.at
	if l.empty() || l.sending || c.send.disabled {
		return
	}
	if l.key == "" {
		l.key = rand.Text()
	}
	l.sending, l.failed = true, ""
	d := api.Draft{Key: l.key, Account: at.account, Conversation: at.conversation, ReplyTo: l.reply, Text: strings.TrimRight(l.text, " \n\r\t")}
	files, svc := l.files, c.p.w.svc
	limit := briefly
	if len(files) > 0 {
		limit = transit
	}
	call(c.p.w.b, limit, func(ctx context.Context) (api.Entry, error) { return sendAll(ctx, svc, d, files) },
		func(_ api.Entry, err error) {
			l.sending = false
			if err != nil {
				l.failed = explain(err)
			} else {
				delete(c.letters, at)
			}
			if at != c.at {
				if err != nil {
					c.p.w.toasts.say("A message to "+c.p.titleOf(at)+" was not sent. It is kept in its answer box. "+l.failed, true)
				}
				return
			}
			c.show()
			if err == nil {
				c.p.thread.newest()
			}
			if c.p.w.page == PageInbox && len(c.p.w.modals) == 0 {
				c.p.w.win.Canvas().Focus(c.text)
			}
		})
	c.show()
}

// sendAll opens the files and sends them with the draft.
func sendAll(ctx context.Context, svc Service, d api.Draft, picked []*Picked) (api.Entry, error) {
	var files []client.File
	for _, f := range picked {
		r, err := f.Open()
		if err != nil {
			return api.Entry{}, &api.Error{Kind: platforms.Rejected, Text: "The file " + clean.Line(f.Name, 60) + " can't be read any more. Take it out, or attach it again."}
		}
		defer func(r io.Closer) { _ = r.Close() }(r)
		files = append(files, client.File{Name: f.Name, Body: r})
	}
	return svc.Send(ctx, d, files...)
}
