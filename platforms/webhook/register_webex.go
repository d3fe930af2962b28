package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Keys of a registration at Webex.
const (
	regResource = "resource"
	regEvent    = "event"
	regFilter   = "filter"
)

func webexResources() []platforms.Option {
	return []platforms.Option{{Value: "messages", Label: "Messages"}, {Value: "memberships", Label: "Memberships"}, {Value: "rooms", Label: "Rooms"},
		{Value: "attachmentActions", Label: "Submitted cards"}, {Value: "meetings", Label: "Meetings"}, {Value: "recordings", Label: "Recordings"},
		{Value: "meetingParticipants", Label: "Participants of meetings"}, {Value: "meetingTranscripts", Label: "Transcripts of meetings"}}
}

func webexMoments() []platforms.Option {
	return []platforms.Option{{Value: "created", Label: "Created"}, {Value: "updated", Label: "Updated"}, {Value: "deleted", Label: "Deleted"},
		{Value: "started", Label: "Started"}, {Value: "ended", Label: "Ended"}, {Value: "joined", Label: "Joined"}, {Value: "left", Label: "Left"},
		{Value: "migrated", Label: "Migrated"}, {Value: "all", Label: "All of these"}}
}

// webexRegistry makes webhooks of whoever the token is of: a bot, a person or an
// integration.
// https://developer.webex.com/docs/api/v1/webhooks
func webexRegistry() registry {
	return registry{
		title: "Webex", base: "https://webexapis.com/v1", auth: bearer,
		form: func() platforms.RegisterForm {
			return platforms.RegisterForm{
				Fields: []platforms.Field{
					{Key: regToken, Label: "Access token", Secret: true, Required: true, Parse: parseToken,
						Help: "A bot's token sees what mentions the bot."},
					{Key: regResource, Label: "What", Options: webexResources(), Parse: oneOf(webexResources()), Help: "What is told of. The token must be allowed to read it."},
					{Key: regEvent, Label: "When", Options: webexMoments(), Parse: oneOf(webexMoments())},
					{Key: regFilter, Label: "Filter", Advanced: true, Placeholder: "roomId=…", Parse: parseFilter,
						Help: "Narrows it, as in roomId=… or mentionedPeople=me. Nothing: everything that the token sees."},
					{Key: regBase, Label: "Address of the API", Advanced: true, Placeholder: "https://webexapis.com/v1", Parse: parseBase,
						Help: "For Webex for Government: https://api-usgov.webex.com/v1."},
				},
				Setup: platforms.Guide{
					Scopes: []string{"spark:messages_read"},
					Steps: []platforms.Step{
						{Text: "Make a bot and copy its access token, or take the token of an integration that has the read scope of what is to be told of, such as spark:messages_read. A personal token ends after 12 hours: then this can't be removed with it.", URL: "https://developer.webex.com/my-apps/new/bot"},
						{Text: "Webex tells that something happened, and not what was written. It sends no test: write something where the bot is."},
					},
				},
			}
		},
		register: webexRegister,
		remove: func(ctx context.Context, c *caller, r platforms.Registered) error {
			return c.removed(ctx, c.call(ctx, http.MethodDelete, []string{"webhooks", r.ID}, nil, nil), []string{"webhooks"})
		},
		refused: func(r platforms.Registered) string {
			scope := map[string]string{"memberships": "spark:memberships_read", "rooms": "spark:rooms_read", "meetings": "meeting:schedules_read",
				"recordings": "meeting:recordings_read", "meetingParticipants": "meeting:participants_read", "meetingTranscripts": "meeting:transcripts_read"}[r.Values[regResource]]
			if scope == "" {
				scope = "spark:messages_read" // cards are read with it too
			}
			return "A bot's token may do this for messages; an integration's needs the scope " + scope + "."
		},
	}
}

func parseFilter(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) > 512 || s != "" && !strings.Contains(s, "=") || strings.ContainsFunc(s, unicode.IsSpace) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", sentence("A filter is written like roomId=… with no spaces; several are joined by &.")
	}
	return s, nil
}

type webexHook struct {
	ID       string `json:"id,omitempty"`
	Name     string `json:"name"`
	Target   string `json:"targetUrl"`
	Resource string `json:"resource,omitempty"`
	Event    string `json:"event,omitempty"`
	Filter   string `json:"filter,omitempty"`
	Secret   string `json:"secret,omitempty"`
	Status   string `json:"status,omitempty"`
}

func webexRegister(ctx context.Context, c *caller, want hookWanted, r *platforms.Registered) error {
	chosen := func(key string, options []platforms.Option) string {
		if v := want.values[key]; v != "" {
			return v
		}
		return options[0].Value
	}
	hook := webexHook{Name: "Postern", Target: want.address, Secret: want.secret,
		Resource: chosen(regResource, webexResources()), Event: chosen(regEvent, webexMoments()), Filter: want.values[regFilter]}
	r.Where = hook.Resource + " " + hook.Event
	if hook.Filter != "" {
		r.Where += ", " + text.Line(hook.Filter, 80)
	}
	r.Manual = "At developer.webex.com, in the reference of the Webhooks API, with Delete a Webhook."
	path := []string{"webhooks"}
	all, err := pages(ctx, c, path, url.Values{"max": {"100"}}, func(page json.RawMessage) ([]webexHook, error) {
		var list struct {
			Items []webexHook `json:"items"`
		}
		err := json.Unmarshal(page, &list)
		return list.Items, err
	})
	if err != nil {
		return err
	}
	step(r, "Webex took the token. Whose it is has %s.", counted(len(all), "webhook"))
	// What a webhook is of can't be changed: one that tells of something else
	// stays as it is.
	alike := slices.DeleteFunc(slices.Clone(all), func(h webexHook) bool {
		return h.Resource != hook.Resource || h.Event != hook.Event || h.Filter != hook.Filter
	})
	found, same := find(alike, want, func(h webexHook) (string, string) { return h.ID, h.Target })
	var made webexHook
	if found == "" {
		err = c.call(ctx, http.MethodPost, path, hook, &made)
	} else {
		// Active wakes one that Webex switched off, because deliveries failed.
		err = c.call(ctx, http.MethodPut, append(slices.Clone(path), found), webexHook{Name: hook.Name, Target: hook.Target, Secret: hook.Secret, Status: "active"}, &made)
	}
	switch {
	case err != nil:
		return err
	case made.ID == "" || len(made.ID) > idMost || made.Target != want.address:
		return errStrange
	}
	r.ID = text.Line(made.ID, idMost)
	told(r, found, same, r.Where)
	step(r, "Webex signs with the account's secret.")
	if made.Status != "" && made.Status != "active" {
		trouble(r, "Webex says that it is %s, so nothing comes. Register again to wake it.", text.Line(made.Status, 40))
	}
	return nil
}
