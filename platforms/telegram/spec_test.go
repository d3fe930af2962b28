package telegram_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/platformtest"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// specFile is a machine-readable description of the Bot API, generated from its
// documentation. It is not part of the project.
const specFile = "../../../shared/specs/telegram-bot-api.json"

type spec struct {
	Version string
	Methods map[string]struct {
		Returns []string
		Fields  []specField
	}
	Types map[string]struct {
		Fields   []specField
		Subtypes []string
	}
}

type specField struct {
	Name     string
	Types    []string
	Required bool
}

func loadSpec(t *testing.T) spec {
	t.Helper()
	data, err := os.ReadFile(specFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not here, so nothing is compared with the Bot API's description", specFile)
	}
	must(t, err)
	var s spec
	must(t, json.Unmarshal(data, &s))
	t.Logf("compared with %s: %d methods, %d types", s.Version, len(s.Methods), len(s.Types))
	return s
}

// recorder passes requests on and keeps the answers.
type recorder struct {
	http.RoundTripper
	answers map[string][]json.RawMessage // results by method
}

func (r *recorder) RoundTrip(q *http.Request) (*http.Response, error) {
	resp, err := r.RoundTripper.RoundTrip(q)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var a struct{ Result json.RawMessage }
	if err == nil && json.Unmarshal(body, &a) == nil && a.Result != nil {
		method := q.URL.Path[strings.LastIndex(q.URL.Path, "/")+1:]
		r.answers[method] = append(r.answers[method], a.Result)
	}
	return resp, err
}

// TestAgainstTheDescription does everything once, and compares what the
// connector sent and what the emulator answered with the Bot API's description.
func TestAgainstTheDescription(t *testing.T) {
	sp := loadSpec(t)
	rec := &recorder{RoundTripper: &http.Transport{DisableKeepAlives: true}, answers: map[string][]json.RawMessage{}}
	s := newStageWith(t, &http.Client{Transport: rec})
	everything(t, s)

	for _, call := range s.Calls() {
		if call.Method == "file" {
			continue
		}
		m, ok := sp.Methods[call.Method]
		if !ok {
			t.Errorf("the connector calls %s, which the description does not know", call.Method)
			continue
		}
		given := slices.Clone(call.Files)
		for key, value := range call.Params {
			given = append(given, key)
			i := slices.IndexFunc(m.Fields, func(f specField) bool { return f.Name == key })
			if i < 0 {
				t.Errorf("%s: the connector sends %q, which the description does not know", call.Method, key)
				continue
			}
			sp.value(t, call.Method+"."+key, m.Fields[i].Types, parameter(value, m.Fields[i].Types))
		}
		for _, f := range m.Fields {
			if f.Required && !slices.Contains(given, f.Name) {
				t.Errorf("%s: the connector does not send %q, which is required", call.Method, f.Name)
			}
		}
	}
	for method, results := range rec.answers {
		if m, ok := sp.Methods[method]; ok {
			for _, raw := range results {
				sp.value(t, method+"()", m.Returns, decode(t, raw))
			}
		}
	}
	for _, method := range []string{"getUpdates", "sendMessage", "sendPhoto", "sendDocument", "editMessageText", "editMessageCaption",
		"getFile", "answerCallbackQuery", "sendChatAction", "getMe", "getWebhookInfo", "deleteWebhook"} {
		if len(rec.answers[method]) == 0 {
			t.Errorf("%s was never answered, so it was not compared", method)
		}
	}
}

