package platformtest

import (
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
)

func TestIDFaults(t *testing.T) {
	good := memoryIDs()
	if got := idFaults(good); got != nil {
		t.Errorf("%q", got)
	}
	if got := idFaults(platforms.IDs{Machines: true}); got != nil {
		t.Errorf("%q", got)
	}
	for name, change := range map[string]func(*platforms.IDs){
		"nothing said":              func(ids *platforms.IDs) { *ids = platforms.IDs{} },
		"no expression":             func(ids *platforms.IDs) { ids.User = `^[a-$` },
		"open at the end":           func(ids *platforms.IDs) { ids.User = `^[a-z]+` },
		"open at the beginning":     func(ids *platforms.IDs) { ids.Conversation = `[a-z]+$` },
		"open between alternatives": func(ids *platforms.IDs) { ids.User = `^[a-z]+|[0-9]+$` },
		"anchored at lines":         func(ids *platforms.IDs) { ids.User = `(?m)^[a-z]+$` },
		"everything is an id":       func(ids *platforms.IDs) { ids.User = `^.*$` },
		"no help":                   func(ids *platforms.IDs) { ids.UserHelp = "" },
		"half a sentence":           func(ids *platforms.IDs) { ids.ConversationHelp = "Look" },
		"help for no place":         func(ids *platforms.IDs) { ids.Conversation = "" },
		"nobody of another form":    func(ids *platforms.IDs) { ids.Nobody = []platforms.UserID{"NOBODY"} },
		"machines, and people":      func(ids *platforms.IDs) { ids.Machines = true },
	} {
		ids := good
		change(&ids)
		if idFaults(ids) == nil {
			t.Errorf("%s: not noticed", name)
		}
	}
}

func TestGreetFault(t *testing.T) {
	for _, link := range []string{"", "https://example.org/bot?start=" + greeting} {
		if fault := greetFault(link); fault != "" {
			t.Error(fault)
		}
	}
	for _, link := range []string{"http://example.org/?start=" + greeting, "https://example.org/?start=" + strings.ToLower(greeting),
		"javascript:" + greeting, "https:///?" + greeting, "https://example.org/#" + greeting, "https://a@example.org/?" + greeting, "https://example.org/../x?" + greeting} {
		if greetFault(link) == "" {
			t.Errorf("%q: not noticed", link)
		}
	}
}

func TestEventFault(t *testing.T) {
	machines := platforms.IDs{Machines: true}
	ev := platforms.Event{ID: "e", Kind: platforms.MessageReceived, From: platforms.User{ID: MemoryPerson},
		Conversation: platforms.Conversation{ID: MemoryGroup, Kind: platforms.Group}}
	with := func(change func(*platforms.Event)) platforms.Event {
		other := ev
		change(&other)
		return other
	}
	raw := with(func(ev *platforms.Event) { ev.Raw = &platforms.Raw{} })
	moved := with(func(ev *platforms.Event) { ev.Kind, ev.From.ID = platforms.ConversationMoved, "@" })
	for name, c := range map[string]struct {
		ids platforms.IDs
		ev  platforms.Event
		bad bool
	}{
		"good":                      {memoryIDs(), ev, false},
		"nothing was said":          {memoryIDs(), moved, false},
		"a machine's":               {machines, raw, false},
		"a machine's, bare":         {machines, ev, true},
		"a request, but no machine": {memoryIDs(), raw, true},
		"a name for a user":         {memoryIDs(), with(func(ev *platforms.Event) { ev.From.ID = "@ada" }), true},
		"a name for a place":        {memoryIDs(), with(func(ev *platforms.Event) { ev.Conversation.ID = "#general" }), true},
		"a place of two":            {memoryIDs(), with(func(ev *platforms.Event) { ev.Conversation.ID, ev.Conversation.Kind = "@ada", platforms.Direct }), false},
	} {
		if fault := eventFault(c.ids, c.ev); (fault != "") != c.bad {
			t.Errorf("%s: %q", name, fault)
		}
	}
}
