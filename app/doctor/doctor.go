// Package doctor looks whether everything that Postern needs is there and
// works, and says what to do where it does not. Its checks are given what they
// ask as functions, so they know neither the program nor its faces; Run runs
// them side by side, within bounds, and survives each of them.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// The usual bounds of Run.
const (
	Limit = 30 * time.Second // of everything
	Each  = 10 * time.Second // of one check
	Crowd = 4                // checks that ask a platform, at a time
)

// mostText bounds each text of a finding, in code points.
const mostText = 600

// Probe is one check.
type Probe struct {
	ID      string // stable, unique in a run
	Title   string
	Account platforms.AccountID // that it is about, if it is about one

	// Remote says that it asks a platform: few of these run at a time.
	Remote bool

	// Run looks. It should end with ctx; where it does not, it is left behind.
	Run func(ctx context.Context) Result
}

// Result is what a Probe found.
type Result struct {
	State api.Health
	Text  string // what was found
	Do    string // what to do, in one or two sentences; empty for nothing
}

// Results in short.
func ok(format string, a ...any) Result {
	return Result{State: api.Healthy, Text: fmt.Sprintf(format, a...)}
}
func skip(text string) Result { return Result{State: api.Skipped, Text: text} }

// Options bound a Run. Zero fields mean the usual.
type Options struct {
	Limit, Each time.Duration
	Crowd       int
	Log         *slog.Logger // told of checks that broke
}

// Run runs every probe and calls tell with what each found, one at a time, from
// this goroutine. What can't be found out in time is found to be unknown. Its
// error is ctx's, where that ended first; nothing is told after it.
func Run(ctx context.Context, probes []Probe, o Options, tell func(api.Finding)) error {
	if o.Limit <= 0 {
		o.Limit = Limit
	}
	if o.Each <= 0 {
		o.Each = Each
	}
	if o.Crowd <= 0 {
		o.Crowd = Crowd
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	within, cancel := context.WithTimeout(ctx, o.Limit)
	defer cancel()
	found := make(chan api.Finding)
	room := make(chan struct{}, o.Crowd)
	var running sync.WaitGroup
	for _, p := range probes {
		running.Go(func() {
			f := Finding(p)
			r := o.one(within, p, room)
			f.State, f.Text, f.Do = r.State, text.Line(r.Text, mostText), text.Line(r.Do, mostText)
			select {
			case found <- f:
			case <-ctx.Done():
			}
		})
	}
	go func() {
		running.Wait()
		close(found)
	}()
	for f := range found {
		if ctx.Err() == nil {
			tell(f)
		}
	}
	return ctx.Err()
}

// Finding is p before it was looked at.
func Finding(p Probe) api.Finding {
	return api.Finding{ID: p.ID, Title: text.Line(p.Title, 120), Account: p.Account}
}

// one runs one probe within its bounds.
func (o Options) one(ctx context.Context, p Probe, room chan struct{}) Result {
	if p.Remote {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return Result{api.Unclear, "There was no time left to look at this.", "Run the doctor again."}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, o.Each)
	defer cancel()
	done := make(chan Result, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				o.Log.Error("panic in a check of the doctor", "check", p.ID, "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
				done <- Result{api.Unclear, "A fault inside Postern broke this check.", "Please report what the log says about it."}
			}
		}()
		done <- p.Run(ctx)
	}()
	select {
	case r := <-done:
		return r.whole(p)
	case <-ctx.Done():
	}
	select { // it may have answered at the last moment
	case r := <-done:
		return r.whole(p)
	default:
		return late(ctx.Err())
	}
}

// whole is r, unless it says nothing.
func (r Result) whole(p Probe) Result {
	if r.State == "" {
		return Result{api.Unclear, "The check " + p.ID + " found nothing out.", "Run the doctor again."}
	}
	return r
}

func late(err error) Result {
	if errors.Is(err, context.DeadlineExceeded) {
		return Result{api.Unclear, "There was no answer in time.", "Run the doctor again. If it stays like this, what is asked here is stuck."}
	}
	return Result{api.Unclear, "The check was interrupted.", "Run the doctor again."}
}
