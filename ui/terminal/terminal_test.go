package terminal

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// scene is a Source that a test changes.
type scene struct {
	mu       sync.Mutex
	snapshot api.Snapshot
	activity []api.Activity // oldest first
	entries  map[uint64]api.Entry
	hide     bool
}

func (s *scene) source() Source {
	return Source{
		Snapshot: func() api.Snapshot {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.snapshot
		},
		Activity: func(limit int) ([]api.Activity, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			list := slices.Clone(s.activity)
			slices.Reverse(list)
			return list[:min(limit, len(list))], nil
		},
		Entry: func(seq uint64) (api.Entry, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.entries[seq], nil
		},
		Title:    func(platforms.AccountID, platforms.ConversationID) string { return "Room\x1b[2J" },
		HideText: func() bool { return s.hide },
	}
}

func (s *scene) add(a api.Activity, e api.Entry) {
	a.Seq = uint64(len(s.activity) + 1)
	a.Entry, e.Seq = a.Seq, a.Seq
	s.activity = append(s.activity, a)
	if s.entries == nil {
		s.entries = map[uint64]api.Entry{}
	}
	s.entries[a.Seq] = e
}

// show runs a Terminal over what step does.
func (s *scene) show(step func()) string {
	var out bytes.Buffer
	t := New(&out, s.source())
	t.now = func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	changed := make(chan struct{})
	done := make(chan struct{})
	go func() { t.Run(context.Background(), changed); close(done) }()
	changed <- struct{}{} // the first picture is drawn
	s.mu.Lock()
	step()
	s.mu.Unlock()
	changed <- struct{}{}
	close(changed)
	<-done
	return out.String()
}

func TestTerminal(t *testing.T) {
	ann := platforms.User{ID: "1", Name: "Ann\x07\u202e"}
	tests := map[string]struct {
		before func(*scene)
		step   func(*scene)
		want   []string
		not    []string
	}{
		"empty":               {want: []string{"No accounts yet. Add one with: postern accounts add PLATFORM"}},
		"old news is no news": {before: func(s *scene) { s.add(api.Activity{What: api.Routed}, api.Entry{From: ann, Text: "yesterday"}) }, not: []string{"yesterday"}},
		"a message": {step: func(s *scene) {
			s.add(api.Activity{What: api.Routed}, api.Entry{From: ann, Text: "hi\x1b[31m", Stranger: true})
		}, want: []string{"✉ Ann (stranger) in Room"}, not: []string{"\x1b", "\x07", "\u202e"}},
		"several accounts": {before: func(s *scene) {
			s.snapshot.Accounts = []api.Account{{ID: "a", Title: "Fake"}, {ID: "b", Title: "Other", Name: "one"}, {ID: "c", Title: "Other", Name: "two"}}
		}, step: func(s *scene) {
			s.add(api.Activity{What: api.Routed, Account: "a"}, api.Entry{From: ann, Text: "hi"})
			s.add(api.Activity{What: api.SentOut, Account: "c"}, api.Entry{Text: "yes"})
		}, want: []string{"✉ Fake · Ann", "↩ Other two · to Room"}},
		"hidden":         {before: func(s *scene) { s.hide = true }, step: func(s *scene) { s.add(api.Activity{What: api.Routed}, api.Entry{From: ann, Text: "private"}) }, want: []string{"(hidden)"}, not: []string{"private"}},
		"an answer":      {step: func(s *scene) { s.add(api.Activity{What: api.SentOut}, api.Entry{Text: "yes"}) }, want: []string{"↩ to Room", "yes"}},
		"a dead letter":  {step: func(s *scene) { s.add(api.Activity{What: api.DiedOut, Why: "Chat not found."}, api.Entry{Text: "x"}) }, want: []string{"could not be sent. Chat not found."}},
		"a held message": {step: func(s *scene) { s.add(api.Activity{What: api.Ignored, Why: "older than 10m0s"}, api.Entry{From: ann}) }, want: []string{"not handed on: older than 10m0s"}},
		"an account in trouble": {step: func(s *scene) {
			s.snapshot.Accounts = []api.Account{{ID: "a", Title: "Fake", Handle: "@b", Status: api.BadCredentials, Note: "Paste it again.", Exposure: exposure.Outbound}}
		}, want: []string{"Fake", "@b", "outbound socket", "Paste it again."}},
		"a notice": {step: func(s *scene) { s.snapshot.Notices = []api.Notice{{ID: "n", Text: "The journal was damaged."}} }, want: []string{"Notice: The journal was damaged."}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := &scene{}
			if tt.before != nil {
				tt.before(s)
			}
			got := s.show(func() {
				if tt.step != nil {
					tt.step(s)
				}
			})
			for _, w := range tt.want {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in:\n%s", w, got)
				}
			}
			for _, n := range tt.not {
				if strings.Contains(got, n) {
					t.Errorf("%q in:\n%s", n, got)
				}
			}
		})
	}
}
