package hooks

import (
	"strings"

	"github.com/postern/postern/platforms"
)

// Badge is what is said of messages that came by a hook.
const Badge = "Webhook · not E2EE"

// Poster is who posts p: who it says, or the hook.
func (p Post) Poster(h Hook) string {
	if p.Username != "" {
		return p.Username
	}
	return shortened(h.Name, mostName)
}

// Framed is p's text as it stands in the chat: who posts above it, and below it,
// if h is marked, that it came by a hook.
func (p Post) Framed(h Hook) string {
	who, note := p.Poster(h), ""
	if h.Marked {
		note = Badge
		if name := shortened(h.Name, mostName); name != who {
			note += " · via hook " + name
		}
	}
	parts := []string{who + ":\n" + p.Text}
	if p.Format == platforms.Markdown {
		parts = []string{bold(who), p.Text}
		note = line(note, 200)
	}
	if note != "" {
		parts = append(parts, note)
	}
	return strings.Join(parts, "\n\n")
}

// keyPrefix begins the keys of messages that came by hooks.
const keyPrefix = "h/"

// MessageKey is the key of a message that came by the hook id under a key of its
// sender's: two hooks' can't meet, and the message tells which it came by.
func MessageKey(id, own string) string { return keyPrefix + id + "/" + own }

// Of is the id of the hook that a message with this key came by, empty if it came
// by none.
func Of(key string) string {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	id, _, whole := strings.Cut(rest, "/")
	if !ok || !whole {
		return ""
	}
	return id
}
