package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

const (
	settingLeases = "leases"
	// mostLeases bounds how many conversations have a holder; the oldest lease
	// goes first.
	mostLeases = 1000
)

// leases is which Talker has which conversation, so that several share a bot
// without answering over one another.
type leases struct {
	mu sync.Mutex
	m  map[lane]api.Lease
	// save is told that something changed; saving is held while it is written
	// down, so that what is written last is the latest.
	save   func()
	saving sync.Mutex // before mu
}

// apply is which of the ids get an event of l: of those that talk, one. held is
// who it is; its Since is zero where it has the conversation from now on.
func (s *leases) apply(l lane, ids []string, talks func(string) bool) (out []string, held api.Lease) {
	s.mu.Lock()
	lease, leased := s.m[l]
	s.mu.Unlock()
	if leased && !talks(lease.Holder) { // off, removed, or broken: somebody else may
		leased = false
	}
	var first string
	for _, id := range ids {
		if !talks(id) {
			out = append(out, id)
		} else if first == "" {
			first = id
		}
	}
	switch {
	case leased && (first != "" || lease.Given):
		return append(out, lease.Holder), lease
	case first != "":
		return append(out, first), api.Lease{Holder: first}
	}
	return out, api.Lease{}
}

// take notes who has a conversation.
func (s *leases) take(l lane, lease api.Lease) {
	s.mu.Lock()
	if s.m == nil {
		s.m = map[lane]api.Lease{}
	}
	lease.Account, lease.Conversation = l.account, l.conversation
	if _, known := s.m[l]; !known && len(s.m) >= mostLeases {
		oldest := slices.MinFunc(slices.Collect(maps.Values(s.m)), func(a, b api.Lease) int { return a.Since.Compare(b.Since) })
		delete(s.m, lane{oldest.Account, oldest.Conversation})
	}
	s.m[l] = lease
	s.mu.Unlock()
	s.save()
}

// drop ends the leases that pick says.
func (s *leases) drop(pick func(api.Lease) bool) {
	s.mu.Lock()
	before := len(s.m)
	maps.DeleteFunc(s.m, func(_ lane, l api.Lease) bool { return pick(l) })
	changed := len(s.m) != before
	s.mu.Unlock()
	if changed {
		s.save()
	}
}

// moved keeps a lease over a conversation's new id.
func (s *leases) moved(from, to lane) {
	s.mu.Lock()
	l, ok := s.m[from]
	delete(s.m, from)
	s.mu.Unlock()
	if ok {
		s.take(to, l)
	}
}

func (s *leases) list() []api.Lease {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.m), func(a, b api.Lease) int {
		return cmp.Or(b.Since.Compare(a.Since), cmp.Compare(a.Account, b.Account), cmp.Compare(a.Conversation, b.Conversation))
	})
}

// openLeases reads them.
func (a *App) openLeases() error {
	var saved []api.Lease
	if err := a.recallOr(settingLeases, &saved, "Which agent has which conversation was changed by something other than Postern, and is forgotten."); err != nil {
		return err
	}
	a.leases.m = map[lane]api.Lease{}
	for _, l := range saved {
		a.leases.m[lane{l.Account, l.Conversation}] = l
	}
	a.leases.save = func() {
		a.leases.saving.Lock()
		defer a.leases.saving.Unlock()
		a.leases.mu.Lock()
		all := slices.Collect(maps.Values(a.leases.m))
		a.leases.mu.Unlock()
		if err := a.keep(context.Background(), settingLeases, all); err != nil {
			a.log.Error("who has a conversation could not be kept", "err", err)
		}
		a.changed()
	}
	return nil
}

// Leases is which responder has which conversation, the newest first.
func (a *App) Leases() []api.Lease {
	out := a.leases.list()
	for i, l := range out {
		out[i].Title = a.Title(l.Account, l.Conversation)
		if r, ok := a.answering.find(l.Holder); ok {
			out[i].Label = r.label
		}
	}
	return out
}

// SetLease hands a conversation to a responder, or to nobody.
func (a *App) SetLease(ctx context.Context, l api.Lease) error {
	if _, err := a.account(l.Account); err != nil {
		return err
	}
	at := lane{l.Account, l.Conversation}
	if l.Conversation == "" {
		return &api.Error{Kind: platforms.Rejected, Text: "Say which conversation it is about."}
	}
	what := fmt.Sprintf("The conversation %s was taken from its agent.", l.Conversation)
	if l.Holder == "" {
		a.leases.drop(func(o api.Lease) bool { return o.Account == l.Account && o.Conversation == l.Conversation })
	} else {
		r, ok := a.answering.find(l.Holder)
		if !ok || !a.answering.talks(l.Holder) {
			return &api.Error{Kind: platforms.Rejected, Text: "A conversation can be handed to an agent that is set up and switched on. The list of responders shows which there are."}
		}
		a.leases.take(at, api.Lease{Holder: l.Holder, Since: a.now(), Given: true})
		what = fmt.Sprintf("The conversation %s was handed to %q.", l.Conversation, r.label)
	}
	a.audit(ctx, string(api.Changed), "", l.Account, what)
	return nil
}
