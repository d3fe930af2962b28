package mattermost

import (
	"encoding/json"
	"hash/fnv"
	"slices"
	"strconv"

	"github.com/postern/postern/platforms"
)

const (
	// overlap is how far before the newest event's time is read again:
	// milliseconds, in which the server may have delivered out of order.
	overlap = 30_000
	// doneMost bounds the events of that time whose ids the cursor holds.
	doneMost = 300
)

// place is where we are in the server's time.
type place struct {
	At    int64  `json:"at"`    // of the newest event that was stored
	Floor int64  `json:"floor"` // what is not newer was there before us
	Done  []done `json:"done,omitempty"`
}

// done is an event that was stored, of the last overlap.
type done struct {
	ID string `json:"i"` // hashed, to be short
	At int64  `json:"t"`
}

func parsePlace(c platforms.Cursor) (place, error) {
	var p place
	if err := json.Unmarshal([]byte(c), &p); err != nil || p.At < 0 {
		return p, &platforms.Error{Kind: platforms.Rejected, Text: "The saved place in the bot's messages is damaged. Remove the account and add it again."}
	}
	return p, nil
}

func (p place) cursor() platforms.Cursor {
	b, err := json.Marshal(p)
	if err != nil {
		return "" // it holds numbers and letters
	}
	return platforms.Cursor(b)
}

// since is from when on the server is asked.
func (p place) since() int64 { return max(p.At-overlap, p.Floor) }

func short(id platforms.EventID) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id))
	return strconv.FormatUint(h.Sum64(), 36)
}

// has reports whether an event was stored.
func (p place) has(id platforms.EventID) bool {
	s := short(id)
	return slices.ContainsFunc(p.Done, func(d done) bool { return d.ID == s })
}

// with is the place once an event is stored.
func (p place) with(id platforms.EventID, at int64) place {
	p.At = max(p.At, at)
	kept := make([]done, 0, len(p.Done)+1)
	for _, d := range p.Done {
		if d.At > p.At-overlap {
			kept = append(kept, d)
		}
	}
	kept = append(kept, done{short(id), at})
	if n := len(kept) - doneMost; n > 0 {
		kept = kept[n:]
	}
	p.Done = kept
	return p
}
