package access_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

// dice takes choices from a fuzzer's bytes; at their end it takes the first.
type dice []byte

func (d *dice) n(sides int) int {
	if len(*d) == 0 {
		return 0
	}
	b := (*d)[0]
	*d = (*d)[1:]
	return int(b) % sides
}

func pick[T any](d *dice, all ...T) T { return all[d.n(len(all))] }

// few keeps ids so few that they meet often.
func (d *dice) account() platforms.AccountID {
	return pick[platforms.AccountID](d, "a", "a", "a", "a", "a", "a", "b", "")
}
func (d *dice) user() platforms.UserID {
	return pick[platforms.UserID](d, "1", "1", "1", "1", "1", "1", "1", "1", "1", "2", "2", "-7", "@x", "*", "", "1 ", "9")
}
func (d *dice) place() platforms.ConversationID {
	return pick[platforms.ConversationID](d, "-8", "-8", "-8", "-8", "-7", "", "", "", "1", "#x", "*")
}
func (d *dice) role() access.Role {
	return pick(d, access.Member, access.Member, access.Owner, access.Listener, "", "king")
}

func (d *dice) policy() (p access.Policy) {
	for range d.n(5) {
		r := access.Rule{Account: d.account(), User: d.user(), Conversation: d.place(), Role: d.role(), Bot: d.n(8) == 1, Name: "1"}
		if d.n(5) == 1 {
			r.Until = now.Add(time.Duration(d.n(3)-1) * time.Second)
		}
		p.Rules = append(p.Rules, r)
	}
	for range d.n(6) / 4 {
		p.Ignored = append(p.Ignored, access.Ignore{Account: d.account(), User: d.user(), Conversation: d.place()})
	}
	for range d.n(3) {
		p.Open = append(p.Open, access.Place{Account: d.account(), Conversation: d.place()})
	}
	return p
}

func (d *dice) event() platforms.Event {
	ev := platforms.Event{
		Kind:         pick(d, platforms.MessageReceived, platforms.MessageReceived, platforms.MessageReceived, platforms.MessageEdited, platforms.MessageEdited, platforms.ButtonClicked, platforms.MembershipChanged, platforms.ConversationMoved, ""),
		Conversation: platforms.Conversation{ID: d.place(), Kind: pick(d, platforms.Direct, platforms.Group, platforms.Channel, "", "thread"), Title: "1"},
		From:         platforms.User{ID: d.user(), Name: "1", Handle: "@x", Bot: d.n(8) == 1}, Own: d.n(6) == 1, Mentioned: d.n(2) == 1,
	}
	if d.n(2) == 1 {
		ev.Click = &platforms.Click{}
	}
	return ev
}

func (d *dice) context() access.Context {
	c := access.Context{Account: d.account(), Now: now, Bot: pick[platforms.UserID](d, "", "9"), Direct: d.n(3) == 1}
	if d.n(3) == 1 {
		c.Needs = pick(d, access.Owner, d.role())
	}
	if d.n(4) == 1 {
		c.Now = time.Time{}
	}
	if d.n(3) == 1 {
		f := forms(`^[0-9]+$`, `^-[0-9]+$`, "2")
		c.Forms = &f
	}
	if d.n(3) > 0 {
		c.Original = &access.Original{From: d.user(), Conversation: d.place(), Mentioned: d.n(2) == 1, Role: d.role(),
			Verdict: pick(d, access.Allowed, access.Allowed, access.Stranger, access.NeedsMention, "")}
	}
	return c
}

