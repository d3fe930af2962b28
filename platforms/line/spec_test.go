package line_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/ingresstest"
	"github.com/postern/postern/platforms/line/linetest"
	"github.com/postern/postern/platforms/platformtest"
)

// Descriptions of the interface that LINE publishes. They are not part of the
// project.
const (
	apiSpec     = "../../../shared/specs/line-messaging-api.yml"
	webhookSpec = "../../../shared/specs/line-webhook.yml"
)

type object = map[string]any

// spec is an OpenAPI description.
type spec struct{ doc object }

func loadSpec(t *testing.T, file string) spec {
	t.Helper()
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here, so nothing is compared with LINE's description", file)
	}
	must(t, err)
	var s spec
	must(t, yaml.Unmarshal(data, &s.doc))
	return s
}

// at follows keys into v.
func at(v any, keys ...string) any {
	for _, k := range keys {
		o, _ := v.(object)
		v = o[k]
	}
	return v
}

func list(v any) []any { l, _ := v.([]any); return l }

// resolve is a schema with its references followed and its parts put together.
func (s spec) resolve(v any) object {
	o, _ := v.(object)
	if ref, ok := o["$ref"].(string); ok {
		return s.resolve(at(s.doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
	}
	parts := list(o["allOf"])
	if parts == nil {
		return o
	}
	out := object{"properties": object{}, "required": []any{}}
	for _, p := range append(parts, object{"properties": o["properties"], "required": o["required"], "discriminator": o["discriminator"]}) {
		p := s.resolve(p)
		for k, v := range p {
			switch k {
			case "properties":
				props, _ := v.(object)
				for name, schema := range props {
					out["properties"].(object)[name] = schema
				}
			case "required":
				out["required"] = append(list(out["required"]), list(v)...)
			default:
				if v != nil {
					out[k] = v
				}
			}
		}
	}
	return out
}

// problems is why v is no value of a schema. Where a schema is one of several by
// its type, the type decides.
func (s spec) problems(where string, schema any, v any) (out []string) {
	o := s.resolve(schema)
	bad := func(format string, args ...any) { out = append(out, where+": "+fmt.Sprintf(format, args...)) }
	if mapping, ok := at(o, "discriminator", "mapping").(object); ok {
		name, _ := at(v, fmt.Sprint(at(o, "discriminator", "propertyName"))).(string)
		ref, known := mapping[name].(string)
		if !known {
			bad("there is no kind %q", name)
			return out
		}
		base := o
		if o = s.resolve(object{"$ref": ref}); o["properties"] == nil {
			o = base
		}
	}
	switch o["type"] {
	case "integer", "number":
		if _, ok := v.(float64); !ok {
			bad("%v is no number", v)
		} else if most, ok := o["maximum"].(int); ok && v.(float64) > float64(most) {
			bad("%v is above %d", v, most)
		}
		return out
	case "string":
		w, ok := v.(string)
		if !ok {
			bad("%v is no string", v)
		}
		if most, ok := o["maxLength"].(int); ok && len(w) > most {
			bad("%d bytes are above %d", len(w), most)
		}
		if p, ok := o["pattern"].(string); ok && !regexp.MustCompile(p).MatchString(w) {
			bad("%q does not match %s", w, p)
		}
		if kinds := list(o["enum"]); kinds != nil && !slices.Contains(kinds, v) {
			bad("%q is none of %v", w, kinds)
		}
		return out
	case "boolean":
		if _, ok := v.(bool); !ok {
			bad("%v is no truth value", v)
		}
		return out
	case "array":
		l, ok := v.([]any)
		if !ok {
			bad("%v is no array", v)
		}
		if most, ok := o["maxItems"].(int); ok && len(l) > most {
			bad("%d elements, at most %d", len(l), most)
		}
		for i, e := range l {
			out = append(out, s.problems(fmt.Sprintf("%s[%d]", where, i), o["items"], e)...)
		}
		return out
	}
	fields, ok := v.(object)
	if !ok {
		bad("%v is no object", v)
		return out
	}
	for _, r := range list(o["required"]) {
		if _, there := fields[r.(string)]; !there {
			bad("%v is missing", r)
		}
	}
	props, _ := o["properties"].(object)
	for name, value := range fields {
		p, known := props[name]
		if !known {
			if p, known = o["additionalProperties"]; !known {
				if name != "type" && len(props) > 0 {
					bad("there is no field %q", name)
				}
				continue
			}
		}
		out = append(out, s.problems(where+"."+name, p, value)...)
	}
	return out
}

// operation is the description of a call.
func (s spec) operation(method, path string) object {
	for template, methods := range s.doc["paths"].(object) {
		pattern := "^" + regexp.MustCompile(`\{[a-zA-Z]+\}`).ReplaceAllString(template, "[^/]+") + "$"
		if regexp.MustCompile(pattern).MatchString(path) {
			if op, ok := at(methods, strings.ToLower(method)).(object); ok {
				return op
			}
		}
	}
	return nil
}

// TestAgainstTheDescription does everything once, and compares what the
// connector sent and what the emulator answered with LINE's description.
func TestAgainstTheDescription(t *testing.T) {
	api := loadSpec(t, apiSpec)
	s := newStage(t)
	s.SetQuota(200, 190)
	everything(t, s)
	seen := map[string]int{}
	for _, c := range s.Calls() {
		op := api.operation(c.Method, c.Path)
		if op == nil {
			t.Errorf("%s %s is not described", c.Method, c.Path)
			continue
		}
		name := op["operationId"].(string)
		seen[name]++
		if schema := at(op, "requestBody", "content", "application/json", "schema"); schema != nil || c.Body != nil {
			var v any
			must(t, json.Unmarshal(c.Body, &v))
			for _, p := range api.problems(name, schema, v) {
				t.Errorf("sent: %s", p)
			}
		}
		schema := at(op, "responses", fmt.Sprint(c.Status), "content", "application/json", "schema")
		if c.Status >= 400 && schema == nil {
			schema = object{"$ref": "#/components/schemas/ErrorResponse"}
		}
		if schema == nil || c.Answer == nil {
			continue
		}
		var v any
		must(t, json.Unmarshal(c.Answer, &v))
		for _, p := range api.problems(name, schema, v) {
			t.Errorf("answered: %s", p)
		}
	}
	for _, want := range []string{"getBotInfo", "pushMessage", "replyMessage", "getProfile", "getGroupMemberProfile", "getGroupSummary", "getMessageQuota",
		"getMessageQuotaConsumption", "getWebhookEndpoint", "setWebhookEndpoint", "testWebhookEndpoint", "showLoadingAnimation", "getMessageContentTranscodingByMessageId"} {
		if seen[want] == 0 {
			t.Errorf("%s was not called: %v", want, seen)
		}
	}
}

func everything(t *testing.T, s *stage) {
	var rec platformtest.Recorder
	s.run(t, &rec)
	s.Say(linetest.Direct, linetest.Person, "a")
	s.Say(linetest.Group, linetest.Person, "b")
	video := s.Post(linetest.Said{Chat: linetest.Direct, User: linetest.Person, Kind: "video", File: &linetest.File{Name: "f", Data: []byte("x")}})
	s.Prepare(video, 1, false)
	evs := rec.Wait(t, 3)
	two := [][]platforms.Button{{{Label: "Yes", Data: "y"}, {Label: "Read", URL: "https://example.org"}}}
	s.send(t, platforms.Message{Key: "1", Text: "free", Reply: evs[0].Reply, ReplyTo: evs[0].Message})
	s.send(t, platforms.Message{Key: "2", Text: "bubble", Buttons: two})
	s.send(t, platforms.Message{Key: "2", Text: "bubble", Buttons: two}) // 409
	s.send(t, platforms.Message{Key: "3", Text: strings.Repeat("x", 2000), Buttons: two})
	s.send(t, platforms.Message{Key: "4", Conversation: linetest.Group, Format: platforms.Markdown, Text: "[Ada](mention:" + linetest.Person + ") {x}"})
	_, err := s.conn.Send(soon(t), platforms.Message{Key: "5", Conversation: linetest.Nowhere, Text: "x"})
	wants(t, err, platforms.Rejected, "no such chat")
	must(t, s.conn.(platforms.Typer).Typing(soon(t), linetest.Direct, ""))
	for _, code := range []string{"endpoint", "endpoint_untested"} {
		must(t, s.conn.(platforms.Fixer).Fix(soon(t), code))
	}
	_, err = s.conn.Check(soon(t))
	must(t, err)
	body, err := s.conn.(platforms.Opener).Open(soon(t), evs[2].Attachments[0])
	must(t, err)
	must(t, body.Close())
	for _, m := range s.Sent() {
		if len(m.Buttons) > 0 {
			s.Click(m.ID, "Yes", linetest.Person)
		}
	}
	rec.Wait(t, 5)
}

// TestWebhooksAgainstTheDescription compares what the emulator delivers, and what
// the tests of convert read, with LINE's description.
func TestWebhooksAgainstTheDescription(t *testing.T) {
	hooks := loadSpec(t, webhookSpec)
	event := object{"$ref": "#/components/schemas/Event"}
	for _, r := range events(t) {
		// Not described at the time, or not in the documentation's shape on purpose.
		if r.Name == "edited" || r.Name == "of a newer kind" || strings.HasPrefix(r.Name, "a strange") {
			continue
		}
		var v any
		must(t, json.Unmarshal(r.Event, &v))
		for _, p := range hooks.problems(r.Name, event, v) {
			t.Errorf("recorded: %s", p)
		}
	}
	s := newServer(t)
	in := ingresstest.New()
	s.Through(in, true)
	bodies := make(chan []byte, 20)
	_, release, err := in.Serve(platforms.Route{Path: "/x", Handler: keep(bodies), Verify: func(*http.Request, []byte, time.Time) error { return nil }})
	must(t, err)
	defer release()
	n := 0
	post := func(m linetest.Said) { m.Chat, m.User = linetest.Group, linetest.Person; s.Post(m); n++ }
	post(linetest.Said{Text: "hi @" + linetest.BotName, Mentions: []string{linetest.Bot}, Quotes: "1"})
	post(linetest.Said{Sticker: []string{"x"}})
	for _, kind := range []string{"image", "video", "audio", "file"} {
		post(linetest.Said{File: &linetest.File{Name: "f"}, Kind: kind})
	}
	post(linetest.Said{File: &linetest.File{Name: "f"}, Kind: "image", External: true})
	for range n {
		var v any
		must(t, json.Unmarshal(<-bodies, &v))
		for _, p := range hooks.problems("webhook", object{"$ref": "#/components/schemas/CallbackRequest"}, v) {
			t.Errorf("delivered: %s", p)
		}
	}
}

// keep is a handler that takes everything.
type keep chan []byte

func (k keep) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	k <- b
}
