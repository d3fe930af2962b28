package discord

import (
	"context"

	"github.com/diamondburned/arikawa/v3/discord"

	"github.com/postern/postern/platforms"
)

// event reads a dispatch. It is false for what needs no storing. An error means
// that it can't be told yet where the event belongs.
func (r *run) event(ctx context.Context, f frame) (ev platforms.Event, ok bool, err error) {
	r.greeted()
	switch f.Type {
	case "MESSAGE_CREATE", "MESSAGE_UPDATE":
		return r.message(ctx, f)
	case "INTERACTION_CREATE":
		var i interaction
		if !read(f.Data, &i) {
			return ev, false, nil
		}
		if i.among() {
			ev, ok = interacted(i, spot{conversation: platforms.Conversation{ID: platforms.ConversationID(i.Channel.String()), Kind: platforms.Group}}, &r.c.places)
			return ev, ok, nil
		}
		direct := i.Guild == 0
		if i.Place != nil && i.Place.ID == i.Channel && !direct {
			if _, known := r.c.places.find(i.Channel); !known {
				i.Place.Guild = i.Guild
				r.c.places.channel(*i.Place)
			}
		}
		at, err := r.spot(ctx, i.Channel, direct)
		if err != nil {
			return ev, false, err
		}
		if ev, ok = interacted(i, at, &r.c.places); ok && direct {
			r.place.met(i.Channel)
		}
		return ev, ok, nil
	default:
		r.learn(f)
		return ev, false, nil
	}
}

func (r *run) message(ctx context.Context, f frame) (ev platforms.Event, ok bool, err error) {
	var m message
	if !read(f.Data, &m) || m.ID == 0 || m.Channel == 0 {
		return ev, false, nil
	}
	direct := m.Guild == 0
	if direct {
		r.place.met(m.Channel)
	}
	fresh := f.Type == "MESSAGE_CREATE"
	if fresh && r.place.knows(m.ID) {
		return ev, false, nil // the history had it already
	}
	own := m.Author.ID == r.c.self().ID
	if !own {
		at, err := r.spot(ctx, m.Channel, direct)
		if err != nil {
			return ev, false, err
		}
		if fresh {
			ev, ok = convert(m, at, r.c.self(), &r.c.places)
		} else {
			ev, ok = edited(m, at, r.c.self(), &r.c.places)
		}
	}
	if fresh {
		r.place.saw(m.ID)
	}
	return ev, ok, nil
}

// spot is where a channel's messages belong.
func (r *run) spot(ctx context.Context, id snow, direct bool) (spot, error) {
	ch := channel{ID: id, Type: int(discord.DirectMessage)}
	if !direct {
		var err error
		if ch, err = r.c.where(ctx, id); err != nil {
			return spot{}, err
		}
	}
	c, thread := r.c.places.conversation(ch, direct)
	return spot{c, thread}, nil
}

// learn notes what a dispatch says of channels and servers.
func (r *run) learn(f frame) {
	var ch channel
	switch f.Type {
	case "CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE":
		if read(f.Data, &ch) && ch.ID != 0 {
			r.c.places.channel(ch)
		}
	case "CHANNEL_DELETE", "THREAD_DELETE":
		if read(f.Data, &ch) {
			r.c.places.gone(ch.ID)
		}
	case "THREAD_LIST_SYNC":
		var list struct {
			Guild   snow      `json:"guild_id"`
			Threads []channel `json:"threads"`
		}
		if read(f.Data, &list) {
			for _, t := range list.Threads {
				t.Guild = list.Guild
				r.c.places.channel(t)
			}
		}
	case "GUILD_CREATE", "GUILD_UPDATE":
		var g guild
		if read(f.Data, &g) && g.ID != 0 {
			r.c.places.guild(g)
		}
	}
}
