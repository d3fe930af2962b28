package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/feishu"
	"github.com/postern/postern/platforms/feishu/feishutest"
	"github.com/postern/postern/platforms/line"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// monsters is bodies that hurt who takes them apart carelessly.
func monsters() map[string][]byte {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(make([]byte, 8<<20))
	_ = z.Close()
	n := 900_000
	return map[string][]byte{
		"nothing":           {},
		"no JSON":           []byte("\x00\xff{"),
		"null":              []byte("null"),
		"deep lists":        bytes.Repeat([]byte("["), n),
		"deep lists, ended": []byte(strings.Repeat("[", n/2) + strings.Repeat("]", n/2)),
		"deep objects":      bytes.Repeat([]byte(`{"a":`), n/5),
		"deep in a field":   []byte(`{"events":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`),
		"a long number":     []byte(`{"id":` + strings.Repeat("9", n) + `}`),
		"a huge exponent":   []byte(`{"id":1e999999999,"timestamp":-1e-999999999}`),
		"many keys":         []byte("{" + strings.Repeat(`"a":1,`, n/6) + `"a":1}`),
		"many values":       []byte("[" + strings.Repeat("0,", n/2) + "0]"),
		"a long string":     []byte(`{"id":"` + strings.Repeat("x", n) + `"}`),
		"escapes":           []byte(`{"id":"` + strings.Repeat(`\ud800`, n/6) + `"}`),
		"a UTF-8 bomb":      []byte(`{"text":"` + strings.Repeat("Z"+strings.Repeat("\u0335", 100), 4000) + `"}`),
		"bad UTF-8":         append(append([]byte(`{"text":"`), bytes.Repeat([]byte{0xed, 0xa0, 0x80}, n/3)...), `"}`...),
		"a zip bomb":        packed.Bytes(),
		"a form":            []byte("payload=" + strings.Repeat("%25", n/3)),
		"many form fields":  bytes.Repeat([]byte("a=b&"), n/4),
	}
}

// frontDoor is a real listener of ours as a platforms.Ingress, for one connector.
type frontDoor struct {
	t      *testing.T
	s      *ingress.Server
	bind   netip.AddrPort
	served chan string // the address, once a route is open
}

func newFrontDoor(t *testing.T) *frontDoor {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &frontDoor{t: t, s: ingress.New(ingress.Options{}), bind: ln.Addr().(*net.TCPAddr).AddrPort(), served: make(chan string, 1)}
	ended := make(chan struct{})
	go func() { defer close(ended); l.s.Serve(l.bind, ln) }()
	t.Cleanup(func() { _ = ln.Close(); <-ended })
	return l
}

func (l *frontDoor) Serve(r platforms.Route) (string, func(), error) {
	release := l.s.Handle(context.Background(), l.bind, ingress.Rule{Account: "a", Route: r, Hosts: []string{l.bind.String()}})
	public, err := l.Address(r.Path)
	l.served <- public
	return public, release, err
}

func (l *frontDoor) Address(path string) (string, error) {
	return "http://" + l.bind.String() + path, nil
}

// stored is a sink that counts.
type stored struct{ n atomic.Int64 }

func (s *stored) Event(context.Context, platforms.Event) error { s.n.Add(1); return nil }
func (s *stored) State(platforms.State)                        {}

// caller is a platform whose requests come in, and how it signs one.
type caller struct {
	name   string
	p      platforms.Platform
	config func(t *testing.T) platforms.Config
	sign   func(body []byte) (http.Header, []byte)
	good   []byte // a body that it would send
}

