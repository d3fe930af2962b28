package mattermost

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

// A command comes as a form, and proves by a token that the server sent it: in
// the header Authorization and in the form. The token is the server's own; whoever
// registered the command may read it there, so it is asked for when a Run begins,
// and kept in memory only.

const (
	// slashMost bounds a request: the longest text is 16383 runes of four bytes,
	// each percent-encoded, beside ids and names.
	slashMost = 256 << 10
	// triggerIDMost bounds a trigger_id, which is about 220 characters.
	triggerIDMost = 1024
)

// slash is an executed command.
type slash struct {
	token                   platforms.Secret
	team, channel, user, id string
	text                    string
}

// parseSlash reads the form of the command /trigger.
func parseSlash(body []byte, trigger string) (slash, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return slash{}, platforms.ErrMalformed
	}
	var got [7]string
	for i, key := range []string{"token", "team_id", "channel_id", "user_id", "trigger_id", "command", "text"} {
		if len(form[key]) != 1 {
			return slash{}, platforms.ErrMalformed
		}
		got[i] = form[key][0]
	}
	s := slash{token: platforms.NewSecret(got[0]), team: got[1], channel: got[2], user: got[3], id: got[4], text: strings.TrimSpace(got[6])}
	switch {
	case !isID(got[0]), !isID(s.team), !isID(s.channel), !isID(s.user), s.id == "", len(s.id) > triggerIDMost,
		strings.ContainsFunc(s.id, func(r rune) bool { return r <= ' ' || r > '~' }),
		got[5] != "/"+trigger, !utf8.ValidString(s.text), utf8.RuneCountInString(s.text) > limits().Text:
		return slash{}, platforms.ErrMalformed
	}
	return s, nil
}

// event is what the id of an event is made of. A trigger_id itself could open a
// dialog, so it is not stored.
func (s slash) event() platforms.EventID {
	sum := sha256.Sum256([]byte(s.id))
	return platforms.EventID("command:" + hex.EncodeToString(sum[:16]))
}

// same compares in constant time, whatever the lengths.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// team is the team whose command has a token, or empty.
func (k *commands) team(token string) (found string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, t := range k.tokens {
		if same(t.token.Reveal(), token) {
			found = t.team
		}
	}
	return found
}

// verify is platforms.Route's. A server with an OAuth connection for our address
// sends another header, and is refused: then there is no proof in it.
func (k *commands) verify(r *http.Request, body []byte, _ time.Time) error {
	auth := r.Header.Values("Authorization")
	if len(auth) == 0 {
		return platforms.ErrUnsigned
	}
	token, ok := strings.CutPrefix(auth[0], "Token ")
	types := r.Header.Values("Content-Type")
	if len(auth) != 1 || !ok || !isID(token) || len(types) != 1 || r.URL.RawQuery != "" {
		return platforms.ErrMalformed
	}
	if kind, _, err := mime.ParseMediaType(types[0]); err != nil || kind != "application/x-www-form-urlencoded" {
		return platforms.ErrMalformed
	}
	of := k.team(token)
	if of == "" {
		wake(k.due) // it may have been renewed at the server
		return platforms.ErrSignature
	}
	s, err := parseSlash(body, k.trigger)
	if err != nil {
		return err
	}
	if !same(s.token.Reveal(), token) || s.team != of {
		return platforms.ErrSignature
	}
	return nil
}

// learn asks the server for the tokens. Where it does not answer, those that
// were known stay.
func (c *connector) learn(ctx context.Context, me user) error {
	teams, err := c.teams(ctx)
	if err != nil {
		return err
	}
	var tokens []teamToken
	for _, t := range teams {
		all, err := c.commandsOf(ctx, t)
		if platforms.KindOf(err) == platforms.Rejected {
			continue // the bot may not; other teams may let it
		}
		if err != nil {
			return err
		}
		for _, x := range all {
			if x.Trigger == c.commands.trigger && x.CreatorID == me.ID && x.TeamID == t.ID && c.commands.leadsHere(x) && isID(x.Token) {
				tokens = append(tokens, teamToken{t.ID, platforms.NewSecret(x.Token)})
			}
		}
	}
	c.commands.mu.Lock()
	defer c.commands.mu.Unlock()
	c.commands.tokens = tokens
	return nil
}

func (k *commands) proven() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.tokens) > 0
}

