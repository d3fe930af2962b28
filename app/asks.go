package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

const (
	// asksMost bounds permissions that are asked for at once.
	asksMost    = 50
	askWithin   = 10 * time.Minute
	askLongest  = 24 * time.Hour
	choicesMost = 6
	askTitle    = 200  // characters
	askDetail   = 1500 // characters
	choiceLabel = 40   // characters
	choiceID    = 200  // bytes
	// askMark begins the data of a question's buttons. No responder's button may.
	askMark = "postern:"
)

// asks is the permissions that responders ask for. Nothing of them outlives a
// run: nobody waits for the answers any more, and their buttons do nothing.
type asks struct {
	mu   sync.Mutex
	open []*inquiry
}

// inquiry is one of them.
type inquiry struct {
	api.Ask
	thread  platforms.ThreadID
	here    bool          // an owner could decide in the conversation
	numbers bool          // by a number, not a button
	done    chan struct{} // closed when it is decided or over
	gone    chan struct{} // closed when the next one may be asked
	entry   uint64        // of the question in the journal; guarded by asks.mu

	deciding sync.Mutex // held while a decision is written down, and to end the question
	decided  string     // guarded by asks.mu: id of the choice
	by       string
}

func (s *asks) list() []*inquiry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.open)
}

// find is an open question by its id.
func (s *asks) find(id string) *inquiry {
	for _, q := range s.list() {
		if q.ID == id {
			return q
		}
	}
	return nil
}

// in is the question that is open in a conversation.
func (s *asks) in(l lane) *inquiry {
	for _, q := range s.list() {
		if q.Account == l.account && q.Conversation == l.conversation {
			return q
		}
	}
	return nil
}

// Asks is what is asked for, oldest first.
func (a *App) Asks() []api.Ask {
	out := []api.Ask{}
	for _, q := range a.asks.list() {
		v := q.Ask
		v.Where = a.Title(v.Account, v.Conversation)
		out = append(out, v)
	}
	return out
}

// Ask has an owner decide.
func (t *turn) Ask(ctx context.Context, p Permission) (string, error) {
	if ctx.Err() != nil || t.ctx.Err() != nil {
		return "", ErrUndecided
	}
	q, err := t.question(p)
	if err != nil {
		return "", err
	}
	return t.ask(ctx, q, t.put)
}

// ask poses a question, which put brings where it is asked, and waits for the
// decision.
func (t *turn) ask(ctx context.Context, q *inquiry, put func(context.Context, *inquiry) error) (string, error) {
	a := t.a
	ctx, cancel := context.WithDeadline(ctx, q.Until)
	defer cancel()
	stop := context.AfterFunc(t.ctx, cancel)
	defer stop()
	if err := a.pose(ctx, q); err != nil {
		return "", err
	}
	defer a.withdraw(t.acc, q)
	if err := put(ctx, q); err != nil {
		return "", err
	}
	if a.o.Asked != nil {
		v := q.Ask
		v.Where = a.Title(v.Account, v.Conversation)
		a.o.Asked(v)
	}
	a.changed()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
	a.close(q)
	a.asks.mu.Lock()
	defer a.asks.mu.Unlock()
	if q.decided == "" {
		return "", ErrUndecided
	}
	return q.decided, nil
}

// question is p, bounded and fit to be shown.
func (t *turn) question(p Permission) (*inquiry, error) {
	if len(p.Choices) == 0 || len(p.Choices) > choicesMost {
		return nil, fmt.Errorf("a permission has 1 to %d choices, and this one has %d", choicesMost, len(p.Choices))
	}
	now := t.a.now()
	q := &inquiry{thread: t.job.Event.Thread, done: make(chan struct{}), gone: make(chan struct{}), Ask: api.Ask{
		ID: strings.ToLower(rand.Text()[:20]), Account: t.job.Account, Conversation: t.job.Event.Conversation.ID, Responder: t.label,
		Title: text.Line(p.Title, askTitle), Detail: cut(noGaps(text.Block(p.Detail)), askDetail),
		At: now, Until: now.Add(min(cmp.Or(max(p.Within, 0), askWithin), askLongest)),
	}}
	for i, c := range p.Choices {
		if c.ID == "" || len(c.ID) > choiceID || slices.ContainsFunc(q.Choices, func(o api.AskChoice) bool { return o.ID == c.ID }) {
			return nil, fmt.Errorf("the choices of a permission need ids of their own, of at most %d bytes", choiceID)
		}
		label := choiceWords(i, c)
		if slices.ContainsFunc(q.Choices, func(o api.AskChoice) bool { return strings.EqualFold(o.Label, label) }) {
			label = fmt.Sprintf("%s (%d)", text.Line(label, choiceLabel-4), i+1)
		}
		q.Choices = append(q.Choices, api.AskChoice{ID: c.ID, Label: label, Grants: c.Grants})
	}
	l := t.acc.offers().Limits
	q.here = t.a.ownedHere(q)
	q.numbers = q.here && (len(q.Choices) > l.Buttons || l.Data > 0 && len(askData(q.ID, 0)) > l.Data ||
		l.Label > 0 && slices.ContainsFunc(q.Choices, func(c api.AskChoice) bool { return utf8.RuneCountInString(c.Label) > l.Label }))
	return q, nil
}

