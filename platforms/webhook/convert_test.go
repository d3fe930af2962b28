package webhook_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/webhook"
	"github.com/postern/postern/platforms/webhook/webhooktest"
)

// conversion is a body and what is made of it. An empty want is not looked at;
// "-" wants nothing.
type conversion struct {
	name    string
	service webhooktest.Service
	event   string
	body    string

	text, conversation, title, from, who, at string
}

func conversions() []conversion {
	repo := `"repository":{"full_name":"octo/hello","html_url":"https://github.com/octo/hello"},"sender":{"login":"octocat","id":583231,"type":"User"}`
	project := `"user":{"id":1,"name":"Administrator","username":"root"},"project":{"path_with_namespace":"group/app","web_url":"https://gitlab.example/group/app"}`
	return []conversion{
		{name: "ping", service: gh, event: "ping", body: `{"zen":"Keep it logically awesome.","hook_id":1,"hook":{"config":{"secret":"********"}},` + repo + `}`,
			text: "ping: Keep it logically awesome.", conversation: "octo/hello", title: "octo/hello", from: "octocat", who: "583231"},
		{name: "push", service: gh, event: "push", body: `{"ref":"refs/heads/main","commits":[{"message":"zero"},{"message":"one\n\nbody"},{"message":"two"},{"message":"three"}],"compare":"https://github.com/octo/hello/compare/a...b","pusher":{"name":"octocat"},"head_commit":{"timestamp":"2026-01-02T03:04:05+01:00"},` + repo + `}`,
			text: "push to main by octocat: 4 commits\n· one\n· two\n· three\nhttps://github.com/octo/hello/compare/a...b", at: "2026-01-02T02:04:05Z"},
		{name: "forced push of one", service: gh, event: "push", body: `{"ref":"refs/heads/main","forced":true,"commits":[{"message":"one"}],` + repo + `}`, text: "forced push to main by octocat: 1 commit\n· one"},
		{name: "tag", service: gh, event: "push", body: `{"ref":"refs/tags/v1","commits":[],` + repo + `}`, text: "push to tag v1 by octocat"},
		{name: "branch deleted", service: gh, event: "push", body: `{"ref":"refs/heads/old","deleted":true,` + repo + `}`, text: "old deleted by octocat"},
		{name: "issue", service: gh, event: "issues", body: `{"action":"opened","issue":{"number":12,"title":"It breaks","html_url":"https://github.com/octo/hello/issues/12","updated_at":"2026-01-02T03:04:05Z"},` + repo + `}`,
			text: "issue #12 opened by octocat: It breaks\nhttps://github.com/octo/hello/issues/12", at: "2026-01-02T03:04:05Z"},
		{name: "comment", service: gh, event: "issue_comment", body: `{"action":"created","issue":{"number":12,"title":"It breaks"},"comment":{"body":"Here too.\nOften.","html_url":"https://x"},` + repo + `}`,
			text: "comment on issue #12 by octocat: It breaks\nHere too.\nOften.\nhttps://x"},
		{name: "comment deleted", service: gh, event: "issue_comment", body: `{"action":"deleted","issue":{"number":12,"pull_request":{}},"comment":{"body":"Here too."},` + repo + `}`, text: "comment on pull request #12 deleted by octocat\nHere too."},
		{name: "merged", service: gh, event: "pull_request", body: `{"action":"closed","pull_request":{"number":3,"title":"Mend it","merged":true},` + repo + `}`, text: "pull request #3 merged by octocat: Mend it"},
		{name: "closed", service: gh, event: "pull_request", body: `{"action":"closed","pull_request":{"number":3,"title":"Mend it","merged":false},` + repo + `}`, text: "pull request #3 closed by octocat: Mend it"},
		{name: "ready", service: gh, event: "pull_request", body: `{"action":"ready_for_review","pull_request":{"number":3,"title":"Mend it"},` + repo + `}`, text: "pull request #3 ready for review by octocat: Mend it"},
		{name: "review", service: gh, event: "pull_request_review", body: `{"action":"submitted","pull_request":{"number":3,"title":"Mend it"},"review":{"state":"changes_requested","body":"No."},` + repo + `}`,
			text: "review of pull request #3 submitted, changes requested by octocat: Mend it\nNo."},
		{name: "release", service: gh, event: "release", body: `{"action":"published","release":{"tag_name":"v1.0","name":"The first","html_url":"https://x"},` + repo + `}`, text: "release v1.0 published by octocat: The first\nhttps://x"},
		{name: "workflow", service: gh, event: "workflow_run", body: `{"action":"completed","workflow_run":{"name":"CI","conclusion":"timed_out","head_branch":"main","html_url":"https://x"},` + repo + `}`, text: "workflow CI completed: timed out on main\nhttps://x"},
		{name: "check", service: gh, event: "check_run", body: `{"action":"completed","check_run":{"name":"lint","conclusion":"success"},` + repo + `}`, text: "check run lint completed: success"},
		{name: "star", service: gh, event: "star", body: `{"action":"created","starred_at":"2026-01-02T03:04:05Z",` + repo + `}`, text: "starred by octocat", at: "2026-01-02T03:04:05Z"},
		{name: "star gone", service: gh, event: "star", body: `{"action":"deleted",` + repo + `}`, text: "star taken back by octocat"},
		{name: "branch made", service: gh, event: "create", body: `{"ref":"topic","ref_type":"branch",` + repo + `}`, text: "branch topic created by octocat"},
		{name: "fork", service: gh, event: "fork", body: `{"forkee":{"full_name":"you/hello","html_url":"https://x"},` + repo + `}`, text: "forked by octocat to you/hello\nhttps://x"},
		{name: "organization", service: gh, event: "member_added", body: `{"action":"added","organization":{"login":"octo"},"sender":{"login":"a[bot]","id":5,"type":"Bot"}}`, conversation: "octo", from: "a[bot]"},
		{name: "not known", service: gh, event: "deploy_key", body: `{"action":"created","key":{"id":1}}`, text: `deploy key created` + "\n" + `{"action":"created","key":{"id":1}}`, conversation: "webhook", from: "GitHub", who: "github"},
		{name: "no event named", service: gh, body: `{"a":1}`, text: "an event\n{\"a\":1}"},
		{name: "as a form", service: gh, event: "ping", body: `payload=%7B%22zen%22%3A%22Z%22%7D`, text: "ping: Z"},

		{name: "push", service: gl, body: `{"object_kind":"push","ref":"refs/heads/main","after":"da15","user_id":4,"user_username":"jsmith","user_name":"John Smith","total_commits_count":4,"commits":[{"message":"a"},{"message":"b\nc"}],"project":{"path_with_namespace":"group/app","web_url":"https://gitlab.example/group/app"}}`,
			text: "push to main by jsmith: 4 commits\n· a\n· b\nhttps://gitlab.example/group/app", conversation: "group/app", who: "4", from: "jsmith"},
		{name: "branch deleted", service: gl, body: `{"object_kind":"push","ref":"refs/heads/old","after":"0000000000000000000000000000000000000000","user_username":"jsmith","user_id":4}`, text: "old deleted by jsmith"},
		{name: "issue", service: gl, body: `{"object_kind":"issue","object_attributes":{"iid":23,"title":"New","action":"open","url":"https://x","updated_at":"2026-01-02 03:04:05 UTC"},` + project + `}`, text: "issue #23 opened by root: New\nhttps://x", who: "1", at: "2026-01-02T03:04:05Z"},
		{name: "merge request", service: gl, body: `{"object_kind":"merge_request","object_attributes":{"iid":1,"title":"MS","action":"approved"},` + project + `}`, text: "merge request !1 approved by root: MS"},
		{name: "merged", service: gl, body: `{"object_kind":"merge_request","object_attributes":{"iid":1,"title":"MS","action":"merge"},` + project + `}`, text: "merge request !1 merged by root: MS"},
		{name: "note", service: gl, body: `{"object_kind":"note","object_attributes":{"noteable_type":"MergeRequest","note":"Well done."},"merge_request":{"iid":7,"title":"T"},` + project + `}`, text: "comment on merge request !7 by root: T\nWell done."},
		{name: "note on a commit", service: gl, body: `{"object_kind":"note","object_attributes":{"noteable_type":"Commit","note":"Hm."},` + project + `}`, text: "comment on commit by root\nHm."},
		{name: "pipeline", service: gl, body: `{"object_kind":"pipeline","object_attributes":{"id":31,"status":"failed","ref":"main"},` + project + `}`, text: "pipeline 31: failed on main"},
		{name: "release", service: gl, body: `{"object_kind":"release","action":"create","tag":"v1","name":"First","url":"https://x"}`, text: "release v1 created: First\nhttps://x"},
		{name: "not known", service: gl, body: `{"object_kind":"emoji","a":1}`, text: "emoji\n{\"object_kind\":\"emoji\",\"a\":1}", conversation: "webhook"},
		{name: "GitLab with a signing token", service: std, body: `{"object_kind":"pipeline","object_attributes":{"id":31,"status":"failed","ref":"main"},` + project + `}`, text: "pipeline 31: failed on main", conversation: "group/app"},

		{name: "paid", service: st, body: `{"id":"evt_1","type":"payment_intent.succeeded","created":1767322800,"livemode":true,"account":"acct_1","data":{"object":{"id":"pi_1","object":"payment_intent","amount":2005,"currency":"eur","status":"succeeded","receipt_email":"ada@example.org"}}}`,
			text: "payment_intent.succeeded: 20.05 EUR\npayment intent pi_1 is succeeded", conversation: "stripe acct_1 live mode", title: "Stripe, acct_1, live mode", from: "Stripe", at: "2026-01-02T03:00:00Z"},
		{name: "yen", service: st, body: `{"id":"evt_1","type":"charge.refunded","data":{"object":{"amount":500,"currency":"jpy"}}}`, text: "charge.refunded: 500 JPY", conversation: "stripe test mode"},
		{name: "little", service: st, body: `{"id":"evt_1","type":"x","data":{"object":{"amount":-5,"currency":"usd"}}}`, text: "x: -0.05 USD"},
		{name: "dinar", service: st, body: `{"id":"evt_1","type":"x","data":{"object":{"amount_due":12345,"currency":"kwd"}}}`, text: "x: 12.345 KWD"},
		{name: "no amount", service: st, body: `{"id":"evt_1","type":"customer.created","data":{"object":{"amount":"lots","currency":"usd","id":"cus_1","object":"customer"}}}`, text: "customer.created\ncustomer cus_1"},

		{name: "message", service: sl, body: `{"token":"verification-token","event_id":"Ev1","event_time":1767322800,"event":{"type":"message","user":"U1","text":"hello <@U2>","channel":"C1"}}`,
			text: "hello <@U2>", conversation: "slack C1", who: "U1", at: "2026-01-02T03:00:00Z"},
		{name: "reaction", service: sl, body: `{"event_id":"Ev1","event":{"type":"reaction_added","user":"U1","reaction":"tada","item":{"channel":"C1"}}}`, text: "reaction added: tada", conversation: "slack C1"},
		{name: "not known", service: sl, body: `{"token":"verification-token","event_id":"Ev1","event":{"type":"team_join","user":{"id":"U1"}}}`, text: "team join", conversation: "webhook"},
		{name: "button", service: sl, body: `payload=%7B%22token%22%3A%22verification-token%22%2C%22type%22%3A%22block_actions%22%2C%22user%22%3A%7B%22id%22%3A%22U1%22%2C%22username%22%3A%22ada%22%7D%2C%22channel%22%3A%7B%22id%22%3A%22C1%22%2C%22name%22%3A%22ops%22%7D%2C%22actions%22%3A%5B%7B%22text%22%3A%7B%22text%22%3A%22Yes%22%7D%7D%5D%7D`,
			text: "block actions: Yes", conversation: "slack C1", title: "ops", from: "ada", who: "U1"},
		{name: "command", service: sl, body: `token=verification-token&command=%2Fdeploy&text=now+please&user_id=U1&user_name=ada&channel_id=C1&channel_name=ops`, text: "/deploy now please", conversation: "slack C1", title: "ops", from: "ada", who: "U1"},
		{name: "form of something else", service: sl, body: `token=verification-token`, text: "a request that is not in the form of Slack's"},

		{name: "message", service: wx, body: `{"id":"W","name":"my hook","resource":"messages","event":"created","actorId":"Y2lzY29","data":{"id":"M","roomId":"ROOM12345678","personEmail":"ada@example.org","created":"2026-01-02T03:04:05.123Z"}}`,
			text: "message created by ada@example.org\nmy hook", conversation: "webex ROOM12345678", title: "Webex room …12345678", from: "ada@example.org", who: "Y2lzY29", at: "2026-01-02T03:04:05.123Z"},

		{name: "typed", service: std, body: `{"type":"contact.created","timestamp":"2026-01-02T03:04:05Z","data":{"id":"1f81"}}`, text: "contact.created\n{\"id\":\"1f81\"}", conversation: "webhook", title: "Standard Webhooks", at: "2026-01-02T03:04:05Z"},
		{name: "typed, without data", service: std, body: `{"type":"t"}`, text: "t\n{\"type\":\"t\"}"},
		{name: "text", service: pl, body: `{"text":"Disk <b>full</b> on db1","time":1767322800}`, text: "Disk <b>full</b> on db1", title: "Webhook", from: "Webhook", at: "2026-01-02T03:00:00Z"},
		{name: "message with its type", service: pl, body: `{"type":"alert","title":"db1","message":"Disk full"}`, text: "alert: db1\nDisk full"},
		{name: "anything", service: pl, body: `{"b":1,"a":[1,2,{"c":"é😀"}]}`, text: `{"b":1,"a":[1,2,{"c":"é😀"}]}`},
		{name: "anything larger", service: pl, body: `{"a":"` + strings.Repeat("x", 120) + `","b":[1]}`, text: "{\n  \"a\": \"" + strings.Repeat("x", 120) + "\",\n  \"b\": [\n    1\n  ]\n}"},
		{name: "deep", service: pl, body: strings.Repeat("[", 100) + "1" + strings.Repeat("]", 100), text: strings.Repeat("[", 100) + "1" + strings.Repeat("]", 100)},
		{name: "a list", service: pl, body: `[1,2]`, text: `[1,2]`},
		{name: "a number", service: pl, body: `12`, text: `12`},
		{name: "no JSON", service: pl, body: "disk full\r\non db1", text: "disk full\non db1"},
		{name: "nothing", service: pl, body: " \n", text: "a request without a body"},
		{name: "no text", service: pl, body: "{\xff\xfe", text: "a request whose body is neither JSON nor text"},
		{name: "two values", service: pl, body: `{"text":"a"}{"text":"b"}`, text: `{"text":"a"}{"text":"b"}`},
		{name: "fields of other types", service: pl, body: `{"text":{"a":1},"time":"yesterday","type":[]}`, text: `{"text":{"a":1},"time":"yesterday","type":[]}`},
		{name: "a time of no clock", service: pl, body: `{"text":"a","time":1e300}`, text: "a", at: clock().UTC().Format(time.RFC3339)},
		{name: "direction", service: pl, body: `{"text":"pay \u202e001\u202c now\u0007 to \u2066x\u2069"}`, text: "pay 001 now  to x"},
		{name: "a name that turns", service: gh, event: "star", body: `{"action":"created","sender":{"login":"ad\u202ea\nroot","id":9},"repository":{"full_name":"a\u202e/b\u0000c"}}`, text: "starred by ada root", conversation: "a/b c", from: "ada root"},
	}
}

