package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/postern/postern/platforms"
)

// Times of the long connection.
const (
	pingUsual = 2 * time.Minute // as the platform's own clients, where it says nothing
	pingLeast = time.Second
	pongGrace = 10 * time.Second // at most, after a ping
	writeTime = 10 * time.Second
	// toastTime is how long a click's acknowledgement waits for the words that
	// it carries back. The platform gives it 3 seconds.
	toastTime = 900 * time.Millisecond
)

// frameMost bounds one frame: a message has 150 KB at most.
const frameMost = 4 << 20

// heldMost bounds the clicks whose acknowledgement waits.
const heldMost = 200

// packet is an event that came whole.
type packet struct {
	kind    string // the header "type"
	last    larkws.Frame
	payload []byte
	came    time.Time
	answer  chan<- []byte // of a request: has room for what acknowledges it
	request string        // its name, of a request
}

// session is one long connection, or the requests of one Run.
type session struct {
	ws      *websocket.Conn // nil where requests bring the events
	service int32
	ping    atomic.Int64 // interval, a time.Duration
	wake    chan struct{}

	mu   sync.Mutex // for writing, and held
	held map[string]heldClick
}

// heldClick is a click that is not acknowledged.
type heldClick struct {
	packet
	until  time.Time // zero: it is not stored yet
	said   bool      // there are words for it
	answer []byte
}

// connect asks for a socket's address and opens it. The exchange is that of the
// platform's own clients.
func (c *connector) connect(ctx context.Context) (*session, error) {
	limited, cancel := bounded(ctx, callTime)
	defer cancel()
	var got struct {
		Data larkws.Endpoint `json:"data"`
	}
	err := c.api.once(limited, call{method: http.MethodPost, path: larkws.GenEndpointUri,
		body: map[string]string{"AppID": c.api.app, "AppSecret": c.api.secret.Reveal()}}, platforms.Secret{}, &got)
	if err != nil {
		return nil, c.unopened(ctx, err)
	}
	u, err := url.Parse(got.Data.Url)
	if err != nil || u.Host == "" || u.Scheme != "wss" && (u.Scheme != "ws" || strings.HasPrefix(c.api.server, "https:")) {
		return nil, misunderstood(http.StatusOK) // what is said must not travel in the clear
	}
	ws, resp, err := c.dialer.DialContext(limited, got.Data.Url, nil)
	if err != nil {
		return nil, c.undialled(limited, ctx, resp, err, u.Query())
	}
	ws.SetReadLimit(frameMost)
	s := &session{ws: ws, wake: make(chan struct{}, 1), held: map[string]heldClick{}}
	if n, err := strconv.ParseInt(u.Query().Get(larkws.ServiceID), 10, 32); err == nil {
		s.service = int32(n)
	}
	s.ping.Store(int64(pingUsual))
	s.configure(got.Data.ClientConfig)
	return s, nil
}

// unopened explains why no socket's address was given out. Its codes are not
// documented; what a token is refused for is.
func (c *connector) unopened(ctx context.Context, err error) error {
	switch code := codeOf(err); {
	case code == larkws.ExceedConnLimit:
		return tooMany(err)
	case code == 0 || platforms.KindOf(err) != platforms.Rejected:
		return err
	}
	if _, refused := c.freshToken(ctx); refused != nil {
		return refused
	}
	return &platforms.Error{Kind: platforms.Temporary, Err: err,
		Text: "Feishu did not open the long connection. Set the subscription of events to “long connection” in the developer console, and publish a version of the app. The next try follows by itself."}
}

func tooMany(err error) error {
	return &platforms.Error{Kind: platforms.Conflict, Err: err,
		Text: "Too many programs are connected with this App ID: Feishu allows 50. Stop the others, or give each its own app."}
}

// freshToken asks for a token, whatever is remembered.
func (c *connector) freshToken(ctx context.Context) (platforms.Secret, error) {
	limited, cancel := bounded(ctx, callTime)
	defer cancel()
	c.api.forget(limited, platforms.Secret{})
	return c.api.bearer(limited)
}

