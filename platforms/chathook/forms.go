package chathook

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/platforms"
)

// native is Chatalot's form, which Postern's own hooks take too: a plain text of
// up to 4,000 characters. Whom it mentions with @ is told; @everyone, @here and
// @channel never act.
func native() form {
	type body struct {
		Content  string `json:"content"`
		Username string `json:"username,omitempty"`
		Avatar   string `json:"avatar_url,omitempty"`
	}
	return form{
		name: "chatalot", title: "Chatalot",
		limits: platforms.Limits{Deaf: true, Text: 4000, Unit: platforms.Runes},
		length: runes(quiet), named: anyName,
		body: func(m platforms.Message, name, avatar string) any {
			return body{quiet(m.Text, m.Format), name, avatar}
		},
		took: func(a answer) (string, bool) {
			var got struct {
				ID     string `json:"message_id"`
				Status string `json:"status"`
			}
			ok := a.status == http.StatusCreated && json.Unmarshal(a.body, &got) == nil && got.ID != ""
			return got.ID, ok
		},
		word: func(a answer) (string, bool) {
			var got struct {
				Error struct{ Code, Message string } `json:"error"`
			}
			ok := json.Unmarshal(a.body, &got) == nil && got.Error.Code+got.Error.Message != ""
			// A 404 is documented without a body.
			return strings.TrimSpace(got.Error.Code + " " + got.Error.Message), ok || a.status == http.StatusNotFound && !strings.Contains(a.header.Get("Content-Type"), "html")
		},
	}
}

// slack is Slack's: rich text, whose parts are literal, and a text for
// notifications.
//
//   - the form and its errors: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
//     and https://docs.slack.dev/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
//   - length: 40,000 characters are cut off, and "for best results, limit the number
//     of characters in the text field to 4,000",
//     https://docs.slack.dev/changelog/2018-truncating-really-long-messages
//   - pace: one a second, and short bursts, https://docs.slack.dev/apis/web-api/rate-limits
//   - name and picture are the app's, and can't be overridden.
func slack() form {
	return form{
		name: "slack", title: "Slack",
		limits: platforms.Limits{Deaf: true, Text: 4000, Unit: platforms.Runes,
			Pace: platforms.Pace{Conversation: platforms.Rate{N: 1, Per: time.Second, Burst: 3}}},
		hosts: []string{"hooks.slack.com", "hooks.slack-gov.com"}, named: noName,
		body: func(m platforms.Message, _, _ string) any { return rich(m.Text, m.Format) },
		took: func(a answer) (string, bool) {
			return a.header.Get("X-Slack-Req-Id"), a.status == http.StatusOK && saysOK(a.body)
		},
		word: func(a answer) (string, bool) {
			// One word, such as no_service.
			w := string(bytes.TrimSpace(a.body))
			return w, w != "" && len(w) <= 64 && strings.Trim(w, "abcdefghijklmnopqrstuvwxyz_") == ""
		},
		gone: []string{"no_service", "no_team", "no_active_hooks", "invalid_token", "channel_not_found", "channel_is_archived", "action_prohibited",
			"posting_to_general_channel_denied", "team_disabled", "user_not_found", "product_not_enabled"},
	}
}

// discord is Discord's: Markdown of up to 2,000 characters, of which nobody is
// told.
//
//   - the form: https://discord.com/developers/docs/resources/webhook#execute-webhook;
//     with wait the answer comes after the message is there, and has its id
//   - errors: https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
//   - waits: https://discord.com/developers/docs/topics/rate-limits, which says to
//     heed the headers; five posts in two seconds is what they tell of a webhook
//   - names: https://discord.com/developers/docs/resources/webhook#create-webhook
func discord() form {
	type mentions struct {
		Parse []string `json:"parse"`
	}
	type body struct {
		Content  string   `json:"content"`
		Username string   `json:"username,omitempty"`
		Avatar   string   `json:"avatar_url,omitempty"`
		Mentions mentions `json:"allowed_mentions"`
	}
	return form{
		name: "discord", title: "Discord",
		limits: platforms.Limits{Deaf: true, Text: 2000, Unit: platforms.Runes,
			Pace: platforms.Pace{Conversation: platforms.Rate{N: 5, Per: 2 * time.Second, Burst: 5}}},
		length: runes(writeDiscord),
		hosts:  []string{"discord.com", "discordapp.com", "ptb.discord.com", "canary.discord.com"},
		named: func(s string) (string, error) {
			s, err := parseName(s)
			if low := strings.ToLower(s); err == nil && (strings.Contains(low, "clyde") || strings.Contains(low, "discord")) {
				return "", sentence("Discord allows no name with “clyde” or “discord” in it. Choose another name.")
			}
			return s, err
		},
		target: func(u url.URL) string {
			q := u.Query()
			q.Set("wait", "true")
			u.RawQuery = q.Encode()
			return u.String()
		},
		body: func(m platforms.Message, name, avatar string) any {
			return body{writeDiscord(m.Text, m.Format), name, avatar, mentions{[]string{}}}
		},
		ask: func(b []byte) (string, bool) {
			var got struct{ ID, Name string }
			ok := json.Unmarshal(b, &got) == nil && got.ID != ""
			return got.Name, ok
		},
		took: func(a answer) (string, bool) {
			var got struct{ ID string }
			ok := a.status == http.StatusOK && json.Unmarshal(a.body, &got) == nil && got.ID != ""
			return got.ID, ok
		},
		word: func(a answer) (string, bool) {
			var got struct {
				Message string
				Code    *int
			}
			if json.Unmarshal(a.body, &got) != nil || got.Code == nil && got.Message == "" {
				return "", false
			}
			return got.Message, true
		},
		gone: []string{"Unknown Webhook", "Invalid Webhook Token", "Unknown Channel"},
		wait: func(a answer) time.Duration {
			var got struct {
				RetryAfter float64 `json:"retry_after"`
			}
			_ = json.Unmarshal(a.body, &got)
			return seconds(got.RetryAfter)
		},
		rests: func(h http.Header) time.Duration {
			after, err := strconv.ParseFloat(h.Get("X-RateLimit-Reset-After"), 64)
			if h.Get("X-RateLimit-Remaining") != "0" || err != nil {
				return 0
			}
			return seconds(after)
		},
	}
}

