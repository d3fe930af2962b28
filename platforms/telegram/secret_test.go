package telegram_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/telegram"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// calls is every way to make the connector call Telegram.
func calls(s *stage) map[string]func(context.Context) error {
	f, _ := file("x.txt", "text/plain", []byte("x"))
	return map[string]func(context.Context) error{
		"Check": func(ctx context.Context) error { _, err := s.conn.Check(ctx); return err },
		"Run": func(ctx context.Context) error {
			var rec platformtest.Recorder
			return s.conn.Run(ctx, "", &rec)
		},
		"Send": func(ctx context.Context) error {
			_, err := s.conn.Send(ctx, platforms.Message{Conversation: direct, Text: "x"})
			return err
		},
		"Send a file": func(ctx context.Context) error {
			_, err := s.conn.Send(ctx, platforms.Message{Conversation: direct, Files: []platforms.File{f}})
			return err
		},
		"Edit": func(ctx context.Context) error {
			return s.conn.(platforms.Editor).Edit(ctx, "1", platforms.Message{Conversation: direct, Text: "x"})
		},
		"Typing":  func(ctx context.Context) error { return s.conn.(platforms.Typer).Typing(ctx, direct, "") },
		"Clicked": func(ctx context.Context) error { return s.conn.(platforms.Clicker).Clicked(ctx, "1", "x") },
		"Probe":   func(ctx context.Context) error { _, err := s.conn.(platforms.Prober).Probe(ctx, ""); return err },
		"Fix":     func(ctx context.Context) error { return s.conn.(platforms.Fixer).Fix(ctx, "webhook") },
		"Open": func(ctx context.Context) error {
			r, err := s.conn.(platforms.Opener).Open(ctx, platforms.Attachment{Ref: "x"})
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				_ = r.Close()
			}
			return err
		},
	}
}

// TestNoTokenInErrors breaks every call in every way and looks for the token
// in what comes back, in all its printed forms, and in the log.
func TestNoTokenInErrors(t *testing.T) {
	secret := token[strings.Index(token, ":")+1:]
	faults := map[string]func(*stage){
		"server error": func(s *stage) { s.SetFault("*", telegramtest.Fault{Times: -1}) },
		"server repeats the token": func(s *stage) {
			s.SetFault("*", telegramtest.Fault{Code: 400, Description: "Bad Request: /bot" + token + "/x " + token, Times: -1})
		},
		"forbidden, with the token": func(s *stage) {
			s.SetFault("*", telegramtest.Fault{Code: 403, Description: "Forbidden: " + token, Times: -1})
		},
		"conflict":     func(s *stage) { s.SetFault("*", telegramtest.Fault{Code: 409, Times: -1}) },
		"too fast":     func(s *stage) { s.SetFault("*", telegramtest.Fault{Code: 429, RetryAfter: 1, Times: -1}) },
		"malformed":    func(s *stage) { s.SetFault("*", telegramtest.Fault{Kind: telegramtest.Malformed, Times: -1}) },
		"sign-in page": func(s *stage) { s.SetFault("*", telegramtest.Fault{Kind: telegramtest.Garbage, Times: -1}) },
		"cut":          func(s *stage) { s.SetFault("*", telegramtest.Fault{Kind: telegramtest.Cut, Times: -1}) },
		"hang":         func(s *stage) { s.SetFault("*", telegramtest.Fault{Kind: telegramtest.Hang, Times: -1}) },
		"redirect":     func(s *stage) { s.SetFault("*", telegramtest.Fault{Code: 307, Times: -1}) },
		"revoked":      func(s *stage) { s.Revoke() },
		"down":         func(s *stage) { s.Down() },
		"closed":       func(s *stage) { s.Close() },
	}
	for fault, harm := range faults {
		t.Run(fault, func(t *testing.T) {
			for name := range calls(newStage(t)) {
				s := newStage(t)
				harm(s)
				call := calls(s)[name]
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				if fault == "hang" {
					var stop context.CancelFunc
					ctx, stop = context.WithCancel(ctx)
					go func() {
						_ = s.WaitHeld(ctx, 1)
						stop()
					}()
				}
				err := call(ctx)
				cancel()
				if err == nil {
					t.Errorf("%s succeeded", name)
					continue
				}
				for e := err; e != nil; e = unwrap(e) {
					for _, text := range []string{e.Error(), fmt.Sprintf("%v %+v %#v %q", e, e, e, e), platforms.Explain(e)} {
						if strings.Contains(text, secret) {
							t.Errorf("%s: the token is in %q", name, text)
						}
					}
				}
				if len(platforms.Explain(err)) < 10 {
					t.Errorf("%s: no sentence in %v", name, err)
				}
				if strings.Contains(s.log.String(), secret) {
					t.Errorf("%s: the token is in the log: %s", name, s.log)
				}
			}
		})
	}
}

func unwrap(err error) error {
	u, ok := err.(interface{ Unwrap() error })
	if !ok {
		return nil
	}
	return u.Unwrap()
}

func TestNewRefusesWhatCanNotWork(t *testing.T) {
	for name, c := range map[string]platforms.Config{
		"no token":       {},
		"token of lines": {Secrets: map[string]platforms.Secret{"token": platforms.NewSecret("1:a\n2:bsecretsecret")}},
		"server":         {Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token)}, Settings: map[string]string{"server": "ftp://x"}},
	} {
		conn, err := telegram.Platform().New(c)
		if err == nil || conn != nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, %v", name, conn, err)
		}
	}
}

// redirecting sends every request to another server.
type redirecting struct{ followed bool }

func (r *redirecting) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.URL.Host == "evil.example" {
		r.followed = true
	}
	return &http.Response{StatusCode: 302, Status: "302 Found", Header: http.Header{"Location": {"https://evil.example" + q.URL.Path}},
		Body: io.NopCloser(strings.NewReader("")), Request: q}, nil
}

func TestRedirectsDoNotCarryTheTokenAway(t *testing.T) {
	var r redirecting
	client := &http.Client{Transport: &r}
	conn, err := telegram.Platform().New(platforms.Config{
		Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token)}, HTTP: client,
	})
	must(t, err)
	_, err = conn.Check(t.Context())
	wants(t, err, platforms.Temporary, "not Telegram")
	if r.followed || client.CheckRedirect != nil {
		t.Errorf("followed: %v; the client was changed: %v", r.followed, client.CheckRedirect != nil)
	}
}
