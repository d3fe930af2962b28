package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress/relay"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// AddRelay sets one up.
func (a *App) AddRelay(ctx context.Context, d api.RelayDraft) (api.Relay, error) {
	a.relays.changing.Lock()
	defer a.relays.changing.Unlock()
	all := a.relays.all()
	if len(all) >= mostRelays {
		return api.Relay{}, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There are %d relays already, which is the most. Remove one first.", mostRelays)}
	}
	s := relaySetup{Kind: d.Kind}
	for i := 1; s.ID == "" || slices.ContainsFunc(all, func(r *relayed) bool { return r.id == s.ID }); i++ {
		s.ID = fmt.Sprintf("%s-%d", d.Kind, i)
	}
	return a.saveRelay(ctx, s, nil, d)
}

// ChangeRelay changes one. Values that d leaves out are kept, and so are name and
// channels.
func (a *App) ChangeRelay(ctx context.Context, id string, d api.RelayDraft) (api.Relay, error) {
	a.relays.changing.Lock()
	defer a.relays.changing.Unlock()
	r, err := a.relay(id)
	if err != nil {
		return api.Relay{}, err
	}
	return a.saveRelay(ctx, r.setup(), r, d)
}

// saveRelay checks a draft and keeps it; r is nil for a new one.
func (a *App) saveRelay(ctx context.Context, s relaySetup, r *relayed, d api.RelayDraft) (api.Relay, error) {
	next, kind, v, err := a.readRelay(ctx, s, d)
	if err != nil {
		return api.Relay{}, err
	}
	before, err := a.keptSecrets(ctx, s.asAccount())
	var undo func()
	if err == nil {
		undo, err = a.keepSecrets(ctx, s.vaultID(), v, before)
	}
	if err == nil {
		if err = a.putRelays(ctx, func(all []relaySetup) []relaySetup {
			if r == nil {
				return append(all, next)
			}
			for i := range all {
				if all[i].ID == next.ID {
					all[i] = next
				}
			}
			return all
		}); err != nil {
			undo()
		}
	}
	if err != nil {
		return api.Relay{}, wireError(err)
	}
	for _, name := range v.cleared {
		if err := a.vault.Delete(context.WithoutCancel(ctx), secretName(s.vaultID(), name)); err != nil {
			a.log.Warn("a secret of a relay could not be removed", "relay", s.ID, "err", err)
		}
	}
	what := "was changed"
	if r == nil {
		what = "was added"
		r = newRelayed(a, next)
		a.relays.mu.Lock()
		a.relays.list = append(a.relays.list, r)
		a.relays.mu.Unlock()
	} else if s.Settings["server"] != next.Settings["server"] || len(v.typed) > 0 { // its place means nothing elsewhere
		r.mu.Lock()
		r.kept.Cursor, r.kept.Left, r.anchored = "", time.Time{}, false
		r.newerLocked()
		r.mu.Unlock()
	}
	r.learn(kind, v.secrets)
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The relay %q (%s) %s. It leads to %s.", next.Name, kind.Title, what, leadsTo(next)))
	a.redirected(s, next)
	r.drop()
	r.unpark()
	a.superviseRelay(r)
	r.end(errChanged)
	a.changed()
	return r.view(), nil
}

// leadsTo is where a relay leads, in words.
func leadsTo(s relaySetup) string {
	var out []string
	for _, c := range s.Channels {
		if c.Account != "" && !slices.Contains(out, string(c.Account)) {
			out = append(out, string(c.Account))
		}
	}
	if len(out) == 0 {
		return "no account"
	}
	return strings.Join(out, ", ")
}

// redirected starts the accounts anew to which one of two setups leads and the
// other does not, or by another address: a connector asks for its way in when it
// begins.
func (a *App) redirected(was, is relaySetup) {
	for _, c := range a.list() {
		of := func(s relaySetup) (out []relayLead) {
			for _, l := range s.Channels {
				if l.Account == c.id {
					out = append(out, l)
				}
			}
			return out
		}
		if !slices.Equal(of(was), of(is)) {
			a.doors.restart(c)
		}
	}
}

