package chathooktest

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// refusal is why a body is not taken.
type refusal struct {
	status int
	word   string
}

// keys are those that each documentation names, of the body's first level.
func (s *Server) keys() []string {
	switch s.form {
	case Chatalot:
		return []string{"content", "username", "avatar_url"}
	case Slack: // name, picture and channel are of webhooks of the old kind
		return []string{"text", "blocks", "attachments", "mrkdwn", "thread_ts", "response_type", "replace_original", "delete_original",
			"unfurl_links", "unfurl_media", "username", "icon_emoji", "icon_url", "channel", "link_names", "agent"}
	case Discord:
		return []string{"content", "username", "avatar_url", "tts", "embeds", "allowed_mentions", "components", "attachments", "flags", "thread_name",
			"applied_tags", "poll", "nonce", "enforce_nonce", "message_reference", "sticker_ids"}
	case Mattermost:
		return []string{"text", "channel", "username", "icon_url", "icon_emoji", "attachments", "type", "props", "priority"}
	}
	return []string{"type", "attachments", "summary"}
}

// read is the message in a body, or why there is none.
func (s *Server) read(r *http.Request, body []byte) (Message, *refusal) {
	bad := &refusal{map[Form]int{Chatalot: 422}[s.form], ""}
	if bad.status == 0 {
		bad.status = 400
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" || !utf8.Valid(body) {
		return Message{}, bad
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		return Message{}, bad
	}
	for k := range raw {
		if !slices.Contains(s.keys(), k) {
			return Message{}, bad
		}
	}
	var m Message
	ok := false
	switch s.form {
	case Chatalot:
		m, ok = s.chatalot(body)
	case Slack:
		m, ok = readSlack(body)
	case Discord:
		m, ok = readDiscord(body)
	case Mattermost:
		m, ok = readMattermost(body)
	case Teams:
		if len(body) > 28<<10 {
			return Message{}, &refusal{413, ""}
		}
		m, ok = readTeams(body)
	}
	if !ok {
		return Message{}, bad
	}
	m.Body = string(body)
	return m, nil
}

// mentioned is Chatalot's: exact, with a left boundary; the audience never.
var mentioned = regexp.MustCompile(`(?:^|[^A-Za-z0-9_@])@([A-Za-z0-9_]+)`)

func (s *Server) chatalot(body []byte) (m Message, ok bool) {
	var b struct {
		Content  string  `json:"content"`
		Username *string `json:"username"`
		Avatar   *string `json:"avatar_url"`
	}
	if json.Unmarshal(body, &b) != nil {
		return m, false
	}
	n := utf8.RuneCountInString(b.Content)
	if n < 1 || n > 4000 || b.Username != nil && (*b.Username == "" || utf8.RuneCountInString(*b.Username) > 64) || !picture(b.Avatar) {
		return m, false
	}
	m.Name, m.Avatar = deref(b.Username), deref(b.Avatar)
	for _, found := range mentioned.FindAllStringSubmatch(b.Content, -1) {
		if !slices.Contains([]string{"everyone", "here", "channel"}, found[1]) {
			m.Pings = append(m.Pings, found[1])
		}
	}
	m.Text = unseen(b.Content)
	return m, true
}

func readDiscord(body []byte) (m Message, ok bool) {
	var b struct {
		Content  string            `json:"content"`
		Username *string           `json:"username"`
		Avatar   *string           `json:"avatar_url"`
		Embeds   []json.RawMessage `json:"embeds"`
		Mentions *struct {
			Parse       []string `json:"parse"`
			Users       []string `json:"users"`
			Roles       []string `json:"roles"`
			RepliedUser bool     `json:"replied_user"`
		} `json:"allowed_mentions"`
	}
	if json.Unmarshal(body, &b) != nil {
		return m, false
	}
	name := strings.ToLower(deref(b.Username))
	n := utf8.RuneCountInString(b.Content)
	if n > 2000 || n == 0 && len(b.Embeds) == 0 || len(b.Embeds) > 10 || utf8.RuneCountInString(name) > 80 ||
		strings.Contains(name, "clyde") || strings.Contains(name, "discord") || !picture(b.Avatar) {
		return m, false
	}
	m.Name, m.Avatar = deref(b.Username), deref(b.Avatar)
	if b.Mentions == nil || slices.Contains(b.Mentions.Parse, "everyone") {
		for _, all := range []string{"everyone", "here"} {
			if strings.Contains(b.Content, "@"+all) {
				m.Pings = append(m.Pings, all)
			}
		}
	}
	if b.Mentions == nil || slices.Contains(b.Mentions.Parse, "users") {
		for _, found := range regexp.MustCompile(`<@!?(\d+)>`).FindAllStringSubmatch(b.Content, -1) {
			m.Pings = append(m.Pings, found[1])
		}
	}
	m.Text = render(b.Content, false)
	return m, true
}

// pinged is Mattermost's: a name, or a word for all.
var pinged = regexp.MustCompile(`(?:^|[^A-Za-z0-9_.\-@])@([A-Za-z0-9][A-Za-z0-9_.\-]*)`)

func readMattermost(body []byte) (m Message, ok bool) {
	var b struct {
		Text        string            `json:"text"`
		Username    *string           `json:"username"`
		Icon        *string           `json:"icon_url"`
		Attachments []json.RawMessage `json:"attachments"`
	}
	if json.Unmarshal(body, &b) != nil || b.Text == "" && len(b.Attachments) == 0 || utf8.RuneCountInString(b.Text) > 16383 || !picture(b.Icon) {
		return m, false
	}
	m.Name, m.Avatar = deref(b.Username), deref(b.Icon)
	for _, found := range pinged.FindAllStringSubmatch(b.Text, -1) {
		m.Pings = append(m.Pings, found[1])
	}
	m.Text = unseen(render(b.Text, true))
	return m, true
}

// unseen takes out what nobody sees (U+200B).
func unseen(s string) string { return strings.ReplaceAll(s, "\u200b", "") }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func picture(s *string) bool {
	if s == nil || *s == "" {
		return true
	}
	u, err := url.Parse(*s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
