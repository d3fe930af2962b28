package mattermost

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// A slash command is registered in each team of the bot, leads to an address of
// ours, and carries a token that the server made. What comes in is in slash.go.
// https://developers.mattermost.com/integrate/slash-commands/custom/

const (
	problemCommand = "command"         // it is missing, or leads elsewhere
	problemTaken   = "command_taken"   // somebody else's has the name
	problemFormer  = "command_former"  // one of ours that is not wanted any more
	problemRefused = "command_refused" // the bot may not look
	problemUnheard = "command_address" // there is no address for it

	// triggerMost is the server's bound of a trigger, in bytes.
	triggerMost = 128
	// teamsMost bounds the teams that are gone through.
	teamsMost = 100

	// commandMark tells a command of ours whose address is not ours any more from
	// those that another program registered with the same bot.
	commandMark = "Asks this bot. Registered by Postern."
)

// builtin are triggers of the server's own, which it does not give away.
// https://docs.mattermost.com/collaborate/run-slash-commands.html
var builtin = [...]string{
	"away", "code", "collapse", "dnd", "echo", "expand", "export", "exportlink", "groupmsg", "header", "help", "invite", "invite_people",
	"join", "kick", "leave", "logout", "marketplace", "me", "msg", "mute", "offline", "online", "open", "purpose", "remove", "rename",
	"search", "secure-connection", "settings", "share-channel", "shortcuts", "shrug", "status", "test",
}

// parseCommand cleans a trigger.
func parseCommand(s string) (string, error) {
	valid := utf8.ValidString(s)
	s = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(s), "/"))
	switch {
	case s == "":
		return "", nil
	case !valid || len(s) > triggerMost || strings.HasPrefix(s, "/") || strings.ContainsFunc(s, notTrigger):
		return "", errors.New("a command is one word of at most 128 characters, without spaces. Enter it like ask")
	case slices.Contains(builtin[:], s):
		return "", fmt.Errorf("/%s is a command of Mattermost's own. Choose another word", s)
	}
	return s, nil
}

