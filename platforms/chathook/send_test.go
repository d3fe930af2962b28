package chathook_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/chathook"
	"github.com/postern/postern/platforms/chathook/chathooktest"
	"github.com/postern/postern/platforms/text"
)

// open is a connector that posts at s, with settings beside the form.
func open(t testing.TB, f chathooktest.Form, s *chathooktest.Server, settings ...string) platforms.Connector {
	t.Helper()
	c := account(t, f, s)
	for i := 0; i+1 < len(settings); i += 2 {
		c.Settings[settings[i]] = settings[i+1]
	}
	conn, err := chathook.Platform().New(c)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func message(s string, f platforms.Format) platforms.Message {
	return platforms.Message{Key: "k", Conversation: "chat", Text: s, Format: f}
}

// TestBodies is what goes over the wire, byte by byte as the documentations show it.
func TestBodies(t *testing.T) {
	const words = "**Ada** in [Build](https://ci.example.org/?a=1): `go` & <b> @all"
	for f, want := range map[chathooktest.Form]string{
		chathooktest.Chatalot: `{"content":"Ada in Build (https://ci.example.org/?a=1): go & <b> @` + "\u200b" + `all","username":"Postern","avatar_url":"https://example.org/p.png"}`,
		chathooktest.Slack: `{"text":"Ada in Build (https://ci.example.org/?a=1): go &amp; &lt;b&gt; @all","mrkdwn":false,"blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[` +
			`{"type":"text","style":{"bold":true},"text":"Ada"},{"type":"text","text":" in "},{"type":"link","text":"Build","url":"https://ci.example.org/?a=1"},` +
			`{"type":"text","text":": "},{"type":"text","style":{"code":true},"text":"go"},{"type":"text","text":" & <b> @all"}]}]}]}`,
		chathooktest.Discord:    `{"content":"**Ada** in [Build](https://ci.example.org/?a=1): ` + "`go`" + ` & \\<b\\> \\@all","username":"Postern","avatar_url":"https://example.org/p.png","allowed_mentions":{"parse":[]}}`,
		chathooktest.Mattermost: `{"text":"**Ada** in [Build](https://ci.example.org/?a=1): ` + "`go`" + ` \\& \\<b\\> @` + "\u200b" + `all","username":"Postern","icon_url":"https://example.org/p.png"}`,
		chathooktest.Teams: `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json",` +
			`"type":"AdaptiveCard","version":"1.4","body":[{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"Ada","weight":"Bolder"},{"type":"TextRun","text":" in "},` +
			`{"type":"TextRun","text":"Build","selectAction":{"type":"Action.OpenUrl","url":"https://ci.example.org/?a=1"}},{"type":"TextRun","text":": "},` +
			`{"type":"TextRun","text":"go","fontType":"Monospace"},{"type":"TextRun","text":" & <b> @all"}]}],"msteams":{"width":"Full"}}}]}`,
	} {
		t.Run(string(f), func(t *testing.T) {
			s := serve(t, f)
			conn := open(t, f, s, "username", " Postern ", "avatar", "https://example.org/p.png")
			if _, err := conn.Send(t.Context(), message(words, platforms.Markdown)); err != nil {
				t.Fatal(err)
			}
			if got := s.Sent()[0].Body; got != want {
				t.Errorf("posted\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestNobodyIsCalled: whatever a text from outside holds, nobody is told.
func TestNobodyIsCalled(t *testing.T) {
	hostile := "@everyone @here @channel @all <!channel> <!here|x> <!subteam^S1> <@U024BE7LH> <@1127391823749120001> <@&1127391823749120001> @ada bob@alice.com <at>Ada</at> (@ada) @ada-lovelace @_x"
	for _, f := range chathooktest.Forms() {
		for _, format := range []platforms.Format{platforms.Plain, platforms.Markdown} {
			s := serve(t, f)
			for _, words := range []string{hostile, "\n@all\n> @all\n- @here\n# @channel", "[@all](mention:U024BE7LH) [x](https://a.b/@all) **@all** _@here_ ~~@channel~~"} {
				if _, err := open(t, f, s).Send(t.Context(), message(words, format)); err != nil {
					t.Errorf("%s, %q: %v", f, words, err)
				}
			}
			for _, m := range s.Sent() {
				if len(m.Pings) > 0 {
					t.Errorf("%s tells %q, by %s", f, m.Pings, m.Body)
				}
			}
		}
	}
}

// TestMarkdown is how a whole document reads in each chat.
func TestMarkdown(t *testing.T) {
	const doc = "# Release 1.2\n\nIt is **out**, *really*: see [the notes](https://example.org/n_1) or https://example.org/a_b_c?x=1*2\n\n- one\n  - deep\n- **two**\n\n1. first\n2. second\n\n> said\n> twice\n\n```go\nx := 1 // *y* @all\n```\n\nend"
	for f, want := range map[chathooktest.Form]string{
		chathooktest.Chatalot:   "Release 1.2\n\nIt is out, really: see the notes (https://example.org/n_1) or https://example.org/a_b_c?x=1*2\n\n• one\n  • deep\n• two\n1. first\n2. second\n\n> said\n> twice\n\nx := 1 // *y* @all\n\nend",
		chathooktest.Discord:    "Release 1.2\n\nIt is out, really: see the notes or https://example.org/a_b_c?x=1*2\n\n• one\n  • deep\n• two\n1. first\n2. second\n\n▎said\n▎twice\n\nx := 1 // *y* @all\n\nend",
		chathooktest.Mattermost: "Release 1.2\n\nIt is out, really: see the notes or https://example.org/a_b_c?x=1*2\n\n• one\n    • deep\n• two\n1. first\n2. second\n\n▎said\n▎twice\n\nx := 1 // *y* @all\n\nend",
		chathooktest.Slack:      "Release 1.2\n\nIt is out, really: see the notes or https://example.org/a_b_c?x=1*2\n• one\n  • deep\n• two\n1. first\n2. second\nsaid\ntwice\nx := 1 // *y* @all\nend",
		chathooktest.Teams:      "Release 1.2\nIt is out, really: see the notes or https://example.org/a_b_c?x=1*2\n• one\n\u00a0\u00a0• deep\n• two\n1. first\n2. second\n│ said\ntwice\nx := 1 // *y* @all\nend",
	} {
		t.Run(string(f), func(t *testing.T) {
			s := serve(t, f)
			if _, err := open(t, f, s).Send(t.Context(), message(doc, platforms.Markdown)); err != nil {
				t.Fatal(err)
			}
			if got := s.Sent()[0].Text; got != want {
				t.Errorf("reads\n%q\nwant\n%q", got, want)
			}
		})
	}
}

// TestLengths: a long text goes out in pieces of which each is taken, and one
// character more than a chat takes is refused before it is sent.
func TestLengths(t *testing.T) {
	long := strings.Repeat("Zoë said *this* & <that> @all, 😀.\n", 1500)
	for f, most := range map[chathooktest.Form]int{chathooktest.Chatalot: 4000, chathooktest.Slack: 4000, chathooktest.Discord: 2000, chathooktest.Mattermost: 16383, chathooktest.Teams: 20 << 10} {
		t.Run(string(f), func(t *testing.T) {
			s := serve(t, f)
			p := chathook.Platform().Of(map[string]string{"form": string(f)})
			if p.Limits.Text != most || p.Name != "chathook" {
				t.Errorf("%d, want %d", p.Limits.Text, most)
			}
			conn := open(t, f, s)
			length := func(s string) int {
				if p.Length == nil {
					return text.Len(s, p.Limits.Unit)
				}
				return p.Length(s, platforms.Plain)
			}
			pieces := text.Fit(long, p.Limits.Text, p.Limits.Unit, length)
			for _, piece := range pieces {
				if _, err := conn.Send(t.Context(), message(piece, platforms.Plain)); err != nil {
					t.Fatalf("%d characters: %v", len(piece), err)
				}
			}
			var got []string
			for _, m := range s.Sent() {
				got = append(got, m.Text)
			}
			if strings.Join(got, "\n") != strings.TrimSpace(long) {
				t.Errorf("%d pieces are not the text", len(got))
			}
			before := s.Requests()
			if _, err := conn.Send(t.Context(), message(strings.Repeat("x", most+10), platforms.Plain)); platforms.KindOf(err) != platforms.Rejected || s.Requests() != before {
				t.Errorf("%v, after %d requests", err, s.Requests()-before)
			}
		})
	}
}

// TestRefusals is what each chat's own words mean.
func TestRefusals(t *testing.T) {
	const gone, never, later = platforms.Unauthorized, platforms.Rejected, platforms.Temporary
	for _, c := range []struct {
		form chathooktest.Form
		code int
		word string
		want platforms.Kind
	}{
		{chathooktest.Chatalot, 404, "", gone}, {chathooktest.Chatalot, 422, "", never}, {chathooktest.Chatalot, 401, "", gone},
		{chathooktest.Slack, 404, "no_service", gone}, {chathooktest.Slack, 410, "channel_is_archived", gone}, {chathooktest.Slack, 403, "action_prohibited", gone},
		{chathooktest.Slack, 400, "invalid_payload", never}, {chathooktest.Slack, 404, "channel_not_found", gone}, {chathooktest.Slack, 403, "invalid_token", gone},
		{chathooktest.Slack, 400, "too_many_attachments", never}, {chathooktest.Slack, 404, "<html>Not found</html>", later},
		{chathooktest.Discord, 404, "Unknown Webhook", gone}, {chathooktest.Discord, 401, "", gone}, {chathooktest.Discord, 400, "", never}, {chathooktest.Discord, 403, "", never},
		{chathooktest.Mattermost, 400, "web.incoming_webhook.invalid.app_error", gone}, {chathooktest.Mattermost, 501, "", later},
		{chathooktest.Mattermost, 403, "web.incoming_webhook.permissions.app_error", gone}, {chathooktest.Mattermost, 400, "web.incoming_webhook.text.app_error", never},
		{chathooktest.Teams, 404, "WorkflowNotFound", gone}, {chathooktest.Teams, 401, "", gone}, {chathooktest.Teams, 400, "WorkflowTriggerIsNotEnabled", gone},
		{chathooktest.Teams, 413, "", never}, {chathooktest.Teams, 400, "InvalidRequestContent", never},
	} {
		t.Run(fmt.Sprintf("%s/%d %s", c.form, c.code, c.word), func(t *testing.T) {
			s := serve(t, c.form)
			conn := open(t, c.form, s)
			s.Fail(chathooktest.Fault{Kind: chathooktest.Status, Code: c.code, Word: c.word})
			_, err := conn.Send(t.Context(), message("x", ""))
			if platforms.KindOf(err) != c.want {
				t.Errorf("%v, want %q", err, c.want)
			}
			if got := platforms.Explain(err); !strings.HasSuffix(got, ".") {
				t.Errorf("%q is no sentence", got)
			}
			if _, err := conn.Send(t.Context(), message("x", "")); err != nil {
				t.Errorf("the next: %v", err)
			}
		})
	}
}

// TestUncertain: an answer that looks like success and is not the chat's may come
// after the message arrived, so that the outbox must be able to tell.
func TestUncertain(t *testing.T) {
	for _, f := range chathooktest.Forms() {
		s := serve(t, f)
		s.Fail(chathooktest.Fault{Kind: chathooktest.Malformed})
		if _, err := open(t, f, s).Send(t.Context(), message("x", "")); !errors.Is(err, io.ErrUnexpectedEOF) || platforms.KindOf(err) != platforms.Temporary {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// TestRests: Discord says with a success that the next post has to wait, and is
// not asked before that.
func TestRests(t *testing.T) {
	s := serve(t, chathooktest.Discord)
	conn := open(t, chathooktest.Discord, s)
	s.Limit(2, 3500*time.Millisecond)
	for range 2 {
		if _, err := conn.Send(t.Context(), message("x", "")); err != nil {
			t.Fatal(err)
		}
	}
	var e *platforms.Error
	_, err := conn.Send(t.Context(), message("x", ""))
	if !errors.As(err, &e) || e.Kind != platforms.RateLimited || e.RetryAfter <= 2*time.Second || e.RetryAfter > 3500*time.Millisecond {
		t.Errorf("%+v", err)
	}
	if n := s.Requests(); n != 2 {
		t.Errorf("%d requests, want 2: it was told to rest", n)
	}
	_, err = open(t, chathooktest.Discord, s).Send(t.Context(), message("x", "")) // knows nothing of it
	if !errors.As(err, &e) || e.Kind != platforms.RateLimited || e.RetryAfter != 3500*time.Millisecond {
		t.Errorf("%+v, want the body's fraction of a second", err)
	}
}

// TestNothingIsFollowed: a redirect gets neither the token nor the message.
func TestNothingIsFollowed(t *testing.T) {
	elsewhere := serve(t, chathooktest.Slack)
	s := serve(t, chathooktest.Slack)
	for _, status := range []int{http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		c := account(t, chathooktest.Slack, s)
		c.HTTP.Transport = redirecting{c.HTTP.Transport, s.URL(), elsewhere.URL(), status}
		conn, err := chathook.Platform().New(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Send(t.Context(), message("x", "")); platforms.KindOf(err) != platforms.Temporary {
			t.Errorf("%d: %v", status, err)
		}
	}
	if n := elsewhere.Requests(); n != 0 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

type redirecting struct {
	http.RoundTripper
	from, to string
	status   int
}

func (r redirecting) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.String() != r.from {
		return r.RoundTripper.RoundTrip(req)
	}
	return &http.Response{StatusCode: r.status, Header: http.Header{"Location": {r.to}}, Body: http.NoBody, Request: req}, nil
}

// TestTokensAreNotTold: neither the address nor its token is in an error.
func TestTokensAreNotTold(t *testing.T) {
	for _, f := range chathooktest.Forms() {
		s := serve(t, f)
		conn := open(t, f, s)
		token := s.Token()
		check := func(err error) {
			t.Helper()
			for e := err; e != nil; e = errors.Unwrap(e) {
				if told := fmt.Sprintf("%v %+v", e, e) + platforms.Explain(e); strings.Contains(told, token) {
					t.Errorf("%s tells its token: %s", f, strings.ReplaceAll(told, token, "[token]"))
				}
			}
		}
		s.Fail(chathooktest.Fault{Kind: chathooktest.Status, Code: 400, Word: "bad " + token + " here"})
		_, err := conn.Send(t.Context(), message("x", ""))
		check(err)
		s.Down()
		if _, err = conn.Send(t.Context(), message("x", "")); err == nil {
			t.Error("it is down, and takes messages")
		}
		check(err)
	}
}

func TestSettings(t *testing.T) {
	field := func(key string) func(string) (string, error) {
		fields := chathook.Platform().Fields
		return fields[slices.IndexFunc(fields, func(f platforms.Field) bool { return f.Key == key })].Parse
	}
	for s, ok := range map[string]bool{
		"https://hooks.slack.com/services/T0/B0/XXXX": true, " https://chat.example.org/hooks/abc ": true, "http://127.0.0.1:8065/hooks/abc": true, "http://localhost/hooks/abc": true, "http://[::1]:80/hooks/abc": true,
		"http://chat.example.org/hooks/abc": false, "http://192.168.1.7/hooks/abc": false, "ftp://a/b": false, "": false, "hooks.slack.com/services": false,
		"https://user:pass@a/b": false, "https://chat.example.org": false, "https://chat.example.org/": false, "https://a/b c": false, "https://a/" + strings.Repeat("x", 3000): false,
	} {
		got, err := field("url")(s)
		if (err == nil) != ok || ok && got != strings.TrimSpace(s) {
			t.Errorf("%q: %q, %v", s, got, err)
		}
		if err != nil && len(s) > 12 && strings.Contains(err.Error(), s) {
			t.Errorf("%q is repeated", s)
		}
	}
	for name, c := range map[string]struct{ form, url, username, want string }{
		"another chat's address":           {"discord", "https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXX", "", "an address of Slack"},
		"a workflow's":                     {"slack", "https://prod-1.westeurope.logic.azure.com/workflows/0c2d7f/x", "", "an address of Microsoft Teams"},
		"Slack's form":                     {"discord", "https://discord.com/api/webhooks/1/abcdefghijkl/slack", "", "Leave out"},
		"a name it forbids":                {"discord", "https://discord.com/api/webhooks/1/abcdefghijkl", "My Discord bot", "Choose another name"},
		"a long name":                      {"chatalot", "https://chat.example.org/api/webhooks/execute/abcdefghijkl", strings.Repeat("n", 65), "up to 64"},
		"no address":                       {"slack", "", "", "missing"},
		"any name where it has no meaning": {"slack", "https://hooks.slack.com/services/T0/B0/XXXXXXXXXXXX", "Discord", ""},
		"a form from nowhere":              {"", "https://chat.example.org/api/webhooks/execute/abcdefghijkl", "", ""},
	} {
		_, err := chathook.Platform().New(platforms.Config{Settings: map[string]string{"form": c.form, "username": c.username},
			Secrets: map[string]platforms.Secret{"url": platforms.NewSecret(c.url)}})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestCheck: only Discord's webhook says who it is; of the others a note says that
// the first message will tell, until it did.
func TestCheck(t *testing.T) {
	for _, f := range chathooktest.Forms() {
		s := serve(t, f)
		conn := open(t, f, s)
		id, err := conn.Check(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		asked := f == chathooktest.Discord
		if (id.Name == chathooktest.Name) != asked || (len(id.Problems) == 0) != asked {
			t.Errorf("%s: %+v", f, id)
		}
		for _, p := range id.Problems {
			if p.Bad || !strings.Contains(p.Text, "Send one to see.") {
				t.Errorf("%s: %+v", f, p)
			}
		}
		if _, err := conn.Send(t.Context(), message("x", "")); err != nil {
			t.Fatal(err)
		}
		if id, err = conn.Check(t.Context()); err != nil || len(id.Problems) > 0 {
			t.Errorf("%s, after a message: %+v, %v", f, id, err)
		}
	}
}

// FuzzWritten: whatever is written, it is taken, calls nobody and is as long as
// was said.
func FuzzWritten(f *testing.F) {
	for _, s := range []string{"hello", "**a** _b_ ~~c~~ `d`", "# h\n> q\n- i\n1. n\n```go\nx\n```", "[x](https://a.b/(c)) <@1> @all", "*a*b*c*", "https://a.b/_x_y", "    indented\n\tcode", "\u200b@\u200ball", "`` ` ``"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	servers := map[chathooktest.Form]*chathooktest.Server{}
	conns := map[chathooktest.Form]platforms.Connector{}
	for _, form := range chathooktest.Forms() {
		servers[form] = serve(f, form)
		conns[form] = open(f, form, servers[form])
	}
	f.Fuzz(func(t *testing.T, s string, markdown bool) {
		format := platforms.Plain
		if markdown {
			format = platforms.Markdown
		}
		if len(s) > 300 || strings.TrimSpace(strings.Map(func(r rune) rune {
			if r <= ' ' {
				return -1
			}
			return r
		}, s)) == "" {
			return
		}
		for form, conn := range conns {
			if n := chathook.Platform().Of(map[string]string{"form": string(form)}).Length; n != nil && n(s, format) < 0 {
				t.Error("it is shorter than nothing")
			}
			before := len(servers[form].Sent())
			_, err := conn.Send(t.Context(), message(s, format))
			got := servers[form].Sent()[before:]
			if err != nil || len(got) != 1 {
				t.Fatalf("%s: %q is not taken: %v", form, s, err)
			}
			if len(got[0].Pings) > 0 {
				t.Errorf("%s: %q tells %q", form, s, got[0].Pings)
			}
			// An address with an @ is written in another way, and what nobody sees may
			// be more or less.
			seen := func(s string) string {
				return strings.ToValidUTF8(strings.NewReplacer("\x00", "", "\u200b", "").Replace(s), "\uFFFD")
			}
			// A card's empty lines are shown as such whatever white space they have.
			if !markdown && !strings.Contains(s, "://") && form != chathooktest.Teams && seen(got[0].Text) != seen(s) {
				t.Errorf("%s: %q is shown as %q, by %s", form, s, got[0].Text, got[0].Body)
			}
			if !json.Valid([]byte(got[0].Body)) {
				t.Errorf("%s: %q is no JSON", form, got[0].Body)
			}
		}
	})
}