// mattermost is Mattermost's: Markdown of up to 16,383 characters.
//
//   - the form: https://developers.mattermost.com/integrate/webhooks/incoming/
//   - length: PostMessageMaxRunesV2, beyond which the server cuts a post in pieces
//   - errors: server/channels/app/webhook.go of https://github.com/mattermost/mattermost
//   - pace: RateLimitSettings.PerSec is 10 where the limit is switched on
func mattermost() form {
	type body struct {
		Text     string `json:"text"`
		Username string `json:"username,omitempty"`
		Icon     string `json:"icon_url,omitempty"`
	}
	return form{
		name: "mattermost", title: "Mattermost",
		limits: platforms.Limits{Deaf: true, Text: 16383, Unit: platforms.Runes,
			Pace: platforms.Pace{Conversation: platforms.Rate{N: 5, Per: time.Second, Burst: 10}}},
		length: runes(writeMattermost), named: anyName,
		body: func(m platforms.Message, name, avatar string) any {
			return body{writeMattermost(m.Text, m.Format), name, avatar}
		},
		took: func(a answer) (string, bool) {
			return a.header.Get("X-Request-Id"), a.status == http.StatusOK && saysOK(a.body)
		},
		word: func(a answer) (string, bool) {
			var got struct {
				ID      string `json:"id"`
				Message string `json:"message"`
			}
			ok := json.Unmarshal(a.body, &got) == nil && got.ID != ""
			return strings.TrimSpace(got.Message + " (" + got.ID + ")"), ok
		},
		// Whether a hook's id is unknown, its channel gone or the feature switched
		// off is told by the error's id only.
		gone: []string{"web.incoming_webhook.invalid", "web.incoming_webhook.disabled", "web.incoming_webhook.channel",
			"web.incoming_webhook.channel_locked", "web.incoming_webhook.permissions", "web.incoming_webhook.user", "app.webhooks.get_incoming"},
	}
}

// teams is that of a workflow in Microsoft Teams: an Adaptive Card, in whose text
// runs nothing is read as markup.
//
//   - the form: https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
//     and https://adaptivecards.io/explorer/TextRun.html
//   - length: 28 KB for the whole of a message, at which
//     https://learn.microsoft.com/connectors/teams/#known-issues-and-limitations-with-actions
//     says "about", and people found 21 KB to be safe
//   - pace: four a second, https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
//   - name and picture are the workflow's.
func teams() form {
	return form{
		name: "teams", title: "Microsoft Teams",
		limits: platforms.Limits{Deaf: true, Text: cardMost, Unit: platforms.Bytes,
			Pace: platforms.Pace{Conversation: platforms.Rate{N: 4, Per: time.Second, Burst: 4}}},
		length: cardLength, named: noName,
		hosts: []string{".logic.azure.com", ".api.powerplatform.com", ".webhook.office.com"},
		body:  func(m platforms.Message, _, _ string) any { return card(m.Text, m.Format) },
		took: func(a answer) (string, bool) {
			run := a.header.Get("X-Ms-Workflow-Run-Id")
			// A workflow accepts at once and posts after that; a connector of the
			// old kind answers 1.
			ok := a.status == http.StatusAccepted || a.status/100 == 2 && run != "" ||
				a.status == http.StatusOK && string(bytes.TrimSpace(a.body)) == "1"
			return run, ok
		},
		word: func(a answer) (string, bool) {
			var got struct {
				Error struct{ Code, Message string } `json:"error"`
			}
			ok := json.Unmarshal(a.body, &got) == nil && got.Error.Code != ""
			return strings.TrimSpace(got.Error.Code + ": " + got.Error.Message), ok
		},
		gone: []string{"WorkflowNotFound", "WorkflowTriggerNotFound", "WorkflowDisabled", "WorkflowSuspended", "WorkflowTriggerIsNotEnabled", "AuthorizationFailed", "DirectApi", "InvalidSignature", "MissingSignature"},
	}
}

// saysOK reports whether a body is the word that accepts a message.
func saysOK(body []byte) bool { return string(bytes.TrimSpace(body)) == "ok" }

// seconds is n of them as a time, none if that is no time to wait.
func seconds(n float64) time.Duration {
	if !(n > 0) || math.IsInf(n, 0) {
		return 0
	}
	return time.Duration(min(n, 24*60*60) * float64(time.Second))
}