func notTrigger(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// commands is the slash command of one account.
type commands struct {
	in      platforms.Ingress // nil where the server can't reach us
	trigger string            // empty: none is wanted
	path    string            // empty without a key
	pause   time.Duration     // the least between two looks for tokens
	stale   time.Duration     // the most

	due  chan struct{} // the tokens are to be looked up, after the pause
	anew chan struct{} // at once

	mu     sync.Mutex
	tokens []teamToken
	took   map[string]bool // trigger_ids; true once stored
}

// teamToken is what the server sends with the command of one team.
type teamToken struct {
	team  string
	token platforms.Secret
}

// The tokens are looked up once in lookEvery at most, so that a stranger who
// sends wrong ones has the server asked no more than that; and once in lookAgain
// at least, so that one which was renewed, because it leaked, ends here too.
const (
	lookEvery = time.Minute
	lookAgain = time.Hour
)

func newCommands(in platforms.Ingress, key platforms.Secret, trigger string) *commands {
	k := &commands{in: in, trigger: trigger, pause: lookEvery, stale: lookAgain, due: make(chan struct{}, 1), anew: make(chan struct{}, 1)}
	if !key.IsZero() {
		h := hmac.New(sha256.New, []byte(key.Reveal()))
		h.Write([]byte("command path"))
		k.path = "/" + hex.EncodeToString(h.Sum(nil))[:32] // nobody guesses it
	}
	return k
}

// address is where the server is to call.
func (k *commands) address() (string, error) {
	if k.in == nil || k.path == "" {
		return "", &platforms.Error{Kind: platforms.NotAcknowledged,
			Text: "Mattermost can't reach this computer, so /" + k.trigger + " does nothing. Set up a listener under Exposure, or clear the slash command."}
	}
	return k.in.Address(k.path)
}

// leadsHere reports whether x has our path, whatever stands before it, or the
// address that a relay has for us.
func (k *commands) leadsHere(x command) bool {
	if at, err := k.address(); err == nil && at != "" && x.URL == at {
		return true
	}
	u, err := url.Parse(x.URL)
	return err == nil && k.path != "" && strings.HasSuffix(u.Path, k.path)
}

// ours reports whether the bot's command x leads to this account, or did.
func (k *commands) ours(x command, me user) bool {
	return x.CreatorID == me.ID && (x.Description == commandMark || k.leadsHere(x))
}

func (c *connector) teams(ctx context.Context) ([]team, error) {
	var all []team
	err := c.api.call(ctx, callTime, http.MethodGet, "users/me/teams", nil, &all)
	all = slices.DeleteFunc(all, func(t team) bool { return !isID(t.ID) })
	return all[:min(len(all), teamsMost)], err
}

// commandsOf is the custom commands of a team that the bot may manage.
func (c *connector) commandsOf(ctx context.Context, t team) ([]command, error) {
	var all []command
	err := c.api.call(ctx, callTime, http.MethodGet, "commands?custom_only=true&team_id="+t.ID, nil, &all)
	return slices.DeleteFunc(all, func(x command) bool { return !isID(x.ID) }), err
}

func (t team) title() string {
	if name := text.Line(t.Name, 80); name != "" {
		return "“" + name + "”"
	}
	return "of the bot"
}

// checkCommands finds what is wrong with the slash command.
func (c *connector) checkCommands(ctx context.Context, id *platforms.Identity, me user, teams []team) error {
	k := c.commands
	note := func(code, words, fix string) {
		id.Problems = append(id.Problems, platforms.Problem{Code: code, Text: words, Fix: fix})
	}
	var want string
	if k.trigger != "" {
		var err error
		if want, err = k.address(); err != nil {
			note(problemUnheard, platforms.Explain(err), "")
		}
	}
	var absent, moved, taken, former []string
	names := map[string]bool{}
	told := false
	for _, t := range teams {
		all, err := c.commandsOf(ctx, t)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case platforms.KindOf(err) == platforms.Unauthorized:
			return err
		case err != nil && want != "" && !told:
			note(problemRefused, platforms.Explain(k.refused(err, t)), "")
			told = true // one such answer is enough
		}
		found := false
		for _, x := range all {
			switch {
			case k.trigger != "" && x.Trigger == k.trigger:
				found = true
				if x.CreatorID != me.ID {
					taken = append(taken, t.title())
				} else if x.URL != want || x.Method != "P" {
					moved = append(moved, t.title())
				}
			case k.ours(x, me):
				former = append(former, t.title())
				names["/"+text.Line(x.Trigger, triggerMost)] = true
			}
		}
		if !found && err == nil {
			absent = append(absent, t.title())
		}
	}
	switch {
	case want == "":
	case len(absent) > 0:
		note(problemCommand, fmt.Sprintf("The command /%s is not there yet in the team %s. Add it; for that the bot needs the permission to manage slash commands.", k.trigger, and(absent)), "Add /"+k.trigger)
	case len(moved) > 0:
		note(problemCommand, fmt.Sprintf("The command /%s leads to another address in the team %s, so it does not arrive here. Update it.", k.trigger, and(moved)), "Update /"+k.trigger)
	}
	if want != "" && len(taken) > 0 {
		note(problemTaken, platforms.Explain(k.taken(and(taken))), "")
	}
	if len(former) > 0 {
		which := and(sorted(names))
		note(problemFormer, fmt.Sprintf("The bot still has the command %s in the team %s, which is not used any more. Remove it, so that nobody waits for an answer.", which, and(former)), "Remove "+which)
	}
	return nil
}

func sorted(set map[string]bool) (all []string) {
	for s := range set {
		all = append(all, s)
	}
	slices.Sort(all)
	return all
}

