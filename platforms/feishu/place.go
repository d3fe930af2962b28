package feishu

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/postern/postern/platforms"
)

// The platform keeps our place by its acknowledgements, so messages carry no
// cursor. Events that carry nothing else tell up to when the connection was
// alive, and which conversations of two there are, for what the platform gives
// up after its last retry.

const (
	noteEvery  = 10 * time.Minute // while nothing is said
	noteSoon   = time.Minute      // after something was
	directMost = 200              // conversations of two that are remembered
)

// place is a cursor.
type place struct {
	Alive  int64    `json:"t,omitempty"` // milliseconds
	Direct []string `json:"p,omitempty"` // chat ids, newest last
}

// parsePlace reads a cursor. A damaged one costs what it would have caught up on,
// and nothing else.
func parsePlace(c platforms.Cursor) (p place) {
	if json.Unmarshal([]byte(c), &p) != nil || p.Alive < 0 || p.Alive > latest || len(p.Direct) > directMost {
		return place{}
	}
	return p
}

// direct reports whether a chat is known to be one of two.
func (p *place) direct(c platforms.ConversationID) bool { return slices.Contains(p.Direct, string(c)) }

// saw notes what an event tells of where we are.
func (p *place) saw(ev platforms.Event) {
	id := string(ev.Conversation.ID)
	if ev.Conversation.Kind != platforms.Direct || ev.Kind != platforms.MessageReceived || len(p.Direct) > 0 && p.Direct[len(p.Direct)-1] == id {
		return
	}
	if i := slices.Index(p.Direct, id); i >= 0 {
		p.Direct = slices.Delete(p.Direct, i, i+1)
	}
	p.Direct = append(p.Direct, id)
	if len(p.Direct) > directMost {
		p.Direct = slices.Delete(p.Direct, 0, len(p.Direct)-directMost)
	}
}

// note tells where we are.
func (r *run) note(ctx context.Context) error {
	now := time.Now()
	r.place.Alive, r.noted = now.UnixMilli(), now
	b, err := json.Marshal(r.place)
	if err != nil {
		return err
	}
	return r.sink.Event(ctx, platforms.Event{ID: platforms.EventID("place:" + now.UTC().Format(time.RFC3339Nano)), Time: now.UTC(), Cursor: platforms.Cursor(b)})
}
