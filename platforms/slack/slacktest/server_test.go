package slacktest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/postern/postern/platforms/slack/slacktest"
)

const (
	botToken = "xoxb-emulator-emulator"
	appToken = "xapp-emulator-emulator"
)

func newServer(t *testing.T) *slacktest.Server {
	t.Helper()
	s, err := slacktest.New(botToken, appToken)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// call makes a call with a form and gives its answer.
func call(t *testing.T, s *slacktest.Server, token, method string, args url.Values) map[string]any {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, s.URL()+"/api/"+method, strings.NewReader(args.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "Bearer "+token)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	var got map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatalf("%s: %s", method, b)
	}
	return got
}

type frame struct {
	Type     string `json:"type"`
	Envelope string `json:"envelope_id"`
	Attempt  int    `json:"retry_attempt"`
	Payload  struct {
		Event struct {
			Text string `json:"text"`
		} `json:"event"`
	} `json:"payload"`
}

func dial(t *testing.T, s *slacktest.Server) *websocket.Conn {
	t.Helper()
	address, _ := call(t, s, appToken, "apps.connections.open", nil)["url"].(string)
	ws, _, err := websocket.DefaultDialer.Dial(address, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ws.Close() })
	if f := read(t, ws); f.Type != "hello" {
		t.Fatalf("%+v", f)
	}
	if _, resp, err := websocket.DefaultDialer.Dial(address, nil); err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Error("a ticket works twice")
	}
	return ws
}

func read(t *testing.T, ws *websocket.Conn) (f frame) {
	t.Helper()
	_ = ws.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := ws.ReadJSON(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRefusals(t *testing.T) {
	s := newServer(t)
	s.SetScopes("chat:write")
	for _, c := range []struct {
		token, method string
		args          url.Values
		word          string
	}{
		{"", "auth.test", nil, "not_authed"},
		{"xoxb-wrong", "auth.test", nil, "invalid_auth"},
		{appToken, "auth.test", nil, "not_allowed_token_type"},
		{botToken, "apps.connections.open", nil, "not_allowed_token_type"},
		{botToken, "telepathy.think", nil, "unknown_method"},
		{botToken, "users.info", url.Values{"user": {slacktest.Person}}, "missing_scope"},
		{botToken, "chat.postMessage", url.Values{"channel": {slacktest.Nowhere}, "text": {"x"}}, "channel_not_found"},
		{botToken, "chat.postMessage", url.Values{"channel": {slacktest.Direct}}, "no_text"},
		{botToken, "chat.postMessage", url.Values{"channel": {slacktest.Direct}, "text": {strings.Repeat("x", 40_001)}}, "msg_too_long"},
		{botToken, "chat.postMessage", url.Values{"channel": {slacktest.Direct}, "blocks": {"{"}}, "invalid_blocks_format"},
		{botToken, "chat.postMessage", url.Values{"channel": {slacktest.Direct}, "blocks": {`[{"type":"section","text":{"type":"mrkdwn","text":"` + strings.Repeat("x", 3001) + `"}}]`}}, "invalid_blocks"},
		{botToken, "chat.update", url.Values{"channel": {slacktest.Group}, "ts": {slacktest.Root}, "text": {"x"}}, "cant_update_message"},
	} {
		got := call(t, s, c.token, c.method, c.args)
		if got["ok"] != false || got["error"] != c.word {
			t.Errorf("%s: %v, want %s", c.method, got, c.word)
		}
	}
	s.Revoke()
	if got := call(t, s, botToken, "auth.test", nil); got["error"] != "token_revoked" {
		t.Error(got)
	}
}

func TestWhatIsNotAcknowledgedComesAgain(t *testing.T) {
	s := newServer(t)
	ws := dial(t, s)
	s.Say(slacktest.Direct, slacktest.Person, "one <b>")
	f := read(t, ws)
	if f.Payload.Event.Text != "one &lt;b&gt;" || f.Attempt != 0 {
		t.Errorf("%+v", f)
	}
	ws.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.WaitSockets(ctx, 0); err != nil {
		t.Fatal(err)
	}
	ws = dial(t, s)
	again := read(t, ws)
	if again.Envelope != f.Envelope || again.Attempt != 1 {
		t.Errorf("%+v", again)
	}
	if err := ws.WriteJSON(map[string]string{"envelope_id": f.Envelope}); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitAcks(ctx, 1); err != nil || len(s.Acked()) != 1 {
		t.Errorf("%v, %v", err, s.Acked())
	}
	ws.Close()
	if err := s.WaitSockets(ctx, 0); err != nil {
		t.Fatal(err)
	}
	s.Say(slacktest.Direct, slacktest.Person, "given up")
	s.Advance(6 * time.Minute)
	s.Say(slacktest.Direct, slacktest.Person, "kept")
	if f := read(t, dial(t, s)); f.Payload.Event.Text != "kept" {
		t.Errorf("%+v", f)
	}
}

func TestHistoryHasNoReplies(t *testing.T) {
	s := newServer(t)
	reply := s.Post(slacktest.Said{Channel: slacktest.Group, User: slacktest.Person, Thread: slacktest.Root, Text: "a reply"})
	got := call(t, s, botToken, "conversations.history", url.Values{"channel": {slacktest.Group}})["messages"].([]any)
	if len(got) != 1 || got[0].(map[string]any)["latest_reply"] != reply {
		t.Errorf("%v", got)
	}
	got = call(t, s, botToken, "conversations.replies", url.Values{"channel": {slacktest.Group}, "ts": {slacktest.Root}})["messages"].([]any)
	if len(got) != 2 || got[1].(map[string]any)["ts"] != reply {
		t.Errorf("%v", got)
	}
}

func TestFileOfAnotherLengthIsRefused(t *testing.T) {
	s := newServer(t)
	to := call(t, s, botToken, "files.getUploadURLExternal", url.Values{"filename": {"a"}, "length": {"3"}})
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(to["upload_url"].(string), "text/plain", strings.NewReader("four"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Error(resp.Status)
	}
	got := call(t, s, botToken, "files.completeUploadExternal", url.Values{"files": {`[{"id":"` + to["file_id"].(string) + `"}]`}, "channel_id": {slacktest.Direct}})
	if got["error"] != "file_not_found" || len(s.Sent()) != 0 {
		t.Error(got)
	}
}
