package window

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// whatCame is what a fake tells of inputs and requests.
type whatCame struct {
	inputs   []api.Input
	requests []api.InputRequest // newest first
	form     api.RegistrationForm
	told     api.Registration
	replayed api.Replayed
	refuse   map[string]error // by method

	set     []api.InputSettings
	replays []api.Replay
	drafts  []api.RegistrationDraft
}

func (f *fake) coming(ctx context.Context, method, of string) error {
	if err := f.enter(ctx, strings.TrimSpace(method+" "+of)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.came.refuse[method]
}

func (f *fake) Inputs(ctx context.Context) ([]api.Input, error) {
	err := f.coming(ctx, "Inputs", "")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.came.inputs), err
}

func (f *fake) SetInput(ctx context.Context, id platforms.AccountID, s api.InputSettings) (api.Input, error) {
	f.mu.Lock()
	f.came.set = append(f.came.set, s)
	f.mu.Unlock()
	return api.Input{Account: id, Settings: s}, f.coming(ctx, "SetInput", string(id))
}

func (f *fake) Requests(ctx context.Context, q api.InputQuery) ([]api.InputRequest, error) {
	if err := f.coming(ctx, "Requests", fmt.Sprintf("%s %q %s %d", q.Account, q.Text, q.Only, q.Before)); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.InputRequest
	for _, r := range f.came.requests {
		if (q.Account == "" || q.Account == r.Account) && (q.Before == 0 || r.ID < q.Before) && len(out) < q.Limit &&
			(q.Only == "" || (q.Only == "verified") == r.Verified) && strings.Contains(string(r.Body), q.Text) {
			r.Body = nil
			out = append(out, r)
		}
	}
	return out, nil
}

