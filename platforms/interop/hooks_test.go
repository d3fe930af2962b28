//go:build interop

package interop

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// TestHooks has programs that post into chats post to a hook instead, unchanged
// but for the address: what they post is in the chat, and they take our answers
// for their platform's.
func TestHooks(t *testing.T) {
	for who, want := range map[string]struct {
		dialect string   // of the hook; what stands at the address's end counts before it
		says    string   // what the program makes of the answers
		texts   []string // in the chat, each in a message of its own
	}{
		"slack": {says: "slack: ok\nslack: ok\n" +
			"slack: slack_webhook_http_error An HTTP protocol error occurred: statusCode = 400\n" +
			"slack: slack_webhook_http_error An HTTP protocol error occurred: statusCode = 404\n",
			texts: []string{"slack text", "slack blocks"}},
		"discord": {dialect: "embeds", says: "discord: string string\ndiscord: true 400 50035\ndiscord: true 404\n",
			texts: []string{"discord content", "discord embed", "discord slack"}},
		"mattermost":   {says: "mattermost: 200 ok\nmattermost: 200 ok\nmattermost: 200 ok\n", texts: []string{"mattermost text", "mattermost form", "mattermost attachment"}},
		"alertmanager": {says: "alertmanager: 201 *\n", texts: []string{"alertmanager alert"}},
		"grafana":      {says: "grafana: 201 *\n", texts: []string{"grafana alert: This alert was triggered"}},
		"plain":        {says: "plain: 201 *\n", texts: []string{"plain content"}},
	} {
		t.Run(who, func(t *testing.T) {
			s, err := telegramtest.New(token)
			must(t, err)
			defer s.Close()
			w := newWorld(t)
			id := w.add("telegram", map[string]string{"token": token, "server": s.URL()})
			s.Say(telegramtest.Direct, telegramtest.Person, "hello")
			w.until("the conversation is known", func() bool { return w.seen.count() == 1 })
			_, err = w.app.SetHookListener(t.Context(), api.HookListener{Bind: freeBind(t)})
			must(t, err)
			made, err := w.app.AddHook(t.Context(), api.HookDraft{Account: id, Conversation: platforms.ConversationID(fmt.Sprint(telegramtest.Direct)), Name: "Tools", Dialect: want.dialect})
			must(t, err)
			w.until("hooks are served", func() bool { return w.app.Hooks().Open })
			out, err := node(t, []string{"HOOK=" + made.URL, "WHO=" + who}, "hooks.mjs").CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want.says), `\*`, `\{.*\}`) + "$"
			if !regexp.MustCompile(pattern).Match(out) {
				t.Errorf("it says\n%s\nwant\n%s", out, want.says)
			}
			must(t, s.WaitSent(soon(t), len(want.texts)))
			var texts []string
			for _, m := range s.Sent() {
				texts = append(texts, m.Text)
				t.Logf("%q", m.Text)
			}
			if len(texts) != len(want.texts) {
				t.Errorf("%d messages", len(texts))
			}
			for _, text := range want.texts {
				if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, text) }) {
					t.Errorf("%q is not in the chat", text)
				}
			}
		})
	}
}
