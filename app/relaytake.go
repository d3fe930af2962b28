package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// How often what a relay goes on from is written down, and how long a request
// that can't be stored now waits before it is tried once more.
const (
	rememberEvery = 250 * time.Millisecond
	laterFirst    = 100 * time.Millisecond
	laterMost     = 2 * time.Second
	leftEvery     = time.Minute      // how exactly it is known until when it was connected
	gapEvery      = 10 * time.Minute // between two lines on gaps that only may be
	gapTextMost   = 300
	stuckFor      = 2 * time.Minute // after which a request that is refused for now each time is given up
	stuckTries    = 3
)

// relaySink takes what a relay hands over.
type relaySink struct{ r *relayed }

var _ relay.Sink = (*relaySink)(nil)

// Ready is relay.Sink's.
func (s *relaySink) Ready(ctx context.Context, at relay.Cursor) error {
	r := s.r
	r.mu.Lock()
	r.setLocked(api.Connected, "", time.Time{})
	if at != "" {
		r.kept.Cursor = at
	}
	r.newerLocked() // it is connected, at least
	r.mu.Unlock()
	return r.anchor(ctx)
}

// anchor sees to it that some cursor is on disk, once there is one. A later one
// may lag: then requests come again. With none at all, those that came while
// nobody was connected would never be asked for.
func (r *relayed) anchor(ctx context.Context) error {
	r.mu.Lock()
	needed := r.kept.Cursor != "" && !r.anchored
	r.mu.Unlock()
	if !needed {
		return nil
	}
	return r.save(ctx)
}

// errNotNow says that a request could not be stored, and stays the relay's.
var errNotNow = &platforms.Error{Kind: platforms.Temporary, Text: "A request could not be stored, because its account is busy or has just gone. The relay is asked for it again."}

// Take is relay.Sink's. What an account can't take now is tried again until ctx
// ends; then it was not taken, and comes again where the relay keeps it.
func (s *relaySink) Take(ctx context.Context, q relay.Request) (relay.Response, error) {
	r := s.r
	to, ok := r.lead(q.Channel)
	if !ok {
		r.count(q, http.StatusNotFound)
		return relay.Response{Status: http.StatusNotFound}, r.anchor(ctx)
	}
	for wait := laterFirst; ; wait = min(2*wait, laterMost) {
		resp, err := r.app.doors.server.Relay(ctx, to, q)
		if err != nil {
			return resp, late(err)
		}
		if resp.Status != http.StatusServiceUnavailable && resp.Status != http.StatusTooManyRequests {
			r.unstick()
			r.count(q, resp.Status)
			return resp, r.anchor(ctx)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return s.later(ctx, q, resp)
		}
	}
}

// stuck is a request that was refused for now, again and again.
type stuck struct {
	what  [sha256.Size]byte
	since time.Time
	tries int
}

// later leaves a request with the relay. One that its account does not take for
// long, though the journal can be written, would hold up all behind it for ever:
// it is given up, and that is told.
func (s *relaySink) later(ctx context.Context, q relay.Request, resp relay.Response) (relay.Response, error) {
	r := s.r
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return resp, ctx.Err()
	}
	what := sha256.Sum256(append([]byte(q.ID+"\n"), q.Body...))
	now := r.app.now()
	r.mu.Lock()
	if r.stuck.what != what {
		r.stuck = stuck{what: what, since: now}
	}
	r.stuck.tries++
	over := r.stuck.tries >= stuckTries && now.Sub(r.stuck.since) >= stuckFor
	if over {
		r.newerLocked()
	}
	r.mu.Unlock()
	own := context.WithoutCancel(ctx)
	if !over || r.save(own) != nil {
		return resp, errNotNow
	}
	r.unstick()
	r.count(q, resp.Status)
	err := s.Gap(own, relay.Gap{Certain: true, Since: q.Received, Text: "A request was refused by its account for minutes, as one to try again later, and was given up."})
	return resp, err
}

func (r *relayed) unstick() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stuck = stuck{}
}

// late tells the time that a Take has from the end of its Run.
func late(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return errNotNow
	}
	return err
}

// count notes a request that is ours now.
func (r *relayed) count(q relay.Request, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	channel := r.nameLocked(q.Channel)
	n := r.by[channel]
	n.input = text.Line(q.Input, 100)
	for _, c := range []*counted{&n, &r.counts} {
		if status >= 200 && status < 300 {
			c.taken++
			c.last = r.app.now()
		} else {
			c.refused++
		}
	}
	r.by[channel] = n
	r.backoff.reset() // the connection is good for something
	r.inexact = r.inexact || !q.Exact
	if q.Cursor != "" {
		r.kept.Cursor = q.Cursor
		r.newerLocked()
	}
}

