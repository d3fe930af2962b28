package feishu

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

// refusal is an answer with another code than 0, for telling cases apart.
type refusal struct {
	status, code int
	msg          string // redacted
	scopes       []string
}

func (r *refusal) Error() string { return fmt.Sprintf("code %d: %s", r.code, r.msg) }

// codeOf is the platform's code in err, or 0.
func codeOf(err error) int {
	var r *refusal
	if errors.As(err, &r) {
		return r.code
	}
	return 0
}

// Codes, from https://open.feishu.cn/document/server-docs/api-call-guide/generic-error-code
// and the pages of the calls.
const (
	codeNoScope = 99991672
	codeLimited = 99991400
)

var (
	staleCodes  = []int{99991661, 99991663, 99991664, 99991665, 99991668, 99991671, 99991677}
	secretCodes = []int{10003, 10005, 10014, 10015, 99991543, 1000040346}
	closedCodes = []int{99991662, 99991673}
	limitCodes  = []int{codeLimited, 230020, 11232, 11233, 11247}
	faultCodes  = []int{1, 1500, 1503, 1551, 1642, 1663, 1668, 2200, 55001, 90235, 190004, 230049, 1000040343}
)

// stale reports whether err says that the token is not known any more.
func stale(err error) bool { return slices.Contains(staleCodes, codeOf(err)) }

// refused turns an answer with another code than 0 into the contract's error.
func (a *api) refused(resp *http.Response, got envelope) error {
	// It is cleaned first: a character that cleaning takes out could stand within
	// the secret and keep it from being found.
	msg := text.Line(platforms.Redact(text.Clean(got.Msg), a.secret), 300)
	r := &refusal{status: resp.StatusCode, code: *got.Code, msg: msg}
	for _, v := range got.Error.Violations {
		if s := text.Line(v.Subject, 60); s != "" && len(r.scopes) < 8 {
			r.scopes = append(r.scopes, s)
		}
	}
	if r.code == codeNoScope && r.scopes == nil {
		r.scopes = named(msg)
	}
	e := &platforms.Error{Err: r}
	switch is := func(codes []int) bool { return slices.Contains(codes, r.code) }; {
	case is(limitCodes), resp.StatusCode == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = platforms.RateLimited, after(resp.Header)
		e.Text = "Feishu asks to send more slowly. The next try follows by itself."
	case is(staleCodes):
		e.Kind = platforms.Unauthorized
		e.Text = "Feishu does not accept the token that it gave out for this app. Check that the app is still in use, and enter the App Secret anew."
	case is(secretCodes), resp.StatusCode == http.StatusUnauthorized:
		e.Kind = platforms.Unauthorized
		e.Text = "Feishu does not accept the App ID or the App Secret. Copy both from the developer console again, and check that this account is set to the one of feishu.cn and larksuite.com where the app is."
	case is(closedCodes):
		e.Kind = platforms.Unauthorized
		e.Text = "The app is not in use in this organisation. Publish a version of it in the developer console, and have an administrator approve it."
	case r.code == codeNoScope:
		e.Kind = platforms.Rejected
		e.Text = "The app lacks a permission: one of " + strings.Join(r.scopes, ", ") + ". Add it in the developer console and publish a new version."
	case is(faultCodes), resp.StatusCode >= 500:
		e.Kind = platforms.Temporary
		e.Text = "Feishu has a fault at the moment. The next try follows by itself."
	default:
		e.Kind = platforms.Rejected
		e.Text = advice(r.code, msg)
	}
	return e
}

// named is the scopes in a message that lists them in brackets.
func named(msg string) (scopes []string) {
	_, list, _ := strings.Cut(msg, "[")
	list, _, _ = strings.Cut(list, "]")
	for _, s := range strings.Split(list, ",") {
		if s = strings.TrimSpace(s); s != "" && len(scopes) < 8 {
			scopes = append(scopes, s)
		}
	}
	return scopes
}

// after is how long the platform asks to wait.
// https://open.feishu.cn/document/server-docs/api-call-guide/frequency-control
func after(h http.Header) time.Duration {
	for _, key := range []string{"X-Ogw-Ratelimit-Reset", "Retry-After"} {
		if n, err := strconv.Atoi(h.Get(key)); err == nil {
			return time.Duration(max(0, min(n, 24*60*60))) * time.Second
		}
	}
	return 0
}