func callers() []caller {
	const lineSecret, key, word = "7a1f0c5e9b3d48627a1f0c5e9b3d4862", "Hq2mZ8vKx4TfLr7WbNc9Yd3PsJg6EuAo", "v7XkQw2LmZr9TbHc4NfPs8YdJg3EuAoK"
	own := platforms.NewSecret("a key that is random for every account")
	list := []caller{{"line", line.Platform(), func(t *testing.T) platforms.Config {
		token := "Zm9yIHRlc3RzIG9ubHk/abcdefghijklmnopqrstuvwxyz0123456789+/="
		s, err := linetest.New(token, lineSecret)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return platforms.Config{Settings: map[string]string{"server": s.URL()}, Key: own,
			Secrets: map[string]platforms.Secret{"token": platforms.NewSecret(token), "secret": platforms.NewSecret(lineSecret)}}
	}, func(body []byte) (http.Header, []byte) {
		m := hmac.New(sha256.New, []byte(lineSecret))
		m.Write(body)
		return http.Header{"X-Line-Signature": {base64.StdEncoding.EncodeToString(m.Sum(nil))}}, body
	}, fmt.Appendf(nil, `{"destination":%q,"events":[]}`, linetest.Bot)}, {"feishu", feishu.Platform(), func(t *testing.T) platforms.Config {
		s, err := feishutest.New("cli_a1b2c3d4e5f6a7b8", "abcdefghijklmnopqrstuvwxyz012345")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		return platforms.Config{Settings: map[string]string{"mode": "http", "server": s.URL(), "app_id": "cli_a1b2c3d4e5f6a7b8"}, Key: own,
			Secrets: map[string]platforms.Secret{"app_secret": platforms.NewSecret("abcdefghijklmnopqrstuvwxyz012345"), "secret": platforms.NewSecret("abcdefghijklmnopqrstuvwxyz012345"),
				"encrypt_key": platforms.NewSecret(key), "verification_token": platforms.NewSecret(word)}}
	}, func(body []byte) (http.Header, []byte) {
		h := http.Header{}
		if 4*len(body)/3 > 900_000 {
			body = body[:600_000]
		}
		sealed := feishutest.Seal(key, body)
		feishutest.Sign(h, key, sealed, time.Now(), "1")
		return h, sealed
	}, fmt.Appendf(nil, `{"schema":"2.0","header":{"event_id":"e1","event_type":"im.nothing_v1","token":%q},"event":{}}`, word)}}
	for _, service := range []webhooktest.Service{webhooktest.GitHub, webhooktest.GitLab, webhooktest.Stripe, webhooktest.Slack, webhooktest.Webex, webhooktest.Standard, webhooktest.Plain} {
		secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte("0123456789abcdef0123456789abcdef"))
		n := 0
		list = append(list, caller{"webhook of " + string(service), webhook.Platform(), func(*testing.T) platforms.Config {
			return platforms.Config{Settings: map[string]string{"sender": string(service), "header": "x-signature"}, Key: own,
				Secrets: map[string]platforms.Secret{"secret": platforms.NewSecret(secret)}}
		}, func(body []byte) (http.Header, []byte) {
			n++
			return webhooktest.Headers(service, webhooktest.Form{}, webhooktest.Push{ID: fmt.Sprint("id-", n), Event: "push", Body: body}, time.Now(), secret), body
		}, []byte(`{"id":"evt_1","type":"thing.done"}`)})
	}
	return list
}

// TestMonsters sends bodies made to hurt to the real listener and the real
// connectors, unsigned, wrongly signed and, as if the platform itself were
// hostile, well signed. Whatever comes, strangers learn nothing, and the next
// genuine request is taken.
func TestMonsters(t *testing.T) {
	bodies := monsters()
	for _, c := range callers() {
		t.Run(c.name, func(t *testing.T) {
			in, sink := newFrontDoor(t), &stored{}
			config := c.config(t)
			config.Ingress = in
			conn, err := c.p.New(config)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			ran := make(chan error, 1)
			go func() { ran <- conn.Run(ctx, "", sink) }()
			var address string
			select {
			case address = <-in.served:
			case err := <-ran:
				t.Fatal(err)
			}
			send := func(h http.Header, body []byte) (int, string) {
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range h {
					req.Header[k] = v
				}
				req.Header.Set("Content-Encoding", "gzip") // must not matter
				req.Close = true
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				b, _ := io.ReadAll(resp.Body)
				return resp.StatusCode, string(b)
			}
			for name, body := range bodies {
				if status, text := send(nil, body); status != 404 || text != "not found\n" {
					t.Errorf("%s, unsigned: %d %q", name, status, text)
				}
				h, signed := c.sign(body)
				if status, text := send(h, append([]byte(" "), signed...)); status != 404 && c.name != "webhook of gitlab" || status == 404 && text != "not found\n" {
					t.Errorf("%s, changed since: %d %q", name, status, text)
				}
				if status, _ := send(h, signed); status == 500 || c.name != "feishu" && status == 404 {
					t.Errorf("%s, signed: %d", name, status)
				}
			}
			h, signed := c.sign(c.good)
			if status, text := send(h, signed); status != 200 {
				t.Errorf("afterwards a genuine request gets %d %q", status, text)
			}
			cancel()
			<-ran
		})
	}
}
