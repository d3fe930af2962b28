package discord

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

const (
	gatherMost = 64
	greetTime  = 30 * time.Second // from Hello to Ready or Resumed
	guildsTime = 10 * time.Second // from Ready until the last server was told
	noteEvery  = 30 * time.Second
	acksMost   = 8 // interactions that are acknowledged at the same time
)

// Run is platforms.Connector's.
func (c *connector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	if c.own != nil {
		defer c.own.CloseIdleConnections()
	}
	p := parsePlace(from)
	err := c.attempt(ctx, &p, sink)
	if !errors.Is(err, errStale) {
		return err
	}
	// Discord has forgotten the session. It asks for a pause of 1 to 5 seconds
	// before the next: https://discord.com/developers/docs/events/gateway#resuming
	p.forget()
	pause := time.NewTimer(time.Second + time.Duration(rand.Int64N(int64(4*time.Second))))
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-pause.C:
	}
	if err = c.attempt(ctx, &p, sink); errors.Is(err, errStale) {
		return &platforms.Error{Kind: platforms.Temporary, Text: "Discord gives this bot no lasting session. The next try follows by itself.", Err: err}
	}
	return err
}

// attempt is one connection. It fails with errStale where the session has ended.
func (c *connector) attempt(ctx context.Context, p *place, sink platforms.Sink) error {
	sink.State(platforms.State{Phase: platforms.Connecting})
	begin := p.Session == ""
	address, now, err := c.gatewayAt(ctx, begin)
	if err != nil {
		return err
	}
	sink.State(platforms.State{Phase: platforms.Connecting, Speaks: true})
	var s *session
	if !begin && c.trusted(p.Resume) {
		s, err = c.connect(ctx, p.Resume)
	}
	if s == nil && ctx.Err() == nil {
		s, err = c.connect(ctx, address)
	}
	if err != nil {
		return err
	}
	r := &run{c: c, s: s, sink: sink, place: p, now: now, late: map[snow]bool{}, slots: make(chan struct{}, acksMost)}
	return r.run(ctx, begin)
}

// run is one connection's way from Hello to its end.
type run struct {
	c     *connector
	s     *session
	sink  platforms.Sink
	place *place
	now   time.Time // of the server, as it was before the session began

	frames chan frame
	failed error // why the connection ended; set before frames is closed

	late  map[snow]bool // servers that were out of order when the session began
	since snow          // behind which their histories are read

	dirty bool // the place has moved since it was told
	told  time.Time
	up    bool // the gateway greeted us

	slots chan struct{}
	acks  sync.WaitGroup
}

func (r *run) run(ctx context.Context, begin bool) error {
	inner, cancel := context.WithCancel(ctx)
	r.frames = make(chan frame, queueMost)
	ended := make(chan struct{})
	dead := make(chan error, 1)
	go func() {
		defer close(ended)
		err := r.s.keep(inner)
		dead <- err
		_ = r.s.ws.Close() // ends reading
	}()
	go func() {
		defer close(r.frames)
		err := r.s.listen(inner, r.frames, func() {
			r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
		})
		select {
		case first := <-dead:
			err = first // the reader only saw that the connection was closed
		default:
		}
		r.failed = err
	}()
	err := r.take(ctx, begin)
	cancel()
	r.s.close()
	for range r.frames { // until the reader has ended
	}
	<-ended
	r.acks.Wait()
	if ctx.Err() != nil && platforms.KindOf(err) == platforms.Temporary {
		return ctx.Err()
	}
	return err
}

// over explains why frames was closed.
func (r *run) over(ctx context.Context) error {
	// What silenced this connection silenced those that lie idle too.
	r.c.api.http.CloseIdleConnections()
	return r.c.broken(ctx, r.failed)
}

// take greets the gateway, fetches what was missed, and stores what comes.
func (r *run) take(ctx context.Context, begin bool) error {
	var err error
	if begin {
		err = r.s.identify(r.c.api.token)
	} else {
		err = r.s.resume(r.c.api.token, *r.place)
	}
	if err != nil {
		return r.c.broken(ctx, err)
	}
	var held []frame
	if begin {
		if held, err = r.begin(ctx); err != nil {
			return err
		}
	}
	note := time.NewTicker(noteEvery)
	defer note.Stop()
	greet := time.NewTimer(greetTime)
	defer greet.Stop()
	for {
		for len(held) > 0 {
			n := min(len(held), gatherMost)
			if err := r.store(ctx, held[:n]); err != nil {
				return err
			}
			held = held[n:]
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-greet.C:
			if !r.up {
				return misunderstood(http.StatusSwitchingProtocols)
			}
		case <-note.C:
			if err := r.note(ctx, true); err != nil {
				return err
			}
		case f, ok := <-r.frames:
			if !ok {
				return r.over(ctx)
			}
			held = r.gather(f)
		}
	}
}

// gather is f and what has come behind it.
func (r *run) gather(f frame) []frame {
	all := []frame{f}
	for len(all) < gatherMost {
		select {
		case g, ok := <-r.frames:
			if !ok {
				return all
			}
			all = append(all, g)
		default:
			return all
		}
	}
	return all
}

// greeted says that the gateway talks to us.
func (r *run) greeted() {
	if !r.up {
		r.up = true
		r.sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
	}
}