func (f *fake) Request(ctx context.Context, id uint64) (api.InputRequest, error) {
	if err := f.coming(ctx, "Request", fmt.Sprint(id)); err != nil {
		return api.InputRequest{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.came.requests {
		if r.ID == id {
			return r, nil
		}
	}
	return api.InputRequest{}, &api.Error{Text: "There is no such request, or it is not kept any more."}
}

func (f *fake) ForgetRequests(ctx context.Context, id platforms.AccountID) error {
	if err := f.coming(ctx, "ForgetRequests", string(id)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.came.requests = slices.DeleteFunc(slices.Clone(f.came.requests), func(r api.InputRequest) bool { return id == "" || r.Account == id })
	return nil
}

func (f *fake) TryInput(ctx context.Context, t api.InputTrial) (api.InputTried, error) {
	if err := f.coming(ctx, "TryInput", fmt.Sprint(t.Request, " ", t.Expr)); err != nil {
		return api.InputTried{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case strings.Contains(t.Expr, "!!"):
		return api.InputTried{Problem: "There is something wrong at column 3."}, nil
	case t.Request == 0:
		return api.InputTried{}, &api.Error{Text: "There is no such request, or it is not kept any more."}
	}
	return api.InputTried{Text: "made of " + t.Expr + hostile}, nil
}

func (f *fake) Replay(ctx context.Context, r api.Replay) (api.Replayed, error) {
	f.mu.Lock()
	f.came.replays = append(f.came.replays, r)
	f.mu.Unlock()
	return f.came.replayed, f.coming(ctx, "Replay", "")
}

func (f *fake) RegisterForm(ctx context.Context, id platforms.AccountID) (api.RegistrationForm, error) {
	return f.came.form, f.coming(ctx, "RegisterForm", string(id))
}

func (f *fake) Register(ctx context.Context, id platforms.AccountID, d api.RegistrationDraft) (api.Registration, error) {
	f.mu.Lock()
	f.came.drafts = append(f.came.drafts, d)
	f.mu.Unlock()
	return f.came.told, f.coming(ctx, "Register", string(id))
}

func (f *fake) Unregister(ctx context.Context, id platforms.AccountID) error {
	return f.coming(ctx, "Unregister", string(id))
}

// hostile is text from outside that wants to be something else.
const hostile = "a\x1b[31m\u202egnp.exe\r\nhttps://evil.example/x"

// inputs is a sample at which much arrived.
func inputs() *fake {
	f := answers()
	f.came.inputs = []api.Input{
		{Account: "w1", Platform: "forge", Title: "GitHub", Glyph: "⎇", Name: "postern builds", Exposure: exposure.Relayed, Via: "the relay home", Why: "Nothing is open here: the relay hands its requests over.",
			Address: "https://my.webhookrelay.example/v1/webhooks/6a7d2f10-51c1-4a6d-9c9b-1bb2e3ff7a2e", Replies: true, Requests: 1204, Bytes: 3_400_000, Missed: 17,
			Accepted: 21_204, Rejected: 31, Last: ago(40 * time.Second), RegistersAt: "GitHub",
			Registration: &api.Registration{ID: "412208", Where: "ada/door", Address: "https://my.webhookrelay.example/v1/webhooks/6a7d2f10", At: ago(50 * time.Hour), Proven: ago(49 * time.Hour),
				Steps: []api.RegistrationStep{{Text: "Made the hook at ada/door.", Done: true}, {Text: "The service sent its first request.", Done: true}}}},
		{Account: "a4", Platform: "shop", Title: "LINE", Glyph: "◆", Name: "shop", Exposure: exposure.Refused, Why: "no listener is open, and no relay brings anything. Acknowledge a listener, or set up a relay",
			RegistersAt: "LINE"},
		{Account: "w2", Platform: "plain", Title: "Webhook", Name: "doorbell", Exposure: exposure.Private, Via: "a listener on 192.168.1.20:47822", Address: "http://192.168.1.20:47822/in/doorbell",
			Replies: true, Settings: api.InputSettings{Ephemeral: true, Transform: `json(body).text`, Answer: api.InputAnswer{Mode: "static", Body: "thanks"}, Keep: 50, KeepFor: 48 * time.Hour}, Accepted: 3, Last: ago(3 * time.Hour)},
	}
	f.came.requests = manyRequests(60)
	f.came.form = api.RegistrationForm{Title: "GitHub", Fields: []api.Field{
		{Key: "where", Label: "Repository", Placeholder: "owner/repository", Required: true},
		{Key: "token", Label: "Token", Help: "With the right to change hooks.", Secret: true, Required: true},
		{Key: "events", Label: "Events", Help: "With commas between them.", Advanced: true}},
		Setup: platforms.Guide{Steps: []platforms.Step{{Text: "Make a token that may change the repository's hooks.", URL: "https://github.com/settings/tokens"}}}}
	f.came.told = api.Registration{ID: "7", Where: "ada/shop", Address: "https://relay.example/shop", At: noon, Steps: []api.RegistrationStep{{Text: "Made the hook at ada/shop.", Done: true}, {Text: "Waiting for its first request."}}}
	f.came.replayed = api.Replayed{Results: []api.ReplayResult{
		{Responder: "forward-1", Label: "Ticket desk", Answers: []string{"Ticket 41 is open."}, Took: 212 * time.Millisecond},
		{Responder: "command-1", Label: "Heating", Error: "the command ended with exit status 2", Took: 2 * time.Second}}}
	f.talk.why = api.Why{Now: access.Decision{Verdict: access.Allowed}, To: []string{"Ticket desk"}}
	return f
}

// manyRequests are requests of all sorts, the newest first.
func manyRequests(n int) (out []api.InputRequest) {
	for i := range n {
		r := api.InputRequest{ID: uint64(10_000 - i), At: ago(time.Duration(i) * 40 * time.Second), Account: "w1", Via: "home", Method: "POST",
			Header: map[string][]string{"Content-Type": {"application/json"}, "X-Hub-Signature-256": {"sha256=9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"}, "User-Agent": {"GitHub-Hookshot/044aadd"}, "X-Github-Event": {"push"}, "Authorization": {"(taken out)"}},
			Body:   fmt.Appendf(nil, `{"ref":"refs/heads/main","number":%d,"pusher":{"name":"ada","email":null},"commits":[{"id":"%040x","message":"Mend the door"}]}`, i, i),
			Exact:  true, Verified: true, Status: 200, Answer: "ok", Took: time.Duration(3+i%40) * time.Millisecond, Entries: []uint64{105}, Masked: 1}
		r.Size = int64(len(r.Body))
		switch i % 9 {
		case 2:
			r.Verified, r.Why, r.Status, r.Answer, r.Entries = false, "the signature is not that of the secret", 401, "", nil
		case 4:
			r.Again, r.Entries = true, nil
		case 5:
			r.Account, r.Via, r.From, r.Erased, r.Body, r.Header, r.Entries = "w2", "listener", "192.168.1.77", true, nil, nil, nil
		case 7:
			r.Header = map[string][]string{"Content-Type": {"application/x-www-form-urlencoded"}, "X-" + hostile: {hostile}}
			r.Body, r.Method, r.Exact, r.Masked = []byte("payload=%7B%22action%22%3A%22opened%22%7D&who=ada"), "PUT", false, 0
			r.Size, r.Why, r.Status = int64(len(r.Body)), "the journal is full", 503
		}
		out = append(out, r)
	}
	return out
}
