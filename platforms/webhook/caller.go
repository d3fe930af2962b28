package webhook

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of a call to a service's API.
const (
	callIn     = 15 * time.Second
	answerMost = 4 << 20 // bytes; a page of hooks is far below that
	pagesMost  = 10
	wordsMost  = 200 // characters of what a service says of an error
)

// caller calls one service's API with one token.
type caller struct {
	client *http.Client
	base   *url.URL
	reg    registry
	token  string
	hide   []platforms.Secret // never in an error
	now    func() time.Time
}

func (c *connector) caller(reg registry, base string, secrets map[string]platforms.Secret) (*caller, error) {
	u, err := url.Parse(cmp.Or(base, reg.base))
	if err != nil || u.Scheme != "https" && !platforms.Loopback(u.Hostname()) { // values may come from a file
		return nil, &platforms.Error{Kind: platforms.Rejected, Text: "The address of the API is not one. Enter it again, with https://."}
	}
	token := secrets[regToken].Reveal()
	if token == "" {
		return nil, &platforms.Error{Kind: platforms.Unauthorized, Text: "There is no access token. Enter one for " + reg.title + "."}
	}
	client := http.Client{}
	if c.http != nil {
		client = *c.http
	}
	// Wherever a redirect leads, the token was not meant for it.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &caller{client: &client, base: u, reg: reg, token: token, hide: []platforms.Secret{secrets[regToken]}, now: c.now}, nil
}

// statusError is an answer that is not 2xx.
type statusError struct {
	status int
	words  string // the service's own, on one line
	header http.Header
}

func (e *statusError) Error() string { return fmt.Sprintf("status %d %s", e.status, e.words) }

// call sends in as JSON, if it is not nil, to the path under the base and reads
// what is answered into out, if that is not nil. The path's parts are escaped
// here.
func (c *caller) call(ctx context.Context, method string, path []string, in, out any) (err error) {
	_, err = c.send(ctx, method, c.at(path), in, out)
	return err
}

// at is the address of a path.
func (c *caller) at(path []string) *url.URL {
	escaped := make([]string, len(path))
	for i, p := range path {
		escaped[i] = url.PathEscape(p)
	}
	u := *c.base
	raw := strings.TrimRight(u.EscapedPath(), "/") + "/" + strings.Join(escaped, "/")
	u.Path, _ = url.PathUnescape(raw)
	u.RawPath = raw
	return &u
}

func (c *caller) send(ctx context.Context, method string, to *url.URL, in, out any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, callIn)
	defer cancel()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, fmt.Errorf("write down a request: %w", err)
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, fmt.Errorf("make a request: %w", err)
	}
	r.Header.Set("User-Agent", "Postern") // GitHub refuses requests without one
	r.Header.Set("Accept", "application/json")
	for name, value := range c.reg.headers {
		r.Header.Set(name, value)
	}
	name, value := c.reg.auth(c.token)
	r.Header.Set(name, value)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		return resp.Header, &statusError{status: resp.StatusCode, words: platforms.Redact(complaint(b), c.hide...), header: resp.Header}
	}
	if out == nil {
		return resp.Header, nil
	}
	if len(b) > answerMost {
		return nil, errStrange
	}
	if err := json.Unmarshal(b, out); err != nil {
		return nil, errStrange
	}
	return resp.Header, nil
}

var errStrange = errors.New("the answer is not what the documentation says")

// pages reads all pages of a list, as far as its Link headers lead within the
// same API. https://www.rfc-editor.org/rfc/rfc8288
func pages[T any](ctx context.Context, c *caller, path []string, query url.Values, read func(page json.RawMessage) ([]T, error)) ([]T, error) {
	to := c.at(path)
	to.RawQuery = query.Encode()
	var all []T
	for range pagesMost {
		var page json.RawMessage
		h, err := c.send(ctx, http.MethodGet, to, nil, &page)
		if err != nil {
			return nil, err
		}
		list, err := read(page)
		if err != nil {
			return nil, errStrange
		}
		all = append(all, list...)
		next := nextPage(h, to)
		if next == nil {
			return all, nil
		}
		to = next
	}
	return all, nil
}

