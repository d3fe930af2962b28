package telegramtest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const token = "4242:emulator_emulator_emulator_emulator"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client calls a Server as the documentation says, with nothing else's help.
type client struct {
	*Server
	t    *testing.T
	http *http.Client
}

func start(t *testing.T) *client {
	t.Helper()
	s, err := New(token)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(func() {
		s.Close()
		transport.CloseIdleConnections()
	})
	return &client{s, t, &http.Client{Transport: transport}}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// result is an answer.
type result struct {
	OK          bool
	Result      json.RawMessage
	Code        int `json:"error_code"`
	Description string
	Parameters  map[string]int64
	status      int
}

func (c *client) call(method, params string) result {
	c.t.Helper()
	return c.post(method, "application/json", strings.NewReader(params))
}

func (c *client) post(method, kind string, body io.Reader) (r result) {
	c.t.Helper()
	resp, err := c.http.Post(c.URL()+"/bot"+token+"/"+method, kind, body)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		c.t.Fatal(err)
	}
	r.status = resp.StatusCode
	return r
}

// updates is the numbers of the updates in an answer.
func (r result) updates(t *testing.T) (ids []int64) {
	t.Helper()
	var list []struct {
		ID int64 `json:"update_id"`
	}
	if err := json.Unmarshal(r.Result, &list); err != nil {
		t.Fatalf("%s: %v", r.Result, err)
	}
	for _, u := range list {
		ids = append(ids, u.ID)
	}
	return ids
}

func (c *client) refuses(method, params string, code int, description string) {
	c.t.Helper()
	r := c.call(method, params)
	if r.OK || r.Code != code || r.status != code || !strings.Contains(r.Description, description) {
		c.t.Errorf("%s(%s) gave %+v, want %d %q", method, params, r, code, description)
	}
}

func (c *client) accepts(method, params string) result {
	c.t.Helper()
	r := c.call(method, params)
	if !r.OK {
		c.t.Errorf("%s(%s) gave %+v", method, params, r)
	}
	return r
}

