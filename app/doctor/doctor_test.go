package doctor_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
)

// run is what the probes find, by id.
func run(t *testing.T, ctx context.Context, probes ...doctor.Probe) (map[string]api.Finding, error) {
	t.Helper()
	found := map[string]api.Finding{}
	err := doctor.Run(ctx, probes, doctor.Options{}, func(f api.Finding) {
		if _, twice := found[f.ID]; twice {
			t.Errorf("%s was told twice", f.ID)
		}
		found[f.ID] = f
	})
	return found, err
}

func fine(context.Context) doctor.Result { return doctor.Result{State: api.Healthy, Text: "Fine."} }

func TestAProbeBreaksNothingButItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		stuck := make(chan struct{})
		defer close(stuck)
		found, err := run(t, t.Context(),
			doctor.Probe{ID: "fine", Run: fine},
			doctor.Probe{ID: "panics", Run: func(context.Context) doctor.Result { panic("oh") }},
			doctor.Probe{ID: "nothing", Run: func(context.Context) doctor.Result { return doctor.Result{} }},
			doctor.Probe{ID: "slow", Run: func(ctx context.Context) doctor.Result { <-ctx.Done(); return fine(ctx) }},
			doctor.Probe{ID: "stuck", Run: func(context.Context) doctor.Result { <-stuck; return doctor.Result{State: api.Healthy} }},
			doctor.Probe{ID: "evil", Title: "a\nb\u202e", Run: func(context.Context) doctor.Result {
				return doctor.Result{State: api.Sick, Text: "x\x1b[31m\ny", Do: strings.Repeat("long ", 1000)}
			}},
		)
		if err != nil || len(found) != 6 {
			t.Fatalf("%v: %v", err, found)
		}
		for id, want := range map[string]api.Health{"fine": api.Healthy, "panics": api.Unclear, "nothing": api.Unclear, "stuck": api.Unclear, "evil": api.Sick} {
			if f := found[id]; f.State != want || want == api.Unclear && f.Do == "" {
				t.Errorf("%+v", f)
			}
		}
		if f := found["evil"]; f.Title != "a b" || strings.ContainsAny(f.Text, "\x1b\n") || len(f.Do) > 700 {
			t.Errorf("%+v", f)
		}
		if took := time.Since(began); took != doctor.Each {
			t.Errorf("it took %s", took)
		}
	})
}

func TestPlatformsAreAskedFourAtATimeWithinTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var now, most, asked atomic.Int32
		var probes []doctor.Probe
		for i := range 20 {
			probes = append(probes, doctor.Probe{ID: fmt.Sprint(i), Remote: true, Run: func(ctx context.Context) doctor.Result {
				asked.Add(1)
				n := now.Add(1)
				defer now.Add(-1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				select {
				case <-time.After(doctor.Each - time.Second):
				case <-ctx.Done():
				}
				return fine(ctx)
			}})
		}
		found, err := run(t, t.Context(), append(probes, doctor.Probe{ID: "local", Run: fine})...)
		if err != nil || len(found) != 21 || found["local"].State != api.Healthy {
			t.Fatalf("%v, %d found", err, len(found))
		}
		if took := time.Since(began); took != doctor.Limit || most.Load() != doctor.Crowd || asked.Load() != 16 {
			t.Errorf("it took %s, %d at a time, %d asked", took, most.Load(), asked.Load())
		}
		never := 0
		for _, f := range found {
			if f.State == api.Unclear {
				never++
			}
			if f.Text == "" {
				t.Errorf("%+v", f)
			}
		}
		// Four had no turn. Those whose turn the end cut short may have answered
		// in the same instant.
		if never < 4 || never > 8 {
			t.Errorf("%d were not looked at", never)
		}
	})
}

func TestCancelling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		began := time.Now()
		found, err := run(t, ctx, doctor.Probe{ID: "fine", Run: fine},
			doctor.Probe{ID: "slow", Run: func(ctx context.Context) doctor.Result { <-ctx.Done(); return fine(ctx) }})
		if !errors.Is(err, context.Canceled) || len(found) != 1 || time.Since(began) != time.Second {
			t.Errorf("%v after %s: %v", err, time.Since(began), found)
		}
	})
}