// mind keeps the command's route open while there is a token to hold requests
// against, until ctx ends. Commands go to clicks.
func (c *connector) mind(ctx context.Context, me user, clicks chan<- press) {
	k := c.commands
	if k.in == nil || k.path == "" || k.trigger == "" {
		return
	}
	// Said at once, so that what the person is asked to agree to covers it.
	_, _ = k.in.Address(k.path)
	var release func()
	shut := func() {
		if release != nil {
			release()
			release = nil
		}
	}
	defer shut()
	route := platforms.Route{Path: k.path, Body: slashMost, Verify: k.verify,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.slash(ctx, w, r, me, clicks) })}
	for {
		if c.learn(ctx, me) != nil {
			wake(k.due)
		}
		if !k.proven() {
			shut()
		} else if release == nil {
			// A refusal is no fault: Check tells of it.
			if _, r, err := k.in.Serve(route); err == nil {
				release = r
			}
		}
		if !k.rest(ctx) {
			return
		}
	}
}

// rest waits until the tokens are to be looked up. It reports false once ctx has
// ended.
func (k *commands) rest(ctx context.Context) bool {
	pause, stale := time.NewTimer(k.pause), time.NewTimer(k.stale)
	defer pause.Stop()
	defer stale.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-k.anew:
		return true
	case <-pause.C:
	}
	select {
	case <-ctx.Done():
		return false
	case <-k.anew:
	case <-k.due:
	case <-stale.C:
	}
	return true
}

// slash takes one command that bears the server's token. running is the Run's.
// What the bot answers goes into the channel by Send: the form's response_url is
// from outside, and is never called.
func (c *connector) slash(running context.Context, w http.ResponseWriter, r *http.Request, me user, clicks chan<- press) {
	body, err := io.ReadAll(r.Body)
	s, bad := parseSlash(body, c.commands.trigger)
	if err != nil || bad != nil || s.user == me.ID {
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	defer context.AfterFunc(running, cancel)()
	if s.text == "" {
		whisper(w, "Write what you want to say behind /"+escape(c.commands.trigger)+".")
		return
	}
	here, err := c.member(ctx, s.channel, "me", me.ID)
	if err == nil && !here {
		whisper(w, "The bot is not in this channel, so it can't answer here. Add it, or write where it is.")
		return
	}
	member := false
	if err == nil {
		member, err = c.member(ctx, s.channel, s.user, s.user)
	}
	var ch channel
	if err == nil && member {
		err = c.api.call(ctx, callTime, http.MethodGet, "channels/"+s.channel, nil, &ch)
	}
	switch {
	case err != nil:
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	case !member || ch.ID != s.channel || ch.TeamID != "" && ch.TeamID != s.team:
		http.Error(w, "forbidden", http.StatusForbidden)
		return
	}
	c.know(ch)
	if c.takeSlash(ctx, s, ch, me, clicks) != nil {
		http.Error(w, "try again", http.StatusServiceUnavailable)
		return
	}
	whisper(w, "")
}

// member reports whether somebody is in a channel. as is the id that the server
// then tells.
func (c *connector) member(ctx context.Context, channel, who, as string) (bool, error) {
	var got struct {
		ChannelID string `json:"channel_id"`
		UserID    string `json:"user_id"`
	}
	err := c.api.call(ctx, callTime, http.MethodGet, "channels/"+channel+"/members/"+who, nil, &got)
	if platforms.KindOf(err) == platforms.Rejected && err != nil {
		return false, nil
	}
	return err == nil && got.ChannelID == channel && got.UserID == as, err
}

// takeSlash has Run store a command, once for each trigger_id.
func (c *connector) takeSlash(ctx context.Context, s slash, ch channel, me user, clicks chan<- press) error {
	k := c.commands
	ev := platforms.Event{ID: s.event(), Kind: platforms.MessageReceived, Request: platforms.RequestOf(ctx), Time: time.Now().UTC(),
		Conversation: conversation(ch, me), From: c.user(ctx, s.user).who(), Mentioned: true, Text: s.text, Note: "the command /" + k.trigger}
	if ev.Conversation.Kind == platforms.Direct && ev.Conversation.Title == "" {
		ev.Conversation.Title = ev.From.Name
	}
	id := string(ev.ID)
	k.mu.Lock()
	stored, known := k.took[id]
	if !known {
		keep(&k.took, id, false)
	}
	k.mu.Unlock()
	if known && stored {
		return nil
	}
	if known {
		return errEnded // another request with it is under way
	}
	err := store(ctx, ev, clicks)
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		delete(k.took, id)
	} else {
		keep(&k.took, id, true)
	}
	return err
}

// store has Run store ev.
func store(ctx context.Context, ev platforms.Event, clicks chan<- press) error {
	p := press{ev, make(chan error, 1)}
	select {
	case clicks <- p:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-p.stored:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whisper answers a command with words that only its writer sees; without words
// nothing is shown.
func whisper(w http.ResponseWriter, words string) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"response_type": "ephemeral", "text": words})
}
