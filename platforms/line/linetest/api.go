package linetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// answer is an HTTP answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

type detail struct {
	Message  string `json:"message"`
	Property string `json:"property"`
}

func errorBody(message string, details ...detail) []byte {
	b, _ := json.Marshal(struct {
		Message string   `json:"message"`
		Details []detail `json:"details,omitempty"`
	}{message, details})
	return b
}

func refuse(status int, message string, details ...detail) answer {
	return answer{status: status, header: http.Header{}, body: errorBody(message, details...)}
}

func ok(v any) answer {
	b, _ := json.Marshal(v)
	return answer{status: http.StatusOK, header: http.Header{}, body: b}
}

type object = map[string]any

// answer carries out a call.
func (s *Server) answer(r *http.Request, body []byte) answer {
	s.mu.Lock()
	revoked := s.revoked
	s.mu.Unlock()
	if revoked || r.Header.Get("Authorization") != "Bearer "+s.token {
		return refuse(http.StatusUnauthorized, "Authentication failed. Confirm that the access token in the authorization header is valid.")
	}
	if r.Method == http.MethodPost && r.URL.Path == "/v2/bot/channel/webhook/test" {
		return s.test(body) // which waits for the bot, so it holds no lock
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		return s.get(r.URL.Path)
	}
	var in object
	if json.Unmarshal(body, &in) != nil {
		return refuse(http.StatusBadRequest, "The request body could not be parsed as JSON (line:1, column:1)")
	}
	switch r.Method + " " + r.URL.Path {
	case "POST /v2/bot/message/push":
		return s.push(in, body, r.Header.Get("X-Line-Retry-Key"))
	case "POST /v2/bot/message/reply":
		if r.Header.Get("X-Line-Retry-Key") != "" {
			return refuse(http.StatusBadRequest, "The retry key is not supported for this API")
		}
		return s.reply(in, body)
	case "POST /v2/bot/chat/loading/start":
		chat, _ := in["chatId"].(string)
		seconds, set := in["loadingSeconds"].(float64)
		if !set {
			seconds = 20
		}
		if _, known := s.people[chat]; !known || int(seconds)%5 != 0 || seconds < 5 || seconds > 60 {
			return refuse(http.StatusBadRequest, "The request body has 1 error(s)", detail{"invalid", "chatId"})
		}
		s.typed = append(s.typed, Typed{chat, int(seconds)})
		out := ok(object{})
		out.status = http.StatusAccepted
		return out
	case "PUT /v2/bot/channel/webhook/endpoint":
		address, _ := in["endpoint"].(string)
		if !strings.HasPrefix(address, "https://") || len(address) > 500 {
			return refuse(http.StatusBadRequest, "Invalid webhook endpoint URL")
		}
		s.endpoint = address
		return ok(object{})
	}
	return refuse(http.StatusNotFound, "Not found")
}

var member = regexp.MustCompile(`^/v2/bot/(group|room)/([CR][0-9a-f]{32})/member/(U[0-9a-f]{32})$`)

func (s *Server) get(path string) answer {
	notFound := refuse(http.StatusNotFound, "Not found")
	switch path {
	case "/v2/bot/info":
		return ok(object{"userId": Bot, "basicId": "@216abcde", "displayName": BotName, "chatMode": "bot", "markAsReadMode": "auto"})
	case "/v2/bot/message/quota":
		if s.limit == 0 {
			return ok(object{"type": "none"})
		}
		return ok(object{"type": "limited", "value": s.limit})
	case "/v2/bot/message/quota/consumption":
		return ok(object{"totalUsage": s.used})
	case "/v2/bot/channel/webhook/endpoint":
		if s.endpoint == "" {
			return refuse(http.StatusNotFound, "Webhook endpoint not found")
		}
		return ok(object{"endpoint": s.endpoint, "active": s.active})
	}
	if m := member.FindStringSubmatch(path); m != nil {
		if !s.groups[m[2]][m[3]] {
			return notFound
		}
		return ok(object{"userId": m[3], "displayName": s.people[m[3]]})
	}
	if id, found := strings.CutPrefix(path, "/v2/bot/profile/"); found {
		if s.people[id] == "" {
			return notFound
		}
		return ok(object{"userId": id, "displayName": s.people[id], "language": "en"})
	}
	if id, found := strings.CutPrefix(path, "/v2/bot/group/"); found {
		id, summary := strings.CutSuffix(id, "/summary")
		if !summary || s.titles[id] == "" {
			return notFound
		}
		return ok(object{"groupId": id, "groupName": s.titles[id]})
	}
	if id, found := strings.CutPrefix(path, "/v2/bot/message/"); found {
		return s.content(id)
	}
	return notFound
}

// content is a file, or how far its preparation is.
func (s *Server) content(path string) answer {
	id, what, _ := strings.Cut(path, "/")
	f := s.files[id]
	if f == nil {
		return refuse(http.StatusNotFound, "Not found")
	}
	switch what {
	case "content":
		if f.preparing > 0 || f.failed {
			return answer{status: http.StatusAccepted, header: http.Header{}, body: []byte("{}")}
		}
		out := answer{status: http.StatusOK, header: http.Header{}, body: f.Data}
		out.header.Set("Content-Type", f.MediaType)
		return out
	case "content/transcoding":
		if f.failed {
			return ok(object{"status": "failed"})
		}
		if f.preparing > 0 {
			f.preparing--
			return ok(object{"status": "processing"})
		}
		return ok(object{"status": "succeeded"})
	}
	return refuse(http.StatusNotFound, "Not found")
}

func (s *Server) test(body []byte) answer {
	var in struct {
		Endpoint string `json:"endpoint"`
	}
	_ = json.Unmarshal(body, &in)
	s.mu.Lock()
	if s.endpoint == "" || in.Endpoint != "" && in.Endpoint != s.endpoint {
		s.mu.Unlock()
		return refuse(http.StatusNotFound, "Webhook endpoint not found")
	}
	s.mu.Unlock()
	status, reason := s.post([]byte(`{"destination":"` + Bot + `","events":[]}`))
	return ok(object{"success": reason == "OK", "timestamp": time.Now().UTC().Format(time.RFC3339), "statusCode": status,
		"reason": reason, "detail": fmt.Sprintf("%d", status)})
}
