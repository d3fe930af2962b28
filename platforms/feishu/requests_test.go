package feishu_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/platformtest"
)

// found is the problem with this code.
func found(t *testing.T, conn platforms.Connector, code string) (platforms.Problem, bool) {
	t.Helper()
	id, err := conn.Check(soon(t))
	must(t, err)
	for _, p := range id.Problems {
		if p.Code == code {
			return p, true
		}
	}
	return platforms.Problem{}, false
}

// TestTheAddress: the person is told what to paste until the platform called,
// and the console gets its challenge back while the account is connected.
func TestTheAddress(t *testing.T) {
	for _, signed := range []bool{false, true} {
		s, conn, in := openHTTP(t)
		s.Through(in, false)
		if p, ok := found(t, conn, "long_connection"); ok {
			t.Errorf("the long connection is missed: %+v", p)
		}
		p, ok := found(t, conn, "callback")
		_, public, _ := strings.Cut(p.Text, "paste: ")
		public, _, _ = strings.Cut(public, " ")
		if !ok || p.Bad || !strings.HasPrefix(public, "https://bot.example/feishu/") || len(public) != len("https://bot.example/feishu/")+32 {
			t.Fatalf("%+v", p)
		}
		if err := s.SaveURL(public, signed); err == nil {
			t.Error("it is answered although nothing runs")
		}
		var rec platformtest.Recorder
		stop := run(t, conn, "", &rec)
		rec.WaitPhase(t, platforms.Connected)
		must(t, s.SaveURL(public, signed))
		if p, ok := found(t, conn, "callback"); ok {
			t.Errorf("%+v", p)
		}
		s.Say(feishutest.Direct, feishutest.Person, "hello")
		if ev := rec.Wait(t, 1)[0]; ev.Text != "hello" || ev.From.Name != "Ada Lovelace" {
			t.Errorf("%+v", ev)
		}
		must(t, s.WaitAll(soon(t)))
		if !slices.ContainsFunc(rec.States(), func(st platforms.State) bool { return st.Hears && st.Phase == platforms.Connected }) {
			t.Error("no state says that it hears")
		}
		_ = stop()
		if in.Open() != 0 {
			t.Error("the address is still open")
		}
	}
}

// TestAnotherTokensChallenge is not returned.
func TestAnotherTokensChallenge(t *testing.T) {
	for name, h := range map[string]feishutest.HTTP{
		"token": {EncryptKey: encryptKey, Token: "another-token-of-somebody"},
		"key":   {EncryptKey: "another-key-of-somebody", Token: verifyWord},
		"none":  {Token: verifyWord},
	} {
		s, conn, in := openHTTP(t)
		var rec platformtest.Recorder
		run(t, conn, "", &rec)
		rec.WaitPhase(t, platforms.Connected)
		s.SetHTTP(h)
		p, _ := found(t, conn, "callback")
		_, address, _ := strings.Cut(p.Text, "paste: ")
		address, _, _ = strings.Cut(address, " ")
		for _, signed := range []bool{false, true} {
			if err := s.SaveURL(address, signed); err == nil {
				t.Errorf("another %s: it is returned", name)
			}
		}
		if len(in.Rejected()) != 2 {
			t.Errorf("another %s: %v", name, in.Rejected())
		}
	}
}

// TestClicksOverHTTP: what the click is answered with is shown, and without
// words it is answered all the same.
func TestClicksOverHTTP(t *testing.T) {
	s, conn, _ := openHTTP(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	rec.WaitPhase(t, platforms.Connected)
	id, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Group, Text: "Deploy?", Buttons: yesNo()})
	must(t, err)
	if !s.Click(string(id), "Yes", feishutest.Person) {
		t.Fatal("there is no button")
	}
	ev := rec.Wait(t, 1)[0]
	if ev.Kind != platforms.ButtonClicked || ev.Message != id {
		t.Fatalf("%+v", ev)
	}
	must(t, conn.(platforms.Clicker).Clicked(soon(t), ev.Click.Token, "noted"))
	must(t, s.WaitAll(soon(t)))
	if got := s.Toasts(); !slices.Equal(got, []string{"noted"}) {
		t.Errorf("%q", got)
	}
	if got := labels(s, id)[0]; got != "✓ Yes" {
		t.Errorf("the button says %q", got)
	}
	s.Click(string(id), "No", feishutest.Person)
	rec.Wait(t, 2)
	must(t, s.WaitAll(soon(t)))
	if s.Failed() != 0 || s.Refused() != 0 || len(s.Toasts()) != 1 {
		t.Errorf("%d failed, %d can't be read, %q", s.Failed(), s.Refused(), s.Toasts())
	}
}

