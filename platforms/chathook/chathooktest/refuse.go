package chathooktest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// statusOf is the status that goes with Slack's words.
// https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
func statusOf(word string) int {
	switch word {
	case "channel_is_archived":
		return http.StatusGone
	case "action_prohibited", "invalid_token":
		return http.StatusForbidden
	case "web.incoming_webhook.disabled.app_error":
		return http.StatusNotImplemented
	case "web.incoming_webhook.invalid.app_error", "WorkflowTriggerIsNotEnabled":
		return http.StatusBadRequest
	}
	return http.StatusNotFound
}

// refuse answers in the service's own words.
func (s *Server) refuse(w http.ResponseWriter, status int, word string) {
	or := func(words map[int]string, otherwise string) string {
		if word != "" {
			return word
		}
		if w, ok := words[status]; ok {
			return w
		}
		return otherwise
	}
	switch s.form {
	case Chatalot:
		if status == 404 && word == "" {
			w.WriteHeader(404)
			return
		}
		write(w, status, map[string]any{"error": map[string]any{"code": or(map[int]string{401: "unauthorized", 403: "forbidden", 422: "validation_error"}, "error"), "message": "This was refused."}})
	case Slack:
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, or(map[int]string{400: "invalid_payload", 401: "invalid_token", 403: "action_prohibited", 404: "no_service"}, "rollup_error"))
	case Discord:
		codes := map[int]int{401: 50027, 403: 50013, 404: 10015, 400: 50035}
		write(w, status, map[string]any{"message": or(map[int]string{401: "Invalid Webhook Token", 403: "Missing Permissions", 404: "Unknown Webhook", 400: "Invalid Form Body"}, "Error"), "code": codes[status]})
	case Mattermost:
		if status == 404 && word == "" {
			// An unknown hook is a bad request there: server/channels/app/webhook.go.
			status = 400
			word = "web.incoming_webhook.invalid.app_error"
		}
		write(w, status, map[string]any{"id": or(map[int]string{401: "api.context.session_expired.app_error", 403: "web.incoming_webhook.permissions.app_error"}, "web.incoming_webhook.parse.app_error"),
			"message": "Invalid webhook.", "detailed_error": "", "request_id": "hoan6o9ws7rp5xj7wu9rmysrte", "status_code": status})
	case Teams:
		write(w, status, map[string]any{"error": map[string]any{"code": or(map[int]string{401: "DirectApiAuthorizationRequired", 403: "AuthorizationFailed", 404: "WorkflowNotFound", 413: "RequestEntityTooLarge", 400: "InvalidRequestContent"}, "Error"), "message": "The request was refused."}})
	}
}

// limited tells to wait, in the service's own way.
func (s *Server) limited(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(int((wait + time.Second - 1).Seconds())))
	}
	switch s.form {
	case Discord:
		body := map[string]any{"message": "You are being rate limited.", "global": false}
		if wait > 0 {
			body["retry_after"] = wait.Seconds()
			w.Header().Set("X-RateLimit-Remaining", "0")
			w.Header().Set("X-RateLimit-Reset-After", fmt.Sprintf("%.3f", wait.Seconds()))
		}
		write(w, 429, body)
	case Slack:
		w.WriteHeader(429)
		_, _ = io.WriteString(w, "rate_limited")
	case Mattermost:
		w.WriteHeader(429)
		_, _ = io.WriteString(w, "limit exceeded\n")
	default:
		write(w, 429, map[string]any{"error": map[string]any{"code": "TooManyRequests", "message": "Rate limit is exceeded."}})
	}
}

// fail does what a fault says, and reports whether the request is over with it.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, f Fault, body []byte) bool {
	switch f.Kind {
	case ServerError:
		w.WriteHeader(500)
		_, _ = io.WriteString(w, "<html>Oops</html>")
	case Malformed:
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html><title>Welcome to the hotel</title></html>")
	case Limited:
		s.limited(w, f.RetryAfter)
	case Status:
		if f.Code >= 500 {
			w.WriteHeader(f.Code)
			return true
		}
		s.refuse(w, f.Code, f.Word)
	case Hang:
		s.mu.Lock()
		s.held++
		s.mu.Unlock()
		select {
		case <-r.Context().Done():
		case <-s.ending:
		}
		s.mu.Lock()
		s.held--
		s.mu.Unlock()
	case Lost:
		if m, bad := s.read(r, body); bad == nil && strings.EqualFold(r.Method, http.MethodPost) {
			s.mu.Lock()
			m.ID = s.id(len(s.sent) + 1)
			s.sent = append(s.sent, m)
			s.mu.Unlock()
		}
		if h, ok := w.(http.Hijacker); ok {
			if c, _, err := h.Hijack(); err == nil {
				_ = c.Close()
			}
		}
	}
	return true
}
