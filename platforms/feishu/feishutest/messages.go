package feishutest

import (
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// post is a message.
type post struct {
	id, chat     string
	root, parent string
	thread       string
	sender       string // a person's open_id; empty: the app
	app          string // another app's id
	kind         string // msg_type
	content      string
	made, edited time.Time
	edits        int
	recalled     bool
	mentions     []Mention
	reactions    map[string]string // reaction_id → emoji_type
}

// editsMost is how often a message can be edited.
const editsMost = 20

// Sizes of a request's body, in bytes.
const (
	textMost = 150 << 10
	richMost = 30 << 10 // post and interactive
)

// addRoot begins the topic in Group.
func (s *Server) addRoot() {
	s.do(func() {
		s.keep(&post{id: Root, chat: Group, thread: Topic, sender: Person, kind: "text", content: `{"text":"Deployments"}`, made: s.now()})
	})
}

// keep is called under the lock.
func (s *Server) keep(p *post) {
	s.posts[p.id] = p
	s.order = append(s.order, p)
}

// create is POST /open-apis/im/v1/messages.
func (s *Server) create(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := q.text("receive_id")
	var in *chat
	switch q.query["receive_id_type"] {
	case "chat_id":
		in = s.chats[to]
	case "open_id":
		for _, c := range s.chats {
			if c.Direct == to {
				in = c
			}
		}
	default:
		return nil, refuse(400, 99992402, "field validation failed")
	}
	if in == nil {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=invalid receive_id.")
	}
	return s.send(q, &post{chat: in.ID}, to)
}

// reply is POST /open-apis/im/v1/messages/:message_id/reply.
func (s *Server) reply(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to := s.posts[q.args[0]]
	if to == nil {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=invalid message_id.")
	}
	if to.recalled {
		return nil, refuse(400, 230011, "The message is recalled.")
	}
	p := &post{chat: to.chat, parent: to.id, root: to.root, thread: to.thread}
	if p.root == "" {
		p.root = to.id
	}
	if inThread, _ := q.fields["reply_in_thread"].(bool); inThread && p.thread == "" {
		p.thread = s.id("omt_")
		to.thread = p.thread
	}
	return s.send(q, p, to.id)
}

// send is called under the lock.
func (s *Server) send(q *request, p *post, to string) (any, *refusal) {
	p.kind, p.content = q.text("msg_type"), q.text("content")
	if r := s.acceptable(q, p); r != nil {
		return nil, r
	}
	uuid := q.text("uuid")
	if len(uuid) > 50 {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=uuid is too long.")
	}
	if was, ok := s.uuids[to+" "+uuid]; ok && uuid != "" && s.now().Sub(was.at) < time.Hour {
		return s.wire(s.posts[was.id], ""), nil
	}
	p.id, p.made = s.id("om_"), s.now()
	s.keep(p)
	s.uuids[to+" "+uuid] = sentAs{p.id, p.made}
	s.signal()
	return s.wire(p, ""), nil
}

// acceptable checks a content. It is called under the lock.
func (s *Server) acceptable(q *request, p *post) *refusal {
	most := textMost
	if p.kind == "post" || p.kind == "interactive" {
		most = richMost
	}
	if q.size > most {
		return refuse(400, 230025, "The length of the message content reaches its limit.")
	}
	if reason := s.check(p.kind, p.content); reason != "" {
		return refuse(400, 230001, "Your request contains an invalid request parameter, ext="+reason+".")
	}
	return nil
}

// wire is a message as the interface gives it. cards says what of a card.
func (s *Server) wire(p *post, cards string) map[string]any {
	content := p.content
	if p.kind == "interactive" && cards != "user_card_content" {
		b, _ := json.Marshal(map[string]any{"elements": [][]any{{map[string]any{"tag": "text", "text": cardText(p.content)}}}})
		content = string(b)
	}
	m := map[string]any{
		"message_id": p.id, "chat_id": p.chat, "msg_type": p.kind, "deleted": p.recalled, "updated": p.edits > 0,
		"create_time": millis(p.made), "update_time": millis(p.made), "body": map[string]any{"content": content},
		"sender": map[string]any{"id": s.appID, "id_type": "app_id", "sender_type": "app", "tenant_key": tenant},
	}
	if p.sender != "" {
		m["sender"] = map[string]any{"id": p.sender, "id_type": "open_id", "sender_type": "user", "tenant_key": tenant}
	}
	if p.app != "" {
		m["sender"] = map[string]any{"id": p.app, "id_type": "app_id", "sender_type": "app", "tenant_key": tenant}
	}
	if p.edits > 0 {
		m["update_time"] = millis(p.edited)
	}
	var mentions []any
	for i, n := range p.mentions {
		mentions = append(mentions, map[string]any{"key": "@_user_" + strconv.Itoa(i+1), "id": n.OpenID, "id_type": "open_id", "name": n.Name, "tenant_key": tenant})
	}
	if mentions != nil {
		m["mentions"] = mentions
	}
	for key, v := range map[string]string{"root_id": p.root, "parent_id": p.parent, "thread_id": p.thread} {
		if v != "" {
			m[key] = v
		}
	}
	return m
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// get is GET /open-apis/im/v1/messages/:message_id.
func (s *Server) get(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.posts[q.args[0]]
	if p == nil {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=invalid message_id.")
	}
	return map[string]any{"items": []any{s.wire(p, q.query["card_msg_content_type"])}}, nil
}

// list is GET /open-apis/im/v1/messages: a chat's history.
func (s *Server) list(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.query["container_id_type"] != "chat" || s.chats[q.query["container_id"]] == nil {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=invalid container_id.")
	}
	from, _ := strconv.ParseInt(q.query["start_time"], 10, 64)
	items := []any{}
	for _, p := range s.order {
		if p.chat == q.query["container_id"] && p.made.Unix() >= from {
			items = append(items, s.wire(p, q.query["card_msg_content_type"]))
		}
	}
	if q.query["sort_type"] != "ByCreateTimeAsc" {
		slices.Reverse(items)
	}
	return page(items, q)
}

// page is the part of a list that q asks for.
func page(items []any, q *request) (any, *refusal) {
	size, _ := strconv.Atoi(q.query["page_size"])
	if size == 0 {
		size = 20
	}
	from, _ := strconv.Atoi(q.query["page_token"])
	if size < 0 || size > 100 || from < 0 {
		return nil, refuse(400, 99992402, "field validation failed")
	}
	from = min(from, len(items))
	to := min(from+size, len(items))
	out := map[string]any{"items": items[from:to], "has_more": to < len(items), "page_token": ""}
	if to < len(items) {
		out["page_token"] = strconv.Itoa(to)
	}
	return out, nil
}

// own is a message of the bot's that is to be changed. It is called under the
// lock.
func (s *Server) own(id string) (*post, *refusal) {
	p := s.posts[id]
	switch {
	case p == nil:
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=invalid message_id.")
	case p.sender != "":
		return nil, refuse(400, 230071, "The operator is not the sender of the message.")
	}
	return p, nil
}

// update is PUT /open-apis/im/v1/messages/:message_id: it edits a text or post.
func (s *Server) update(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, r := s.own(q.args[0])
	if r != nil {
		return nil, r
	}
	kind := q.text("msg_type")
	if p.kind != "text" && p.kind != "post" || kind != "text" && kind != "post" {
		return nil, refuse(400, 230054, "This operation is not supported for this message type.")
	}
	if p.edits >= editsMost {
		return nil, refuse(400, 230072, "The message has reached the number of times it can be edited.")
	}
	n := &post{kind: kind, content: q.text("content")}
	if r := s.acceptable(q, n); r != nil {
		return nil, r
	}
	p.kind, p.content, p.edited = n.kind, n.content, s.now()
	p.edits++
	s.signal()
	return s.wire(p, ""), nil
}

// patch is PATCH /open-apis/im/v1/messages/:message_id: it replaces a card.
func (s *Server) patch(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, r := s.own(q.args[0])
	if r != nil {
		return nil, r
	}
	if p.kind != "interactive" {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=This message is not a card.")
	}
	n := &post{kind: p.kind, content: q.text("content")}
	if r := s.acceptable(q, n); r != nil {
		return nil, r
	}
	if !shared(p.content) || !shared(n.content) {
		return nil, refuse(400, 230001, "Your request contains an invalid request parameter, ext=the card's config lacks update_multi.")
	}
	p.content, p.edited = n.content, s.now()
	p.edits++
	s.signal()
	return map[string]any{}, nil
}

// Typed is a reaction that the bot put to a message.
type Typed struct {
	Chat, Message, Emoji string
	Gone                 bool
}

// react is POST /open-apis/im/v1/messages/:message_id/reactions.
func (s *Server) react(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.posts[q.args[0]]
	if p == nil {
		return nil, refuse(400, 231003, "The message is not found.")
	}
	kind, _ := q.fields["reaction_type"].(map[string]any)
	emoji, _ := kind["emoji_type"].(string)
	if emoji == "" {
		return nil, refuse(400, 231001, "reaction type is invalid.")
	}
	if p.reactions == nil {
		p.reactions = map[string]string{}
	}
	id := s.id("ZCaCIjUBVVWSrm5L-3ZTw")
	p.reactions[id] = emoji
	s.typed = append(s.typed, Typed{Chat: p.chat, Message: p.id, Emoji: emoji})
	s.signal()
	return map[string]any{"reaction_id": id, "action_time": millis(s.now()), "reaction_type": kind,
		"operator": map[string]any{"operator_id": s.appID, "operator_type": "app"}}, nil
}

// unreact is DELETE /open-apis/im/v1/messages/:message_id/reactions/:reaction_id.
func (s *Server) unreact(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.posts[q.args[0]]
	if p == nil || p.reactions[q.args[1]] == "" {
		return nil, refuse(400, 231007, "The reaction does not exist.")
	}
	delete(p.reactions, q.args[1])
	s.signal()
	return map[string]any{"reaction_id": q.args[1]}, nil
}
