package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// How long a call may take.
const (
	callTime = 20 * time.Second
	sendTime = 60 * time.Second
	pollTime = 50 * time.Second // what the server is asked to wait
	pollMost = 75 * time.Second // what we wait for the server
)

// answerMost bounds what is read of one answer. A full batch of updates with
// the longest texts is far below it.
const answerMost = 32 << 20

// api calls methods of the Bot API. The SDK's own caller is not used: it counts
// an update as confirmed before it is stored, repeats whole answers in its
// errors, and reads uploads in a goroutine that nobody waits for.
type api struct {
	http   *http.Client
	server string
	token  platforms.Secret
}

// name is whom the calls go to, for a person.
func (a *api) name() string {
	if u, err := url.Parse(a.server); err == nil && a.server != defaultServer {
		return "the server " + text.Line(u.Host, 80)
	}
	return title
}

// secrets is what must not be repeated: the token, and its part after the
// bot's public number, which is all that another needs to be the bot.
func (a *api) secrets() []platforms.Secret {
	_, key, _ := strings.Cut(a.token.Reveal(), ":")
	return []platforms.Secret{a.token, platforms.NewSecret(key)}
}

// answer is what every method gives.
type answer struct {
	OK          bool            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	ErrorCode   int             `json:"error_code"`
	Description string          `json:"description"`
	Parameters  struct {
		RetryAfter      int   `json:"retry_after"`
		MigrateToChatID int64 `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// call calls a method with params as JSON, and decodes the result into result. Its errors are *platforms.Error, or ctx's own.
func (a *api) call(ctx context.Context, within time.Duration, method string, params, result any) error {
	body := []byte("{}")
	if params != nil {
		var err error
		if body, err = json.Marshal(params); err != nil {
			return &platforms.Error{Kind: platforms.Rejected, Text: "This can't be put into Telegram's form. Change the message.", Err: err}
		}
	}
	return a.post(ctx, within, method, "application/json", bytes.NewReader(body), int64(len(body)), result)
}

// post calls a method with a body that is sent as it is read. length is -1
// where it is not known.
func (a *api) post(ctx context.Context, within time.Duration, method, contentType string, body io.Reader, length int64, result any) error {
	limited, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, http.MethodPost, a.server+"/bot"+a.token.Reveal()+"/"+method, body)
	if err != nil {
		if c, ok := body.(io.Closer); ok {
			_ = c.Close()
		}
		return &platforms.Error{Kind: platforms.Unauthorized, Text: "The token or the server's address can't be used in a request. Enter both anew."}
	}
	req.ContentLength = length
	req.Header.Set("Content-Type", contentType)
	resp, err := a.http.Do(req)
	if err != nil {
		return a.unreachable(ctx, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, answerMost+1))
	if err != nil {
		return a.unreachable(ctx, err)
	}
	if len(data) > answerMost {
		return misunderstood(resp.StatusCode)
	}
	var got answer
	if err := json.Unmarshal(data, &got); err != nil || !got.OK && got.ErrorCode == 0 {
		return foreign(resp)
	}
	if !got.OK {
		return a.refused(method, got)
	}
	if err := json.Unmarshal(got.Result, result); err != nil {
		return misunderstood(resp.StatusCode)
	}
	return nil
}

// unreachable explains a request that got no answer. ctx is the caller's: if
// that ended, then it was the caller's wish.
func (a *api) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var own *platforms.Error
	if errors.As(err, &own) { // from the body that was being sent
		return own
	}
	e := platforms.Network(err, a.name())
	e.Err = platforms.RedactError(e.Err, a.secrets()...)
	return e
}