// undialled explains why the socket did not open. Its address holds a key.
func (c *connector) undialled(limited, ctx context.Context, resp *http.Response, err error, keys url.Values) error {
	if cause := wished(limited); cause != nil {
		return cause
	}
	secrets := []platforms.Secret{c.api.secret}
	for _, v := range keys {
		secrets = append(secrets, platforms.NewSecret(v[0]))
	}
	if !errors.Is(err, websocket.ErrBadHandshake) || resp == nil {
		e := platforms.Network(err, title)
		e.Err = platforms.RedactError(e.Err, secrets...)
		return e
	}
	resp.Body.Close()
	code, _ := strconv.Atoi(resp.Header.Get(larkws.HeaderHandshakeStatus))
	auth, _ := strconv.Atoi(resp.Header.Get(larkws.HeaderHandshakeAuthErrCode))
	cause := &refusal{status: resp.StatusCode, code: code, msg: "the long connection was refused"}
	if auth == larkws.ExceedConnLimit {
		return tooMany(cause)
	}
	if code == 0 {
		return foreign(resp)
	}
	if _, refused := c.freshToken(ctx); refused != nil {
		return refused
	}
	return &platforms.Error{Kind: platforms.Temporary, Text: "Feishu refused the long connection. The next try follows by itself.", Err: cause}
}

// configure takes the server's wishes. An interval of 0, which some servers
// send, would be a flood.
func (s *session) configure(c *larkws.ClientConfig) {
	if c == nil || c.PingInterval <= 0 {
		return
	}
	seconds := min(c.PingInterval, int(pingUsual/time.Second))
	s.ping.Store(int64(max(time.Duration(seconds)*time.Second, pingLeast)))
}

// patience is how long the server may say nothing: a ping's interval, and time
// for its pong.
func (s *session) patience() time.Duration {
	interval := time.Duration(s.ping.Load())
	return interval + min(2*interval+3*time.Second, pongGrace)
}

// read takes frames until the connection ends, and hands events to out.
func (s *session) read(ctx context.Context, out chan<- packet, heard func()) error {
	var parts fragments
	for {
		// Armed for each frame: an event that waits to be taken is not silence.
		_ = s.ws.SetReadDeadline(time.Now().Add(s.patience()))
		kind, b, err := s.ws.ReadMessage()
		if err != nil {
			return err
		}
		heard()
		var f larkws.Frame
		if kind != websocket.BinaryMessage || f.Unmarshal(b) != nil {
			continue // nothing that could be acknowledged
		}
		hs := larkws.Headers(f.Headers)
		if larkws.FrameType(f.Method) == larkws.FrameTypeControl {
			var conf larkws.ClientConfig
			if larkws.MessageType(hs.GetString(larkws.HeaderType)) == larkws.MessageTypePong && json.Unmarshal(f.Payload, &conf) == nil {
				s.configure(&conf)
				s.nudge()
			}
			continue
		}
		payload, whole := parts.add(hs.GetString(larkws.HeaderMessageID), hs.GetInt(larkws.HeaderSum), hs.GetInt(larkws.HeaderSeq), f.Payload)
		if larkws.FrameType(f.Method) != larkws.FrameTypeData || !whole {
			continue
		}
		select {
		case out <- packet{kind: hs.GetString(larkws.HeaderType), last: f, payload: payload, came: time.Now()}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// keep pings, and acknowledges clicks that nobody had words for, until ctx ends
// or the connection can't be written to.
func (s *session) keep(ctx context.Context) error {
	next := time.Now()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-t.C:
		}
		now := time.Now()
		if !now.Before(next) {
			if err := s.write(larkws.NewPingFrame(s.service)); err != nil {
				return err
			}
			next = now.Add(time.Duration(s.ping.Load()))
		}
		if most := now.Add(time.Duration(s.ping.Load())); next.After(most) { // the interval became shorter
			next = most
		}
		due, err := s.release(now)
		if err != nil {
			return err
		}
		if due.IsZero() || next.Before(due) {
			due = next
		}
		t.Reset(time.Until(due))
	}
}

// tend does keep's part for clicks, where there is no connection.
func (s *session) tend(ctx context.Context) error {
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.wake:
		case <-t.C:
		}
		due, err := s.release(time.Now())
		if err != nil {
			return err
		}
		if !due.IsZero() {
			t.Reset(time.Until(due))
		}
	}
}

