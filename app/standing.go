package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// standing is a connection that is kept up, an account's or a relay's: how it is
// doing, and what interrupts it. Whoever embeds it keeps its own state under the
// same mu.
type standing struct {
	app *App
	log *slog.Logger

	stop context.CancelFunc // ends the supervisor; guarded by App.mu, as done is
	done chan struct{}      // closed when it has ended
	kick chan struct{}      // look again now

	mu        sync.Mutex
	client    *http.Client            // of the connection
	interrupt context.CancelCauseFunc // of the running attempt
	parked    *park                   // not to be retried without a person
	backoff   backoff
	kicked    time.Time
	round     int // counts what changed so that a former failure means nothing
	began     int // round of the running attempt

	status  api.Status
	note    string
	since   time.Time
	retryAt time.Time
}

func newStanding(a *App, log *slog.Logger) standing {
	return standing{app: a, log: log, kick: make(chan struct{}, 1), status: api.Connecting, since: a.now()}
}

// park is why a connection waits for a person.
type park struct {
	status api.Status
	note   string
	sends  bool // only what comes in is stopped
}

// Why an attempt was ended from our side.
var (
	errPaused  = errors.New("paused")
	errChanged = errors.New("the account was changed")
	errWoke    = errors.New("reconnecting")
)

// keep attempts again and again until ctx ends. ready reports whether to attempt
// at all, or to wait for a kick; settle says how long to wait after an attempt.
func (s *standing) keep(ctx context.Context, ready func() bool, attempt func(context.Context) error, settle func(error, time.Duration) time.Duration) {
	for ctx.Err() == nil {
		if !ready() {
			select {
			case <-ctx.Done():
			case <-s.kick:
			}
			continue
		}
		began := s.app.now()
		s.mu.Lock()
		s.began = s.round
		s.mu.Unlock()
		err := attempt(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := settle(err, s.app.now().Sub(began))
		if wait <= 0 {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// settleLocked decides what an ended attempt means: how the connection stands now
// and how long to wait before the next one. fault is what to say of a panic.
// s.mu is held.
func (s *standing) settleLocked(err error, lasted time.Duration, fault string) time.Duration {
	now := s.app.now()
	text := platforms.Explain(err)
	s.interrupt = nil
	if own(err) || s.began != s.round { // or it failed in the moment in which what it failed for was changed
		s.backoff.reset()
		return 0
	}
	if lasted > time.Minute {
		s.backoff.reset()
	}
	wait := s.backoff.next()
	level := slog.LevelWarn
	var told *platforms.Error
	if errors.As(err, &told) && told.RetryAfter > wait {
		wait = told.RetryAfter
	}
	switch kind := platforms.KindOf(err); {
	case errors.Is(err, errFault):
		s.parked = &park{status: api.Blocked, note: fault}
	case kind == platforms.Unauthorized:
		s.parked = &park{status: api.BadCredentials, note: text}
	case kind == platforms.NotAcknowledged:
		s.parked = &park{status: api.Blocked, note: text, sends: true}
	case kind == platforms.Rejected || kind == platforms.Unsupported:
		s.parked = &park{status: api.Blocked, note: text}
	case kind == platforms.Conflict:
		s.setLocked(api.Conflict, text, now.Add(wait))
	case kind == platforms.RateLimited:
		s.setLocked(api.RateLimited, text, now.Add(wait))
	case isVault(err) || isStore(err):
		s.setLocked(api.Blocked, text, now.Add(wait))
	default:
		s.setLocked(api.TransientDisconnect, text, now.Add(wait))
		level = slog.LevelInfo
	}
	if s.parked != nil {
		s.setLocked(s.parked.status, s.parked.note, time.Time{})
		wait = 0
	}
	s.log.Log(context.Background(), level, "disconnected", "status", string(s.status), "err", err, "retry_in", wait)
	return wait
}

// own reports whether an attempt was ended from our side.
func own(err error) bool {
	return errors.Is(err, errPaused) || errors.Is(err, errChanged) || errors.Is(err, errWoke)
}

// setLocked changes the status; s.mu is held.
func (s *standing) setLocked(status api.Status, note string, retry time.Time) {
	if s.status == status && s.note == note && s.retryAt.Equal(retry) {
		return
	}
	if s.status != status {
		s.since = s.app.now()
	}
	s.status, s.note, s.retryAt = status, note, retry
	s.app.changed()
}

// end interrupts a running attempt, or the wait before the next one.
func (s *standing) end(cause error) {
	s.mu.Lock()
	interrupt := s.interrupt
	s.mu.Unlock()
	if interrupt != nil {
		interrupt(cause)
	}
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// reconnect drops a connection that sleep or a network change has probably
// killed, at most every few seconds: some networks change often.
func (s *standing) reconnect(why string) {
	now := s.app.now()
	s.mu.Lock()
	early := now.Sub(s.kicked) < 5*time.Second
	if !early {
		s.kicked = now
	}
	client, limited, retryAt := s.client, s.status == api.RateLimited, s.retryAt
	s.backoff.reset()
	s.mu.Unlock()
	if early || (limited && now.Before(retryAt)) { // the other side asked for that wait
		return
	}
	if client != nil {
		client.CloseIdleConnections()
	}
	s.end(fmt.Errorf("%w: %s", errWoke, why))
}

// unpark lets a parked connection try again.
func (s *standing) unpark() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parked = nil
	s.round++
	s.backoff.reset()
	s.status = api.Connecting
}

// beginLocked starts the supervisor, unless there is one or the App ends. s.app.mu is
// held.
func (s *standing) beginLocked(supervise func(context.Context)) {
	if s.app.ctx == nil || s.app.ctx.Err() != nil || s.stop != nil {
		return
	}
	ctx, cancel := context.WithCancel(s.app.ctx)
	done := make(chan struct{})
	s.stop, s.done = cancel, done
	s.app.tasks.Go(func() {
		defer close(done)
		supervise(ctx)
	})
}

// shutdown ends the supervisor and waits for it.
func (s *standing) shutdown() {
	s.app.mu.Lock()
	stop, done := s.stop, s.done
	s.app.mu.Unlock()
	if stop == nil {
		return
	}
	stop()
	<-done
	s.app.mu.Lock()
	s.stop = nil
	s.app.mu.Unlock()
}