// advices tells what to do about refusals that people meet.
var advices = map[int]string{
	230002: "The bot is not in this group. Add it there.",
	230006: "The app has no bot. Add the bot feature in the developer console and publish a new version.",
	230011: "The message was recalled. Send a new one.",
	230013: "This person may not use the app. Widen its availability in the developer console.",
	230017: "The bot does not own this file. Attach it again.",
	230018: "The bot may not write in this group. Ask its owner to allow it.",
	230022: "Feishu found words in the message that it does not allow. Change the text.",
	230025: "The message is larger than Feishu allows. Shorten it.",
	230027: "The app may not do this. Add the missing permission in the developer console and publish a new version.",
	230028: "Feishu's check of contents stopped the message. Change the text.",
	230029: "This person has left the organisation. Nothing can be sent there any more.",
	230034: "Feishu knows no such chat or person for this bot. Let the person write to the bot first, or add the bot to the group.",
	230035: "The bot may not write in this chat. Ask its owner to allow it.",
	230038: "Messages to other organisations are not allowed for this app. Write to somebody of its own.",
	230050: "The message can't be seen by the bot. Send a new one.",
	230053: "The person has stopped the bot. Only they can undo that, in their chat with the bot.",
	230054: "A message of this kind can't be changed like this. Send a new one.",
	230071: "Only who sent a message can change it. Send a new one.",
	230072: "A message can be changed 20 times, and this one was. Send a new one.",
	230075: "The time in which this message could be changed is over. Send a new one.",
	230110: "The message was deleted. Send a new one.",
	230099: "Feishu could not make a card of the message. Change its text or its buttons.",
	234003: "The file does not belong to this message any more. Ask for it to be sent again.",
	234004: "The bot is not in the chat of this file. Add it there.",
	234006: "The file is larger than Feishu takes from a bot, which is 30 MB. Send a smaller one.",
	234008: "The app did not send this file, and can't fetch it. Ask for it to be sent again.",
	234009: "Files can't be sent to other organisations by this app. Write to somebody of its own.",
	234010: "The file is empty. Feishu takes files with content only.",
	234037: "The file is larger than Feishu lets a bot fetch, which is 100 MB. Open it in Feishu instead.",
	234038: "The chat's owner does not let files be saved. Ask them to allow it.",
}

func advice(code int, msg string) string {
	if t := advices[code]; t != "" {
		return t
	}
	lower := strings.ToLower(msg)
	switch {
	case strings.Contains(lower, "receive_id"):
		return advices[230034]
	case strings.Contains(lower, "message_id"), strings.Contains(lower, "message is not found"):
		return "Feishu knows no such message. It may have been deleted: send a new one."
	}
	if msg == "" {
		msg = "no reason given"
	}
	return fmt.Sprintf("Feishu refused this with code %d: %s. Change the message, or the app's permissions.", code, strings.TrimRight(msg, "."))
}

// misunderstood is for an answer that has not the documented form. Its content
// is not repeated: it may be a message.
func misunderstood(status int) error {
	return &platforms.Error{
		Kind: platforms.Temporary,
		Text: "Feishu's answer could not be understood. The next try follows by itself.",
		Err:  fmt.Errorf("an answer with status %d is not in the documented form", status),
	}
}

// foreign is for an answer that has no code: it came from before the platform,
// or not from it at all.
func foreign(resp *http.Response) error {
	cause := fmt.Errorf("status %d, and no answer of the open platform", resp.StatusCode)
	switch {
	case resp.StatusCode == http.StatusProxyAuthRequired:
		// As net/http says it where the proxy refuses a tunnel.
		return platforms.Network(errors.New(http.StatusText(resp.StatusCode)), title)
	case resp.StatusCode == http.StatusTooManyRequests:
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: after(resp.Header),
			Text: "Feishu asks to send more slowly. The next try follows by itself.", Err: cause}
	case resp.StatusCode == http.StatusRequestEntityTooLarge:
		return &platforms.Error{Kind: platforms.Rejected, Text: advices[230025], Err: cause}
	case resp.StatusCode >= 500:
		return &platforms.Error{Kind: platforms.Temporary, Text: "Feishu has a fault at the moment. The next try follows by itself.", Err: cause}
	}
	return &platforms.Error{Kind: platforms.Temporary, Err: cause,
		Text: "Something that is not Feishu answered. It may be the network's sign-in page, or the server's address is wrong: open a web page to see."}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}