// begin waits for Ready and for the servers, and fetches what was missed. It
// returns what came in between, which goes behind that.
func (r *run) begin(ctx context.Context) (held []frame, err error) {
	limit := time.NewTimer(greetTime)
	defer limit.Stop()
	var got *ready
	missing := map[snow]bool{}
	var guilds []guild
	fresh := place{}
	for got == nil || len(missing) > 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-limit.C:
			if got == nil {
				return nil, misunderstood(http.StatusSwitchingProtocols)
			}
			// A server that is out of order is not waited for.
			maps.Copy(r.late, missing)
			clear(missing)
		case f, ok := <-r.frames:
			switch {
			case !ok:
				return nil, r.over(ctx)
			case f.Type == "READY" && got == nil:
				got = &ready{}
				if !read(f.Data, got) || got.Session == "" || got.User.ID == 0 {
					return nil, misunderstood(http.StatusSwitchingProtocols)
				}
				r.c.know(self{got.User.ID, got.Application.ID})
				fresh.Session, fresh.Resume = got.Session, got.Resume
				for _, g := range got.Guilds {
					missing[g.ID] = true
				}
				limit.Reset(guildsTime)
			case f.Type == "GUILD_CREATE":
				var g guild
				if read(f.Data, &g) && g.ID != 0 {
					r.c.places.guild(g)
					guilds = append(guilds, g)
					delete(missing, g.ID)
					if g.Unavailable {
						r.late[g.ID] = true
					}
				}
			case f.Type == "GUILD_DELETE": // it is out of order
				var g guild
				if read(f.Data, &g) && missing[g.ID] {
					delete(missing, g.ID)
					r.late[g.ID] = true
				}
			default:
				if held = append(held, f); len(held) >= 8*queueMost {
					maps.Copy(r.late, missing)
					clear(missing)
				}
			}
			if f.Seq != nil && len(held) == 0 {
				fresh.Seq = *f.Seq
			}
		}
	}
	r.greeted()
	if r.place.Last == 0 {
		r.place.First = snowAt(r.now)
		for _, g := range guilds {
			for _, list := range [][]channel{g.Channels, g.Threads} {
				for _, ch := range list {
					r.place.First = max(r.place.First, ch.LastMessage)
				}
			}
		}
		r.place.Last = r.place.First
		clear(r.late)
	} else {
		r.since = r.place.since()
		sources, notes := r.sources(guilds, r.since, r.place.Direct)
		if err := r.catchUp(ctx, sources, notes); err != nil {
			return nil, err
		}
	}
	r.place.Session, r.place.Resume, r.place.Seq = fresh.Session, fresh.Resume, fresh.Seq
	r.dirty = true
	return held, r.note(ctx, true)
}

// note tells where to resume, if it has moved: at once, or when the last time is
// a while ago.
func (r *run) note(ctx context.Context, now bool) error {
	if !r.dirty || !now && time.Since(r.told) < noteEvery/6 {
		return nil
	}
	if err := r.sink.Event(ctx, platforms.Event{Cursor: r.place.cursor()}); err != nil {
		return err
	}
	r.dirty, r.told = false, time.Now()
	return nil
}

// store stores the events of frames, in order.
func (r *run) store(ctx context.Context, frames []frame) error {
	var evs []platforms.Event
	for _, f := range frames {
		if f.Type == "GUILD_CREATE" && len(r.late) > 0 {
			if err := r.deliver(ctx, evs); err != nil {
				return err
			}
			evs = nil
			if err := r.returned(ctx, f); err != nil {
				return err
			}
		}
		ev, ok, err := r.event(ctx, f)
		if err != nil {
			// What came before it is good: it is not asked for again.
			return cmp.Or(r.deliver(ctx, evs), err)
		}
		if f.Seq != nil {
			r.place.Seq = *f.Seq
			r.dirty = true
		}
		if ok {
			ev.Cursor = r.place.cursor()
			evs = append(evs, ev)
		}
	}
	if len(evs) == 0 {
		return r.note(ctx, false)
	}
	return r.deliver(ctx, evs)
}

func (r *run) deliver(ctx context.Context, evs []platforms.Event) error {
	if len(evs) == 0 {
		return nil
	}
	if b, ok := r.sink.(platforms.Batcher); ok && len(evs) > 1 {
		if err := b.Events(ctx, evs); err != nil {
			return err
		}
		for _, ev := range evs {
			r.stored(ctx, ev)
		}
	} else {
		for _, ev := range evs {
			if err := r.sink.Event(ctx, ev); err != nil {
				return err
			}
			r.stored(ctx, ev)
		}
	}
	r.dirty, r.told = false, time.Now()
	return nil
}

// stored acknowledges an interaction that was stored, beside what else comes.
func (r *run) stored(ctx context.Context, ev platforms.Event) {
	token, kind := ev.Reply, deferMessage
	if ev.Click != nil {
		token, kind = ev.Click.Token, deferUpdate
	}
	t, ok := ticketOf(token)
	if !ok {
		return
	}
	select {
	case r.slots <- struct{}{}:
	case <-ctx.Done():
		return
	}
	r.acks.Go(func() {
		defer func() { <-r.slots }()
		if err := r.c.acknowledge(ctx, t, kind); err != nil {
			r.c.log.warn(ctx, "an interaction was not acknowledged", err)
		}
	})
}
