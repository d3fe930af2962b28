// Package terminal is Postern's face where there is no display: a line for
// each change of an account, and a line for each message.
package terminal

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// Source is where a Terminal looks. All are required.
type Source struct {
	Snapshot func() api.Snapshot
	// Activity is the newest lines of activity, newest first.
	Activity func(limit int) ([]api.Activity, error)
	Entry    func(seq uint64) (api.Entry, error)
	// Title is a conversation's, empty if it has none.
	Title func(platforms.AccountID, platforms.ConversationID) string
	// HideText keeps the words of messages off the terminal.
	HideText func() bool
}

// Terminal writes to one writer. Make it with New.
type Terminal struct {
	out  io.Writer
	from Source
	now  func() time.Time
	last uint64 // newest line of activity that was printed

	titles map[platforms.AccountID]string // what an account's lines begin with; none where there is one account only
}

// burst is how many lines of activity are printed at once; of more, how many.
const burst = 200

// New makes a Terminal that shows what from gives.
func New(out io.Writer, from Source) *Terminal {
	return &Terminal{out: out, from: from, now: time.Now}
}

// Run prints the state, then what changes in it, until ctx ends or changed is
// closed.
func (t *Terminal) Run(ctx context.Context, changed <-chan struct{}) {
	first := t.from.Snapshot()
	t.begin(first)
	if old, err := t.from.Activity(1); err == nil && len(old) > 0 {
		t.last = old[0].Seq // what happened before this run is not news
	}
	shown := map[platforms.AccountID]string{}
	told := map[string]bool{}
	t.update(first, shown, told)
	for {
		select {
		case <-ctx.Done():
			t.line("Stopping.")
			return
		case _, ok := <-changed:
			if !ok {
				return
			}
			t.update(t.from.Snapshot(), shown, told)
			t.news()
		}
	}
}

func (t *Terminal) begin(s api.Snapshot) {
	if s.Program.Demo {
		t.line("This is the demo. Its correspondents and servers are stand-ins inside this process, on 127.0.0.1;")
		t.line("nothing leaves this computer, and nothing is kept when it ends. Data: %s", s.Program.DataDir)
	}
	t.line("Postern %s. Secrets: %s. Data: %s", s.Program.Version, text.Line(s.Program.Vault, 120), s.Program.DataDir)
	if len(s.Accounts) == 0 && !s.Program.Demo {
		t.line("No accounts yet. Add one with: postern accounts add PLATFORM")
	}
}

// update prints accounts whose status or note changed, and new notices.
func (t *Terminal) update(s api.Snapshot, shown map[platforms.AccountID]string, told map[string]bool) {
	t.titles = titles(s.Accounts)
	there := map[platforms.AccountID]bool{}
	for _, a := range s.Accounts {
		there[a.ID] = true
		key := string(a.Status) + a.Note + a.Handle
		if shown[a.ID] == key {
			continue
		}
		shown[a.ID] = key
		badge := model.Badge(a.Exposure)
		words := model.StatusWords(a.Status)
		if a.Note != "" {
			words += ". " + text.Line(a.Note, 300)
		}
		t.line("%s  %s %s · %s", model.Label(a), badge.Symbol, badge.Words, words)
	}
	for id := range shown {
		if !there[id] {
			delete(shown, id)
			t.line("%s  removed", id)
		}
	}
	for _, n := range s.Notices {
		if !told[n.ID+n.Text] {
			told[n.ID+n.Text] = true
			t.line("Notice: %s", text.Line(n.Text, 500))
		}
	}
}

// titles is by which word to tell accounts apart: the platform's where that is
// enough.
func titles(accounts []api.Account) map[platforms.AccountID]string {
	if len(accounts) < 2 {
		return nil
	}
	of := map[string]int{}
	for _, a := range accounts {
		of[a.Title]++
	}
	out := map[platforms.AccountID]string{}
	for _, a := range accounts {
		word := a.Title
		if of[a.Title] > 1 {
			word = model.Label(a)
		}
		out[a.ID] = text.Line(word, 40) + " · "
	}
	return out
}

// news prints what happened since it last did.
func (t *Terminal) news() {
	list, err := t.from.Activity(burst)
	if err != nil {
		return // the journal's trouble shows as a status
	}
	for _, a := range slices.Backward(list) {
		if a.Seq <= t.last {
			continue
		}
		if t.last != 0 && a.Seq == list[len(list)-1].Seq && len(list) == burst {
			t.line("… earlier ones of a burst are left out; postern activity shows all")
		}
		t.last = a.Seq
		t.tell(a)
	}
}

// tell prints one line of activity, if it is about a message.
func (t *Terminal) tell(a api.Activity) {
	if a.What == api.Permission {
		t.line("  %s", text.Line(a.Why, 300))
		return
	}
	if a.Entry == 0 {
		return
	}
	e, err := t.from.Entry(a.Entry)
	if err != nil {
		return
	}
	where := text.Line(t.from.Title(a.Account, a.Conversation), 60)
	words := text.Line(e.Text, 400)
	switch {
	case t.from.HideText():
		words = "(hidden)"
	case e.Click != nil:
		words = "pressed a button"
	case words == "" && len(e.Attachments) > 0:
		words = "sent " + text.Line(e.Attachments[0].Name, 80)
	case words == "":
		words = text.Line(e.Note, 200)
	}
	why := text.Line(a.Why, 200)
	switch a.What {
	case api.Routed, api.Ignored, api.Rejected, api.GaveUp:
		who := text.Line(e.From.Name, 60)
		if e.Stranger {
			who += " (stranger)"
		}
		if where != "" && where != text.Line(e.From.Name, 60) {
			who += " in " + where
		}
		if e.Kind == platforms.MessageEdited {
			who += " (edited)"
		}
		if a.What == api.Routed && a.User != "" { // a pairing code
			words = "(a pairing code)"
		}
		t.line("✉ %s%s: %s", t.titles[a.Account], who, words)
		if a.What == api.Ignored {
			t.line("  not handed on: %s", why)
		} else if a.What == api.Rejected {
			t.line("  not let in: %s", why)
		} else if a.What == api.GaveUp {
			t.line("  failed: %s", why)
		}
	case api.SentOut:
		t.line("↩ %sto %s: %s", t.titles[a.Account], where, words)
	case api.Retried:
		t.line("… %sto %s: not sent yet. %s", t.titles[a.Account], where, why)
	case api.DiedOut:
		t.line("✗ %sto %s: could not be sent. %s", t.titles[a.Account], where, why)
	}
}

func (t *Terminal) line(format string, args ...any) {
	fmt.Fprintf(t.out, "%s  %s\n", t.now().Format("15:04:05"), fmt.Sprintf(format, args...))
}
