package mattermosttest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// This file is custom slash commands: registering them over REST, and having a
// person execute one.
// https://developers.mattermost.com/integrate/slash-commands/custom/

// Command is a custom slash command of a team.
type Command struct {
	ID           string `json:"id"`
	Token        string `json:"token"`
	CreateAt     int64  `json:"create_at"`
	UpdateAt     int64  `json:"update_at"`
	DeleteAt     int64  `json:"delete_at"`
	CreatorID    string `json:"creator_id"`
	TeamID       string `json:"team_id"`
	Trigger      string `json:"trigger"`
	Method       string `json:"method"`
	Username     string `json:"username"`
	IconURL      string `json:"icon_url"`
	AutoComplete bool   `json:"auto_complete"`
	AutoDesc     string `json:"auto_complete_desc"`
	AutoHint     string `json:"auto_complete_hint"`
	DisplayName  string `json:"display_name"`
	Description  string `json:"description"`
	URL          string `json:"url"`
}

// CommandRights is what the bot may do with slash commands.
type CommandRights int

// The rights.
const (
	OwnCommands    CommandRights = iota // its own ones
	OthersCommands                      // also those of others
	NoCommands                          // none: 403
	CommandsOff                         // the server has none: 501
)

// SetCommandRights sets what the bot may do.
func (s *Server) SetCommandRights(r CommandRights) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rights = r
}

// AddTeam makes a team known, with the bot in it.
func (s *Server) AddTeam(id, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.teams = append(s.teams, team{id, name})
}

// Leave takes somebody out of a channel.
func (s *Server) Leave(channel, user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.absent[channel+"/"+user] = true
}

// AddCommand registers a command, as somebody does in the server's own pages.
// It returns it with its id and token.
func (s *Server) AddCommand(c Command) Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *s.register(c)
}

// Commands is what is registered, oldest first.
func (s *Server) Commands() (all []Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		all = append(all, *c)
	}
	return all
}

// RenewCommandTokens gives every command a new token.
func (s *Server) RenewCommandTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.commands {
		c.Token = id()
	}
}

// register adds a command. The lock is held.
func (s *Server) register(c Command) *Command {
	c.ID, c.Token, c.CreateAt = id(), id(), s.now()
	c.UpdateAt = c.CreateAt
	s.commands = append(s.commands, &c)
	return &c
}

// builtin are some of the server's own triggers.
var builtin = []string{"away", "echo", "help", "join", "leave", "logout", "me", "msg", "shrug", "status"}

