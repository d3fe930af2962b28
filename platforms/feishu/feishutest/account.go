package feishutest

import (
	"slices"
	"strings"
	"time"
)

// tokenTime is how long a tenant token is good: at most two hours.
const tokenTime = 2 * time.Hour

// tenantToken is POST /open-apis/auth/v3/tenant_access_token/internal.
func (s *Server) tenantToken(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.text("app_id") != s.appID {
		return nil, refuse(200, 10003, "invalid param")
	}
	if q.text("app_secret") != s.secret || s.revoked {
		return nil, refuse(200, 10014, "app secret invalid")
	}
	token := s.id("t-g104")
	s.tokens[token] = s.now().Add(tokenTime)
	return raw{"tenant_access_token": token, "expire": int(tokenTime / time.Second)}, nil
}

// botInfo is GET /open-apis/bot/v3/info.
func (s *Server) botInfo(*request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return raw{"msg": "ok", "bot": map[string]any{"activate_status": s.bot.Status, "app_name": s.bot.Name,
		"avatar_url": "https://s1-imfile.feishucdn.com/x.png", "ip_white_list": []string{}, "open_id": s.bot.OpenID}}, nil
}

// getUser is GET /open-apis/contact/v3/users/:user_id.
func (s *Server) getUser(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, ok := s.users[q.args[0]]
	if !ok || q.query["user_id_type"] != "open_id" {
		return nil, refuse(400, 41012, "user id invalid error")
	}
	return map[string]any{"user": map[string]any{"open_id": u.OpenID, "union_id": "on_" + u.OpenID[3:], "name": u.Name}}, nil
}

// getChat is GET /open-apis/im/v1/chats/:chat_id.
func (s *Server) getChat(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.chats[q.args[0]]
	if c == nil {
		return nil, refuse(400, 232006, "Your request specifies a chat_id which is invalid.")
	}
	return map[string]any{"name": c.Name, "chat_mode": mode(c), "chat_type": "private", "external": false}, nil
}

// mode is a chat's chat_mode.
func mode(c *chat) string {
	if c.Direct != "" {
		return "p2p"
	}
	return "group"
}

// listChats is GET /open-apis/im/v1/chats: the groups that the bot is in.
func (s *Server) listChats(q *request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	items := []any{}
	for _, id := range s.sortedChats() {
		if c := s.chats[id]; c.Direct == "" {
			items = append(items, map[string]any{"chat_id": id, "name": c.Name, "external": false})
		}
	}
	return page(items, q)
}

func (s *Server) sortedChats() (ids []string) {
	for id := range s.chats {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, strings.Compare)
	return ids
}

// asked is the permissions that the app asks for.
var asked = []string{"im:message", "im:message:send_as_bot", "im:message:readonly", "im:message.p2p_msg:readonly",
	"im:message.group_at_msg:readonly", "im:resource", "im:chat:readonly", "contact:user.base:readonly", "contact:contact.base:readonly"}

// listScopes is GET /open-apis/application/v6/scopes.
func (s *Server) listScopes(*request) (any, *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []any{}
	for _, name := range asked {
		status := 1
		if s.lacks[name] {
			status = 2
		}
		list = append(list, map[string]any{"scope_name": name, "grant_status": status, "scope_type": "tenant"})
	}
	return map[string]any{"scopes": list}, nil
}
