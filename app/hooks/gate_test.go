package hooks

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/platforms"
)

type world struct {
	book Book
	gate Gate
}

func newWorld() *world { return &world{gate: Gate{NewLimiter(), NewKeys()}} }

func (w *world) find(token string) (Hook, bool) { return w.book.Find(token, time.Now()) }

// admit is what a server does with a request.
func (w *world) admit(r Request) (Admitted, Answer, bool) {
	h, a, ok := w.gate.Open(w.find, r.From, r.Token)
	if !ok {
		return Admitted{}, a, false
	}
	return w.gate.Take(h, r)
}

func (w *world) post(token, key, body string) (Admitted, Answer, bool) {
	h := http.Header{}
	if key != "" {
		h.Set("Idempotency-Key", key)
	}
	return w.admit(Request{From: v4(1), Token: token, Header: h, Body: []byte(body)})
}

func TestAdmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		h, token, err := w.book.Add(New{Account: "a", Conversation: "c", Name: "CI", Limit: platforms.Rate{N: 1, Per: time.Minute, Burst: 2}}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for range 20 { // bad posts use nothing up
			if _, a, ok := w.post(token.Reveal(), "", `{"content":""}`); ok || a.Status != 422 {
				t.Fatalf("%v %d", ok, a.Status)
			}
		}
		for range 2 { // nor do they keep a key
			if _, a, ok := w.post(token.Reveal(), "bad", `{"content":""}`); ok || a.Status != 422 {
				t.Fatalf("%v %d", ok, a.Status)
			}
		}
		if len(w.gate.Keys.known) != 0 {
			t.Error("a bad post keeps its key")
		}
		in, _, ok := w.post(token.Reveal(), "key", `{"content":"hello"}`)
		if !ok || in.Hook.ID != h.ID || in.Post.Text != "hello" {
			t.Fatalf("%+v", in)
		}
		if _, a, ok := w.post(token.Reveal(), "key", `{"content":"hello"}`); ok || a.Status != 409 || a.Header.Get("Retry-After") == "" {
			t.Errorf("while it is stored: %d", a.Status)
		}
		stored := in.Stored(Receipt{Message: "m1", Conversation: "c", Created: time.Now()})
		if stored.Status != 201 {
			t.Error(stored.Status)
		}
		for range 5 { // nor does the same post again
			if _, a, ok := w.post(token.Reveal(), "key", `{"content":"hello"}`); ok || string(a.Body) != string(stored.Body) || a.Status != 201 {
				t.Errorf("again: %d %s", a.Status, a.Body)
			}
		}
		if _, a, ok := w.post(token.Reveal(), "key", `{"content":"other"}`); ok || a.Status != 422 {
			t.Errorf("the key with another body: %d", a.Status)
		}
		second, _, ok := w.post(token.Reveal(), "k2", `{"content":"2"}`)
		if !ok {
			t.Fatal("the burst is shorter than it is")
		}
		if a := second.Failed(&Fault{Kind: Busy, Text: "Full.", Retry: 1500 * time.Millisecond}); a.Status != 503 || a.Header.Get("Retry-After") != "2" {
			t.Errorf("%d %q", a.Status, a.Header.Get("Retry-After"))
		}
		if _, a, ok := w.post(token.Reveal(), "k2", `{"content":"2"}`); ok || a.Status != 429 || a.Header.Get("Retry-After") != "60" {
			t.Errorf("too often: %d %q", a.Status, a.Header.Get("Retry-After"))
		}
		time.Sleep(time.Minute)
		if in, _, ok := w.post(token.Reveal(), "k2", `{"content":"2"}`); !ok || in.Post.Text != "2" {
			t.Error("what failed can't come again")
		}

		_, unknown, _ := w.post(strings.Repeat("a", 64), "", `{"content":"x"}`)
		off := false
		if _, err := w.book.Change(h.ID, Change{On: &off}); err != nil {
			t.Fatal(err)
		}
		_, closed, ok := w.post(token.Reveal(), "", `{"content":"x"}`)
		if ok || unknown.Status != 404 || closed.Status != 404 || string(unknown.Body) != string(closed.Body) {
			t.Errorf("unknown %d %s, off %d %s", unknown.Status, unknown.Body, closed.Status, closed.Body)
		}
	})
}

