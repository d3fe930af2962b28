package chathook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
	"github.com/postern/postern/platforms/text"
)

const (
	callTime   = 30 * time.Second
	answerMost = 64 << 10 // bytes that are read of one answer
)

// Send is platforms.Connector's. Thread, ReplyTo and Reply mean nothing at a
// webhook.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case m.Conversation != conversation:
		return "", rejected("A webhook posts into one conversation, which is called %q. Send it there.", conversation)
	case len(m.Files) > 0:
		return "", &platforms.Error{Kind: platforms.Unsupported, Text: "A chat's webhook takes no files. Send a link instead."}
	case len(m.Buttons) > 0:
		return "", &platforms.Error{Kind: platforms.Unsupported, Text: "Nobody's answer comes back from a chat's webhook, so it has no buttons. Send the message without."}
	case strings.TrimSpace(m.Text) == "":
		return "", rejected("The message is empty. Write something.")
	}
	m.Text = strings.ToValidUTF8(strings.ReplaceAll(m.Text, "\x00", ""), "\uFFFD")
	if m.Format == platforms.Markdown && strings.TrimSpace(markup.Plain(markup.Parse(m.Text))) == "" {
		m.Format = platforms.Plain // marks around nothing
	}
	if !c.form.fits(m.Text, m.Format) {
		return "", rejected("The message is longer than the %d %s that %s takes. Send it in parts.", c.form.limits.Text, c.form.limits.Unit, c.form.title)
	}
	if wait := c.rest.left(c.now()); wait > 0 {
		return "", c.slowly(wait)
	}
	b, err := encode(c.form.body(m, c.name, c.avatar))
	if err != nil {
		return "", &platforms.Error{Kind: platforms.Rejected, Text: "This can't be put into the chat's form. Change the message.", Err: err}
	}
	target := c.url.Reveal()
	if c.form.target != nil {
		if u, err := address(target); err == nil {
			target = c.form.target(*u)
		}
	}
	a, err := c.call(ctx, http.MethodPost, target, b)
	if err != nil {
		return "", err
	}
	if a.status/100 != 2 {
		return "", c.refused(a)
	}
	id, ok := c.form.took(a)
	if !ok {
		return "", c.misunderstood(a)
	}
	c.proven()
	if c.form.rests != nil {
		c.rest.take(c.now(), c.form.rests(a.header))
	}
	if id = text.Line(id, 120); id == "" { // the chat names it by nothing
		sum := sha256.Sum256([]byte(m.Key))
		id = "key:" + hex.EncodeToString(sum[:12])
	}
	return platforms.MessageID(id), nil
}

// encode is JSON as it is, without escapes for HTML, which would count.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// ask fetches what the address tells of itself: the webhook's name.
func (c *connector) ask(ctx context.Context) (string, error) {
	a, err := c.call(ctx, http.MethodGet, c.url.Reveal(), nil)
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		if a.status/100 == 2 {
			return "", c.misunderstood(a)
		}
		return "", c.refused(a)
	}
	name, ok := c.form.ask(a.body)
	if !ok {
		return "", c.misunderstood(a)
	}
	c.known.Store(true)
	return text.Line(name, 80), nil
}

// call makes a request. Its errors are *platforms.Error, or ctx's own.
func (c *connector) call(ctx context.Context, method, target string, body []byte) (answer, error) {
	limited, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, method, target, bytes.NewReader(body))
	if err != nil {
		return answer{}, &platforms.Error{Kind: platforms.Unauthorized, Text: "The webhook's address can't be used in a request. Enter it anew."}
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "Postern (https://github.com/postern/postern)")
	// A request is never repeated unasked, as a body that can be read again would
	// allow: the outbox knows what may be a duplicate.
	req.GetBody = nil
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, c.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost))
	if err != nil {
		return answer{}, c.unreachable(ctx, err)
	}
	return answer{resp.StatusCode, resp.Header, b}, nil
}

// unreachable explains a request that got no answer. ctx is the caller's.
func (c *connector) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := platforms.Network(err, c.form.title)
	e.Err = platforms.RedactError(e.Err, c.secret...)
	return e
}

// refused turns an answer with another status than 2xx into the contract's
// error. Only what is surely the chat's own word ends an account or a message:
// a proxy and a sign-in page answer, too.
func (c *connector) refused(a answer) error {
	word, ours := c.form.word(a)
	word = text.Line(platforms.Redact(text.Clean(word), c.secret...), 200)
	cause := fmt.Errorf("status %d", a.status)
	if word != "" && ours {
		cause = fmt.Errorf("status %d: %s", a.status, word)
	}
	e := &platforms.Error{Kind: platforms.Temporary, Err: cause}
	title := c.form.title
	switch {
	case a.status == http.StatusTooManyRequests:
		wait := time.Duration(0)
		if c.form.wait != nil {
			wait = c.form.wait(a)
		}
		if n, err := strconv.ParseFloat(a.header.Get("Retry-After"), 64); wait == 0 && err == nil {
			wait = seconds(n)
		}
		slow := c.slowly(wait)
		slow.Err = cause
		return slow
	case a.status == http.StatusProxyAuthRequired:
		return platforms.Network(errors.New(http.StatusText(a.status)), title)
	case ours && c.ended(a.status, word):
		e.Kind = platforms.Unauthorized
		e.Text = title + " accepts nothing at this address any more" + because(word) + ". Make a new webhook there, or mend that one, and enter its address here."
	case a.status >= 500:
		e.Text = title + " has a fault at the moment. The next try follows by itself."
	case a.status/100 == 3:
		e.Text = "The address leads elsewhere, and a webhook's address is not followed. It may be the network's sign-in page: open a web page to see. Else copy the address again."
	case !ours:
		e.Text = "Something that is not " + title + " answered. It may be the network's sign-in page, or the address is wrong: open a web page to see."
	case a.status == http.StatusConflict || a.status == http.StatusRequestTimeout:
		e.Text = title + " was busy with this message. The next try follows by itself."
	case a.status == http.StatusRequestEntityTooLarge:
		e.Kind, e.Text = platforms.Rejected, title+" finds this message too large. Send it in parts."
	default:
		e.Kind, e.Text = platforms.Rejected, title+" refused this message"+because(word)+". Change it and send it again."
	}
	return e
}

// ended reports whether a refusal means the address and not the message.
func (c *connector) ended(status int, word string) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusNotFound, http.StatusGone:
		return true
	}
	for _, g := range c.form.gone {
		if strings.Contains(word, g) {
			return true
		}
	}
	return false
}

func because(word string) string {
	if word == "" {
		return ""
	}
	return ": " + strings.TrimRight(word, ".")
}

func (c *connector) slowly(wait time.Duration) *platforms.Error {
	return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: wait,
		Text: c.form.title + " asks to post more slowly. The next try follows by itself."}
}

// misunderstood is for an answer that looks like success and is not in the
// documented form. The message may have arrived all the same, which the cause
// says in the words of a connection that broke. Its content is not repeated.
func (c *connector) misunderstood(a answer) error {
	return &platforms.Error{Kind: platforms.Temporary,
		Text: "What answered may not be " + c.form.title + ": its answer could not be understood. The next try follows by itself.",
		Err:  fmt.Errorf("an answer with status %d is not in the documented form: %w", a.status, io.ErrUnexpectedEOF)}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}

// rest is until when the chat asked for silence.
type rest struct {
	mu    sync.Mutex
	until time.Time
}

func (r *rest) take(now time.Time, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if until := now.Add(d); d > 0 && until.After(r.until) {
		r.until = until
	}
}

func (r *rest) left(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.until.Sub(now))
}