// readRelay is s with what d says, checked.
func (a *App) readRelay(ctx context.Context, s relaySetup, d api.RelayDraft) (relaySetup, RelayKind, fieldValues, error) {
	kind, ok := a.relays.kind(s.Kind)
	if !ok {
		return s, kind, fieldValues{}, &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no kind of relay called %q.", cut(s.Kind, 60))}
	}
	v, err := a.values(ctx, platforms.Platform{Title: kind.Title, Fields: kind.Fields}, s.asAccount(), api.AccountDraft{Values: d.Values})
	if err != nil {
		return s, kind, v, err
	}
	if name := text.Line(strings.TrimSpace(d.Name), 64); name != "" {
		s.Name = name
	}
	if s.Name == "" {
		s.Name = kind.Title
	}
	s.Settings, s.Secrets = v.settings, slices.Sorted(maps.Keys(v.secrets))
	if d.Channels != nil {
		if s.Channels, err = a.readChannels(s, kind, v, d.Channels); err != nil {
			return s, kind, v, err
		}
	}
	var names []string
	for _, c := range s.Channels {
		names = append(names, c.Channel)
	}
	if len(names) == 0 && kind.Many {
		names = []string{"none yet"} // only to see whether the rest is right
	}
	if _, err := kind.New(a.relayConfig(v.settings, v.secrets, names, a.log)); err != nil {
		return s, kind, v, &api.Error{Kind: platforms.Rejected, Text: sentenceOf(err)}
	}
	return s, kind, v, nil
}

