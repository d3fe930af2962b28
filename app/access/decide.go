package access

import (
	"fmt"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Verdict is what becomes of an event.
type Verdict string

// The verdicts. Only Allowed lets an event in.
const (
	Allowed      Verdict = "allowed"
	Ignored      Verdict = "ignored"       // on the list of those who are ignored for good
	NeedsMention Verdict = "needs mention" // may talk here, but did not address the bot
	Listens      Verdict = "listens"       // a listener is not heard
	Insufficient Verdict = "insufficient"  // may talk, but not do this
	Elsewhere    Verdict = "elsewhere"     // is named, but not for this conversation
	Stranger     Verdict = "stranger"      // no rule of this account names them
	Robot        Verdict = "bot"           // a bot that no rule for bots names
	Faceless     Verdict = "faceless"      // nobody in particular: a channel, an anonymous administrator
	Detached     Verdict = "detached"      // an edit of what is not known, or was not let in
	Own          Verdict = "own"           // the bot itself
	Unsaid       Verdict = "unsaid"        // nothing was said: somebody joined, a conversation moved
)

// Context is what a decision needs beside policy and event.
type Context struct {
	Account platforms.AccountID // to which the event came
	Now     time.Time           // for rules that end; zero: those have ended
	Bot     platforms.UserID    // the account's own id, if it is known
	Forms   *Forms              // of ids on the account's platform, if they are known

	// Needs is the least role for what the event would do; empty: Member. Some
	// buttons are for owners, so whoever knows what a button means says it here.
	Needs Role

	// Direct says that the conversation is known, from a message in it, to be a
	// direct one. It counts for clicks, since not every platform tells where a
	// button was.
	Direct bool

	// Original is the message that an edit changes. Nil: not known.
	Original *Original
}

// Original is what was decided about a message when it came.
type Original struct {
	From         platforms.UserID
	Conversation platforms.ConversationID
	Mentioned    bool
	Verdict      Verdict
	Role         Role
}

// OriginalOf is what to keep of a message for its later edits.
func OriginalOf(ev platforms.Event, d Decision) Original {
	return Original{From: ev.From.ID, Conversation: ev.Conversation.ID, Mentioned: ev.Mentioned, Verdict: d.Verdict, Role: d.Role}
}

// Decision is a verdict with its reasons.
type Decision struct {
	Verdict Verdict `json:"verdict"`
	Role    Role    `json:"role,omitempty"` // as what they talk; empty unless Allowed
	Rule    int     `json:"rule,omitempty"` // which rule let them in, from 1; 0 unless Allowed
	Trace   []Step  `json:"trace"`          // every check, in order; the last one decided
}

// Why is the reason in one sentence, for who sits at this computer.
func (d Decision) Why() string {
	if len(d.Trace) == 0 {
		return ""
	}
	return d.Trace[len(d.Trace)-1].Words
}

// Step is one check.
type Step struct {
	Check   string  `json:"check"`          // what was looked at: one of the Check constants
	Rule    int     `json:"rule,omitempty"` // which rule, from 1, where it is one
	Outcome Outcome `json:"outcome"`
	Words   string  `json:"words"` // one sentence or two, for a person
}

// Outcome is how a check ended.
type Outcome string

// The outcomes.
const (
	Passed  Outcome = "passed"
	Stopped Outcome = "stopped" // the decision: not let in
	Noted   Outcome = "noted"   // decides nothing
)

// The checks, in their order.
const (
	CheckSaid    = "said"
	CheckOwn     = "own"
	CheckIgnored = "ignored"
	CheckWho     = "who"
	CheckWhere   = "where"
	CheckRule    = "rule"
	CheckEdit    = "edit"
	CheckRole    = "role"
	CheckMention = "mention"
)

// Decide says whether an event is let in. It is pure, takes any policy, event
// and context, and lets in only what a valid rule names by its ids.
func Decide(p Policy, ev platforms.Event, c Context) Decision {
	t := &trace{}
	role, rule, ok := t.decide(p, ev, c)
	d := Decision{Verdict: t.verdict, Trace: t.steps}
	if ok {
		d.Verdict, d.Role, d.Rule = Allowed, role, rule
	}
	return d
}

// Simulate is what would be decided if who said words at where. An empty time in
// c means that rules with an end have ended.
func Simulate(p Policy, who platforms.User, where platforms.Conversation, words string, mentioned bool, c Context) Decision {
	return Decide(p, platforms.Event{
		ID: "simulated", Kind: platforms.MessageReceived, Time: c.Now, Message: "simulated",
		Conversation: where, From: who, Text: words,
		Mentioned: mentioned || where.Kind == platforms.Direct,
	}, c)
}

// trace collects the steps of one decision.
type trace struct {
	steps   []Step
	verdict Verdict
}

func (t *trace) pass(check, words string) {
	t.steps = append(t.steps, Step{Check: check, Outcome: Passed, Words: words})
}

// stop ends a decision; it is always false.
func (t *trace) stop(v Verdict, check, words string) bool {
	t.verdict = v
	t.steps = append(t.steps, Step{Check: check, Outcome: Stopped, Words: words})
	return false
}

func (t *trace) decide(p Policy, ev platforms.Event, c Context) (role Role, rule int, ok bool) {
	direct := ev.Conversation.Kind == platforms.Direct || c.Direct && ev.Kind == platforms.ButtonClicked
	if !t.said(ev) || !t.own(ev, c) || !t.ignored(p, ev, c) || !t.who(ev, c, direct) {
		return "", 0, false
	}
	t.where(direct, ev)
	role, rule, ok = t.rules(p, ev, c, direct)
	if !ok {
		return "", 0, false
	}
	mentioned := ev.Mentioned
	if ev.Kind == platforms.MessageEdited {
		if role, ok = t.edit(ev, c, role); !ok {
			return "", 0, false
		}
		mentioned = c.Original.Mentioned
	}
	if !t.role(role, c.Needs) || !t.mention(p, ev, c, direct, mentioned) {
		return "", 0, false
	}
	return role, rule, true
}

// said stops what is no talk.
func (t *trace) said(ev platforms.Event) bool {
	switch {
	case ev.Kind == platforms.MessageReceived:
		t.pass(CheckSaid, "It is a message.")
	case ev.Kind == platforms.MessageEdited:
		t.pass(CheckSaid, "It is the edit of a message.")
	case ev.Kind == platforms.ButtonClicked && ev.Click != nil:
		t.pass(CheckSaid, "It is a pressed button.")
	default:
		return t.stop(Unsaid, CheckSaid, "Nothing was said. Only messages, edits and pressed buttons can be let in.")
	}
	return true
}

func (t *trace) own(ev platforms.Event, c Context) bool {
	if ev.Own || c.Bot != "" && ev.From.ID == c.Bot {
		return t.stop(Own, CheckOwn, "The bot itself did it.")
	}
	t.pass(CheckOwn, "It is not the bot's own.")
	return true
}

func (t *trace) ignored(p Policy, ev platforms.Event, c Context) bool {
	for _, g := range p.Ignored {
		if g.validate() != nil || g.Account != c.Account || g.User != "" && g.User != ev.From.ID || g.Conversation != "" && g.Conversation != ev.Conversation.ID {
			continue
		}
		switch {
		case g.User == "":
			return t.stop(Ignored, CheckIgnored, "This conversation is ignored for good.")
		case g.Conversation == "":
			return t.stop(Ignored, CheckIgnored, "This user is ignored for good.")
		}
		return t.stop(Ignored, CheckIgnored, "This user is ignored for good in this conversation.")
	}
	t.pass(CheckIgnored, "Neither the user nor the conversation is ignored.")
	return true
}

// who stops what comes from nobody whom a rule could name.
func (t *trace) who(ev platforms.Event, c Context, direct bool) bool {
	from, where := string(ev.From.ID), string(ev.Conversation.ID)
	switch {
	case account(c.Account) != nil || !plain(where):
		return t.stop(Faceless, CheckWho, "The platform did not tell where it happened, so no rule can be for it.")
	case !plain(from):
		return t.stop(Faceless, CheckWho, "The platform did not tell who did it, so no rule can be for it.")
	case !direct && from == where:
		return t.stop(Faceless, CheckWho, "It was posted in the name of the conversation itself, as a channel or an anonymous administrator does. Nobody can tell who it was. Whoever it was can write under their own name.")
	case c.Forms != nil && !c.Forms.person(ev.From.ID):
		return t.stop(Faceless, CheckWho, "It was posted under an id that is not one user's own, as a channel's is. Nobody can tell who it was. Whoever it was can write under their own name.")
	}
	t.pass(CheckWho, fmt.Sprintf("The platform says that it was the user %s.", from))
	return true
}

func (t *trace) where(direct bool, ev platforms.Event) {
	words := "It was in a direct chat, where a rule for the user is enough."
	if !direct {
		words = fmt.Sprintf("It was in the shared conversation %s, which a rule must name too.", ev.Conversation.ID)
	}
	t.steps = append(t.steps, Step{Check: CheckWhere, Outcome: Noted, Words: words})
}

// covers reports whether r counts in a conversation.
func (r Rule) covers(where platforms.ConversationID, direct bool) bool {
	return r.Conversation == where || r.Conversation == "" && direct
}

// ended reports whether r counts no more. What has an end needs a clock.
func (r Rule) ended(now time.Time) bool {
	return !r.Until.IsZero() && (now.IsZero() || !now.Before(r.Until))
}

// rules finds the highest role that the rules give.
func (t *trace) rules(p Policy, ev platforms.Event, c Context, direct bool) (role Role, rule int, ok bool) {
	var elsewhere bool
	note := func(i int, o Outcome, words string) {
		if len(t.steps) < stepsMost {
			t.steps = append(t.steps, Step{Check: CheckRule, Rule: i + 1, Outcome: o, Words: title(i, p.Rules[i]) + words})
		}
	}
	for i, r := range p.Rules {
		if r.Account != c.Account || r.User != ev.From.ID || r.validate() != nil {
			continue
		}
		switch {
		case r.Bot != ev.From.Bot && ev.From.Bot:
			note(i, Noted, " is for a person, and this is a bot.")
		case r.Bot != ev.From.Bot:
			note(i, Noted, " is for a bot, and this is none.")
		case r.ended(c.Now):
			note(i, Noted, " has ended.")
		case !r.covers(ev.Conversation.ID, direct):
			elsewhere = true
		default:
			if r.Role.rank() > role.rank() {
				role, rule = r.Role, i+1
			}
			note(i, Passed, fmt.Sprintf(" names this user here: %s.", r.Role))
		}
	}
	switch {
	case rule > 0:
		return role, rule, true
	case elsewhere:
		t.stop(Elsewhere, CheckRule, "Rules name this user, but not for this conversation. To let them talk here, add one that does.")
	case ev.From.Bot:
		t.stop(Robot, CheckRule, "It is a bot, and no rule for bots names it.")
	case len(p.Rules) == 0:
		t.stop(Stranger, CheckRule, "There are no rules, and without one nobody is let in.")
	default:
		t.stop(Stranger, CheckRule, "None of this account's rules is for this id, or it has ended. Names don't count.")
	}
	return "", 0, false
}

// stepsMost is after how many steps further rules are left out of a trace.
const stepsMost = 32

// title is a rule in words.
func title(i int, r Rule) string {
	if name := text.Line(r.Name, nameMost); name != "" {
		return fmt.Sprintf("Rule %d (%s)", i+1, name)
	}
	return fmt.Sprintf("Rule %d", i+1)
}

// edit holds an edit to what its original could do.
func (t *trace) edit(ev platforms.Event, c Context, role Role) (Role, bool) {
	o := c.Original
	switch {
	case o == nil:
		return "", t.stop(Detached, CheckEdit, "The message that it changes is not known, so it can't be told what that one was allowed.")
	case o.From != ev.From.ID || o.Conversation != ev.Conversation.ID:
		return "", t.stop(Detached, CheckEdit, "It is not by the one who wrote the message, or not in the same conversation.")
	case o.Verdict != Allowed || o.Role.rank() == 0:
		return "", t.stop(Detached, CheckEdit, "The message that it changes was not let in, and an edit can do no more.")
	case o.Role.rank() < role.rank():
		role = o.Role
		t.pass(CheckEdit, fmt.Sprintf("The message that it changes came from a %s, so the edit counts as one's.", role))
	default:
		t.pass(CheckEdit, "The message that it changes was let in.")
	}
	return role, true
}

func (t *trace) role(role, needs Role) bool {
	switch {
	case !role.AtLeast(Member):
		return t.stop(Listens, CheckRole, "A listener is told things, and is not heard.")
	case !role.AtLeast(needs):
		return t.stop(Insufficient, CheckRole, fmt.Sprintf("A %s may talk, but this is for the role %s.", role, text.Line(string(needs), 40)))
	}
	t.pass(CheckRole, fmt.Sprintf("The role %s is enough.", role))
	return true
}

func (t *trace) mention(p Policy, ev platforms.Event, c Context, direct, mentioned bool) bool {
	switch {
	case direct:
		t.pass(CheckMention, "In a direct chat all is meant for the bot.")
	case ev.Kind == platforms.ButtonClicked:
		t.pass(CheckMention, "A pressed button is meant for the bot.")
	case mentioned:
		t.pass(CheckMention, "The bot is addressed.")
	case p.open(c.Account, ev.Conversation.ID):
		t.pass(CheckMention, "In this conversation the bot hears everything from those who may talk.")
	case ev.Kind == platforms.MessageEdited:
		return t.stop(NeedsMention, CheckMention, "The message did not address the bot when it came, and an edit can't make up for it.")
	default:
		return t.stop(NeedsMention, CheckMention, "The bot is not addressed. In shared conversations it must be mentioned or answered.")
	}
	return true
}

func (p Policy) open(a platforms.AccountID, where platforms.ConversationID) bool {
	for _, o := range p.Open {
		if o.Account == a && o.Conversation == where {
			return true
		}
	}
	return false
}
