package feishu

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/postern/postern/platforms"
)

func TestFragments(t *testing.T) {
	var f fragments
	if b, ok := f.add("a", 1, 0, []byte("whole")); !ok || string(b) != "whole" {
		t.Errorf("%q %v", b, ok)
	}
	// Two events mixed, parts in any order, one twice.
	for _, p := range []struct {
		id   string
		seq  int
		want string
	}{{"a", 2, ""}, {"b", 0, ""}, {"a", 0, ""}, {"a", 0, ""}, {"b", 2, ""}, {"a", 1, "a0a1a2"}, {"b", 1, "b0b1b2"}} {
		b, ok := f.add(p.id, 3, p.seq, []byte(fmt.Sprint(p.id, p.seq)))
		if string(b) != p.want || ok != (p.want != "") {
			t.Errorf("%+v gave %q, %v", p, b, ok)
		}
	}
	if len(f.open) != 0 || len(f.order) != 0 || f.size != 0 {
		t.Errorf("left: %+v", f)
	}
	for _, bad := range []struct{ sum, seq int }{{2, -1}, {2, 2}, {partsMost + 1, 0}} {
		if _, ok := f.add("c", bad.sum, bad.seq, []byte("x")); ok || len(f.open) != 0 {
			t.Errorf("%+v was taken", bad)
		}
	}
	for i := range 10 * partialMost {
		f.add(fmt.Sprint(i), 2, 0, make([]byte, 1000))
	}
	if len(f.open) > partialMost || len(f.order) != len(f.open) || f.size != 1000*len(f.open) {
		t.Errorf("%d open, %d bytes", len(f.open), f.size)
	}
	for i := range 40 {
		f.add(fmt.Sprint("big", i), 2, 0, make([]byte, 1<<20))
	}
	if f.size > partialBytes {
		t.Errorf("%d bytes are kept", f.size)
	}
	// A sum that changes begins anew.
	f.add("d", 3, 0, []byte("x"))
	f.add("d", 2, 0, []byte("y"))
	if b, ok := f.add("d", 2, 1, []byte("z")); !ok || string(b) != "yz" {
		t.Errorf("%q %v", b, ok)
	}
}

// TestPingInterval: no wish of the server's makes a flood, or silence.
func TestPingInterval(t *testing.T) {
	for _, c := range []struct {
		seconds int
		want    time.Duration
	}{{0, pingUsual}, {-1, pingUsual}, {1, time.Second}, {90, 90 * time.Second}, {1 << 40, pingUsual}} {
		s := &session{wake: make(chan struct{}, 1)}
		s.ping.Store(int64(pingUsual))
		s.configure(&larkws.ClientConfig{PingInterval: c.seconds})
		if got := time.Duration(s.ping.Load()); got != c.want {
			t.Errorf("%d: %v, want %v", c.seconds, got, c.want)
		}
		if s.patience() <= c.want || s.patience() > c.want+pongGrace {
			t.Errorf("%d: waits %v", c.seconds, s.patience())
		}
	}
}

// TestWhatIsRememberedIsBounded fills each memory far beyond its bound.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	var n names
	var r recent
	var ty typing
	s := &session{held: map[string]heldClick{}, wake: make(chan struct{}, 1)}
	var p place
	dropped := 0
	for i := range 5000 {
		id := fmt.Sprint(i)
		n.put(id, "name", time.Hour)
		r.heard(platforms.ConversationID(id), "om_1")
		r.wrote(platforms.MessageID(id), nil)
		if _, ok := ty.put(platforms.ConversationID(id), sign{}); ok {
			dropped++
		}
		s.expect(id, packet{})
		p.saw(platforms.Event{Kind: platforms.MessageReceived, Conversation: platforms.Conversation{ID: platforms.ConversationID("oc_5ad11d72b830411d72b836c20d8f" + fmt.Sprintf("%04d", i)), Kind: platforms.Direct}})
		if name, ok := n.get(id); !ok || name != "name" || r.lastIn(platforms.ConversationID(id)) == "" || !r.own(platforms.MessageID(id)) {
			t.Fatalf("the newest, %d, is not remembered", i)
		}
	}
	if len(n.byID) > namesMost || len(r.last) > recentChats || len(r.sent) > recentSent || len(ty.signs) > typingMost || len(s.held) > heldMost || len(p.Direct) > directMost {
		t.Errorf("%d names, %d chats, %d messages, %d signs, %d clicks, %d direct", len(n.byID), len(r.last), len(r.sent), len(ty.signs), len(s.held), len(p.Direct))
	}
	if dropped != 5000-typingMost {
		t.Errorf("%d signs were given back to be taken away", dropped)
	}
	b, err := json.Marshal(p)
	if err != nil || len(b) > 16<<10 {
		t.Errorf("a cursor of %d bytes", len(b))
	}
	if got := parsePlace(platforms.Cursor(b)); len(got.Direct) != directMost || got.Direct[directMost-1] != "oc_5ad11d72b830411d72b836c20d8f4999" {
		t.Errorf("%+v", got)
	}
	for _, bad := range []platforms.Cursor{"", "x", `{"t":-1}`, `{"t":"soon"}`, `{"t":999999999999999999}`} {
		if got := parsePlace(bad); got.Alive != 0 || got.Direct != nil {
			t.Errorf("%q: %+v", bad, got)
		}
	}
}

