package app

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// settingRelays is the journal's name for the relays that were set up.
const settingRelays = "relays"

// Bounds of what can be set up.
const (
	mostRelays   = 20
	mostChannels = 50 // of one relay
	mostGaps     = 20 // that are remembered of one relay
)

// relays is the servers that take requests for us.
type relays struct {
	kinds    []RelayKind
	changing sync.Mutex // held while a change is saved; before mu
	mu       sync.Mutex
	list     []*relayed
}

// relaySetup is a relay as a person set it up.
type relaySetup struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"`
	Name     string            `json:"name"`
	Settings map[string]string `json:"settings,omitempty"`
	Secrets  []string          `json:"secrets,omitempty"` // which there are
	Channels []relayLead       `json:"channels"`
	Paused   bool              `json:"paused,omitempty"`
}

// relayLead is where a channel leads.
type relayLead struct {
	Channel string              `json:"channel,omitempty"`
	Account platforms.AccountID `json:"account,omitempty"` // empty: it was removed
	Was     string              `json:"was,omitempty"`     // the removed account's name
	Path    string              `json:"path,omitempty"`
	Public  string              `json:"public,omitempty"`
}

// vaultID is what the relay's secrets are kept under, as if it were an account.
func (s relaySetup) vaultID() platforms.AccountID { return platforms.AccountID("relay:" + s.ID) }

func (s relaySetup) asAccount() store.Account {
	return store.Account{ID: s.vaultID(), Name: s.Name, Settings: s.Settings, Secrets: s.Secrets}
}

// relayMemory is what a relay goes on from after a restart. Nothing depends on
// it but where the relay begins and what is told of gaps.
type relayMemory struct {
	Cursor relay.Cursor   `json:"cursor,omitempty"`
	Left   time.Time      `json:"left,omitzero"` // last known to be connected
	Gaps   []api.RelayGap `json:"gaps,omitempty"`
}

func (s relaySetup) memoryName() string { return "relay:" + s.ID }

// openRelays reads what a person set up. Nothing is dialled yet.
func (a *App) openRelays(ctx context.Context) error {
	a.relays.kinds = append(relayKinds(), a.o.Relays...)
	for _, k := range a.relays.kinds {
		if k.Keeps > keepsMost {
			return fmt.Errorf("%s may hand a request over after %s, and events are remembered for %s only", k.Title, k.Keeps, store.Remembers)
		}
	}
	var set []relaySetup
	if err := a.recallOr(settingRelays, &set, "The relays can't be trusted: they were changed by something other than Postern, and are not dialled. Set them up again on the page Relays."); err != nil {
		return err
	}
	for _, s := range set {
		r := newRelayed(a, s)
		if _, err := a.store.Setting(s.memoryName(), &r.kept); err != nil {
			return err
		}
		if k, ok := a.relays.kind(s.Kind); ok {
			// What can't be had now is told when it is dialled.
			if secrets, err := a.keptSecrets(ctx, s.asAccount()); err == nil {
				r.learn(k, secrets)
			}
		}
		a.relays.list = append(a.relays.list, r)
	}
	return nil
}

func (rs *relays) all() []*relayed {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return slices.Clone(rs.list)
}

func (rs *relays) kind(name string) (RelayKind, bool) {
	for _, k := range rs.kinds {
		if k.Name == name {
			return k, true
		}
	}
	return RelayKind{}, false
}

func (a *App) relay(id string) (*relayed, error) {
	for _, r := range a.relays.all() {
		if r.id == id {
			return r, nil
		}
	}
	return nil, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no relay %q. The list of relays shows the names.", cut(id, 60))}
}

// RelayKinds is what can be set up.
func (a *App) RelayKinds() []api.RelayKind {
	out := make([]api.RelayKind, 0, len(a.relays.kinds))
	for _, k := range a.relays.kinds {
		out = append(out, api.RelayKind{Name: k.Name, Title: k.Title, Summary: k.Summary, Fields: fieldsOf(k.Fields),
			Many: k.Many, Word: k.Word, Exact: k.Exact, Warning: k.Warning, Setup: k.Setup})
	}
	return out
}

// Relays is those that are set up.
func (a *App) Relays() []api.Relay {
	out := []api.Relay{}
	for _, r := range a.relays.all() {
		out = append(out, r.view())
	}
	return out
}

// view is r as it stands.
func (r *relayed) view() api.Relay {
	kind, known := r.app.relays.kind(r.kindName())
	problems := r.problems()
	r.mu.Lock()
	defer r.mu.Unlock()
	v := api.Relay{ID: r.id, Kind: r.set.Kind, Title: cmp.Or(kind.Title, r.set.Kind), Name: r.set.Name, Settings: maps.Clone(r.set.Settings),
		Secrets: maps.Clone(r.hints), Channels: []api.RelayChannel{}, Paused: r.set.Paused,
		Status: r.status, Note: r.note, Since: r.since, RetryAt: r.retryAt, Warning: kind.Warning,
		Last: r.counts.last, Taken: r.counts.taken, Refused: r.counts.refused, Gaps: slices.Clone(r.kept.Gaps)}
	if !known {
		v.Warning = "This version does not know this kind of relay."
	}
	if r.inexact {
		v.Warning = text.Sentence("requests came whose bytes the relay had changed; where a signature covers the body, they are refused")
	}
	for i, c := range r.set.Channels {
		n := r.by[c.Channel]
		v.Channels = append(v.Channels, api.RelayChannel{Channel: c.Channel, Account: c.Account, Path: c.Path, Public: c.Public,
			Input: n.input, Last: n.last, Taken: n.taken, Refused: n.refused, Problem: problems[i]})
	}
	return v
}
