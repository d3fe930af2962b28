package mattermost

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/postern/postern/platforms"
)

const (
	// sinceMost is how many posts the server gives of those since a time; of
	// more it leaves out the oldest.
	sinceMost = 1000
	pageSize  = 200
	pagesMost = 100 // of one channel: 20,000 posts
)

// channels is the bot's own, in all teams, direct ones too.
func (c *connector) channels(ctx context.Context) ([]channel, error) {
	var all []channel
	if err := c.api.call(ctx, callTime, http.MethodGet, "users/me/channels", nil, &all); err != nil {
		return nil, err
	}
	for _, ch := range all {
		if ch.ID == "" {
			return nil, misunderstood(http.StatusOK)
		}
	}
	return all, nil
}

// missed is a post or a reaction that is newer than a place.
type missed struct {
	at       int64
	post     post
	edited   bool
	reaction *reaction
}

func (m missed) id() platforms.EventID {
	if m.reaction != nil {
		return reactionID(*m.reaction)
	}
	return idOf(m.post, m.edited)
}

// catchUp stores what happened since the place, oldest first.
func (r *run) catchUp(ctx context.Context) error {
	all, err := r.c.missed(ctx, r.place, r.me)
	if err != nil {
		return err
	}
	for len(all) > 0 {
		n := min(len(all), 64)
		next := r.place
		var evs []platforms.Event
		for _, m := range all[:n] {
			var ev platforms.Event
			ok := false
			if m.reaction != nil {
				ev, ok = r.pressed(ctx, *m.reaction)
			} else {
				ev, ok = r.post(ctx, m.post, m.edited, nil)
			}
			if !ok || next.has(ev.ID) {
				continue
			}
			next = next.with(ev.ID, m.at)
			ev.Cursor = next.cursor()
			evs = append(evs, ev)
		}
		if len(evs) > 0 {
			if err := platforms.Deliver(ctx, r.sink, evs); err != nil {
				return err
			}
		}
		r.place, all = next, all[n:]
	}
	return nil
}

// missed is what happened since p and was not stored, oldest first.
func (c *connector) missed(ctx context.Context, p place, me user) ([]missed, error) {
	list, err := c.channels(ctx)
	if err != nil {
		return nil, err
	}
	since := p.since()
	var all []missed
	for _, ch := range list {
		c.know(ch)
		if ch.LastPostAt <= since && !c.posts.in(ch.ID) {
			continue
		}
		posts, err := c.since(ctx, ch.ID, since)
		if err != nil {
			return nil, fmt.Errorf("read what was missed: %w", err)
		}
		for _, po := range posts {
			fresh := po.CreateAt > since && !p.has(idOf(po, false))
			for _, m := range changes(po, since, me) {
				if !m.edited || !fresh { // a post that is new comes as it is now
					all = append(all, m)
				}
			}
		}
	}
	all = slices.DeleteFunc(all, func(m missed) bool { return m.at <= p.Floor || p.has(m.id()) })
	slices.SortStableFunc(all, func(a, b missed) int { return int(a.at - b.at) })
	return all, nil
}

// changes is what happened to a post since a time.
func changes(p post, since int64, me user) (all []missed) {
	if p.DeleteAt == 0 && p.CreateAt > since {
		all = append(all, missed{at: p.CreateAt, post: p})
	}
	if p.DeleteAt == 0 && p.EditAt > since {
		all = append(all, missed{at: p.EditAt, post: p, edited: true})
	}
	if p.UserID == me.ID {
		for _, re := range p.Metadata.Reactions {
			if re.CreateAt > since && re.UserID != me.ID {
				all = append(all, missed{at: re.CreateAt, reaction: &re})
			}
		}
	}
	return all
}

// since is the posts of a channel that are new or changed since a time.
func (c *connector) since(ctx context.Context, id string, since int64) ([]post, error) {
	var got postList
	if err := c.api.call(ctx, sendTime, http.MethodGet, fmt.Sprintf("channels/%s/posts?since=%d", id, since), nil, &got); err != nil {
		return nil, err
	}
	all := map[string]post{}
	for id, p := range got.Posts {
		all[id] = p
	}
	// Of a longer absence the server leaves the oldest out: page by page, then.
	for page := 0; len(got.Posts) >= sinceMost && page < pagesMost; page++ {
		var more postList
		if err := c.api.call(ctx, sendTime, http.MethodGet, fmt.Sprintf("channels/%s/posts?page=%d&per_page=%d", id, page, pageSize), nil, &more); err != nil {
			return nil, err
		}
		older := len(more.Order) < pageSize
		for _, id := range more.Order {
			p := more.Posts[id]
			older = older || p.CreateAt <= since
			all[id] = p
		}
		if older {
			break
		}
	}
	out := make([]post, 0, len(all))
	for _, p := range all {
		out = append(out, p)
	}
	return out, nil
}

// Probe is platforms.Prober's.
func (c *connector) Probe(ctx context.Context, at platforms.Cursor) (platforms.Backlog, error) {
	if at == "" {
		return platforms.Backlog{}, nil
	}
	p, err := parsePlace(at)
	if err != nil {
		return platforms.Backlog{}, err
	}
	me, err := c.me(ctx)
	if err != nil {
		return platforms.Backlog{}, err
	}
	all, err := c.missed(ctx, p, me)
	if err != nil {
		return platforms.Backlog{}, err
	}
	var b platforms.Backlog
	for _, m := range all {
		if m.reaction == nil && !m.edited && m.post.UserID != me.ID && m.post.Type == "" {
			b.Waiting++
		}
	}
	return b, nil
}