func TestConvert(t *testing.T) {
	for _, row := range conversions() {
		t.Run(string(row.service)+"/"+row.name, func(t *testing.T) {
			c := connect(t, account(row.service, secretOf(row.service), nil))
			h := webhooktest.Headers(row.service, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Event: row.event, Body: []byte(row.body)}, clock(), secretOf(row.service))
			ev := webhook.Convert(c, h, []byte(row.body), clock())
			for what, v := range map[string][2]string{
				"text": {ev.Text, row.text}, "conversation": {string(ev.Conversation.ID), row.conversation}, "title": {ev.Conversation.Title, row.title},
				"from": {ev.From.Name, row.from}, "who": {string(ev.From.ID), row.who}, "time": {ev.Time.UTC().Format(time.RFC3339Nano), row.at},
			} {
				if v[1] != "" && v[0] != v[1] {
					t.Errorf("%s: %q, want %q", what, v[0], v[1])
				}
			}
			if strings.Contains(fmt.Sprint(ev), "verification-token") {
				t.Error("a token is shown")
			}
			plausible(t, ev)
		})
	}
}

// plausible is what holds for every event, whatever was sent.
func plausible(t *testing.T, ev platforms.Event) {
	t.Helper()
	if ev.Kind != platforms.MessageReceived || ev.ID == "" || ev.Message == "" || ev.Text == "" || ev.From.ID == "" || ev.From.Name == "" ||
		ev.Conversation.ID == "" || ev.Conversation.Title == "" || ev.Time.IsZero() || ev.Cursor != "" || (ev.Conversation.Kind == platforms.Direct) != ev.Mentioned {
		t.Errorf("%+v", ev)
	}
	if n := utf8.RuneCountInString(ev.Text); n > webhook.TextMost {
		t.Errorf("%d characters", n)
	}
	for _, s := range []string{string(ev.ID), string(ev.Message), string(ev.From.ID), ev.From.Name, string(ev.Conversation.ID), ev.Conversation.Title} {
		if len(s) > 2200 || strings.ContainsAny(s, "\x00\n\u202e\u2066") {
			t.Errorf("%.100q… is not fit to be shown", s)
		}
	}
	for _, s := range []string{ev.Text, ev.Conversation.Title, ev.From.Handle, ev.From.Name, string(ev.From.ID), string(ev.Conversation.ID), string(ev.ID)} {
		if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x1b\u202e\u2066") {
			t.Errorf("%.100q is not clean", s)
		}
	}
}

