package discordtest

import (
	"net/http"
	"strings"
	"time"
)

// ticket is an interaction and what became of it.
type ticket struct {
	id, token, channel, message string
	at                          time.Time
	answered                    int // callback type; 0: not yet
	original                    *post
}

const (
	ticketTime   = 15 * time.Minute
	callbackTime = 3 * time.Second
	loading      = 1 << 7
)

// ticket is called under the lock.
func (s *Server) newTicket(channel, message string) *ticket {
	t := &ticket{id: s.id(), token: "aW50ZXJhY3Rpb246" + s.hex(), channel: channel, message: message, at: s.now()}
	s.tickets[t.token] = t
	return t
}

// interaction is called under the lock.
func (s *Server) interaction(t *ticket, kind int, data map[string]any, person string) {
	c := s.channels[t.channel]
	v := map[string]any{
		"id": t.id, "application_id": App, "type": kind, "token": t.token, "version": 1, "channel_id": t.channel, "channel": s.channel(c), "data": data,
		"locale": "en-US", "entitlements": []any{}, "authorizing_integration_owners": map[string]string{"0": c.Guild}, "context": 0, "app_permissions": "117760",
		"attachment_size_limit": fileMost,
	}
	if c.Guild != "" {
		m := s.member(person)
		m["user"], m["permissions"] = s.user(person), "117760"
		v["guild_id"], v["guild_locale"], v["member"] = c.Guild, "en-US", m
	} else {
		v["user"], v["context"] = s.user(person), 1
	}
	if t.message != "" {
		v["message"] = s.message(s.posts[t.message])
	}
	s.dispatch(0, "INTERACTION_CREATE", func(*session) any { return v })
}

// callback is the first answer to an interaction, within three seconds.
func (s *Server) callback(q *request) (any, *refusal) {
	t := s.tickets[q.args[1]]
	if t == nil || t.id != q.args[0] || s.now().Sub(t.at) > callbackTime {
		return nil, refuse(404, 10062, "Unknown interaction")
	}
	if t.answered != 0 {
		return nil, refuse(400, 40060, "Interaction has already been acknowledged.")
	}
	kind, _ := q.body["type"].(float64)
	data, _ := q.body["data"].(map[string]any)
	inner := &request{body: data, files: q.files}
	switch {
	case kind == 6 && t.message != "", kind == 5:
	case kind == 4:
		p := &post{id: s.id(), channel: t.channel, author: Bot, time: s.now(), ticket: t, kind: 20}
		if bad := s.fill(p, inner, true); bad != nil {
			return nil, bad
		}
		t.original = p
		s.answer(p)
	case kind == 7 && t.message != "":
		if _, bad := s.change(s.posts[t.message], inner); bad != nil {
			return nil, bad
		}
	default:
		return nil, invalid("type", "BASE_TYPE_CHOICES", "Value must be one of (4, 5, 6, 7).")
	}
	t.answered = int(kind)
	if kind == 5 {
		t.original = &post{id: s.id(), channel: t.channel, author: Bot, time: s.now(), ticket: t, kind: 20, flags: loading}
		if n, ok := data["flags"].(float64); ok {
			t.original.flags |= int(n) & (1 << 6)
		}
	}
	return nothing{}, nil
}

// answer shows an answer to an interaction: to all, or to the clicker alone.
func (s *Server) answer(p *post) {
	if p.flags&(1<<6) != 0 {
		s.said = append(s.said, render(p.content, s.shown))
		s.posts[p.id] = p
		return
	}
	s.add(p)
}

// webhook is the interaction behind a webhook's token.
func (s *Server) webhook(q *request) (*ticket, *refusal) {
	t := s.tickets[q.args[1]]
	switch {
	case q.args[0] != App || t == nil:
		return nil, refuse(404, 10015, "Unknown Webhook")
	case s.now().Sub(t.at) > ticketTime:
		return nil, refuse(401, 50027, "Invalid Webhook Token")
	case t.answered == 0:
		return nil, refuse(404, 10015, "Unknown Webhook")
	}
	return t, nil
}

func (s *Server) followUp(q *request) (any, *refusal) {
	t, bad := s.webhook(q)
	if bad != nil {
		return nil, bad
	}
	if t.original != nil && t.original.flags&loading != 0 {
		return s.settle(t, q) // the documented older behaviour
	}
	p := &post{id: s.id(), channel: t.channel, author: Bot, time: s.now(), ticket: t}
	if bad := s.fill(p, q, true); bad != nil {
		return nil, bad
	}
	s.answer(p)
	return s.message(p), nil
}

// settle puts a message in the place of a deferred one.
func (s *Server) settle(t *ticket, q *request) (any, *refusal) {
	p := *t.original
	p.flags &^= loading
	if bad := s.fill(&p, q, true); bad != nil {
		return nil, bad
	}
	t.original = &p
	s.answer(&p)
	return s.message(&p), nil
}

func (s *Server) original(q *request) (any, *refusal) {
	t, bad := s.webhook(q)
	if bad != nil {
		return nil, bad
	}
	if t.original == nil {
		return nil, refuse(404, 10008, "Unknown Message")
	}
	return s.message(t.original), nil
}

func (s *Server) editOriginal(q *request) (any, *refusal) {
	t, bad := s.webhook(q)
	switch {
	case bad != nil:
		return nil, bad
	case t.original == nil:
		return nil, refuse(404, 10008, "Unknown Message")
	case t.original.flags&loading != 0:
		return s.settle(t, q)
	}
	return s.change(t.original, q)
}

// serveFile answers who fetches a file.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, filesPath), "/")
	s.mu.Lock()
	f, ok := s.files[id]
	s.mu.Unlock()
	if !ok || r.URL.Query().Get("hm") == "" {
		http.Error(w, "This content is no longer available.", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", f.MediaType)
	_, _ = w.Write(f.Data)
}