// and is a list in words, the first few of it.
func and(all []string) string {
	const most = 3
	all = slices.Compact(all)
	switch n := len(all); {
	case n == 1:
		return all[0]
	case n <= most:
		return strings.Join(all[:n-1], ", ") + " and " + all[n-1]
	default:
		return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), n-most)
	}
}

// Fix is platforms.Fixer's.
func (c *connector) Fix(ctx context.Context, code string) error {
	k := c.commands
	if code != problemFormer && (code != problemCommand || k.trigger == "") {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "Only you can mend this. Follow what the problem says."}
	}
	me, err := c.me(ctx)
	if err != nil {
		return err
	}
	teams, err := c.teams(ctx)
	if err != nil {
		return err
	}
	if code == problemFormer {
		return each(ctx, teams, func(t team) error { return c.unregister(ctx, me, t) })
	}
	at, err := k.address()
	if err != nil {
		return err
	}
	err = each(ctx, teams, func(t team) error { return c.register(ctx, me, t, at) })
	wake(k.anew)
	return err
}

// each does f for every team, and gives the first error: one team that refuses
// costs the others nothing.
func each(ctx context.Context, teams []team, f func(team) error) error {
	var first error
	for _, t := range teams {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := f(t); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// register sees to it that a team has the command, with the address at.
func (c *connector) register(ctx context.Context, me user, t team, at string) error {
	k := c.commands
	all, err := c.commandsOf(ctx, t)
	if err != nil {
		return k.refused(err, t)
	}
	x := command{TeamID: t.ID, Trigger: k.trigger, Method: "P", URL: at, DisplayName: "Postern", Description: commandMark,
		AutoComplete: true, AutoDesc: "Ask the bot", AutoHint: "[what]"}
	for _, o := range all {
		switch {
		case o.Trigger != k.trigger:
			continue
		case o.CreatorID != me.ID:
			return k.taken(t.title())
		case o.URL == at && o.Method == "P":
			return nil
		}
		x.ID = o.ID
		return k.refused(c.api.call(ctx, callTime, http.MethodPut, "commands/"+o.ID, x, nil), t)
	}
	return k.refused(c.api.call(ctx, callTime, http.MethodPost, "commands", x, nil), t)
}

// unregister removes what is ours in a team and not wanted any more.
func (c *connector) unregister(ctx context.Context, me user, t team) error {
	k := c.commands
	all, err := c.commandsOf(ctx, t)
	if err != nil {
		return k.refused(err, t)
	}
	for _, x := range all {
		if x.Trigger == k.trigger || !k.ours(x, me) {
			continue
		}
		err := c.api.call(ctx, callTime, http.MethodDelete, "commands/"+x.ID, nil, nil)
		if r := refusalOf(err); r != nil && r.Status == http.StatusNotFound {
			continue // somebody was faster
		}
		if err != nil {
			return k.refused(err, t)
		}
	}
	return nil
}

func (k *commands) taken(teams string) error {
	return &platforms.Error{Kind: platforms.Rejected,
		Text: fmt.Sprintf("In the team %s there is another command /%s, which is not this bot's. Choose another word for the slash command.", teams, k.trigger)}
}

// refused is err with what to do where it is about slash commands.
func (k *commands) refused(err error, t team) error {
	r := refusalOf(err)
	if r == nil {
		return err
	}
	words := ""
	switch {
	case r.Status == http.StatusForbidden:
		words = fmt.Sprintf("The bot may not manage slash commands in the team %s. Ask a system administrator to allow it: in the System Console under Permissions, “Manage Own Slash Commands” among the integrations of all members; or to make the bot an administrator of the team.", t.title())
	case r.Status == http.StatusNotImplemented:
		words = "Slash commands are switched off on this server. Ask a system administrator to switch on “Enable Custom Slash Commands” in the System Console under Integration Management."
	case r.ID == "api.command.duplicate_trigger.app_error":
		return k.taken(t.title())
	default:
		return err
	}
	return &platforms.Error{Kind: platforms.Rejected, Text: words, Err: r}
}

// wake has whoever listens at c look, once.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