func TestGetUpdates(t *testing.T) {
	t.Run("an offset confirms what is below it, and nothing else does", func(t *testing.T) {
		c := start(t)
		for range 3 {
			c.Say(Direct, Person, "x")
		}
		first := c.accepts("getUpdates", `{}`).updates(t)
		if len(first) != 3 || c.Pending() != 3 || c.Acked() != 0 {
			t.Fatalf("got %v, %d wait", first, c.Pending())
		}
		c.accepts("getUpdates", `{"offset":860000001}`)
		if c.Pending() != 3 {
			t.Errorf("the offset of the first update confirmed it")
		}
		if got := c.accepts("getUpdates", `{"offset":860000003}`).updates(t); len(got) != 1 || got[0] != first[2] || c.Acked() != first[1] {
			t.Errorf("got %v, %d is confirmed", got, c.Acked())
		}
	})
	t.Run("a negative offset keeps the last ones", func(t *testing.T) {
		c := start(t)
		for range 5 {
			c.Say(Direct, Person, "x")
		}
		if got := c.accepts("getUpdates", `{"offset":-2}`).updates(t); len(got) != 2 || c.Pending() != 2 {
			t.Errorf("got %v, %d wait", got, c.Pending())
		}
	})
	t.Run("limit", func(t *testing.T) {
		c := start(t)
		for range 120 {
			c.Say(Direct, Person, "x")
		}
		if n := len(c.accepts("getUpdates", `{"limit":7}`).updates(t)); n != 7 {
			t.Errorf("limit 7 gave %d", n)
		}
		if n := len(c.accepts("getUpdates", `{}`).updates(t)); n != 100 {
			t.Errorf("no limit gave %d", n)
		}
	})
	t.Run("kinds that were not asked for are not queued", func(t *testing.T) {
		c := start(t)
		c.accepts("getUpdates", `{"allowed_updates":["edited_message"]}`)
		id := c.Say(Direct, Person, "x")
		c.Edit(Direct, id, "y")
		if n := c.Pending(); n != 1 {
			t.Errorf("%d wait, want the edit only", n)
		}
	})
	t.Run("a long poll ends with what comes", func(t *testing.T) {
		c := start(t)
		got := make(chan []int64, 1)
		go func() { got <- c.accepts("getUpdates", `{"timeout":50}`).updates(t) }()
		if err := c.WaitPolling(soon(t)); err != nil {
			t.Fatal(err)
		}
		c.Say(Direct, Person, "x")
		if ids := <-got; len(ids) != 1 {
			t.Errorf("got %v", ids)
		}
	})
	t.Run("a second poll ends the first", func(t *testing.T) {
		c := start(t)
		first := make(chan result, 1)
		go func() { first <- c.call("getUpdates", `{"timeout":50}`) }()
		if err := c.WaitPolling(soon(t)); err != nil {
			t.Fatal(err)
		}
		c.accepts("getUpdates", `{}`)
		if r := <-first; r.Code != 409 || !strings.HasPrefix(r.Description, "Conflict: terminated by other getUpdates request") {
			t.Errorf("got %+v", r)
		}
	})
	t.Run("not while a webhook is set", func(t *testing.T) {
		c := start(t)
		c.accepts("setWebhook", `{"url":"https://example.org/x"}`)
		c.refuses("getUpdates", `{}`, 409, "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
		c.accepts("deleteWebhook", `{}`)
		c.accepts("getUpdates", `{}`)
	})
	t.Run("lost acknowledgement", func(t *testing.T) {
		c := start(t)
		c.Say(Direct, Person, "x")
		id := c.accepts("getUpdates", `{}`).updates(t)[0]
		c.Redeliver()
		if got := c.accepts("getUpdates", `{"offset":860000002}`).updates(t); len(got) != 1 || got[0] != id {
			t.Errorf("got %v, want %d again", got, id)
		}
		if got := c.accepts("getUpdates", `{"offset":860000002}`).updates(t); len(got) != 0 {
			t.Errorf("it came a third time: %v", got)
		}
	})
}

func TestRefusals(t *testing.T) {
	c := start(t)
	say := func(fields string) string { return `{"chat_id":700000001,` + fields + `}` }
	long := strings.Repeat("😀", 2049)
	c.refuses("sendMessage", `{"chat_id":1,"text":"x"}`, 400, "Bad Request: chat not found")
	c.refuses("sendMessage", `{"text":"x"}`, 400, "Bad Request: chat_id is empty")
	c.refuses("sendMessage", say(`"text":" \n"`), 400, "Bad Request: message text is empty")
	c.refuses("sendMessage", say(`"text":"`+long+`"`), 400, "Bad Request: message is too long")
	c.accepts("sendMessage", say(`"text":"`+long[:len(long)-4]+`"`))
	c.refuses("sendMessage", say(`"text":"x","reply_parameters":{"message_id":9}`), 400, "message to be replied not found")
	c.accepts("sendMessage", say(`"text":"x","reply_parameters":{"message_id":9,"allow_sending_without_reply":true}`))
	c.refuses("sendMessage", say(`"text":"x","message_thread_id":9`), 400, "message thread not found")
	c.refuses("sendMessage", say(`"text":"x","reply_markup":{"inline_keyboard":[[{"text":"x","callback_data":"`+strings.Repeat("d", 65)+`"}]]}`), 400, "BUTTON_DATA_INVALID")
	c.refuses("sendMessage", say(`"text":"x","reply_markup":{"inline_keyboard":[[{"text":"x"}]]}`), 400, "Text buttons are unallowed")
	c.refuses("sendMessage", say(`"text":"<b>x","parse_mode":"HTML"`), 400, "can't parse entities")
	c.refuses("sendMessage", say(`"text":"a.b","parse_mode":"MarkdownV2"`), 400, "reserved and must be escaped")
	c.accepts("sendMessage", say(`"text":"a\\.b","parse_mode":"MarkdownV2"`))
	c.refuses("sendMessage", `not JSON`, 400, "can't parse")
	c.refuses("editMessageText", say(`"message_id":99,"text":"x"`), 400, "message to edit not found")
	c.refuses("sendChatAction", say(`"action":"juggling"`), 400, "wrong parameter action")
	c.refuses("answerCallbackQuery", `{"callback_query_id":"1"}`, 400, "query is too old and response timeout expired or query ID is invalid")
	c.refuses("getFile", `{"file_id":"x"}`, 400, "wrong file_id")
	c.refuses("sendDocument", say(`"document":"x"`), 400, "wrong remote file identifier")
	c.refuses("juggle", `{}`, 404, "Not Found")
	id := c.Say(Direct, Person, "mine")
	c.refuses("editMessageText", say(`"message_id":`+itoa(id)+`,"text":"x"`), 400, "message can't be edited")
	to := c.Migrate(Basic)
	if r := c.call("sendMessage", `{"chat_id":-400000001,"text":"x"}`); r.Code != 400 || r.Parameters["migrate_to_chat_id"] != to {
		t.Errorf("got %+v, want a way to %d", r, to)
	}
	c.Revoke()
	c.refuses("getMe", `{}`, 401, "Unauthorized")
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestFormsOfRequests(t *testing.T) {
	c := start(t)
	check := func(name string, r result) {
		if !r.OK {
			t.Errorf("%s: %+v", name, r)
		}
	}
	check("form", c.post("sendMessage", "application/x-www-form-urlencoded", strings.NewReader("chat_id=700000001&text=a+b")))
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("chat_id", "700000001")
	_ = w.WriteField("caption", "multipart")
	f, _ := w.CreateFormFile("document", "a.txt")
	_, _ = f.Write([]byte("content"))
	_ = w.Close()
	check("multipart", c.post("sendDocument", w.FormDataContentType(), &b))
	check("empty multipart", c.post("getMe", "multipart/form-data; boundary=x", strings.NewReader("")))
	check("nothing", c.post("getMe", "", strings.NewReader("")))
	resp, err := c.http.Get(c.URL() + "/bot" + token + "/SENDMESSAGE?chat_id=700000001&text=query")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	var texts []string
	for _, m := range c.Sent() {
		texts = append(texts, m.Text)
	}
	if got := strings.Join(texts, "|"); got != "a b|multipart|query" {
		t.Errorf("sent %s", got)
	}
	if f := c.Sent()[1].File; f.Name != "a.txt" || string(f.Data) != "content" {
		t.Errorf("file %+v", f)
	}
}

func TestPrivacyMode(t *testing.T) {
	c := start(t)
	c.SetPrivacy(true)
	c.Say(Group, Person, "among us")
	if c.Pending() != 0 {
		t.Error("the bot heard what was not for it")
	}
	c.Say(Group, Person, "/start")
	c.Say(Group, Person, "hey @postern_test_bot")
	c.Say(Direct, Person, "direct")
	if n := c.Pending(); n != 3 {
		t.Errorf("%d wait, want 3", n)
	}
}

func TestFaultsCount(t *testing.T) {
	c := start(t)
	c.SetFault("getMe", Fault{Code: 429, RetryAfter: 5, Times: 2})
	for range 2 {
		if r := c.call("getMe", `{}`); r.Code != 429 || r.Parameters["retry_after"] != 5 {
			t.Errorf("got %+v", r)
		}
	}
	c.accepts("getMe", `{}`)
}

func TestCloseEndsHangingCalls(t *testing.T) {
	s, err := New(token)
	if err != nil {
		t.Fatal(err)
	}
	s.SetFault("getMe", Fault{Kind: Hang})
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	done := make(chan error, 1)
	go func() {
		resp, err := (&http.Client{Transport: transport}).Get(s.URL() + "/bot" + token + "/getMe")
		if err == nil {
			_ = resp.Body.Close()
		}
		done <- err
	}()
	if err := s.WaitHeld(soon(t), 1); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if <-done == nil {
		t.Error("a hanging call got an answer")
	}
}

func TestDownAndUp(t *testing.T) {
	c := start(t)
	c.accepts("getMe", `{}`)
	c.Down()
	if resp, err := c.http.Get(c.URL() + "/bot" + token + "/getMe"); err == nil {
		_ = resp.Body.Close()
		t.Error("a server that is down answered")
	}
	c.Up()
	c.accepts("getMe", `{}`)
}
