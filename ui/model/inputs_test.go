package model

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
)

func TestInputWords(t *testing.T) {
	now := time.Date(2026, 11, 20, 14, 0, 0, 0, time.UTC)
	for _, c := range []struct{ name, got, want string }{
		{"name", InputName(api.Input{Title: "Courier", Name: "shop"}), "Courier shop"},
		{"name that is the title", InputName(api.Input{Title: "Courier", Name: "Courier"}), "Courier"},
		{"no name", InputName(api.Input{Account: "a1"}), "a1"},
		{"name from outside", InputName(api.Input{Title: "A", Name: "x\ny"}), "A x y"},
		{"counts", InputCounts(api.Input{Accepted: 21200, Rejected: 31, Last: now.Add(-2 * time.Minute)}, now), "21,200 accepted · 31 rejected · last 2 min ago"},
		{"no counts", InputCounts(api.Input{}, now), "Nothing has come yet"},
		{"kept", InputKept(api.Input{Requests: 1204, Bytes: 3_400_000}), "1,204 requests kept, 3.4 MB"},
		{"one kept", InputKept(api.Input{Requests: 1}), "1 request kept"},
		{"none kept", InputKept(api.Input{}), "No request is kept"},
		{"ephemeral", InputKept(api.Input{Settings: api.InputSettings{Ephemeral: true}}), "No contents are kept"},
		{"ephemeral with some", InputKept(api.Input{Requests: 3, Settings: api.InputSettings{Ephemeral: true}}), "3 requests kept · contents are not kept"},
		{"nothing missed", InputMissed(api.Input{}), ""},
		{"one missed", InputMissed(api.Input{Missed: 1}), "1 more came too fast to be listed here. What it brought is in the inbox all the same."},
		{"missed", InputMissed(api.Input{Missed: 1700}), "1,700 more came too fast to be listed here. What they brought is in the inbox all the same."},
		{"keeps", InputKeeps(api.InputSettings{}), "The newest 500 requests for 7 days"},
		{"keeps some", InputKeeps(api.InputSettings{Keep: 5000, KeepFor: 48 * time.Hour}), "The newest 5,000 requests for 2 days"},
		{"keeps nothing", InputKeeps(api.InputSettings{Keep: 1, Ephemeral: true}), "The newest request for 7 days: when each came and how it was answered, nothing else"},
		{"listener", ViaWords("listener"), "by the listener here"},
		{"relay", ViaWords("home\x1b"), "by the relay home"},
		{"took", Took(1440 * time.Millisecond), "1.4 s"},
		{"took little", Took(12*time.Millisecond) + ", " + Took(5*time.Microsecond), "12 ms, under 1 ms"},
		{"took long", Took(150 * time.Second), "2 min"},
		{"answer", AnswerLine(api.InputRequest{Status: 404, Took: 12 * time.Millisecond}), "404 Not Found in 12 ms"},
		{"no answer", AnswerLine(api.InputRequest{}), "It was not answered."},
		{"odd status", CodeWords(299), "299"},
		{"subject", RequestSubject(api.InputRequest{Size: 1200, Header: map[string][]string{"Content-Type": {"application/json; charset=utf-8"}}}), "application/json · 1.2 kB"},
		{"subject without a type", RequestSubject(api.InputRequest{Size: 4}), "4 bytes"},
		{"how it begins", RequestSubject(api.InputRequest{Line: "{\"a\":\x00 1", Size: 9}), `{"a": 1`},
		{"no body", RequestSubject(api.InputRequest{Header: map[string][]string{"Content-Type": {"text/plain"}}}), "no body"},
		{"erased", RequestSubject(api.InputRequest{Erased: true, Size: 9}), "content not kept"},
		{"registered", RegistrationWords(api.Registration{Where: "ada/door", At: now.Add(-48 * time.Hour)}, now), "Registered at ada/door 2 days ago · waiting for its first request"},
		{"proven", RegistrationWords(api.Registration{Where: "ada/door", Proven: now.Add(-time.Hour)}, now), "Registered at ada/door · proven 1 h ago"},
		{"thousands", Thousands(0) + " " + Thousands(999) + " " + Thousands(1000) + " " + Thousands(1234567), "0 999 1,000 1,234,567"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q", c.name, c.got)
		}
	}
}

func TestAddressWords(t *testing.T) {
	for in, want := range map[string]string{"https://x.example/a": "https://x.example/a", "https://x.example/%E2%80%A6": "https://x.example/…", "https://x.example/…": "https://x.example/…"} {
		s, whole := AddressWords(in)
		if s != want || whole != !strings.Contains(s, "…") {
			t.Errorf("%s: %q %v", in, s, whole)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		r                       api.InputRequest
		state                   State
		symbol, words, sentence string
	}{
		{api.InputRequest{Verified: true, Status: 200}, Good, "✓", "verified", "It is genuine: it proved that it is from whom it says."},
		{api.InputRequest{Why: "the signature is wrong"}, Bad, "✕", "the signature is wrong", "It was turned away, and nothing acted on it. The signature is wrong."},
		{api.InputRequest{}, Bad, "✕", "not verified", "It was turned away, and nothing acted on it: it did not prove from whom it is."},
		{api.InputRequest{Verified: true, Why: "the disk is full", Status: 503}, Stale, "◔", "verified, then failed: the disk is full", "It is genuine, but it failed. The disk is full."},
		{api.InputRequest{Verified: true, Status: 503}, Stale, "◔", "verified, then failed", "It is genuine, but it was answered with 503 Service Unavailable."},
	} {
		v := Verdict(c.r)
		if v.State != c.state || v.Words != c.words || v.Symbol != c.symbol {
			t.Errorf("%+v: %+v", c.r, v)
		}
		if s := VerdictSentence(c.r); s != c.sentence {
			t.Errorf("%+v: %q", c.r, s)
		}
	}
	if v := Verdict(api.InputRequest{Why: "a\nb" + strings.Repeat("x", 500)}); strings.Contains(v.Words, "\n") || len(v.Words) > 200 {
		t.Errorf("%q", v.Words)
	}
}

func TestRequestNotes(t *testing.T) {
	if n := RequestNotes(api.InputRequest{Size: 4, Masked: 2}); !slices.Equal(n, []string{"2 secret values were taken out before it was kept."}) {
		t.Errorf("%q", n)
	}
	if n := RequestNotes(api.InputRequest{Exact: true, Size: 4}); n != nil {
		t.Errorf("%q", n)
	}
	n := RequestNotes(api.InputRequest{Again: true, Cut: true, Size: 9000})
	want := []string{"What it brought had come before, so nothing was handed on a second time.", "Only the beginning of its body is kept: it had 9.0 kB.",
		"The body may differ from what the sender sent: the relay writes it anew."}
	if !slices.Equal(n, want) {
		t.Errorf("%q", n)
	}
	if n := RequestNotes(api.InputRequest{Erased: true, Cut: true, Size: 9}); len(n) != 1 || !strings.HasPrefix(n[0], "Its content is not kept") {
		t.Errorf("%q", n)
	}
	if m := RequestMarks(api.InputRequest{Again: true, Erased: true}); !slices.Equal(m, []string{"again", "not kept"}) {
		t.Errorf("%q", m)
	}
}