// readChannels checks where channels are to lead.
func (a *App) readChannels(s relaySetup, kind RelayKind, v fieldValues, in []api.RelayChannel) ([]relayLead, error) {
	bad := func(format string, args ...any) error {
		return &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
	}
	if len(in) > mostChannels {
		return nil, bad("A relay can lead to %d accounts at most.", mostChannels)
	}
	if len(in) > 1 && !kind.Many {
		return nil, bad("A %s of %s leads to one account only. Add the relay once more for another one.", kind.Word, kind.Title)
	}
	out := []relayLead{}
	for _, c := range in {
		c.Channel, c.Public = strings.TrimSpace(c.Channel), strings.TrimSpace(c.Public)
		if kind.Many && c.Channel == "" {
			return nil, bad("The name of the %s is missing.", kind.Word)
		}
		if !kind.Many {
			c.Channel = ""
		}
		l := relayLead{Channel: c.Channel, Account: c.Account, Path: c.Path, Public: c.Public}
		for _, o := range out {
			if o.Channel == l.Channel {
				return nil, bad("The %s “%s” is named twice. Each leads to one account.", kind.Word, cut(l.Channel, 60))
			}
		}
		if c.Account == "" { // kept as it was, though its account is gone
			for _, o := range s.Channels {
				if o.Channel == c.Channel && o.Account == "" {
					l.Was = o.Was
				}
			}
			if l.Was == "" {
				return nil, bad("Choose the account that it is to lead to.")
			}
			out = append(out, l)
			continue
		}
		acc, err := a.account(c.Account)
		if err != nil {
			return nil, err
		}
		if acc.reach() == platforms.Dials {
			return nil, bad("%s takes no requests as it is set up: it dials out, and has no use for a relay.", acc.platform.Title)
		}
		if l.Path != "" && l.Path[0] != '/' {
			l.Path = "/" + l.Path
		}
		if paths := a.doors.paths(c.Account); l.Path != "" && len(paths) > 0 && !slices.Contains(paths, l.Path) {
			return nil, bad("The account has no address %s. It has: %s.", cut(l.Path, 80), strings.Join(paths, ", "))
		}
		if err := checkPublic(&l, kind, v); err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// checkPublic checks the address that senders are told. Where the kind knows it,
// nothing is kept: it holds a secret.
func checkPublic(l *relayLead, kind RelayKind, v fieldValues) error {
	if kind.Public != nil {
		l.Public = ""
	}
	if l.Public == "" {
		return nil
	}
	u, err := url.Parse(l.Public)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" || len(l.Public) > 500 {
		return &api.Error{Kind: platforms.Rejected, Text: "The public address is not one: copy it from the relay, as https://example.hooks.webhookrelay.com."}
	}
	for _, s := range v.secrets {
		if strings.Contains(l.Public, s.Reveal()) {
			return &api.Error{Kind: platforms.Rejected, Text: "The public address holds the relay's secret. Copy the address of the input instead."}
		}
	}
	return nil
}

func sentenceOf(err error) string { return text.Sentence(platforms.Explain(err)) }

// RemoveRelay takes one away, with its secrets.
func (a *App) RemoveRelay(ctx context.Context, id string) error {
	a.relays.changing.Lock()
	defer a.relays.changing.Unlock()
	r, err := a.relay(id)
	if err != nil {
		return err
	}
	was := r.setup()
	if err := a.putRelays(ctx, func(all []relaySetup) []relaySetup {
		return slices.DeleteFunc(all, func(s relaySetup) bool { return s.ID == id })
	}); err != nil {
		return wireError(err)
	}
	a.relays.mu.Lock()
	a.relays.list = slices.DeleteFunc(a.relays.list, func(o *relayed) bool { return o == r })
	a.relays.mu.Unlock()
	r.shutdown()
	ctx = context.WithoutCancel(ctx)
	a.redirected(was, relaySetup{})
	failed := a.store.PutSetting(ctx, was.memoryName(), relayMemory{})
	for _, name := range was.Secrets {
		failed = errors.Join(failed, a.vault.Delete(ctx, secretName(was.vaultID(), name)))
	}
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The relay %q was removed.", was.Name))
	a.changed()
	if failed != nil {
		return wireError(fmt.Errorf("the relay is removed, but something of it is kept still: %w", failed))
	}
	return nil
}

// PauseRelay hangs up until ResumeRelay.
func (a *App) PauseRelay(ctx context.Context, id string) error { return a.pauseRelay(ctx, id, true) }

// ResumeRelay dials again.
func (a *App) ResumeRelay(ctx context.Context, id string) error { return a.pauseRelay(ctx, id, false) }

func (a *App) pauseRelay(ctx context.Context, id string, on bool) error {
	a.relays.changing.Lock()
	defer a.relays.changing.Unlock()
	r, err := a.relay(id)
	if err != nil {
		return err
	}
	if err := a.putRelays(ctx, func(all []relaySetup) []relaySetup {
		for i := range all {
			if all[i].ID == id {
				all[i].Paused = on
			}
		}
		return all
	}); err != nil {
		return wireError(err)
	}
	what := "resumed"
	if on {
		what = "paused"
	}
	a.audit(ctx, string(api.Changed), "", "", fmt.Sprintf("The relay %q was %s.", r.setup().Name, what))
	if !on {
		r.unpark()
	}
	r.end(errPaused)
	a.changed()
	return nil
}

// errSubscribed ends the Run of a check.
var errSubscribed = errors.New("subscribed")

// checkSink is told that a subscription works, and takes nothing.
type checkSink struct{}

// Ready is relay.Sink's.
func (checkSink) Ready(context.Context, relay.Cursor) error { return errSubscribed }

// Take is relay.Sink's. It refuses: the request stays the relay's.
func (checkSink) Take(context.Context, relay.Request) (relay.Response, error) {
	return relay.Response{}, errSubscribed
}

// Gap is relay.Sink's.
func (checkSink) Gap(context.Context, relay.Gap) error { return errSubscribed }

// CheckRelay connects once with a draft's values; id, if not empty, is the relay
// that lends those d leaves out. It hangs up before a request is taken.
func (a *App) CheckRelay(ctx context.Context, id string, d api.RelayDraft) (api.RelayCheck, error) {
	s := relaySetup{Kind: d.Kind}
	if id != "" {
		r, err := a.relay(id)
		if err != nil {
			return api.RelayCheck{}, err
		}
		s = r.setup()
	}
	var out api.RelayCheck
	s, kind, v, err := a.readRelay(ctx, s, d)
	var wrong *api.Error
	if errors.As(err, &wrong) {
		out.Error, out.Fields = wrong, wrong.Fields
		return out, nil
	}
	if err != nil {
		return out, err
	}
	var names []string
	for _, c := range s.Channels {
		names = append(names, c.Channel)
	}
	if kind.Many && len(names) == 0 {
		out.Error = &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("Name a %s first.", kind.Word)}
		return out, nil
	}
	c := a.relayConfig(v.settings, v.secrets, names, a.log)
	defer c.HTTP.CloseIdleConnections()
	source, err := kind.New(c)
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, checkTimeout)
		defer cancel()
		err = contain(a.log, func() error { return source.Run(ctx, "", checkSink{}) })
	}
	switch {
	case errors.Is(err, errSubscribed):
		out.Text = kind.Title + " accepted the connection and the subscription."
	case errors.Is(err, context.DeadlineExceeded):
		out.Error = &api.Error{Kind: platforms.Temporary, Text: kind.Title + " did not answer in time. Check the server's address and your connection."}
	default:
		out.Error = wireError(err)
	}
	return out, nil
}