// TestRetries: what was not stored is not acknowledged, and stored when it comes
// again, 15 seconds, 5 minutes, 1 hour and 6 hours later.
func TestRetries(t *testing.T) {
	s, conn, in := openHTTP(t)
	var rec platformtest.Recorder
	stop := run(t, conn, "", &rec)
	rec.WaitPhase(t, platforms.Connected)
	_ = stop()
	s.Say(feishutest.Direct, feishutest.Person, "unheard") // nobody is at the address
	for i, wait := range []time.Duration{15 * time.Second, 5 * time.Minute, time.Hour} {
		must(t, s.WaitFailed(soon(t), i+1))
		s.Advance(wait)
	}
	must(t, s.WaitFailed(soon(t), 4))
	in.On(nil, nil) // a route that opens tells nobody
	var again platformtest.Recorder
	run(t, conn, rec.Cursor(), &again)
	again.WaitPhase(t, platforms.Connected)
	s.Advance(6 * time.Hour)
	if ev := again.Wait(t, 1)[0]; ev.Text != "unheard" {
		t.Errorf("%+v", ev)
	}
	must(t, s.WaitAll(soon(t)))
}

// TestASlowStore: the platform is told to come again before it gives up by
// itself, and then brings the same event.
func TestASlowStore(t *testing.T) {
	s, conn, _ := openHTTP(t)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	rec.WaitPhase(t, platforms.Connected)
	card, err := conn.Send(soon(t), platforms.Message{Key: "k", Conversation: feishutest.Group, Text: "Deploy?", Buttons: yesNo()})
	must(t, err)
	rec.Block()
	id := s.Say(feishutest.Direct, feishutest.Person, "slow")
	rec.WaitCalls(t, 1)
	s.Click(string(card), "Yes", feishutest.Person)
	must(t, s.WaitFailed(soon(t), 2)) // one is being stored, the other waits for that
	if slices.Contains(s.Acked(), id) || s.Unanswered() != 0 {
		t.Errorf("%q are acknowledged, %d got no answer", s.Acked(), s.Unanswered())
	}
	rec.Unblock()
	s.Advance(15 * time.Second)
	must(t, s.WaitAll(soon(t)))
	if calls := rec.Calls(); len(calls) != 2 || calls[0].ID != calls[1].ID {
		t.Errorf("%d calls", len(calls))
	}
}

