package line

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// refusal is an answer with another status than 2xx, for telling cases apart.
type refusal struct {
	status   int
	message  string // redacted
	accepted string // the request that a retry key belongs to
	sent     []messaging_api.SentMessage
}

func (r *refusal) Error() string { return fmt.Sprintf("status %d: %s", r.status, r.message) }

// refusalOf is the refusal in err, or nil.
func refusalOf(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	return nil
}

// says reports whether err is a refusal whose message contains words, whatever
// their case.
func says(err error, words string) bool {
	r := refusalOf(err)
	return r != nil && strings.Contains(strings.ToLower(r.message), strings.ToLower(words))
}

// gone reports whether err says that there is no such thing.
func gone(err error) bool {
	r := refusalOf(err)
	return r != nil && (r.status == http.StatusNotFound || r.status == http.StatusGone)
}

// refused turns an answer with another status than 2xx into the contract's
// error. https://developers.line.biz/en/reference/messaging-api/#status-codes
func (a *api) refused(resp *http.Response, body []byte) error {
	var got messaging_api.ErrorResponse
	ours := json.Unmarshal(body, &got) == nil && got.Message != ""
	words := got.Message
	for i, d := range got.Details {
		if i == 3 {
			break
		}
		words += "; " + d.Property + ": " + d.Message
	}
	// It is cleaned first: a character that cleaning takes out could stand within
	// a secret and keep it from being found.
	words = text.Line(platforms.Redact(text.Clean(words), a.token, a.secret), 300)
	r := &refusal{status: resp.StatusCode, message: words,
		accepted: text.Line(resp.Header.Get("X-Line-Accepted-Request-Id"), 80), sent: got.SentMessages}
	e := &platforms.Error{Kind: platforms.Temporary, Err: r}
	switch {
	case resp.StatusCode == http.StatusUnauthorized && ours:
		e.Kind = platforms.Unauthorized
		e.Text = "LINE does not accept the channel access token. Issue a new one in the LINE Developers Console and enter it here."
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return platforms.Network(errors.New(http.StatusText(resp.StatusCode)), title)
	case resp.StatusCode == http.StatusTooManyRequests && strings.Contains(strings.ToLower(words), "monthly limit"):
		// To wait would be to wait for the next month.
		e.Kind = platforms.Rejected
		e.Text = "This month's messages are used up. Answer within a minute of a message, which costs nothing, or choose a larger plan at LINE."
	case resp.StatusCode == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = platforms.RateLimited, after(resp.Header)
		e.Text = "LINE asks to send more slowly. The next try follows by itself."
	case resp.StatusCode >= 500:
		e.Text = "LINE has a fault at the moment. The next try follows by itself."
	case resp.StatusCode == http.StatusConflict:
		e.Text = "LINE was still busy with this message. The next try follows by itself."
	case !ours:
		e.Text = "Something that is not LINE answered. It may be the network's sign-in page, or the server's address is wrong: open a web page to see."
	default:
		e.Kind, e.Text = platforms.Rejected, advice(resp.StatusCode, words)
	}
	return e
}

// after is how long the answer asks to wait. LINE documents no such header; a
// proxy may send it.
func after(h http.Header) time.Duration {
	n, _ := strconv.Atoi(h.Get("Retry-After"))
	return time.Duration(max(0, min(n, 24*60*60))) * time.Second
}

// advices tells what to do about refusals that people meet.
var advices = []struct{ message, text string }{
	{"'to', in the request body is invalid", "LINE knows no such chat for this bot. Let the person add the bot as a friend and write first, or add the bot to the group."},
	{"failed to send messages", "LINE could not deliver the message. The person may have blocked the bot, or the bot left the group."},
	{"invalid reply token", "The time in which this could be answered for free is over. Send the message again."},
	{"not available for your account", "This account's plan at LINE does not allow this. Choose another plan in the LINE Official Account Manager."},
	{"invalid webhook endpoint", "LINE takes addresses only that begin with https:// and lead to a server with a valid certificate. Check the address."},
}

func advice(status int, words string) string {
	lower := strings.ToLower(words)
	for _, a := range advices {
		if strings.Contains(lower, a.message) {
			return a.text
		}
	}
	if status == http.StatusForbidden {
		return "LINE does not allow this to the bot. Check its plan and its settings in the LINE Official Account Manager."
	}
	if words == "" {
		words = "no reason given"
	}
	return "LINE refused this: " + strings.TrimRight(words, ".") + ". Change the message, or the bot's settings at LINE."
}

// misunderstood is for an answer that has not the documented form. Its content
// is not repeated: it may be a message.
func misunderstood(status int) error {
	return &platforms.Error{Kind: platforms.Temporary,
		Text: "LINE's answer could not be understood. The next try follows by itself.",
		Err:  fmt.Errorf("an answer with status %d is not in the documented form", status)}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}