// everything makes the emulator and the connector do all that they can.
func everything(t *testing.T, s *stage) {
	t.Helper()
	ctx := soon(t)
	_, err := s.conn.Check(ctx)
	must(t, err)
	must(t, s.conn.(platforms.Fixer).Fix(ctx, "webhook"))
	_, err = s.conn.(platforms.Prober).Probe(ctx, "")
	must(t, err)

	asked := s.Say(telegramtest.Group, telegramtest.Person, "@postern_test_bot /start")
	buttons := [][]platforms.Button{{{Label: "Yes", Data: "y"}, {Label: "Why", URL: "https://example.org"}}}
	m := platforms.Message{Conversation: group, Thread: "4000017", ReplyTo: platforms.MessageID(itoa(asked)), Text: "?", Buttons: buttons}
	id, err := s.conn.Send(ctx, m)
	must(t, err)
	sent := s.Sent()[0].ID
	doc, _ := file("a.txt", "text/plain", []byte("a"))
	png, _ := file("a.png", "image/png", picture(t, 20, 10))
	for _, f := range []platforms.File{doc, png} {
		m.Files = []platforms.File{f}
		_, err = s.conn.Send(ctx, m)
		must(t, err)
	}
	m.Files = nil
	s.Click(telegramtest.Group, sent, "Yes", telegramtest.Person)
	m.Text = "!"
	must(t, s.conn.(platforms.Editor).Edit(ctx, id, m))
	must(t, s.conn.(platforms.Editor).Edit(ctx, platforms.MessageID(itoa(s.Sent()[1].ID)), m)) // a caption
	must(t, s.conn.(platforms.Typer).Typing(ctx, group, "4000017"))

	s.Edit(telegramtest.Group, asked, "edited")
	s.Post(telegramtest.Said{Chat: telegramtest.Group, User: telegramtest.Person, Thread: telegramtest.Topic, Text: "in a topic"})
	s.Post(telegramtest.Said{Chat: telegramtest.Group, SenderChat: telegramtest.Group, ReplyTo: sent, Text: "anonymous"})
	s.Post(telegramtest.Said{Chat: telegramtest.Direct, User: telegramtest.Person, Forwarded: "Mary", Text: "forwarded"})
	s.Post(telegramtest.Said{Chat: telegramtest.Channel, Text: "post"})
	n := 0
	for _, kind := range []string{"photo", "document", "audio", "voice", "video", "animation"} {
		s.SendFile(telegramtest.Direct, telegramtest.Person, kind, "caption", telegramtest.File{Name: "f.bin", MediaType: "application/x-f", Data: []byte("f")})
		n++
	}
	s.Member(telegramtest.Direct, telegramtest.Person, "member", "kicked")
	s.Member(telegramtest.Basic, telegramtest.Person, "left", "member")
	s.Migrate(telegramtest.Basic)
	var rec platformtest.Recorder
	stop := s.run(t, "", &rec)
	must(t, s.WaitAcked(ctx))
	_ = stop()
	files := 0
	for _, ev := range rec.Events() {
		if ev.Click != nil {
			must(t, s.conn.(platforms.Clicker).Clicked(ctx, ev.Click.Token, "ok"))
		}
		for _, a := range ev.Attachments {
			files++
			r, err := s.conn.(platforms.Opener).Open(ctx, a)
			must(t, err)
			_ = r.Close()
		}
	}
	if files != n {
		t.Errorf("%d files arrived, want %d", files, n)
	}
}

func decode(t *testing.T, raw json.RawMessage) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	must(t, d.Decode(&v))
	return v
}

// parameter reads a parameter as the emulator keeps it: strings bare, the rest
// as JSON.
func parameter(s string, types []string) any {
	for _, t := range types {
		if t == "String" {
			if slices.Contains(types, "Integer") {
				break // chat_id: either
			}
			return s
		}
	}
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return s
	}
	return v
}

// value compares v with the types that it may have.
func (sp spec) value(t *testing.T, where string, types []string, v any) {
	t.Helper()
	var why []string
	for _, name := range types {
		problems := sp.problems(where, name, v)
		if len(problems) == 0 {
			return
		}
		why = append(why, problems...)
	}
	t.Errorf("%s", strings.Join(why, "\n\t"))
}

// problems is why v is no value of the named type.
func (sp spec) problems(where, name string, v any) (out []string) {
	if of, ok := strings.CutPrefix(name, "Array of "); ok {
		list, ok := v.([]any)
		if !ok {
			return []string{fmt.Sprintf("%s is no array", where)}
		}
		for i, e := range list {
			out = append(out, sp.problems(fmt.Sprintf("%s[%d]", where, i), of, e)...)
		}
		return out
	}
	switch name {
	case "Integer", "Float":
		if _, ok := v.(json.Number); ok {
			return nil
		}
		return []string{fmt.Sprintf("%s is %T, not a number", where, v)}
	case "String":
		if _, ok := v.(string); ok {
			return nil
		}
		return []string{fmt.Sprintf("%s is %T, not a string", where, v)}
	case "Boolean", "True":
		if _, ok := v.(bool); ok {
			return nil
		}
		return []string{fmt.Sprintf("%s is %T, not a truth value", where, v)}
	}
	typ, ok := sp.Types[name]
	if !ok {
		return []string{fmt.Sprintf("%s: unknown type %s", where, name)}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return []string{fmt.Sprintf("%s is %T, not a %s", where, v, name)}
	}
	if len(typ.Subtypes) > 0 {
		var all []string
		for _, sub := range typ.Subtypes {
			problems := sp.problems(where, sub, v)
			if len(problems) == 0 {
				return nil
			}
			all = append(all, problems...)
		}
		return []string{fmt.Sprintf("%s is none of the kinds of %s: %s", where, name, strings.Join(all, "; "))}
	}
	for key, value := range object {
		i := slices.IndexFunc(typ.Fields, func(f specField) bool { return f.Name == key })
		if i < 0 {
			out = append(out, fmt.Sprintf("%s.%s: %s has no such field", where, key, name))
			continue
		}
		var first []string
		for n, kind := range typ.Fields[i].Types {
			problems := sp.problems(where+"."+key, kind, value)
			if len(problems) == 0 {
				first = nil
				break
			}
			if n == 0 {
				first = problems
			}
		}
		out = append(out, first...)
	}
	for _, f := range typ.Fields {
		if _, ok := object[f.Name]; f.Required && !ok {
			out = append(out, fmt.Sprintf("%s lacks %s, which %s requires", where, f.Name, name))
		}
	}
	return out
}
