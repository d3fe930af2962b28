package routes

import (
	"net/textproto"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// given is what conditions see of an event. What is costly to get is got when it
// is first asked for.
type given struct {
	in Input

	read    bool // the body was
	json    any
	problem string // why it was not read

	sender, conversation map[string]any
	attachments          []any
}

// name is what a name stands for, or why that can't be told.
func (g *given) name(name string) (v any, problem string) {
	ev := &g.in.Event
	switch name {
	case "text":
		return ev.Text, ""
	case "mentioned":
		return ev.Mentioned, ""
	case "kind":
		return string(ev.Kind), ""
	case "role":
		return string(g.in.Role), ""
	case "sender":
		if g.sender == nil {
			g.sender = map[string]any{
				"id": string(ev.From.ID), "name": ev.From.Name, "handle": ev.From.Handle, "bot": ev.From.Bot,
			}
		}
		return g.sender, ""
	case "conversation":
		if g.conversation == nil {
			c := ev.Conversation
			g.conversation = map[string]any{"id": string(c.ID), "kind": string(c.Kind), "title": c.Title}
		}
		return g.conversation, ""
	case "thread":
		return string(ev.Thread), ""
	case "account":
		return string(g.in.Account), ""
	case "label":
		return g.in.Label, ""
	case "platform":
		return g.in.Platform, ""
	case "click":
		if ev.Click == nil {
			return "", ""
		}
		return ev.Click.Data, ""
	case "note":
		return ev.Note, ""
	case "attachments":
		return g.files(), ""
	case "method":
		if ev.Raw == nil {
			return "", ""
		}
		return bounded(ev.Raw.Method), ""
	case "json":
		if !g.read && ev.Raw != nil {
			g.json, g.problem = readBody(ev.Raw.Body)
		}
		g.read = true
		return g.json, g.problem
	}
	return nil, "there is no " + name + " here"
}

func (g *given) files() []any {
	if g.attachments == nil {
		all := g.in.Event.Attachments
		all = all[:min(len(all), attachmentsMost)]
		g.attachments = make([]any, len(all))
		for i, a := range all {
			g.attachments[i] = map[string]any{"name": bounded(a.Name), "type": bounded(a.MediaType), "size": float64(a.Size)}
		}
	}
	return g.attachments
}

// header is the first value of a request's header, "" for none.
func (g *given) header(name string) string {
	if g.in.Event.Raw == nil {
		return ""
	}
	if values := g.in.Event.Raw.Header[textproto.CanonicalMIMEHeaderKey(name)]; len(values) > 0 {
		return bounded(values[0])
	}
	return ""
}

// bounded is an input whose own texts are valid and of at most textMost bytes.
// What is in lists is bounded when it is read.
func (in Input) bounded() Input {
	ev := &in.Event
	if ev.Click != nil {
		ev.Click = &platforms.Click{Data: bounded(ev.Click.Data)}
	}
	in.Account, in.Label, in.Platform, in.Role = bounded(in.Account), bounded(in.Label), bounded(in.Platform), bounded(in.Role)
	ev.Kind, ev.Thread, ev.Text, ev.Note = bounded(ev.Kind), bounded(ev.Thread), bounded(ev.Text), bounded(ev.Note)
	ev.From.ID, ev.From.Name, ev.From.Handle = bounded(ev.From.ID), bounded(ev.From.Name), bounded(ev.From.Handle)
	c := &ev.Conversation
	c.ID, c.Kind, c.Title = bounded(c.ID), bounded(c.Kind), bounded(c.Title)
	return in
}

func bounded[S ~string](s S) S {
	if len(s) > textMost {
		n := textMost
		for n > textMost-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	if utf8.ValidString(string(s)) {
		return s
	}
	return S(strings.ToValidUTF8(string(s), "\ufffd"))
}
