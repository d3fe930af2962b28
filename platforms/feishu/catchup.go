package feishu

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	larkim "github.com/larksuite/oapi-sdk-go/v3/service/im/v1"

	"github.com/postern/postern/platforms"
)

// What the platform has given up after its last retry is read from the chats'
// history, as far as the app may. It takes up again what the platform is still
// trying, under the same ids.

const (
	// retried is how long the platform tries, less a little.
	retried = 7 * time.Hour
	// oldest is how far back anything is fetched.
	oldest = 30 * 24 * time.Hour

	catchUpTime = 2 * time.Minute // in all: what comes live waits for it
	chatsMost   = 200
	pagesMost   = 10 // of one chat
	pageSize    = 50 // the most that the platform gives
)

// catchUp fetches what was said while nobody listened for longer than the
// platform tries.
func (r *run) catchUp(ctx context.Context) error {
	if r.place.Alive == 0 {
		return nil
	}
	since, now := time.UnixMilli(r.place.Alive), time.Now()
	if now.Sub(since) < retried {
		return nil
	}
	if now.Sub(since) > oldest {
		since = now.Add(-oldest)
	}
	limited, cancel := bounded(ctx, catchUpTime)
	defer cancel()
	chats, notes, err := r.groups(limited)
	if err != nil {
		return err
	}
	for _, id := range r.place.Direct {
		chats = append(chats, history{id: id, direct: true})
	}
	for _, h := range chats[:min(len(chats), chatsMost)] {
		err := r.chat(limited, ctx, h, since)
		if limited.Err() != nil && ctx.Err() == nil {
			// The next attempt would come no further, and nothing live would be heard.
			notes = append(notes, "There was too much to fetch it in time; the rest is in Feishu itself.")
			break
		}
		switch {
		case err == nil:
		case answered(err):
			notes = append(notes, platforms.Explain(err))
		default:
			return err
		}
	}
	if len(notes) > 0 {
		note := "What was said while this computer was off for long could not be fetched everywhere. " + notes[0]
		r.trouble.Store(&note)
		r.sink.State(r.connected(false))
	}
	return nil
}

// history is a chat to be read.
type history struct {
	id, title string
	direct    bool
}

// groups is the groups that the bot is in.
func (r *run) groups(ctx context.Context) (out []history, notes []string, err error) {
	query := url.Values{"page_size": {"100"}}
	for len(out) < chatsMost {
		var got struct {
			larkim.ListChatRespData
		}
		err := r.c.api.do(ctx, callTime, call{method: http.MethodGet, path: "/open-apis/im/v1/chats", query: query}, &got)
		if err != nil {
			if answered(err) {
				return out, []string{platforms.Explain(err)}, nil
			}
			return nil, nil, err
		}
		for _, c := range got.Items {
			if c != nil && str(c.ChatId) != "" {
				out = append(out, history{id: str(c.ChatId), title: str(c.Name)})
			}
		}
		if got.HasMore == nil || !*got.HasMore || str(got.PageToken) == "" {
			break
		}
		query.Set("page_token", str(got.PageToken))
	}
	return out, nil, nil
}

// chat reads one chat, and stores what it finds.
func (r *run) chat(limited, ctx context.Context, h history, since time.Time) error {
	query := url.Values{
		"container_id_type": {"chat"}, "container_id": {h.id}, "sort_type": {"ByCreateTimeAsc"},
		"start_time": {strconv.FormatInt(since.Unix(), 10)}, "page_size": {strconv.Itoa(pageSize)},
	}
	for range pagesMost {
		var got larkim.ListMessageRespData
		if err := r.c.api.do(limited, callTime, call{method: http.MethodGet, path: "/open-apis/im/v1/messages", query: query}, &got); err != nil {
			return err
		}
		var evs []platforms.Event
		looking, cancel := context.WithTimeout(limited, 10*nameTime)
		for _, m := range got.Items {
			if ev, ok := past(m, h, r.c.api.app, r.me); ok {
				ev.Conversation.Title = h.title
				r.c.name(looking, &ev)
				evs = append(evs, ev)
			}
		}
		cancel()
		if len(evs) > 0 {
			if err := platforms.Deliver(ctx, r.sink, evs); err != nil {
				return err
			}
		}
		if got.HasMore == nil || !*got.HasMore || str(got.PageToken) == "" {
			return nil
		}
		query.Set("page_token", str(got.PageToken))
	}
	return &platforms.Error{Kind: platforms.Rejected,
		Text: fmt.Sprintf("A chat has more than %d new messages; the rest is in Feishu itself.", pagesMost*pageSize)}
}

// past converts a message of a chat's history, to what its event would have
// been. It is false for the bot's own, for what was deleted and for what nobody
// wrote.
func past(m *larkim.Message, h history, app string, me bot) (platforms.Event, bool) {
	if m == nil || m.Deleted != nil && *m.Deleted || str(m.MessageId) == "" || m.Body == nil || str(m.MsgType) == "system" {
		return platforms.Event{}, false
	}
	w := written{
		id: str(m.MessageId), root: str(m.RootId), parent: str(m.ParentId), thread: str(m.ThreadId),
		chat: h.id, direct: h.direct, kind: str(m.MsgType), content: str(m.Body.Content),
		time: moment(str(m.CreateTime), time.Now()),
	}
	if s := m.Sender; s != nil {
		w.sender, w.byApp = str(s.Id), str(s.SenderType) != "user"
	}
	if w.byApp && w.sender == app {
		return platforms.Event{}, false
	}
	for _, n := range m.Mentions {
		if n != nil {
			w.mentions = append(w.mentions, mention{key: str(n.Key), id: str(n.Id), name: strings.TrimSpace(str(n.Name))})
		}
	}
	return w.event(me)
}