// commandCall is the part of the REST interface below commands.
func (s *Server) commandCall(r *http.Request, parts []string) (any, *refusal) {
	var given Command
	if r.Method == http.MethodPost || r.Method == http.MethodPut && len(parts) == 2 {
		if bad := decode(r, &given); bad != nil {
			return nil, bad
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	forbidden := refuse(403, "api.context.permissions.app_error", "You do not have the appropriate permissions.")
	switch s.rights {
	case NoCommands:
		return nil, forbidden
	case CommandsOff:
		return nil, refuse(501, "api.command.disabled.app_error", "Commands have been disabled by the system admin.")
	}
	if len(parts) == 1 {
		inTeam := given.TeamID
		if r.Method == http.MethodGet {
			inTeam = r.URL.Query().Get("team_id")
		}
		if !slices.ContainsFunc(s.teams, func(t team) bool { return t.ID == inTeam }) {
			return nil, forbidden
		}
		switch {
		case r.Method == http.MethodGet && r.URL.Query().Get("custom_only") == "true":
			out := []Command{}
			for _, c := range s.commands {
				if c.TeamID == inTeam && (c.CreatorID == Bot || s.rights == OthersCommands) {
					out = append(out, *c)
				}
			}
			return out, nil
		case r.Method == http.MethodPost:
			given.Trigger = strings.ToLower(given.Trigger)
			if bad := s.valid(given, ""); bad != nil {
				return nil, bad
			}
			given.CreatorID = Bot
			return *s.register(given), nil
		}
		return nil, refuse(404, "api.context.404.app_error", "Sorry, we could not find the page.")
	}
	i := slices.IndexFunc(s.commands, func(c *Command) bool { return c.ID == parts[1] })
	if i < 0 {
		return nil, refuse(404, "store.sql_command.get.missing.app_error", "Command does not exist.")
	}
	c := s.commands[i]
	if c.CreatorID != Bot && s.rights != OthersCommands {
		return nil, forbidden
	}
	switch {
	case r.Method == http.MethodGet && len(parts) == 2:
		return *c, nil
	case r.Method == http.MethodDelete && len(parts) == 2:
		s.commands = slices.Delete(s.commands, i, i+1)
		return map[string]string{"status": "OK"}, nil
	case r.Method == http.MethodPut && len(parts) == 3 && parts[2] == "regen_token":
		c.Token = id()
		return map[string]string{"token": c.Token}, nil
	case r.Method == http.MethodPut && len(parts) == 2:
		given.Trigger = strings.ToLower(given.Trigger)
		if given.ID != c.ID || given.TeamID != c.TeamID {
			return nil, refuse(400, "api.command.team_mismatch.app_error", "Unable to update commands across teams.")
		}
		if bad := s.valid(given, c.ID); bad != nil {
			return nil, bad
		}
		given.Token, given.CreateAt, given.CreatorID, given.UpdateAt = c.Token, c.CreateAt, c.CreatorID, s.now()
		*c = given
		return *c, nil
	}
	return nil, refuse(404, "api.context.404.app_error", "Sorry, we could not find the page.")
}

// valid checks a command, where except is its own id. The lock is held.
func (s *Server) valid(c Command, except string) *refusal {
	u, err := url.Parse(c.URL)
	switch {
	case c.Trigger == "" || len(c.Trigger) > 128 || strings.HasPrefix(c.Trigger, "/") || strings.Contains(c.Trigger, " "):
		return refuse(400, "model.command.is_valid.trigger.app_error", "Invalid trigger.")
	case err != nil || u.Host == "" || len(c.URL) > 1024 || u.Scheme != "http" && u.Scheme != "https":
		return refuse(400, "model.command.is_valid.url_http.app_error", "Invalid URL. Must be a valid URL and start with http:// or https://.")
	case c.Method != "P" && c.Method != "G":
		return refuse(400, "model.command.is_valid.method.app_error", "Invalid Method.")
	case len(c.DisplayName) > 64:
		return refuse(400, "model.command.is_valid.display_name.app_error", "Invalid title.")
	case len(c.Description) > 128:
		return refuse(400, "model.command.is_valid.description.app_error", "Invalid description.")
	case slices.Contains(builtin, c.Trigger) || slices.ContainsFunc(s.commands, func(o *Command) bool {
		return o.ID != except && o.TeamID == c.TeamID && o.Trigger == c.Trigger
	}):
		return refuse(400, "api.command.duplicate_trigger.app_error", "This trigger word is already in use. Please choose another word.")
	}
	return nil
}

// CommandAnswer is what a command was answered with.
type CommandAnswer struct {
	Status int    // of HTTP
	Type   string `json:"response_type"`
	Text   string `json:"text"`
}

// CommandForm is what the server sends when a person writes line, "/ask why"
// say, in a channel; and the command that it goes to.
func (s *Server) CommandForm(user, channel, line string) (Command, url.Values, error) {
	trigger, words, _ := strings.Cut(strings.TrimPrefix(line, "/"), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.channels[channel]
	if ch == nil {
		return Command{}, nil, fmt.Errorf("no channel %q", channel)
	}
	of := ch.TeamID
	if of == "" {
		of = Team // the one that the person looks at
	}
	for _, c := range s.commands {
		if c.Trigger != trigger || c.TeamID != of {
			continue
		}
		return *c, url.Values{
			"token": {c.Token}, "team_id": {of}, "team_domain": {"analytical"},
			"channel_id": {channel}, "channel_name": {ch.Name}, "user_id": {user}, "user_name": {s.users[user].Username},
			"command": {"/" + trigger}, "text": {strings.TrimSpace(words)}, "trigger_id": {id() + "=="},
			"response_url": {s.URL() + "/hooks/commands/" + id()},
		}, nil
	}
	return Command{}, nil, fmt.Errorf("no command %q in team %q", trigger, of)
}

// Execute has a person write a slash command in a channel: the server calls the
// command's address.
func (s *Server) Execute(ctx context.Context, user, channel, line string) (CommandAnswer, error) {
	c, form, err := s.CommandForm(user, channel, line)
	if err != nil {
		return CommandAnswer{}, err
	}
	return Call(ctx, c, form)
}

// Call calls a command's address with a form, as the server does.
func Call(ctx context.Context, c Command, form url.Values) (CommandAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // OutgoingIntegrationRequestsTimeout
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, strings.NewReader(form.Encode()))
	if err != nil {
		return CommandAnswer{}, err
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Authorization", "Token "+c.Token)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return CommandAnswer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	out := CommandAnswer{Status: resp.StatusCode}
	if err != nil || resp.StatusCode != http.StatusOK {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}
