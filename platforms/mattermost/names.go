package mattermost

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"github.com/postern/postern/platforms"
)

// remembered bounds each kind of thing that is kept about a server.
const remembered = 1000

// names is who and what the server knows. Its zero value is ready.
type names struct {
	mu       sync.Mutex
	users    map[string]user
	channels map[string]channel
	roots    map[string]string // post → who wrote it
}

func keep[V any](m *map[string]V, k string, v V) {
	if *m == nil || len(*m) >= remembered {
		*m = map[string]V{}
	}
	(*m)[k] = v
}

// user looks up who it is. Without an answer in time it is the id alone.
func (c *connector) user(ctx context.Context, id string) user {
	c.names.mu.Lock()
	u, ok := c.names.users[id]
	c.names.mu.Unlock()
	if ok || !isID(id) {
		u.ID = id
		return u
	}
	if err := c.api.call(ctx, nameTime, http.MethodGet, "users/"+id, nil, &u); err != nil || u.ID != id {
		return user{ID: id}
	}
	c.names.mu.Lock()
	defer c.names.mu.Unlock()
	keep(&c.names.users, id, u)
	return u
}

func (c *connector) channel(ctx context.Context, id string) channel {
	c.names.mu.Lock()
	ch, ok := c.names.channels[id]
	c.names.mu.Unlock()
	if ok || !isID(id) {
		ch.ID = id
		return ch
	}
	if err := c.api.call(ctx, nameTime, http.MethodGet, "channels/"+id, nil, &ch); err != nil || ch.ID != id {
		return channel{ID: id}
	}
	c.know(ch)
	return ch
}

func (c *connector) know(ch channel) {
	c.names.mu.Lock()
	defer c.names.mu.Unlock()
	keep(&c.names.channels, ch.ID, ch)
}

// author is who wrote a post, or empty.
func (c *connector) author(ctx context.Context, id string) string {
	c.names.mu.Lock()
	by, ok := c.names.roots[id]
	c.names.mu.Unlock()
	if ok || !isID(id) {
		return by
	}
	var p post
	if err := c.api.call(ctx, nameTime, http.MethodGet, "posts/"+id, nil, &p); err != nil {
		return ""
	}
	c.names.mu.Lock()
	defer c.names.mu.Unlock()
	keep(&c.names.roots, id, p.UserID)
	return p.UserID
}

// isID reports whether s is an id of Mattermost's: it goes into a path.
func isID(s string) bool {
	return len(s) > 0 && len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-')
	})
}

func (u user) name() string {
	full := strings.TrimSpace(u.First + " " + u.Last)
	switch {
	case u.Nickname != "":
		return u.Nickname
	case full != "":
		return full
	}
	return u.Username
}

func (u user) who() platforms.User {
	w := platforms.User{ID: platforms.UserID(u.ID), Name: u.name(), Bot: u.Bot}
	if u.Username != "" {
		w.Handle = "@" + u.Username
	}
	return w
}
