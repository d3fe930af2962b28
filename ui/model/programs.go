package model

import (
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Places names what scopes are for. What it returns is shown as it is.
type Places struct {
	Account      func(platforms.AccountID) string
	Conversation func(platforms.AccountID, platforms.ConversationID) string
}

// mostPlaces is how many places ScopeWords names of a kind before it counts.
const mostPlaces = 5

// ScopeWords is what a client may do: "may send to “builds” on Telegram home;
// may read everything". A scope that another includes is left out.
func ScopeWords(scopes []api.Scope, p Places) string {
	var out []string
	for _, kind := range []struct {
		do      api.Do
		all, of string
	}{
		{api.MaySend, "may send to every conversation", "may send to "},
		{api.MayHook, "may make hooks in every conversation", "may make hooks in "},
		{api.MayRead, "may read everything", "may read "},
		{api.MayStatus, "may see the status of every account", "may see the status of "},
	} {
		var where []string
		every := false
		for _, s := range scopes {
			if s.Do != kind.do {
				continue
			}
			every = every || s.Account == ""
			if !included(s, scopes) {
				where = append(where, placeWords(s, p))
			}
		}
		switch {
		case every:
			out = append(out, kind.all)
		case len(where) > 0:
			out = append(out, kind.of+listed(where))
		}
	}
	if len(out) == 0 {
		return "may do nothing: what it was for is gone"
	}
	return strings.Join(out, "; ")
}

// included reports whether a scope for a whole account includes s.
func included(s api.Scope, in []api.Scope) bool {
	for _, o := range in {
		if s.Conversation != "" && o.Do == s.Do && o.Account == s.Account && o.Conversation == "" {
			return true
		}
	}
	return false
}

func placeWords(s api.Scope, p Places) string {
	account := p.Account(s.Account)
	switch {
	case s.Conversation != "":
		return "“" + p.Conversation(s.Account, s.Conversation) + "” on " + account
	case s.Do == api.MayStatus:
		return account
	case s.Do == api.MayRead:
		return "everything on " + account
	}
	return "every conversation on " + account
}

// listed is a list as a sentence has it.
func listed(all []string) string {
	if len(all) > mostPlaces {
		all = append(all[:mostPlaces:mostPlaces], strconv.Itoa(len(all)-mostPlaces)+" more")
	}
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// ClientTimes is when a client was used last, was made and ends, and how much it
// may send: "last used 3 min ago · made 2 days ago · ends 3 Dec 14:00 · 60
// messages a minute".
func ClientTimes(c api.Client, now time.Time) string {
	words := []string{"never used"}
	if !c.LastUsed.IsZero() {
		words[0] = "last used " + Ago(c.LastUsed, now)
	}
	words = append(words, "made "+Ago(c.Created, now))
	switch {
	case c.Expires.IsZero():
		words = append(words, "no end")
	case c.Ended(now):
		words = append(words, "ended "+Clock(c.Expires, now))
	default:
		words = append(words, "ends "+Clock(c.Expires, now))
	}
	for _, s := range c.Scopes {
		if s.Do == api.MaySend {
			return strings.Join(append(words, "at most "+Count(c.PerMinute, "message", "messages")+" a minute"), " · ")
		}
	}
	return strings.Join(words, " · ")
}

// StopsWords is what stops when a client is revoked.
func StopsWords(c api.Client, now time.Time) string {
	words := "Its token counts no more, and neither does its name: whatever program uses either is refused at once"
	if c.LastUsed.IsZero() {
		return words + ". It was never used."
	}
	return words + ". It was last used " + Ago(c.LastUsed, now) + "."
}
