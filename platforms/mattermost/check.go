package mattermost

import (
	"context"
	"net/http"
	"strings"

	"github.com/postern/postern/platforms"
)

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	me, err := c.me(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	id := platforms.Identity{ID: platforms.UserID(me.ID), Name: me.name(), Handle: "@" + me.Username}
	if !me.Bot {
		id.Problems = append(id.Problems, platforms.Problem{Code: "person",
			Text: "This token is a person's, so what that person writes elsewhere counts as the bot's own. Create a bot account, and use its token."})
	}
	teams, err := c.teams(ctx)
	if err != nil {
		return id, err
	}
	if len(teams) == 0 {
		id.Problems = append(id.Problems, platforms.Problem{Code: "team", Bad: true,
			Text: "The bot is in no team, so nobody can write to it. Invite it: in the team's menu, Invite People, then its name."})
	} else if isID(teams[0].Name) {
		id.Link = c.api.server + "/" + teams[0].Name + "/messages/@" + me.Username
	}
	var config map[string]any
	if c.api.call(ctx, callTime, http.MethodGet, "config/client?format=old", nil, &config) == nil {
		if v, ok := config["Version"].(string); ok && ancient(v) {
			id.Problems = append(id.Problems, platforms.Problem{Code: "version",
				Text: "The server is older than version 6, which this program was made for. Some things may not work; ask its administrator for an update."})
		}
	}
	return id, c.checkCommands(ctx, &id, me, teams)
}

// ancient reports whether a version is below 6.
func ancient(v string) bool {
	major, _, _ := strings.Cut(v, ".")
	return len(major) == 1 && major[0] >= '1' && major[0] < '6'
}
