package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

const (
	// replaysMost bounds the replays that are under way at once.
	replaysMost = 8
	// replayBody bounds an edited body, in bytes: it comes as base64 in a request of
	// at most 1 MiB.
	replayBody = 700 << 10
	// replayEvents bounds the messages of one request that are handed on again.
	replayEvents = 20
)

// replays is what is handed on once more, and waits for its conversation's turn.
type replays struct {
	slots chan struct{}

	mu sync.Mutex
	m  map[lane][]func()
}

func (r *replays) add(l lane, f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.m == nil {
		r.m = map[lane][]func(){}
	}
	r.m[l] = append(r.m[l], f)
}

// run does what waits in a lane: so nothing is asked of a responder twice at once
// for one conversation.
func (r *replays) run(l lane) {
	r.mu.Lock()
	list := r.m[l]
	delete(r.m, l)
	r.mu.Unlock()
	for _, f := range list {
		f()
	}
}

// Replay hands something to responders once more and waits for them. What they
// answer is told, and sent only if r says so.
func (a *App) Replay(ctx context.Context, r api.Replay) (api.Replayed, error) {
	if (r.Entry == 0) == (r.Request == 0) {
		return api.Replayed{}, rejected("Say which message or which request to replay: one of them.")
	}
	if len(r.Body) > replayBody {
		return api.Replayed{}, rejected("The body is larger than 700 KiB. Shorten it.")
	}
	select {
	case a.replays.slots <- struct{}{}:
		defer func() { <-a.replays.slots }()
	default:
		return api.Replayed{}, &api.Error{Kind: platforms.Temporary, Text: fmt.Sprintf("%d replays are under way already. Wait for one of them.", replaysMost)}
	}
	acc, list, err := a.replayed(ctx, r)
	if err != nil {
		return api.Replayed{}, err
	}
	if r.Send && acc.platform.Limits.Mute {
		return api.Replayed{}, &api.Error{Kind: platforms.Unsupported, Text: acc.platform.Title + " only brings messages, so answers can't be sent there. Replay without sending."}
	}
	var out api.Replayed
	for i, again := range list {
		done, err := a.replayOne(ctx, acc, r, again)
		if err != nil {
			return out, err
		}
		if i == 0 {
			out.Event = done.Event
		}
		out.Results = append(out.Results, done.Results...)
	}
	return out, nil
}

func rejected(words string) *api.Error { return &api.Error{Kind: platforms.Rejected, Text: words} }

// rerun is an event to be handed on once more.
type rerun struct {
	ev       platforms.Event
	of       uint64 // the entry; 0: there is none
	request  uint64 // where there is none, what came
	words    string // of what, for the activity
	stranger bool
}

// replayed is the events that r means, with its changes.
func (a *App) replayed(ctx context.Context, r api.Replay) (*account, []rerun, error) {
	if r.Entry != 0 {
		acc, one, err := a.replayedEntry(r.Entry)
		if err != nil {
			return nil, nil, err
		}
		if err := a.edit(ctx, acc, &one.ev, r); err != nil {
			return nil, nil, err
		}
		return acc, []rerun{one}, nil
	}
	a.recorder.flush()
	q, err := a.store.Request(r.Request)
	if err != nil {
		return nil, nil, errNoRequest
	}
	acc, err := a.account(q.Account)
	if err != nil {
		return nil, nil, err
	}
	edited := r.Method != nil || r.Header != nil || r.Body != nil
	if len(q.Entries) > 0 && !edited {
		var list []rerun
		for _, seq := range q.Entries[:min(len(q.Entries), replayEvents)] {
			_, one, err := a.replayedEntry(seq)
			if err != nil {
				return nil, nil, err
			}
			if r.Text != nil {
				one.ev.Text = *r.Text
			}
			list = append(list, one)
		}
		return acc, list, nil
	}
	if q.Erased || q.Cut && r.Body == nil {
		return nil, nil, rejected("Not all of this request is kept, so it can't be replayed. Give it a body to replay it with another one.")
	}
	raw := changed(platforms.Raw{Method: q.Method, Header: q.Header, Body: q.Body}, r)
	evs, err := a.convert(ctx, acc, raw, q.Query)
	if err != nil {
		return nil, nil, err
	}
	var list []rerun
	of, request := uint64(0), q.ID
	if len(q.Entries) > 0 {
		of, request = q.Entries[0], 0
	}
	for _, ev := range evs {
		if r.Text != nil {
			ev.Text = *r.Text
		}
		list = append(list, rerun{ev: ev, of: of, request: request, words: fmt.Sprintf("request %d", q.ID)})
	}
	return acc, list, nil
}

func (a *App) replayedEntry(seq uint64) (*account, rerun, error) {
	e, err := a.store.Entry(seq)
	if err != nil {
		return nil, rerun{}, wireError(err)
	}
	switch {
	case e.Outgoing:
		return nil, rerun{}, rejected("This was sent from here. Only what came in can be replayed.")
	case e.Event == nil:
		return nil, rerun{}, rejected("What this message said is not kept, so it can't be replayed.")
	}
	acc, err := a.account(e.Account)
	return acc, rerun{ev: *e.Event, of: seq, words: fmt.Sprintf("message %d", seq), stranger: e.Stranger}, err
}

