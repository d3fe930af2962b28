package access_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

func TestPolicyIsBounded(t *testing.T) {
	var p access.Policy
	for i := range access.RulesMost - 2 {
		p.Rules = append(p.Rules, access.Rule{Account: home, User: platforms.UserID(fmt.Sprint(i + 1)), Role: access.Member})
	}
	p.Ignored = []access.Ignore{{Account: home, User: "x"}}
	p.Open = []access.Place{{Account: home, Conversation: "-1"}}
	full, err := json.Marshal(p)
	if err != nil {
		t.Fatalf("%d entries: %v", access.RulesMost, err)
	}
	var q access.Policy
	if err := json.Unmarshal(full, &q); err != nil || !reflect.DeepEqual(p, q) {
		t.Fatalf("read back: %v", err)
	}
	one := access.Rule{Account: home, User: "one-more", Role: access.Owner}
	if _, err := p.With(one); err == nil {
		t.Error("a rule above the bound was taken")
	}
	if d := access.Decide(p, platforms.Event{Kind: platforms.MessageReceived, Conversation: platforms.Conversation{ID: "d", Kind: platforms.Direct},
		From: platforms.User{ID: "9998"}}, access.Context{Account: home}); d.Verdict != access.Allowed || d.Rule != 9998 || len(d.Trace) > 10 {
		t.Errorf("the last rule: %s, %d steps", d.Verdict, len(d.Trace))
	}
	p.Rules = append(p.Rules, one)
	if _, err := json.Marshal(p); err == nil {
		t.Error("too many rules were written")
	}
	var long strings.Builder
	long.WriteString(`{"version":1,"rules":[`)
	for i := range access.RulesMost + 1 {
		if i > 0 {
			long.WriteByte(',')
		}
		fmt.Fprintf(&long, `{"account":"a","user":"%d","role":"member"}`, i+1)
	}
	long.WriteString(`]}`)
	q = access.Policy{Rules: rules{one}}
	if err := json.Unmarshal([]byte(long.String()), &q); err == nil || len(q.Rules) != 0 {
		t.Errorf("too many rules were read: %v, %d kept", err, len(q.Rules))
	}
	padded := `{"version":1` + strings.Repeat(" ", access.SizeMost) + `}`
	if err := json.Unmarshal([]byte(padded), &q); err == nil {
		t.Error("too large a policy was read")
	}
}

// TestTraceIsBounded names somebody in all the rules there can be.
func TestTraceIsBounded(t *testing.T) {
	var p access.Policy
	for i := range access.RulesMost {
		p.Rules = append(p.Rules, access.Rule{Account: home, User: "1", Conversation: platforms.ConversationID(fmt.Sprint("c", i)), Role: access.Member, Until: now})
	}
	d := access.Decide(p, platforms.Event{Kind: platforms.MessageReceived, Conversation: platforms.Conversation{ID: "d", Kind: platforms.Direct}, From: platforms.User{ID: "1"}},
		access.Context{Account: home, Now: now})
	if d.Verdict != access.Stranger {
		t.Errorf("%s: %s", d.Verdict, d.Why())
	}
	checkTrace(t, d)
}

func TestPolicyJSON(t *testing.T) {
	p := access.Policy{
		Rules: rules{
			{Account: home, User: "4711", Role: access.Owner, Name: "Ada"},
			{Account: home, User: "815", Conversation: "-100", Role: access.Member, Bot: true, Until: now, Place: "Family"},
		},
		Ignored: []access.Ignore{{Account: home, User: "13"}},
		Open:    []access.Place{{Account: home, Conversation: "-100", Name: "Family"}},
	}
	got, err := json.Marshal(p)
	const want = `{"version":1,"rules":[{"account":"home","user":"4711","role":"owner","name":"Ada"},` +
		`{"account":"home","user":"815","conversation":"-100","role":"member","bot":true,"until":"2026-11-21T12:00:00Z","place":"Family"}],` +
		`"ignored":[{"account":"home","user":"13"}],"open":[{"account":"home","conversation":"-100","name":"Family"}]}`
	if err != nil || string(got) != want {
		t.Fatalf("%v\n%s\n%s", err, got, want)
	}
	var q access.Policy
	if err := json.Unmarshal(got, &q); err != nil || !reflect.DeepEqual(p, q) {
		t.Errorf("%v: %+v", err, q)
	}
	if got, err := json.Marshal(access.Policy{}); err != nil || string(got) != `{"version":1}` {
		t.Errorf("an empty one: %s, %v", got, err)
	}
}

func TestPolicyRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"no object":             `[]`,
		"null":                  `null`,
		"no version":            `{}`,
		"another version":       `{"version":2}`,
		"a field not known":     `{"version":1,"everybody":true}`,
		"a rule's, not known":   `{"version":1,"rules":[{"account":"a","user":"1","role":"member","unless":"x"}]}`,
		"no role":               `{"version":1,"rules":[{"account":"a","user":"1"}]}`,
		"a made-up role":        `{"version":1,"rules":[{"account":"a","user":"1","role":"admin"}]}`,
		"no account":            `{"version":1,"rules":[{"user":"1","role":"member"}]}`,
		"no user":               `{"version":1,"rules":[{"account":"a","conversation":"-1","role":"member"}]}`,
		"everybody":             `{"version":1,"rules":[{"account":"a","user":"*","role":"member"}]}`,
		"a handle":              `{"version":1,"rules":[{"account":"a","user":"@ada","role":"member"}]}`,
		"a channel's name":      `{"version":1,"rules":[{"account":"a","user":"1","conversation":"#general","role":"member"}]}`,
		"a name":                `{"version":1,"rules":[{"account":"a","user":"Ada Lovelace","role":"member"}]}`,
		"a letter like another": `{"version":1,"rules":[{"account":"a","user":"аda","role":"member"}]}`,
		"a long id":             `{"version":1,"rules":[{"account":"a","user":"` + strings.Repeat("1", 129) + `","role":"member"}]}`,
		"a long name":           `{"version":1,"rules":[{"account":"a","user":"1","role":"member","name":"` + strings.Repeat("n", 81) + `"}]}`,
		"a bot as an owner":     `{"version":1,"rules":[{"account":"a","user":"1","role":"owner","bot":true}]}`,
		"twice the same":        `{"version":1,"rules":[{"account":"a","user":"1","role":"member"},{"account":"a","user":"1","role":"owner"}]}`,
		"ignored: nobody":       `{"version":1,"ignored":[{"account":"a"}]}`,
		"ignored: a handle":     `{"version":1,"ignored":[{"account":"a","user":"@ada"}]}`,
		"ignored: a name":       `{"version":1,"ignored":[{"account":"a","user":"1","conversation":"off topic"}]}`,
		"ignored: no account":   `{"version":1,"ignored":[{"user":"1"}]}`,
		"open: nothing":         `{"version":1,"open":[{"account":"a"}]}`,
		"open: no account":      `{"version":1,"open":[{"conversation":"-1"}]}`,
		"open: a name":          `{"version":1,"open":[{"account":"a","conversation":"#general"}]}`,
		"cut off":               `{"version":1,"rules":[`,
	} {
		t.Run(name, func(t *testing.T) {
			p := one("4711", "", access.Owner)
			err := p.UnmarshalJSON([]byte(s))
			if err == nil {
				t.Fatal("it was read")
			}
			if !reflect.DeepEqual(p, access.Policy{}) {
				t.Errorf("kept %+v", p)
			}
		})
	}
}

