package mattermost

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Where the server can reach us, buttons are the server's own: it calls an
// address with the context that we gave it. It signs nothing, so the context
// carries our signature, and what it does not cover is asked of the server.
// https://developers.mattermost.com/integrate/plugins/interactive-messages/

const (
	// buttonLife is how long a button works. It is shorter than the journal
	// remembers a click, so that none counts twice.
	buttonLife = 48 * time.Hour
	// pressMost bounds a request: an action's context is a small part of it.
	pressMost = 64 << 10
	// answerTime is how long a press waits for what to say about it.
	answerTime = time.Second
	// propKey is which message a post is.
	propKey = "postern_key"
)

// door is the callbacks of one account.
type door struct {
	in   platforms.Ingress
	key  platforms.Secret
	path string

	mu      sync.Mutex
	clicks  chan press             // of the Run under way
	answers map[string]chan string // who waits for words about a click
	used    map[string]bool
}

func newDoor(in platforms.Ingress, key platforms.Secret) *door {
	d := &door{in: in, key: key, answers: map[string]chan string{}}
	d.path = "/" + hex.EncodeToString(d.sign("path"))[:24] // nobody guesses it
	return d
}

// sign is the signature of parts, each told from its neighbours.
func (d *door) sign(parts ...string) []byte {
	h := hmac.New(sha256.New, []byte(d.key.Reveal()))
	for _, p := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(p)))
		_, _ = io.WriteString(h, p)
	}
	return h.Sum(nil)
}

// address is where the server is to call; it is empty where nothing is open.
func (d *door) address() string {
	if d == nil {
		return ""
	}
	public, err := d.in.Address(d.path)
	if err != nil {
		return ""
	}
	return public
}

// pass is the context of one action.
type pass struct {
	Message string `json:"message"`
	Channel string `json:"channel"`
	Number  string `json:"number"`
	Data    string `json:"data"`
	Expires string `json:"expires"`
	Mac     string `json:"mac"`
}

func (d *door) seal(p pass) string {
	return hex.EncodeToString(d.sign("action", p.Message, p.Channel, p.Number, p.Data, p.Expires))
}

// actions writes buttons as the server's own, a row an attachment. Those that
// open an address are lines of text.
func (d *door) actions(p *post, m platforms.Message, at string, now time.Time) (lines string) {
	sum := sha256.Sum256([]byte(m.Key))
	key := hex.EncodeToString(sum[:13])
	var rows []any
	n := 0
	for _, row := range m.Buttons {
		var actions []any
		for _, b := range row {
			if b.URL != "" {
				lines += "\n" + escape(text.Line(b.Label, 200)) + ": " + link(b.URL)
				continue
			}
			n++
			c := pass{Message: key, Channel: p.ChannelID, Number: fmt.Sprint(n), Data: b.Data, Expires: now.Add(buttonLife).UTC().Format(time.RFC3339)}
			c.Mac = d.seal(c)
			actions = append(actions, map[string]any{"id": fmt.Sprintf("b%d", n), "name": text.Line(b.Label, limits().Label), "type": "button",
				"integration": map[string]any{"url": at, "context": c}})
		}
		if len(actions) > 0 {
			rows = append(rows, map[string]any{"actions": actions})
		}
	}
	p.Props = map[string]any{"disable_mention_highlight": true, propKey: key}
	if rows != nil {
		p.Props["attachments"] = rows
	}
	return lines
}

// press is a click that waits to be stored.
type press struct {
	ev     platforms.Event
	stored chan error
}

// open serves callbacks until release; presses go to clicks. A refusal is no
// fault: buttons are numbers then.
func (d *door) open(c *connector, me user, clicks chan press) func() {
	if d == nil {
		return func() {}
	}
	_, release, err := d.in.Serve(platforms.Route{Path: d.path, Body: pressMost, Verify: d.verify,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { d.serve(w, r, c, me) })})
	if err != nil {
		return func() {}
	}
	d.mu.Lock()
	d.clicks = clicks
	d.mu.Unlock()
	return func() {
		d.mu.Lock()
		d.clicks = nil
		d.mu.Unlock()
		release()
	}
}

// pressed is what the server sends of a press.
type pressed struct {
	UserID    string `json:"user_id"`
	ChannelID string `json:"channel_id"`
	PostID    string `json:"post_id"`
	Context   pass   `json:"context"`
}

