package discord

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/diamondburned/arikawa/v3/discord"

	"github.com/postern/postern/platforms"
)

// What was said while no session was there is read from the histories: of the
// channels and threads whose last message is newer than the place, and of the
// private channels that are known. It is stored in the order in which it was
// said, over all channels, so that one id tells how far that has come.

const (
	sourcesMost = 500
	pagesMost   = 20 // of one channel
	pageSize    = 100
	// heldMost bounds how many messages are held at the same time.
	heldMost   = 10_000
	limitsMost = 10 // how often Discord may ask for patience
)

// source is one channel's history.
type source struct {
	id     snow
	direct bool
	after  snow
	queue  []message
	pages  int
	more   bool
}

// returned fetches what was missed in a server that was out of order when the
// session began. Should this be interrupted, the rest stays in Discord.
func (r *run) returned(ctx context.Context, f frame) error {
	var g guild
	if !read(f.Data, &g) || !r.late[g.ID] || g.Unavailable {
		return nil
	}
	delete(r.late, g.ID)
	r.c.places.guild(g)
	sources, notes := r.sources([]guild{g}, r.since, nil)
	return r.catchUp(ctx, sources, notes)
}

// catchUp stores what was missed. When a session begins the place names none
// meanwhile, so that a Run that ends here is continued from there.
func (r *run) catchUp(ctx context.Context, sources []*source, notes []string) error {
	size := max(10, min(pageSize, heldMost/max(1, len(sources))))
	if err := r.fill(ctx, sources, size, &notes); err != nil {
		return err
	}
	for {
		var evs []platforms.Event
		for len(evs) < gatherMost {
			s := earliest(sources)
			if s == nil {
				break
			}
			m := s.queue[0]
			s.queue = s.queue[1:]
			ev, ok, err := r.past(ctx, m, s)
			if err != nil {
				return err
			}
			if ok {
				evs = append(evs, ev)
			}
			if len(s.queue) == 0 {
				if err := r.fill(ctx, []*source{s}, size, &notes); err != nil {
					return err
				}
			}
		}
		if len(evs) == 0 {
			break
		}
		if err := r.deliver(ctx, evs); err != nil {
			return err
		}
	}
	if len(notes) > 0 {
		r.sink.State(platforms.State{Phase: platforms.Connected,
			Note: "What was said while nobody listened could not be fetched everywhere. " + notes[0]})
	}
	return nil
}

// sources is the channels that may hold something new.
func (r *run) sources(guilds []guild, since snow, direct []snow) (out []*source, notes []string) {
	type candidate struct {
		id, last snow
	}
	var all []candidate
	for _, g := range guilds {
		for _, list := range [][]channel{g.Channels, g.Threads} {
			for _, ch := range list {
				if t := discord.ChannelType(ch.Type); ch.LastMessage > since && t != discord.GuildForum && t != guildMedia && t != discord.GuildCategory {
					all = append(all, candidate{ch.ID, ch.LastMessage})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return cmp.Compare(b.last, a.last) })
	if most := sourcesMost - directMost; len(all) > most {
		notes = append(notes, fmt.Sprintf("More than %d channels have new messages; the rest is in Discord itself.", most))
		all = all[:most]
	}
	for _, a := range all {
		out = append(out, &source{id: a.id, after: since, more: true})
	}
	for _, id := range direct {
		out = append(out, &source{id: id, direct: true, after: since, more: true})
	}
	return out, notes
}

// guildMedia is a forum of pictures, in which are threads only.
const guildMedia = 16

// earliest is the source whose next message was said first; nil at the end.
func earliest(sources []*source) (first *source) {
	for _, s := range sources {
		if len(s.queue) > 0 && (first == nil || s.queue[0].ID < first.queue[0].ID) {
			first = s
		}
	}
	return first
}

// fill fetches the next page of each source. A channel that refuses is left out,
// with a note.
func (r *run) fill(ctx context.Context, sources []*source, size int, notes *[]string) error {
	for _, s := range sources {
		if !s.more {
			continue
		}
		if s.pages++; s.pages > pagesMost {
			s.more = false
			*notes = append(*notes, fmt.Sprintf("A channel has more than %d new messages; the rest is in Discord itself.", pagesMost*size))
			continue
		}
		got, n, err := r.history(ctx, s, size)
		switch {
		case err == nil:
		case platforms.KindOf(err) == platforms.Rejected:
			s.more = false
			if len(*notes) < 10 {
				*notes = append(*notes, platforms.Explain(err))
			}
			continue
		default:
			return err
		}
		s.more = n >= size
		slices.SortFunc(got, func(a, b message) int { return cmp.Compare(a.ID, b.ID) })
		for _, m := range got {
			if m.ID > s.after {
				s.after = m.ID
				s.queue = append(s.queue, m)
			}
		}
		s.more = s.more && len(s.queue) > 0
	}
	return nil
}

// history asks for a page, and waits where Discord asks for patience.
func (r *run) history(ctx context.Context, s *source, size int) (page []message, n int, err error) {
	for tries := 0; ; tries++ {
		var raw []json.RawMessage
		err := r.c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/channels/" + s.id.String() + "/messages",
			query: url.Values{"after": {s.after.String()}, "limit": {strconv.Itoa(size)}}}, &raw)
		var e *platforms.Error
		if errors.As(err, &e) && e.Kind == platforms.RateLimited && tries < limitsMost && e.RetryAfter <= time.Minute {
			wait := time.NewTimer(max(e.RetryAfter, 100*time.Millisecond))
			select {
			case <-ctx.Done():
				wait.Stop()
				return nil, 0, ctx.Err()
			case <-wait.C:
				continue
			}
		}
		if err != nil {
			return nil, 0, err
		}
		out := make([]message, 0, len(raw))
		for _, b := range raw {
			var m message
			if read(b, &m) && m.ID != 0 {
				m.Channel = s.id
				out = append(out, m)
			}
		}
		return out, len(raw), nil
	}
}

// past is the event of a message in a history. It is false for what was stored
// before, and for what needs no storing.
func (r *run) past(ctx context.Context, m message, s *source) (ev platforms.Event, ok bool, err error) {
	if r.place.knows(m.ID) {
		return ev, false, nil
	}
	if m.Author.ID != r.c.self().ID {
		at, err := r.spot(ctx, s.id, s.direct)
		if err != nil {
			return ev, false, err
		}
		ev, ok = convert(m, at, r.c.self(), &r.c.places)
	}
	r.place.saw(m.ID)
	r.dirty = true
	if ok {
		ev.Cursor = r.place.cursor()
	}
	return ev, ok, nil
}
