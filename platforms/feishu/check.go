package feishu

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/postern/postern/platforms"
)

// The problems that Check can find, beside a missing scope, whose code is
// "scope:" and the scope's name.
const (
	problemStatus  = "status"
	problemSocket  = "long_connection"
	problemAddress = "address"  // there is none to tell the platform
	problemUnheard = "callback" // nothing has come to it
	problemUnknown = "scopes_unknown"
)

// need is something that the bot does, and the scopes of which any one allows
// it, the one to ask for first.
type need struct {
	any  []string
	what string // what does not work without
	bad  bool
}

// needs is from the pages of the calls and of the event, as
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/reference/im-v1/message/events/receive.
var needs = []need{
	{[]string{"im:message.p2p_msg:readonly", "im:message.p2p_msg"}, "The bot does not hear what people write to it directly", true},
	{[]string{"im:message:send_as_bot", "im:message", "im:message:send"}, "The bot can't write", true},
	{[]string{"im:message.group_at_msg:readonly", "im:message.group_at_msg", "im:message.group_msg"}, "The bot does not hear what addresses it in groups", false},
	{[]string{"im:message", "im:message:update", "im:message:send_as_bot"}, "The bot can't change its messages", false},
	{[]string{"im:message", "im:message.reactions:write_only"}, "The bot can't show that it is writing", false},
	{[]string{"im:message:readonly", "im:message", "im:message.history:readonly"}, "The bot can't fetch files that people send, nor what was said while this computer was off for long", false},
	{[]string{"im:resource", "im:resource:upload"}, "The bot can't send files", false},
	{[]string{"im:chat:readonly", "im:chat", "im:chat:read"}, "Groups are shown without their names", false},
	{[]string{"contact:user.base:readonly"}, "People are shown without their names", false},
}

// Check is platforms.Connector's.
func (c *connector) Check(ctx context.Context) (platforms.Identity, error) {
	me, err := c.me(ctx)
	if err != nil {
		if codeOf(err) == 230006 || codeOf(err) == 11205 { // the app has no bot
			return platforms.Identity{}, rejected("%s", advices[230006])
		}
		return platforms.Identity{}, err
	}
	id := platforms.Identity{ID: platforms.UserID(me.OpenID), Name: me.Name,
		Link: c.applink() + "/client/bot/open?appId=" + url.QueryEscape(c.api.app)}
	if id.Name == "" {
		id.Name = c.api.app
	}
	if text := statuses[me.Status]; text != "" {
		id.Problems = append(id.Problems, platforms.Problem{Code: problemStatus, Text: text, Bad: true})
	}
	lacking, err := c.lacking(ctx)
	if err != nil {
		return platforms.Identity{}, err
	}
	id.Problems = append(id.Problems, lacking...)
	if c.hook != nil {
		id.Problems = append(id.Problems, c.hook.problems()...)
	} else if p, err := c.subscription(ctx); err != nil {
		return platforms.Identity{}, err
	} else if p.Code != "" {
		id.Problems = append(id.Problems, p)
	}
	return id, nil
}

// applink is where a link opens the platform's own program.
// https://open.feishu.cn/document/common-capabilities/applink-protocol/supported-protocol/open-a-bot
func (c *connector) applink() string {
	if c.api.server == larkServer {
		return "https://applink.larksuite.com"
	}
	return "https://applink.feishu.cn"
}

// statuses is what is wrong, by activate_status.
// https://open.feishu.cn/document/ukTMukTMukTM/uAjMxEjLwITMx4CMyETM
var statuses = map[int]string{
	1: "The app is switched off in this organisation. Ask an administrator to switch it on.",
	3: "The app waits to be switched on. Ask an administrator to do so.",
	4: "The app waits for an update to be approved. Ask an administrator to do so.",
	5: "The licence of the app is over. Ask an administrator to renew it.",
}

// lacking is the permissions that the app has not been given.
// https://open.feishu.cn/document/uAjLw4CM/ukTMukTMukTM/application-v6/scope/list
func (c *connector) lacking(ctx context.Context) (out []platforms.Problem, err error) {
	var got struct {
		Scopes []struct {
			Name   string `json:"scope_name"`
			Status int    `json:"grant_status"`
			Type   string `json:"scope_type"`
		} `json:"scopes"`
	}
	err = c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/open-apis/application/v6/scopes"}, &got)
	if err != nil {
		if platforms.KindOf(err) == platforms.Unauthorized || ctx.Err() != nil {
			return nil, err
		}
		return []platforms.Problem{{Code: problemUnknown, Text: "Feishu did not say which permissions the app has. If something does not work, compare them with the guide."}}, nil
	}
	const granted = 1
	var has []string
	for _, s := range got.Scopes {
		if s.Status == granted && s.Type != "user" {
			has = append(has, s.Name)
		}
	}
	for _, n := range needs {
		if !slices.ContainsFunc(n.any, func(s string) bool { return slices.Contains(has, s) }) {
			out = append(out, platforms.Problem{Code: "scope:" + n.any[0], Bad: n.bad,
				Text: n.what + ": the permission " + n.any[0] + " is missing. Add it in the developer console and publish a new version of the app."})
		}
	}
	return out, nil
}

// subscription asks for a long connection, which is not opened.
func (c *connector) subscription(ctx context.Context) (p platforms.Problem, err error) {
	limited, cancel := bounded(ctx, callTime)
	defer cancel()
	var got struct {
		Data larkws.Endpoint `json:"data"`
	}
	err = c.api.once(limited, call{method: http.MethodPost, path: larkws.GenEndpointUri,
		body: map[string]string{"AppID": c.api.app, "AppSecret": c.api.secret.Reveal()}}, platforms.Secret{}, &got)
	switch {
	case err == nil && strings.HasPrefix(got.Data.Url, "ws"):
		return p, nil
	case ctx.Err() != nil:
		return p, ctx.Err()
	case err == nil:
		err = misunderstood(http.StatusOK)
	case codeOf(err) != 0:
		err = c.unopened(ctx, err)
	}
	if platforms.KindOf(err) == platforms.Unauthorized {
		return p, err
	}
	return platforms.Problem{Code: problemSocket, Bad: true, Text: platforms.Explain(err)}, nil
}