// mayTalk is the whole of the promise, written from the words of doc.go and the
// names of the ids above: the highest role that somebody has, or none.
func mayTalk(p access.Policy, ev platforms.Event, c access.Context) access.Role {
	users := map[platforms.UserID]bool{"1": true, "2": true, "-7": true, "9": true}
	places := map[platforms.ConversationID]bool{"1": true, "-7": true, "-8": true}
	weight := map[access.Role]int{access.Listener: 1, access.Member: 2, access.Owner: 3}
	edit, click := ev.Kind == platforms.MessageEdited, ev.Kind == platforms.ButtonClicked && ev.Click != nil
	if !edit && !click && ev.Kind != platforms.MessageReceived || ev.Own || c.Bot == ev.From.ID ||
		!users[ev.From.ID] || !places[ev.Conversation.ID] || c.Account == "" {
		return ""
	}
	shared := ev.Conversation.Kind != platforms.Direct && (!click || !c.Direct)
	if shared && string(ev.From.ID) == string(ev.Conversation.ID) {
		return ""
	}
	if c.Forms != nil && (ev.From.ID == "-7" || ev.From.ID == "2") {
		return ""
	}
	for _, g := range p.Ignored {
		if g.Account != c.Account || g.User == "" && g.Conversation == "" || g.User != "" && !users[g.User] || g.Conversation != "" && !places[g.Conversation] {
			continue
		}
		if (g.User == "" || g.User == ev.From.ID) && (g.Conversation == "" || g.Conversation == ev.Conversation.ID) {
			return ""
		}
	}
	var best access.Role
	for _, r := range p.Rules {
		names := r.Account == c.Account && r.User == ev.From.ID && r.Bot == ev.From.Bot
		there := r.Conversation == ev.Conversation.ID
		if !shared && r.Conversation == "" {
			there = true
		}
		lives := r.Until.IsZero() || !c.Now.IsZero() && r.Until.After(c.Now)
		if names && there && lives && weight[r.Role] > weight[best] && (!r.Bot || r.Role != access.Owner) {
			best = r.Role
		}
	}
	addressed := ev.Mentioned || click || !shared
	if edit {
		o := c.Original
		if o == nil || o.Verdict != access.Allowed || o.From != ev.From.ID || o.Conversation != ev.Conversation.ID || weight[o.Role] == 0 {
			return ""
		}
		if weight[o.Role] < weight[best] {
			best = o.Role
		}
		addressed = o.Mentioned || !shared
	}
	for _, o := range p.Open {
		addressed = addressed || o.Account == c.Account && o.Conversation == ev.Conversation.ID
	}
	if !addressed || weight[best] < 2 || c.Needs != "" && (weight[c.Needs] == 0 || weight[c.Needs] > weight[best]) {
		return ""
	}
	return best
}

// FuzzDecide proves that nothing is let in that no rule names by its ids, and
// that what is named is.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		d := dice(b)
		check(t, d.policy(), d.event(), d.context())
	})
}

func check(t *testing.T, p access.Policy, ev platforms.Event, c access.Context) access.Verdict {
	t.Helper()
	got := access.Decide(p, ev, c)
	want := mayTalk(p, ev, c)
	if (got.Verdict == access.Allowed) != (want != "") || got.Role != want {
		t.Fatalf("%s as %q, want %q: %s\npolicy %+v\nevent %+v\ncontext %+v\noriginal %+v", got.Verdict, got.Role, want, got.Why(), p, ev, c, c.Original)
	}
	if got.Verdict == access.Allowed {
		r := p.Rules[got.Rule-1]
		if r.Account != c.Account || r.User != ev.From.ID || ev.Conversation.Kind != platforms.Direct && !c.Direct && r.Conversation != ev.Conversation.ID {
			t.Fatalf("let in by a rule that does not name it: %+v", r)
		}
	}
	checkTrace(t, got)
	return got.Verdict
}

// TestDecideRandomly does the same with numbers from a fixed seed, and sees that
// every verdict comes up.
func TestDecideRandomly(t *testing.T) {
	seen := map[access.Verdict]int{}
	state := uint64(1)
	for range 100_000 {
		b := make(dice, 72)
		for i := range b {
			state = state*6364136223846793005 + 1442695040888963407
			b[i] = byte(state >> 56)
		}
		seen[check(t, b.policy(), b.event(), b.context())]++
	}
	for _, v := range []access.Verdict{access.Allowed, access.Ignored, access.NeedsMention, access.Listens, access.Insufficient, access.Elsewhere,
		access.Stranger, access.Robot, access.Faceless, access.Detached, access.Own, access.Unsaid} {
		if seen[v] < 50 {
			t.Errorf("%s came up %d times", v, seen[v])
		}
	}
}

// FuzzPolicy proves that what is read from JSON is valid, and the same when it
// is written and read again.
func FuzzPolicy(f *testing.F) {
	f.Add([]byte(`{"version":1,"rules":[{"account":"a","user":"1","role":"owner"}],"ignored":[{"account":"a","user":"2"}],"open":[{"account":"a","conversation":"-7"}]}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var p, q access.Policy
		if json.Unmarshal(b, &p) != nil {
			if len(p.Rules)+len(p.Open)+len(p.Ignored) > 0 {
				t.Fatal("a part of it was kept")
			}
			return
		}
		if err := p.Validate(); err != nil {
			t.Fatal(err)
		}
		out, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &q); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if again, _ := json.Marshal(q); string(again) != string(out) {
			t.Fatalf("%s, then %s", out, again)
		}
	})
}
