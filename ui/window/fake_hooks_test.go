package window

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// fakeURL is obviously no hook's address.
const fakeURL = "http://127.0.0.1:47820/api/webhooks/execute/EXAMPLEtokenTHATopensNOTHING0000000000000000000000000000000000ab"

// webThings is what a fake tells of hooks and relays.
type webThings struct {
	hooks   api.Hooks
	tried   api.HookTried
	kinds   []api.RelayKind
	relays  []api.Relay
	checked api.RelayCheck
	refuse  error // changes fail with it

	drafts   []api.HookDraft
	changes  []api.HookChange
	tries    []api.HookTry
	overlaps []time.Duration
	dials    []api.RelayDraft // checked
	saved    []api.RelayDraft
}

func hookForms() []api.HookForm {
	return []api.HookForm{
		{Title: "Plain", Summary: `{"content": "Hello"}, and a username and avatar_url if you like`},
		{Dialect: "blocks", Title: "Slack", Summary: "what programs post to Slack's incoming webhooks", Docs: "https://docs.example.org/incoming", Suffix: "slack"},
		{Dialect: "alertmanager", Title: "Alertmanager", Summary: "Prometheus' groups of alerts", Docs: "https://docs.example.org/alerts", Suffix: "alertmanager"},
		{Dialect: "template", Title: "Any JSON", Summary: "shown by a template of yours", Docs: "https://pkg.go.dev/text/template"},
	}
}

// hooked is the sample with hooks.
func hooked() *fake {
	f := sample()
	f.web.hooks = api.Hooks{Bind: "127.0.0.1:47820", Address: "http://127.0.0.1:47820", Open: true, Forms: hookForms(), Hooks: []api.Hook{
		{ID: "h1", Account: "a2", Conversation: "c4", Label: "home", Where: "town-square", Name: "Build server", On: true, Marked: true,
			Created: ago(40 * 24 * time.Hour), LastUsed: ago(3 * time.Minute), Count: 2140, Rotating: noon.Add(6 * time.Hour)},
		{ID: "h2", Account: "a1", Conversation: "c1", Label: "family", Where: "Family", Name: "Doorbell", Dialect: "template", Template: "{{ .who }} rings", On: true,
			Created: ago(26 * time.Hour), Expires: noon.Add(12 * 24 * time.Hour), Limit: platforms.Rate{N: 5, Per: time.Minute, Burst: 2}},
		{ID: "h3", Account: "a1", Conversation: "c8", Label: "family", Where: "Allotment 14", Name: "Frost alarm", Dialect: "alertmanager",
			Created: ago(90 * 24 * time.Hour), LastUsed: ago(11 * 24 * time.Hour), Count: 1, Marked: true},
		{ID: "h4", Account: "gone", Conversation: "c9", Label: "old bot", Where: "Nightly", Name: "Nightly report", On: true,
			Created: ago(90 * 24 * time.Hour), Problem: "The account is gone. Remove the hook, or make one for another conversation."},
	}}
	f.web.tried = api.HookTried{Text: "Build 214: is green", Username: "CI"}
	return f
}

// relayed is the sample with relays.
func relayed() *fake {
	f := exposed()
	f.web.kinds = relayKinds()
	f.web.relays = []api.Relay{
		{ID: "r1", Kind: "buckets", Title: "Webhook Relay", Name: "shop relay", Status: api.Connected, Since: ago(5 * time.Hour), Last: ago(2 * time.Minute), Taken: 1412, Refused: 3,
			Settings: map[string]string{"server": "wss://relay.example.org"}, Secrets: map[string]string{"key": "…8f1c"},
			Channels: []api.RelayChannel{
				{Channel: "orders", Account: "a7", Public: "https://orders.relay.example.org/h/4f1c", Input: "in-1", Last: ago(2 * time.Minute), Taken: 1400},
				{Channel: "builds", Account: "a6", Path: "/builds/9d2e", Taken: 12, Refused: 3, Last: ago(3 * time.Hour), Problem: "Its requests are signed with another secret. Compare it with the sender's."}},
			Gaps: []api.RelayGap{{At: ago(4 * time.Hour), Since: ago(5 * time.Hour), Certain: true, Text: "The relay was away for longer than it keeps requests: 14 were dropped."},
				{At: ago(30 * time.Hour), Text: "The connection was lost, and this relay keeps nothing."}}},
		{ID: "r2", Kind: "events", Title: "smee", Name: "", Status: api.BadCredentials, Since: ago(9 * time.Minute), Note: "The channel is unknown there (404). Make a new one and paste its address.",
			Warning:  "It writes JSON anew, so a signature may not verify.",
			Channels: []api.RelayChannel{{Account: "a6", Public: "https://smee.example.org/Xy12"}}},
		{ID: "r3", Kind: "buckets", Title: "Webhook Relay", Name: "spare", Paused: true, Status: api.Paused, Channels: []api.RelayChannel{{Channel: "spare", Account: "a4"}}},
	}
	f.web.checked = api.RelayCheck{Text: "Connected. The relay knows the buckets orders and builds."}
	return f
}

