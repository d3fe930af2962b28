package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of what is shown, in characters.
const (
	textMost  = 2000
	titleMost = 200
	nameMost  = 80
	dumpMost  = 500 // of an event's JSON, beside its name
)

// said is what a sender's own conversion found in a body.
type said struct {
	text    string
	subject string // what it is about: the conversation. Empty: there is one only
	title   string
	who     string // an id that does not change
	name    string
	bot     bool
	time    time.Time
}

// convert makes a message of a verified request. It never fails: what is not
// known is shown as it is, so that nothing that came is hidden.
func convert(s scheme, h http.Header, body []byte, now time.Time) platforms.Event {
	v, ok := parse(body)
	var it said
	switch {
	case !ok && s.sender == senderSlack:
		it = slackForm(body)
	case !ok:
		it = said{text: unreadable(body)}
	default:
		it = read(s.sender, v, text.Line(h.Get("X-Github-Event"), nameMost), body)
	}
	if it.text == "" {
		it.text = dump(body, textMost)
	}
	id := s.id(h, body, v)
	ev := platforms.Event{
		ID: platforms.EventID(id), Kind: platforms.MessageReceived, Message: platforms.MessageID(id), Time: it.time,
		Text: block(it.text, textMost),
		From: platforms.User{ID: platforms.UserID(s.sender), Name: senderTitle(s.sender), Bot: true},
	}
	if ev.Text == "" {
		ev.Text = "a request without readable text"
	}
	if ev.Time.IsZero() {
		ev.Time = now
	}
	if who := text.Line(it.who, nameMost); who != "" {
		ev.From = platforms.User{ID: platforms.UserID(who), Name: it.name, Handle: it.name, Bot: it.bot}
		if it.name == "" {
			ev.From.Name = who
		}
	}
	// Where there is nothing to tell conversations apart by, the sender talks to
	// us alone.
	ev.Conversation = platforms.Conversation{ID: "webhook", Kind: platforms.Direct, Title: senderTitle(s.sender)}
	ev.Mentioned = true
	if subject := text.Line(it.subject, titleMost); subject != "" {
		ev.Conversation = platforms.Conversation{ID: platforms.ConversationID(subject), Kind: platforms.Channel, Title: it.title}
		if it.title == "" {
			ev.Conversation.Title = subject
		}
		ev.Mentioned = false
	}
	return ev
}

// read is what a sender's body says.
func read(sender string, v value, event string, body []byte) said {
	switch sender {
	case senderGitHub:
		return github(v, event, body)
	case senderGitLab:
		return gitlab(v, body)
	case senderStripe:
		return stripeEvent(v)
	case senderSlack:
		return slack(v)
	case senderWebex:
		return webexEvent(v)
	case senderStandard: // GitLab's signing tokens follow it
		if v.get("object_kind").raw(40) != "" {
			return gitlab(v, body)
		}
	}
	return generic(v, body)
}

func senderTitle(sender string) string {
	for _, o := range senders() {
		if o.Value == sender && sender != senderPlain {
			title, _, _ := strings.Cut(o.Label, ",")
			return title
		}
	}
	return "Webhook"
}

// id is what an event is recognised by when it comes again. What is signed wins:
// by an id in an unsigned header, a request that somebody recorded would count
// anew as often as they change it.
func (s scheme) id(h http.Header, body []byte, v value) string {
	switch s.sender {
	case senderStandard: // the header is part of what is signed
		return "id:" + h.Get(headerStandardID)
	case senderStripe:
		if id := v.get("id").raw(idMost); id != "" {
			return "id:" + text.Line(id, idMost)
		}
	case senderSlack:
		if id := v.get("event_id").raw(idMost); id != "" {
			return "id:" + text.Line(id, idMost)
		}
	case senderWebex:
		// The body's id is the webhook's, and data.id the resource's: that a
		// resource was created or deleted happens once, that it was updated does not.
		event, id, of := v.get("event").raw(40), v.get("id").raw(idMost), v.get("data", "id").raw(idMost)
		if (event == "created" || event == "deleted") && id != "" && of != "" {
			return digest("webex", id, v.get("resource").raw(40), event, of)
		}
	case senderGitLab:
		// Nothing is signed, so nothing is lost by a header. The key stays the same
		// when GitLab tries again. X-Gitlab-Event-UUID is shared by the webhooks that
		// a webhook sets off, so it counts together with the body.
		if k := h.Get("Idempotency-Key"); k != "" && len(k) <= idMost {
			return digest("gitlab", k)
		}
		return digest("gitlab", h.Get("X-Gitlab-Event-Uuid"), string(body))
	case senderPlain:
		return s.plainID(h, body, v)
	}
	// GitHub signs the body only, neither X-GitHub-Delivery nor X-GitHub-Event. A
	// delivery that comes again has the same body; the bodies of two events differ
	// by their times, commits or ids.
	return digest("body", string(body))
}

