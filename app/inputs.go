package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/routes"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// settingInputs is the journal's name for how inputs answer.
const settingInputs = "inputs"

// The bounds of what is kept of an account's requests.
const (
	keepUsual    = api.UsualRequests
	keepMost     = 10_000
	keepForUsual = api.UsualTime
	keepForMost  = 365 * 24 * time.Hour
	keepBytes    = 16 << 20

	keepRefused      = 100
	keepRefusedBytes = 2 << 20
)

// answerMost bounds an answer of a person's, in bytes.
const answerMost = 64 << 10

// inputs is how the inputs answer and what they keep.
type inputs struct {
	changing sync.Mutex // held while a change is saved; before mu

	mu  sync.RWMutex
	set map[platforms.AccountID]input
}

// input is one account's settings, compiled.
type input struct {
	api.InputSettings
	answer    *routes.Writer
	transform *routes.Writer
}

// openInputs reads what was set.
func (a *App) openInputs(ctx context.Context) error {
	set := map[platforms.AccountID]api.InputSettings{}
	if err := a.recallOr(settingInputs, &set, "How your inputs answer can't be trusted: it was changed by something other than Postern, and is not used. Set it again on the page Inputs."); err != nil {
		return err
	}
	a.inputs.set = map[platforms.AccountID]input{}
	for id, s := range set {
		in, err := compileInput(s)
		if err != nil { // of another version's language
			a.notice(ctx, "input-"+string(id), true, "How the input "+string(id)+" answers can't be used: "+platforms.Explain(err)+" Set it again on the page Inputs.")
		}
		a.inputs.set[id] = in
	}
	return nil
}

// compileInput compiles what has to be. What is wrong is told by field.
func compileInput(s api.InputSettings) (in input, err error) {
	in.InputSettings = s
	wrong := map[string]string{}
	if s.Answer.Mode == "dynamic" {
		if in.answer, err = routes.CompileText(s.Answer.Body); err != nil {
			wrong["answer"] = "The answer's expression: " + text.Sentence(err.Error())
		}
	}
	if strings.TrimSpace(s.Transform) != "" {
		if in.transform, err = routes.CompileText(s.Transform); err != nil {
			wrong["transform"] = "The transform's expression: " + text.Sentence(err.Error())
		}
	}
	return in, fieldsWrong(wrong)
}

// fieldsWrong is the error for what is wrong with fields, nil if nothing is.
func fieldsWrong(wrong map[string]string) error {
	if len(wrong) == 0 {
		return nil
	}
	var words []string
	for _, f := range []string{"answer", "status", "type", "transform", "keep", "keep_for"} {
		if wrong[f] != "" {
			words = append(words, wrong[f])
		}
	}
	return &api.Error{Kind: platforms.Rejected, Text: strings.Join(words, " "), Fields: wrong}
}

func (in *inputs) get(id platforms.AccountID) input {
	in.mu.RLock()
	defer in.mu.RUnlock()
	return in.set[id]
}

// wantsEvents reports whether an answer is made of the event that a request
// brought.
func (in *inputs) wantsEvents(id platforms.AccountID) bool { return in.get(id).answer != nil }

// bounds is what is kept of an account's requests.
func (in *inputs) bounds(id platforms.AccountID) store.RequestBounds {
	s := in.get(id)
	return store.RequestBounds{Keep: cmp.Or(s.Keep, keepUsual), For: cmp.Or(s.KeepFor, keepForUsual), Bytes: keepBytes,
		Refused: keepRefused, RefusedBytes: keepRefusedBytes}
}

