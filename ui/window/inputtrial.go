package window

import (
	"context"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

// inputTrial tries what is written in a field on a request that is kept, once
// the person pauses.
type inputTrial struct {
	f        *inputForm
	key      string
	e        *entry
	out      *text
	off      bool // the field holds no expression now
	stop     func()
	debounce func()
}

func (f *inputForm) trial(key string, e *entry) *inputTrial {
	t := &inputTrial{f: f, key: key, e: e, out: newText("", look{size: sizeSmall, mono: true, wrap: true})}
	t.out.Hide()
	e.OnChanged = func(string) {
		f.mark(key, "")
		t.soon()
	}
	return t
}

func (t *inputTrial) soon() {
	t.cancel()
	t.debounce = t.f.w.b.after(300*time.Millisecond, t.run)
}

func (t *inputTrial) cancel() {
	if t.debounce != nil {
		t.debounce()
	}
	if t.stop != nil {
		t.stop()
	}
	t.debounce, t.stop = nil, nil
}

// run tries it. Without a request to try it on, it is only checked.
func (t *inputTrial) run() {
	t.cancel()
	if t.off || strings.TrimSpace(t.e.Text) == "" || !t.f.looked {
		t.say("", false)
		return
	}
	q, svc := api.InputTrial{Request: t.f.sample.ID, Expr: t.e.Text}, t.f.w.svc
	t.stop = call(t.f.w.b, briefly, func(ctx context.Context) (api.InputTried, error) { return svc.TryInput(ctx, q) }, func(r api.InputTried, err error) {
		t.stop = nil
		switch {
		case r.Problem != "":
			t.f.mark(t.key, r.Problem)
			t.say("", false)
		case err != nil && q.Request == 0 && told(err) != nil: // there is none to try it on
			t.say("Nothing that arrived is kept yet to try it on.", false)
		case err != nil:
			t.say("It could not be tried. "+explain(err), true)
		default:
			s, more := model.BodyText(model.AsRaw, []byte(r.Text), mostAnswer)
			if more {
				s += " …"
			}
			if s == "" {
				s = "(an empty text)"
			}
			t.say("Tried on the request of "+moment(t.f.sample.At)+":\n"+s, false)
		}
	})
}

func (t *inputTrial) say(s string, bad bool) {
	t.out.tint(colorMuted)
	if bad {
		t.out.tint(colorBad)
	}
	t.out.set(s)
	setVisible(t.out, s != "")
	t.f.refresh()
}

// look finds a request to try expressions on: the newest that is kept, unless
// one was given.
func (f *inputForm) look() {
	if f.sample.ID != 0 {
		f.found()
		return
	}
	id, svc := f.in.Account, f.w.svc
	f.stop = call(f.w.b, briefly, func(ctx context.Context) ([]api.InputRequest, error) {
		return svc.Requests(ctx, api.InputQuery{Account: id, Only: "verified", Limit: 20})
	}, func(rs []api.InputRequest, _ error) { // without one, expressions are only checked
		f.stop = nil
		for _, r := range rs {
			if !r.Erased {
				f.sample = r
				break
			}
		}
		f.found()
	})
}

func (f *inputForm) found() {
	f.looked = true
	for _, t := range f.trials {
		t.run()
	}
}

// end ends what is under way.
func (f *inputForm) end() {
	if f.stop != nil {
		f.stop()
	}
	for _, t := range f.trials {
		t.cancel()
	}
}
