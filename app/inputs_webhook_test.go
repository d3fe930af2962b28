package app

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// deliverTo sends a request as its service signs it, or with another secret.
func (in *registrable) deliverTo(s webhooktest.Service, event, body, secret string) (int, string) {
	in.t.Helper()
	h := webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "d1", Event: event, Body: []byte(body)}, time.Now(), secret)
	req, err := http.NewRequestWithContext(in.t.Context(), http.MethodPost, "http://"+in.bind+in.app.Inputs()[0].Address[len("https://bot.example.org"):], bytes.NewReader([]byte(body)))
	if err != nil {
		in.t.Fatal(err)
	}
	req.Header, req.Close = h, true
	req.Header.Set("X-Forwarded-Uri", req.URL.Path+"?x=1")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		in.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		in.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestInputOfGitHub: what a real connector takes is noted, answered and replayed.
func TestInputOfGitHub(t *testing.T) {
	one := echoing("one")
	in := newInput(t, webhooktest.GitHub, one)
	in.open("bot.example.org")
	if _, err := in.app.SetInput(t.Context(), "webhook", api.InputSettings{
		Answer:    api.InputAnswer{Mode: "dynamic", Body: `"took " + header("X-GitHub-Event")`},
		Transform: `json.action + ": " + json.issue.title`}); err != nil {
		t.Fatal(err)
	}
	body := `{"action":"opened","issue":{"number":17,"title":"It leaks"},"repository":{"full_name":"octo/cat"},"sender":{"id":1,"login":"ada"}}`
	if status, words := in.deliverTo(webhooktest.GitHub, "issues", body, hookSecret); status != 200 || words != "took issues" {
		t.Fatalf("%d %q", status, words)
	}
	if status, _ := in.deliverTo(webhooktest.GitHub, "issues", strings.Replace(body, "leaks", "burns", 1), "not the secret at all"); status != 404 {
		t.Fatalf("a forged one got %d", status)
	}
	list := in.requests(api.InputQuery{})
	if len(list) != 2 || list[0].Verified || list[0].Why != "bad signature" || !list[1].Verified || list[1].Answer != "took issues" {
		t.Fatalf("%+v", list)
	}
	r := in.request(list[1].ID)
	if got := r.Header["X-Forwarded-Uri"]; len(got) != 1 || got[0] != "[masked]?x=1" {
		t.Errorf("the path is kept: %q", got)
	}
	e, err := in.app.Entry(t.Context(), r.Entries[0])
	if err != nil || e.Text != "opened: It leaks" || string(r.Body) != body || !r.Exact {
		t.Fatalf("%+v %+v %v", e, r, err)
	}
	in.until("it was answered", func() bool { return len(one.deliveries()) == 1 })
	if got := in.replay(api.Replay{Request: list[0].ID}); got.Results[0].Answers[0] != "one: opened: It burns" {
		t.Errorf("%+v", got)
	}
	if got := in.replay(api.Replay{Request: list[1].ID, Body: []byte(strings.Replace(body, "opened", "closed", 1))}); got.Results[0].Answers[0] != "one: closed: It leaks" {
		t.Errorf("%+v", got)
	}
	got := in.replay(api.Replay{Entry: e.Seq})
	d := one.deliveries()
	if last := d[len(d)-1]; last.Event.Raw == nil || string(last.Event.Raw.Body) != body || last.Event.Conversation.ID != "octo/cat" || got.Event.Replay != e.Seq {
		t.Errorf("%+v", last)
	}
	if _, err := in.app.Replay(t.Context(), api.Replay{Entry: e.Seq, Send: true}); err == nil || !strings.Contains(err.Error(), "only brings messages") {
		t.Errorf("%v", err)
	}
}

// TestTriedIsWhatIsKept: who tries an expression sees no more than who looks at
// the request.
func TestTriedIsWhatIsKept(t *testing.T) {
	in := newInput(t, webhooktest.GitHub, echoing("one"))
	in.open("bot.example.org")
	body := `{"zen":"open","ours":"` + hookSecret + `","client_secret":"theirs-0123456789"}`
	if status, words := in.deliverTo(webhooktest.GitHub, "ping", body, hookSecret); status != 200 {
		t.Fatalf("%d %q", status, words)
	}
	r := in.requests(api.InputQuery{})[0]
	for expr, want := range map[string]string{"json.zen": "open", "json.ours": masked, "json.client_secret": masked, `header("X-Github-Event")`: "ping"} {
		if got, err := in.app.TryInput(t.Context(), api.InputTrial{Request: r.ID, Expr: expr}); err != nil || got.Text != want {
			t.Errorf("%s: %+v %v", expr, got, err)
		}
	}
}

// TestChallengeIsNotAnswered: a chosen answer does not take the place of what the
// protocol wants.
func TestChallengeIsNotAnswered(t *testing.T) {
	in := newInput(t, webhooktest.Slack)
	in.open("bot.example.org")
	if _, err := in.app.SetInput(t.Context(), "webhook", api.InputSettings{Answer: api.InputAnswer{Mode: "static", Body: "thanks"}}); err != nil {
		t.Fatal(err)
	}
	if status, words := in.deliverTo(webhooktest.Slack, "", `{"type":"url_verification","challenge":"3eZbrw1aB"}`, hookSecret); status != 200 || words != "3eZbrw1aB" {
		t.Errorf("%d %q", status, words)
	}
	if status, words := in.deliverTo(webhooktest.Slack, "", `{"type":"event_callback","token":"oldtokenofslack","event_id":"Ev1","event":{"type":"message","text":"hi"}}`, hookSecret); status != 200 || words != "thanks" {
		t.Errorf("%d %q", status, words)
	}
	list := in.requests(api.InputQuery{})
	if len(list) != 2 || list[0].Answer != "thanks" || list[1].Answer != "3eZbrw1aB" || len(list[1].Entries) != 0 {
		t.Fatalf("%+v", list)
	}
	if r := in.request(list[0].ID); strings.Contains(string(r.Body), "oldtoken") || r.Masked != 2 || r.Exact {
		t.Errorf("%s", r.Body)
	}
	if _, err := in.app.Replay(t.Context(), api.Replay{Request: list[1].ID}); err == nil || !strings.Contains(err.Error(), "No message comes of this") {
		t.Errorf("%v", err)
	}
}
