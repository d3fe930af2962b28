// Package notify is the responder that tells the person: one desktop
// notification for a burst of messages of a conversation, one for all that came
// while Postern was off, and one for all conversations beyond the few that a
// screen has room for.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
	// room is how many conversations have popups of their own at a time, and span
	// how long one is taken to be on the screen.
	room = 2
	span = 10 * time.Second
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
	others map[key]bool // conversations that the popup for all others counts
	since  time.Time    // of when it counts
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
	crowd := false
	if n.away > 0 {
		due = append(due, awayPopup(n.away))
		n.away = 0
	}
	for _, k := range n.inOrder() {
		t := n.bursts[k]
		if !t.unseen {
			continue
		}
		if wait := burst - now.Sub(t.shown); wait > 0 {
			if later == 0 || wait < later {
				later = wait
			}
			continue
		}
		t.unseen = false
		if n.crowded(k, now) {
			crowd = true
			continue
		}
		due = append(due, popup(k, t, hide))
		t.shown = now
	}
	if crowd {
		due = append(due, othersPopup(len(n.others)))
	}
	return due, later
}

// inOrder is the conversations of the bursts, in the order in which they came.
func (n *Notifier) inOrder() []key {
	return slices.SortedFunc(maps.Keys(n.bursts), func(a, b key) int { return n.bursts[a].came.Compare(n.bursts[b].came) })
}

// crowded reports whether others fill the screen, and counts k among those that
// have to share a popup.
func (n *Notifier) crowded(k key, now time.Time) bool {
	onScreen := 0
	for other, t := range n.bursts {
		if other != k && !t.shown.IsZero() && now.Sub(t.shown) < span {
			onScreen++
		}
	}
	free := room
	if ev := n.bursts[k].last; ev.Event.Conversation.Kind == platforms.Direct && !ev.Stranger {
		free = 2 * room // busy rooms must not keep out who writes to the bot alone
	}
	if onScreen < free {
		return false
	}
	if now.Sub(n.since) > span || n.others == nil {
		n.others = map[key]bool{}
	}
	n.since = now
	if len(n.others) < most {
		n.others[k] = true
	}
	return true
}

func othersPopup(n int) Popup {
	body := "In another conversation. Open the inbox to read them."
	if n > 1 {
		body = fmt.Sprintf("In %d other conversations. Open the inbox to read them.", n)
	}
	return Popup{Key: "others", Title: "More new messages", Body: body, Open: api.Request{Page: "inbox"}}
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
