package discord

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/diamondburned/arikawa/v3/discord"

	"github.com/postern/postern/platforms"
)

// places is what is known of channels and servers: after a resume Discord does
// not tell it again.
type places struct {
	mu       sync.Mutex
	channels map[snow]channel
	guilds   map[snow]string
	roles    map[snow]role
}

// Bounds of places. Beyond them what was first known is asked for again.
const (
	channelsMost = 20_000
	guildsMost   = 1_000
	rolesMost    = 20_000
)

func (p *places) channel(ch channel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	put(&p.channels, ch.ID, ch, channelsMost)
}

func (p *places) guild(g guild) {
	p.mu.Lock()
	defer p.mu.Unlock()
	put(&p.guilds, g.ID, g.Name, guildsMost)
	for _, r := range g.Roles {
		put(&p.roles, r.ID, r, rolesMost)
	}
	for _, list := range [][]channel{g.Channels, g.Threads} {
		for _, ch := range list {
			ch.Guild = g.ID
			put(&p.channels, ch.ID, ch, channelsMost)
		}
	}
}

func (p *places) gone(id snow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.channels, id)
}

func put[V any](m *map[snow]V, k snow, v V, most int) {
	if *m == nil {
		*m = map[snow]V{}
	}
	if _, known := (*m)[k]; !known && len(*m) >= most {
		for old := range *m {
			delete(*m, old)
			break
		}
	}
	(*m)[k] = v
}

func (p *places) find(id snow) (channel, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	ch, ok := p.channels[id]
	return ch, ok
}

func (p *places) role(id snow) role {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.roles[id]
}

func (p *places) guildName(id snow) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.guilds[id]
}

// where is the channel of an event, asked for if it is not known: whether it is
// a thread decides to which conversation an event belongs. A channel that the
// bot may not see stands for itself.
func (c *connector) where(ctx context.Context, id snow) (channel, error) {
	ch, ok := c.places.find(id)
	if !ok {
		err := c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/channels/" + id.String()}, &ch)
		switch {
		case err == nil && ch.ID == id:
		case err == nil:
			return channel{}, misunderstood(http.StatusOK)
		case refusedWith(err, http.StatusForbidden), refusedWith(err, http.StatusNotFound):
			ch = channel{ID: id}
		default:
			return channel{}, err
		}
		c.places.channel(ch)
	}
	if ch.thread() && ch.Parent != 0 {
		if _, ok := c.places.find(ch.Parent); !ok {
			if _, err := c.where(ctx, ch.Parent); err != nil {
				return channel{}, err
			}
		}
	}
	return ch, nil
}

// conversation is where something in ch belongs, for a message of a server or
// of a direct chat.
func (p *places) conversation(ch channel, direct bool) (platforms.Conversation, platforms.ThreadID) {
	var thread platforms.ThreadID
	if ch.thread() && ch.Parent != 0 {
		thread = platforms.ThreadID(ch.ID.String())
		parent, ok := p.find(ch.Parent)
		if !ok {
			parent = channel{ID: ch.Parent, Guild: ch.Guild}
		}
		ch = parent
	}
	out := platforms.Conversation{ID: platforms.ConversationID(ch.ID.String()), Kind: platforms.Group}
	switch t := discord.ChannelType(ch.Type); {
	case direct && t != discord.GroupDM:
		out.Kind = platforms.Direct
		return out, thread
	case t == discord.GuildAnnouncement:
		out.Kind = platforms.Channel
	}
	if ch.Name != "" {
		out.Title = line("#" + ch.Name)
		if g := p.guildName(ch.Guild); g != "" {
			out.Title += " – " + line(g)
		}
	}
	return out, thread
}

// refusedWith reports whether err is an answer of Discord with this status.
func refusedWith(err error, status int) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == status
}
