package line_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/line"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/platformtest"
)

// loopback is a stage whose webhooks come over a real connection.
func loopback(t *testing.T) (*stage, *ingresstest.Ingress) {
	in, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(in.Close)
	s := newStage(t, func(c *platforms.Config) { c.Ingress = in })
	s.Through(in, true)
	return s, in
}

func TestStrangersLearnNothing(t *testing.T) {
	s, _ := loopback(t)
	var rec platformtest.Recorder
	s.run(t, &rec)
	rec.WaitPhase(t, platforms.Connected)
	endpoint, _ := s.Endpoint()
	good := `{"destination":"` + linetest.Bot + `","events":[]}`
	type knock struct{ method, body, signature string }
	knocks := map[string]knock{
		"no signature":       {"POST", good, ""},
		"not base64":         {"POST", good, "!!"},
		"too short":          {"POST", good, "AAAA"},
		"of another secret":  {"POST", good, strings.Repeat("A", 43) + "="},
		"of another body":    {"POST", good, s.Sign([]byte("{}"))},
		"GET":                {"GET", "", s.Sign(nil)},
		"PUT":                {"PUT", good, s.Sign([]byte(good))},
		"too large":          {"POST", strings.Repeat("x", 1<<20+1), s.Sign([]byte(strings.Repeat("x", 1<<20+1)))},
		"empty":              {"POST", "", ""},
		"not JSON, unsigned": {"POST", "{", strings.Repeat("A", 43) + "="},
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: 10 * time.Second}}
	do := func(k knock) (int, string, http.Header) {
		t.Helper()
		req, err := http.NewRequestWithContext(soon(t), k.method, endpoint, strings.NewReader(k.body))
		must(t, err)
		if k.signature != "" {
			req.Header.Set("X-Line-Signature", k.signature)
		}
		if len(k.body) > 1<<20 { // else the answer may come while it is being sent, and get lost
			req.Header.Set("Expect", "100-continue")
		}
		resp, err := client.Do(req)
		must(t, err)
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Header.Del("Date")
		return resp.StatusCode, string(b), resp.Header
	}
	status, body, header := do(knocks["no signature"])
	if status != http.StatusNotFound {
		t.Fatalf("status %d", status)
	}
	for name, k := range knocks {
		if gotStatus, gotBody, gotHeader := do(k); gotStatus != status || gotBody != body || fmt.Sprint(gotHeader) != fmt.Sprint(header) {
			t.Errorf("%s: %d %q %v, want %d %q %v", name, gotStatus, gotBody, gotHeader, status, body, header)
		}
	}
	if got, _, _ := do(knock{"POST", good, s.Sign([]byte(good))}); got != http.StatusOK {
		t.Errorf("the verify button got status %d", got)
	}
	other := `{"destination":"U00000000000000000000000000000000","events":[]}`
	if got, _, _ := do(knock{"POST", other, s.Sign([]byte(other))}); got != http.StatusForbidden {
		t.Errorf("another bot's webhook got status %d", got)
	}
	if n := len(rec.Calls()); n != 0 {
		t.Errorf("%d events", n)
	}
}

// TestADawdlingSenderHoldsUpNothing: a request whose body never ends must not
// keep Run from returning.
func TestADawdlingSenderHoldsUpNothing(t *testing.T) {
	s, in := loopback(t)
	var rec platformtest.Recorder
	stop := s.run(t, &rec)
	rec.WaitPhase(t, platforms.Connected)
	endpoint, _ := s.Endpoint()
	u, err := url.Parse(endpoint)
	must(t, err)
	conn, err := net.Dial("tcp", u.Host)
	must(t, err)
	defer conn.Close()
	_, _ = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nX-Line-Signature: %s=\r\nContent-Length: 1000\r\n\r\n{", u.Path, strings.Repeat("A", 43))
	s.Say(linetest.Direct, linetest.Person, "meanwhile")
	rec.Wait(t, 1)
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Fatal("Run waits for a stranger")
	}
	if in.Open() != 0 {
		t.Error("the handler is still served")
	}
}