func relayKinds() []api.RelayKind {
	return []api.RelayKind{
		{Name: "buckets", Title: "Webhook Relay", Summary: "Hosted, or on a server of your own. Keeps requests for ten minutes.", Many: true, Word: "bucket", Exact: true,
			Fields: []api.Field{{Key: "key", Label: "API key", Help: "From its dashboard. It goes to the keyring.", Secret: true, Required: true},
				{Key: "server", Label: "Server", Placeholder: "wss://my.relay.example.org", Help: "Only for a server of your own.", Advanced: true}},
			Setup: platforms.Guide{Steps: []platforms.Step{{Text: "Make a bucket for each sender.", URL: "https://relay.example.org/buckets"}, {Text: "Make an API key and paste it below."}}}},
		{Name: "events", Title: "smee", Summary: "Free, without an account. Keeps nothing.", Word: "channel",
			Warning: "It writes JSON anew, so a signature may not verify.",
			Fields:  []api.Field{{Key: "url", Label: "Channel's address", Placeholder: "https://smee.example.org/…", Required: true}}},
	}
}

// webhooked is the sample with messages that came by webhooks.
func webhooked() *fake {
	f := hooked()
	f.snap.Accounts = append(f.snap.Accounts, api.Account{ID: "w1", Platform: "hook", Title: "Webhook", Glyph: "⚓", Name: "orders", Status: api.Connected,
		Since: ago(time.Hour), Hears: api.Light{Proven: ago(time.Minute)}, Exposure: exposure.Relayed, Inbound: platforms.Webhook})
	f.convs = append([]api.Conversation{{Account: "w1", ID: "orders", Kind: platforms.Channel, Title: "orders", Last: ago(time.Minute), Preview: "Shop: order 4711", Unread: 1}}, f.convs...)
	e := func(seq uint64, d time.Duration, s string) api.Entry {
		return api.Entry{Seq: seq, Account: "a2", Conversation: "c4", Outgoing: true, Status: api.Sent, At: ago(d), Stored: ago(d), Text: s}
	}
	mine, first, second, third := e(301, 30*time.Minute, "The release is at 15:00."), e(302, 20*time.Minute, "Build 213 is red."), e(303, 19*time.Minute, "Build 214 is green."), e(304, 5*time.Minute, "Backup is done.")
	first.Hook, first.Poster, second.Hook, second.Poster = "Build server", "CI runner 4", "Build server", "CI runner 4"
	third.Hook = "Nightly report"
	f.entries = append(f.entries, mine, first, second, third,
		api.Entry{Seq: 310, Account: "w1", Conversation: "orders", Status: api.Delivered, From: platforms.User{ID: "s", Name: "Shop"}, At: ago(2 * time.Minute), Stored: ago(2 * time.Minute), Text: "order 4711: two loaves"},
		api.Entry{Seq: 311, Account: "w1", Conversation: "orders", Status: api.Delivered, From: platforms.User{ID: "s", Name: "Shop"}, At: ago(time.Minute), Stored: ago(time.Minute), Text: "order 4711: two loaves", Replay: 310})
	return f
}

func (f *fake) Hooks(ctx context.Context) (api.Hooks, error) {
	err := f.enter(ctx, "Hooks")
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.web.hooks
	h.Hooks = slices.Clone(h.Hooks)
	return h, err
}

// come is the start of every change.
func (f *fake) come(ctx context.Context, call string, change func()) error {
	if err := f.enter(ctx, call); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.web.refuse == nil && change != nil {
		change()
	}
	return f.web.refuse
}

func (f *fake) AddHook(ctx context.Context, d api.HookDraft) (m api.HookMade, err error) {
	err = f.come(ctx, "AddHook", func() {
		f.web.drafts = append(f.web.drafts, d)
		h := api.Hook{ID: fmt.Sprint("h", len(f.web.hooks.Hooks)+1), Account: d.Account, Conversation: d.Conversation, Name: d.Name, Dialect: d.Dialect, On: true, Marked: !d.Unmarked, Created: noon}
		f.web.hooks.Hooks = append(f.web.hooks.Hooks, h)
		m = api.HookMade{Hook: h, URL: fakeURL}
	})
	return m, err
}