// close ends what the session has open.
func (s *session) close() {
	if s.ws != nil {
		_ = s.ws.Close() // ends reading and writing
	}
}

func (s *session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *session) write(f *larkws.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writeNow(f)
}

// writeNow is called under the lock.
func (s *session) writeNow(f *larkws.Frame) error {
	b, err := f.Marshal()
	if err != nil {
		return err
	}
	_ = s.ws.SetWriteDeadline(time.Now().Add(writeTime))
	return s.ws.WriteMessage(websocket.BinaryMessage, b)
}

// reply is what an acknowledgement says. Data is base64 of JSON, and left out
// where there is nothing to say.
type reply struct {
	Code int    `json:"code"`
	Data []byte `json:"data,omitempty"`
}

// acknowledge tells the platform that p need not come again, once for each p.
func (s *session) acknowledge(p packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.acknowledgeNow(p, nil)
}

func (s *session) acknowledgeNow(p packet, answer []byte) error {
	if p.answer != nil {
		select {
		case p.answer <- answer:
		default: // it has its answer
		}
		return nil
	}
	f := p.last
	b, err := json.Marshal(reply{Code: http.StatusOK, Data: answer})
	if err != nil {
		return err
	}
	f.Payload = b
	hs := larkws.Headers(append([]larkws.Header(nil), f.Headers...))
	hs.Add(larkws.HeaderBizRt, strconv.FormatInt(time.Since(p.came).Milliseconds(), 10))
	f.Headers = hs
	return s.writeNow(&f)
}

// expect takes note of a click that is about to be stored, so that words for it
// find it, however soon they come.
func (s *session) expect(token string, p packet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.held[token]; token != "" && !again && len(s.held) < heldMost {
		s.held[token] = heldClick{packet: p}
	}
}

// hold keeps the acknowledgement of a click that was stored back for a moment,
// unless there are words for it already.
func (s *session) hold(token string, p packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.held[token]
	switch {
	case !ok || !h.until.IsZero(): // there are too many, or it came twice
		return s.acknowledgeNow(p, nil)
	case h.said:
		delete(s.held, token)
		return s.acknowledgeNow(p, h.answer)
	}
	h.until = time.Now().Add(toastTime)
	if most := p.came.Add(answerIn - answerGrace); p.answer != nil && h.until.After(most) {
		h.until = most // it is stored: it must not be answered as if it were not
	}
	s.held[token] = h
	s.nudge()
	return nil
}

// release acknowledges the clicks that have waited long enough, and says when
// the next one will have; zero if there is none.
func (s *session) release(now time.Time) (next time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for token, h := range s.held {
		switch {
		case h.until.IsZero():
		case !now.Before(h.until):
			delete(s.held, token)
			err = errors.Join(err, s.acknowledgeNow(h.packet, nil))
		case next.IsZero() || h.until.Before(next):
			next = h.until
		}
	}
	return next, err
}

// toast acknowledges a click with words, if it still waits.
func (s *session) toast(token, words string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.held[token]
	if !ok || h.said {
		return nil
	}
	if words != "" {
		h.answer, _ = encode(map[string]any{"toast": map[string]string{"type": "info", "content": words}})
	}
	if h.until.IsZero() {
		h.said = true
		s.held[token] = h
		return nil
	}
	delete(s.held, token)
	return s.acknowledgeNow(h.packet, h.answer)
}
