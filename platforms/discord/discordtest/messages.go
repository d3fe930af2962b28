package discordtest

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// post is a message.
type post struct {
	id, channel, author string
	content             string
	time, edited        time.Time
	kind, flags         int
	mentions, roles     []string
	pinged              []string // of mentions, whom it called
	everyone            bool     // it called everybody
	files               []string
	components          []any
	nonce               any
	replyTo             string
	ticket              *ticket // whose answer it is
}

// File is a file as the server knows it.
type File struct {
	Name, MediaType string
	Data            []byte
}

// filesPath is where files are fetched.
const filesPath = "/attachments/"

const (
	contentMost = 2000
	rowsMost    = 5
	nonceMost   = 25
	nonceTime   = 5 * time.Minute
)

func (s *Server) attachment(id string) map[string]any {
	f := s.files[id]
	u := "http://" + s.listener.Addr().String() + filesPath + id + "/file?ex=1&is=1&hm=1"
	return map[string]any{"id": id, "filename": f.Name, "size": len(f.Data), "url": u, "proxy_url": u, "content_type": f.MediaType}
}

// fill reads a message's form into p.
func (s *Server) fill(p *post, q *request, own bool) *refusal {
	if v, ok := q.body["content"]; ok {
		text, isText := v.(string)
		if v != nil && !isText {
			return invalid("content", "BASE_TYPE_STRING", "Must be a string.")
		}
		if utf8.RuneCountInString(text) > contentMost {
			return invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.")
		}
		p.content = strings.TrimSpace(text)
	}
	if v, ok := q.body["components"]; ok {
		list, _ := v.([]any)
		if bad := components(list); bad != nil {
			return bad
		}
		p.components = list
	}
	if n, ok := q.body["flags"].(float64); ok {
		p.flags |= int(n) & (1<<2 | 1<<6 | 1<<12)
	}
	names := map[int]string{}
	if list, ok := q.body["attachments"].([]any); ok {
		for _, v := range list {
			m, _ := v.(map[string]any)
			name, _ := m["filename"].(string)
			if n, err := strconv.Atoi(fmt.Sprint(m["id"])); err == nil {
				names[n] = name
			}
		}
	}
	for n := range 10 {
		f, ok := q.files[n]
		if !ok {
			continue
		}
		if names[n] != "" {
			f.Name = names[n]
		}
		// The platform keeps letters, digits and little else of a name.
		f.Name = strings.Map(func(r rune) rune {
			if strings.ContainsRune(`/\":;`, r) {
				return '_'
			}
			return r
		}, f.Name)
		id := s.id()
		s.files[id] = f
		p.files = append(p.files, id)
	}
	if p.content == "" && len(p.files) == 0 && len(p.components) == 0 && own {
		return refuse(400, 50006, "Cannot send an empty message")
	}
	return s.mention(p, q.body["allowed_mentions"])
}

var mentioned = regexp.MustCompile(`<@!?(\d+)>`)
var mentionedRole = regexp.MustCompile(`<@&(\d+)>`)

// mention finds out whom a message mentions, and whom of them it may call.
func (s *Server) mention(p *post, allowed any) *refusal {
	p.mentions, p.roles, p.pinged, p.everyone = nil, nil, nil, false
	for _, m := range mentioned.FindAllStringSubmatch(p.content, -1) {
		if _, ok := s.users[m[1]]; ok && !slices.Contains(p.mentions, m[1]) {
			p.mentions = append(p.mentions, m[1])
		}
	}
	for _, m := range mentionedRole.FindAllStringSubmatch(p.content, -1) {
		if m[1] == BotRole {
			p.roles = append(p.roles, m[1])
		}
	}
	everyone := strings.Contains(p.content, "@everyone") || strings.Contains(p.content, "@here")
	form, given := allowed.(map[string]any)
	if !given {
		p.pinged, p.everyone = slices.Clone(p.mentions), everyone
		return nil
	}
	parse, _ := form["parse"].([]any)
	users, _ := form["users"].([]any)
	if slices.Contains(parse, any("users")) && len(users) > 0 {
		return invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", "parse and users are mutually exclusive.")
	}
	for _, id := range p.mentions {
		if slices.Contains(parse, any("users")) || slices.Contains(users, any(id)) {
			p.pinged = append(p.pinged, id)
		}
	}
	p.everyone = everyone && slices.Contains(parse, any("everyone"))
	return nil
}

