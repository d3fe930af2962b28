package platformtest

import (
	"fmt"
	"net/url"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

// greeting is a code as programs make them.
const greeting = "K7Q2M4XW9"

// ids checks what the platform says of its ids, against those of a World.
func (s *suite) ids(t *testing.T) {
	p := s.h.Platform
	for _, fault := range idFaults(p.IDs) {
		t.Error(fault)
	}
	d := s.open(t)
	if !p.IDs.Machines {
		if !whole(p.IDs.User, string(d.Person)) || slices.Contains(p.IDs.Nobody, d.Person) {
			t.Errorf("the id %q has not a user's form", d.Person)
		}
		if d.Group != "" && !whole(p.IDs.Conversation, string(d.Group)) {
			t.Errorf("the id %q has not a shared place's form", d.Group)
		}
	}
	if p.Greet == nil {
		return
	}
	me, err := d.conn.Check(d.context())
	if err != nil {
		t.Fatal(err)
	}
	if link := p.Greet(me, greeting); link == "" {
		t.Errorf("there is Greet, but no link to %+v", me)
	}
	for _, bot := range []platforms.Identity{me, {}, {Handle: "@"}, {Handle: "@a/../b?c#d&e"}} {
		if fault := greetFault(p.Greet(bot, greeting)); fault != "" {
			t.Errorf("Greet %+v: %s", bot, fault)
		}
	}
}

// idFaults is what is wrong with what a platform says of its ids.
func idFaults(ids platforms.IDs) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if ids.Machines {
		if ids.User != "" || ids.Conversation != "" || ids.UserHelp != "" || ids.ConversationHelp != "" || ids.Nobody != nil {
			fault("IDs.Machines, and something beside it")
		}
		return faults
	}
	if !anchored(ids.User) {
		fault("IDs.User %q is no expression from ^ to $", ids.User)
	}
	if ids.Conversation != "" && !anchored(ids.Conversation) {
		fault("IDs.Conversation %q is no expression from ^ to $", ids.Conversation)
	}
	for _, s := range []string{"", " ", "*", "@", "@ada", "two words", "a\nb", "é"} {
		if whole(ids.User, s) || whole(ids.Conversation, s) {
			fault("%q passes for an id", s)
		}
	}
	if !strings.HasSuffix(ids.UserHelp, ".") {
		fault("IDs.UserHelp is no sentence")
	}
	if (ids.Conversation != "") != strings.HasSuffix(ids.ConversationHelp, ".") {
		fault("IDs.ConversationHelp is a sentence where there are shared places, and nothing else")
	}
	for _, id := range ids.Nobody {
		if !whole(ids.User, string(id)) {
			fault("%q of IDs.Nobody has not a user's form, so it needs no mention", id)
		}
	}
	return faults
}

// anchored reports whether all that expression matches goes from ^ to $.
func anchored(expression string) bool {
	e, err := syntax.Parse(expression, syntax.Perl)
	if err != nil || e.Op != syntax.OpConcat || len(e.Sub) < 3 {
		return false
	}
	return e.Sub[0].Op == syntax.OpBeginText && e.Sub[len(e.Sub)-1].Op == syntax.OpEndText
}

// whole reports whether expression matches s. What is no expression matches nothing.
func whole(expression, s string) bool {
	re, err := regexp.Compile(expression)
	return err == nil && expression != "" && re.MatchString(s)
}

// greetFault is what is wrong with a link of Greet for greeting; no link is right.
func greetFault(link string) string {
	u, err := url.Parse(link)
	switch {
	case link == "":
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" || strings.Contains(u.EscapedPath(), "/../"):
		return fmt.Sprintf("%q is no plain https address", link)
	case !strings.Contains(u.RawQuery, greeting):
		return fmt.Sprintf("%q lacks the code", link)
	}
	return ""
}

// eventFault is what is wrong with the ids of an event, and with its Raw.
func eventFault(ids platforms.IDs, ev platforms.Event) string {
	switch ev.Kind {
	case platforms.MessageReceived, platforms.MessageEdited, platforms.ButtonClicked:
	default:
		return ""
	}
	switch {
	case ids.Machines && ev.Raw == nil:
		return fmt.Sprintf("the event %q of a machine lacks its request", ev.ID)
	case ids.Machines:
	case ev.Raw != nil:
		return fmt.Sprintf("the event %q brings a request, and it is no machine's", ev.ID)
	case ev.From.ID != "" && !whole(ids.User, string(ev.From.ID)):
		return fmt.Sprintf("the event %q is from %q, which has not a user's form", ev.ID, ev.From.ID)
	case (ev.Conversation.Kind == platforms.Group || ev.Conversation.Kind == platforms.Channel) && !whole(ids.Conversation, string(ev.Conversation.ID)):
		return fmt.Sprintf("the event %q is from the shared place %q, which has not the form of one", ev.ID, ev.Conversation.ID)
	}
	return ""
}

// pressed has two messages with equal labels, whose buttons must not be mixed up,
// and data of all characters that a program may rely on.
func (s *suite) pressed(t *testing.T) {
	if s.limits.Buttons == 0 {
		t.Skip("the platform has no buttons")
	}
	if s.limits.Data < 40 {
		t.Errorf("a button has room for %d bytes, and programs need 40", s.limits.Data)
	}
	d := s.open(t)
	r := d.start(nil, d.begin())
	var sent []platforms.MessageID
	data := []string{"a:AZaz09.-_:zyxwvutsrqponmlkjihgfedcba.0", "n:ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789_"}
	for i, word := range data {
		id, err := d.conn.Send(d.context(), platforms.Message{Key: fmt.Sprint("k", i), Conversation: d.Direct, Text: fmt.Sprint("Question ", i),
			Buttons: [][]platforms.Button{{{Label: "Yes", Data: word}, {Label: "No", Data: "no"}}}})
		if err != nil {
			t.Fatal(err)
		}
		sent = append(sent, id)
	}
	for i, n := range []int{1, 0} { // the newer first
		d.Click(d.Direct, sent[n], "Yes")
		ev := r.rec.Wait(t, i+1)[i]
		if ev.Kind != platforms.ButtonClicked || ev.Click == nil || ev.Click.Data != data[n] || ev.Message != sent[n] || ev.From.ID != d.Person {
			t.Errorf("of message %q, with data %q: %+v", sent[n], data[n], ev)
		}
	}
	r.stop()
}
