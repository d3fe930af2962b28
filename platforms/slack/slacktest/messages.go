package slacktest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// message is one in a conversation. Its text is in Slack's form, with &, < and >
// written as entities.
type message struct {
	ts, channel, user, bot, thread, text string
	edited                               string
	blocks                               []any
	files                                []*file
}

// Escape writes text as Slack does in messages.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
func Escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// wire is a message as the API shows it.
func (s *Server) wire(m *message) map[string]any {
	out := map[string]any{"type": "message", "ts": m.ts, "text": m.text, "user": m.user, "team": Team}
	if m.bot != "" {
		out["bot_id"], out["app_id"] = m.bot, AppID
	} else {
		out["client_msg_id"] = "8d2f5b5a-0000-4000-8000-" + strings.ReplaceAll(m.ts, ".", "")[4:]
	}
	if len(m.blocks) > 0 {
		out["blocks"] = m.blocks
	}
	if m.edited != "" {
		out["edited"] = map[string]string{"user": m.user, "ts": m.edited}
	}
	if m.thread != "" {
		out["thread_ts"] = m.thread
		if p := s.find(m.channel, m.thread); p != nil {
			out["parent_user_id"] = p.user
		}
	}
	if n, latest := s.repliesTo(m); n > 0 {
		out["thread_ts"], out["reply_count"], out["latest_reply"] = m.ts, n, latest
	}
	if len(m.files) > 0 {
		var all []any
		for _, f := range m.files {
			all = append(all, s.fileInfo(f))
		}
		out["files"], out["upload"] = all, false
		if m.bot == "" {
			out["subtype"] = "file_share"
		}
	}
	return out
}

func (s *Server) repliesTo(m *message) (n int, latest string) {
	if m.thread != "" {
		return 0, ""
	}
	for _, r := range s.channels[m.channel].messages {
		if r.thread == m.ts {
			n, latest = n+1, r.ts
		}
	}
	return n, latest
}

func (s *Server) find(channel, ts string) *message {
	c := s.channels[channel]
	if c == nil {
		return nil
	}
	i := slices.IndexFunc(c.messages, func(m *message) bool { return m.ts == ts })
	if i < 0 {
		return nil
	}
	return c.messages[i]
}

// publish puts a message where it belongs, and tells the app. The lock is held.
func (s *Server) publish(m *message) {
	s.put(m)
	s.tell(m)
}

func (s *Server) put(m *message) {
	c := s.channels[m.channel]
	c.messages = append(c.messages, m)
	if m.bot == BotID {
		s.sent = append(s.sent, m)
	}
}

func (s *Server) tell(m *message) {
	ev := s.wire(m)
	ev["channel"], ev["channel_type"], ev["event_ts"] = m.channel, s.channels[m.channel].kind(), m.ts
	id := ""
	if m.bot == "" {
		id = m.ts
	}
	s.event(ev, id)
	if strings.Contains(m.text, "<@"+Bot+">") && m.bot == "" && s.channels[m.channel].With == "" {
		mention := maps.Clone(ev)
		mention["type"] = "app_mention"
		delete(mention, "channel_type")
		s.event(mention, "")
	}
}

// event tells the app of something. The lock is held.
func (s *Server) event(ev map[string]any, id string) {
	s.enqueue("events_api", map[string]any{
		"token": "verification", "team_id": Team, "api_app_id": AppID, "type": "event_callback", "event_id": "Ev" + token()[:9],
		"event_time": s.now().Unix(), "event": ev, "is_ext_shared_channel": false,
		"authorizations": []any{map[string]any{"team_id": Team, "user_id": Bot, "is_bot": true}},
	}, false, id)
}

// Said is what somebody writes. User empty means the bot, from elsewhere.
type Said struct {
	Channel, User, Thread string
	Text                  string // as people see it
	Raw                   string // in Slack's form, instead of Text
	Files                 []File
}

// Post has somebody write, and gives the message's ts.
func (s *Server) Post(said Said) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	m := s.make(said)
	s.put(m)
	s.tell(m)
	return m.ts
}

func (s *Server) make(said Said) *message {
	m := &message{ts: s.ts(), channel: said.Channel, user: said.User, thread: said.Thread, text: said.Raw}
	if m.text == "" {
		m.text = Escape(said.Text)
	}
	if m.user == "" {
		m.user, m.bot = Bot, "B0ELSEWHER"
	}
	for _, f := range said.Files {
		m.files = append(m.files, s.keep(f, m.user))
	}
	for _, f := range m.files {
		f.shares = append(f.shares, m)
	}
	return m
}