// changed is a request with r's changes.
func changed(raw platforms.Raw, r api.Replay) platforms.Raw {
	if r.Method != nil {
		raw.Method = strings.ToUpper(text.Line(*r.Method, 40))
	}
	if r.Header != nil {
		raw.Header = map[string][]string{}
		for name, values := range r.Header {
			name = textproto.CanonicalMIMEHeaderKey(name)
			raw.Header[name] = append(raw.Header[name], values...)
		}
	}
	if r.Body != nil {
		raw.Body = r.Body
	}
	return raw
}

// edit makes r's changes to an event. Where the request that it came by is
// changed, the platform reads it anew, if it can.
func (a *App) edit(ctx context.Context, acc *account, ev *platforms.Event, r api.Replay) error {
	if r.Method != nil || r.Header != nil || r.Body != nil {
		if ev.Raw == nil {
			return rejected("This message did not come with a request, so only its text can be changed.")
		}
		raw := changed(*ev.Raw, r)
		evs, err := a.convert(ctx, acc, raw, "")
		switch {
		case err == nil && len(evs) == 1:
			*ev = evs[0]
		case err != nil && platforms.KindOf(err) != platforms.Unsupported:
			return err
		default:
			ev.Raw = &raw
		}
	}
	if r.Text != nil {
		ev.Text = *r.Text
	}
	return nil
}

// convert has an account's connector make events of a request.
func (a *App) convert(ctx context.Context, acc *account, raw platforms.Raw, query string) ([]platforms.Event, error) {
	conn, err := acc.connector(ctx)
	if err != nil {
		return nil, wireError(err)
	}
	maker, ok := conn.(platforms.Replayer)
	if !ok {
		return nil, &api.Error{Kind: platforms.Unsupported, Text: "A request of " + acc.platform.Title + " can't be read anew. Replay the message that it brought, and change its text."}
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(raw.Method, http.MethodPost), "http://localhost/", bytes.NewReader(raw.Body))
	if err != nil {
		return nil, rejected("The method is none that HTTP knows. Use POST.")
	}
	req.URL.RawQuery, req.Header = query, http.Header(raw.Header).Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	var evs []platforms.Event
	err = acc.guard(func() (err error) {
		evs, err = maker.Replay(req, raw.Body)
		return err
	})
	if err != nil {
		return nil, wireError(err)
	}
	if len(evs) == 0 {
		return nil, rejected("No message comes of this request: there is nothing to hand on.")
	}
	evs, _ = a.transform(acc, evs[:min(len(evs), replayEvents)])
	return evs, nil
}

// receivers is who gets an event: those that were named, or those who would get
// it now.
func (a *App) receivers(acc *account, ev platforms.Event, role access.Role, named []string) ([]answerer, error) {
	if len(named) == 0 {
		to, _, _ := a.route(acc, ev, role)
		if len(to) == 0 {
			return nil, rejected("Nothing would get this now: no route leads it anywhere. Name what is to get it.")
		}
		return to, nil
	}
	var to []answerer
	for _, id := range named {
		r, ok := a.answering.find(id)
		if !ok {
			return nil, rejected(fmt.Sprintf("There is no responder %q that is on and works. The list of responders shows the names.", text.Line(id, 80)))
		}
		if !slices.ContainsFunc(to, func(o answerer) bool { return o.Name() == id }) {
			to = append(to, r)
		}
	}
	return to, nil
}

// replayOne stores an event as one of its own and hands it on. It has an id of
// its own too, so that a service does not take it for what it has seen.
func (a *App) replayOne(ctx context.Context, acc *account, r api.Replay, one rerun) (api.Replayed, error) {
	ev := one.ev
	ev.ID = platforms.EventID("replay/" + rand.Text())
	// The token answers what came then, and would be used up, or is.
	ev.Cursor, ev.Reply, ev.Request = "", "", ""
	if ev.Kind == "" || ev.Kind == platforms.ConversationMoved {
		return api.Replayed{}, rejected("Nothing was said here, so there is nothing to replay.")
	}
	d := acc.judge(ev, "", nil)
	to, err := a.receivers(acc, ev, d.Role, r.To)
	if err != nil {
		return api.Replayed{}, err
	}
	kept := ev
	kept.Message = "" // an edit of the message is not one of this
	decision, _ := json.Marshal(d)
	seq, err := a.store.AcceptReplay(ctx, store.Incoming{Account: acc.id, Event: kept, Ephemeral: acc.ephemeral(), Decision: decision, Replay: one.of, ReplayRequest: one.request},
		"replayed by hand: "+one.words)
	if err != nil {
		return api.Replayed{}, wireError(err)
	}
	job := store.Job{Seq: seq, Account: acc.id, Conversation: ev.Conversation.ID, Stored: a.now(), Event: ev, Stranger: one.stranger}
	results := a.hand(ctx, acc, job, d.Role, to)
	if r.Send {
		for _, got := range results {
			a.sendReplayed(ctx, acc, job, got)
		}
	}
	a.tellReplayed(ctx, job, one, results, r.Send)
	out := api.Replayed{}
	for _, got := range results {
		out.Results = append(out.Results, got.ReplayResult)
	}
	e, err := a.store.Entry(seq)
	if err != nil {
		return api.Replayed{}, wireError(err)
	}
	a.changed()
	out.Event = entry(e)
	return out, nil
}
