// Package access decides who may talk to a bot, and says why.
//
// It is closed by default: a bot with no rules talks with nobody. A [Rule] names
// somebody by the ids that the platform gave and never changes: the account (which
// bot), the user, and in a shared place the conversation too. Names are kept with a
// rule so that a person can read it; they are never compared, since anybody can take
// any name. What is not named is not let in: there are no wildcards, and no rule for
// “everybody here”.
//
//	policy, err := access.Policy{}.With(access.Rule{Account: "home", User: "4711", Role: access.Member, Name: "Ada"})
//	d := access.Decide(policy, event, access.Context{Account: "home", Now: now})
//	if d.Verdict == access.Allowed { … }   // d.Role says as what
//	for _, s := range d.Trace { … }        // every check, in order, in words
//
// # Where a rule counts
//
// A rule without a conversation counts in direct chats only. One with a conversation
// counts in that conversation only. So nobody opens a bot to a group of strangers by
// adding it there, not even its owner, before a rule says so.
//
// In a shared place a message must address the bot (mention it, answer it, or be a
// command), unless [Policy.Open] lists the conversation.
//
// # Roles
//
// An [Owner] may do everything, approvals too. A [Member] may talk. A [Listener] is
// sent what the bot has to tell, and is not heard. Several rules that count at once
// give the highest of their roles. Who is in [Policy.Ignored] is not heard, whatever
// the rules say.
//
// # What is thought through
//
//   - The bot's own messages come back from some platforms; they decide nothing.
//   - An edit can do no more than the message that it changes could: whoever wrote it,
//     the role it came with and the mention are the original's. Without its original
//     an edit is not let in.
//   - Who presses a button is judged, not for whom it was sent. A press counts as
//     addressed to the bot. [Context.Needs] keeps an approval for owners.
//   - Whoever forwards a message says it: the rule of the one who forwards counts, and
//     no rule of the one whose words they were.
//   - What a channel or a group posts under its own name, as anonymous administrators
//     do, has no person behind it that could be named. So it is never let in.
//   - Bots are let in by rules for bots only, and never as owners: two bots that answer
//     each other don't end.
//   - That somebody joined, or that a conversation moved, is nothing that was said.
//
// # Silence
//
// A stranger gets no answer. The words of a trace name people and rules, so they are
// for who sits at this computer: never send them to a chat.
//
// # Pairing
//
// The first owner proves who they are by sending the bot a short-lived code that this
// computer shows: see [Pairings].
//
// The package keeps nothing and reads no clock: what it needs is handed to it.
package access