func (s scheme) plainID(h http.Header, body []byte, v value) string {
	if strings.HasPrefix(s.event, "/") {
		if id := v.at(s.event).raw(idMost); id != "" {
			return "id:" + text.Line(id, idMost)
		}
	} else if s.event != "" {
		if id := h.Values(s.event); len(id) == 1 && id[0] != "" && len(id[0]) <= valueMost {
			return digest("header", id[0])
		}
	}
	if s.timed { // equal bodies at two times are two events
		return digest("body", h.Get(s.stamp), string(body))
	}
	return digest("body", string(body))
}

// digest is an id made of parts, of which none can pass for another.
func digest(parts ...string) string {
	b, _ := json.Marshal(parts[:len(parts)-1]) // strings can't fail
	sum := sha256.New()
	sum.Write(b)
	sum.Write([]byte(parts[len(parts)-1]))
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)[:20])
}

// unreadable is a body that is no JSON.
func unreadable(body []byte) string {
	if len(bytes.TrimSpace(body)) == 0 {
		return "a request without a body"
	}
	if !utf8.Valid(body) {
		return "a request whose body is neither JSON nor text"
	}
	return string(body[:min(len(body), 8*textMost)])
}

// dump is a body's JSON in at most most characters: in lines where it is small
// and flat, else compact. What is deep would grow by its indentation.
func dump(body []byte, most int) string {
	if bytes.HasPrefix(body, []byte("payload=")) {
		form, _ := url.ParseQuery(string(body))
		body = []byte(form.Get("payload"))
	}
	var b bytes.Buffer
	if json.Compact(&b, body) != nil {
		return ""
	}
	if b.Len() > 120 && b.Len() < 16<<10 && depth(b.Bytes()) <= 8 {
		compact := bytes.Clone(b.Bytes())
		b.Reset()
		_ = json.Indent(&b, compact, "", "  ") // it was valid a moment ago
	}
	return block(b.String(), most)
}

// depth is at least how deep JSON is nested.
func depth(b []byte) (most int) {
	at := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			at++
			most = max(most, at)
		case '}', ']':
			at--
		}
	}
	return most
}

// generic is any JSON. Many services have the words ready in a field of their
// own, as chats' incoming webhooks want them.
func generic(v value, body []byte) said {
	it := said{time: v.get("timestamp").time()}
	for _, name := range []string{"time", "created_at", "created"} {
		if it.time.IsZero() {
			it.time = v.get(name).time()
		}
	}
	kind := v.get("type").line(nameMost)
	if kind == "" {
		kind = v.get("event").line(nameMost)
	}
	for _, name := range []string{"text", "message", "content"} {
		if words := v.get(name).block(textMost); words != "" {
			it.text = join(": ", kind, join("\n", v.get("title").line(titleMost), words))
			return it
		}
	}
	var event struct{ Data json.RawMessage }
	if kind != "" && json.Unmarshal(body, &event) == nil && len(event.Data) > 0 {
		body = event.Data
	}
	it.text = lines(kind, dump(body, textMost-nameMost-1))
	return it
}

// other is an event of which nothing but its name is known here.
func other(event string, body []byte) string {
	if event == "" {
		event = "an event"
	}
	return lines(event, dump(body, dumpMost))
}

// lines puts together what there is, a line each.
func lines(parts ...string) string {
	return join("\n", parts...)
}

// join puts together what there is.
func join(between string, parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		if p == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString(between)
		}
		b.WriteString(p)
	}
	return b.String()
}

// before is p with what introduces it, or nothing.
func before(intro, p string) string {
	if p == "" {
		return ""
	}
	return intro + p
}
