package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// inputWorld is an App whose account hears by webhook, with an open door. Each
// request brings one message; the platform lets the answer be chosen and can make
// an event of a request again.
func inputWorld(t *testing.T, change func(*platforms.Platform), responders ...Responder) (*world, string) {
	t.Helper()
	w := newWorld(t, responders...)
	w.log = slog.DiscardHandler
	w.change = func(p *platforms.Platform) {
		p.Inbound, p.Answers = platforms.Webhook, true
		p.New = func(c platforms.Config) (platforms.Connector, error) {
			return &replaying{hooking{fakeConnector{w.fake, c}}}, nil
		}
		if change != nil {
			change(p)
		}
	}
	return openedIn(t, w)
}

// replaying is a hooking that reads requests anew.
type replaying struct{ hooking }

func (c *replaying) Replay(r *http.Request, body []byte) ([]platforms.Event, error) {
	return []platforms.Event{{ID: "anew", Kind: platforms.MessageReceived, Time: time.Now(), Text: string(body),
		Conversation: platforms.Conversation{ID: "c1", Kind: platforms.Direct}, From: platforms.User{ID: "u"},
		Raw: &platforms.Raw{Method: r.Method, Header: r.Header, Body: body}}}, nil
}

// knockAt sends a request, signed with secret, and gives the answer.
func knockAt(t *testing.T, bind, path, secret, id, body string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+bind+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	req.Header.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(m.Sum(nil)))
	req.Header.Set("X-Delivery", id)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	req.Close = true
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b), res.Header
}

const goodSecret = "tok-secret-value-1"

