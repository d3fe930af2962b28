// Package notify is the responder that tells the person: one desktop
// notification for a burst of messages of a conversation, and one for all that
// came while Postern was off.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

const (
	// burst is how close together messages of a conversation share a popup.
	burst = 2 * time.Second
	// calm is how long a conversation must rest before counting starts anew.
	calm = 30 * time.Second
	// most bounds how many conversations' bursts are remembered.
	most = 512
	// showTimeout bounds one call to the desktop.
	showTimeout = 5 * time.Second
)

// Popup is what to show. Title and Body are one line and a few lines of plain
// text, cleaned of control characters.
type Popup struct {
	Key   string // a later popup with the same key replaces this one
	Title string
	Body  string
	Open  api.Request // what a click shows
}

// Options configure a Notifier. Show and Settings are required.
type Options struct {
	Show     func(context.Context, Popup) error
	Settings func() api.Settings
	Log      *slog.Logger
	Now      func() time.Time
}

// Notifier is the responder. Its Run shows what Respond collected.
type Notifier struct {
	o    Options
	wake chan struct{}

	mu     sync.Mutex
	bursts map[key]*talk
	away   int
}

type key struct {
	account      platforms.AccountID
	conversation platforms.ConversationID
}

// talk is one conversation's current burst.
type talk struct {
	count  int // messages in this burst
	last   app.Delivery
	came   time.Time
	shown  time.Time
	unseen bool // something came since it was shown
}

var _ app.Responder = (*Notifier)(nil)

// New makes a Notifier.
func New(o Options) *Notifier {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Notifier{o: o, wake: make(chan struct{}, 1), bursts: map[key]*talk{}}
}

// Name is "notification".
func (n *Notifier) Name() string { return "notification" }

// Acts is false: it only tells.
func (n *Notifier) Acts() bool { return false }

// Respond notes the event for the next popup. It never blocks and never fails.
func (n *Notifier) Respond(_ context.Context, d app.Delivery) ([]platforms.Message, error) {
	s := n.o.Settings()
	if !s.Notifications || (d.Stranger && !s.ShowStrangers) ||
		(d.Event.Kind != platforms.MessageReceived && d.Event.Kind != platforms.ButtonClicked) {
		return nil, nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.Away {
		n.away++
	} else {
		k := key{d.Account, d.Event.Conversation.ID}
		t := n.bursts[k]
		if t == nil {
			n.makeRoom()
			t = &talk{}
			n.bursts[k] = t
		}
		now := n.o.Now()
		if now.Sub(t.came) > calm {
			t.count = 0
		}
		t.count++
		t.last, t.came, t.unseen = d, now, true
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
	return nil, nil
}

// makeRoom forgets the conversation that has been calm the longest.
func (n *Notifier) makeRoom() {
	if len(n.bursts) < most {
		return
	}
	var oldest key
	var at time.Time
	for k, t := range n.bursts {
		if at.IsZero() || t.came.Before(at) {
			oldest, at = k, t.came
		}
	}
	delete(n.bursts, oldest)
}

// Run shows popups until ctx ends.
func (n *Notifier) Run(ctx context.Context) {
	var again <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.wake:
		case <-again:
		}
		due, later := n.collect()
		for _, p := range due {
			showCtx, cancel := context.WithTimeout(ctx, showTimeout)
			if err := n.o.Show(showCtx, p); err != nil && ctx.Err() == nil {
				n.o.Log.Warn("a notification could not be shown", "err", err)
			}
			cancel()
		}
		again = nil
		if later > 0 {
			again = time.After(later)
		}
	}
}

// collect takes the popups that are due, and says in how long the next is.
func (n *Notifier) collect() (due []Popup, later time.Duration) {
	now := n.o.Now()
	hide := n.o.Settings().HideText
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away > 0 {
		due = append(due, awayPopup(n.away))
		n.away = 0
	}
	for k, t := range n.bursts {
		if !t.unseen {
			continue
		}
		if wait := burst - now.Sub(t.shown); wait > 0 {
			if later == 0 || wait < later {
				later = wait
			}
			continue
		}
		due = append(due, popup(k, t, hide))
		t.shown, t.unseen = now, false
	}
	return due, later
}

func awayPopup(n int) Popup {
	what, body := "A message arrived while you were away", "Open the inbox to read it."
	if n > 1 {
		what, body = fmt.Sprintf("%d messages arrived while you were away", n), "Open the inbox to read them."
	}
	return Popup{Key: "away", Title: what, Body: body, Open: api.Request{Page: "inbox"}}
}

func popup(k key, t *talk, hide bool) Popup {
	ev := t.last.Event
	who := text.Line(ev.From.Name, 60)
	if who == "" {
		who = "Somebody"
	}
	title := who
	if place := text.Line(ev.Conversation.Title, 60); place != "" && ev.Conversation.Kind != platforms.Direct {
		title += " in " + place
	}
	title += " · " + text.Line(t.last.Label, 40)
	if t.last.Stranger {
		title = "Stranger: " + title
	}
	body := text.Block(ev.Text)
	switch {
	case hide:
		body = "New message"
	case ev.Click != nil:
		body = "Pressed a button"
	case body == "" && len(ev.Attachments) > 0:
		body = "Sent " + text.Line(ev.Attachments[0].Name, 80)
	case body == "":
		body = text.Line(ev.Note, 120)
	}
	if t.count > 1 {
		body = strings.TrimSpace(fmt.Sprintf("%d messages. %s", t.count, body))
	}
	return Popup{
		Key:   string(k.account) + "\x1f" + string(k.conversation),
		Title: title, Body: body,
		Open: api.Request{Page: "inbox", Account: k.account, Conversation: k.conversation},
	}
}
