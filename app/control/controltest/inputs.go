package controltest

import (
	"context"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// Coming is what a Backend says of hooks, relays and inputs. What changes it is
// noted, and changes nothing.
type Coming struct {
	Hooks    api.Hooks
	Made     api.HookMade
	Tried    api.HookTried
	Kinds    []api.RelayKind
	Relays   []api.Relay
	Checked  api.RelayCheck
	Inputs   []api.Input
	Requests []api.InputRequest
	Replayed api.Replayed
	Form     api.RegistrationForm
	Told     api.Registration
}

// SetComing sets all of it.
func (b *Backend) SetComing(c Coming) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.coming = c
}

func (b *Backend) comes() Coming {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.coming
}

// Hooks is Coming's.
func (b *Backend) Hooks() api.Hooks { return b.comes().Hooks }

// Hook is one of them.
func (b *Backend) Hook(id string) (api.Hook, error) {
	for _, h := range b.comes().Hooks.Hooks {
		if h.ID == id {
			return h, nil
		}
	}
	return api.Hook{}, &api.Error{Kind: platforms.Rejected, Text: "There is no such hook."}
}

// AddHook is noted.
func (b *Backend) AddHook(ctx context.Context, d api.HookDraft) (api.HookMade, error) {
	return b.comes().Made, b.call(ctx, "AddHook", d.Account, d.Conversation, d.Name, d.Dialect, d.Unmarked)
}

// ChangeHook is noted.
func (b *Backend) ChangeHook(ctx context.Context, id string, c api.HookChange) (api.Hook, error) {
	switch {
	case c.On != nil:
		return b.comes().Made.Hook, b.call(ctx, "ChangeHook", id, "on", *c.On)
	case c.Name != nil:
		return b.comes().Made.Hook, b.call(ctx, "ChangeHook", id, "name", *c.Name)
	}
	return b.comes().Made.Hook, b.call(ctx, "ChangeHook", id)
}

// RotateHook is noted.
func (b *Backend) RotateHook(ctx context.Context, id string, r api.HookRotation) (api.HookMade, error) {
	return b.comes().Made, b.call(ctx, "RotateHook", id, r.Overlap)
}

// RemoveHook is noted.
func (b *Backend) RemoveHook(ctx context.Context, id string) error {
	return b.call(ctx, "RemoveHook", id)
}

// TryHook is Coming's.
func (b *Backend) TryHook(ctx context.Context, t api.HookTry) (api.HookTried, error) {
	return b.comes().Tried, b.call(ctx, "TryHook", t.Dialect, t.Body)
}

// SetHookListener is noted.
func (b *Backend) SetHookListener(ctx context.Context, l api.HookListener) (api.Hooks, error) {
	return b.comes().Hooks, b.call(ctx, "SetHookListener", l.Bind)
}

// RelayKinds is Coming's.
func (b *Backend) RelayKinds() []api.RelayKind { return b.comes().Kinds }

// Relays is Coming's.
func (b *Backend) Relays() []api.Relay { return b.comes().Relays }

// AddRelay is noted.
func (b *Backend) AddRelay(ctx context.Context, d api.RelayDraft) (api.Relay, error) {
	return api.Relay{Kind: d.Kind, Name: d.Name, Channels: d.Channels}, b.call(ctx, "AddRelay", d.Kind, d.Name, d.Channels)
}

// ChangeRelay is noted.
func (b *Backend) ChangeRelay(ctx context.Context, id string, d api.RelayDraft) (api.Relay, error) {
	return api.Relay{ID: id, Kind: d.Kind, Name: d.Name, Channels: d.Channels}, b.call(ctx, "ChangeRelay", id, d.Name, d.Channels)
}

// RemoveRelay is noted.
func (b *Backend) RemoveRelay(ctx context.Context, id string) error {
	return b.call(ctx, "RemoveRelay", id)
}

// PauseRelay is noted.
func (b *Backend) PauseRelay(ctx context.Context, id string) error {
	return b.call(ctx, "PauseRelay", id)
}

// ResumeRelay is noted.
func (b *Backend) ResumeRelay(ctx context.Context, id string) error {
	return b.call(ctx, "ResumeRelay", id)
}

// CheckRelay is Coming's.
func (b *Backend) CheckRelay(ctx context.Context, id string, d api.RelayDraft) (api.RelayCheck, error) {
	return b.comes().Checked, b.call(ctx, "CheckRelay", id, d.Kind)
}

// Inputs is Coming's.
func (b *Backend) Inputs() []api.Input { return b.comes().Inputs }

// SetInput is noted.
func (b *Backend) SetInput(ctx context.Context, id platforms.AccountID, s api.InputSettings) (api.Input, error) {
	return api.Input{Account: id, Settings: s}, b.call(ctx, "SetInput", id, s.Answer.Mode, s.Transform, s.Ephemeral)
}

// Requests is Coming's, without their bodies.
func (b *Backend) Requests(ctx context.Context, q api.InputQuery) ([]api.InputRequest, error) {
	if err := b.call(ctx, "Requests", q.Account, q.Text, q.Only, q.Before, q.Limit); err != nil {
		return nil, err
	}
	var out []api.InputRequest
	for _, r := range b.comes().Requests {
		if (q.Account == "" || q.Account == r.Account) && (q.Before == 0 || r.ID < q.Before) &&
			(q.Only == "" || (q.Only == "verified") == r.Verified) {
			r.Body = nil
			out = append(out, r)
		}
	}
	return out, nil
}

// Request is one of Coming's.
func (b *Backend) Request(ctx context.Context, id uint64) (api.InputRequest, error) {
	if err := b.call(ctx, "Request", id); err != nil {
		return api.InputRequest{}, err
	}
	for _, r := range b.comes().Requests {
		if r.ID == id {
			return r, nil
		}
	}
	return api.InputRequest{}, &api.Error{Kind: platforms.Rejected, Text: "There is no such request, or it is not kept any more."}
}

// ForgetRequests is noted.
func (b *Backend) ForgetRequests(ctx context.Context, id platforms.AccountID) error {
	return b.call(ctx, "ForgetRequests", id)
}

// TryInput is noted.
func (b *Backend) TryInput(ctx context.Context, t api.InputTrial) (api.InputTried, error) {
	return api.InputTried{Text: t.Expr}, b.call(ctx, "TryInput", t.Request, t.Expr)
}

// Replay is Coming's.
func (b *Backend) Replay(ctx context.Context, r api.Replay) (api.Replayed, error) {
	return b.comes().Replayed, b.call(ctx, "Replay", r.Entry, r.Request, r.To, r.Send)
}

// RegisterForm is Coming's.
func (b *Backend) RegisterForm(ctx context.Context, id platforms.AccountID) (api.RegistrationForm, error) {
	return b.comes().Form, b.call(ctx, "RegisterForm", id)
}

// Register is noted.
func (b *Backend) Register(ctx context.Context, id platforms.AccountID, d api.RegistrationDraft) (api.Registration, error) {
	return b.comes().Told, b.call(ctx, "Register", id, len(d.Values))
}

// Unregister is noted.
func (b *Backend) Unregister(ctx context.Context, id platforms.AccountID) error {
	return b.call(ctx, "Unregister", id)
}
