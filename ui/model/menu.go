package model

import (
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Item is one line of the tray's menu.
type Item struct {
	// ID names the line: the same in every menu that has it, unique in one.
	ID        string
	Label     string
	Enabled   bool
	Separator bool // nothing but ID is set
	Children  []Item
	Do        Command // what a click means
}

// Verb is what a click on an Item asks for.
type Verb int

// The verbs. A line that only tells something has Nothing.
const (
	Nothing Verb = iota
	Show
	Pause
	Resume
	CloseListeners
	Quit
)

// Command is a Verb with what it is about.
type Command struct {
	Verb    Verb
	Account platforms.AccountID // of Pause and Resume; empty for all
	Request api.Request         // of Show
}

// maxAccounts bounds the menu: a screen's height is the limit, and some panels
// don't scroll.
const maxAccounts = 12

// Counts is the exposure in one line: "4 outbound · 1 private · 0 public". The
// three levels that say most are always there, the others when they occur.
func Counts(e api.Exposure) string {
	var parts []string
	for _, l := range []struct {
		level  exposure.Level
		word   string
		always bool
	}{
		{exposure.Outbound, "outbound", true},
		{exposure.Relayed, "relayed", false},
		{exposure.Local, "local", false},
		{exposure.Private, "private", true},
		{exposure.Public, "public", true},
		{exposure.Refused, "refused", false},
	} {
		if n := e[l.level]; n > 0 || l.always {
			parts = append(parts, strconv.Itoa(n)+" "+l.word)
		}
	}
	return strings.Join(parts, " · ")
}

// Header is the first line of the menu: "Postern: 4 outbound · 1 private · 0 public".
func Header(s api.Snapshot) string {
	name := "Postern"
	if s.Program.Demo {
		name = "Postern demo"
	}
	if len(s.Accounts) == 0 && s.Exposure[exposure.Public] == 0 {
		return name + ": no accounts yet"
	}
	return name + ": " + Counts(s.Exposure)
}

// Tooltip is what the tray icon says: the header, what waits for the person if
// anything does, and the number of unread messages. It stays under 128 UTF-16
// units, which is what Windows shows.
func Tooltip(s api.Snapshot, now time.Time) string {
	parts := []string{Header(s)}
	if _, why := IconOf(s, now); why != "" {
		parts = append(parts, why)
	}
	if s.Unread > 0 {
		parts = append(parts, Count(s.Unread, "unread message", "unread messages"))
	}
	return units(strings.Join(parts, "\n"), 127)
}

// units cuts s to at most max UTF-16 units.
func units(s string, max int) string {
	n, fits := 0, 0
	for i, r := range s {
		w := 1
		if r > 0xFFFF {
			w = 2
		}
		if n+w > max {
			return s[:fits] + "…"
		}
		n += w
		if n <= max-1 {
			fits = i + len(string(r))
		}
	}
	return s
}

// Menu is the tray's menu.
func Menu(s api.Snapshot, now time.Time) []Item {
	items := []Item{{ID: "header", Label: Header(s)}}
	if n := len(s.Strange); n > 0 {
		items = append(items, button("strange", "Alarm: "+StrangeWords(n)+"…", show("exposure")))
	}
	items = append(items, Item{ID: "separator:top", Separator: true})
	items = append(items, accounts(s, now)...)
	items = append(items, Item{ID: "separator:accounts", Separator: true})

	inbox := "Open inbox"
	if s.Unread > 0 {
		inbox += " (" + strconv.Itoa(s.Unread) + ")"
	}
	items = append(items, button("inbox", inbox, show("inbox")))
	if s.Held > 0 {
		items = append(items, button("held", Count(s.Held, "held message…", "held messages…"), show("inbox")))
	}
	if s.Dead > 0 {
		items = append(items, button("dead", Count(s.Dead, "message", "messages")+" could not be sent…", show("activity")))
	}
	items = append(items, waiting(s)...)
	if s.Program.Paused {
		items = append(items, button("resume", "Resume all", Command{Verb: Resume}))
	} else {
		all := button("pause", "Pause all", Command{Verb: Pause})
		all.Enabled = len(s.Accounts) > 0
		items = append(items, all)
	}
	if s.Exposure[exposure.Public] > 0 {
		items = append(items, button("close", "Close every public listener", Command{Verb: CloseListeners}))
	}
	return append(items,
		button("settings", "Settings…", show("settings")),
		button("quit", "Quit Postern", Command{Verb: Quit}))
}

func accounts(s api.Snapshot, now time.Time) []Item {
	if len(s.Accounts) == 0 {
		return []Item{button("add", "Add an account…", show("accounts"))}
	}
	shown := s.Accounts
	if len(shown) > maxAccounts {
		shown = shown[:maxAccounts-1]
	}
	var items []Item
	for _, a := range shown {
		items = append(items, account(a, s.Program.Paused, now))
	}
	if rest := len(s.Accounts) - len(shown); rest > 0 {
		items = append(items, button("more", "and "+strconv.Itoa(rest)+" more…", show("accounts")))
	}
	return items
}

// account is an account's line, with what can be done about it behind it.
func account(a api.Account, all bool, now time.Time) Item {
	id := "account:" + string(a.ID)
	children := []Item{{ID: id + ":status", Label: Status(a, now).Words}}
	if note := text.Line(a.Note, 100); note != "" {
		children = append(children, Item{ID: id + ":note", Label: note})
	}
	children = append(children, button(id+":show", "Show account", Command{
		Verb: Show, Request: api.Request{Page: "accounts", Account: a.ID},
	}))
	if _, do := DoorRemark(a); do != "" {
		children = append(children, button(id+":door", "Look at its listener…", Command{
			Verb: Show, Request: api.Request{Page: "exposure", Account: a.ID},
		}))
	}
	switch {
	case all: // resumed together, by the menu's own line
	case off(a):
		children = append(children, button(id+":resume", "Resume", Command{Verb: Resume, Account: a.ID}))
	case a.Status == api.Blocked || a.Status == api.BadCredentials || a.Status == api.Conflict:
		children = append(children,
			button(id+":resume", "Try again", Command{Verb: Resume, Account: a.ID}),
			button(id+":pause", "Pause", Command{Verb: Pause, Account: a.ID}))
	default:
		children = append(children, button(id+":pause", "Pause", Command{Verb: Pause, Account: a.ID}))
	}
	return Item{ID: id, Label: AccountLine(a, now), Enabled: true, Children: children}
}

func button(id, label string, do Command) Item {
	return Item{ID: id, Label: label, Enabled: true, Do: do}
}

func show(page string) Command {
	return Command{Verb: Show, Request: api.Request{Page: page}}
}