// TestLarge has bodies that are as large and as deep as may be.
func TestLarge(t *testing.T) {
	const most = platforms.DefaultBody
	fill := func(before, middle, after string) string {
		return before + strings.Repeat(middle, (most-len(before)-len(after))/len(middle)) + after
	}
	for name, body := range map[string]string{
		"deep": fill("", "[", ""), "deep and whole": strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000), "wide": fill("[", "[],", "1]"),
		"a long text": fill(`{"text":"`, "é😀 ", `"}`), "a long line": fill(`{"text":"`, "x", `"}`), "marks": fill(`{"text":"a`, "\u0301", `"}`), "newlines": fill(`{"text":"`, `\n`, `"}`),
		"many commits": fill(`{"object_kind":"push","commits":[`, `{"message":"m"},`, `{}]}`), "a long name": fill(`{"sender":{"id":1,"login":"`, "n", `"}}`),
		"invalid": fill("", "\xff", ""), "form": fill("payload=", "%5B", ""), "digits": fill(`{"time":`, "9", `}`), "a long number": fill(`{"id":`, "9", `,"type":"x"}`),
		"a long id": fill(`{"id":"`, "i", `"}`), "no JSON": fill("", "word ", ""), "fences": fill("", "```\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			for _, s := range services {
				c := connect(t, account(s, secretOf(s), nil))
				h := webhooktest.Headers(s, webhooktest.Form{}, webhooktest.Push{ID: "msg_1", Event: "push", Body: []byte(body)}, clock(), secretOf(s))
				plausible(t, webhook.Convert(c, h, []byte(body), clock()))
			}
		})
	}
}

