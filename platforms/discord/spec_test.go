package discord_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord/discordtest"
	"github.com/postern/postern/platforms/platformtest"
)

// specFile is Discord's own description of its REST interface, from
// https://github.com/discord/discord-api-spec. It is not part of the project.
const specFile = "../../../shared/specs/discord-openapi.json"

type schema struct {
	Ref        string `json:"$ref"`
	Type       any
	Properties map[string]*schema
	Required   []string
	Items      *schema
	OneOf      []*schema
	AnyOf      []*schema
	AllOf      []*schema
	Enum       []any
	MaxLength  *int
	MinLength  *int
	MaxItems   *int
	MinItems   *int
	Format     string
}

type spec struct {
	Paths map[string]map[string]json.RawMessage
	Parts struct {
		Schemas   map[string]*schema
		Responses map[string]struct{ Content content }
	} `json:"components"`
}

type content map[string]struct{ Schema *schema }

type operation struct {
	Parameters []struct{ Name, In string }
	Body       struct{ Content content } `json:"requestBody"`
	Responses  map[string]struct{ Content content }
}

func loadSpec(t *testing.T) spec {
	t.Helper()
	data, err := os.ReadFile(specFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here, so nothing is compared with the interface's description", specFile)
	}
	must(t, err)
	var s spec
	must(t, json.Unmarshal(data, &s))
	t.Logf("compared with %d paths, %d schemas", len(s.Paths), len(s.Parts.Schemas))
	return s
}

// find is the operation of a call's name.
func (sp spec) find(t *testing.T, name string) (operation, bool) {
	t.Helper()
	method, path, _ := strings.Cut(name, " ")
	want := strings.Split(path, "/")
	for p, methods := range sp.Paths {
		got := strings.Split(p, "/")
		if len(got) != len(want) {
			continue
		}
		fits := true
		for i := range got {
			fits = fits && (got[i] == want[i] || want[i] == ":" && strings.HasPrefix(got[i], "{"))
		}
		if raw, ok := methods[strings.ToLower(method)]; ok && fits {
			var op operation
			must(t, json.Unmarshal(raw, &op))
			return op, true
		}
	}
	return operation{}, false
}

// TestAgainstTheDescription does everything once, and compares what the
// connector sent and what the emulator answered with Discord's description.
func TestAgainstTheDescription(t *testing.T) {
	sp := loadSpec(t)
	s := newStage(t)
	everything(t, s)
	seen := map[string]int{}
	for _, call := range s.Calls("") {
		if call.Name == "GET /attachments/:" {
			continue
		}
		op, ok := sp.find(t, call.Name)
		if !ok {
			t.Errorf("the connector calls %s, which the description does not know", call.Name)
			continue
		}
		seen[call.Name]++
		for key := range call.Query {
			if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == key && p.In == "query" }) {
				t.Errorf("%s: the connector asks with %q, which the description does not know", call.Name, key)
			}
		}
		if len(call.Body) > 0 {
			var v any
			must(t, json.Unmarshal(call.Body, &v))
			for _, p := range sp.problems(call.Name, op.Body.Content["application/json"].Schema, v, true) {
				t.Errorf("sent: %s", p)
			}
		}
		r, known := op.Responses[fmt.Sprint(call.Status)]
		if !known {
			if call.Status != 0 {
				t.Errorf("%s: the emulator answers with status %d, which the description does not know", call.Name, call.Status)
			}
			continue
		}
		if body := r.Content["application/json"].Schema; body != nil && call.Answer != nil {
			var v any
			must(t, json.Unmarshal(call.Answer, &v))
			for _, p := range sp.problems(call.Name, body, v, false) {
				t.Errorf("answered: %s", p)
			}
		}
	}
	for _, name := range []string{"GET /gateway/bot", "GET /users/@me", "GET /oauth2/applications/@me", "PATCH /applications/@me", "POST /applications/:/commands",
		"POST /channels/:/messages", "PATCH /channels/:/messages/:", "GET /channels/:/messages", "GET /channels/:/messages/:", "POST /channels/:/typing",
		"POST /interactions/:/:/callback", "POST /webhooks/:/:", "PATCH /webhooks/:/:/messages/@original", "GET /users/@me/guilds", "GET /channels/:"} {
		if seen[name] == 0 {
			t.Errorf("%s was never called, so it was not compared", name)
		}
	}
}

