package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// longestRest bounds what a server may ask for with Retry-After.
const longestRest = 24 * time.Hour

// post makes one request and reads what Config.Mode needs of its answer.
func (r *Responder) post(ctx context.Context, d app.Delivery, body []byte, form string) ([]platforms.Message, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, r.rejected("The request to it could not be made. Check its address.", err)
	}
	for _, h := range r.c.Headers {
		req.Header.Set(h.Name, h.Value.Reveal())
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "Postern")
	}
	id := wire.ID(d)
	timestamp, signature := sign(r.keys, id, r.now(), body)
	req.Header.Set("Content-Type", form)
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Webhook-Signature", signature)

	res, err := r.client.Do(req)
	if err != nil {
		return nil, r.unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	r.log.Debug("forwarded", "to", r.to.Host, "seq", d.Seq, "status", res.StatusCode)
	if err := r.status(res); err != nil {
		return nil, err
	}
	answer, err := r.answer(res)
	for i := range answer {
		answer[i].ReplyTo = d.Event.Message
	}
	return answer, err
}

// body is what the destination gets, and its media type.
func (r *Responder) body(d app.Delivery) (body []byte, form string, err error) {
	if raw := d.Event.Raw; r.c.Raw && raw != nil {
		form = "application/octet-stream"
		if v := raw.Header["Content-Type"]; len(v) > 0 {
			if _, _, err := mime.ParseMediaType(v[0]); err == nil {
				form = v[0]
			}
		}
		return raw.Body, form, nil
	}
	body, err = wire.Of(d).JSON()
	return body, "application/json", err
}

// unreachable is an error of Do: no answer came.
func (r *Responder) unreachable(err error) error {
	var far *platforms.Error
	if errors.As(err, &far) {
		return far
	}
	e := platforms.Network(err, r.to.Host)
	e.Err = platforms.RedactError(e.Err, r.hide...)
	return e
}

func (r *Responder) rejected(what string, err error) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: r.name() + ": " + what, Err: err}
}

// status is what a status other than 200 to 299 amounts to.
func (r *Responder) status(res *http.Response) error {
	code := res.StatusCode
	said := strconv.Itoa(code)
	if s := http.StatusText(code); s != "" {
		said += " " + s
	}
	switch {
	case code >= 200 && code <= 299:
		return nil
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code >= 500:
		return &platforms.Error{Kind: platforms.Temporary, RetryAfter: platforms.RetryAfter(res.Header.Get("Retry-After"), r.now(), longestRest),
			Text: fmt.Sprintf("%s can't take the event now (%s). See what it says; the next try follows by itself.", r.name(), said)}
	case code >= 300 && code <= 399:
		return r.rejected(fmt.Sprintf("it points to another address (%s), which is not followed. Put the address that answers into the settings.", said), nil)
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return r.rejected(fmt.Sprintf("it does not accept this computer (%s). Check the secret and the headers on both sides.", said), nil)
	case code == http.StatusGone:
		return r.rejected(fmt.Sprintf("it wants no more events (%s). Remove it, or give it a new address.", said), nil)
	}
	return r.rejected(fmt.Sprintf("it refused the event (%s). See what it says, and check the address.", said), nil)
}

// answer is what the sender gets to see.
func (r *Responder) answer(res *http.Response) ([]platforms.Message, error) {
	rules := wire.Rules{}
	if r.c.Markdown {
		rules.Format = platforms.Markdown
	}
	if r.c.Mode != Wait {
		// A short rest is read, so that the connection can be used again. The
		// event was taken, whatever comes now.
		if res.ContentLength >= 0 && res.ContentLength <= 4<<10 {
			_, _ = io.CopyN(io.Discard, res.Body, res.ContentLength+1)
		}
		if r.c.Mode == OneWay {
			return nil, nil
		}
		m, _ := rules.Message([]byte(r.c.Reply))
		return []platforms.Message{m}, nil
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, int64(r.c.Answer)+1))
	switch {
	case len(b) > r.c.Answer:
		return nil, r.rejected(fmt.Sprintf("it answered more than %d KiB, so nothing was sent on. Make it answer less, or raise the limit.", r.c.Answer>>10), nil)
	case err != nil:
		return nil, r.unreachable(fmt.Errorf("read the answer: %w", err))
	}
	b = []byte(platforms.Redact(string(b), r.hide...))
	kind, isText, wrong := media(res.Header.Get("Content-Type"))
	if wrong != "" && len(bytes.TrimSpace(b)) > 0 {
		return nil, r.rejected(wrong, nil)
	}
	if kind == "text/markdown" {
		rules.Format = platforms.Markdown
	}
	var m platforms.Message
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return nil, nil
	case isText:
		m, _ = rules.Message(b)
	default:
		if m, err = rules.Parse(b); err != nil {
			return nil, r.rejected(`its answer says that it is JSON, but is no {"text": …}. Correct it, or have it answer text/plain.`, err)
		}
	}
	if wire.Empty(m) {
		return nil, nil
	}
	return []platforms.Message{m}, nil
}

// media is the media type of an answer, and whether it is text or else JSON.
// What is neither, a page or a picture for one, was not meant as an answer: a
// sign-in page of some gateway, likely. wrong says so, for the person.
func media(header string) (kind string, isText bool, wrong string) {
	if header == "" {
		return "text/plain", true, ""
	}
	kind, _, err := mime.ParseMediaType(header)
	switch {
	case err != nil:
		return "", false, "the kind of its answer can't be read. Have it answer text/plain or application/json."
	case kind == "text/plain", kind == "text/markdown":
		return kind, true, ""
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return kind, false, ""
	}
	return kind, false, fmt.Sprintf("it answered with %s, which is not shown. Have it answer text/plain or application/json.", text.Line(kind, 60))
}
