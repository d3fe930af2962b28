package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/diamondburned/arikawa/v3/gateway"
	"github.com/gorilla/websocket"

	"github.com/postern/postern/platforms"
)

// intents is what the bot wants to hear.
const intents = gateway.IntentGuilds | gateway.IntentGuildMessages | gateway.IntentDirectMessages | gateway.IntentMessageContent

const (
	frameMost = 32 << 20 // a large server comes in one frame
	queueMost = 512      // dispatches that wait to be stored; more stay in the network
	writeTime = 10 * time.Second
)

// The session is not resumable any more: a new one is needed.
var errStale = errors.New("the session has ended")

// session is one connection to the gateway.
type session struct {
	ws    *websocket.Conn
	every time.Duration // between heartbeats

	write sync.Mutex

	seq     atomic.Int64 // of the last dispatch that was read
	heard   atomic.Int64 // frames that were read
	waiting atomic.Bool  // the reader waits for the sink
}

// connect opens a connection and waits for Hello.
func (c *connector) connect(ctx context.Context, address string) (*session, error) {
	ctx, cancel := limited(ctx, callTime)
	defer cancel()
	u, err := url.Parse(address)
	if err != nil {
		return nil, misunderstood(http.StatusOK)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.RawQuery = "v=" + version + "&encoding=json"
	ws, resp, err := c.dialer.DialContext(ctx, u.String(), http.Header{"User-Agent": {userAgent}})
	if err != nil {
		if errors.Is(err, websocket.ErrBadHandshake) && resp != nil {
			defer resp.Body.Close()
			b := make([]byte, 1024)
			n, _ := resp.Body.Read(b)
			e := c.api.refused(resp, b[:n])
			if k := platforms.KindOf(e); k == platforms.Rejected {
				return nil, foreign(resp.StatusCode)
			}
			return nil, e
		}
		return nil, c.api.unreachable(ctx, err)
	}
	ws.SetReadLimit(frameMost)
	s := &session{ws: ws}
	// Nothing below looks at ctx by itself.
	stop := context.AfterFunc(ctx, func() { _ = ws.Close() })
	var hello struct {
		Interval int64 `json:"heartbeat_interval"`
	}
	f, err := s.read()
	held := stop()
	switch {
	case err != nil || !held:
		_ = ws.Close()
		if err == nil {
			err = ctx.Err()
		}
		return nil, c.broken(ctx, err)
	case f.Op != opHello || json.Unmarshal(f.Data, &hello) != nil || hello.Interval <= 0 || hello.Interval > int64(time.Hour/time.Millisecond):
		_ = ws.Close()
		return nil, misunderstood(http.StatusSwitchingProtocols)
	}
	s.every = max(time.Duration(hello.Interval)*time.Millisecond, 100*time.Millisecond)
	return s, nil
}

// errFrame is a frame that is no JSON.
var errFrame = errors.New("a frame that can't be read")

func (s *session) read() (frame, error) {
	var f frame
	_, b, err := s.ws.ReadMessage()
	if err != nil {
		return f, err
	}
	if json.Unmarshal(b, &f) != nil {
		return f, errFrame
	}
	s.heard.Add(1)
	return f, nil
}

func (s *session) send(op int, d any) error {
	b, err := encode(struct {
		Op   int `json:"op"`
		Data any `json:"d"`
	}{op, d})
	if err != nil {
		return err
	}
	s.write.Lock()
	defer s.write.Unlock()
	_ = s.ws.SetWriteDeadline(time.Now().Add(writeTime))
	return s.ws.WriteMessage(websocket.TextMessage, b)
}

// identify begins a session.
// https://discord.com/developers/docs/events/gateway-events#identify
func (s *session) identify(token platforms.Secret) error {
	return s.send(opIdentify, map[string]any{
		"token": token.Reveal(), "intents": int(intents), "large_threshold": 50,
		"properties": map[string]string{"os": runtime.GOOS, "browser": "postern", "device": "postern"},
	})
}

// resume takes a session up again.
func (s *session) resume(token platforms.Secret, p place) error {
	s.seq.Store(p.Seq)
	return s.send(opResume, map[string]any{"token": token.Reveal(), "session_id": p.Session, "seq": p.Seq})
}

func (s *session) beat() error {
	var seq any
	if n := s.seq.Load(); n > 0 {
		seq = n
	}
	return s.send(opHeartbeat, seq)
}

// errDead says that the other side has gone without a word.
var errDead = fmt.Errorf("no heartbeat was answered: %w", context.DeadlineExceeded)

// keep sends heartbeats until ctx ends, and fails when nothing comes back
// between two of them. What waits here to be stored is no silence of theirs.
func (s *session) keep(ctx context.Context) error {
	// The first comes at a random time, as the documentation asks.
	next := time.NewTimer(time.Duration(rand.Float64() * float64(s.every)))
	defer next.Stop()
	heard := int64(-1)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		if s.heard.Load() == heard && !s.waiting.Load() {
			return errDead
		}
		heard = s.heard.Load()
		if err := s.beat(); err != nil {
			return err
		}
		next.Reset(s.every)
	}
}

