// Package client speaks to a running Postern over its local interface. The
// window, the command line and whatever else runs beside Postern share it; it
// links neither the journal nor the keyring nor any platform's SDK.
//
// Every method returns *api.Error for what Postern refused, and an error that
// is ErrNotRunning where there is no Postern to ask. Text that came from
// outside comes through as it is: clean it before it is shown.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/socket"
	"github.com/postern/postern/platforms"
)

// ErrNotRunning is what errors.Is finds when no Postern answers.
var ErrNotRunning = errors.New("no Postern is running")

// notRunning says so to a person.
type notRunning struct{ dir string }

func (e notRunning) Error() string {
	return fmt.Sprintf("Postern is not running for the data folder %s. Start it with: postern", e.dir)
}

func (notRunning) Is(target error) bool { return target == ErrNotRunning }

// DataDir is where Postern keeps its data unless told otherwise.
func DataDir() (string, error) { return socket.DataDir() }

// Client asks one Postern. It may be used from several goroutines.
type Client struct {
	dir    string
	window bool
	http   *http.Client
	name   string                           // of the client to be held to
	proof  *platforms.Secret                // that client's token
	token  atomic.Pointer[platforms.Secret] // the session's
}

// Option changes a Client.
type Option func(*Client)

// AsWindow makes the client's change streams those of a window: they are told
// what to show.
func AsWindow() Option { return func(c *Client) { c.window = true } }

// New makes a client of the Postern with data folder dir. It connects when it is
// asked something.
func New(dir string, opts ...Option) *Client {
	c := &Client{dir: dir}
	for _, o := range opts {
		o(c)
	}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				return socket.Dial(ctx, dir)
			},
			MaxIdleConnsPerHost: 4,
			IdleConnTimeout:     30 * time.Second,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Close ends idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Raise has the Postern with data folder dir show r in its window; a second
// start of the program does this. ErrNotRunning means that there is none to
// raise.
func Raise(ctx context.Context, dir string, r api.Request) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	c := New(dir)
	defer c.Close()
	return c.Show(ctx, r)
}

// Identify exchanges the capability that Postern handed this process for a
// session. From then on the client's requests count as a person's.
func (c *Client) Identify(ctx context.Context, capability platforms.Secret) error {
	var s api.Session
	if err := c.call(ctx, http.MethodPost, "session", nil, api.Capability{Capability: capability.Reveal()}, &s); err != nil {
		return err
	}
	token := platforms.NewSecret(s.Token)
	c.token.Store(&token)
	return nil
}

// Identified is nil if the client's requests count as a person's.
func (c *Client) Identified(ctx context.Context) error {
	return c.call(ctx, http.MethodGet, "session", nil, nil, nil)
}

// call makes one request with in as its JSON body, if any, and decodes the
// answer into out, if any.
func (c *Client) call(ctx context.Context, method, path string, q url.Values, in, out any) error {
	var body io.Reader
	kind := ""
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode a request to Postern: %w", err)
		}
		body, kind = bytes.NewReader(raw), "application/json"
	}
	resp, err := c.do(ctx, method, path, q, body, kind)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<16)) // so that the connection can be used again
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
		return c.broken(ctx, err)
	}
	return nil
}

// do makes a request and returns its answer if that is no error.
func (c *Client) do(ctx context.Context, method, path string, q url.Values, body io.Reader, kind string) (*http.Response, error) {
	address := "http://" + api.Host + "/v1/" + path
	if len(q) > 0 {
		address += "?" + q.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make a request to Postern: %w", err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if ctx.Value(terminalKey{}) != nil {
		req.Header.Set(api.TerminalHeader, "yes")
	}
	if c.name != "" {
		req.Header.Set(api.ClientHeader, c.name)
	}
	if c.proof != nil {
		req.Header.Set("Authorization", "Bearer "+c.proof.Reveal())
	} else if t := c.token.Load(); t != nil {
		req.Header.Set("Authorization", "Bearer "+t.Reveal())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.broken(ctx, err)
	}
	if resp.StatusCode < 300 {
		return resp, nil
	}
	defer resp.Body.Close()
	wire := &api.Error{}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(wire); err != nil || wire.Text == "" {
		wire = &api.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("Postern answered with %s. Look at its log.", resp.Status)}
	}
	return nil, wire
}

// broken says in words why there is no answer.
func (c *Client) broken(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil {
		return cause
	}
	var told *url.Error
	if errors.As(err, &told) {
		err = told.Err // without the address, which holds ids and searches
	}
	switch {
	case errors.Is(err, socket.ErrAbsent):
		return notRunning{c.dir}
	case errors.Is(err, socket.ErrForeign), errors.Is(err, syscall.EACCES):
		return &api.Error{Kind: platforms.Rejected, Text: "The Postern with this data folder runs as another user. Use that user's account, or another folder with --data."}
	case errors.Is(err, socket.ErrUnsafe):
		return &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("The data folder %s is open to other users, so it is not trusted. Close it to them, or start Postern with it, which does that.", c.dir)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return &api.Error{Kind: platforms.Temporary, Text: "Postern ended before it had answered. Start it again, then look whether what you asked for was done."}
	}
	return fmt.Errorf("ask Postern: %w", err)
}

// escape makes an id one segment of a path.
func escape(id string) string { return url.PathEscape(id) }

func number[N int | uint64](n N) string { return strconv.FormatUint(uint64(n), 10) }
