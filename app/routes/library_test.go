package routes_test

import (
	"encoding/json"
	"net/textproto"
	"strings"
	"testing"

	"github.com/expr-lang/expr"

	"github.com/postern/postern/app/routes"
)

// environment is an input for the library's own evaluation.
func environment(in routes.Input) map[string]any {
	ev := in.Event
	var body any
	header, method, click := map[string][]string{}, "", ""
	if ev.Raw != nil {
		if json.Unmarshal(ev.Raw.Body, &body) != nil {
			body = nil
		}
		header, method = ev.Raw.Header, ev.Raw.Method
	}
	if ev.Click != nil {
		click = ev.Click.Data
	}
	files := []any{}
	for _, a := range ev.Attachments {
		files = append(files, map[string]any{"name": a.Name, "type": a.MediaType, "size": float64(a.Size)})
	}
	return map[string]any{
		"text": ev.Text, "mentioned": ev.Mentioned, "kind": string(ev.Kind), "role": string(in.Role), "thread": string(ev.Thread),
		"sender":       map[string]any{"id": string(ev.From.ID), "name": ev.From.Name, "handle": ev.From.Handle, "bot": ev.From.Bot},
		"conversation": map[string]any{"id": string(ev.Conversation.ID), "kind": string(ev.Conversation.Kind), "title": ev.Conversation.Title},
		"account":      string(in.Account), "label": in.Label, "platform": in.Platform, "note": ev.Note,
		"click": click, "attachments": files, "method": method, "json": body,
		"has": func(a, b any) bool {
			s, ok := a.(string)
			part, also := b.(string)
			return ok && also && strings.Contains(strings.ToLower(s), strings.ToLower(part))
		},
		"header": func(name string) string {
			if vs := header[textproto.CanonicalMIMEHeaderKey(name)]; len(vs) > 0 {
				return vs[0]
			}
			return ""
		},
	}
}

// TestAsTheLibrary compares with the library's own evaluation, wherever that does
// not fail: what its documentation says must hold here.
func TestAsTheLibrary(t *testing.T) {
	compared := 0
	for _, c := range conditions(t) {
		if strings.TrimSpace(c.when) == "" || strings.Contains(c.when, "string(") { // string(nil) is "<nil>" there
			continue
		}
		v, err := expr.Eval(c.when, environment(c.in))
		if err != nil {
			continue
		}
		theirs, ok := v.(bool)
		if !ok {
			continue
		}
		if c.want == fails {
			continue // we refuse to compare whole objects, and add to numbers only
		}
		compared++
		if theirs != (c.want == yes) {
			t.Errorf("%s: the library says %v, we want %v", c.when, theirs, c.want)
		}
	}
	if compared < 80 {
		t.Errorf("only %d were compared", compared)
	}
}