func (f *fake) ChangeHook(ctx context.Context, id string, c api.HookChange) (h api.Hook, err error) {
	err = f.come(ctx, "ChangeHook "+id, func() {
		f.web.changes = append(f.web.changes, c)
		for i := range f.web.hooks.Hooks {
			if at := &f.web.hooks.Hooks[i]; at.ID == id {
				if c.On != nil {
					at.On = *c.On
				}
				if c.Name != nil {
					at.Name = *c.Name
				}
				h = *at
			}
		}
	})
	return h, err
}

func (f *fake) RotateHook(ctx context.Context, id string, r api.HookRotation) (m api.HookMade, err error) {
	err = f.come(ctx, "RotateHook "+id, func() {
		f.web.overlaps = append(f.web.overlaps, r.Overlap)
		for _, h := range f.web.hooks.Hooks {
			if h.ID == id {
				m = api.HookMade{Hook: h, URL: fakeURL}
			}
		}
	})
	return m, err
}

func (f *fake) RemoveHook(ctx context.Context, id string) error {
	return f.come(ctx, "RemoveHook "+id, func() {
		f.web.hooks.Hooks = slices.DeleteFunc(slices.Clone(f.web.hooks.Hooks), func(h api.Hook) bool { return h.ID == id })
	})
}

func (f *fake) TryHook(ctx context.Context, t api.HookTry) (out api.HookTried, err error) {
	err = f.come(ctx, "TryHook", func() {
		f.web.tries = append(f.web.tries, t)
		out = f.web.tried
	})
	return out, err
}

func (f *fake) SetHookListener(ctx context.Context, l api.HookListener) (h api.Hooks, err error) {
	err = f.come(ctx, "SetHookListener "+l.Bind, func() {
		f.web.hooks.Bind, f.web.hooks.Address, f.web.hooks.Open = l.Bind, "http://"+l.Bind, true
		h = f.web.hooks
	})
	return h, err
}

func (f *fake) RelayKinds(ctx context.Context) ([]api.RelayKind, error) {
	err := f.enter(ctx, "RelayKinds")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.web.kinds, err
}

func (f *fake) Relays(ctx context.Context) ([]api.Relay, error) {
	err := f.enter(ctx, "Relays")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.web.relays), err
}

func (f *fake) AddRelay(ctx context.Context, d api.RelayDraft) (r api.Relay, err error) {
	err = f.come(ctx, "AddRelay", func() {
		f.web.saved = append(f.web.saved, d)
		r = api.Relay{ID: fmt.Sprint("r", len(f.web.relays)+1), Kind: d.Kind, Name: d.Name, Channels: d.Channels, Status: api.Connecting}
		f.web.relays = append(f.web.relays, r)
	})
	return r, err
}

func (f *fake) ChangeRelay(ctx context.Context, id string, d api.RelayDraft) (r api.Relay, err error) {
	err = f.come(ctx, "ChangeRelay "+id, func() {
		f.web.saved = append(f.web.saved, d)
		r = api.Relay{ID: id, Kind: d.Kind, Name: d.Name, Channels: d.Channels}
	})
	return r, err
}

func (f *fake) RemoveRelay(ctx context.Context, id string) error {
	return f.come(ctx, "RemoveRelay "+id, func() {
		f.web.relays = slices.DeleteFunc(slices.Clone(f.web.relays), func(r api.Relay) bool { return r.ID == id })
	})
}

func (f *fake) rest(id string, paused bool) func() {
	return func() {
		f.web.relays = slices.Clone(f.web.relays)
		for i := range f.web.relays {
			if f.web.relays[i].ID == id {
				f.web.relays[i].Paused = paused
				f.web.relays[i].Status = map[bool]api.Status{true: api.Paused, false: api.Connecting}[paused]
			}
		}
	}
}

func (f *fake) PauseRelay(ctx context.Context, id string) error {
	return f.come(ctx, "PauseRelay "+id, f.rest(id, true))
}

func (f *fake) ResumeRelay(ctx context.Context, id string) error {
	return f.come(ctx, "ResumeRelay "+id, f.rest(id, false))
}

func (f *fake) CheckRelay(ctx context.Context, id string, d api.RelayDraft) (out api.RelayCheck, err error) {
	err = f.come(ctx, strings.TrimSpace("CheckRelay "+id), func() {
		f.web.dials = append(f.web.dials, d)
		out = f.web.checked
	})
	return out, err
}
