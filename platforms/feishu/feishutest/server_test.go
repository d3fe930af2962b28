package feishutest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"
)

// TestFrame holds this package's reading of a frame against the one of the
// platform's own library.
func TestFrame(t *testing.T) {
	ours := frame{seq: 1 << 40, log: 7, service: 33554678, method: data, headers: [][2]string{{"type", "event"}, {"sum", "1"}, {"", ""}},
		encoding: "json", kind: "x", payload: []byte(`{"a":"😀"}`), logNew: "log"}
	var theirs larkws.Frame
	if err := theirs.Unmarshal(ours.marshal()); err != nil {
		t.Fatal(err)
	}
	want := larkws.Frame{SeqID: 1 << 40, LogID: 7, Service: 33554678, Method: 1, PayloadEncoding: "json", PayloadType: "x", LogIDNew: "log",
		Payload: ours.payload, Headers: []larkws.Header{{Key: "type", Value: "event"}, {Key: "sum", Value: "1"}, {}}}
	if !reflect.DeepEqual(theirs, want) {
		t.Errorf("%+v", theirs)
	}
	b, err := theirs.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if back, err := parseFrame(b); err != nil || !reflect.DeepEqual(back, ours) {
		t.Errorf("%+v, %v", back, err)
	}
	for _, bad := range [][]byte{nil, {0x08}, {0x2a, 0x7f, 1}, []byte("{}"), b[:len(b)-3]} {
		if _, err := parseFrame(bad); err == nil {
			t.Errorf("%x was read", bad)
		}
	}
}

const (
	testApp    = "cli_a1b2c3d4e5f60718"
	testSecret = "0123456789abcdef0123456789abcdef"
)

// client speaks with a Server by hand.
type client struct {
	t     *testing.T
	s     *Server
	token string
}

func newClient(t *testing.T) *client {
	s, err := New(testApp, testSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	c := &client{t: t, s: s}
	c.token, _ = c.do("POST", "/open-apis/auth/v3/tenant_access_token/internal", `{"app_id":"`+testApp+`","app_secret":"`+testSecret+`"}`)["tenant_access_token"].(string)
	return c
}

func (c *client) send(method, path, kind string, body io.Reader) map[string]any {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.s.URL()+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Authorization", "Bearer "+c.token)
	tr := &http.Transport{DisableKeepAlives: true}
	resp, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	var got map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&got)
	return got
}

func (c *client) do(method, path, body string) map[string]any {
	c.t.Helper()
	return c.send(method, path, "application/json", strings.NewReader(body))
}

// code makes a call fail the test unless it is answered with this code.
func (c *client) code(want float64, method, path, body string) map[string]any {
	c.t.Helper()
	got := c.do(method, path, body)
	if got["code"] != want {
		c.t.Errorf("%s %s %s: %v, want code %v", method, path, body, got, want)
	}
	d, _ := got["data"].(map[string]any)
	return d
}

func message(to, kind, content string) string {
	b, _ := json.Marshal(map[string]string{"receive_id": to, "msg_type": kind, "content": content})
	return string(b)
}

func TestRules(t *testing.T) {
	c := newClient(t)
	const create = "/open-apis/im/v1/messages?receive_id_type=chat_id"
	id, _ := c.code(0, "POST", create, message(Direct, "text", `{"text":"<b>a</b> **b** <at user_id=\"`+Person+`\"></at>"}`))["message_id"].(string)
	if got := c.s.Sent()[0].Text; got != "a b @Ada Lovelace" {
		t.Errorf("a text's own marks: %q", got)
	}
	c.code(230001, "POST", create, message(Nowhere, "text", `{"text":"x"}`))
	c.code(230001, "POST", create, message(Direct, "text", `{"text":""}`))
	c.code(230001, "POST", create, message(Direct, "text", `x`))
	c.code(230001, "POST", create, message(Direct, "image", `{"image_key":"img_none"}`))
	c.code(230025, "POST", create, message(Direct, "post", `{"zh_cn":{"content":[[{"tag":"text","text":"`+strings.Repeat("x", richMost)+`"}]]}}`))
	c.code(0, "POST", create, message(Direct, "text", `{"text":"`+strings.Repeat("x", richMost)+`"}`))
	c.code(230054, "PUT", "/open-apis/im/v1/messages/"+id, `{"msg_type":"interactive","content":"{}"}`)
	c.code(230071, "PUT", "/open-apis/im/v1/messages/"+Root, `{"msg_type":"text","content":"{\"text\":\"x\"}"}`)
	for range editsMost {
		c.code(0, "PUT", "/open-apis/im/v1/messages/"+id, `{"msg_type":"text","content":"{\"text\":\"x\"}"}`)
	}
	c.code(230072, "PUT", "/open-apis/im/v1/messages/"+id, `{"msg_type":"text","content":"{\"text\":\"x\"}"}`)
	c.code(231001, "POST", "/open-apis/im/v1/messages/"+id+"/reactions", `{}`)
	c.code(231007, "DELETE", "/open-apis/im/v1/messages/"+id+"/reactions/none", "")
	c.code(234003, "GET", "/open-apis/im/v1/messages/"+id+"/resources/file_none?type=file", "")

	card := `{"config":{"update_multi":false},"elements":[{"tag":"div","text":{"tag":"plain_text","content":"x"}}]}`
	id, _ = c.code(0, "POST", create, message(Direct, "interactive", card))["message_id"].(string)
	b, _ := json.Marshal(map[string]string{"content": card})
	c.code(230001, "PATCH", "/open-apis/im/v1/messages/"+id, string(b)) // not a shared one

	c.s.Deny(toSend...)
	c.code(99991672, "POST", create, message(Direct, "text", `{"text":"x"}`))
	c.s.Advance(3 * time.Hour)
	c.code(99991663, "GET", "/open-apis/bot/v3/info", "")
}