// listen reads frames until the connection ends, and passes dispatches on in
// their order. again is called when Discord asks for another connection.
func (s *session) listen(ctx context.Context, out chan<- frame, alive func()) error {
	for {
		f, err := s.read()
		if err != nil {
			return err
		}
		switch f.Op {
		case opHeartbeat:
			if err := s.beat(); err != nil {
				return err
			}
		case opReconnect:
			return &platforms.Error{Kind: platforms.Temporary, Text: "Discord asked to connect anew, which it does now and then. The next try follows by itself."}
		case opInvalid:
			if string(f.Data) == "true" {
				return &platforms.Error{Kind: platforms.Temporary, Text: "Discord asked to take the connection up again. The next try follows by itself."}
			}
			return errStale
		case opAck:
			alive()
		case opDispatch:
			if f.Seq != nil {
				s.seq.Store(*f.Seq)
			}
			select {
			case out <- f:
				continue
			default:
			}
			s.waiting.Store(true)
			select {
			case out <- f:
			case <-ctx.Done():
				return ctx.Err()
			}
			s.waiting.Store(false)
		}
	}
}

// close ends the connection so that the session stays: the codes 1000 and 1001
// would end it.
func (s *session) close() {
	_ = s.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4900, ""), time.Now().Add(time.Second))
	_ = s.ws.Close()
}

// Close codes of the gateway.
// https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
const (
	closeToken    = 4004
	closeSequence = 4007
	closeLimited  = 4008
	closeTimeout  = 4009
	closeShard    = 4010
	closeSharding = 4011
	closeVersion  = 4012
	closeIntents  = 4013
	closeContent  = 4014
)

// terminal is the close codes after which trying again is of no use.
var terminal = map[int]*platforms.Error{
	closeToken:    {Kind: platforms.Unauthorized, Text: "Discord does not accept the bot's token. Reset it in the developer portal, on the page Bot, and enter the new one."},
	closeShard:    {Kind: platforms.Rejected, Text: "Discord refuses this connection's shard, of which this program has one only. Update the program."},
	closeSharding: {Kind: platforms.Rejected, Text: "The bot is in more servers than one connection may serve. Remove it from some, or use a bot of your own."},
	closeVersion:  {Kind: platforms.Rejected, Text: "Discord does not speak this version of its protocol any more. Update the program."},
	closeIntents:  {Kind: platforms.Rejected, Text: "Discord does not know what this program asks to hear. Update the program."},
	closeContent:  {Kind: platforms.Rejected, Text: "The bot may not read messages. In the developer portal, on the page Bot, switch on Message Content Intent and save, then resume this account."},
}

// broken explains why a connection ended. It is errStale where only the session
// did.
func (c *connector) broken(ctx context.Context, err error) error {
	if cause := wished(ctx); cause != nil {
		return cause
	}
	var own *platforms.Error
	var closed *websocket.CloseError
	switch {
	case errors.As(err, &own), errors.Is(err, errStale):
		return err
	case errors.Is(err, errFrame):
		return misunderstood(http.StatusSwitchingProtocols)
	case errors.As(err, &closed):
		if t := terminal[closed.Code]; t != nil {
			e := *t
			e.Err = fmt.Errorf("close code %d", closed.Code)
			return &e
		}
		switch closed.Code {
		case closeSequence, closeTimeout:
			return errStale
		case closeLimited:
			return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: time.Minute,
				Text: "Discord asks to talk more slowly. The next try follows by itself.", Err: fmt.Errorf("close code %d", closed.Code)}
		}
		e := platforms.Network(websocket.ErrCloseSent, title)
		e.Text = "Discord ended the connection. The next try follows by itself."
		e.Err = fmt.Errorf("close code %d", closed.Code)
		return e
	}
	return c.api.unreachable(ctx, err)
}

// gatewayAt asks where the gateway is, and whether a session may be begun there.
func (c *connector) gatewayAt(ctx context.Context, begin bool) (address string, now time.Time, err error) {
	var got struct {
		URL   string `json:"url"`
		Limit *struct {
			Remaining int   `json:"remaining"`
			After     int64 `json:"reset_after"` // milliseconds
		} `json:"session_start_limit"`
	}
	h, err := c.api.header(ctx, callTime, call{method: http.MethodGet, path: "/gateway/bot"}, &got)
	if err != nil {
		if platforms.KindOf(err) == platforms.Rejected { // a server's fault, not a message's
			err = &platforms.Error{Kind: platforms.Temporary, Text: platforms.Explain(err), Err: err}
		}
		return "", now, err
	}
	if !c.trusted(got.URL) {
		return "", now, misunderstood(http.StatusOK)
	}
	if begin && got.Limit != nil && got.Limit.Remaining <= 0 {
		// At 1000 in a day Discord resets the token.
		return "", now, &platforms.Error{Kind: platforms.RateLimited, RetryAfter: time.Duration(max(0, got.Limit.After)) * time.Millisecond,
			Text: "The bot has connected too often today, and Discord lets it in later. The next try follows by itself."}
	}
	now, err = http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return got.URL, now, nil
}

// trusted reports whether the token may be sent to a gateway's address: it is
// Discord's, or that of the server that the person entered.
func (c *connector) trusted(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil {
		return false
	}
	if !c.api.elsewhere {
		host := u.Hostname()
		return u.Scheme == "wss" && (u.Port() == "" || u.Port() == "443") &&
			(strings.HasSuffix(host, ".discord.gg") || strings.HasSuffix(host, ".discord.com"))
	}
	own, err := url.Parse(c.api.server)
	return err == nil && u.Hostname() == own.Hostname() &&
		(u.Scheme == "wss" || u.Scheme == "ws" && own.Scheme == "http")
}
