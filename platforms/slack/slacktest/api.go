package slacktest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// This file is the Web API.
// https://docs.slack.dev/apis/web-api/

// requestMost bounds a request that is no file.
const requestMost = 4 << 20

// args is a call's arguments.
type args map[string]any

func (a args) str(name string) string {
	switch v := a[name].(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func (a args) number(name string) int {
	n, _ := strconv.Atoi(a.str(name))
	return n
}

// list is an argument that is JSON, as a value or within a string.
func (a args) list(name string) ([]any, bool) {
	switch v := a[name].(type) {
	case nil:
		return nil, true
	case []any:
		return v, true
	case string:
		var out []any
		if v == "" {
			return nil, true
		}
		return out, json.Unmarshal([]byte(v), &out) == nil
	}
	return nil, false
}

func readArgs(r *http.Request) (args, bool) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	a := args{}
	if kind == "application/json" {
		b, err := io.ReadAll(io.LimitReader(r.Body, requestMost))
		return a, err == nil && (len(b) == 0 || json.Unmarshal(b, &a) == nil)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, requestMost)
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(requestMost)
	} else {
		err = r.ParseForm()
	}
	for k, v := range r.Form {
		a[k] = v[0]
	}
	return a, err == nil
}

// answer is what a method gives; its "ok" is added.
type answer map[string]any

func refuse(word string) answer { return answer{"error": word} }

// needs is the scopes of methods, any of which is enough.
var needs = map[string][]string{
	"chat.postMessage": {"chat:write"}, "chat.update": {"chat:write"}, "chat.postEphemeral": {"chat:write"},
	"users.info": {"users:read"}, "bots.info": {"users:read"},
	"conversations.info":    {"channels:read", "groups:read", "im:read", "mpim:read"},
	"users.conversations":   {"channels:read", "groups:read", "im:read", "mpim:read"},
	"conversations.history": {"channels:history", "groups:history", "im:history", "mpim:history"},
	"conversations.replies": {"channels:history", "groups:history", "im:history", "mpim:history"},
	"conversations.open":    {"im:write"},
	"files.info":            {"files:read"}, "files.getUploadURLExternal": {"files:write"}, "files.completeUploadExternal": {"files:write"},
}

func (s *Server) methods() map[string]func(args) answer {
	return map[string]func(args) answer{
		"auth.test": s.authTest, "users.info": s.usersInfo, "bots.info": s.botsInfo,
		"conversations.info": s.conversationsInfo, "users.conversations": s.usersConversations,
		"conversations.history": s.history, "conversations.replies": s.replies, "conversations.open": s.openDirect,
		"chat.postMessage": s.postMessage, "chat.update": s.update, "chat.postEphemeral": s.postEphemeral,
		"files.info": s.filesInfo, "files.getUploadURLExternal": s.uploadURL, "files.completeUploadExternal": s.completeUpload,
	}
}

func (s *Server) call(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	a, ok := readArgs(r)
	given := strings.TrimSpace(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer"))
	if given == "" {
		given = a.str("token")
	}
	s.mu.Lock()
	s.calls[method]++
	s.signal()
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	fault, failing := s.fault(method)
	s.mu.Unlock()
	if failing && fault.Kind != Lost {
		s.fail(w, r, fault)
		return
	}
	got := refuse("invalid_form_data")
	if ok {
		got = s.carryOut(w, method, given, a)
	}
	if failing {
		drop(w)
		return
	}
	_, bad := got["error"]
	got["ok"] = !bad
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(got)
}

func (s *Server) carryOut(w http.ResponseWriter, method, given string, a args) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	switch {
	case given == "":
		return refuse("not_authed")
	case given != s.bot && given != s.app:
		return refuse("invalid_auth")
	case s.revoked:
		return refuse("token_revoked")
	case (given == s.app) != (method == "apps.connections.open"):
		return refuse("not_allowed_token_type")
	case method == "apps.connections.open":
		ticket := token()
		s.tickets[ticket] = true
		return answer{"url": "ws" + strings.TrimPrefix(s.URL(), "http") + "/link/?ticket=" + ticket + "&app_id=" + AppID}
	}
	w.Header().Set("X-OAuth-Scopes", strings.Join(s.scopes, ","))
	do := s.methods()[method]
	if do == nil {
		return refuse("unknown_method")
	}
	if needed := needs[method]; len(needed) > 0 && !slices.ContainsFunc(needed, func(n string) bool { return slices.Contains(s.scopes, n) }) {
		return answer{"error": "missing_scope", "needed": needed[0], "provided": strings.Join(s.scopes, ",")}
	}
	return do(a)
}