// verify is platforms.Route's: the action's context carries our own signature.
// A button that is too old still shows it; serve says so to whoever presses it.
func (d *door) verify(_ *http.Request, body []byte, _ time.Time) error {
	var got pressed
	if json.Unmarshal(body, &got) != nil || !isID(got.UserID) || !isID(got.PostID) {
		return platforms.ErrMalformed
	}
	if got.Context.Mac == "" {
		return platforms.ErrUnsigned
	}
	mac, _ := hex.DecodeString(got.Context.Mac)
	want, _ := hex.DecodeString(d.seal(got.Context))
	if !hmac.Equal(mac, want) {
		return platforms.ErrSignature
	}
	return nil
}

// serve takes one callback that bears our signature.
func (d *door) serve(w http.ResponseWriter, r *http.Request, c *connector, me user) {
	var got pressed
	if json.NewDecoder(r.Body).Decode(&got) != nil {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	if until, err := time.Parse(time.RFC3339, got.Context.Expires); err != nil || time.Now().After(until) {
		tell(w, "This button is too old. Ask again.")
		return
	}
	p, ok := c.post(ctx, got.PostID)
	member := c.api.call(ctx, callTime, http.MethodGet, "channels/"+got.Context.Channel+"/members/"+got.UserID, nil, nil)
	switch {
	case !ok || member != nil && platforms.KindOf(member) != platforms.Rejected:
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	case member != nil || p.UserID != me.ID || p.ChannelID != got.Context.Channel || got.ChannelID != p.ChannelID || p.Props[propKey] != got.Context.Message:
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	// One id for each who presses it, of whom the journal takes the first press:
	// somebody who may not use a button must not use it up.
	id := "action:" + got.Context.Message + ":" + got.Context.Number + ":" + got.UserID
	words, err := d.hand(ctx, id, platforms.Event{
		ID: platforms.EventID(id), Kind: platforms.ButtonClicked, Request: platforms.RequestOf(ctx), Time: time.Now().UTC(),
		Conversation: conversation(c.channel(ctx, p.ChannelID), me), Thread: platforms.ThreadID(p.RootID), Message: platforms.MessageID(p.ID),
		From: c.user(ctx, got.UserID).who(), Mentioned: true,
		Click: &platforms.Click{Data: got.Context.Data, Token: platforms.ReplyToken(id)},
	})
	if err != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	tell(w, words)
}

func tell(w http.ResponseWriter, words string) {
	w.Header().Set("Content-Type", "application/json")
	out := map[string]string{}
	if words != "" {
		out["ephemeral_text"] = words
	}
	_ = json.NewEncoder(w).Encode(out)
}

// hand has Run store ev, and gives what is to be said about it.
func (d *door) hand(ctx context.Context, id string, ev platforms.Event) (string, error) {
	d.mu.Lock()
	clicks := d.clicks
	if d.used[id] {
		d.mu.Unlock()
		return "This button was pressed already.", nil
	}
	words := make(chan string, 1)
	d.answers[id] = words
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.answers, id)
		d.mu.Unlock()
	}()
	p := press{ev, make(chan error, 1)}
	if clicks == nil {
		return "", errEnded
	}
	select {
	case clicks <- p:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	select {
	case err := <-p.stored:
		if err != nil {
			return "", err
		}
	case <-ctx.Done():
		return "", ctx.Err()
	}
	d.mu.Lock()
	keep(&d.used, id, true)
	d.mu.Unlock()
	wait := time.NewTimer(answerTime)
	defer wait.Stop()
	select {
	case s := <-words:
		return s, nil
	case <-wait.C:
	case <-ctx.Done():
	}
	return "", nil
}

// withDoor is a connector that the server can call.
type withDoor struct{ *connector }

var _ platforms.Clicker = withDoor{}

// Clicked is platforms.Clicker's. After a second the server has its answer, and
// words come too late.
func (c withDoor) Clicked(_ context.Context, t platforms.ReplyToken, words string) error {
	c.door.mu.Lock()
	defer c.door.mu.Unlock()
	if waiting := c.door.answers[string(t)]; waiting != nil {
		select {
		case waiting <- escape(words):
		default:
		}
	}
	return nil
}