// TestRandomTokens: guesses, a million of them in make attack, from as many sources, leave memory flat
// and no hook's budget used.
func TestRandomTokens(t *testing.T) {
	n := 100_000
	if os.Getenv("POSTERN_ATTACK") == "full" {
		n = 1_000_000
	}
	w := newWorld()
	_, token := made(t, &w.book, "CI")
	guess := func(from, to int) {
		b := make([]byte, TokenLength)
		for i := from; i < to; i++ {
			if i%64 == 0 {
				_, _ = rand.Read(b)
			}
			b[i%TokenLength] = alphabet[i%len(alphabet)]
			if _, a, ok := w.admit(Request{From: v4(uint32(i)), Token: string(b), Header: http.Header{"Idempotency-Key": {string(b)}}}); ok || a.Status != 404 {
				t.Fatalf("%d", a.Status)
			}
		}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	guess(0, 2*mostSources)
	before := heap()
	guess(2*mostSources, n)
	if after := heap(); after > before+1<<20 {
		t.Errorf("the heap grew by %d bytes", after-before)
	}
	if len(w.gate.Limiter.hooks) != 0 || len(w.gate.Keys.known) != 0 || len(w.gate.Limiter.sources) != mostSources {
		t.Errorf("%d hooks, %d keys, %d sources", len(w.gate.Limiter.hooks), len(w.gate.Keys.known), len(w.gate.Limiter.sources))
	}
	for i := range defaultLimit().Burst {
		if _, a, ok := w.post(token, "", `{"content":"x"}`); !ok {
			t.Fatalf("post %d after the guesses: %d", i, a.Status)
		}
	}
	runtime.KeepAlive(w)
}

// TestAnswers is what senders' programs read, dialect by dialect.
func TestAnswers(t *testing.T) {
	r := Receipt{Message: "m1", Conversation: "c1", Created: monday()}
	for _, c := range []struct {
		d      Dialect
		status int
		body   string
	}{
		{Native, 201, `{"message_id":"m1","channel_id":"c1","created_at":"2026-11-23T09:00:00Z","status":"ok"}`},
		{Blocks, 200, "ok"},
		{Embeds, 204, ""},
		{Attachments, 200, "ok"},
		{Cards, 200, "1"},
	} {
		if a := Taken(c.d, r, nil); a.Status != c.status || string(a.Body) != c.body {
			t.Errorf("%s: %d %s", c.d, a.Status, a.Body)
		}
	}
	var message struct {
		ID      string `json:"id"`
		Channel string `json:"channel_id"`
	}
	if a := Taken(Embeds, r, map[string][]string{"wait": {"true"}}); a.Status != 200 || json.Unmarshal(a.Body, &message) != nil || message.ID != "m1" || message.Channel != "c1" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	for _, c := range []struct {
		d      Dialect
		body   string // or the fault's kind
		kind   Kind
		status int
		answer string
	}{
		{Native, `{"content":""}`, Empty, 422, `{"error":{"code":"empty","message":"There is nothing to show in the content. Send 1 to 4000 characters."}}`},
		{Native, `{`, Malformed, 422, `{"error":{"code":"invalid","message":"The body is not a JSON object with content as text. Correct it."}}`},
		{Blocks, `{`, Malformed, 400, "invalid_payload"},
		{Blocks, `{"text":" "}`, Empty, 400, "no_text"},
		{Embeds, `{`, Malformed, 400, `{"code":50109,"message":"The request body contains invalid JSON."}`},
		{Embeds, `{"content":""}`, Empty, 400, `{"code":50006,"message":"Cannot send an empty message"}`},
		{Embeds, `{"content":"` + strings.Repeat("ä", 2001) + `"}`, TooLong, 400,
			`{"code":50035,"errors":{"content":{"_errors":[{"code":"BASE_TYPE_MAX_LENGTH","message":"Must be 2000 or fewer in length."}]}},"message":"Invalid Form Body"}`},
		{Attachments, `{`, Malformed, 400, `{"detailed_error":"","id":"web.incoming_webhook.invalid.app_error","message":"Unable to parse incoming data.","status_code":400}`},
		{Cards, `{}`, Empty, 400, "Summary or Text is required."},
		{GitHub, `{}`, Malformed, 422, `{"error":{"code":"invalid","message":"There is no X-GitHub-Event header. Send the events of a repository here."}}`},
		{Alertmanager, `{"alerts":[]}`, Empty, 422, `{"error":{"code":"empty","message":"There is no alert in the body. Send one."}}`},
	} {
		_, err := Parse(Hook{Dialect: c.d}, http.Header{}, []byte(c.body))
		var f *Fault
		if !errors.As(err, &f) || f.Kind != c.kind {
			t.Errorf("%s %s: %v", c.d, c.body, err)
			continue
		}
		if a := Refused(c.d, f); a.Status != c.status || string(a.Body) != c.answer {
			t.Errorf("%s %s: %d %s", c.d, c.body, a.Status, a.Body)
		}
	}
	if a := Refused(Embeds, &Fault{Kind: Limited, Retry: 1500 * time.Millisecond}); a.Status != 429 || a.Header.Get("Retry-After") != "2" || !strings.Contains(string(a.Body), `"retry_after":1.5`) {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	for _, f := range Forms() {
		for k := Unknown; k <= Failed; k++ {
			a := Refused(f.Dialect, &Fault{Kind: k, Text: "x"})
			if a.Status < 400 || len(a.Body) == 0 || a.Header.Get("Content-Type") == "" {
				t.Errorf("%s %d: %+v", f.Dialect, k, a)
			}
		}
	}
}

func TestAnswerIsWritten(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Refused(Blocks, &Fault{Kind: Empty}).Write(w); err != nil {
		t.Fatal(err)
	}
	if w.Code != 400 || w.Body.String() != "no_text" || w.Header().Get("Content-Length") != "7" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	w = httptest.NewRecorder()
	if err := Taken(Embeds, Receipt{}, nil).Write(w); err != nil || w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("%d %v", w.Code, err)
	}
}

func TestForms(t *testing.T) {
	forms := Forms()
	if len(forms) != 9 {
		t.Fatalf("%d forms", len(forms))
	}
	seen := map[Dialect]bool{}
	for _, f := range forms {
		if !f.Dialect.known() || seen[f.Dialect] || f.Title == "" || f.Summary == "" {
			t.Errorf("%+v", f)
		}
		seen[f.Dialect] = true
	}
}

func BenchmarkFindUnknown(b *testing.B) {
	var book Book
	for range mostHooks {
		made(b, &book, "x")
	}
	token := strings.Repeat("x", TokenLength)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := book.Find(token, monday()); ok {
			b.Fatal("found")
		}
	}
}

