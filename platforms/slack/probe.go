package slack

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/postern/postern/platforms"
)

// probeMost bounds the conversations that a probe looks into: one call each.
const probeMost = 10

// Probe is platforms.Prober's. It looks for newer messages than the last stored
// one where they are likely, in direct conversations first: they lack when
// another program with this app's tokens takes events away.
func (c *connector) Probe(ctx context.Context, at platforms.Cursor) (platforms.Backlog, error) {
	if at == "" {
		return platforms.Backlog{}, nil
	}
	p, err := parsePlace(at)
	if err != nil {
		return platforms.Backlog{}, err
	}
	me, _, err := c.me(ctx)
	if err != nil {
		return platforms.Backlog{}, err
	}
	var got struct {
		Channels []conversation `json:"channels"`
	}
	err = c.api.do(ctx, callTime, "users.conversations", url.Values{"types": {"im,mpim,private_channel,public_channel"}, "limit": {strconv.Itoa(pageSize)}, "exclude_archived": {"true"}}, &got)
	if err != nil {
		return platforms.Backlog{}, err
	}
	slices.SortStableFunc(got.Channels, nearest)
	var b platforms.Backlog
	for _, channel := range got.Channels[:min(probeMost, len(got.Channels))] {
		var page struct {
			Messages []message `json:"messages"`
		}
		stored := p.stored(channel.ID)
		err := c.api.do(ctx, callTime, "conversations.history", url.Values{"channel": {channel.ID}, "oldest": {stamp(stored)}, "limit": {"15"}}, &page)
		if platforms.KindOf(err) == platforms.Rejected { // the bot may not read it
			continue
		}
		if err != nil {
			return platforms.Backlog{}, err
		}
		for _, m := range page.Messages {
			m.Channel, m.ChannelType = channel.ID, channel.kind()
			if _, ok := m.event(me); ok && micros(m.TS) > stored {
				b.Waiting++
			}
		}
	}
	if b.Waiting > 0 {
		b.Note = "Slack has messages that this connection did not bring. If another program uses the same app, Slack gives each event to one of them only: stop it, or give each its own app. Reconnecting."
	}
	return b, nil
}
