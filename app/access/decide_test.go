package access_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/platforms"
)

var now = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

type (
	conversation = platforms.ConversationID
	rules        = []access.Rule
)

// row is one case of the table.
type row struct {
	name   string
	policy access.Policy
	event  platforms.Event
	with   func(*access.Context) // nil: nothing more is known
	want   access.Verdict
	role   access.Role
}

func one(u platforms.UserID, at conversation, r access.Role) access.Policy {
	return access.Policy{Rules: rules{{Account: home, User: u, Conversation: at, Role: r}}}
}

func original(ev platforms.Event, v access.Verdict, r access.Role) func(*access.Context) {
	return func(c *access.Context) {
		o := access.OriginalOf(ev, access.Decision{Verdict: v, Role: r})
		c.Original = &o
	}
}

// everywhere is what must hold on every platform.
func everywhere(w world) []row {
	const (
		member, owner, listener = access.Member, access.Owner, access.Listener
		yes                     = access.Allowed
	)
	here, room := one(w.ada, "", member), one(w.ada, w.group, member)
	bot := func(ev platforms.Event) platforms.Event { ev.From.Bot = true; return ev }
	kind := func(ev platforms.Event, k platforms.EventKind) platforms.Event { ev.Kind = k; return ev }
	from := func(ev platforms.Event, u platforms.UserID) platforms.Event { ev.From.ID = u; return ev }
	needs := func(r access.Role) func(*access.Context) { return func(c *access.Context) { c.Needs = r } }
	with := func(p access.Policy, f func(*access.Policy)) access.Policy {
		p.Rules = slices.Clone(p.Rules)
		f(&p)
		return p
	}
	forwarded := w.dm(w.bob)
	forwarded.Text, forwarded.Note = "Ada said: hello", "forwarded"
	named := w.dm(w.bob)
	named.From.Name, named.From.Handle = string(w.ada), string(w.ada)
	own := w.dm(w.ada)
	own.Own = true
	unkind := w.inGroup(w.ada, true)
	unkind.Conversation.Kind = ""
	return []row{
		{"no rules, direct", access.Policy{}, w.dm(w.ada), nil, access.Stranger, ""},
		{"no rules, group", access.Policy{}, w.inGroup(w.ada, true), nil, access.Stranger, ""},
		{"no rules, click", access.Policy{}, clicked(w.dm(w.ada)), nil, access.Stranger, ""},
		{"member, direct", here, w.dm(w.ada), nil, yes, member},
		{"owner, direct", one(w.ada, "", owner), w.dm(w.ada), nil, yes, owner},
		{"listener, direct", one(w.ada, "", listener), w.dm(w.ada), nil, access.Listens, ""},
		{"listener clicks", one(w.ada, "", listener), clicked(w.dm(w.ada)), nil, access.Listens, ""},
		{"a rule without a role", one(w.ada, "", ""), w.dm(w.ada), nil, access.Stranger, ""},
		{"a rule with a made-up role", one(w.ada, "", "admin"), w.dm(w.ada), nil, access.Stranger, ""},
		{"somebody else, direct", here, w.said(w.bob, "4712", platforms.Direct), nil, access.Stranger, ""},
		{"a rule for the handle", one(platforms.UserID(w.handle), "", owner), w.dm(w.ada), nil, access.Stranger, ""},
		{"a rule for the handle, sent as the id", one(platforms.UserID(w.handle), "", owner), w.dm(platforms.UserID(w.handle)), nil, access.Faceless, ""},
		{"a rule for the name", one("Ada", "", owner), w.dm(w.ada), nil, access.Stranger, ""},
		{"a rule for everybody", one("*", "", owner), w.dm(w.ada), nil, access.Stranger, ""},
		{"a rule for nobody", one("", "", owner), w.dm(w.ada), nil, access.Stranger, ""},
		{"a rule for nobody, and nobody", one("", "", owner), w.dm(""), nil, access.Faceless, ""},
		{"named like somebody's id", here, named, nil, access.Stranger, ""},
		{"another account's rule", access.Policy{Rules: rules{{Account: "work", User: w.ada, Role: owner}}}, w.dm(w.ada), nil, access.Stranger, ""},
		{"no account", here, w.dm(w.ada), func(c *access.Context) { c.Account = "" }, access.Faceless, ""},
		{"no account in either", access.Policy{Rules: rules{{User: w.ada, Role: owner}}}, w.dm(w.ada), func(c *access.Context) { c.Account = "" }, access.Faceless, ""},
		{"a prefix of the id", one(w.ada[:len(w.ada)-1], "", member), w.dm(w.ada), nil, access.Stranger, ""},
		{"an id with a space", here, w.dm(w.ada + " "), nil, access.Faceless, ""},
		{"an id with a zero byte", here, w.dm(w.ada + "\x00"), nil, access.Faceless, ""},

		{"direct rule, group", here, w.inGroup(w.ada, true), nil, access.Elsewhere, ""},
		{"owner's direct rule, group", one(w.ada, "", owner), w.inGroup(w.ada, true), nil, access.Elsewhere, ""},
		{"owner's direct rule, channel", one(w.ada, "", owner), w.inChannel(w.ada, true), nil, access.Elsewhere, ""},
		{"owner's direct rule, click in a group", one(w.ada, "", owner), clicked(w.inGroup(w.ada, true)), nil, access.Elsewhere, ""},
		{"owner's direct rule, unknown kind of place", one(w.ada, "", owner), unkind, nil, access.Elsewhere, ""},
		{"group rule, mentioned", room, w.inGroup(w.ada, true), nil, yes, member},
		{"group rule, not mentioned", room, w.inGroup(w.ada, false), nil, access.NeedsMention, ""},
		{"group rule, owner not mentioning", one(w.ada, w.group, owner), w.inGroup(w.ada, false), nil, access.NeedsMention, ""},
		{"group rule, direct", room, w.dm(w.ada), nil, access.Elsewhere, ""},
		{"group rule, other group", room, w.said(w.ada, w.foreign, w.groupKind), nil, access.Elsewhere, ""},
		{"group rule, somebody else", room, w.inGroup(w.bob, true), nil, access.Stranger, ""},
		{"group rule, unknown kind of place", room, unkind, nil, yes, member},
		{"channel rule, mentioned", one(w.ada, w.channel, member), w.inChannel(w.ada, true), nil, yes, member},
		{"open group", with(room, func(p *access.Policy) { p.Open = []access.Place{{Account: home, Conversation: w.group}} }), w.inGroup(w.ada, false), nil, yes, member},
		{"open group, somebody else", with(room, func(p *access.Policy) { p.Open = []access.Place{{Account: home, Conversation: w.group}} }), w.inGroup(w.bob, true), nil, access.Stranger, ""},
		{"open group of another account", with(room, func(p *access.Policy) { p.Open = []access.Place{{Account: "work", Conversation: w.group}} }), w.inGroup(w.ada, false), nil, access.NeedsMention, ""},
		{"another group is open", with(room, func(p *access.Policy) { p.Open = []access.Place{{Account: home, Conversation: w.foreign}} }), w.inGroup(w.ada, false), nil, access.NeedsMention, ""},
		{"the higher of two roles", access.Policy{Rules: rules{{Account: home, User: w.ada, Role: listener}, {Account: home, User: w.ada, Conversation: w.direct, Role: owner}}}, w.dm(w.ada), nil, yes, owner},

		{"ignored", with(one(w.ada, "", owner), func(p *access.Policy) { p.Ignored = []access.Ignore{{Account: home, User: w.ada}} }), w.dm(w.ada), nil, access.Ignored, ""},
		{"ignored in the group, in the group", with(room, func(p *access.Policy) {
			p.Ignored = []access.Ignore{{Account: home, User: w.ada, Conversation: w.group}}
		}), w.inGroup(w.ada, true), nil, access.Ignored, ""},
		{"ignored in the group, direct", with(here, func(p *access.Policy) {
			p.Ignored = []access.Ignore{{Account: home, User: w.ada, Conversation: w.group}}
		}), w.dm(w.ada), nil, yes, member},
		{"the group is ignored", with(room, func(p *access.Policy) { p.Ignored = []access.Ignore{{Account: home, Conversation: w.group}} }), w.inGroup(w.ada, true), nil, access.Ignored, ""},
		{"ignored by another account", with(here, func(p *access.Policy) { p.Ignored = []access.Ignore{{Account: "work", User: w.ada}} }), w.dm(w.ada), nil, yes, member},

		{"own", here, own, nil, access.Own, ""},
		{"own, by its id", one(w.bot, "", owner), w.dm(w.bot), func(c *access.Context) { c.Bot = w.bot }, access.Own, ""},
		{"another bot", here, bot(w.dm(w.other)), nil, access.Robot, ""},
		{"another bot, a person's rule", one(w.other, "", member), bot(w.dm(w.other)), nil, access.Robot, ""},
		{"another bot, its rule", access.Policy{Rules: rules{{Account: home, User: w.other, Role: member, Bot: true}}}, bot(w.dm(w.other)), nil, yes, member},
		{"another bot as an owner", access.Policy{Rules: rules{{Account: home, User: w.other, Role: owner, Bot: true}}}, bot(w.dm(w.other)), nil, access.Robot, ""},
		{"a person, a bot's rule", access.Policy{Rules: rules{{Account: home, User: w.ada, Role: member, Bot: true}}}, w.dm(w.ada), nil, access.Stranger, ""},

		{"nobody, in a group", room, w.inGroup("", true), nil, access.Faceless, ""},
		{"the group itself", one(platforms.UserID(w.group), w.group, owner), w.inGroup(platforms.UserID(w.group), true), nil, access.Faceless, ""},
		{"the group itself, edited", one(platforms.UserID(w.group), w.group, owner), edited(w.inGroup(platforms.UserID(w.group), true)), original(w.inGroup(platforms.UserID(w.group), true), yes, owner), access.Faceless, ""},
		{"a channel's post", one(platforms.UserID(w.channel), w.channel, member), w.inChannel(platforms.UserID(w.channel), true), nil, access.Faceless, ""},
		{"no conversation", room, w.said(w.ada, "", w.groupKind), nil, access.Faceless, ""},

		{"click, direct", here, clicked(w.dm(w.ada)), nil, yes, member},
		{"click, group", room, clicked(w.inGroup(w.ada, true)), nil, yes, member},
		{"click by somebody else", room, clicked(w.inGroup(w.bob, true)), nil, access.Stranger, ""},
		{"click, approval, member", here, clicked(w.dm(w.ada)), needs(owner), access.Insufficient, ""},
		{"click, approval, owner", one(w.ada, "", owner), clicked(w.dm(w.ada)), needs(owner), yes, owner},
		{"click, approval, owner of another place", access.Policy{Rules: rules{{Account: home, User: w.ada, Role: owner}, {Account: home, User: w.ada, Conversation: w.group, Role: member}}}, clicked(w.inGroup(w.ada, true)), needs(owner), access.Insufficient, ""},
		{"click, needing an unknown role", one(w.ada, "", owner), clicked(w.dm(w.ada)), needs("king"), access.Insufficient, ""},
		{"click, told as a group's, known as direct", here, clicked(w.said(w.ada, "dm1", platforms.Group)), func(c *access.Context) { c.Direct = true }, yes, member},
		{"message, told as a group's, known as direct", here, w.inGroup(w.ada, true), func(c *access.Context) { c.Direct = true }, access.Elsewhere, ""},
		{"click without a button", here, kind(w.dm(w.ada), platforms.ButtonClicked), nil, access.Unsaid, ""},

		{"edit, its original unknown", here, edited(w.dm(w.ada)), nil, access.Detached, ""},
		{"edit of what was let in", here, edited(w.dm(w.ada)), original(w.dm(w.ada), yes, member), yes, member},
		{"edit, original of a stranger", here, edited(w.dm(w.ada)), original(w.dm(w.ada), access.Stranger, ""), access.Detached, ""},
		{"edit, allowed without a role", here, edited(w.dm(w.ada)), original(w.dm(w.ada), yes, ""), access.Detached, ""},
		{"edit, original ignored", here, edited(w.dm(w.ada)), original(w.dm(w.ada), access.Ignored, ""), access.Detached, ""},
		{"edit adds a mention", room, edited(w.inGroup(w.ada, true)), original(w.inGroup(w.ada, false), access.NeedsMention, ""), access.Detached, ""},
		{"edit adds a mention to what was let in", room, edited(w.inGroup(w.ada, true)), original(w.inGroup(w.ada, false), yes, member), access.NeedsMention, ""},
		{"edit takes the mention out", room, edited(w.inGroup(w.ada, false)), original(w.inGroup(w.ada, true), yes, member), yes, member},
		{"edit by somebody else", one(w.bob, w.group, owner), edited(w.inGroup(w.bob, true)), original(w.inGroup(w.ada, true), yes, owner), access.Detached, ""},
		{"edit somewhere else", room, edited(w.inGroup(w.ada, true)), original(w.inChannel(w.ada, true), yes, member), access.Detached, ""},
		{"edit, an owner since", one(w.ada, "", owner), edited(w.dm(w.ada)), original(w.dm(w.ada), yes, member), yes, member},
		{"edit, an owner since, approval", one(w.ada, "", owner), func() platforms.Event { return edited(w.dm(w.ada)) }(), func(c *access.Context) {
			original(w.dm(w.ada), yes, member)(c)
			c.Needs = owner
		}, access.Insufficient, ""},
		{"edit, a member only since", here, edited(w.dm(w.ada)), original(w.dm(w.ada), yes, owner), yes, member},
		{"edit, its rule is gone", access.Policy{}, edited(w.dm(w.ada)), original(w.dm(w.ada), yes, owner), access.Stranger, ""},
		{"edit, ignored since", with(here, func(p *access.Policy) { p.Ignored = []access.Ignore{{Account: home, User: w.ada}} }), edited(w.dm(w.ada)), original(w.dm(w.ada), yes, member), access.Ignored, ""},

		{"forwarded by a stranger", here, from(forwarded, w.bob), nil, access.Stranger, ""},
		{"forwarded by a member", here, from(forwarded, w.ada), nil, yes, member},
		{"the bot was added", one(w.ada, w.group, owner), kind(w.inGroup(w.ada, true), platforms.MembershipChanged), nil, access.Unsaid, ""},
		{"the conversation moved", one(w.ada, w.group, owner), kind(w.inGroup(w.ada, true), platforms.ConversationMoved), nil, access.Unsaid, ""},
		{"a cursor only", here, kind(w.dm(w.ada), ""), nil, access.Unsaid, ""},
		{"a kind that is not known", here, kind(w.dm(w.ada), "typing"), nil, access.Unsaid, ""},

		{"a rule that ends later", access.Policy{Rules: rules{{Account: home, User: w.ada, Role: member, Until: now.Add(time.Second)}}}, w.dm(w.ada), nil, yes, member},
		{"a rule that ends now", access.Policy{Rules: rules{{Account: home, User: w.ada, Role: member, Until: now}}}, w.dm(w.ada), nil, access.Stranger, ""},
		{"a rule with an end, no clock", access.Policy{Rules: rules{{Account: home, User: w.ada, Role: member, Until: now.Add(time.Second)}}}, w.dm(w.ada), func(c *access.Context) { c.Now = time.Time{} }, access.Stranger, ""},
	}
}