// checkInput says what is wrong with settings.
func checkInput(p platforms.Platform, s api.InputSettings) (input, error) {
	wrong := map[string]string{}
	switch s.Answer.Mode {
	case "":
	case "static", "dynamic":
		if !p.Answers {
			wrong["answer"] = "What " + p.Title + " is answered is its own protocol, and can't be chosen."
		}
		if len(s.Answer.Body) > answerMost {
			wrong["answer"] = fmt.Sprintf("The answer is longer than %d KiB. Shorten it.", answerMost>>10)
		}
	default:
		wrong["answer"] = "The answer is the platform's own, static or dynamic."
	}
	if n := s.Answer.Status; n != 0 && (n < 200 || n > 299) {
		wrong["status"] = "The answer's status is from 200 to 299: the request was stored, and the sender must not send it again."
	}
	if t := s.Answer.Type; t != "" {
		if _, _, err := mime.ParseMediaType(t); err != nil || strings.ContainsFunc(t, func(r rune) bool { return r < ' ' || r > '~' }) {
			wrong["type"] = "The answer's type is a media type, as in application/json."
		}
	}
	if s.Keep < 0 || s.Keep > keepMost {
		wrong["keep"] = fmt.Sprintf("Keep from 1 to %d requests.", keepMost)
	}
	if s.KeepFor < 0 || s.KeepFor > keepForMost {
		wrong["keep_for"] = "Keep requests for at most a year."
	}
	if err := fieldsWrong(wrong); err != nil {
		return input{}, err
	}
	return compileInput(s)
}

// Inputs is where requests from outside arrive.
func (a *App) Inputs() []api.Input {
	a.recorder.flush()
	out := []api.Input{}
	for _, c := range a.list() {
		if c.reach() != platforms.Dials {
			out = append(out, a.input(c))
		}
	}
	return out
}

func (a *App) input(c *account) api.Input {
	d := a.doors.view(c, a.doors.guard.State())
	s := a.inputs.get(c.id).InputSettings
	s.Ephemeral = c.ephemeral()
	v := api.Input{Account: c.id, Platform: c.platform.Name, Title: c.platform.Title, Glyph: c.platform.Glyph, Name: d.Name, Exposure: d.Level,
		Address: d.Address, Why: d.Why, Settings: s, Replies: c.platform.Answers, Missed: a.recorder.count(c.id), Accepted: d.Accepted, Last: d.Last}
	v.RegistersAt, v.Registration = a.registration(c)
	switch {
	case d.Relayed:
		v.Via, v.Why = a.relays.via(c.id)
	case d.Open:
		v.Via = "a listener that reaches " + d.Callers
	}
	for _, n := range d.Rejected {
		v.Rejected += n
	}
	st, err := a.store.RequestStats(c.id)
	if err != nil {
		a.log.Warn("what is kept of requests could not be counted", "account", string(c.id), "err", err)
	}
	v.Requests, v.Bytes = st.Count, st.Bytes
	if st.Last.After(v.Last) {
		v.Last = st.Last
	}
	return v
}

// inputOf is an account at which requests arrive.
func (a *App) inputOf(id platforms.AccountID) (*account, error) {
	c, err := a.account(id)
	if err == nil && c.reach() == platforms.Dials {
		err = &api.Error{Kind: platforms.Unsupported, Text: c.platform.Title + " dials out here; no requests come to it."}
	}
	return c, err
}

// SetInput says how an input answers and what it keeps.
func (a *App) SetInput(ctx context.Context, id platforms.AccountID, s api.InputSettings) (api.Input, error) {
	c, err := a.inputOf(id)
	if err != nil {
		return api.Input{}, err
	}
	in, err := checkInput(c.platform, s)
	if err != nil {
		return api.Input{}, err
	}
	if c.ephemeral() != s.Ephemeral {
		if err := c.update(ctx, func(r *store.Account) { r.Ephemeral = s.Ephemeral }); err != nil {
			return api.Input{}, wireError(err)
		}
	}
	in.Ephemeral = false // the account has it
	if err := a.saveInputs(ctx, func(set map[platforms.AccountID]input) { set[id] = in }); err != nil {
		return api.Input{}, wireError(err)
	}
	a.audit(ctx, string(api.Changed), "", id, "How the input answers, or what it keeps, was changed.")
	if err := a.store.TrimRequests(ctx, id, a.inputs.bounds(id)); err != nil {
		return api.Input{}, wireError(err)
	}
	a.changed()
	return a.input(c), nil
}