func (w *world) requests(q api.InputQuery) []api.InputRequest {
	w.t.Helper()
	list, err := w.app.Requests(w.t.Context(), q)
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func (w *world) request(id uint64) api.InputRequest {
	w.t.Helper()
	r, err := w.app.Request(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) setInput(s api.InputSettings) {
	w.t.Helper()
	if _, err := w.app.SetInput(w.t.Context(), "fake", s); err != nil {
		w.t.Fatal(err)
	}
}

func TestWhatComesIsNoted(t *testing.T) {
	w, bind := inputWorld(t, nil)
	before := w.app.Inputs()
	if len(before) != 1 || before[0].Account != "fake" || before[0].Requests != 0 || !before[0].Replies || before[0].Via == "" || before[0].Address == "" {
		t.Fatalf("%+v", before)
	}
	knockAt(t, bind, "/in?page=1", goodSecret, "a1", `{"text":"hello"}`, "X-Custom", "Ada", "Authorization", "whatever-it-is")
	knockAt(t, bind, "/in", goodSecret, "a1", `{"text":"hello"}`)
	knockAt(t, bind, "/in", "another secret", "a2", `{"text":"forged"}`)
	knockAt(t, bind, "/elsewhere", goodSecret, "a3", `{}`)
	list := w.requests(api.InputQuery{})
	if len(list) != 3 || list[0].Body != nil {
		t.Fatalf("%+v", list)
	}
	first, second, forged := w.request(list[2].ID), w.request(list[1].ID), w.request(list[0].ID)
	if !first.Verified || first.Status != 200 || first.Method != "POST" || first.Query != "page=1" || string(first.Body) != `{"text":"hello"}` || !first.Exact ||
		first.Via != "listener" || first.From != "127.0.0.1" || len(first.Entries) != 1 || first.Again || first.Masked != 1 ||
		first.Header["X-Custom"][0] != "Ada" || first.Header["Authorization"][0] != "[masked]" || first.Size != 16 {
		t.Errorf("%+v", first)
	}
	if e, err := w.app.Entry(t.Context(), first.Entries[0]); err != nil || e.Text != `{"text":"hello"}` {
		t.Errorf("%+v %v", e, err)
	}
	if !second.Verified || !second.Again || len(second.Entries) != 1 || second.Entries[0] != first.Entries[0] {
		t.Errorf("%+v", second)
	}
	if forged.Verified || forged.Why != "bad signature" || forged.Status != 404 || len(forged.Entries) != 0 {
		t.Errorf("%+v", forged)
	}
	if first.Line != `{"text":"hello"}` {
		t.Errorf("%q", first.Line)
	}
	for expr, want := range map[string]api.InputTried{
		`text + "!"`:      {Text: `{"text":"hello"}!`},
		`conversation.id`: {Text: "c1"},
		`text +`:          {Problem: "ine 1"},
		`json.a.b`:        {Problem: "nothing that could have"},
	} {
		got, err := w.app.TryInput(t.Context(), api.InputTrial{Request: first.ID, Expr: expr})
		if err != nil || got.Text != want.Text || (got.Problem == "") != (want.Problem == "") || !strings.Contains(got.Problem, want.Problem) {
			t.Errorf("%s: %+v %v", expr, got, err)
		}
	}
	if got, err := w.app.TryInput(t.Context(), api.InputTrial{Request: forged.ID, Expr: `json.text + header("X-Delivery")`}); err != nil || got.Text != "forgeda2" {
		t.Errorf("%+v %v", got, err)
	}
	for q, want := range map[api.InputQuery]int{
		{Only: "verified"}: 2, {Only: "refused"}: 1, {Text: "FORGED"}: 1, {Text: "ada"}: 1, {Text: "page=1"}: 1, {Account: "other"}: 0, {Limit: 1}: 1, {Before: forged.ID}: 2,
	} {
		if n := len(w.requests(q)); n != want {
			t.Errorf("%+v: %d, want %d", q, n, want)
		}
	}
	in := w.app.Inputs()[0]
	if in.Requests != 3 || in.Bytes == 0 || in.Accepted != 2 || in.Rejected != 2 || in.Last.IsZero() {
		t.Errorf("%+v", in)
	}
	if _, err := w.app.Requests(t.Context(), api.InputQuery{Only: "some"}); err == nil {
		t.Error("any word selects")
	}
	if err := w.app.ForgetRequests(t.Context(), "fake"); err != nil || len(w.requests(api.InputQuery{})) != 0 {
		t.Errorf("not forgotten: %v", err)
	}
}

// TestNoSecretIsNoted: whatever shape a secret comes in, it is not kept.
func TestNoSecretIsNoted(t *testing.T) {
	w, bind := inputWorld(t, nil)
	form := "application/x-www-form-urlencoded"
	learned := "slashtokenthatthevaultdoesnotknow"
	for i, c := range []struct{ path, body, kind, leak string }{
		{"/in", `{"a":"` + goodSecret + `"}`, "application/json", goodSecret},
		{"/in?key=" + goodSecret, `{}`, "application/json", goodSecret},
		{"/in", "text=hi&token=" + learned + "&x=1", form, learned},
		{"/in?token=" + learned, `{}`, "application/json", learned},
		{"/in", `{"context":{"token" : "` + learned + `","text":"hi"}}`, "application/json", learned},
		{"/in", "payload=%7B%22token%22%3A%22" + learned + "%22%7D", form, learned},
		{"/in", hex.EncodeToString([]byte(goodSecret)), "text/plain", hex.EncodeToString([]byte(goodSecret))},
	} {
		knockAt(t, bind, c.path, goodSecret, fmt.Sprint("s", i), c.body, "Content-Type", c.kind, "X-Odd", goodSecret, "X-Api-Key", learned, "Cookie", learned)
		list := w.requests(api.InputQuery{Limit: 1})
		r := w.request(list[0].ID)
		if s := fmt.Sprintf("%s %v %s", r.Query, r.Header, r.Body); strings.Contains(s, c.leak) || strings.Contains(s, goodSecret) || strings.Contains(s, learned) || r.Masked < 4 {
			t.Errorf("%s %s: %s (%d masked)", c.path, c.body, s, r.Masked)
		}
	}
	knockAt(t, bind, "/in", goodSecret, "s99", "text=a%20b&token=&other=%zz", "Content-Type", form)
	if r := w.request(w.requests(api.InputQuery{Limit: 1})[0].ID); string(r.Body) != "text=a%20b&token=&other=%zz" || !r.Exact {
		t.Errorf("what is no secret was changed: %s", r.Body)
	}
}

func TestSettingsOfInputs(t *testing.T) {
	w, _ := inputWorld(t, nil)
	for name, s := range map[string]api.InputSettings{
		"answer":    {Answer: api.InputAnswer{Mode: "dynamic", Body: `text +`}},
		"mode":      {Answer: api.InputAnswer{Mode: "random"}},
		"long":      {Answer: api.InputAnswer{Mode: "static", Body: strings.Repeat("a", 64<<10+1)}},
		"status":    {Answer: api.InputAnswer{Mode: "static", Status: 500}},
		"type":      {Answer: api.InputAnswer{Mode: "static", Type: "text/plain\r\nX: y"}},
		"transform": {Transform: `attachments`},
		"keep":      {Keep: 10_001},
		"keep_for":  {KeepFor: 366 * 24 * time.Hour},
	} {
		_, err := w.app.SetInput(t.Context(), "fake", s)
		wire := wireError(err)
		if err == nil || wire.Kind != platforms.Rejected || len(wire.Fields) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.app.SetInput(t.Context(), "fake", api.InputSettings{Transform: "json.a +"})
	if err == nil || !strings.Contains(err.Error(), "ine 1, column") {
		t.Errorf("where is not said: %v", err)
	}
	want := api.InputSettings{Answer: api.InputAnswer{Mode: "static", Body: "ok"}, Transform: "text", Ephemeral: true, Keep: 7, KeepFor: time.Hour}
	in, err := w.app.SetInput(t.Context(), "fake", want)
	if err != nil || in.Settings != want || !w.account().Ephemeral {
		t.Errorf("%+v %v", in, err)
	}
	w.stop()
	w.start()
	if got := w.app.Inputs(); len(got) != 1 || got[0].Settings != want {
		t.Errorf("after a restart: %+v", got)
	}
	if err := w.app.RemoveAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	w.add()
	if got := w.app.Inputs(); len(got) != 1 || got[0].Settings != (api.InputSettings{}) {
		t.Errorf("a new account has a removed one's: %+v", got)
	}
}

func TestSettingsOfOthers(t *testing.T) {
	w, _ := inputWorld(t, func(p *platforms.Platform) { p.Answers = false })
	if _, err := w.app.SetInput(t.Context(), "fake", api.InputSettings{Answer: api.InputAnswer{Mode: "static"}}); err == nil {
		t.Error("a platform's protocol was changed")
	}
	d := newWorld(t)
	d.start()
	d.add()
	if _, err := d.app.SetInput(t.Context(), "fake", api.InputSettings{}); wireError(err).Kind != platforms.Unsupported || len(d.app.Inputs()) != 0 {
		t.Errorf("an account that dials is an input: %v", err)
	}
}

func TestChosenAnswers(t *testing.T) {
	w, bind := inputWorld(t, nil)
	for i, c := range []struct {
		answer       api.InputAnswer
		body         string
		status       int
		words, type_ string
	}{
		{api.InputAnswer{}, `{}`, 200, "", ""},
		{api.InputAnswer{Mode: "static", Status: 202, Body: "thanks"}, `{}`, 202, "thanks", "text/plain; charset=utf-8"},
		{api.InputAnswer{Mode: "static", Body: `{"ok":true}`}, `{}`, 200, `{"ok":true}`, "application/json"},
		{api.InputAnswer{Mode: "static", Type: "text/html", Body: `{"ok":true}`}, `{}`, 200, `{"ok":true}`, "text/html"},
		{api.InputAnswer{Mode: "dynamic", Body: `"got " + text`}, `one`, 200, `got one`, "text/plain; charset=utf-8"},
		{api.InputAnswer{Mode: "dynamic", Body: `conversation.id + header("X-Delivery")`}, `two`, 200, `c5`, "text/plain; charset=utf-8"},
		{api.InputAnswer{Mode: "dynamic", Body: `json.missing.part`}, `{}`, 200, "", ""}, // fails: the platform's own
	} {
		w.setInput(api.InputSettings{Answer: c.answer})
		status, words, h := knockAt(t, bind, "/in", goodSecret, fmt.Sprint("d", i), c.body)
		if status != c.status || words != c.words || c.type_ != "" && h.Get("Content-Type") != c.type_ {
			t.Errorf("%+v: %d %q %q", c.answer, status, words, h.Get("Content-Type"))
		}
		if status, words, _ := knockAt(t, bind, "/in", "forged", "x0", c.body); status != 404 || words != "not found\n" {
			t.Errorf("a stranger is told %d %q", status, words)
		}
	}
}

func TestTransform(t *testing.T) {
	w, bind := inputWorld(t, nil)
	w.setInput(api.InputSettings{Transform: `text == "odd" ? json.a.b : "seen: " + text`})
	knockAt(t, bind, "/in", goodSecret, "t1", "hello")
	knockAt(t, bind, "/in", goodSecret, "t2", "odd")
	list := w.requests(api.InputQuery{})
	texts := map[int]string{}
	for i, r := range list {
		e, err := w.app.Entry(t.Context(), r.Entries[0])
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = e.Text
	}
	if texts[1] != "seen: hello" || texts[0] != "odd" {
		t.Errorf("%v", texts)
	}
	if list[1].Why != "" || !strings.Contains(list[0].Why, "transform failed") || !list[0].Verified {
		t.Errorf("%+v", list)
	}
}

func TestEphemeralInput(t *testing.T) {
	w, bind := inputWorld(t, nil)
	w.setInput(api.InputSettings{Ephemeral: true})
	knockAt(t, bind, "/in?secretquery=1", goodSecret, "e1", "hello")
	list := w.requests(api.InputQuery{})
	if len(list) != 1 {
		t.Fatalf("%+v", list)
	}
	r := w.request(list[0].ID)
	if !r.Erased || r.Query != "" || r.Body != nil || r.Header != nil || r.From != "" || r.Entries != nil || r.Method != "POST" || r.Status != 200 || r.At.IsZero() {
		t.Errorf("%+v", r)
	}
	w.until("the message is erased", func() bool {
		e, err := w.app.Entry(t.Context(), 1)
		return err == nil && e.Erased
	})
}

// TestRequestsWithinBounds: as many as were asked for are kept, and a flood of
// refused ones takes no room from the others.
func TestRequestsWithinBounds(t *testing.T) {
	w, bind := inputWorld(t, nil)
	w.setInput(api.InputSettings{Keep: 3})
	large := strings.Repeat("x", 40<<10)
	for i := range 5 {
		knockAt(t, bind, "/in", goodSecret, fmt.Sprint("b", i), fmt.Sprint("good ", i))
	}
	for i := range 60 {
		knockAt(t, bind, "/in", "forged", fmt.Sprint("f", i), large)
	}
	var good, bad int
	for _, r := range w.requests(api.InputQuery{Limit: 1000}) {
		if r.Verified {
			good++
			continue
		}
		bad++
		if b := w.request(r.ID); len(b.Body) > strangeBody || !b.Cut || b.Size != int64(len(large)) {
			t.Fatalf("%d bytes, cut %v, size %d", len(b.Body), b.Cut, b.Size)
		}
	}
	if good != 3 || bad < 1 || bad > strangeMost+10 {
		t.Errorf("%d good and %d bad ones are kept", good, bad)
	}
	w.setInput(api.InputSettings{Keep: 1})
	if n := len(w.requests(api.InputQuery{Only: "verified"})); n != 1 {
		t.Errorf("%d are kept", n)
	}
	if n := w.app.Inputs()[0].Missed; n != 0 {
		t.Errorf("%d missed", n)
	}
}

// TestRecorderBounds: what comes too fast is counted, not queued, and names of
// requests that never end are forgotten.
func TestRecorderBounds(t *testing.T) {
	w, _ := inputWorld(t, nil)
	r := w.app.recorder
	r.writing.Lock() // nobody writes
	now := time.Now()
	for range 3000 {
		r.observe(seenNow(now, make([]byte, 64<<10)))
	}
	for i := range 3 * namesMost {
		r.bring(platforms.Event{Request: fmt.Sprint("n", i)}, acceptedAs(1), "", true)
	}
	r.mu.Lock()
	queue, held, names, order := len(r.queue), r.bytes, len(r.brings), len(r.order)
	missed := r.missed["fake"]
	r.mu.Unlock()
	r.writing.Unlock()
	if queue > queueMost || held > queueBytes || int(missed)+queue != 3000 || missed < 2000 {
		t.Errorf("%d wait with %d bytes, %d missed", queue, held, missed)
	}
	if names > namesMost || order > namesMost {
		t.Errorf("%d names are known, in a list of %d", names, order)
	}
	if _, ok := r.event(fmt.Sprint("n", 3*namesMost-1)); !ok {
		t.Error("the latest is not known")
	}
}

func seenNow(at time.Time, body []byte) ingress.Seen {
	return ingress.Seen{Account: "fake", At: at, Verified: true, Status: 200, Body: body}
}

func acceptedAs(seq uint64) store.Accepted { return store.Accepted{Seq: seq} }

// BenchmarkObserve is what noting a request costs the request itself.
func BenchmarkObserve(b *testing.B) {
	w := &world{vault: vault.Memory()}
	r := newRecorder(&App{vault: w.vault})
	body := make([]byte, 6<<10)
	s := seenNow(time.Now(), body)
	for b.Loop() {
		s.At = s.At.Add(5 * time.Millisecond) // none comes too fast
		r.observe(s)
		if len(r.queue) == queueMost/2 {
			r.queue, r.bytes = r.queue[:0], 0
		}
	}
}