// components checks rows of buttons.
// https://discord.com/developers/docs/components/reference
func components(rows []any) *refusal {
	if len(rows) > rowsMost {
		return invalid("components", "BASE_TYPE_MAX_LENGTH", "Must be 5 or fewer in length.")
	}
	ids := map[string]bool{}
	number := 0.0 // components that have none get one
	for _, r := range rows {
		row, _ := r.(map[string]any)
		list, _ := row["components"].([]any)
		if row["type"] != 1.0 || len(list) == 0 || len(list) > 5 {
			return invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
		}
		number++
		row["id"] = number
		for _, c := range list {
			b, _ := c.(map[string]any)
			if number++; b != nil {
				b["id"] = number
			}
			label, _ := b["label"].(string)
			id, _ := b["custom_id"].(string)
			link, _ := b["url"].(string)
			style, _ := b["style"].(float64)
			switch {
			case b["type"] != 2.0:
				return invalid("components", "UNION_TYPE_CHOICES", "Value of field \"type\" must be one of (2,).")
			case label == "" || utf8.RuneCountInString(label) > 80:
				return invalid("label", "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.")
			case style == 5 && (link == "" || id != "" || utf8.RuneCountInString(link) > 512 || !strings.HasPrefix(link, "http")):
				return invalid("url", "BASE_TYPE_REQUIRED", "A link button needs a url and no custom_id.")
			case style != 5 && (id == "" || link != "" || utf8.RuneCountInString(id) > 100 || style < 1 || style > 4):
				return invalid("custom_id", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
			case id != "" && ids[id]:
				return invalid("custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated.")
			}
			ids[id] = id != ""
		}
	}
	return nil
}

func (s *Server) createMessage(q *request) (any, *refusal) {
	c, bad := s.place(q.args[0])
	if bad != nil {
		return nil, bad
	}
	nonce := fmt.Sprint(q.body["nonce"])
	if q.has("nonce") && len(nonce) > nonceMost {
		return nil, invalid("nonce", "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
	}
	key := c.ID + " " + nonce
	if before, ok := s.nonces[key]; ok && q.body["enforce_nonce"] == true && s.now().Sub(before.at) < nonceTime {
		return s.message(s.posts[before.id]), nil
	}
	p := &post{id: s.id(), channel: c.ID, author: Bot, time: s.now(), nonce: q.body["nonce"]}
	if bad := s.fill(p, q, true); bad != nil {
		return nil, bad
	}
	if ref, ok := q.body["message_reference"].(map[string]any); ok {
		to, _ := ref["message_id"].(string)
		if there := s.posts[to]; there != nil && there.channel == c.ID {
			p.replyTo, p.kind = to, 19
		} else if ref["fail_if_not_exists"] != false {
			return nil, invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
		}
	}
	if q.has("nonce") {
		s.nonces[key] = once{p.id, s.now()}
	}
	s.add(p)
	return s.message(p), nil
}

// intentOf is the intent for what happens in a channel.
func (s *Server) intentOf(channel string) int {
	if c := s.channels[channel]; c != nil && c.Type == direct {
		return 1 << 12
	}
	return 1 << 9
}

// add keeps a message and tells the sessions of it.
func (s *Server) add(p *post) {
	s.posts[p.id] = p
	s.order = append(s.order, p)
	s.channels[p.channel].last = p.id
	s.tell("MESSAGE_CREATE", p)
}

func (s *Server) tell(kind string, p *post) {
	s.dispatch(s.intentOf(p.channel), kind, func(v *session) any {
		m := s.message(p)
		m["channel_type"] = s.channels[p.channel].Type
		if g := s.channels[p.channel].Guild; g != "" {
			m["guild_id"] = g
			m["member"] = s.member(p.author)
			m["mentions"] = s.withMembers(p.mentions)
			if v.intents&(1<<15) == 0 && p.author != Bot && !slices.Contains(p.mentions, Bot) {
				// Without the intent these are empty.
				m["content"], m["embeds"], m["attachments"], m["components"] = "", []any{}, []any{}, []any{}
			}
		}
		return m
	})
}

func (s *Server) withMembers(ids []string) []any {
	out := []any{}
	for _, id := range ids {
		u := s.user(id)
		u["member"] = s.member(id)
		out = append(out, u)
	}
	return out
}

func (s *Server) find(channel, id string) (*post, *refusal) {
	if _, bad := s.place(channel); bad != nil {
		return nil, bad
	}
	if p := s.posts[id]; p != nil && p.channel == channel {
		return p, nil
	}
	return nil, refuse(404, 10008, "Unknown Message")
}

func (s *Server) getMessage(q *request) (any, *refusal) {
	p, bad := s.find(q.args[0], q.args[1])
	if bad != nil {
		return nil, bad
	}
	return s.message(p), nil
}

func (s *Server) editMessage(q *request) (any, *refusal) {
	p, bad := s.find(q.args[0], q.args[1])
	if bad != nil {
		return nil, bad
	}
	if p.author != Bot {
		return nil, refuse(403, 50005, "Cannot edit a message authored by another user")
	}
	return s.change(p, q)
}

func (s *Server) change(p *post, q *request) (any, *refusal) {
	changed := *p
	if bad := s.fill(&changed, q, true); bad != nil {
		return nil, bad
	}
	*p = changed
	p.edited = s.now()
	s.tell("MESSAGE_UPDATE", p)
	return s.message(p), nil
}

func (s *Server) listMessages(q *request) (any, *refusal) {
	c, bad := s.place(q.args[0])
	if bad != nil {
		return nil, bad
	}
	limit := 50
	if v := q.query["limit"]; v != "" {
		limit, _ = strconv.Atoi(v)
		if limit < 1 || limit > 100 {
			return nil, invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
		}
	}
	after, _ := strconv.ParseUint(q.query["after"], 10, 64)
	var found []*post
	for _, p := range s.order {
		if p.channel == c.ID && number(p.id) > after && p.flags&(1<<6) == 0 {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *post) int { return cmp.Compare(number(a.id), number(b.id)) })
	if q.query["after"] != "" { // those that follow
		found = found[:min(limit, len(found))]
	} else {
		found = found[max(0, len(found)-limit):]
	}
	out := []any{}
	for _, p := range slices.Backward(found) { // the newest first
		out = append(out, s.message(p))
	}
	return out, nil
}

func number(id string) uint64 {
	n, _ := strconv.ParseUint(id, 10, 64)
	return n
}
