package feishutest

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/postern/postern/platforms/ingresstest"
)

// This file is the mode in which the platform calls an address, as
// https://open.feishu.cn/document/ukTMukTMukTM/uYDNxYjL2QTM24iN0EjN/event-subscription-configure-/encrypt-key-encryption-configuration-case
// and the pages about the address describe it.

// How long the platform waits for an answer.
const (
	answerIn    = 3 * time.Second
	challengeIn = time.Second
)

// HTTP is an app that gets its events at an address.
type HTTP struct {
	URL        string // empty: none is saved, and events wait
	EncryptKey string // empty: nothing is encrypted or signed
	Token      string // the Verification Token
	// Ahead is how far the clock of what signs the requests is off. Skew and
	// Advance don't move it.
	Ahead time.Duration
}

// hooked is HTTP and what carries it.
type hooked struct {
	HTTP
	transport http.RoundTripper
	told      string // the address that was handed out
	failed    int
	silent    int // of those
}

// SetHTTP makes the server call an address, and push nothing over long
// connections.
func (s *Server) SetHTTP(h HTTP) {
	s.do(func() {
		if s.hook == nil {
			s.hook = &hooked{transport: &http.Transport{DisableKeepAlives: true}}
			s.serving.Go(s.callAll)
		}
		s.hook.HTTP, s.verify = h, h.Token
		s.again()
	})
}

// Through makes requests go through in, after SetHTTP. If set is true, then
// whatever address in hands out is saved in the console too, as if the person
// had done so, once a route opens there: before, the console would not take it.
// When a route opens, what waits is delivered at once.
func (s *Server) Through(in *ingresstest.Ingress, set bool) {
	var told func(string)
	if set {
		told = func(public string) { s.do(func() { s.hook.told = public }) }
	}
	in.On(told, func() {
		s.do(func() {
			if s.hook.told != "" {
				s.hook.URL = s.hook.told
			}
			s.again()
		})
	})
	s.do(func() {
		if !in.Loopback() {
			s.hook.transport = in
		}
	})
}

// again makes every event due. It is called under the lock.
func (s *Server) again() {
	s.round++
	for _, e := range s.events {
		e.due = s.round
	}
}

// nextCall is what is due, the oldest first. What is behind a message that was
// not taken waits for it, so that the order is the same each time; the platform
// promises none. It is called under the lock.
func (s *Server) nextCall() *event {
	behind := false
	for _, e := range s.events {
		if e.due != 0 && (e.callback || !behind) {
			return e
		}
		behind = behind || !e.callback
	}
	return nil
}

// callAll delivers what is due until Close.
func (s *Server) callAll() {
	for {
		s.mu.Lock()
		changed := s.changed
		var e *event
		if !s.down && s.hook.URL != "" {
			e = s.nextCall()
		}
		s.mu.Unlock()
		if e != nil {
			s.call(e)
			continue
		}
		select {
		case <-changed:
		case <-s.ended:
			return
		}
	}
}

// call delivers one event once.
func (s *Server) call(e *event) {
	var h hooked
	var round int
	s.do(func() {
		h, round = *s.hook, e.due
		e.pushed++
		e.at = s.now()
	})
	status, body, _ := s.post(h, e.payload, answerIn, true)
	var answer struct {
		Toast *struct {
			Content string `json:"content"`
		} `json:"toast"`
	}
	bad := json.Unmarshal(body, &answer) != nil && len(body) > 0
	s.do(func() {
		if e.due == round {
			e.due = 0
		}
		i := slices.Index(s.events, e)
		if status != http.StatusOK {
			s.hook.failed++
			if status == 0 {
				s.hook.silent++
			}
			if e.callback && i >= 0 { // whoever clicked has seen that it failed
				s.events = slices.Delete(s.events, i, i+1)
			}
			return
		}
		if bad {
			s.odd++
		}
		if i < 0 {
			return
		}
		s.events = slices.Delete(s.events, i, i+1)
		if e.message != "" {
			s.acked = append(s.acked, e.message)
		}
		if e.callback && answer.Toast != nil {
			s.toasts = append(s.toasts, answer.Toast.Content)
		}
	})
}

