package line

import (
	"context"
	"net/http"
	"time"

	"github.com/line/line-bot-sdk-go/v8/linebot/messaging_api"

	"github.com/postern/postern/platforms"
)

// name is a name that was asked for. It is empty where LINE gave none.
type name struct {
	words string
	until time.Time
}

// How long a name is good, and how long to go without one.
const (
	nameLife   = time.Hour
	noNameLife = 5 * time.Minute
)

// introduce puts names to people and groups, as far as they are known or LINE
// tells them before ctx ends.
func (c *connector) introduce(ctx context.Context, evs []platforms.Event) {
	for i := range evs {
		ev := &evs[i]
		where, who := string(ev.Conversation.ID), string(ev.From.ID)
		if who != "" {
			path := "/v2/bot/profile/" + who
			switch where[0] { // in shared chats also those are told who are no friends of the bot
			case 'C':
				path = "/v2/bot/group/" + where + "/member/" + who
			case 'R':
				path = "/v2/bot/room/" + where + "/member/" + who
			}
			ev.From.Name = c.name(ctx, path)
		}
		switch where[0] {
		case 'C':
			ev.Conversation.Title = c.name(ctx, "/v2/bot/group/"+where+"/summary")
		case 'U':
			ev.Conversation.Title = ev.From.Name
		}
	}
}

// name asks for a person's or a group's name.
func (c *connector) name(ctx context.Context, path string) string {
	now := c.now()
	known, ok := c.names.get(path)
	if ok && now.Before(known.until) || ctx.Err() != nil {
		return known.words
	}
	var got struct {
		messaging_api.UserProfileResponse
		GroupName string `json:"groupName"`
	}
	err := c.api.do(ctx, call{method: http.MethodGet, path: path}, &got)
	switch {
	case err == nil:
		known = name{got.DisplayName + got.GroupName, now.Add(nameLife)}
	case gone(err): // they left, or blocked the bot
		known.until = now.Add(noNameLife)
	default: // the old one is better than none, and one failure is enough to wait for
		known.until = now.Add(time.Minute)
	}
	c.names.put(path, known)
	return known.words
}
