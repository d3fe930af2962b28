package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/slack-go/slack/socketmode"

	"github.com/postern/postern/platforms"
)

// together is how many events are stored in one go.
const together = 64

// Run is platforms.Connector's.
func (c *connector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	r := &run{c: c, sink: sink, packets: make(chan packet, waiting), ended: make(chan ending, 4), dialed: make(chan dialed, 1)}
	if from != "" {
		var err error
		if r.place, err = parsePlace(from); err != nil {
			return err
		}
	}
	sink.State(platforms.State{Phase: platforms.Connecting})
	asked := time.Now()
	me, h, err := c.me(ctx)
	if err != nil {
		return err
	}
	sink.State(platforms.State{Phase: platforms.Connecting, Speaks: true})
	r.me, r.began = me, clock(h, asked)
	c.count(1) // before it is open: Check may look at any time
	s, err := c.connect(ctx)
	if err != nil {
		c.count(-1)
		return err
	}
	c.knows(s.app)
	return r.run(ctx, s, from == "")
}

// clock is Slack's time when it was asked, or a little before. Slack tells it to
// the second; this computer's clock tells the rest, where it agrees.
func clock(h http.Header, asked time.Time) int64 {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return asked.UnixMicro()
	}
	if off := asked.Sub(t); off > 0 && off < time.Second {
		return asked.UnixMicro()
	}
	return t.UnixMicro()
}

// run is one Run.
type run struct {
	c     *connector
	me    bot
	sink  platforms.Sink
	place place
	began int64

	wg      sync.WaitGroup
	packets chan packet
	ended   chan ending
	dialed  chan dialed

	live    *session
	dialing bool
	lost    bool // live ended while its successor was being dialled

	behind   []conversation // what is still to be read
	catching bool
	pause    *time.Timer // Slack asked to read more slowly
	paused   bool
}

// ending is why a socket ended, and dialed what came of opening another one.
type (
	ending struct {
		s   *session
		err error
	}
	dialed struct {
		s   *session
		err error
	}
)

func (r *run) run(ctx context.Context, s *session, first bool) error {
	inner, cancel := context.WithCancel(ctx)
	r.pause = time.NewTimer(time.Hour)
	r.pause.Stop()
	open := r.start(inner, s)
	r.live = s
	r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	err := r.begin(ctx, first)
	if err == nil {
		err = r.take(ctx, inner, &open)
	}
	cancel()
	r.pause.Stop()
	for _, s := range open {
		s.close()
	}
	r.wg.Wait()
	select {
	case d := <-r.dialed:
		if d.s != nil {
			d.s.close()
		}
	default:
	}
	r.c.count(-len(open))
	if ctx.Err() != nil && platforms.KindOf(err) == platforms.Temporary {
		return ctx.Err()
	}
	return err
}

// start reads a socket.
func (r *run) start(inner context.Context, s *session) []*session {
	alive := func() {
		if inner.Err() == nil {
			r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
		}
	}
	r.wg.Go(func() {
		err := s.read(r.packets, alive)
		s.close()
		select {
		case r.ended <- ending{s, err}:
		case <-inner.Done():
		}
	})
	r.wg.Go(func() { s.keep(inner) })
	return []*session{s}
}

// begin tells where an account begins, or finds out what it missed.
func (r *run) begin(ctx context.Context, first bool) error {
	if first {
		r.place = place{At: r.began, Floor: r.began}
		return r.mark(ctx)
	}
	return r.miss(ctx)
}

// mark tells the place by itself.
func (r *run) mark(ctx context.Context) error {
	return r.sink.Event(ctx, platforms.Event{
		ID: platforms.EventID("place:" + time.Now().UTC().Format(time.RFC3339Nano)), Time: time.Now().UTC(), Cursor: r.place.cursor(),
	})
}

// take stores what comes, and in between what was missed.
func (r *run) take(ctx, inner context.Context, open *[]*session) error {
	for {
		var idle chan struct{} // ready where there is something to read
		if len(r.behind) > 0 && !r.paused {
			idle = make(chan struct{})
			close(idle)
		}
		select { // what comes goes first
		case p := <-r.packets:
			if err := r.packet(ctx, inner, p); err != nil {
				return err
			}
			continue
		default:
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case p := <-r.packets:
			if err := r.packet(ctx, inner, p); err != nil {
				return err
			}
		case e := <-r.ended:
			if err := r.end(e, open); err != nil {
				return err
			}
		case d := <-r.dialed:
			if err := r.changed(ctx, inner, d, open); err != nil {
				return err
			}
		case <-r.pause.C:
			r.paused = false
		case <-idle:
			if err := r.next(ctx); err != nil {
				return err
			}
		}
	}
}