// TestIdentity is about what counts as the same event: what is signed, as far as
// anything is.
func TestIdentity(t *testing.T) {
	id := func(settings map[string]string, s webhooktest.Service, push webhooktest.Push, at time.Time, change ...func(http.Header)) platforms.EventID {
		config := account(s, secretOf(s), nil)
		form := webhooktest.Form{}
		if settings != nil {
			config.Settings, form = settings, timedForm()
		}
		h := webhooktest.Headers(s, form, push, at, secretOf(s))
		for _, f := range change {
			f(h)
		}
		return webhook.Convert(connect(t, config), h, push.Body, at).ID
	}
	push := func(id, event, body string) webhooktest.Push {
		return webhooktest.Push{ID: id, Event: event, Body: []byte(body)}
	}
	set := func(name, value string) func(http.Header) { return func(h http.Header) { h.Set(name, value) } }
	later := clock().Add(time.Minute)
	pointer, header, zero := timedSettings(), timedSettings(), timedSettings()
	pointer["event"], header["event"], zero["event"] = "/list/1/a~1b", "X-Id", "/list/00"
	for name, row := range map[string]struct {
		a, b platforms.EventID
		same bool
	}{
		"GitHub: the delivery's id and the event's name are not signed": {id(nil, gh, push("1", "push", `{"a":1}`), clock()), id(nil, gh, push("2", "star", `{"a":1}`), later), true},
		"GitHub: another body":                                        {id(nil, gh, push("1", "push", `{"a":1}`), clock()), id(nil, gh, push("1", "push", `{"a":2}`), clock()), false},
		"GitLab: tried again":                                         {id(nil, gl, push("1", "", `{"a":1}`), clock()), id(nil, gl, push("1", "", `{"a":1}`), later), true},
		"GitLab: another key":                                         {id(nil, gl, push("1", "", `{"a":1}`), clock()), id(nil, gl, push("2", "", `{"a":1}`), clock()), false},
		"GitLab: set off by a webhook":                                {id(nil, gl, push("1", "", `{"a":1}`), clock(), set("Idempotency-Key", "")), id(nil, gl, push("1", "", `{"a":2}`), clock(), set("Idempotency-Key", "")), false},
		"GitLab: neither key nor UUID":                                {id(nil, gl, push("", "", `{"a":1}`), clock(), set("Idempotency-Key", "")), id(nil, gl, push("", "", `{"a":1}`), later, set("Idempotency-Key", "")), true},
		"Stripe: tried again":                                         {id(nil, st, push("", "", `{"id":"evt_1"}`), clock()), id(nil, st, push("", "", `{"id":"evt_1"}`), later), true},
		"Stripe: another event":                                       {id(nil, st, push("", "", `{"id":"evt_1"}`), clock()), id(nil, st, push("", "", `{"id":"evt_2"}`), clock()), false},
		"Stripe: no id":                                               {id(nil, st, push("", "", `{"a":"evt_1"}`), clock()), id(nil, st, push("", "", `{"a":"evt_2"}`), clock()), false},
		"Slack: tried again":                                          {id(nil, sl, push("", "", `{"event_id":"Ev1"}`), clock()), id(nil, sl, push("", "", `{"event_id":"Ev1","x":1}`), later), true},
		"Webex: created and deleted":                                  {id(nil, wx, push("", "", `{"id":"w","event":"created","data":{"id":"m"}}`), clock()), id(nil, wx, push("", "", `{"id":"w","event":"deleted","data":{"id":"m"}}`), clock()), false},
		"Webex: created twice":                                        {id(nil, wx, push("", "", `{"id":"w","event":"created","data":{"id":"m"}}`), clock()), id(nil, wx, push("", "", `{"id":"w","event":"created","data":{"id":"m"},"x":1}`), clock()), true},
		"Webex: updated twice":                                        {id(nil, wx, push("", "", `{"id":"w","event":"updated","data":{"id":"m"}}`), clock()), id(nil, wx, push("", "", `{"id":"w","event":"updated","data":{"id":"m","v":2}}`), clock()), false},
		"Standard: the id is signed":                                  {id(nil, std, push("m1", "", `{"a":1}`), clock()), id(nil, std, push("m1", "", `{"a":1}`), later), true},
		"Standard: another id":                                        {id(nil, std, push("m1", "", `{"a":1}`), clock()), id(nil, std, push("m2", "", `{"a":1}`), clock()), false},
		"another sender: equal requests":                              {id(nil, pl, push("1", "", `{"a":1}`), clock()), id(nil, pl, push("2", "", `{"a":1}`), later), true},
		"another sender: a time makes two":                            {id(timedSettings(), pl, push("", "", `{"a":1}`), clock()), id(timedSettings(), pl, push("", "", `{"a":1}`), later), false},
		"another sender: the time and the body don't mix":             {id(timedSettings(), pl, push("", "", `1{"a":1}`), clock()), id(timedSettings(), pl, push("", "", `{"a":1}`), clock()), false},
		"another sender: a pointer":                                   {id(pointer, pl, push("", "", `{"list":[0,{"a/b":"i"}]}`), clock()), id(pointer, pl, push("", "", `{"list":[1,{"a/b":"i"}]}`), later), true},
		"another sender: a pointer that leads nowhere":                {id(pointer, pl, push("", "", `{"list":[0]}`), clock()), id(pointer, pl, push("", "", `{"list":[1]}`), clock()), false},
		"another sender: a place with a zero before it leads nowhere": {id(zero, pl, push("", "", `{"list":["i"]}`), clock()), id(zero, pl, push("", "", `{"list":["i"]}`), later), false},
		"another sender: a header":                                    {id(header, pl, push("", "", `{"a":1}`), clock(), set("X-Id", "1")), id(header, pl, push("", "", `{"a":1}`), later, set("X-Id", "1")), true},
		"another sender: a header with another id":                    {id(header, pl, push("", "", `{"a":1}`), clock(), set("X-Id", "1")), id(header, pl, push("", "", `{"a":1}`), clock(), set("X-Id", "2")), false},
		"a body can't pass for an id":                                 {id(pointer, pl, push("", "", `{"list":[0,{"a/b":"x"}]}`), clock()), id(header, pl, push("", "", `{"a":1}`), clock(), set("X-Id", "x")), false},
	} {
		if (row.a == row.b) != row.same || row.a == "" {
			t.Errorf("%s: %q and %q", name, row.a, row.b)
		}
	}
}