// peculiar is what one platform alone does.
func peculiar() []row {
	tg, sl, fs, ln := worlds[0], worlds[2], worlds[3], worlds[5]
	forms := func(w world) func(*access.Context) { return func(c *access.Context) { c.Forms = &w.forms } }
	bot := func(ev platforms.Event) platforms.Event { ev.From.Bot = true; return ev }
	all := func(u platforms.UserID, at conversation) access.Policy {
		return access.Policy{Rules: rules{{Account: home, User: u, Conversation: at, Role: access.Member}, {Account: home, User: u, Conversation: at + "0", Role: access.Member, Bot: true}}}
	}
	return []row{
		{"telegram: an anonymous administrator, in the group's name", all("-1001234567890", tg.group), tg.inGroup("-1001234567890", true), nil, access.Faceless, ""},
		{"telegram: GroupAnonymousBot, salvaged", all("1087968824", tg.group), bot(tg.inGroup("1087968824", true)), forms(tg), access.Faceless, ""},
		{"telegram: Telegram itself, salvaged", all("777000", tg.group), tg.inGroup("777000", true), forms(tg), access.Faceless, ""},
		{"telegram: a person in their channel's name", all("-1009876543210", tg.group), tg.inGroup("-1009876543210", true), forms(tg), access.Faceless, ""},
		{"telegram: the linked channel's post in its group", all("-1009876543210", tg.group), edited(tg.inGroup("-1009876543210", true)), forms(tg), access.Faceless, ""},
		{"telegram: a person, forms known", all(tg.ada, tg.group), tg.inGroup(tg.ada, true), forms(tg), access.Allowed, access.Member},
		{"telegram: direct, where user and chat have one id", one(tg.ada, "", access.Member), tg.dm(tg.ada), forms(tg), access.Allowed, access.Member},
		{"slack: Slackbot", all("USLACKBOT", sl.channel), sl.inChannel("USLACKBOT", true), forms(sl), access.Faceless, ""},
		{"slack: an incoming webhook", one("B0HOOK001", sl.channel, access.Member), bot(sl.inChannel("B0HOOK001", true)), forms(sl), access.Robot, ""},
		{"feishu: a click in a direct chat says group", one(fs.ada, "", access.Owner), clicked(fs.said(fs.ada, fs.direct, platforms.Group)), nil, access.Elsewhere, ""},
		{"feishu: the same, the chat is known", one(fs.ada, "", access.Owner), clicked(fs.said(fs.ada, fs.direct, platforms.Group)), func(c *access.Context) { c.Direct = true }, access.Allowed, access.Owner},
		{"feishu: the same, somebody else", one(fs.ada, "", access.Owner), clicked(fs.said(fs.bob, fs.direct, platforms.Group)), func(c *access.Context) { c.Direct = true }, access.Stranger, ""},
		{"line: a group member whose id is not told", one(ln.ada, ln.group, access.Member), ln.inGroup("", true), nil, access.Faceless, ""},
		{"line: direct, where user and chat have one id", one(ln.ada, "", access.Member), ln.dm(ln.ada), forms(ln), access.Allowed, access.Member},
		{"line: unsent in a group, its original let in", one(ln.ada, ln.group, access.Member), edited(ln.inGroup(ln.ada, false)), original(ln.inGroup(ln.ada, true), access.Allowed, access.Member), access.Allowed, access.Member},
	}
}