// TestSignsEnd: a sign without an answer is given out once its time is over.
func TestSignsEnd(t *testing.T) {
	var ty typing
	begin := time.Now()
	ty.put("a", sign{message: "1", until: begin.Add(time.Second)})
	ty.put("b", sign{message: "2", until: begin.Add(time.Hour)})
	if over := ty.over(begin); len(over) != 0 {
		t.Errorf("%+v", over)
	}
	if over := ty.over(begin.Add(time.Minute)); len(over) != 1 || over[0].message != "1" || len(ty.signs) != 1 {
		t.Errorf("%+v", over)
	}
	if ty.renew("b", "other", begin) || !ty.renew("b", "2", begin.Add(2*time.Hour)) {
		t.Error("renewed at the wrong message")
	}
}

// TestRefusals: what each answer means.
func TestRefusals(t *testing.T) {
	a := &api{secret: platforms.NewSecret("0123456789abcdef")}
	for _, c := range []struct {
		status, code int
		want         platforms.Kind
		says         string
	}{
		{400, 99991663, platforms.Unauthorized, "token"},
		{200, 10003, platforms.Unauthorized, "App ID"},
		{200, 10014, platforms.Unauthorized, "App Secret"},
		{400, 1000040346, platforms.Unauthorized, "App ID"},
		{401, 7, platforms.Unauthorized, "App Secret"},
		{400, 99991662, platforms.Unauthorized, "not in use"},
		{400, 99991672, platforms.Rejected, "im:message:send_as_bot"},
		{400, 99991400, platforms.RateLimited, "slowly"},
		{400, 230020, platforms.RateLimited, "slowly"},
		{429, 5, platforms.RateLimited, "slowly"},
		{500, 5, platforms.Temporary, "fault"},
		{200, 2200, platforms.Temporary, "fault"},
		{400, 230002, platforms.Rejected, "group"},
		{400, 230053, platforms.Rejected, "stopped"},
		{400, 999, platforms.Rejected, "code 999"},
	} {
		code := c.code
		err := a.refused(&http.Response{StatusCode: c.status, Header: http.Header{"X-Ogw-Ratelimit-Reset": {"52"}}},
			envelope{Code: &code, Msg: "[im:message, im:message:send_as_bot], said with 0123456789abcdef"})
		if platforms.KindOf(err) != c.want || !strings.Contains(platforms.Explain(err), c.says) {
			t.Errorf("%d %d: %s, %s", c.status, c.code, platforms.KindOf(err), platforms.Explain(err))
		}
		if e := err.(*platforms.Error); (e.RetryAfter == 52*time.Second) != (c.want == platforms.RateLimited) {
			t.Errorf("%d %d: retry after %v", c.status, c.code, e.RetryAfter)
		}
		if strings.Contains(err.Error(), "0123456789abcdef") {
			t.Errorf("the secret is told: %v", err)
		}
	}
	for code, words := range advices {
		if !strings.HasSuffix(words, ".") || strings.Contains(words, "!") || strings.Count(words, ". ")+strings.Count(words, ": ") == 0 {
			t.Errorf("%d: %q does not say what happened and what to do", code, words)
		}
	}
}

// TestAcknowledgement is the same bytes but for the payload and one header: the
// platform finds the event by them.
func TestAcknowledgement(t *testing.T) {
	for answer, want := range map[string]string{"": `{"code":200}`, `{"toast":{}}`: `{"code":200,"data":"eyJ0b2FzdCI6e319"}`} {
		b, err := json.Marshal(reply{Code: 200, Data: []byte(answer)})
		if err != nil || !bytes.Equal(b, []byte(want)) {
			t.Errorf("%s, %v, want %s", b, err, want)
		}
	}
}