// nameLocked is the setup's name for a channel that a source names.
func (r *relayed) nameLocked(channel string) string {
	if k, ok := r.app.relays.kind(r.set.Kind); ok && !k.Many {
		return ""
	}
	return channel
}

// Gap is relay.Sink's. What may be missing since before this process began is
// judged by when the relay was connected last: a source does not know.
func (s *relaySink) Gap(ctx context.Context, g relay.Gap) error {
	r := s.r
	now := r.app.now()
	kind, _ := r.app.relays.kind(r.kindName())
	r.mu.Lock()
	if g.Cursor != "" {
		r.kept.Cursor = g.Cursor
		r.newerLocked()
	}
	since := g.Since
	if since.IsZero() {
		since = r.kept.Left
	}
	if !g.Certain && g.Since.IsZero() && (since.IsZero() || now.Sub(since) <= kind.Resends) {
		r.mu.Unlock()
		return nil // nothing was there yet, or it is kept
	}
	it := api.RelayGap{At: now, Since: since, Certain: g.Certain, Text: text.Line(g.Text, gapTextMost)}
	name := r.set.Name
	// One that comes again and again is one line, with the latest time.
	before := slices.IndexFunc(r.kept.Gaps, func(o api.RelayGap) bool {
		return o.Text == it.Text && o.Certain == it.Certain && now.Sub(o.At) < gapEvery
	})
	again, gaps := before >= 0, slices.Clone(r.kept.Gaps)
	if again {
		if first := gaps[before].Since; !first.IsZero() && first.Before(it.Since) {
			it.Since = first
		}
		gaps = slices.Delete(gaps, before, before+1)
	}
	r.kept.Gaps = append([]api.RelayGap{it}, gaps[:min(len(gaps), mostGaps-1)]...)
	r.newerLocked()
	r.mu.Unlock()
	if err := r.save(ctx); err != nil {
		return err
	}
	if again {
		r.app.changed()
		return nil
	}
	words := fmt.Sprintf("Requests by the relay “%s” may be missing: %s", name, it.Text)
	if it.Certain {
		words = fmt.Sprintf("Requests by the relay “%s” are missing: %s", name, it.Text)
	}
	r.app.record(ctx, store.Activity{What: string(api.Missed), Why: words})
	r.app.notice(ctx, "gap-"+r.id, it.Certain, words)
	return nil
}

// newerLocked notes that kept is newer than on disk; r.mu is held.
func (r *relayed) newerLocked() {
	r.unsaved = true
	select {
	case r.news <- struct{}{}:
	default:
	}
}

// remember writes down what the relay goes on from, until ctx ends. A crash
// brings again what came since; it is known by its events.
func (r *relayed) remember(ctx context.Context) {
	tick := time.NewTicker(leftEvery / 2)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-r.news:
			soon := time.NewTimer(rememberEvery) // one writing has many
			select {
			case <-ctx.Done():
			case <-soon.C:
			}
			soon.Stop()
		}
		now := r.app.now()
		r.mu.Lock()
		if r.status == api.Connected && (ctx.Err() != nil || now.Sub(r.kept.Left) >= leftEvery) {
			r.kept.Left, r.unsaved = now, true
		}
		r.mu.Unlock()
		if err := r.save(context.WithoutCancel(ctx)); err != nil {
			r.log.Warn("where a relay goes on could not be kept", "err", err)
		}
	}
}

// save writes kept if it changed.
func (r *relayed) save(ctx context.Context) error {
	r.mu.Lock()
	kept, unsaved, name := r.kept, r.unsaved, r.set.memoryName()
	kept.Gaps = append([]api.RelayGap(nil), kept.Gaps...)
	r.unsaved = false
	r.mu.Unlock()
	if !unsaved {
		return nil
	}
	if err := r.app.store.PutSetting(ctx, name, kept); err != nil {
		r.mu.Lock()
		r.newerLocked()
		r.mu.Unlock()
		return err
	}
	r.mu.Lock()
	r.anchored = kept.Cursor != ""
	r.mu.Unlock()
	return nil
}

// lead is where a source's channel goes.
func (r *relayed) lead(channel string) (ingress.Lead, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	kind, _ := r.app.relays.kind(r.set.Kind)
	channel = r.nameLocked(channel)
	for _, c := range r.set.Channels {
		if c.Channel == channel && c.Account != "" {
			return ingress.Lead{Account: c.Account, Path: c.Path, Via: r.set.Name, Keeps: kind.Keeps}, true
		}
	}
	return ingress.Lead{}, false
}