// post sends one request. The status is 0 if no answer came.
func (s *Server) post(h hooked, plain []byte, within time.Duration, signed bool) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-s.ended:
			cancel()
		case <-done:
		}
	}()
	sent := Seal(h.EncryptKey, plain)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(sent))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	req.Header.Set("User-Agent", "Go-http-client/1.1")
	if signed && h.EncryptKey != "" {
		Sign(req.Header, h.EncryptKey, sent, time.Now().Add(h.Ahead), strconv.Itoa(533226633))
	}
	type answer struct {
		status int
		body   []byte
		err    error
	}
	got := make(chan answer, 1) // a transport within the process doesn't look at ctx
	s.serving.Go(func() {
		resp, err := (&http.Client{Transport: h.transport}).Do(req)
		if err != nil {
			got <- answer{err: err}
			return
		}
		b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		_ = resp.Body.Close()
		got <- answer{resp.StatusCode, b, err}
	})
	select {
	case a := <-got:
		return a.status, a.body, a.err
	case <-ctx.Done():
		return 0, nil, ctx.Err()
	}
}

// Seal is the body of a request: plain as it is, or encrypted.
func Seal(encryptKey string, plain []byte) []byte {
	if encryptKey == "" {
		return plain
	}
	sum := sha256.Sum256([]byte(encryptKey))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil // not with 32 bytes
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append(slices.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
	out := make([]byte, aes.BlockSize+len(padded))
	_, _ = rand.Read(out[:aes.BlockSize])
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], padded)
	body, _ := json.Marshal(map[string]string{"encrypt": base64.StdEncoding.EncodeToString(out)})
	return body
}

// Sign sets the headers of a request with this body.
func Sign(h http.Header, encryptKey string, body []byte, at time.Time, nonce string) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	sum := sha256.Sum256(slices.Concat([]byte(stamp+nonce+encryptKey), body))
	h.Set("X-Lark-Request-Timestamp", stamp)
	h.Set("X-Lark-Request-Nonce", nonce)
	h.Set("X-Lark-Signature", hex.EncodeToString(sum[:]))
}

// SaveURL saves an address in the console, which checks it before. The
// documentation excepts that request from those that are signed; signed tries
// it otherwise.
func (s *Server) SaveURL(url string, signed bool) error {
	s.mu.Lock()
	h := *s.hook
	s.mu.Unlock()
	h.URL = url
	words := rand.Text()
	plain, _ := json.Marshal(map[string]string{"challenge": words, "token": h.Token, "type": "url_verification"})
	status, body, err := s.post(h, plain, challengeIn, signed)
	var got struct {
		Challenge string `json:"challenge"`
	}
	switch {
	case err != nil:
		return fmt.Errorf("feishutest: the address did not answer within a second: %w", err)
	case status != http.StatusOK || json.Unmarshal(body, &got) != nil || got.Challenge != words:
		return errors.New("feishutest: the address did not return the challenge")
	}
	s.do(func() { s.hook.URL = url })
	return nil
}

// Failed is how many requests were not answered with status 200 in time.
func (s *Server) Failed() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook == nil {
		return 0
	}
	return s.hook.failed
}

// Unanswered is how many of those got no answer in time.
func (s *Server) Unanswered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook == nil {
		return 0
	}
	return s.hook.silent
}

// WaitFailed waits until n requests were not answered with status 200 in time.
func (s *Server) WaitFailed(ctx context.Context, n int) error {
	return s.wait(ctx, func() bool { return s.hook != nil && s.hook.failed >= n })
}

// garbage sends encrypted and signed requests that hold no JSON, and one that
// is not even encrypted.
func (s *Server) garbage(h hooked) {
	_, _, _ = s.post(h, []byte("{\"schema\":\"2.0\",\x00\xff"), answerIn, true)
	_, _, _ = s.post(h, []byte("null"), answerIn, true)
	h.EncryptKey = ""
	_, _, _ = s.post(h, []byte(`{"encrypt":"AAAA"}`), answerIn, true)
}

// HTTP is what SetHTTP set, with the address that was saved since.
func (s *Server) HTTP() HTTP {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hook == nil {
		return HTTP{}
	}
	return s.hook.HTTP
}
