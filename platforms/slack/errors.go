package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
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

// refusal is an answer with ok false.
type refusal struct {
	method, word string
	status       int
	detail       string // redacted
}

func (r *refusal) Error() string {
	if r.detail == "" {
		return r.method + ": " + r.word
	}
	return r.method + ": " + r.word + " (" + r.detail + ")"
}

// wordOf is Slack's word for what is wrong, or empty.
func wordOf(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		return r.word
	}
	return ""
}

const (
	slower = "Slack asks to send more slowly. The next try follows by itself."
	faulty = "Slack has a fault at the moment. The next try follows by itself."
)

// Slack's words. https://docs.slack.dev/reference/methods/auth.test#errors and
// the pages of the methods.
var (
	tokenWords = []string{"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type",
		"team_access_not_granted", "org_login_required", "ekm_access_denied", "user_removed_from_team", "app_missing"}
	faultWords = []string{"internal_error", "fatal_error", "service_unavailable", "team_added_to_org", "request_timeout", "accesslimited"}
	limitWords = []string{"ratelimited", "rate_limited", "message_limit_exceeded"}
)

// refused turns an answer with ok false into the contract's error.
func (a *api) refused(method string, resp *http.Response, v verdict) error {
	// It is cleaned first: a character that cleaning takes out could stand within
	// a token and keep it from being found.
	clean := func(s string, n int) string {
		return text.Line(platforms.Redact(text.Clean(s), a.secrets()...), n)
	}
	r := &refusal{method: method, word: clean(v.Error, 80), status: resp.StatusCode}
	if len(v.Metadata.Messages) > 0 {
		r.detail = clean(v.Metadata.Messages[0], 200)
	}
	e := &platforms.Error{Err: r}
	switch is := func(words []string) bool { return slices.Contains(words, r.word) }; {
	case is(limitWords), resp.StatusCode == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter, e.Text = platforms.RateLimited, after(resp.Header), slower
	case is(tokenWords), resp.StatusCode == http.StatusUnauthorized:
		e.Kind = platforms.Unauthorized
		e.Text = "Slack does not accept the bot token. It was revoked, or the app was removed: install the app again, copy the Bot User OAuth Token, and enter it."
		if method == methodOpen {
			e.Text = "Slack does not accept the app-level token. Make a new one under “Basic Information”, with the scope connections:write, and enter it."
		}
	case r.word == "missing_scope" && method == methodOpen:
		e.Kind = platforms.Unauthorized
		e.Text = "The app-level token lacks the scope connections:write. Make a new one with it under “Basic Information”, and enter it."
	case r.word == "missing_scope":
		e.Kind = platforms.Rejected
		e.Text = "The app lacks the scope " + clean(v.Needed, 80) + ". Add it under “OAuth & Permissions”, then install the app to the workspace again."
	case is(faultWords), resp.StatusCode >= 500:
		e.Kind, e.Text = platforms.Temporary, faulty
	case method == methodOpen:
		e.Kind, e.Text = platforms.Temporary, "Slack did not open a connection. Check that Socket Mode is switched on in the app's settings. The next try follows by itself."
	default:
		e.Kind, e.Text = platforms.Rejected, advice(r.word)
	}
	return e
}

// after is how long Slack asks to wait.
func after(h http.Header) time.Duration {
	n, _ := strconv.Atoi(h.Get("Retry-After"))
	return time.Duration(max(0, min(n, 24*60*60))) * time.Second
}

// advices tells what to do about refusals that people meet.
var advices = map[string]string{
	"channel_not_found":           "Slack knows no such conversation for this bot. Invite the bot to the channel, or check the id.",
	"not_in_channel":              "The bot is not in this channel. Invite it there.",
	"is_archived":                 "The channel is archived. Write to another one.",
	"msg_too_long":                "The text is longer than Slack allows. Shorten it.",
	"msg_blocks_too_long":         "The text is longer than Slack allows. Shorten it.",
	"no_text":                     "The message is empty. Write something.",
	"restricted_action":           "The workspace does not let the bot write here. Ask an administrator.",
	"message_not_found":           "The message to change is gone. Send a new one.",
	"cant_update_message":         "Slack lets a bot change its own messages only. Send a new one.",
	"edit_window_closed":          "Slack does not let this message be changed any more. Send a new one.",
	"thread_not_found":            "The thread does not exist any more. Write to the channel itself.",
	"cannot_reply_to_message":     "Slack does not let this message be answered in a thread. Write to the channel itself.",
	"file_not_found":              "Slack does not have this file any more. Ask for it to be sent again.",
	"file_deleted":                "The file was deleted. Ask for it to be sent again.",
	"invalid_blocks":              "Slack does not accept the form of this message. Send it as plain text, or without buttons.",
	"storage_limit_reached":       "The workspace's space for files is full. Delete some, or send without the file.",
	"file_uploads_disabled":       "The workspace does not take files. Send without the file.",
	"as_user_not_supported":       "Slack does not take messages from this kind of app. Make the app anew from the manifest.",
	"messages_tab_disabled":       "The app takes no direct messages. Switch on its Messages Tab under “App Home”.",
	"cannot_dm_bot":               "A bot can't write to another bot. Choose a person or a channel.",
	"ekm_access_denied":           "The workspace's administrators have stopped messages. Ask them.",
	"user_not_found":              "Slack knows no such person. Check the id.",
	"not_allowed_token_type":      "This token is of the wrong kind. Enter the bot token that begins with xoxb-.",
	"file_upload_size_restricted": "The workspace does not take files of this size. Send a smaller one.",
}

func advice(word string) string {
	if t := advices[word]; t != "" {
		return t
	}
	if word == "" {
		word = "no reason given"
	}
	return "Slack refused this: " + strings.ReplaceAll(word, "_", " ") + ". Change the message, or the app's rights."
}

// misunderstood is for an answer that has not the documented form. Its content
// is not repeated: it may be a message.
func misunderstood(status int) error {
	return &platforms.Error{Kind: platforms.Temporary, Text: "Slack's answer could not be understood. The next try follows by itself.",
		Err: fmt.Errorf("an answer with status %d is not in the Web API's form", status)}
}

// foreign is for an answer that is not the Web API's. It says nothing about a
// token, whatever its status: Slack itself refuses one in the Web API's form.
func foreign(resp *http.Response) error {
	cause := fmt.Errorf("status %d, and no answer of the Web API", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		return platforms.Network(errors.New(http.StatusText(resp.StatusCode)), title)
	case resp.StatusCode == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header), Text: slower, Err: cause}
	case resp.StatusCode >= 500:
		return &platforms.Error{Kind: platforms.Temporary, Text: faulty, Err: cause}
	case resp.StatusCode == http.StatusOK:
		return misunderstood(resp.StatusCode)
	}
	return &platforms.Error{Kind: platforms.Temporary, Err: cause,
		Text: "Something that is not Slack answered. It may be the network's sign-in page: open a web page to see."}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}
