package telegram

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// refusal is an answer with ok false, for telling cases apart.
type refusal struct {
	method      string
	code        int
	description string // redacted
}

func (r *refusal) Error() string {
	return fmt.Sprintf("%s: %d %s", r.method, r.code, r.description)
}

// says reports whether err is a refusal whose description contains words,
// whatever their case.
func says(err error, words string) bool {
	var r *refusal
	return errors.As(err, &r) && strings.Contains(strings.ToLower(r.description), strings.ToLower(words))
}

// refused turns an answer with ok false into the contract's error.
func (a *api) refused(method string, got answer) error {
	// The description is the server's, and a custom server may say anything.
	// It is cleaned first: a character that cleaning takes out could stand
	// within the token and keep it from being found.
	description := text.Line(platforms.Redact(text.Clean(got.Description), a.secrets()...), 300)
	e := &platforms.Error{Err: &refusal{method, got.ErrorCode, description}}
	if got.Parameters.MigrateToChatID != 0 {
		e.Kind = platforms.Rejected
		e.MovedTo = platforms.ConversationID(strconv.FormatInt(got.Parameters.MigrateToChatID, 10))
		e.Text = "The group became a supergroup and has a new id. Send to that one."
		return e
	}
	switch got.ErrorCode {
	case http.StatusUnauthorized, http.StatusNotFound:
		e.Kind = platforms.Unauthorized
		e.Text = "Telegram does not accept the bot's token. It was revoked or mistyped: get the current one from BotFather with /token and enter it."
	case http.StatusConflict:
		e.Kind = platforms.Conflict
		e.Text = "Another program polls with this bot's token, and Telegram gives each message to one of them only. Stop the other program, or give each its own bot."
		if strings.Contains(strings.ToLower(description), "webhook") {
			e.Text = "A webhook is set for this bot, so Telegram sends its messages there and not here. Check the account to remove the webhook."
		}
	case http.StatusTooManyRequests:
		e.Kind = platforms.RateLimited
		e.RetryAfter = time.Duration(max(0, min(got.Parameters.RetryAfter, 24*60*60))) * time.Second
		e.Text = "Telegram asks to send more slowly. The next try follows by itself."
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge:
		e.Kind = platforms.Rejected
		e.Text = advice(description)
	default:
		e.Kind = platforms.Temporary
		e.Text = "Telegram has a fault at the moment. The next try follows by itself."
	}
	return e
}

// advices tells what to do about refusals that people meet. The left side is
// part of the description, in lower case.
var advices = []struct{ description, text string }{
	{"bot was blocked by the user", "The person blocked the bot. Only they can undo that, in their chat with the bot."},
	{"user is deactivated", "The person's Telegram account is deleted. Nothing can be sent there any more."},
	{"can't initiate conversation", "A bot can't write first. Ask the person to open the chat with the bot and press Start."},
	{"can't send messages to bots", "A bot can't write to another bot. Choose a person or a group."},
	{"bot was kicked", "The bot was removed from this group. Add it again to write there."},
	{"bot is not a member", "The bot is not in this chat. Add it, in a channel as an administrator."},
	{"chat not found", "Telegram knows no such chat for this bot: chat not found. Let the person write to the bot first, or add the bot to the group."},
	{"have no rights to send", "The bot may not write in this chat. Ask an administrator to allow it."},
	{"not enough rights", "The bot may not do this in this chat. Ask an administrator for the right."},
	{"chat_write_forbidden", "The bot may not write in this chat. Ask an administrator to allow it."},
	{"need administrator rights", "The bot may not write in this channel. Make it an administrator there."},
	{"message thread not found", "The topic does not exist any more. Write to another topic or to the group itself."},
	{"topic_closed", "The topic is closed. Ask an administrator to open it, or write to another one."},
	{"message text is empty", "The message is empty. Write something."},
	{"message is too long", "The text is longer than Telegram allows, which is 4096 units. Shorten it."},
	{"caption is too long", "The text beside the file is longer than Telegram allows, which is 1024 units. Shorten it."},
	{"message to edit not found", "The message to change is gone. Send a new one."},
	{"message can't be edited", "Telegram does not let this message be changed any more. Send a new one."},
	{"button_data_invalid", "A button carries more data than Telegram allows, which is 64 bytes. Shorten it."},
	{"button_url_invalid", "Telegram does not accept the address of a button. It must be a whole address on the internet."},
	{"file is too big", "The file is larger than Telegram lets a bot fetch, which is 20 MB. Open it in Telegram instead."},
	{"wrong file_id", "Telegram does not have this file any more. Ask for it to be sent again."},
	{"file is temporarily unavailable", "Telegram does not give out this file at the moment. Ask for it to be sent again."},
	{"file must be non-empty", "The file is empty. Telegram takes files with content only."},
	{"request entity too large", "The file is larger than the 50 MB that Telegram takes from a bot. Send a smaller one."},
}

func advice(description string) string {
	lower := strings.ToLower(description)
	for _, a := range advices {
		if strings.Contains(lower, a.description) {
			return a.text
		}
	}
	words := strings.TrimPrefix(strings.TrimPrefix(description, "Bad Request: "), "Forbidden: ")
	if words == "" {
		words = "no reason given"
	}
	return "Telegram refused this: " + strings.TrimRight(words, ".") + ". Change the message, or the bot's rights in that chat."
}

// misunderstood is for an answer that has not the documented form. Its content
// is not repeated: it may be a message.
func misunderstood(status int) error {
	return &platforms.Error{
		Kind: platforms.Temporary,
		Text: "Telegram's answer could not be understood. The next try follows by itself.",
		Err:  fmt.Errorf("an answer with status %d is not in the Bot API's form", status),
	}
}

// foreign is for an answer that did not come from a Bot API server.
func foreign(resp *http.Response) error {
	switch resp.StatusCode {
	case http.StatusProxyAuthRequired:
		// As net/http says it where the proxy refuses a tunnel.
		return platforms.Network(errors.New(http.StatusText(resp.StatusCode)), title)
	case http.StatusRequestEntityTooLarge:
		return &platforms.Error{Kind: platforms.Rejected, Text: advice("request entity too large"), Err: errors.New(resp.Status)}
	case http.StatusTooManyRequests:
		after, _ := strconv.Atoi(resp.Header.Get("Retry-After"))
		return &platforms.Error{Kind: platforms.RateLimited, RetryAfter: time.Duration(max(0, min(after, 24*60*60))) * time.Second,
			Text: "Telegram asks to send more slowly. The next try follows by itself.", Err: errors.New(resp.Status)}
	}
	if resp.StatusCode >= 500 {
		return &platforms.Error{Kind: platforms.Temporary, Text: "Telegram has a fault at the moment. The next try follows by itself.",
			Err: fmt.Errorf("status %d", resp.StatusCode)}
	}
	return &platforms.Error{
		Kind: platforms.Temporary,
		Text: "Something that is not Telegram answered. It may be the network's sign-in page, or the server's address is wrong: open a web page to see.",
		Err:  fmt.Errorf("status %d, and no answer of the Bot API", resp.StatusCode),
	}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}
