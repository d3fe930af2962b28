package mattermost

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}

// Send is platforms.Connector's. The server keeps the first of several posts
// with one pending_post_id, for a while.
func (c *connector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	if !isID(string(m.Conversation)) {
		return "", rejected("This is not a channel of Mattermost's: its id has 26 letters and digits.")
	}
	if strings.TrimSpace(m.Text) == "" && len(m.Files) == 0 {
		return "", rejected("The message is empty. Write something or attach a file.")
	}
	for _, f := range m.Files {
		if f.Size > limits().Upload {
			return "", rejected("The file %q is larger than the 100 MB that Mattermost takes. Send a smaller one.", text.Line(f.Name, 100))
		}
	}
	p := post{ChannelID: string(m.Conversation), RootID: string(m.Thread)}
	if m.Thread != "" && !isID(string(m.Thread)) {
		return "", rejected("This is not a thread of Mattermost's: its id has 26 letters and digits.")
	}
	data, err := c.fill(ctx, &p, m)
	if err != nil {
		return "", err
	}
	if m.Key != "" {
		sum := sha256.Sum256([]byte(m.Key))
		p.PendingID = hex.EncodeToString(sum[:13])
	}
	for _, f := range m.Files {
		id, err := c.upload(ctx, p.ChannelID, f)
		if err != nil {
			return "", err
		}
		p.FileIDs = append(p.FileIDs, id)
	}
	var got post
	err = c.api.call(ctx, sendTime, http.MethodPost, "posts", p, &got)
	if wordOf(err) == "api.post.create_post.root_id.app_error" { // what is answered is gone
		p.RootID = ""
		err = c.api.call(ctx, sendTime, http.MethodPost, "posts", p, &got)
	}
	if err != nil {
		return "", err
	}
	if got.ID == "" {
		return "", misunderstood(http.StatusOK)
	}
	if len(data) > 0 {
		c.posts.put(p.ChannelID, p.RootID, got.ID)
		c.seed(ctx, got.ID, len(data))
	}
	return platforms.MessageID(got.ID), nil
}

// fill writes text and buttons into p.
func (c *connector) fill(ctx context.Context, p *post, m platforms.Message) (data []string, err error) {
	p.Message = format(m.Text, m.Format, func(id platforms.UserID) string { return c.user(ctx, string(id)).Username })
	for _, row := range m.Buttons {
		for _, b := range row {
			switch {
			case strings.TrimSpace(b.Label) == "":
				return nil, rejected("A button has no label. Give it one.")
			case b.URL == "" && b.Data == "":
				return nil, rejected("The button %q does nothing. Give it data or an address.", text.Line(b.Label, 64))
			case len(b.Data) > limits().Data:
				return nil, rejected("The button %q carries %d bytes, and %d are allowed. Shorten its data.", text.Line(b.Label, 64), len(b.Data), limits().Data)
			}
		}
	}
	var lines string
	p.Props = map[string]any{"disable_mention_highlight": true}
	if at := c.door.address(); at != "" && len(m.Buttons) > 0 {
		lines = c.door.actions(p, m, at, time.Now())
	} else if lines, data = listed(m); data != nil {
		p.Props[propButtons] = data
	}
	if lines != "" {
		p.Message = strings.TrimPrefix(p.Message+"\n"+lines, "\n")
	}
	if len(data) > len(digits) {
		return nil, rejected("There are %d buttons, and Mattermost shows %d as reactions. Send fewer.", len(data), len(digits))
	}
	if n := utf8.RuneCountInString(p.Message); n > limits().Text {
		return nil, rejected("The text is %d characters long, and Mattermost allows %d. Shorten it.", n, limits().Text)
	}
	return data, nil
}

// seed puts the reactions of the numbers under a post, for people to press. One
// that is missing does no harm: a number can be answered too.
func (c *connector) seed(ctx context.Context, id string, n int) {
	me, err := c.me(ctx)
	if err != nil {
		return
	}
	for i := range n {
		re := map[string]string{"user_id": me.ID, "post_id": id, "emoji_name": digits[i]}
		if c.api.call(ctx, callTime, http.MethodPost, "reactions", re, nil) != nil {
			return
		}
	}
}

// Edit is platforms.Editor's. Files stay as they are.
func (c *connector) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	if !isID(string(id)) {
		return rejected("The message to change is not one of Mattermost's. Send a new one.")
	}
	if strings.TrimSpace(m.Text) == "" {
		return rejected("The message would become empty. Write something.")
	}
	p := post{ChannelID: string(m.Conversation)}
	data, err := c.fill(ctx, &p, m)
	if err != nil {
		return err
	}
	var got post
	err = c.api.call(ctx, sendTime, http.MethodPut, "posts/"+string(id)+"/patch", map[string]any{"message": p.Message, "props": p.Props}, &got)
	if err == nil && got.ID == "" {
		return misunderstood(http.StatusOK)
	}
	if err == nil && len(data) > 0 {
		c.posts.put(got.ChannelID, got.RootID, got.ID)
	}
	return err
}

// Typing is platforms.Typer's.
func (c *connector) Typing(ctx context.Context, id platforms.ConversationID, t platforms.ThreadID) error {
	if !isID(string(id)) {
		return rejected("This is not a channel of Mattermost's: its id has 26 letters and digits.")
	}
	return c.api.call(ctx, callTime, http.MethodPost, "users/me/typing", map[string]string{"channel_id": string(id), "parent_id": string(t)}, nil)
}