// end is the end of a socket.
func (r *run) end(e ending, open *[]*session) error {
	for i, s := range *open {
		if s == e.s {
			*open = append((*open)[:i:i], (*open)[i+1:]...)
			r.c.count(-1)
		}
	}
	if e.s != r.live {
		return nil
	}
	if r.dialing {
		r.lost = true
		return nil
	}
	// What silenced this connection silenced those that lie idle too.
	r.c.api.http.CloseIdleConnections()
	return broken(e.err)
}

// broken explains why a socket ended.
func broken(err error) error {
	var own *platforms.Error
	if errors.As(err, &own) {
		return own
	}
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		e := platforms.Network(io.ErrUnexpectedEOF, title)
		e.Err = err
		return e
	}
	return platforms.Network(err, title)
}

// renew opens another socket beside one that Slack will end.
func (r *run) renew(inner context.Context) {
	if r.dialing {
		return
	}
	r.dialing = true
	r.wg.Go(func() {
		s, err := r.c.connect(inner)
		r.dialed <- dialed{s, err}
	})
}

// changed goes over to a new socket. The old one is read until it ends.
func (r *run) changed(ctx, inner context.Context, d dialed, open *[]*session) error {
	r.dialing = false
	if d.err != nil {
		if r.lost || platforms.KindOf(d.err) == platforms.Unauthorized {
			return d.err
		}
		r.c.log.warn(ctx, "open the next connection", d.err)
		return nil // the old one still works; when it ends, so does Run
	}
	r.c.count(1)
	*open = append(*open, r.start(inner, d.s)...)
	r.live = d.s
	r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	if !r.lost {
		return nil
	}
	r.lost = false
	return r.miss(ctx)
}

// packet handles p and what has come behind it.
func (r *run) packet(ctx, inner context.Context, p packet) error {
	all := []packet{p}
	for more := true; more && len(all) < together; {
		select {
		case q := <-r.packets:
			all = append(all, q)
		default:
			more = false
		}
	}
	// Names that are to be looked up have little time: Slack waits.
	looking, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	var evs []platforms.Event
	var of []packet
	for _, p := range all {
		switch p.req.Type {
		case socketmode.RequestTypeHello:
			continue
		case socketmode.RequestTypeDisconnect:
			if p.req.Reason == "link_disabled" {
				return disconnected(p.req.Reason)
			}
			if p.s == r.live {
				r.renew(inner)
			}
			continue
		}
		ev, ok := convert(p.req, r.me, time.Now())
		if !ok || r.before(ev) {
			if err := r.acknowledge(p); err != nil {
				return err
			}
			continue
		}
		if err := r.first(ctx, ev); err != nil {
			return err
		}
		r.c.dress(looking, &ev)
		evs, of = append(evs, ev), append(of, p)
	}
	return r.store(ctx, evs, of)
}

// before reports whether ev was said before the account began: a retry of what
// nobody was there for.
func (r *run) before(ev platforms.Event) bool {
	at := micros(string(ev.Message))
	return ev.Kind == platforms.MessageReceived && at > 0 && at < r.place.Floor
}

// store stores events that came by sockets, and acknowledges them.
func (r *run) store(ctx context.Context, evs []platforms.Event, of []packet) error {
	next := r.place
	next.Done = maps.Clone(r.place.Done)
	for i := range evs {
		if r.lags(evs[i].Conversation.ID) { // the place in it must not pass what is missed
			evs[i].Cursor = next.cursor()
			continue
		}
		next.put(&evs[i], r.catching)
	}
	if b, ok := r.sink.(platforms.Batcher); ok && len(evs) > 1 {
		if err := b.Events(ctx, evs); err != nil {
			return err
		}
		for _, p := range of {
			if err := r.acknowledge(p); err != nil {
				return err
			}
		}
	} else {
		for i, ev := range evs {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.sink.Event(ctx, ev); err != nil {
				return err
			}
			if err := r.acknowledge(of[i]); err != nil {
				return err
			}
		}
	}
	r.place = next
	return nil
}

// put gives an event its cursor. A message that may be stored already has none:
// it moves nothing.
func (p *place) put(ev *platforms.Event, catching bool) {
	at := micros(string(ev.Message))
	channel := string(ev.Conversation.ID)
	if ev.Kind == platforms.MessageReceived && at > 0 {
		if at <= p.stored(channel) {
			return
		}
		p.saw(channel, at, catching)
	}
	ev.Cursor = p.cursor()
}

// acknowledge tells Slack that an envelope is done. That an old socket does not
// take it any more costs a repetition.
func (r *run) acknowledge(p packet) error {
	err := p.s.acknowledge(p.req.EnvelopeID)
	if err == nil || p.s != r.live {
		return nil
	}
	e := platforms.Network(err, title)
	e.Err = fmt.Errorf("acknowledge an event: %w", e.Err)
	return e
}
