package mattermost

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/postern/postern/platforms"
)

// Run is platforms.Connector's.
func (c *connector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	r := &run{c: c, sink: sink}
	if from != "" {
		var err error
		if r.place, err = parsePlace(from); err != nil {
			return err
		}
	}
	sink.State(platforms.State{Phase: platforms.Connecting})
	me, err := c.me(ctx)
	if err != nil {
		return lasting(err)
	}
	r.me = me
	sink.State(platforms.State{Phase: platforms.Connecting, Speaks: true})
	if from == "" {
		// The server's newest post is the server's clock.
		all, err := c.channels(ctx)
		if err != nil {
			return lasting(err)
		}
		for _, ch := range all {
			r.place.At = max(r.place.At, ch.LastPostAt)
		}
		r.place.Floor = r.place.At
	}
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	return r.run(ctx, s, from == "")
}

// lasting is err, but for a refusal that is about no message: what the server
// does not give now it may give later.
func lasting(err error) error {
	var e *platforms.Error
	if errors.As(err, &e) && e.Kind == platforms.Rejected {
		return &platforms.Error{Kind: platforms.Temporary, Text: "The server does not let the bot in at the moment. Check the account; the next try follows by itself.", Err: e.Err}
	}
	return err
}

func (c *connector) me(ctx context.Context) (user, error) {
	var u user
	if err := c.api.call(ctx, callTime, http.MethodGet, "users/me", nil, &u); err != nil {
		return u, err
	}
	if u.ID == "" || u.Username == "" {
		return u, misunderstood(http.StatusOK)
	}
	return u, nil
}

// run is one Run.
type run struct {
	c     *connector
	me    user
	sink  platforms.Sink
	place place
}

func (r *run) run(ctx context.Context, s *session, first bool) error {
	frames := make(chan frame, waiting)
	ended := make(chan error, 1)
	r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	go func() {
		ended <- s.read(frames, func() {
			select {
			case <-s.closed:
			default:
				r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
			}
		})
	}()
	clicks := make(chan press)
	release := r.c.door.open(r.c, r.me, clicks)
	minding, enough := context.WithCancel(ctx)
	minded := make(chan struct{})
	go func() { defer close(minded); r.c.mind(minding, r.me, clicks) }()
	err := r.take(ctx, frames, clicks, ended, first)
	enough()
	<-minded
	release()
	s.close()
	if err == nil { // the reader ended, and has told why
		err = errEnded
	}
	var broken *readError
	if errors.As(err, &broken) {
		err = broken.err
	} else {
		<-ended
	}
	if ctx.Err() != nil && platforms.KindOf(err) == platforms.Temporary {
		return ctx.Err()
	}
	return err
}

var errEnded = errors.New("the connection ended")

// readError is what the reader ended with.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

func (r *run) take(ctx context.Context, frames <-chan frame, clicks <-chan press, ended <-chan error, first bool) error {
	if first {
		ev := platforms.Event{ID: "place", Time: time.Now().UTC(), Cursor: r.place.cursor()}
		if err := r.sink.Event(ctx, ev); err != nil {
			return err
		}
	}
	if err := r.catchUp(ctx); err != nil {
		return lasting(err)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-frames:
			if err := r.store(ctx, gather(f, frames)); err != nil {
				return err
			}
		case p := <-clicks:
			p.ev.Cursor = r.place.cursor()
			err := r.sink.Event(ctx, p.ev)
			p.stored <- err
			if err != nil {
				return err
			}
		case err := <-ended:
			// What came before is stored first.
			for {
				select {
				case f := <-frames:
					if err := r.store(ctx, gather(f, frames)); err != nil {
						return &readError{err}
					}
					continue
				default:
				}
				break
			}
			// What silenced this connection silenced those that lie idle too.
			r.c.api.http.CloseIdleConnections()
			return &readError{broken(err, r.c.api.token)}
		}
	}
}

func broken(err error, token platforms.Secret) error {
	var own *platforms.Error
	if errors.As(err, &own) {
		return own
	}
	e := platforms.Network(err, "the Mattermost server")
	e.Err = platforms.RedactError(e.Err, token)
	return e
}

// gather is f and what has come behind it.
func gather(f frame, more <-chan frame) []frame {
	all := []frame{f}
	for len(all) < 64 {
		select {
		case g := <-more:
			all = append(all, g)
		default:
			return all
		}
	}
	return all
}

// store stores the events of frames together.
func (r *run) store(ctx context.Context, frames []frame) error {
	next := r.place
	var evs []platforms.Event
	for _, f := range frames {
		ev, at, ok := r.event(ctx, f)
		if !ok || next.has(ev.ID) {
			continue
		}
		next = next.with(ev.ID, at)
		ev.Cursor = next.cursor()
		evs = append(evs, ev)
	}
	if len(evs) == 0 {
		return nil
	}
	if err := platforms.Deliver(ctx, r.sink, evs); err != nil {
		return err
	}
	r.place = next
	return nil
}

// event converts a frame, and gives the server's time of it.
func (r *run) event(ctx context.Context, f frame) (platforms.Event, int64, bool) {
	switch f.Event {
	case "posted", "post_edited":
		var d posted
		var p post
		if json.Unmarshal(f.Data, &d) != nil || json.Unmarshal([]byte(d.Post), &p) != nil || p.ID == "" {
			return platforms.Event{}, 0, false
		}
		edited := f.Event == "post_edited"
		if edited && p.EditAt == 0 { // a preview was added, or a reaction
			return platforms.Event{}, 0, false
		}
		if d.ChannelType != "" {
			ch := r.c.channel(ctx, p.ChannelID)
			ch.Type = d.ChannelType
			if ch.DisplayName == "" {
				ch.DisplayName = d.ChannelName
			}
			r.c.know(ch)
		}
		var mentions []string
		_ = json.Unmarshal([]byte(d.Mentions), &mentions)
		ev, ok := r.post(ctx, p, edited, mentions)
		return ev, max(p.CreateAt, p.EditAt), ok
	case "reaction_added":
		var d struct {
			Reaction string `json:"reaction"`
		}
		var re reaction
		if json.Unmarshal(f.Data, &d) != nil || json.Unmarshal([]byte(d.Reaction), &re) != nil {
			return platforms.Event{}, 0, false
		}
		ev, ok := r.pressed(ctx, re)
		return ev, re.CreateAt, ok
	}
	return platforms.Event{}, 0, false
}

// post converts a post, with what is known around it.
func (r *run) post(ctx context.Context, p post, edited bool, mentioned []string) (platforms.Event, bool) {
	s := scene{me: r.me, channel: r.c.channel(ctx, p.ChannelID), from: r.me, mentions: mentioned}
	if p.UserID != r.me.ID {
		s.from = r.c.user(ctx, p.UserID)
		s.answers = p.RootID != "" && r.c.author(ctx, p.RootID) == r.me.ID
	}
	ev, ok := convert(p, edited, s)
	if !ok || ev.Own {
		// Its time passes all the same.
		return platforms.Event{ID: ev.ID, Time: ev.Time}, true
	}
	if ev.Conversation.Kind == platforms.Direct && ev.Conversation.Title == "" && !ev.Own {
		ev.Conversation.Title = ev.From.Name
	}
	if !edited && !ev.Own {
		r.chosen(ctx, p, &ev)
	}
	return ev, true
}