func TestWithAndWithout(t *testing.T) {
	base := access.Policy{Rules: make(rules, 0, 8)} // room behind it, for a careless append
	a, err := base.With(access.Rule{Account: home, User: "1", Role: access.Member, Name: "A\u202eda\nL " + strings.Repeat("x", 200)})
	if err != nil || a.Rules[0].Name[:6] != "Ada L " {
		t.Fatalf("%v: %+v", err, a)
	}
	b, err := base.With(access.Rule{Account: home, User: "2", Role: access.Member})
	if err != nil || a.Rules[0].User != "1" || b.Rules[0].User != "2" {
		t.Fatalf("one changed the other: %v, %+v, %+v", err, a, b)
	}
	c, err := a.With(access.Rule{Account: home, User: "1", Role: access.Owner})
	if err != nil || len(c.Rules) != 1 || c.Rules[0].Role != access.Owner || a.Rules[0].Role != access.Member {
		t.Errorf("replacing: %v, %+v, %+v", err, c, a)
	}
	if d, err := a.With(access.Rule{Account: home, User: "@ada", Role: access.Owner}); err == nil || !reflect.DeepEqual(d, a) {
		t.Errorf("a handle was taken: %+v", d)
	}
	if d := c.Without(home, "1", ""); len(d.Rules) != 0 || len(c.Rules) != 1 || c.Rules[0].User != "1" {
		t.Errorf("without: %+v of %+v", d, c)
	}
	if d := c.Without(home, "1", "-5"); len(d.Rules) != 1 {
		t.Error("the rule of another place was taken out")
	}
}

func TestMoved(t *testing.T) {
	p := access.Policy{
		Rules: rules{{Account: home, User: "1", Conversation: "-5", Role: access.Owner}, {Account: home, User: "1", Conversation: "-100", Role: access.Member},
			{Account: home, User: "2", Conversation: "-5", Role: access.Member}, {Account: "work", User: "2", Conversation: "-5", Role: access.Member}, {Account: home, User: "2", Role: access.Member}},
		Ignored: []access.Ignore{{Account: home, User: "13", Conversation: "-5"}},
		Open:    []access.Place{{Account: home, Conversation: "-5"}},
	}
	before, _ := json.Marshal(p)
	got := p.Moved(home, "-5", "-100")
	want := access.Policy{
		Rules: rules{{Account: home, User: "1", Conversation: "-100", Role: access.Member}, {Account: home, User: "2", Conversation: "-100", Role: access.Member},
			{Account: "work", User: "2", Conversation: "-5", Role: access.Member}, {Account: home, User: "2", Role: access.Member}},
		Ignored: []access.Ignore{{Account: home, User: "13", Conversation: "-100"}},
		Open:    []access.Place{{Account: home, Conversation: "-100"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if after, _ := json.Marshal(p); string(after) != string(before) {
		t.Error("the policy itself was changed")
	}
	for _, c := range [][2]conversation{{"", "-100"}, {"-5", ""}, {"-5", "*"}} {
		if got := p.Moved(home, c[0], c[1]); !reflect.DeepEqual(got, p) {
			t.Errorf("moved %q to %q: %+v", c[0], c[1], got)
		}
	}
}

func TestAtLeast(t *testing.T) {
	for _, c := range []struct {
		role, least access.Role
		want        bool
	}{
		{access.Owner, access.Owner, true}, {access.Owner, access.Listener, true}, {access.Member, access.Owner, false},
		{access.Listener, access.Member, false}, {access.Member, access.Member, true}, {"", access.Listener, false},
		{"", "", true}, {access.Owner, "king", false}, {"king", access.Listener, false}, {"king", "king", false},
	} {
		if got := c.role.AtLeast(c.least); got != c.want {
			t.Errorf("%q at least %q: %v", c.role, c.least, got)
		}
	}
}

func TestSimulate(t *testing.T) {
	p := one("4711", "-1", access.Member)
	who := platforms.User{ID: "4711", Name: "Ada"}
	c := access.Context{Account: home, Now: time.Now()}
	group := platforms.Conversation{ID: "-1", Kind: platforms.Group}
	for _, s := range []struct {
		where     platforms.Conversation
		who       platforms.User
		mentioned bool
		want      access.Verdict
	}{
		{group, who, true, access.Allowed}, {group, who, false, access.NeedsMention},
		{platforms.Conversation{ID: "4711", Kind: platforms.Direct}, who, false, access.Elsewhere},
		{group, platforms.User{ID: "4712", Name: "Ada"}, true, access.Stranger},
	} {
		d := access.Simulate(p, s.who, s.where, "hello", s.mentioned, c)
		if d.Verdict != s.want {
			t.Errorf("%+v: %s", s, d.Verdict)
		}
		checkTrace(t, d)
	}
}