// TestASlowStore: LINE is told no before it gives up by itself, and what was
// stored after all is not stored twice.
func TestASlowStore(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.run(t, &rec)
	rec.WaitPhase(t, platforms.Connected)
	rec.Block()
	id := s.Say(linetest.Direct, linetest.Person, "slow")
	rec.WaitCalls(t, 1)
	must(t, s.Wait(soon(t), func() bool { return s.Failed() > 0 }))
	if slices.Contains(s.Acked(), id) {
		t.Error("acknowledged before it was stored")
	}
	rec.Unblock()
	must(t, s.WaitAcked(soon(t)))
	if calls := rec.Calls(); len(calls) < 2 || calls[0].ID != calls[1].ID {
		t.Errorf("%d calls", len(calls))
	}
	if evs := rec.Events(); len(evs) != 1 {
		t.Errorf("%d events are stored", len(evs))
	}
}

// batcher takes events together.
type batcher struct {
	*platformtest.Recorder
	batches chan []platforms.Event
}

func (b batcher) Events(_ context.Context, evs []platforms.Event) error {
	b.batches <- evs
	return nil
}

func TestEventsOfOneRequestAreStoredTogether(t *testing.T) {
	s := newStage(t)
	b := batcher{&platformtest.Recorder{}, make(chan []platforms.Event, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.conn.Run(ctx, "", b) }()
	var list []linetest.Said
	for i := range 5 {
		list = append(list, linetest.Said{Chat: linetest.Direct, User: linetest.Person, Text: fmt.Sprint(i)})
	}
	s.PostTogether(list...)
	for i, ev := range <-b.batches {
		if ev.Text != fmt.Sprint(i) {
			t.Errorf("event %d is %q", i, ev.Text)
		}
	}
	must(t, s.WaitAcked(soon(t)))
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestOneBadEventCostsNoOther: LINE adds fields and kinds without notice.
func TestOneBadEventCostsNoOther(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	s.run(t, &rec)
	s.Deliver("message", linetest.Direct, linetest.Person, map[string]any{"message": "not an object"})
	s.Deliver("message", linetest.Direct, linetest.Person, map[string]any{"message": map[string]any{"id": "7", "type": "hologram", "size": "1"}})
	ev := rec.Wait(t, 1)[0]
	if ev.Message != "7" || !strings.Contains(ev.Note, "hologram") {
		t.Errorf("%+v", ev)
	}
	must(t, s.WaitAcked(soon(t)))
}

func TestIngressThatIsNotAllowed(t *testing.T) {
	no := &platforms.Error{Kind: platforms.NotAcknowledged, Text: "Agree first."}
	t.Run("refused", func(t *testing.T) {
		s := newStage(t)
		s.in.Refuse(no)
		wants(t, s.conn.Run(soon(t), "", &platformtest.Recorder{}), platforms.NotAcknowledged, "Agree first")
		p, found := problem(t, s, "address")
		if !found || !p.Bad || p.Text != "Agree first." {
			t.Errorf("%+v", p)
		}
		wants(t, s.conn.(platforms.Fixer).Fix(soon(t), "endpoint"), platforms.NotAcknowledged, "Agree first")
	})
	t.Run("none", func(t *testing.T) {
		s := newStage(t, func(c *platforms.Config) { c.Ingress = nil })
		wants(t, s.conn.Run(soon(t), "", &platformtest.Recorder{}), platforms.NotAcknowledged, "no public address")
		if _, found := problem(t, s, "address"); !found {
			t.Error("Check does not say so")
		}
	})
}

// TestNoPathWithoutAKey: one that is made of the account's name could be guessed.
func TestNoPathWithoutAKey(t *testing.T) {
	s := newStage(t, func(c *platforms.Config) { c.Key = platforms.Secret{} })
	wants(t, s.conn.Run(soon(t), "", &platformtest.Recorder{}), platforms.Rejected, "no key")
	if p, found := problem(t, s, "address"); !found || !p.Bad {
		t.Errorf("%+v", p)
	}
	wants(t, s.conn.(platforms.Fixer).Fix(soon(t), "endpoint"), platforms.Rejected, "no key")
	if n := s.in.Open(); n != 0 {
		t.Errorf("%d routes are open", n)
	}
}

func TestTheEndpointAtLINE(t *testing.T) {
	s := newStage(t)
	s.Through(s.in, false)
	fixer := s.conn.(platforms.Fixer)
	p, found := problem(t, s, "endpoint")
	if !found || p.Fix != "Set it at LINE" || !p.Bad {
		t.Fatalf("none is set, and Check finds %+v", p)
	}
	s.SetEndpoint("https://other.example/secret-path", true)
	if p, _ := problem(t, s, "endpoint"); !strings.Contains(p.Text, "other.example") || strings.Contains(p.Text, "secret-path") {
		t.Errorf("another is set, and Check finds %+v", p)
	}
	var rec platformtest.Recorder
	stop := s.run(t, &rec)
	rec.WaitPhase(t, platforms.Degraded)
	must(t, fixer.Fix(soon(t), "endpoint"))
	if address, _ := s.Endpoint(); !strings.HasPrefix(address, "https://bot.example/line/") || len(address) < 40 {
		t.Errorf("the address is %q", address)
	}
	if p, found := problem(t, s, "endpoint_untested"); !found || p.Fix != "Test it" || p.Bad {
		t.Errorf("%+v", p)
	}
	must(t, fixer.Fix(soon(t), "endpoint_untested"))
	rec.WaitPhase(t, platforms.Connected)
	if id, err := s.conn.Check(soon(t)); err != nil || len(id.Problems) != 0 {
		t.Errorf("%+v, %v", id.Problems, err)
	}
	_ = stop()
	wants(t, fixer.Fix(soon(t), "endpoint_untested"), platforms.Rejected, "ERROR_STATUS_CODE")
	address, _ := s.Endpoint()
	s.SetEndpoint(address, false)
	if p, found := problem(t, s, "endpoint_inactive"); !found || p.Fix != "" || !p.Bad {
		t.Errorf("%+v", p)
	}
	wants(t, fixer.Fix(soon(t), "endpoint_inactive"), platforms.Unsupported, "Only you")
}

func TestQuota(t *testing.T) {
	s := newStage(t)
	s.SetQuota(200, 100)
	if p, found := problem(t, s, "quota"); found {
		t.Errorf("half is left: %+v", p)
	}
	s.SetQuota(200, 195)
	if p, found := problem(t, s, "quota"); !found || !strings.HasPrefix(p.Text, "5 of this month's 200 messages are left") {
		t.Errorf("%+v", p)
	}
	var rec platformtest.Recorder
	s.run(t, &rec)
	rec.WaitPhase(t, platforms.Connected)
	if !slices.ContainsFunc(rec.States(), func(st platforms.State) bool { return strings.Contains(st.Note, "5 of this month's 200") }) {
		t.Error("no state tells of it")
	}
	s.SetQuota(200, 200)
	_, err := s.conn.Send(soon(t), platforms.Message{Key: "1", Conversation: linetest.Direct, Text: "x"})
	wants(t, err, platforms.Rejected, "used up")
}

// TestWithoutRedelivery: LINE forgets what was not taken at once, where the
// person has not switched redelivery on.
func TestWithoutRedelivery(t *testing.T) {
	s := newStage(t)
	s.SetRedelivery(false)
	s.SetEndpoint("https://bot.example/nothing", true)
	s.Say(linetest.Direct, linetest.Person, "lost")
	must(t, s.WaitAcked(soon(t)))
	var rec platformtest.Recorder
	s.run(t, &rec)
	rec.WaitPhase(t, platforms.Connected)
	s.Say(linetest.Direct, linetest.Person, "heard")
	if ev := rec.Wait(t, 1)[0]; ev.Text != "heard" {
		t.Errorf("%+v", ev)
	}
}

func TestSecretsInAnswers(t *testing.T) {
	client := &http.Client{Transport: answers(func(r *http.Request) (int, string) {
		return http.StatusBadRequest, `{"message":"bad ` + token + `","details":[{"message":"` + secret + `","property":"x"}]}`
	})}
	conn, err := line.Platform().New(platforms.Config{HTTP: client,
		Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token), "secret": platforms.NewSecret(secret)}})
	must(t, err)
	_, err = conn.Send(soon(t), platforms.Message{Key: "k", Conversation: linetest.Direct, Text: "x"})
	for e := err; e != nil; e = errors.Unwrap(e) {
		if all := fmt.Sprintf("%v %+v %#v", e, e, e) + platforms.Explain(e); strings.Contains(all, token) || strings.Contains(all, secret) {
			t.Errorf("a secret is in %s", all)
		}
	}
	wants(t, err, platforms.Rejected, "[secret]")
}

