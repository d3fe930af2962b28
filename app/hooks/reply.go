package hooks

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/postern/postern/platforms"
)

// Receipt is a post that was taken.
type Receipt struct {
	Message      string // what the sender may know it by
	Conversation platforms.ConversationID
	Created      time.Time
}

// Answer is an HTTP answer, whole.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Write sends a to w.
func (a Answer) Write(w http.ResponseWriter) error {
	for k, vs := range a.Header {
		w.Header()[k] = vs
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if a.Body != nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	if len(a.Body) == 0 {
		return nil
	}
	_, err := w.Write(a.Body)
	return err
}

// NotFound is the one answer to a token that opens nothing, whatever the reason.
func NotFound() Answer {
	return Refused(Native, &Fault{Kind: Unknown, Text: "There is no such webhook."})
}

// Taken answers a sender of dialect d whose post was stored. query is the
// request's: one dialect's senders ask there to be told more.
func Taken(d Dialect, r Receipt, query url.Values) Answer {
	switch d {
	case Blocks, Attachments:
		return plainAnswer(http.StatusOK, "ok")
	case Cards: // as connectors answered; workflows answer 202, and senders take both
		return plainAnswer(http.StatusOK, "1")
	case Embeds:
		if query.Get("wait") != "true" {
			return Answer{Status: http.StatusNoContent, Header: http.Header{}}
		}
		return jsonAnswer(http.StatusOK, map[string]any{
			"id": r.Message, "type": 0, "channel_id": string(r.Conversation), "timestamp": r.Created.UTC().Format(time.RFC3339Nano),
			"content": "", "embeds": []any{}, "attachments": []any{}, "mentions": []any{},
		})
	}
	return jsonAnswer(http.StatusCreated, struct {
		Message string    `json:"message_id"`
		Channel string    `json:"channel_id"`
		Created time.Time `json:"created_at"`
		Status  string    `json:"status"`
	}{r.Message, string(r.Conversation), r.Created.UTC(), "ok"})
}

// status is a fault's, where its dialect has none of its own.
func (f *Fault) status() int {
	switch f.Kind {
	case Unknown:
		return http.StatusNotFound
	case Malformed, Empty, TooLong, Reused:
		return http.StatusUnprocessableEntity
	case Limited:
		return http.StatusTooManyRequests
	case Pending:
		return http.StatusConflict
	case Busy:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// bad reports whether the sender's request is at fault.
func (f *Fault) bad() bool {
	return f.Kind == Malformed || f.Kind == Empty || f.Kind == TooLong || f.Kind == Reused
}

// Refused answers a sender of dialect d as its programs expect.
func Refused(d Dialect, f *Fault) Answer {
	var a Answer
	switch d {
	case Blocks:
		a = refusedBlocks(f)
	case Embeds:
		a = refusedEmbeds(f)
	case Attachments:
		status := f.status()
		if f.bad() {
			status = http.StatusBadRequest
		}
		a = jsonAnswer(status, map[string]any{"id": "web.incoming_webhook." + f.code() + ".app_error", "message": f.Text, "detailed_error": "", "status_code": status})
	case Cards:
		status := f.status()
		if f.bad() {
			status = http.StatusBadRequest
		}
		a = plainAnswer(status, f.Text)
	default:
		a = jsonAnswer(f.status(), map[string]any{"error": map[string]string{"code": f.code(), "message": f.Text}})
	}
	if f.Retry > 0 {
		a.Header.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(f.Retry.Seconds())), 10))
	}
	return a
}

// refusedBlocks is one word
// (https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks/).
func refusedBlocks(f *Fault) Answer {
	switch f.Kind {
	case Unknown:
		return plainAnswer(http.StatusNotFound, "no_service")
	case Empty:
		return plainAnswer(http.StatusBadRequest, "no_text")
	case TooLong:
		return plainAnswer(http.StatusBadRequest, "msg_too_long")
	case Malformed, Reused:
		return plainAnswer(http.StatusBadRequest, "invalid_payload")
	case Limited, Busy, Pending:
		return plainAnswer(f.status(), "rate_limited")
	}
	return plainAnswer(http.StatusInternalServerError, "rollup_error")
}

// refusedEmbeds has a code for programs
// (https://docs.discord.com/developers/topics/opcodes-and-status-codes#json,
// https://docs.discord.com/developers/topics/rate-limits).
func refusedEmbeds(f *Fault) Answer {
	switch f.Kind {
	case Unknown:
		return jsonAnswer(http.StatusNotFound, map[string]any{"message": "Unknown Webhook", "code": 10015})
	case Empty:
		return jsonAnswer(http.StatusBadRequest, map[string]any{"message": "Cannot send an empty message", "code": 50006})
	case TooLong:
		body := map[string]any{"message": "Invalid Form Body", "code": 50035}
		if f.Field != "" {
			body["errors"] = map[string]any{f.Field: map[string]any{"_errors": []map[string]string{{"code": "BASE_TYPE_MAX_LENGTH", "message": f.Text}}}}
		}
		return jsonAnswer(http.StatusBadRequest, body)
	case Malformed, Reused:
		return jsonAnswer(http.StatusBadRequest, map[string]any{"message": f.Text, "code": 50109})
	case Limited:
		return jsonAnswer(http.StatusTooManyRequests, map[string]any{"message": "You are being rate limited.", "retry_after": f.Retry.Seconds(), "global": false})
	}
	return jsonAnswer(f.status(), map[string]any{"message": f.Text, "code": 0})
}

func plainAnswer(status int, body string) Answer {
	return Answer{status, http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, []byte(body)}
}

func jsonAnswer(status int, v any) Answer {
	b, err := json.Marshal(v)
	if err != nil { // of texts, numbers and times: can't be
		return plainAnswer(http.StatusInternalServerError, "internal")
	}
	return Answer{status, http.Header{"Content-Type": {"application/json"}}, b}
}