// TestRequestsDontHoldRunUp: what waits is told to come again.
func TestRequestsDontHoldRunUp(t *testing.T) {
	s, conn, in := openHTTP(t)
	var rec platformtest.Recorder
	stop := run(t, conn, "", &rec)
	rec.WaitPhase(t, platforms.Connected)
	rec.Block()
	s.Say(feishutest.Direct, feishutest.Person, "caught")
	rec.WaitCalls(t, 1)
	if err := stop(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	must(t, s.WaitFailed(soon(t), 1))
	if len(s.Acked()) != 0 || in.Open() != 0 {
		t.Errorf("%q are acknowledged, %d addresses open", s.Acked(), in.Open())
	}
}

// TestTheClockThatSigns: a few minutes are nothing; a request of another day is
// refused, and the reason is there for the person.
func TestTheClockThatSigns(t *testing.T) {
	for by, good := range map[time.Duration]bool{-3 * time.Minute: true, 3 * time.Minute: true, -26 * time.Hour: false, 26 * time.Hour: false} {
		s, conn, in := openHTTP(t)
		s.SetHTTP(feishutest.HTTP{EncryptKey: encryptKey, Token: verifyWord, Ahead: by})
		var rec platformtest.Recorder
		run(t, conn, "", &rec)
		rec.WaitPhase(t, platforms.Connected)
		s.Say(feishutest.Direct, feishutest.Person, "hello")
		if good {
			rec.Wait(t, 1)
			continue
		}
		must(t, s.WaitFailed(soon(t), 1))
		if why := in.Rejected(); len(why) == 0 || !errors.Is(why[0], platforms.ErrStale) || len(rec.Calls()) != 0 {
			t.Errorf("%v: %v, %d stored", by, why, len(rec.Calls()))
		}
	}
}

// TestReplacedSecrets: until its end, what comes under a replaced secret counts.
func TestReplacedSecrets(t *testing.T) {
	for left, good := range map[time.Duration]bool{time.Hour: true, -time.Second: false} {
		s, in := newServer(t), ingresstest.New()
		c := config(t, s)
		overHTTP(s, &c, in)
		c.Former = map[string]platforms.Former{"verification_token": {Secret: platforms.NewSecret(verifyWord), Until: time.Now().Add(left)},
			"encrypt_key": {Secret: platforms.NewSecret(encryptKey), Until: time.Now().Add(left)}}
		c.Secrets["encrypt_key"], c.Secrets["verification_token"] = platforms.NewSecret("fresh-encrypt-key"), platforms.NewSecret("fresh-verification-token")
		conn, err := feishu.Platform().New(c)
		must(t, err)
		var rec platformtest.Recorder
		run(t, conn, "", &rec)
		rec.WaitPhase(t, platforms.Connected)
		s.Say(feishutest.Direct, feishutest.Person, "under the former")
		if !good {
			must(t, s.WaitFailed(soon(t), 1))
			if why := in.Rejected(); len(why) == 0 || !errors.Is(why[0], platforms.ErrSignature) || len(rec.Calls()) != 0 {
				t.Errorf("%v, %d stored", why, len(rec.Calls()))
			}
			continue
		}
		rec.Wait(t, 1)
		s.SetHTTP(feishutest.HTTP{URL: s.HTTP().URL, EncryptKey: "fresh-encrypt-key", Token: "fresh-verification-token"})
		s.Say(feishutest.Direct, feishutest.Person, "under the new")
		if evs := rec.Wait(t, 2); evs[0].Text != "under the former" || evs[1].Text != "under the new" {
			t.Errorf("%+v", evs)
		}
	}
}

// TestStrangersLearnNothing, over real connections: whatever is wrong, the
// answer is that of an address that is not there.
func TestStrangersLearnNothing(t *testing.T) {
	s := newServer(t)
	in, err := ingresstest.NewLoopback()
	must(t, err)
	t.Cleanup(in.Close)
	c := config(t, s)
	overHTTP(s, &c, in)
	conn, err := feishu.Platform().New(c)
	must(t, err)
	var rec platformtest.Recorder
	run(t, conn, "", &rec)
	s.Say(feishutest.Direct, feishutest.Person, "genuine")
	rec.Wait(t, 1)
	must(t, s.WaitAll(soon(t)))
	address, plain := s.HTTP().URL, []byte(`{"schema":"2.0","header":{"event_type":"im.message.receive_v1","token":"`+verifyWord+`"}}`)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	knock := func(method, address string, body []byte, sign string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(soon(t), method, address, bytes.NewReader(body))
		must(t, err)
		if sign != "" {
			feishutest.Sign(req.Header, sign, body, time.Now(), "1")
		}
		resp, err := client.Do(req)
		must(t, err)
		b, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Header.Del("Date")
		return fmt.Sprint(resp.StatusCode, resp.Header, string(b))
	}
	want := knock("POST", address+"0", nil, "")
	if !strings.HasPrefix(want, "404") {
		t.Fatal(want)
	}
	for name, got := range map[string]string{
		"nothing":               knock("POST", address, nil, ""),
		"GET":                   knock("GET", address, nil, encryptKey),
		"not signed":            knock("POST", address, feishutest.Seal(encryptKey, plain), ""),
		"signed by another":     knock("POST", address, feishutest.Seal(encryptKey, plain), "another-key-of-somebody"),
		"encrypted by another":  knock("POST", address, feishutest.Seal("another-key-of-somebody", plain), encryptKey),
		"not encrypted":         knock("POST", address, plain, encryptKey),
		"another token":         knock("POST", address, feishutest.Seal(encryptKey, bytes.ReplaceAll(plain, []byte(verifyWord), []byte("x"))), encryptKey),
		"a challenge in clear":  knock("POST", address, []byte(`{"type":"url_verification","challenge":"x","token":"`+verifyWord+`"}`), ""),
		"a challenge, no token": knock("POST", address, feishutest.Seal(encryptKey, []byte(`{"type":"url_verification","challenge":"x"}`)), ""),
	} {
		if got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	// What is genuine gets honest answers.
	for plain, want := range map[string]string{
		`{"schema":"2.0","header":{"event_type":"im.message.receive_v1","token":"` + verifyWord + `","app_id":"cli_other"}}`:                                  "403",
		`{"schema":"2.0","header":{"event_type":"future.event_v9","token":"` + verifyWord + `","app_id":"` + appID + `"}}`:                                    "200",
		`{"uuid":"1","type":"event_callback","token":"` + verifyWord + `","event":{"type":"message"}}`:                                                        "200",
		`{"token":"` + verifyWord + `","open_id":"ou_1","open_message_id":"om_1","open_chat_id":"oc_1","action":{"value":{"data":"x"}}}`:                      "200",
		`{"schema":"2.0","header":{"event_type":"card.action.trigger","token":"` + verifyWord + `","app_id":"` + appID + `"},"event":{"action":{"value":1}}}`: "200",
	} {
		if got := knock("POST", address, feishutest.Seal(encryptKey, []byte(plain)), encryptKey); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s, want %s", plain, got, want)
		}
	}
	if n := len(rec.Calls()); n != 1 {
		t.Errorf("%d events are stored", n)
	}
}

func TestAnAddressThatIsNotAllowed(t *testing.T) {
	s, conn, in := openHTTP(t)
	in.Refuse(&platforms.Error{Kind: platforms.NotAcknowledged, Text: "Agree first."})
	wants := func(conn platforms.Connector, words string) {
		t.Helper()
		err := conn.Run(soon(t), "", &platformtest.Recorder{})
		if platforms.KindOf(err) != platforms.NotAcknowledged || !strings.Contains(platforms.Explain(err), words) {
			t.Errorf("Run: %v", err)
		}
		if p, ok := found(t, conn, "address"); !ok || !p.Bad || !strings.Contains(p.Text, words) {
			t.Errorf("Check: %+v", p)
		}
		if _, err := conn.Send(soon(t), text(words)); err != nil {
			t.Errorf("Send: %v", err)
		}
	}
	wants(conn, "Agree first.")
	in.Refuse(errors.New("in use"))
	wants(conn, "Feishu can't reach this computer")
	c := config(t, s)
	overHTTP(s, &c, in)
	c.Ingress, c.Settings["domain"] = nil, "lark"
	conn, err := feishu.Platform().New(c)
	must(t, err)
	wants(conn, "Lark can't reach this computer")
}

// TestHistoryOverHTTP: what the platform gave up is fetched in this mode too.
func TestHistoryOverHTTP(t *testing.T) {
	s, conn, _ := openHTTP(t)
	s.Keep(feishutest.Said{Chat: feishutest.Group, User: feishutest.Person, Text: "given up"})
	var rec platformtest.Recorder
	from, _ := json.Marshal(map[string]any{"t": time.Now().Add(-9 * time.Hour).UnixMilli()})
	run(t, conn, platforms.Cursor(from), &rec)
	if !slices.ContainsFunc(rec.Wait(t, 2), func(ev platforms.Event) bool { return ev.Text == "given up" }) {
		t.Errorf("%+v", rec.Events())
	}
}
