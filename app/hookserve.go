package app

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/app/ingress"
	"github.com/postern/postern/platforms"
)

const (
	// hookCounts is how old what the journal knows of the hooks' use may be.
	hookCounts = 5 * time.Second
	// hookRetry is how long until a listener that could not be opened is tried
	// again.
	hookRetry = 30 * time.Second
	// hookLinger is how long the listener stays open that no hook needs any more:
	// who ended the last one by its address gets their answer.
	hookLinger = time.Second
)

// run keeps the listener open as long as a hook needs it, and the counts.
func (h *hookDoor) run(ctx context.Context) {
	defer h.end()
	counts := time.NewTicker(hookCounts)
	defer counts.Stop()
	for {
		again := time.NewTimer(h.settle())
		select {
		case <-ctx.Done():
			again.Stop()
			return
		case <-counts.C:
			h.count()
		case <-h.nudge:
		case <-again.C:
		}
		again.Stop()
	}
}

// end closes the listener, waits for the requests in flight and keeps the counts.
func (h *hookDoor) end() {
	h.opening.Lock()
	h.ended = true
	h.closeLocked()
	h.opening.Unlock()
	h.server.Wait()
	h.count()
}

// count keeps how often the hooks were used, if that is not kept.
func (h *hookDoor) count() {
	h.mu.Lock()
	used := h.used
	h.mu.Unlock()
	if !used {
		return
	}
	if err := h.change(context.Background(), func(*hooks.Book) error { return nil }); err != nil {
		h.app.log.Error("how often hooks were used could not be kept", "err", err)
	}
}

// settle opens the listener if a hook is live, closes it if none is, and says
// when to look again.
func (h *hookDoor) settle() time.Duration {
	h.opening.Lock()
	defer h.opening.Unlock()
	ctx := h.app.runContext()
	if h.ended || ctx == nil {
		return hookRetry
	}
	h.mu.Lock()
	live, ends := h.book.Live(h.app.now())
	bind := h.bind
	h.mu.Unlock()
	if h.pass != nil && (h.pass.Context().Err() != nil || h.at != bind) {
		h.closeLocked()
	}
	switch {
	case live && h.pass == nil:
		h.openLocked(ctx, bind)
	case live:
		h.idle = time.Time{}
	case h.pass == nil:
		h.tell("")
	case h.idle.IsZero():
		h.idle = time.Now()
		return hookLinger
	default:
		if left := hookLinger - time.Since(h.idle); left > 0 {
			return left
		}
		h.closeLocked()
		h.tell("")
	}
	if !ends.IsZero() { // no longer than until one of them ends
		return min(hookRetry, max(time.Millisecond, ends.Sub(h.app.now())))
	}
	return hookRetry
}

// wants is where the listener is or would be open, if a hook needs it.
func (h *hookDoor) wants() (netip.AddrPort, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	live, _ := h.book.Live(h.app.now())
	return h.bind, live
}

func (h *hookDoor) setPass(p *guard.Pass) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pass = p
}

func (h *hookDoor) closeLocked() {
	if h.pass != nil {
		h.pass.Release()
		h.setPass(nil)
	}
	h.idle = time.Time{}
}

// openLocked opens the listener, or notes why not; h.opening is held.
func (h *hookDoor) openLocked(ctx context.Context, bind netip.AddrPort) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	pass, err := h.app.doors.guard.Admit(ctx, guard.Claim{
		Tuple:   guard.Tuple{Account: hookAccount, Bind: bind, Path: hooks.Path, Host: bind.String()},
		Title:   "Hooks",
		Facts:   exposure.Facts{Local: true},
		Instead: "Choose another port for hooks, as in: postern hooks listener " + net.JoinHostPort(bind.Addr().String(), strconv.Itoa(int(bind.Port())%65535+1)),
		Serve:   func(l net.Listener) { ingress.Serve(l, hookLimits(), h.app.log, h.server) },
		Closed:  func(string) { h.stir() },
	})
	if err != nil {
		h.tell(platforms.Explain(err))
		return
	}
	h.setPass(pass)
	h.at = bind
	h.tell("")
}

// hookLimits is the bounds of connections and heads: less than what strangers
// meet, since whoever posts here is close by.
func hookLimits() ingress.Limits {
	l := ingress.Usual()
	l.Conns = 256
	return l
}

// tell notes why the listener is not open, once for each reason.
func (h *hookDoor) tell(why string) {
	h.mu.Lock()
	before := h.why
	h.why = why
	h.mu.Unlock()
	if before == why {
		return
	}
	if why != "" {
		h.app.audit(context.Background(), "refused", "postern", "", why)
		h.app.notice(context.Background(), "door-"+string(hookAccount), true, why)
	}
	h.app.changed()
}

// calledBy reports whether host is a name of the listener's. A web page that had
// a name of its own lead here (DNS rebinding) says that name.
func (h *hookDoor) calledBy(host string) bool {
	h.mu.Lock()
	bind := h.bind
	h.mu.Unlock()
	name, port, err := net.SplitHostPort(host)
	if err != nil || port != strconv.Itoa(int(bind.Port())) {
		return false
	}
	return name == bind.Addr().String() || strings.EqualFold(name, "localhost")
}

// SetHookListener says where hooks are served.
func (a *App) SetHookListener(ctx context.Context, l api.HookListener) (api.Hooks, error) {
	bind, err := hookBind(l.Bind)
	if err != nil {
		return api.Hooks{}, &api.Error{Kind: platforms.Rejected, Text: err.Error(), Fields: map[string]string{"bind": err.Error()}}
	}
	h := a.hooking
	h.mu.Lock()
	same := h.bind == bind
	h.mu.Unlock()
	if same {
		return a.Hooks(), nil
	}
	if !a.doors.guard.Free(bind) {
		return api.Hooks{}, &api.Error{Kind: platforms.Rejected, Text: "Another program listens on " + bind.String() + " already. Choose another port."}
	}
	h.saving.Lock()
	err = a.keep(ctx, settingHookServed, bind.String())
	if err == nil {
		h.mu.Lock()
		h.bind = bind
		h.mu.Unlock()
	}
	h.saving.Unlock()
	if err != nil {
		return api.Hooks{}, wireError(err)
	}
	a.hookChanged(ctx, "", "", "Hooks are served at "+bind.String()+". Addresses that were handed out before name the former one.")
	h.settle()
	return a.Hooks(), nil
}
