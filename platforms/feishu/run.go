package feishu

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	larkws "github.com/larksuite/oapi-sdk-go/v3/ws"

	"github.com/postern/postern/platforms"
)

// waiting is how many events are taken from the connection before the first of
// them is stored. More stay with the platform.
const waiting = 64

// Run is platforms.Connector's.
func (c *connector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	sink.State(platforms.State{Phase: platforms.Connecting})
	me, err := c.me(ctx)
	if err != nil {
		return err
	}
	sink.State(platforms.State{Phase: platforms.Connecting, Speaks: true})
	r := &run{c: c, me: me, sink: sink, place: parsePlace(from)}
	if c.hook != nil {
		r.requests = newRequests(c)
		_, release, err := c.hook.serve(r.requests)
		if err != nil {
			return err
		}
		defer release()
		r.s = r.requests.s
	} else if r.s, err = c.connect(ctx); err != nil {
		return err
	}
	s := r.s
	c.mu.Lock()
	c.live = s
	c.mu.Unlock()
	err = r.run(ctx)
	c.mu.Lock()
	if c.live == s {
		c.live = nil
	}
	c.mu.Unlock()
	return err
}

// run is one Run with its connection.
type run struct {
	c *connector
	s *session
	// requests is where the events come from; nil: from s.
	requests *requests
	me       bot
	sink     platforms.Sink
	place    place
	noted    time.Time // when the place was last told

	trouble atomic.Pointer[string] // what the person is told while this connection lasts
}

// connected is the state of a connection that works.
func (r *run) connected(hears bool) platforms.State {
	st := platforms.State{Phase: platforms.Connected, Hears: hears}
	if note := r.trouble.Load(); note != nil {
		st.Note = *note
	}
	return st
}

// run takes events until the connection or ctx ends.
func (r *run) run(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	packets := make(chan packet, waiting)
	beside := []func() error{
		func() error {
			return r.s.read(inner, packets, func() { r.sink.State(r.connected(true)) })
		},
		func() error { return r.s.keep(inner) },
		func() error { return r.c.tidy(inner) },
	}
	if r.requests != nil {
		packets, beside = r.requests.packets, beside[2:]
		beside = append(beside, func() error { return r.s.tend(inner) })
	}
	failed := make(chan error, len(beside))
	ended := make(chan struct{}, len(beside))
	r.sink.State(r.connected(r.requests == nil))
	for _, f := range beside {
		go func() {
			failed <- f()
			ended <- struct{}{}
		}()
	}
	err := r.take(ctx, packets, failed)
	cancel()
	r.s.close()
	for range beside {
		<-ended
	}
	if ctx.Err() != nil && platforms.KindOf(err) == platforms.Temporary {
		return ctx.Err()
	}
	return err
}

// take stores events and acknowledges them, one after the other.
func (r *run) take(ctx context.Context, packets <-chan packet, failed <-chan error) error {
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	note := time.NewTicker(noteEvery)
	defer note.Stop()
	if err := r.note(ctx); err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-failed:
			// What silenced this connection silenced those that lie idle too.
			r.c.api.http.CloseIdleConnections()
			return broken(err)
		case <-note.C:
			if err := r.note(ctx); err != nil {
				return err
			}
		case p := <-packets:
			if r.requests != nil {
				r.sink.State(r.connected(true))
			}
			if err := r.store(ctx, gather(p, packets)); err != nil {
				return err
			}
			if time.Since(r.noted) >= noteSoon {
				if err := r.note(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// broken explains why the connection ended.
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

// gather is p and what has come behind it.
func gather(p packet, more <-chan packet) []packet {
	all := []packet{p}
	for len(all) < waiting {
		select {
		case q := <-more:
			all = append(all, q)
		default:
			return all
		}
	}
	return all
}

// store stores the events of packets, in order, and acknowledges each one that
// is stored. What names and titles are to be looked up has little time: the
// platform waits.
func (r *run) store(ctx context.Context, packets []packet) error {
	looking, cancel := context.WithTimeout(ctx, nameTime)
	defer cancel()
	var evs []platforms.Event
	var of []packet
	for _, p := range packets {
		ev, ok := r.event(looking, p)
		if !ok {
			if err := r.s.acknowledge(p); err != nil {
				return platforms.Network(err, title)
			}
			continue
		}
		ev.Request = p.request
		if ev.Kind == platforms.ButtonClicked {
			r.s.expect(clickOf(ev.Click.Token).Token, p)
		}
		evs, of = append(evs, ev), append(of, p)
	}
	if b, ok := r.sink.(platforms.Batcher); ok && len(evs) > 1 {
		if err := b.Events(ctx, evs); err != nil {
			return err
		}
		for i, ev := range evs {
			if err := r.stored(ev, of[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for i, ev := range evs {
		if err := r.sink.Event(ctx, ev); err != nil {
			return err
		}
		if err := r.stored(ev, of[i]); err != nil {
			return err
		}
	}
	return nil
}

// stored acknowledges an event that was stored.
func (r *run) stored(ev platforms.Event, p packet) error {
	r.place.saw(ev)
	if ev.Kind == platforms.MessageReceived && !ev.Own {
		r.c.recent.heard(ev.Conversation.ID, ev.Message)
	}
	var err error
	if ev.Kind == platforms.ButtonClicked {
		err = r.s.hold(clickOf(ev.Click.Token).Token, p)
	} else {
		err = r.s.acknowledge(p)
	}
	if err != nil {
		return platforms.Network(err, title)
	}
	return nil
}

// event converts a packet. It is false for what needs no storing.
func (r *run) event(looking context.Context, p packet) (platforms.Event, bool) {
	if k := larkws.MessageType(p.kind); k != larkws.MessageTypeEvent && k != larkws.MessageTypeCard {
		return platforms.Event{}, false
	}
	ev, ok := convert(p.payload, r.me, time.Now())
	if !ok {
		return ev, false
	}
	if ev.Kind == platforms.MessageReceived {
		r.c.chosen(looking, &ev)
		ev.Mentioned = ev.Mentioned || ev.ReplyTo != "" && r.c.recent.own(ev.ReplyTo)
	}
	if ev.Kind == platforms.ButtonClicked && ev.Conversation.Kind == "" && r.place.direct(ev.Conversation.ID) {
		ev.Conversation.Kind = platforms.Direct
	}
	r.c.name(looking, &ev)
	return ev, true
}