func TestRedirectsDoNotCarryTheTokenAway(t *testing.T) {
	followed := false
	client := &http.Client{Transport: answers(func(r *http.Request) (int, string) {
		followed = followed || r.URL.Host == "evil.example"
		return http.StatusFound, ""
	})}
	conn, err := line.Platform().New(platforms.Config{HTTP: client,
		Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token), "secret": platforms.NewSecret(secret)}})
	must(t, err)
	_, err = conn.Check(t.Context())
	wants(t, err, platforms.Temporary, "not LINE")
	if followed || client.CheckRedirect != nil {
		t.Errorf("followed: %v; the client was changed: %v", followed, client.CheckRedirect != nil)
	}
}

// answers is a RoundTripper.
type answers func(*http.Request) (status int, body string)

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f(r)
	return &http.Response{StatusCode: status, Header: http.Header{"Location": {"https://evil.example/"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func TestNewRefusesWhatCanNotWork(t *testing.T) {
	good := map[string]platforms.Secret{"token": platforms.NewSecret(token), "secret": platforms.NewSecret(secret)}
	for name, c := range map[string]platforms.Config{
		"nothing":   {},
		"no secret": {Secrets: map[string]platforms.Secret{"token": good["token"]}},
		"swapped":   {Secrets: map[string]platforms.Secret{"token": good["secret"], "secret": good["token"]}},
		"server":    {Secrets: good, Settings: map[string]string{"server": "ftp://x"}},
	} {
		conn, err := line.Platform().New(c)
		if err == nil || conn != nil || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v, %v", name, conn, err)
		}
	}
}

// TestServerInTheClear: without https the credentials go no further than the
// network that this computer is in.
func TestServerInTheClear(t *testing.T) {
	for _, f := range line.Platform().Fields {
		if f.Key != "server" {
			continue
		}
		for _, in := range []string{"http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://192.168.1.2", "http://nas.local", "https://api.example.org"} {
			if got, err := f.Parse(in); got != in || err != nil {
				t.Errorf("%q: %q, %v", in, got, err)
			}
		}
		for _, in := range []string{"http://api.example.org", "http://203.0.113.5", "http://[2001:db8::1]", "http://localhost.example.org", "http://127.0.0.1.example.org", "http://local"} {
			if got, err := f.Parse(in); err == nil || got != "" || !strings.Contains(err.Error(), "https") {
				t.Errorf("%q is taken as %q, %v", in, got, err)
			}
		}
	}
}

// FuzzFormat renders hostile Markdown through the emulator's own reader: what a
// person reads must not depend on whether somebody is mentioned.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{"{m0} {{x}}", "}{", "`{a}`", "```\n{b}\n```", "[x](https://e/{m1})", "[{m0}](mention:U0a1b2c3d4e5f60718293a4b5c6d7e8f9)"} {
		f.Add(s)
	}
	s, err := linetest.New(token, secret)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	conn, err := line.Platform().New(platforms.Config{HTTP: http.DefaultClient, Settings: map[string]string{"server": s.URL()},
		Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token), "secret": platforms.NewSecret(secret)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if len(words) > 1000 || strings.Contains(words, "mention:") || strings.TrimSpace(words) == "" {
			t.Skip()
		}
		text := words + "\n\n[Ada](mention:" + linetest.Person + ")"
		read := func(chat platforms.ConversationID) string {
			id, err := conn.Send(soon(t), platforms.Message{Conversation: chat, Format: platforms.Markdown, Text: text})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range s.Sent() {
				if m.ID == string(id) {
					return m.Text
				}
			}
			return ""
		}
		plain, v2 := read(linetest.Direct), read(linetest.Group)
		if strings.TrimSuffix(plain, "Ada") != strings.TrimSuffix(v2, "@Ada Lovelace") {
			t.Errorf("%q is read as %q in a direct chat and as %q in a group", text, plain, v2)
		}
	})
}