// everything makes the emulator and the connector do all that they can.
func everything(t *testing.T, s *stage) {
	t.Helper()
	ctx := soon(t)
	s.SetContent(false)
	_, err := s.conn.Check(ctx)
	must(t, err)
	for _, code := range []string{"message_content", "interactions_endpoint", "command_ask"} {
		must(t, s.conn.(platforms.Fixer).Fix(ctx, code))
	}
	_, err = s.conn.Check(ctx)
	must(t, err)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	asked := s.Say(discordtest.Group, ada, "<@"+discordtest.Bot+"> go")
	buttons := [][]platforms.Button{{{Label: "Yes", Data: "y"}, {Label: "Why", URL: "https://example.org"}}}
	m := platforms.Message{Key: "1", Conversation: group, ReplyTo: platforms.MessageID(asked), Text: "? [Ada](mention:" + ada + ")", Format: platforms.Markdown, Buttons: buttons}
	id, err := s.conn.Send(ctx, m)
	must(t, err)
	m.Key, m.Files = "2", []platforms.File{file("a.txt", []byte("a"))}
	_, err = s.conn.Send(ctx, m)
	must(t, err)
	must(t, s.conn.(platforms.Editor).Edit(ctx, id, platforms.Message{Conversation: group, Text: "!"}))
	must(t, s.conn.(platforms.Typer).Typing(ctx, group, discordtest.Thread))
	if !s.Click(s.Sent()[1].ID, "Yes", ada) {
		t.Fatal("no button")
	}
	s.Command(discordtest.Group, ada, "ask", "text", "x")
	s.Post(discordtest.Said{Channel: discordtest.Direct, User: ada, Text: "file", Files: []discordtest.File{{Name: "b", MediaType: "text/plain", Data: []byte("b")}}})
	evs := rec.Wait(t, 4)
	must(t, s.WaitAcknowledged(ctx))
	for i, ev := range evs {
		switch {
		case ev.Click != nil:
			must(t, s.conn.(platforms.Clicker).Clicked(ctx, ev.Click.Token, "ok"))
		case ev.Reply != "":
			for n := range 2 {
				_, err = s.conn.Send(ctx, platforms.Message{Key: fmt.Sprint("r", i, n), Conversation: group, Reply: ev.Reply, Text: "answer"})
				must(t, err)
			}
		case len(ev.Attachments) > 0:
			r, err := s.conn.(platforms.Opener).Open(ctx, ev.Attachments[0])
			must(t, err)
			readAll(t, r)
		}
	}
	_ = stop()
	s.EndSessions()
	s.AddChannel(discordtest.Channel{ID: "1070000000000000010", Name: "new", Guild: discordtest.HomeID})
	s.Say(discordtest.Group, ada, "missed")
	_, stop = s.run(t, rec.Cursor(), &rec)
	rec.Wait(t, 5)
	_ = stop()
	other := newConnector(t, s.Server) // it knows no channel, and resumes
	var again platformtest.Recorder
	(&stage{Server: s.Server, conn: other}).run(t, rec.Cursor(), &again)
	s.Say(discordtest.Thread, ada, "in the thread")
	if ev := again.Wait(t, 1)[0]; ev.Conversation.ID != group || ev.Thread != discordtest.Thread || ev.Conversation.Title != "#engine-room" {
		t.Errorf("%+v", ev)
	}
}

// problems is why v is no value of the schema. With strict, fields that the
// schema does not know are problems too.
func (sp spec) problems(where string, s *schema, v any, strict bool) (out []string) {
	if s == nil {
		return nil
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return sp.problems(where, sp.Parts.Schemas[name], v, strict)
	}
	if choices := slices.Concat(s.OneOf, s.AnyOf); len(choices) > 0 && s.Properties == nil {
		best := []string{where + " is none of its kinds"}
		for i, c := range choices {
			p := sp.problems(where, c, v, strict)
			if len(p) == 0 {
				best = nil
				break
			}
			if i == 0 || len(p) < len(best) {
				best = p
			}
		}
		out = append(out, best...)
		if s.Type == nil {
			return out
		}
	}
	for _, part := range s.AllOf {
		out = append(out, sp.problems(where, part, v, false)...)
	}
	if s.Type != nil && !ofType(s.Type, v) {
		return append(out, fmt.Sprintf("%s is %T, not %v", where, v, s.Type))
	}
	if len(s.Enum) > 0 && v != nil && !slices.Contains(s.Enum, v) {
		out = append(out, fmt.Sprintf("%s is %v, not one of %v", where, v, s.Enum))
	}
	switch v := v.(type) {
	case string:
		if n := utf8.RuneCountInString(v); s.MaxLength != nil && n > *s.MaxLength || s.MinLength != nil && n < *s.MinLength {
			out = append(out, fmt.Sprintf("%s has %d characters", where, n))
		}
		if s.Format == "date-time" {
			if _, err := time.Parse(time.RFC3339, v); err != nil {
				out = append(out, fmt.Sprintf("%s is no time: %q", where, v))
			}
		}
	case []any:
		if s.MaxItems != nil && len(v) > *s.MaxItems || s.MinItems != nil && len(v) < *s.MinItems {
			out = append(out, fmt.Sprintf("%s has %d elements", where, len(v)))
		}
		for i, e := range v {
			out = append(out, sp.problems(fmt.Sprintf("%s[%d]", where, i), s.Items, e, strict)...)
		}
	case map[string]any:
		for key, e := range v {
			p, known := s.Properties[key]
			if !known && strict && len(s.Properties) > 0 {
				out = append(out, fmt.Sprintf("%s has %q, which is not known", where, key))
			}
			out = append(out, sp.problems(where+"."+key, p, e, strict)...)
		}
		for _, key := range s.Required {
			if _, ok := v[key]; !ok {
				out = append(out, where+" lacks "+key)
			}
		}
	}
	return out
}

func ofType(t, v any) bool {
	if list, ok := t.([]any); ok {
		return slices.ContainsFunc(list, func(one any) bool { return ofType(one, v) })
	}
	switch v := v.(type) {
	case nil:
		return t == "null"
	case bool:
		return t == "boolean"
	case string:
		return t == "string"
	case float64:
		return t == "number" || t == "integer" && v == float64(int64(v))
	case []any:
		return t == "array"
	}
	return t == "object"
}