// saveInputs keeps a change under the seal.
func (a *App) saveInputs(ctx context.Context, change func(map[platforms.AccountID]input)) error {
	in := &a.inputs
	in.changing.Lock()
	defer in.changing.Unlock()
	in.mu.RLock()
	set := maps.Clone(in.set)
	in.mu.RUnlock()
	change(set)
	plain := map[platforms.AccountID]api.InputSettings{}
	for id, s := range set {
		plain[id] = s.InputSettings
	}
	if err := a.keep(ctx, settingInputs, plain); err != nil {
		return err
	}
	in.mu.Lock()
	in.set = set
	in.mu.Unlock()
	a.keepSafe()
	return nil
}

// dropInput forgets an account's.
func (a *App) dropInput(ctx context.Context, id platforms.AccountID) {
	a.recorder.forget(id)
	a.inputs.mu.RLock()
	_, set := a.inputs.set[id]
	a.inputs.mu.RUnlock()
	if !set {
		return
	}
	if err := a.saveInputs(ctx, func(m map[platforms.AccountID]input) { delete(m, id) }); err != nil {
		a.log.Warn("how a removed input answered is still kept", "account", string(id), "err", err)
	}
}

// tidyInputs drops requests that are too old.
func (a *App) tidyInputs(ctx context.Context) {
	for _, c := range a.list() {
		if err := a.store.TrimRequests(ctx, c.id, a.inputs.bounds(c.id)); err != nil {
			a.log.Error("old requests could not be removed", "account", string(c.id), "err", err)
			return
		}
	}
}

// answers is ingress.Rule's Answer for an account; nil where it can't be chosen.
func (a *App) answers(c *account) func(*http.Request, []byte) (ingress.Reply, bool) {
	if !c.platform.Answers {
		return nil
	}
	return func(r *http.Request, body []byte) (ingress.Reply, bool) {
		s := a.inputs.get(c.id)
		if s.Answer.Mode == "" {
			return ingress.Reply{}, false
		}
		out := ingress.Reply{Status: cmp.Or(s.Answer.Status, http.StatusOK), Type: s.Answer.Type, Body: s.Answer.Body}
		if s.Answer.Mode == "dynamic" {
			ev, ok := a.recorder.event(platforms.RequestOf(r.Context()))
			if !ok { // it came before, or brought nothing
				ev = requestEvent(r.Method, r.Header, body)
			}
			if s.answer == nil {
				return ingress.Reply{}, false
			}
			words, err := s.answer.Text(a.routeInput(c, ev))
			if err != nil {
				c.log.Info("the answer to a request could not be made; it got the usual one", "err", err)
				return ingress.Reply{}, false
			}
			out.Body = words
		}
		if out.Type == "" {
			out.Type = guessType(out.Body)
		}
		return out, true
	}
}

// guessType is a text's media type.
func guessType(s string) string {
	if t := strings.TrimSpace(s); (strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[")) && json.Valid([]byte(t)) {
		return "application/json"
	}
	return "text/plain; charset=utf-8"
}

// requestEvent is a request as expressions see it where no event is known.
func requestEvent(method string, header map[string][]string, body []byte) platforms.Event {
	return platforms.Event{Kind: platforms.MessageReceived, Raw: &platforms.Raw{Method: method, Header: header, Body: body}}
}

// routeInput is an event as expressions see it.
func (a *App) routeInput(c *account, ev platforms.Event) routes.Input {
	c.mu.Lock()
	label := c.rec.Name
	c.mu.Unlock()
	return routes.Input{Account: c.id, Label: label, Platform: c.platform.Name, Event: ev}
}

// transform gives events the texts that their input's expression makes of them.
// why has what went wrong, by place; such an event keeps the platform's own.
func (a *App) transform(c *account, evs []platforms.Event) (out []platforms.Event, why map[int]string) {
	in := a.inputs.get(c.id)
	if in.transform == nil || c.reach() == platforms.Dials {
		return evs, nil
	}
	out, why = append([]platforms.Event(nil), evs...), map[int]string{}
	for i, ev := range out {
		if ev.Kind != platforms.MessageReceived || ev.Own {
			continue
		}
		words, err := in.transform.Text(a.routeInput(c, ev))
		switch {
		case err != nil:
			why[i] = "The transform failed, so the text is the platform's own: " + text.Sentence(platforms.Explain(err))
		case strings.TrimSpace(words) == "":
			why[i] = "The transform gave no text, so the text is the platform's own."
		default:
			out[i].Text = words
		}
	}
	return out, why
}
