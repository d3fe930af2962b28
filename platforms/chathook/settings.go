package chathook

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// Keys of the settings.
const (
	keyForm   = "form"
	keyURL    = "url"
	keyName   = "username"
	keyAvatar = "avatar"
)

func fields() []platforms.Field {
	var options []platforms.Option
	for _, f := range forms() {
		options = append(options, platforms.Option{Value: f.name, Label: f.title})
	}
	return []platforms.Field{
		{Key: keyForm, Label: "Chat", Options: options, Help: "Whose webhook it is. Each chat wants messages in a form of its own."},
		{Key: keyURL, Label: "Webhook address", Secret: true, Required: true, Parse: parseURL, Placeholder: "https://…",
			Help: "As the chat shows it. Whoever has it can post there, so it is kept as a secret."},
		{Key: keyName, Label: "Name", Advanced: true, Placeholder: "Postern", Parse: parseName,
			Help: "Under which the messages appear; nothing for the webhook's own. Slack and Teams always show the webhook's own."},
		{Key: keyAvatar, Label: "Picture", Advanced: true, Placeholder: "https://…", Parse: parseAvatar,
			Help: "The address of the picture beside the messages. Slack and Teams always show the webhook's own."},
	}
}

func guide() platforms.Guide {
	return platforms.Guide{Steps: []platforms.Step{
		{Text: "Make an incoming webhook in the chat that is to get messages, choose the chat here, and paste the address. Nobody can answer through it: to hear from a chat, add its bot."},
		{Text: "Chatalot: in the channel's settings, under Webhooks, create one and copy its address. It is shown once."},
		{Text: "Slack: in your app, Incoming Webhooks, switch them on, Add New Webhook to Workspace, choose the channel and copy the address.", URL: "https://api.slack.com/apps"},
		{Text: "Discord: in the channel's settings, Integrations, Webhooks, New Webhook, Copy Webhook URL.", URL: "https://support.discord.com/hc/en-us/articles/228383668"},
		{Text: "Mattermost: in the product menu, Integrations, Incoming Webhooks, Add Incoming Webhook. Name and picture count only if the server lets integrations override them.", URL: "https://developers.mattermost.com/integrate/webhooks/incoming/"},
		{Text: "Microsoft Teams: at the channel, Workflows, “Post to a channel when a webhook request is received”. Finish the wizard and copy the address.", URL: "https://support.microsoft.com/office/8ae491c7-0394-4861-ba59-055e33f75498"},
	}}
}

// sentence is an error for the person.
type sentence string

func (s sentence) Error() string { return string(s) }

const (
	urlMost  = 2048 // bytes
	nameMost = 64   // characters, of Chatalot; Discord has 80
)

func parseURL(s string) (string, error) {
	u, err := address(s)
	if err != nil {
		return "", err
	}
	return u.String(), nil
}

// address reads a webhook's address. Its errors repeat nothing of it.
func address(s string) (*url.URL, error) {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	switch {
	case s == "":
		return nil, sentence("The webhook's address is missing. Paste it as the chat shows it.")
	case err != nil || len(s) > urlMost || u.Host == "" || u.Opaque != "" || strings.ContainsFunc(s, unicode.IsSpace) || u.Scheme != "https" && u.Scheme != "http":
		return nil, sentence("This is no web address. Paste the whole of it, from https:// on.")
	case u.User != nil:
		return nil, sentence("A name or password in the address is not for this. Paste it as the chat shows it.")
	case strings.Trim(u.Path, "/") == "":
		return nil, sentence("This address has nothing behind its host, so it is no webhook's. Paste the whole of it.")
	case u.Scheme == "http" && !platforms.Loopback(u.Hostname()):
		return nil, sentence("Without https anybody on the way could read the address and post with it. Use one that begins with https://.")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// secrets is what of an address lets its holder post.
func secrets(u *url.URL) []platforms.Secret {
	all := []platforms.Secret{platforms.NewSecret(u.String()), platforms.NewSecret(u.RequestURI()), platforms.NewSecret(strings.TrimPrefix(u.RequestURI(), "/")),
		platforms.NewSecret(u.Path), platforms.NewSecret(u.RawQuery)}
	parts := strings.Split(strings.Trim(u.Path, "/"), "/")
	all = append(all, platforms.NewSecret(parts[len(parts)-1]))
	for _, values := range u.Query() {
		for _, v := range values {
			all = append(all, platforms.NewSecret(v))
		}
	}
	// Short words are parts of no token, but of ordinary text.
	kept := all[:0]
	for _, s := range all {
		if len(s.Reveal()) >= 12 {
			kept = append(kept, s)
		}
	}
	return kept
}

func parseName(s string) (string, error) {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) > nameMost || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", sentence("A name has up to 64 characters, on one line. Shorten it.")
	}
	return s, nil
}

func parseAvatar(s string) (string, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || len(s) > urlMost || strings.ContainsFunc(s, unicode.IsSpace) {
		return "", sentence("A picture's address begins with https://. Enter one, or leave the field empty.")
	}
	return u.String(), nil
}
