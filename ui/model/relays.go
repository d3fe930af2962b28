package model

import (
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// WhatRelaysAre is for who has none yet.
const WhatRelaysAre = "A relay is a server with a public address that takes requests for you. Postern dials it and fetches them, so nothing opens on this computer. " +
	"Whoever runs the relay can read every request. It is one-way unless you choose otherwise: what Postern answers stays on this computer."

// RelayName is a relay as it is shown.
func RelayName(r api.Relay) string {
	for _, s := range []string{r.Name, r.Title, r.Kind} {
		if s = text.Line(s, 60); s != "" {
			return s
		}
	}
	return "a relay"
}

// RelayStatus is how the connection to a relay is, at a glance.
func RelayStatus(r api.Relay, now time.Time) StatusView {
	view := func(s State) StatusView {
		words := StatusWords(r.Status)
		if !r.Since.IsZero() && r.Status == api.Connected {
			words += " since " + Clock(r.Since, now)
		}
		if r.RetryAt.After(now) && r.Status != api.Connected {
			if r.Status != api.TransientDisconnect {
				words += ", next try"
			}
			words += " " + In(r.RetryAt, now)
		}
		return StatusView{s, s.Symbol(), words}
	}
	switch {
	case r.Paused || r.Status == api.Paused:
		return StatusView{Off, Off.Symbol(), StatusWords(api.Paused) + ": requests are not fetched"}
	case r.Status == api.Connected:
		return view(Good)
	case r.Status == api.Degraded || r.Status == api.TransientDisconnect || r.Status == api.RateLimited:
		return view(Stale)
	case r.Status == api.BadCredentials || r.Status == api.Conflict || r.Status == api.Blocked:
		return view(Bad)
	}
	return view(Unknown)
}

// RelayTraffic is what came by a relay or one of its channels: "412 taken · 3
// refused · last 2 min ago".
func RelayTraffic(taken, refused uint64, last, now time.Time) string {
	if taken+refused == 0 && last.IsZero() {
		return "nothing has come yet"
	}
	words := count(taken) + " taken · " + count(refused) + " refused"
	if !last.IsZero() {
		words += " · last " + Ago(last, now)
	}
	return words
}

// GapWords is one gap: when, and what is known of it.
func GapWords(g api.RelayGap, now time.Time) string {
	when := Clock(g.At, now)
	if !g.Since.IsZero() && g.Since.Before(g.At) {
		when = Clock(g.Since, now) + " to " + when
	}
	words := text.Line(g.Text, 300)
	if words == "" {
		words = "Requests may be missing."
		if g.Certain {
			words = "Requests are missing."
		}
	}
	return when + ": " + words
}

// GapsWords is a list of gaps in a few words: "2 gaps: requests are missing".
func GapsWords(gs []api.RelayGap) string {
	certain := false
	for _, g := range gs {
		certain = certain || g.Certain
	}
	if certain {
		return Count(len(gs), "gap", "gaps") + ": requests are missing"
	}
	return Count(len(gs), "gap", "gaps") + ": requests may be missing"
}

// ChannelWords is where a channel leads: "builds leads to Webhook ci /a1".
func ChannelWords(c api.RelayChannel, account string) string {
	words := account
	if path := text.Line(c.Path, 80); path != "" {
		words += " " + path
	}
	if name := text.Line(c.Channel, 60); name != "" {
		return name + " leads to " + words
	}
	return "Leads to " + words
}

// ExactWords says whether a sort of relay delivers what was sent.
func ExactWords(k api.RelayKind) string {
	if k.Exact {
		return "Requests arrive byte for byte, so signatures verify."
	}
	if w := text.Line(k.Warning, 300); w != "" {
		return w
	}
	return "Requests may not arrive byte for byte, so a signature may not verify."
}

// RelayStops is what stops when a relay is removed.
func RelayStops(r api.Relay, name func(api.RelayChannel) string) string {
	words := "Postern dials it no more, and forgets what it needs for that. What came by it stays."
	var of []string
	for _, c := range r.Channels {
		of = append(of, name(c))
	}
	if len(of) > 0 {
		words += " Nothing reaches " + listed(of) + " by it any more."
	}
	return strings.TrimSpace(words)
}
