package discord

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// logger says what went wrong aside from any caller. The zero logger is silent.
type logger struct{ to *slog.Logger }

func (l logger) warn(ctx context.Context, what string, err error) {
	if l.to != nil && ctx.Err() == nil {
		l.to.WarnContext(ctx, what, "error", err)
	}
}

// refusal is an answer of Discord that refuses, for telling cases apart.
type refusal struct {
	status, code int
	msg          string // redacted
}

func (r *refusal) Error() string {
	return fmt.Sprintf("status %d, code %d: %s", r.status, r.code, r.msg)
}

// codeOf is Discord's code in err, or 0.
func codeOf(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.code
	}
	return 0
}

// Codes, from https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
const (
	codeUnknownMessage     = 10008
	codeUnknownWebhook     = 10015
	codeUnknownInteraction = 10062
	codeAcknowledged       = 40060
	codeWebhookToken       = 50027
	codeForm               = 50035
)

// refused turns an answer that is not 2xx into the contract's error.
func (a *api) refused(resp *http.Response, b []byte) error {
	var got struct {
		Code       *int            `json:"code"`
		Message    *string         `json:"message"`
		RetryAfter float64         `json:"retry_after"`
		Errors     json.RawMessage `json:"errors"`
	}
	status := resp.StatusCode
	known := json.Unmarshal(b, &got) == nil && got.Message != nil
	switch {
	case status == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header, got.RetryAfter),
			Text: "Discord asks to send more slowly. The next try follows by itself.", Err: fmt.Errorf("status %d", status)}
	case !known:
		return foreign(status)
	}
	r := &refusal{status: status, msg: a.clean(*got.Message)}
	if got.Code != nil {
		r.code = *got.Code
	}
	e := &platforms.Error{Kind: platforms.Rejected, Err: r}
	switch {
	case r.code == codeWebhookToken:
		e.Text = "The time in which this could be answered is over. Send a new message."
	case status == http.StatusUnauthorized:
		e.Kind = platforms.Unauthorized
		e.Text = "Discord does not accept the bot's token. Reset it in the developer portal, on the page Bot, and enter the new one."
	case status >= 500:
		e.Kind = platforms.Temporary
		e.Text = "Discord has a fault at the moment. The next try follows by itself."
	case status == http.StatusConflict, status == http.StatusRequestTimeout:
		e.Kind = platforms.Temporary
		e.Text = "Discord was busy with something else. The next try follows by itself."
	case advices[r.code] != "":
		e.Text = advices[r.code]
	default:
		why := r.msg
		if detail := a.clean(detail(got.Errors, 0)); detail != "" {
			why = detail
		}
		if why == "" {
			why = "no reason given"
		}
		e.Text = fmt.Sprintf("Discord refused this with code %d: %s. Change the message, or the bot's permissions.", r.code, strings.TrimRight(why, "."))
	}
	return e
}

// clean makes words of the server fit for a person. They are cleaned first: a
// character that cleaning takes out could stand within the secret.
func (a *api) clean(s string) string {
	return text.Line(platforms.Redact(text.Clean(s), a.token), 300)
}

// detail is the first message within the tree of a form's errors.
// https://discord.com/developers/docs/reference#error-messages
func detail(raw json.RawMessage, deep int) string {
	var node map[string]json.RawMessage
	if deep > 12 || json.Unmarshal(raw, &node) != nil {
		return ""
	}
	var leaves []struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(node["_errors"], &leaves) == nil && len(leaves) > 0 {
		return leaves[0].Message
	}
	for _, child := range node {
		if s := detail(child, deep+1); s != "" {
			return s
		}
	}
	return ""
}

// after is how long Discord asks to wait: in the body with fractions, or in the
// header.
func after(h http.Header, body float64) time.Duration {
	const most = 24 * 60 * 60
	if body <= 0 || math.IsNaN(body) {
		n, err := strconv.ParseFloat(h.Get("Retry-After"), 64)
		if err != nil || math.IsNaN(n) {
			return 0
		}
		body = n
	}
	return time.Duration(max(0, min(body, most)) * float64(time.Second)).Round(time.Millisecond)
}

// advices tells what to do about refusals that people meet.
var advices = map[int]string{
	10003:                  "Discord knows no such channel. It may have been deleted: choose another one.",
	10004:                  "Discord knows no such server. The bot may have been removed from it: invite it again.",
	codeUnknownMessage:     "Discord knows no such message. It may have been deleted: send a new one.",
	10013:                  "Discord knows no such person. Check the id.",
	codeUnknownInteraction: "The click or command was answered too late. Discord waits three seconds: ask the person to try again.",
	20028:                  "The channel takes no more messages for now. Try again later.",
	30046:                  "An old message was changed too often. Send a new one.",
	40005:                  "The files are larger than Discord takes here. Send smaller ones.",
	50001:                  "The bot has no access to this channel. Give it the permission View Channel there.",
	50005:                  "Only who sent a message can change it. Send a new one.",
	50006:                  "The message is empty. Write something or attach a file.",
	50007:                  "This person takes no messages from the bot. They must share a server with it and allow direct messages.",
	50008:                  "Messages can't be sent to a channel of this kind. Choose another one.",
	50013:                  "The bot lacks a permission in this channel. It needs Send Messages, in threads Send Messages in Threads, and for files Attach Files.",
	50083:                  "The thread is archived. Somebody who may has to open it again.",
	50278:                  "This person shares no server with the bot, so it can't write to them. Invite the bot to one of their servers.",
	160002:                 "The bot may not read this channel's history, which an answer to a message needs. Give it the permission Read Message History.",
	240000:                 "Discord's filter stopped the message. Change the text.",
	200000:                 "The server's AutoMod stopped the message. Change the text.",
	200001:                 "The server's AutoMod stopped the message. Change the text.",
}

// misunderstood is for an answer that has not the documented form. Its content
// is not repeated: it may be a message.
func misunderstood(status int) error {
	return &platforms.Error{
		Kind: platforms.Temporary,
		Text: "Discord's answer could not be understood. The next try follows by itself.",
		Err:  fmt.Errorf("an answer with status %d is not in the documented form", status),
	}
}

// foreign is for an answer without Discord's words: it came from before the
// platform, or not from it at all.
func foreign(status int) error {
	cause := fmt.Errorf("status %d, and no answer of Discord's API", status)
	switch {
	case status == http.StatusProxyAuthRequired:
		// As net/http says it where the proxy refuses a tunnel.
		return platforms.Network(errors.New(http.StatusText(status)), title)
	case status == http.StatusRequestEntityTooLarge:
		return &platforms.Error{Kind: platforms.Rejected, Text: advices[40005], Err: cause}
	case status >= 500:
		return &platforms.Error{Kind: platforms.Temporary, Text: "Discord has a fault at the moment. The next try follows by itself.", Err: cause}
	}
	return &platforms.Error{Kind: platforms.Temporary, Err: cause,
		Text: "Something that is not Discord answered. It may be the network's sign-in page, or the server's address is wrong: open a web page to see."}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}

// line makes a name from outside fit to be shown.
func line(s string) string { return text.Line(s, 100) }