func BenchmarkRandomTokens(b *testing.B) {
	w := newWorld()
	made(b, &w.book, "CI")
	token := strings.Repeat("x", TokenLength)
	b.ReportAllocs()
	var i uint32
	for b.Loop() {
		i++
		if _, _, ok := w.admit(Request{From: v4(i), Token: token, Header: http.Header{}}); ok {
			b.Fatal("found")
		}
	}
}

// BenchmarkParseHostile is the longest that one body can take.
func BenchmarkParseHostile(b *testing.B) {
	for name, in := range map[string]struct {
		d    Dialect
		text string
	}{
		"mrkdwn marks": {Blocks, "*a _b ~c <"}, "mrkdwn open": {Blocks, "_*"}, "markdown": {Attachments, "*a **b [x]( `"}, "brackets": {Attachments, "[["}, "cards": {Cards, "*a* **b"},
	} {
		b.Run(name, func(b *testing.B) {
			one, err := json.Marshal(strings.Repeat(in.text, 16_000/len(in.text)))
			if err != nil {
				b.Fatal(err)
			}
			many := strings.TrimSuffix(strings.Repeat(`{"title":"t","value":`+string(one)+`,"name":"t","type":"mrkdwn","text":`+string(one)+`},`, 10), ",")
			body := []byte(`{"text":` + string(one) + `,"attachments":[{"fields":[` + many + `]}],"sections":[{"facts":[` + many + `]}]}`)
			h := Hook{Dialect: in.d}
			for b.Loop() {
				if _, err := Parse(h, http.Header{}, body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestSourcesOfHooks: a source elsewhere has a budget for whatever it asks. The
// programs of this computer share an address, so that none uses up the others'.
func TestSourcesOfHooks(t *testing.T) {
	w := newWorld()
	h, token, err := w.book.Add(New{Account: "a", Conversation: "c", Name: "CI"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * sourceLimit().Burst {
		for _, from := range []string{"198.51.100.7", "127.0.0.1"} {
			if _, a, ok := w.gate.Open(w.find, netip.MustParseAddr(from), strings.Repeat("a", TokenLength)); ok || a.Status != 404 {
				t.Fatalf("a guess from %s: %d", from, a.Status)
			}
		}
	}
	if _, a, ok := w.gate.Open(w.find, netip.MustParseAddr("198.51.100.7"), token.Reveal()); ok || a.Status != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d", a.Status)
	}
	for _, from := range []string{"198.51.100.8", "127.0.0.1"} {
		if got, a, ok := w.gate.Open(w.find, netip.MustParseAddr(from), token.Reveal()); !ok || got.ID != h.ID {
			t.Errorf("%s: %d", from, a.Status)
		}
	}
}
