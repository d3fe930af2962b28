package feishu

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/postern/postern/platforms"
)

// How long a call may take.
const (
	callTime = 20 * time.Second
	sendTime = 30 * time.Second
	nameTime = 800 * time.Millisecond // beside an event that waits to be stored
)

// answerMost bounds what is read of one answer that is no file.
const answerMost = 16 << 20

// api calls the open platform.
type api struct {
	http   *http.Client
	server string
	app    string
	secret platforms.Secret

	busy  chan struct{} // held by who reads or renews the token
	token platforms.Secret
	until time.Time
}

// call is one call of the open platform.
type call struct {
	method, path string
	query        url.Values
	body         any // as JSON; nil: none
}

// envelope is what every call gives.
type envelope struct {
	Code  *int            `json:"code"`
	Msg   string          `json:"msg"`
	Data  json.RawMessage `json:"data"`
	Error struct {
		Violations []struct {
			Subject string `json:"subject"`
		} `json:"permission_violations"`
	} `json:"error"`
}

// do makes a call and decodes the member "data" of its answer into result. Its
// errors are *platforms.Error, or ctx's own.
func (a *api) do(ctx context.Context, within time.Duration, c call, result any) error {
	var got envelope
	if err := a.raw(ctx, within, c, &got); err != nil {
		return err
	}
	return data(got.Data, result)
}

func data(raw json.RawMessage, result any) error {
	if result == nil {
		return nil
	}
	if len(raw) == 0 || json.Unmarshal(raw, result) != nil {
		return misunderstood(http.StatusOK)
	}
	return nil
}

// raw makes a call and decodes its whole answer. A token that the platform does
// not know any more is renewed once.
func (a *api) raw(ctx context.Context, within time.Duration, c call, result any) error {
	ctx, cancel := bounded(ctx, within)
	defer cancel()
	for again := true; ; again = false {
		token, err := a.bearer(ctx)
		if err != nil {
			return err
		}
		err = a.once(ctx, c, token, result)
		if again && stale(err) {
			a.forget(ctx, token)
			continue
		}
		return err
	}
}

// wish marks a context whose end is the caller's wish, as opposed to a deadline
// of ours.
type wish struct{}

// bounded is ctx with a deadline of ours.
func bounded(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithValue(ctx, wish{}, ctx), d)
}

// wished is why the caller of a call does not want it any more, or nil.
func wished(ctx context.Context) error {
	if outer, ok := ctx.Value(wish{}).(context.Context); ok {
		return outer.Err()
	}
	return ctx.Err()
}

// once makes a call once.
func (a *api) once(ctx context.Context, c call, token platforms.Secret, result any) error {
	var body io.Reader
	if c.body != nil {
		b, err := encode(c.body)
		if err != nil {
			return &platforms.Error{Kind: platforms.Rejected, Text: "This can't be put into Feishu's form. Change the message.", Err: err}
		}
		body = bytes.NewReader(b)
	}
	req, err := a.request(ctx, c.method, c.path, c.query, body)
	if err != nil {
		return err
	}
	if c.body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	return a.exchange(req, token, result)
}

// encode is v as JSON, with every character that JSON does not need escaped as
// it is: a request's length counts.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (a *api) request(ctx context.Context, method, path string, query url.Values, body io.Reader) (*http.Request, error) {
	address := a.server + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The server's address, or an id, can't be used in a request. Check both."}
	}
	return req, nil
}

// exchange sends req and reads its answer.
func (a *api) exchange(req *http.Request, token platforms.Secret, result any) error {
	if !token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return a.unreachable(req.Context(), err)
	}
	defer resp.Body.Close()
	return a.answer(req.Context(), resp, result)
}

func (a *api) answer(ctx context.Context, resp *http.Response, result any) error {
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	if err != nil {
		return a.unreachable(ctx, err)
	}
	var got envelope
	switch {
	case len(b) > answerMost:
		return misunderstood(resp.StatusCode)
	case json.Unmarshal(b, &got) != nil || got.Code == nil:
		return foreign(resp)
	case *got.Code != 0:
		return a.refused(resp, got)
	case resp.StatusCode != http.StatusOK:
		return foreign(resp)
	case json.Unmarshal(b, result) != nil:
		return misunderstood(resp.StatusCode)
	}
	return nil
}

// renewBefore is how long before its end a token is renewed.
const renewBefore = 5 * time.Minute

// bearer is a tenant token, fetched when there is none that will last.
func (a *api) bearer(ctx context.Context) (platforms.Secret, error) {
	select {
	case a.busy <- struct{}{}:
	case <-ctx.Done():
		return platforms.Secret{}, a.unreachable(ctx, ctx.Err())
	}
	defer func() { <-a.busy }()
	// Without the monotonic clock, which stands still while the computer sleeps.
	if now := time.Now().Round(0); !a.token.IsZero() && now.Before(a.until) {
		return a.token, nil
	}
	var got struct {
		Token  string `json:"tenant_access_token"`
		Expire int    `json:"expire"`
	}
	asked := time.Now().Round(0)
	err := a.once(ctx, call{method: http.MethodPost, path: "/open-apis/auth/v3/tenant_access_token/internal",
		body: map[string]string{"app_id": a.app, "app_secret": a.secret.Reveal()}}, platforms.Secret{}, &got)
	if err != nil {
		return platforms.Secret{}, err
	}
	if got.Token == "" {
		return platforms.Secret{}, misunderstood(http.StatusOK)
	}
	life := time.Duration(max(0, min(got.Expire, 24*60*60))) * time.Second
	a.token, a.until = platforms.NewSecret(got.Token), asked.Add(max(life-renewBefore, life/2))
	return a.token, nil
}

// forget drops a token that the platform refused; the zero Secret stands for
// any.
func (a *api) forget(ctx context.Context, token platforms.Secret) {
	select {
	case a.busy <- struct{}{}:
	case <-ctx.Done():
		return
	}
	if token.IsZero() || a.token.Reveal() == token.Reveal() {
		a.token = platforms.Secret{}
	}
	<-a.busy
}

// unreachable explains a request that got no answer.
func (a *api) unreachable(ctx context.Context, err error) error {
	if cause := wished(ctx); cause != nil {
		return cause
	}
	var own *platforms.Error
	if errors.As(err, &own) { // from the body that was being sent
		return own
	}
	e := platforms.Network(err, title)
	e.Err = platforms.RedactError(e.Err, a.secret)
	return e
}
