package platformtest

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/postern/postern/platforms"
)

// This file is what Memory's connector can do beside sending and receiving.

// Typing is platforms.Typer's.
func (c *memoryConnector) Typing(ctx context.Context, id platforms.ConversationID, _ platforms.ThreadID) error {
	b, _, err := c.enter(ctx, false)
	if err == nil {
		b.do(func() { b.typed = append(b.typed, id) })
	}
	return err
}

// Open is platforms.Opener's.
func (c *memoryConnector) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	b, _, err := c.enter(ctx, false)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.files[a.Ref]
	if !ok || int64(len(data)) > memoryLimits().Download {
		return nil, rejected("The file is gone, or too large to fetch. Ask for it again.")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// Clicked is platforms.Clicker's.
func (c *memoryConnector) Clicked(ctx context.Context, t platforms.ReplyToken, text string) error {
	b, _, err := c.enter(ctx, false)
	if err != nil {
		return err
	}
	b.do(func() {
		if _, again := b.answered[t]; !again {
			b.answered[t] = text
			b.answers = append(b.answers, text)
		}
	})
	return nil
}

// Probe is platforms.Prober's.
func (c *memoryConnector) Probe(ctx context.Context, at platforms.Cursor) (platforms.Backlog, error) {
	b, _, err := c.enter(ctx, false)
	if err != nil {
		return platforms.Backlog{}, err
	}
	seen, _ := strconv.Atoi(string(at))
	b.mu.Lock()
	defer b.mu.Unlock()
	n := 0
	for _, u := range b.updates {
		if u.seq > seen {
			n++
		}
	}
	return platforms.Backlog{Waiting: n}, nil
}

// Fix is platforms.Fixer's.
func (c *memoryConnector) Fix(ctx context.Context, code string) error {
	b, _, err := c.enter(ctx, false)
	if err != nil {
		return err
	}
	b.do(func() {
		b.problems = slices.DeleteFunc(b.problems, func(p platforms.Problem) bool { return p.Code == code && p.Fix != "" })
	})
	return nil
}

// Skew sets the server's clock this far ahead of the real one.
func (b *MemoryBot) Skew(by time.Duration) { b.do(func() { b.skew = by }) }