// The following are methods. The lock is held.

func (s *Server) authTest(args) answer {
	return answer{"url": "https://postern.slack.com/", "team": "Postern", "user": "postern", "team_id": Team, "user_id": Bot, "bot_id": BotID}
}

func (s *Server) usersInfo(a args) answer {
	u, ok := s.users[a.str("user")]
	if !ok {
		return refuse("user_not_found")
	}
	return answer{"user": map[string]any{
		"id": u.ID, "team_id": Team, "name": u.Name, "real_name": u.RealName, "is_bot": u.Bot, "deleted": false,
		"profile": map[string]string{"real_name": u.RealName, "display_name": ""},
	}}
}

func (s *Server) botsInfo(a args) answer {
	if a.str("bot") != BotID {
		return refuse("bot_not_found")
	}
	return answer{"bot": map[string]any{"id": BotID, "app_id": AppID, "user_id": Bot, "name": "Postern", "deleted": false}}
}

func (c *channel) info() map[string]any {
	direct := c.With != ""
	m := map[string]any{
		"id": c.ID, "created": 1449252889, "is_archived": false, "is_im": direct, "is_mpim": c.MPIM,
		"is_channel": !direct && !c.Private, "is_group": c.Private && !c.MPIM, "is_private": direct || c.Private || c.MPIM,
		"is_member": true,
	}
	if direct {
		m["user"] = c.With
	} else {
		m["name"] = c.Name
	}
	return m
}

func (c *channel) kind() string {
	switch {
	case c.With != "":
		return "im"
	case c.MPIM:
		return "mpim"
	case c.Private:
		return "group"
	}
	return "channel"
}

func (s *Server) conversationsInfo(a args) answer {
	c := s.channels[a.str("channel")]
	if c == nil {
		return refuse("channel_not_found")
	}
	return answer{"channel": c.info()}
}

func (s *Server) usersConversations(a args) answer {
	types := strings.Split(a.str("types"), ",")
	if a.str("types") == "" {
		types = []string{"public_channel"}
	}
	word := map[string]string{"im": "im", "mpim": "mpim", "group": "private_channel", "channel": "public_channel"}
	all := []any{}
	for _, id := range s.order {
		if c := s.channels[id]; slices.Contains(types, word[c.kind()]) {
			all = append(all, c.info())
		}
	}
	page, next := pageOf(all, a, 100)
	return answer{"channels": page, "response_metadata": map[string]string{"next_cursor": next}}
}

// pageOf is a part of all, and the cursor of the next.
func pageOf[T any](all []T, a args, usual int) ([]T, string) {
	limit := a.number("limit")
	if limit <= 0 || limit > 999 {
		limit = usual
	}
	at, _ := strconv.Atoi(strings.TrimPrefix(a.str("cursor"), "next:"))
	at = max(0, min(at, len(all)))
	if end := at + limit; end < len(all) {
		return all[at:end], "next:" + strconv.Itoa(end)
	}
	return all[at:], ""
}

func (s *Server) openDirect(a args) answer {
	for _, id := range s.order {
		if c := s.channels[id]; c.With != "" && c.With == a.str("users") {
			return answer{"channel": c.info()}
		}
	}
	return refuse("user_not_found")
}

// responseURL is an address for answering a command or a click.
// https://docs.slack.dev/interactivity/handling-user-interaction
type responseURL struct {
	channel, user string
	until         time.Time
	left          int
}

func (s *Server) newResponseURL(channel, user string) string {
	id := token()
	s.urls[id] = &responseURL{channel, user, s.now().Add(30 * time.Minute), 5}
	return s.URL() + "/response/" + id
}

func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	a, ok := readArgs(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.signal()
	u := s.urls[r.PathValue("id")]
	switch {
	case !ok:
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	case u == nil:
		http.Error(w, "no_such_url", http.StatusNotFound)
		return
	case s.now().After(u.until):
		http.Error(w, "expired_url", http.StatusNotFound)
		return
	case u.left == 0:
		http.Error(w, "used_url", http.StatusNotFound)
		return
	}
	u.left--
	m := &message{channel: u.channel, text: a.str("text"), user: Bot, bot: BotID}
	blocks, ok := a.list("blocks")
	if m.blocks = blocks; !ok || s.invalid(blocks) != "" {
		http.Error(w, "invalid_blocks", http.StatusBadRequest)
		return
	}
	if a.str("response_type") == "in_channel" {
		m.ts = s.ts()
		s.publish(m)
	} else {
		s.ephemera = append(s.ephemera, s.visible(m))
	}
	_, _ = io.WriteString(w, "ok")
}