func TestUuid(t *testing.T) {
	c := newClient(t)
	const create = "/open-apis/im/v1/messages?receive_id_type=chat_id"
	body := `{"receive_id":"` + Direct + `","msg_type":"text","content":"{\"text\":\"x\"}","uuid":"once"}`
	first := c.code(0, "POST", create, body)["message_id"]
	if again := c.code(0, "POST", create, body)["message_id"]; again != first || len(c.s.Sent()) != 1 {
		t.Errorf("%v, was %v", again, first)
	}
	c.s.Advance(61 * time.Minute)
	if later := c.code(0, "POST", create, body)["message_id"]; later == first {
		t.Error("a uuid is remembered for more than an hour")
	}
	c.code(230001, "POST", create, strings.Replace(body, "once", strings.Repeat("u", 51), 1))
}

func TestUploads(t *testing.T) {
	c := newClient(t)
	up := func(path, field, name string, data []byte, fields ...string) any {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for i := 0; i < len(fields); i += 2 {
			_ = w.WriteField(fields[i], fields[i+1])
		}
		p, _ := w.CreateFormFile(field, name)
		_, _ = p.Write(data)
		_ = w.Close()
		return c.send("POST", path, w.FormDataContentType(), &b)["code"]
	}
	for want, got := range map[string]any{
		"0":      up("/open-apis/im/v1/files", "file", "a", []byte("x"), "file_type", "stream", "file_name", "a"),
		"234010": up("/open-apis/im/v1/files", "file", "a", nil, "file_type", "stream", "file_name", "a"),
		"234001": up("/open-apis/im/v1/files", "file", "a", []byte("x"), "file_type", "exe", "file_name", "a"),
		"234006": up("/open-apis/im/v1/files", "file", "a", make([]byte, fileMost+1), "file_type", "stream", "file_name", "a"),
		"234011": up("/open-apis/im/v1/images", "image", "a.png", []byte("no image"), "image_type", "message"),
	} {
		if b, _ := json.Marshal(got); string(b) != want {
			t.Errorf("code %s, want %s", b, want)
		}
	}
}

// TestLadder: an event that is not acknowledged comes again at the documented
// times, and is given up after the last.
func TestLadder(t *testing.T) {
	c := newClient(t)
	d, _ := c.do("POST", "/callback/ws/endpoint", `{"AppID":"`+testApp+`","AppSecret":"`+testSecret+`"}`)["data"].(map[string]any)
	address, _ := d["URL"].(string)
	ws, _, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.s.WaitSocket(ctx); err != nil {
		t.Fatal(err)
	}
	id := c.s.Say(Direct, Person, "hello")
	next := func() frame {
		_, b, err := ws.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		f, err := parseFrame(b)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	first := next()
	for _, step := range ladder {
		c.s.Advance(step - time.Second)
		if len(c.s.Acked()) != 0 || c.s.Waiting() != 1 {
			t.Fatal("it is not waiting")
		}
		c.s.Advance(time.Second)
		if again := next(); string(again.payload) != string(first.payload) || again.header("message_id") == first.header("message_id") {
			t.Errorf("%+v", again)
		}
	}
	// The last push can still be acknowledged, with what it came with.
	last := first
	last.payload = []byte(`{"code":500}`)
	if err := ws.WriteMessage(websocket.BinaryMessage, last.marshal()); err != nil {
		t.Fatal(err)
	}
	if err := c.s.wait(ctx, func() bool { return c.s.odd == 1 }); err != nil || c.s.Waiting() != 1 {
		t.Errorf("%v", err)
	}
	last.payload = []byte(`{"code":200}`)
	if err := ws.WriteMessage(websocket.BinaryMessage, last.marshal()); err != nil {
		t.Fatal(err)
	}
	if err := c.s.WaitAll(ctx); err != nil || c.s.Acked()[0] != id {
		t.Errorf("%v, %q", err, c.s.Acked())
	}
	c.s.Disconnect()
	c.s.Say(Direct, Person, "to nobody")
	c.s.Advance(8 * time.Hour)
	if c.s.Waiting() != 0 {
		t.Error("it is never given up")
	}
	// A ticket opens one socket.
	if _, resp, err := websocket.DefaultDialer.DialContext(t.Context(), address, nil); err == nil || resp.Header.Get("Handshake-Status") != "514" {
		t.Errorf("%v", err)
	}
}
