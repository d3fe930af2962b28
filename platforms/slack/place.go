package slack

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

const (
	// overlap is how much is read again of what is stored already: events of
	// different conversations, and retries, come out of order. Slack's last
	// retry is after five minutes.
	overlap = 10 * time.Minute
	// doneMost bounds the conversations that a cursor names; of more, what was
	// read is read again.
	doneMost = 200
)

// place is a cursor. Its times are those of messages, which are Slack's clock,
// in microseconds.
type place struct {
	At    int64            `json:"at"`             // all up to here is stored, but for overlap
	Floor int64            `json:"from"`           // where the account began: nothing before it is told
	Done  map[string]int64 `json:"done,omitempty"` // how far conversations are, while what was missed is read
}

// parsePlace reads a cursor that is not empty.
func parsePlace(c platforms.Cursor) (place, error) {
	var p place
	if json.Unmarshal([]byte(c), &p) != nil || p.At <= 0 || p.Floor < 0 || len(p.Done) > doneMost {
		return place{}, &platforms.Error{Kind: platforms.Rejected, Text: "The saved place in the bot's messages is damaged. Remove the account and add it again."}
	}
	return p, nil
}

func (p *place) cursor() platforms.Cursor { return platforms.Cursor(encode(p)) }

// stored is up to where a conversation is.
func (p *place) stored(channel string) int64 { return max(p.At, p.Done[channel]) }

// since is from where a conversation is read.
func (p *place) since(channel string) int64 {
	return max(p.Floor, p.stored(channel)-overlap.Microseconds())
}

// saw notes a message. catching is whether other conversations are behind.
func (p *place) saw(channel string, at int64, catching bool) {
	if !catching {
		p.At = max(p.At, at)
		return
	}
	if _, ok := p.Done[channel]; !ok && len(p.Done) >= doneMost {
		return
	}
	if p.Done == nil {
		p.Done = map[string]int64{}
	}
	p.Done[channel] = max(p.Done[channel], at)
}

// caughtUp notes that all conversations are read up to at.
func (p *place) caughtUp(at int64) {
	p.At = max(p.At, at)
	for _, t := range p.Done {
		p.At = max(p.At, t)
	}
	p.Done = nil
}

// micros reads a ts, "1700000000.000100"; 0 for what is none.
func micros(ts string) int64 {
	whole, part, ok := strings.Cut(ts, ".")
	sec, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || sec <= 0 || sec > 1<<40 || ok && len(part) > 6 {
		return 0
	}
	var us uint64
	if part != "" {
		if us, err = strconv.ParseUint((part + "000000")[:6], 10, 32); err != nil {
			return 0
		}
	}
	return sec*1e6 + int64(us)
}

// stamp is a time as a ts.
func stamp(us int64) string { return fmt.Sprintf("%d.%06d", us/1e6, us%1e6) }