// nextPage is where a Link header with rel="next" leads, if that is the same
// list.
func nextPage(h http.Header, from *url.URL) *url.URL {
	for _, link := range strings.Split(strings.Join(h.Values("Link"), ","), ",") {
		address, params, ok := strings.Cut(link, ">")
		address = strings.TrimPrefix(strings.TrimSpace(address), "<")
		if !ok || !strings.Contains(params, `rel="next"`) {
			continue
		}
		u, err := from.Parse(address)
		if err != nil || u.Scheme != from.Scheme || u.Host != from.Host || u.EscapedPath() != from.EscapedPath() || u.User != nil {
			return nil // the token goes nowhere else
		}
		return u
	}
	return nil
}

// complaint is what a service says of an error, on one line. GitHub and Webex have
// message and errors, GitLab message, which may be an object, or error.
func complaint(body []byte) string {
	v, ok := parse(body)
	if !ok {
		return ""
	}
	var out []string
	add := func(s string) {
		if s = text.Line(s, wordsMost); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	add(v.get("message").line(wordsMost))
	if m, ok := v.get("message").any.(map[string]any); ok { // GitLab: {"url": ["is blocked: …"]}
		for _, name := range slices.Sorted(maps.Keys(m)) {
			for _, item := range (value{m[name]}).list() {
				add(name + " " + value{item}.line(wordsMost))
			}
		}
	}
	add(v.get("error").line(wordsMost))
	add(v.get("error_description").line(wordsMost))
	for _, e := range v.get("errors").list() {
		add(value{e}.get("message").line(wordsMost))
		add(value{e}.get("description").line(wordsMost))
	}
	return text.Line(strings.Join(out, "; "), wordsMost)
}

// explain says what happened and what to do.
func (c *caller) explain(err error, r platforms.Registered) error {
	title := c.reg.title
	var s *statusError
	var already *platforms.Error
	switch {
	case errors.As(err, &already):
		return already
	case errors.Is(err, errStrange):
		return &platforms.Error{Kind: platforms.Rejected, Err: err, Text: "What answers at " + c.base.Host + " is not the API of " + title + ". Check its address."}
	case !errors.As(err, &s):
		return platforms.Network(platforms.RedactError(err, c.hide...), title)
	}
	words := ""
	if s.words != "" {
		words = " It says: " + strings.TrimRight(s.words, ".") + "."
	}
	e := &platforms.Error{Kind: platforms.Rejected, Err: fmt.Errorf("status %d", s.status)}
	switch {
	case limited(s):
		e.Kind, e.RetryAfter = platforms.RateLimited, retryAfter(s.header, c.now())
		e.Text = title + " takes no more requests for now. Try again "
		if e.RetryAfter > 0 {
			e.Text += "in " + e.RetryAfter.Round(time.Second).String() + "."
		} else {
			e.Text += "in a few minutes."
		}
	case s.status == http.StatusUnauthorized:
		e.Kind = platforms.Unauthorized
		e.Text = title + " does not know this token, or it has expired. Make a new one there and enter it." + words
	case s.status == http.StatusForbidden:
		e.Kind = platforms.Unauthorized
		e.Text = title + " knows this token, but it may not do this. " + c.reg.refused(r) + words
	case s.status == http.StatusNotFound, s.status == http.StatusGone:
		e.Text = title + " shows nothing of that name to this token. Check the name. " + c.reg.refused(r) + words
	case s.status/100 == 3:
		e.Text = "That leads elsewhere, and the token is not sent on: what it names may have been renamed or moved. Enter its present name or address."
	case s.status/100 == 5:
		e.Kind = platforms.Temporary
		e.Text = title + " has a fault of its own. Try again in a few minutes." + words
	default:
		e.Text = title + " refuses this. Look at what it says, and change it." + words
	}
	return e
}

// limited tells a limit from a refusal: GitHub answers both with 403.
// https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
func limited(s *statusError) bool {
	return s.status == http.StatusTooManyRequests ||
		s.status == http.StatusForbidden && (s.header.Get("Retry-After") != "" || s.header.Get("X-RateLimit-Remaining") == "0")
}

// retryAfter is how long to wait, at most a day; 0 where nothing says it.
func retryAfter(h http.Header, now time.Time) time.Duration {
	const most = 24 * time.Hour
	if h.Get("Retry-After") != "" {
		return platforms.RetryAfter(h.Get("Retry-After"), now, most)
	}
	for _, name := range []string{"X-RateLimit-Reset", "RateLimit-Reset"} { // GitHub's and GitLab's, in Unix time
		if at, err := strconv.ParseInt(h.Get(name), 10, 40); err == nil {
			return min(max(0, time.Unix(at, 0).Sub(now)), most)
		}
	}
	return 0
}