func TestDecide(t *testing.T) {
	rows, count := map[string][]row{"peculiar": peculiar()}, len(peculiar())
	for _, w := range worlds {
		rows[w.name] = everywhere(w)
		count += len(rows[w.name])
	}
	if count < 500 {
		t.Errorf("%d rows", count)
	}
	for platform, all := range rows {
		for _, r := range all {
			t.Run(platform+"/"+r.name, func(t *testing.T) {
				c := access.Context{Account: home, Now: now}
				if r.with != nil {
					r.with(&c)
				}
				d := access.Decide(r.policy, r.event, c)
				if d.Verdict != r.want || d.Role != r.role {
					t.Fatalf("%s as %q, want %s as %q: %s", d.Verdict, d.Role, r.want, r.role, d.Why())
				}
				checkTrace(t, d)
				if again := access.Decide(r.policy, r.event, c); !reflect.DeepEqual(d, again) {
					t.Error("decided differently the second time")
				}
			})
		}
	}
}

// checkTrace is what holds of every decision.
func checkTrace(t *testing.T, d access.Decision) {
	t.Helper()
	order := []string{access.CheckSaid, access.CheckOwn, access.CheckIgnored, access.CheckWho, access.CheckWhere, access.CheckRule, access.CheckEdit, access.CheckRole, access.CheckMention}
	at, stops := -1, 0
	for _, s := range d.Trace {
		i := slices.Index(order, s.Check)
		if i < at || i < 0 {
			t.Errorf("the check %q stands after %q", s.Check, order[max(0, at)])
		}
		at = i
		if s.Outcome == access.Stopped {
			stops++
		}
		if s.Words == "" || !strings.HasSuffix(s.Words, ".") || strings.Contains(s.Words, "!") {
			t.Errorf("words %q", s.Words)
		}
	}
	if len(d.Trace) == 0 || len(d.Trace) > 64 {
		t.Fatalf("%d steps", len(d.Trace))
	}
	last := d.Trace[len(d.Trace)-1]
	if allowed := d.Verdict == access.Allowed; allowed == (last.Outcome == access.Stopped) || allowed && stops != 0 || !allowed && stops != 1 {
		t.Errorf("%s after %d stops, the last step %s", d.Verdict, stops, last.Outcome)
	}
	if (d.Verdict == access.Allowed) != (d.Rule > 0) || (d.Verdict == access.Allowed) != (d.Role != "") {
		t.Errorf("%s by rule %d as %q", d.Verdict, d.Rule, d.Role)
	}
	if d.Why() != last.Words {
		t.Errorf("why %q", d.Why())
	}
}