// Say has somebody write text.
func (s *Server) Say(channel, user, text string) string {
	return s.Post(Said{Channel: channel, User: user, Text: text})
}

// Swap has both written in this order and told in the other.
func (s *Server) Swap(first, second Said) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	a := s.make(first)
	s.put(a)
	b := s.make(second)
	s.put(b)
	s.tell(b)
	s.tell(a)
}

// Edit has a message's author change it.
func (s *Server) Edit(channel, ts, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	if m := s.find(channel, ts); m != nil {
		s.change(m, Escape(text), nil)
	}
}

func (s *Server) change(m *message, text string, blocks []any) {
	before := s.wire(m)
	m.text, m.blocks, m.edited = text, blocks, s.ts()
	s.event(map[string]any{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": m.channel, "channel_type": s.channels[m.channel].kind(),
		"ts": m.edited, "event_ts": m.edited, "message": s.wire(m), "previous_message": before,
	}, "")
}

// Unfurl changes a message as a preview of a link does: it is not edited.
func (s *Server) Unfurl(channel, ts string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.find(channel, ts)
	now := s.ts()
	after := s.wire(m)
	after["attachments"] = []any{map[string]any{"title": "A page", "id": 1}}
	s.event(map[string]any{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": channel, "channel_type": s.channels[channel].kind(),
		"ts": now, "event_ts": now, "message": after, "previous_message": s.wire(m),
	}, "")
}

// Deliver makes the server deliver an event as it is.
func (s *Server) Deliver(ev map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.event(ev, "")
}

// DeliverRaw makes the server deliver an envelope of any kind.
func (s *Server) DeliverRaw(kind string, payload json.RawMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(kind, payload, false, "")
}

// Redeliver delivers the last event once more.
func (s *Server) Redeliver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil {
		return
	}
	again := *s.last
	again.id, again.on, again.tries = token(), nil, max(1, again.tries)
	s.queue = append(s.queue, &again)
	s.flush()
}

// Member tells that the bot was added to a channel, or removed from it.
func (s *Server) Member(channel, by string, joined bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.ts()
	ev := map[string]any{"type": "member_joined_channel", "user": Bot, "channel": channel, "channel_type": "C", "team": Team, "inviter": by, "event_ts": now}
	if !joined {
		ev = map[string]any{"type": "channel_left", "channel": channel, "actor_id": by, "event_ts": now}
	}
	s.event(ev, "")
}

// Command has somebody use a slash command.
func (s *Server) Command(channel, user, command, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue("slash_commands", map[string]any{
		"token": "verification", "team_id": Team, "team_domain": "postern", "channel_id": channel, "channel_name": s.channels[channel].Name,
		"user_id": user, "user_name": s.users[user].Name, "command": command, "text": Escape(text), "api_app_id": AppID,
		"is_enterprise_install": "false", "response_url": s.newResponseURL(channel, user), "trigger_id": "13345224609." + token(),
	}, true, "")
}

// Click has somebody press a button with this label, and reports whether there
// is one.
func (s *Server) Click(channel, ts, label, user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.find(channel, ts)
	if m == nil {
		return false
	}
	for _, row := range buttons(m.blocks) {
		for _, b := range row {
			if b.Label != label {
				continue
			}
			action := map[string]any{"type": "button", "action_id": b.ActionID, "block_id": b.BlockID, "action_ts": s.ts(),
				"text": map[string]any{"type": "plain_text", "text": b.Label, "emoji": true}}
			if b.Value != "" {
				action["value"] = b.Value
			}
			s.enqueue("interactive", map[string]any{
				"type": "block_actions", "api_app_id": AppID, "token": "verification", "trigger_id": "12321423423." + token(),
				"user": map[string]string{"id": user, "username": s.users[user].Name, "name": s.users[user].Name, "team_id": Team},
				"team": map[string]string{"id": Team, "domain": "postern"}, "channel": map[string]string{"id": channel, "name": "directmessage"},
				"container": map[string]any{"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": false},
				"message":   s.wire(m), "response_url": s.newResponseURL(channel, user), "actions": []any{action},
			}, true, "")
			return true
		}
	}
	return false
}

// Clock is the server's time.
func (s *Server) Clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}
