package discord

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/postern/postern/platforms"
)

// place is where a Run resumes; as JSON it is the cursor.
type place struct {
	Session string `json:"session,omitempty"`
	Resume  string `json:"resume,omitempty"` // where to resume it
	Seq     int64  `json:"seq,omitempty"`
	Last    snow   `json:"last,omitempty"` // of all messages that were seen

	First snow `json:"first,omitempty"` // nothing up to it is asked for

	// Seen is the messages of the last moments, which are asked for again because
	// messages of different channels don't come in the order of their ids.
	Seen []snow `json:"seen,omitempty"`
	// Direct is the private channels that are known, the last used at the end:
	// Discord lists them for nobody who is a bot.
	Direct []snow `json:"direct,omitempty"`
}

// Bounds of a place.
const (
	directMost = 100
	seenMost   = 200
	cursorMost = 16 << 10

	// overlap is how far behind the newest message one may come.
	overlap = 10 * time.Second
)

func parsePlace(c platforms.Cursor) place {
	var p place
	if len(c) > cursorMost || json.Unmarshal([]byte(c), &p) != nil {
		return place{}
	}
	if p.Session == "" || p.Seq < 0 || len(p.Session) > 200 || len(p.Resume) > 500 {
		p.forget()
	}
	p.Seen = tail(p.Seen, seenMost)
	p.Direct = tail(p.Direct, directMost)
	return p
}

func tail[T any](s []T, most int) []T { return s[max(0, len(s)-most):] }

// cursor is p in the form that is stored.
func (p *place) cursor() platforms.Cursor {
	b, _ := json.Marshal(p)
	return platforms.Cursor(b)
}

// forget drops the session.
func (p *place) forget() { p.Session, p.Resume, p.Seq = "", "", 0 }

// since is behind which message histories are read.
func (p *place) since() snow {
	const back = snow(overlap/time.Millisecond) << 22
	if p.Last <= back {
		return p.First
	}
	return max(p.First, p.Last-back)
}

// saw notes a message.
func (p *place) saw(id snow) {
	p.Last = max(p.Last, id)
	from := p.since()
	p.Seen = slices.DeleteFunc(p.Seen, func(s snow) bool { return s <= from })
	p.Seen = append(p.Seen, id)
	if more := len(p.Seen) - seenMost; more > 0 {
		// So many at once: what was before them is taken to have been seen too.
		for _, old := range p.Seen[:more] {
			p.First = max(p.First, old)
		}
		p.Seen = slices.Clone(p.Seen[more:])
	}
}

// knows reports whether a message was seen.
func (p *place) knows(id snow) bool { return slices.Contains(p.Seen, id) }

// met notes a private channel.
func (p *place) met(id snow) {
	if n := len(p.Direct); n > 0 && p.Direct[n-1] == id {
		return
	}
	p.Direct = slices.DeleteFunc(p.Direct, func(d snow) bool { return d == id })
	p.Direct = tail(append(p.Direct, id), directMost)
}
