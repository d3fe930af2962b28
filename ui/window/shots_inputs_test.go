package window

import (
	"strings"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
)

// inputScenes are the pictures of what comes in from outside.
func inputScenes() []scene {
	narrow := fyne.NewSize(660, 560)
	page := func(s *stage) { s.w.Go(PageInputs); s.settle() }
	arrived := func(s *stage) { page(s); s.w.inputs.arrivedAt(""); s.settle() }
	detail := func(i int) func(*stage) {
		return func(s *stage) {
			arrived(s)
			s.capture()
			s.w.inputs.arrived.pick(s.f.came.requests[i])
			s.settle()
		}
	}
	replay := func(s *stage) {
		arrived(s)
		s.w.replayRequest(s.f.came.requests[0])
		s.settle()
	}
	compare := func(s *stage) {
		arrived(s)
		c := s.w.compareRequests(s.w.inputs.arrived, s.f.came.requests[0])
		s.settle()
		c.against(s.f.came.requests[7])
		s.settle()
	}
	return []scene{
		{name: "inputs", f: inputs, play: page},
		{name: "inputs-narrow", f: inputs, play: page, size: narrow},
		{name: "inputs-empty", f: sample, play: page},
		{name: "arrived", f: inputs, play: arrived},
		{name: "arrived-narrow", f: inputs, play: arrived, size: narrow},
		{name: "arrived-empty", f: sample, play: arrived},
		{name: "arrived-detail", f: inputs, play: detail(0)},
		{name: "arrived-refused", f: inputs, play: detail(2)},
		{name: "arrived-hostile", f: inputs, play: detail(7)},
		{name: "arrived-erased", f: inputs, play: detail(5)},
		{name: "arrived-detail-narrow", f: inputs, play: detail(0), size: narrow},
		{name: "arrived-huge", f: func() *fake {
			f := inputs()
			f.came.requests[0].Body = []byte(`{"all":"` + strings.Repeat("abc ", 1<<18) + `"}`)
			f.came.requests[0].Size = 1 << 20
			return f
		}, play: detail(0)},
		{name: "replay", f: inputs, play: replay},
		{name: "replay-done", f: inputs, play: func(s *stage) { replay(s); s.press("Replay") }},
		{name: "replay-narrow", f: inputs, play: func(s *stage) { replay(s); s.press("Edit before it is replayed"); s.press("Those that I choose") }, size: narrow},
		{name: "replay-entry", f: inputs, play: func(s *stage) { page(s); s.w.replayEntry(105); s.settle() }},
		{name: "compare-choose", f: inputs, play: func(s *stage) { arrived(s); s.w.compareRequests(s.w.inputs.arrived, s.f.came.requests[0]) }},
		{name: "compare", f: inputs, play: compare},
		{name: "compare-narrow", f: inputs, play: compare, size: narrow},
		{name: "input-settings", f: inputs, play: func(s *stage) { page(s); s.w.inputSettings(s.w.inputs, s.f.came.inputs[2], nil) }},
		{name: "input-settings-narrow", f: inputs, play: func(s *stage) {
			page(s)
			s.w.inputSettings(s.w.inputs, s.f.came.inputs[2], nil).fail(&api.Error{Text: "The expression can't be used.", Fields: map[string]string{"transform": "json has no field textt."}})
		}, size: narrow},
		{name: "input-register", f: inputs, play: func(s *stage) { page(s); s.w.register(s.w.inputs, s.f.came.inputs[1]); s.settle() }},
		{name: "input-registered", f: inputs, play: func(s *stage) { page(s); s.w.register(s.w.inputs, s.f.came.inputs[0]); s.settle() }},
		{name: "input-register-narrow", f: inputs, play: func(s *stage) {
			page(s)
			g := s.w.register(s.w.inputs, s.f.came.inputs[1])
			s.settle()
			g.tell()
		}, size: narrow},
	}
}
