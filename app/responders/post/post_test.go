package post

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

// fakeOutbox keeps what is posted.
type fakeOutbox struct {
	places []app.Place
	posts  []platforms.Message
	echoes map[string]bool
	err    error
}

func (o *fakeOutbox) Place(to app.Place) (app.Place, error) { return to, o.err }
func (o *fakeOutbox) Echo(text string) bool                 { return o.echoes[text] }
func (o *fakeOutbox) Post(_ context.Context, _ app.Delivery, to app.Place, m platforms.Message) error {
	if o.err == nil {
		o.places, o.posts = append(o.places, to), append(o.posts, m)
	}
	return o.err
}

func newPoster(t *testing.T, o *fakeOutbox, settings ...string) *Poster {
	t.Helper()
	c := app.ResponderConfig{ID: "post-1", Settings: map[string]string{"to": "other/room 1/a"}, Outbox: o}
	for i := 0; i+1 < len(settings); i += 2 {
		c.Settings[settings[i]] = settings[i+1]
	}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func said(text string, change ...func(*app.Delivery)) app.Delivery {
	d := app.Delivery{Seq: 7, Account: "here", Label: "Mine", Event: platforms.Event{Kind: platforms.MessageReceived, Text: text,
		Time: time.Date(2026, 11, 21, 9, 5, 0, 0, time.UTC), From: platforms.User{ID: "u1", Name: "Ada", Handle: "@ada"},
		Conversation: platforms.Conversation{ID: "c", Title: "Build"}}}
	for _, f := range change {
		f(&d)
	}
	return d
}

// TestWords is what is posted, and what is not.
func TestWords(t *testing.T) {
	type ev = *app.Delivery
	bot := func(d ev) { d.Event.From.Bot = true }
	for name, c := range map[string]struct {
		d        app.Delivery
		settings []string
		want     string // empty: nothing
	}{
		"a message":         {d: said("hello"), want: "**Ada** in Build: hello"},
		"marks are text":    {d: said("*x* _y_ [a](b) <c> `d`"), want: "**Ada** in Build: \\*x\\* \\_y\\_ \\[a\\]\\(b\\) \\<c\\> \\`d\\`"},
		"two lines":         {d: said("one\ntwo"), want: "**Ada** in Build: one\ntwo"},
		"everybody":         {d: said("@everyone look"), want: "**Ada** in Build: @\u200beveryone look"},
		"a name with marks": {d: said("x", func(d ev) { d.Event.From.Name = "**A**\n@all" }), want: "**\\*\\*A\\*\\* @\u200ball** in Build: x"},
		"no name":           {d: said("x", func(d ev) { d.Event.From.Name = "" }), want: "**@ada** in Build: x"},
		"no name at all":    {d: said("x", func(d ev) { d.Event.From = platforms.User{} }), want: "**Somebody** in Build: x"},
		"no title":          {d: said("x", func(d ev) { d.Event.Conversation.Title = "" }), want: "**Ada** in Mine: x"},
		"a template of one's own": {d: said("x"), settings: []string{"template", "{{.time}} {{.handle}} ({{.account}}) *{{.text}}*{{if .none}}!{{end}}"},
			want: "2026\\-11\\-21 09:05 @ada (Mine) *x*"},
		"what a template puts is not read": {d: said("{{.who}}"), want: "**Ada** in Build: {{\\.who}}"},
		"files": {d: said("see", func(d ev) {
			d.Event.Attachments = []platforms.Attachment{{Name: "plan [v1].pdf", Size: 2_500_000}, {Size: 12}, {Name: "a.txt", Size: 9_999}}
		}), want: "**Ada** in Build: see\n\n📎 plan \\[v1\\]\\.pdf \\(2\\.5 MB\\)\n\n📎 a file \\(12 bytes\\)\n\n📎 a\\.txt \\(10\\.0 kB\\)"},
		"a file without words":       {d: said("", func(d ev) { d.Event.Attachments = []platforms.Attachment{{Name: "a.png"}} }), want: "**Ada** in Build:\n\n📎 a\\.png"},
		"what has no words":          {d: said("", func(d ev) { d.Event.Note = "location" }), want: "**Ada** in Build: \\[location\\]"},
		"a machine's request":        {d: said("built", func(d ev) { d.Event.From.Bot = true; d.Event.Raw = &platforms.Raw{} }), want: "**Ada** in Build: built"},
		"a bot, if asked for":        {d: said("x", bot), settings: []string{"bots", "copy"}, want: "**Ada** in Build: x"},
		"a person who says the same": {d: said("came back"), want: "**Ada** in Build: came back"},

		"a bot":                {d: said("x", bot)},
		"what we posted":       {d: said("came back", bot), settings: []string{"bots", "copy"}},
		"nothing":              {d: said(" ")},
		"an edit":              {d: said("x", func(d ev) { d.Event.Kind = platforms.MessageEdited })},
		"a click":              {d: said("x", func(d ev) { d.Event.Kind = platforms.ButtonClicked })},
		"the bot's own":        {d: said("x", func(d ev) { d.Event.Own = true })},
		"what is said there":   {d: said("x", func(d ev) { d.Account, d.Event.Conversation.ID = "other", "room 1/a" })},
		"somebody who came in": {d: said("x", func(d ev) { d.Event.Kind = platforms.MembershipChanged })},
	} {
		t.Run(name, func(t *testing.T) {
			o := &fakeOutbox{echoes: map[string]bool{"came back": true}}
			answers, err := newPoster(t, o, c.settings...).Respond(t.Context(), c.d)
			if err != nil || len(answers) > 0 {
				t.Fatalf("answers %v, %v", answers, err)
			}
			switch {
			case c.want == "" && len(o.posts) > 0:
				t.Errorf("posted %q", o.posts[0].Text)
			case c.want != "" && (len(o.posts) != 1 || o.posts[0].Text != c.want || o.posts[0].Format != platforms.Markdown):
				t.Errorf("posted %+v, want %q", o.posts, c.want)
			case c.want != "" && o.places[0] != (app.Place{Account: "other", Conversation: "room 1/a"}):
				t.Errorf("into %+v", o.places[0])
			}
		})
	}
}

func TestManyFiles(t *testing.T) {
	o := &fakeOutbox{}
	d := said("see")
	for i := range 40 {
		d.Event.Attachments = append(d.Event.Attachments, platforms.Attachment{Name: fmt.Sprint("f", i)})
	}
	if _, err := newPoster(t, o).Respond(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if got := o.posts[0].Text; strings.Count(got, "📎") != 10 || !strings.HasSuffix(got, "and 30 more files") {
		t.Errorf("posted %q", got)
	}
}

// TestFailuresPassOn: what the outbox says decides whether the event is tried
// again.
func TestFailuresPassOn(t *testing.T) {
	o := &fakeOutbox{err: &platforms.Error{Kind: platforms.Temporary, Text: "Later."}}
	p := newPoster(t, o)
	if _, err := p.Respond(t.Context(), said("x")); !errors.Is(err, o.err) {
		t.Errorf("%v", err)
	}
	if err := p.Check(); !errors.Is(err, o.err) {
		t.Errorf("Check: %v", err)
	}
}

func TestSettings(t *testing.T) {
	for s, ok := range map[string]bool{"chathook": true, "telegram/-100123": true, " a/b/c ": true, "": false, "/b": false, "a\nb": false, "a/\x00": false, strings.Repeat("a", 600): false} {
		_, err := New(app.ResponderConfig{ID: "post-1", Outbox: &fakeOutbox{}, Settings: map[string]string{"to": strings.TrimSpace(s)}})
		if (err == nil) != ok {
			t.Errorf("%q: %v", s, err)
		}
	}
	for s, ok := range map[string]bool{"": true, "{{.text}}": true, "{{if .who}}{{.who}}{{end}}": true, "{{.text": false, "{{template \"x\"}}": false, "{{printf \"%1000000d\" 1}}": false, strings.Repeat("x", 9000): false} {
		for _, f := range Kind().Fields {
			if f.Key == "template" {
				if _, err := f.Parse(s); (err == nil) != ok {
					t.Errorf("template %.40q: %v", s, err)
				}
			}
		}
		_, err := New(app.ResponderConfig{ID: "post-1", Outbox: &fakeOutbox{}, Settings: map[string]string{"to": "a", "template": s}})
		if (err == nil) != ok {
			t.Errorf("template %.40q: %v", s, err)
		}
	}
}