// TestTrace is what a person reads.
func TestTrace(t *testing.T) {
	w := worlds[0]
	p := access.Policy{Rules: rules{
		{Account: home, User: w.ada, Role: access.Owner, Name: "Ada\u202e"}, {Account: home, User: w.ada, Conversation: w.group, Role: access.Member, Name: "Ada"},
		{Account: home, User: w.bob, Conversation: w.group, Role: access.Member, Until: now}, {Account: home, User: w.other, Conversation: w.group, Role: access.Member},
	}}
	bot := w.inGroup(w.other, true)
	bot.From.Bot = true
	for name, c := range map[string]struct {
		ev   platforms.Event
		want []string
	}{
		"let in": {w.inGroup(w.ada, true), []string{"said passed: It is a message.", "own passed: It is not the bot's own.",
			"ignored passed: Neither the user nor the conversation is ignored.", "who passed: The platform says that it was the user 4711.",
			"where noted: It was in the shared conversation -1001234567890, which a rule must name too.", "rule passed: Rule 2 (Ada) names this user here: member.",
			"role passed: The role member is enough.", "mention passed: The bot is addressed."}},
		"ended": {w.inGroup(w.bob, true), []string{"rule noted: Rule 3 has ended.", "rule stopped: None of this account's rules is for this id, or it has ended. Names don't count."}},
		"a bot": {bot, []string{"rule noted: Rule 4 is for a person, and this is a bot.", "rule stopped: It is a bot, and no rule for bots names it."}},
	} {
		var got []string
		for _, s := range access.Decide(p, c.ev, access.Context{Account: home, Now: now}).Trace {
			got = append(got, s.Check+" "+string(s.Outcome)+": "+s.Words)
		}
		if len(got) < len(c.want) || !slices.Equal(got[len(got)-len(c.want):], c.want) {
			t.Errorf("%s:\n%s", name, strings.Join(got, "\n"))
		}
	}
	if d := access.Decide(p, w.dm(w.ada), access.Context{Account: home}); !strings.Contains(d.Trace[5].Words, "Rule 1 (Ada) names") || d.Trace[5].Rule != 1 {
		t.Errorf("%+v", d.Trace[5])
	}
}
