package app

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/platforms"
)

// asked is a question that waits for its answer.
type asked struct {
	nonce string
	ends  time.Time
	claim guard.Claim
	paths []string
	items []string
	days  []int
}

// answerWithin is how long a question may be thought about.
const answerWithin = 30 * time.Minute

// Ask is what a person must answer before the account's door opens.
func (a *App) Ask(_ context.Context, id platforms.AccountID) (api.Question, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Question{}, err
	}
	v := a.doors.view(c, a.doors.guard.State())
	l, err := readListener(v.Listener, c.reach())
	switch {
	case v.Relayed:
		return api.Question{}, &api.Error{Kind: platforms.Rejected, Text: "Its requests come by a relay. Nothing needs to be opened."}
	case !v.Set:
		return api.Question{}, &api.Error{Kind: platforms.Rejected, Text: "There is no listener to open. Set one up first."}
	case err != nil:
		return api.Question{}, err
	case len(v.Paths) == 0:
		return api.Question{}, &api.Error{Kind: platforms.Temporary, Text: "The account has not yet said where it is to be called: it does once its credentials are accepted. Check them, then ask again."}
	case !v.Needs:
		return api.Question{}, &api.Error{Kind: platforms.Rejected, Text: "Nothing needs to be acknowledged: strangers can't reach it."}
	}
	cl := a.doors.claim(c, l, first(v.Paths))
	q := guard.Question(cl, v.Paths)
	q.Nonce = rand.Text()
	k := asked{nonce: q.Nonce, ends: a.now().Add(answerWithin), claim: cl, paths: v.Paths}
	for _, it := range q.Items {
		k.items = append(k.items, it.Key)
	}
	for _, p := range q.Periods {
		k.days = append(k.days, p.Days)
	}
	a.doors.mu.Lock()
	a.doors.asked[id] = k
	a.doors.mu.Unlock()
	return q, nil
}

// Acknowledge is the person's answer; it opens the door.
func (a *App) Acknowledge(ctx context.Context, id platforms.AccountID, in api.Answer, who string) (api.Door, error) {
	c, err := a.account(id)
	if err != nil {
		return api.Door{}, err
	}
	d := a.doors
	d.mu.Lock()
	k, ok := d.asked[id]
	paths := d.wanted[id]
	d.mu.Unlock()
	refuse := func(text string) (api.Door, error) {
		return api.Door{}, &api.Error{Kind: platforms.NotAcknowledged, Text: text}
	}
	if !ok || subtle.ConstantTimeCompare([]byte(k.nonce), []byte(in.Nonce)) != 1 || a.now().After(k.ends) {
		return refuse("This question is not the latest, or was asked too long ago. Open it again.")
	}
	s, _ := d.setting(id)
	l, err := readListener(s.Listener, c.reach())
	if err != nil || l.bind != k.claim.Bind || l.host != k.claim.Host || l.rules() != k.claim.Rules || !slices.Equal(paths, k.paths) {
		return refuse("The listener was changed since you were asked. Open the question again.")
	}
	if !strings.EqualFold(strings.TrimSpace(in.Typed), k.claim.Host) {
		return refuse("What you typed is not " + k.claim.Host + ". Type it exactly, or keep it closed.")
	}
	if !slices.Contains(k.days, in.Days) {
		return refuse("Choose an end: 1, 30 or 90 days.")
	}
	consent := guard.Consent{Account: id, Bind: k.claim.Bind, Paths: k.paths, Host: l.host, Rules: k.claim.Rules, By: who, Ends: a.now().Add(time.Duration(in.Days) * 24 * time.Hour)}
	for _, key := range k.items {
		done, given := in.Items[key]
		if !given {
			return refuse("Say of every line whether it is done or not.")
		}
		if done {
			consent.Done = append(consent.Done, key)
		} else {
			consent.NotDone = append(consent.NotDone, key)
		}
	}
	d.mu.Lock()
	delete(d.asked, id) // good for once
	d.mu.Unlock()
	if err := d.guard.Acknowledge(ctx, consent); err != nil {
		return api.Door{}, wireError(err)
	}
	if err := d.save(ctx, func(m map[platforms.AccountID]doorSetting) {
		s := m[id]
		s.Closed = false
		m[id] = s
	}); err != nil {
		return api.Door{}, err
	}
	if _, open := d.guard.State().Open[id]; !open { // else it asked in this very moment
		d.restart(c)
	}
	return d.view(c, d.guard.State()), nil
}