// choiceWords is what a person reads of a choice. The words are the agent's:
// whatever they say, what lets the thing happen says that it does.
func choiceWords(i int, c Choice) string {
	label := cmp.Or(text.Line(c.Label, choiceLabel), text.Line(c.ID, choiceLabel), fmt.Sprintf("Choice %d", i+1))
	if !c.Grants {
		return label
	}
	for _, plain := range []string{"allow", "always allow"} {
		if rest, ok := strings.CutPrefix(strings.ToLower(label), plain); ok && (rest == "" || rest[0] == ' ') {
			return label
		}
	}
	return text.Line("Allow: "+label, choiceLabel)
}

// noGaps takes out all but one of several empty lines, so that what is above
// them stays in sight.
func noGaps(s string) string {
	var out []string
	for line := range strings.SplitSeq(s, "\n") {
		if strings.TrimSpace(line) == "" && (len(out) == 0 || out[len(out)-1] == "") {
			continue
		}
		out = append(out, strings.TrimRight(line, " \t"))
	}
	return strings.Join(out, "\n")
}

// pose waits until no other question is open in the conversation, and opens q.
func (a *App) pose(ctx context.Context, q *inquiry) error {
	l := lane{q.Account, q.Conversation}
	for {
		a.asks.mu.Lock()
		var before *inquiry
		for _, o := range a.asks.open {
			if o.Account == l.account && o.Conversation == l.conversation {
				before = o
			}
		}
		if before == nil {
			if len(a.asks.open) >= asksMost {
				a.asks.mu.Unlock()
				return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("%d permissions are asked for already. Decide about those first.", asksMost)}
			}
			a.asks.open = append(a.asks.open, q)
			a.asks.mu.Unlock()
			return nil
		}
		gone := before.gone
		a.asks.mu.Unlock()
		select {
		case <-gone:
		case <-ctx.Done():
			return ErrUndecided
		}
	}
}

// close takes a question from those that are open. A decision that is being
// written down counts, so it waits for that.
func (a *App) close(q *inquiry) {
	q.deciding.Lock()
	defer q.deciding.Unlock()
	a.asks.mu.Lock()
	defer a.asks.mu.Unlock()
	n := len(a.asks.open)
	a.asks.open = slices.DeleteFunc(a.asks.open, func(o *inquiry) bool { return o == q })
	if len(a.asks.open) == n {
		return // closed before
	}
	close(q.gone)
	if q.decided == "" {
		close(q.done)
	}
}

// put asks the question in the conversation, if an owner could answer it there.
// What the agent says of it is marked as a quotation: it can't pass for more.
func (t *turn) put(ctx context.Context, q *inquiry) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s asks: %s", q.Responder, q.Title)
	if q.Detail != "" {
		b.WriteString("\n\n> " + strings.ReplaceAll(q.Detail, "\n", "\n> "))
	}
	m := platforms.Message{Key: askMark + q.ID}
	switch {
	case !q.here:
		b.WriteString("\n\nAn owner has to decide, at the computer.")
	case q.numbers:
		b.WriteString("\n\nAnswer with a number:")
		for i, c := range q.Choices {
			fmt.Fprintf(&b, "\n%d. %s", i+1, c.Label)
		}
	default:
		var row []platforms.Button
		for i, c := range q.Choices {
			row = append(row, platforms.Button{Label: c.Label, Data: askData(q.ID, i)})
		}
		m.Buttons = [][]platforms.Button{row}
	}
	m.Text = b.String()
	m = placed(t.job, m)
	m.ReplyTo = ""
	seq, err := t.a.enqueue(ctx, t.acc, store.Outgoing{Account: q.Account, Message: m, Ephemeral: t.acc.ephemeral(), Answers: t.job.Seq})
	if err != nil {
		return err
	}
	t.a.asks.mu.Lock()
	q.entry = seq
	t.a.asks.mu.Unlock()
	return nil
}

func askData(id string, choice int) string { return askMark + id + ":" + strconv.Itoa(choice) }

// withoutMarks is rows without the buttons that only a question may have, and
// how many there were.
func withoutMarks(rows [][]platforms.Button) (out [][]platforms.Button, marked int) {
	for _, row := range rows {
		var keep []platforms.Button
		for _, b := range row {
			if strings.HasPrefix(b.Data, askMark) {
				marked++
				continue
			}
			keep = append(keep, b)
		}
		if len(keep) > 0 {
			out = append(out, keep)
		}
	}
	if marked == 0 {
		return rows, 0
	}
	return out, marked
}

// ownedHere reports whether somebody may decide in the question's conversation.
func (a *App) ownedHere(q *inquiry) bool {
	direct := a.isDirect(lane{q.Account, q.Conversation})
	now := a.now()
	return slices.ContainsFunc(a.people.get().Rules, func(r access.Rule) bool {
		return r.Account == q.Account && r.Role == access.Owner && (r.Until.IsZero() || now.Before(r.Until)) &&
			(r.Conversation == q.Conversation || r.Conversation == "" && direct)
	})
}
