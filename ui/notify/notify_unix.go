//go:build linux || freebsd || openbsd || netbsd

package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/postern/postern/assets"
	"github.com/postern/postern/ui/internal/bus"
)

// The desktop's side: the Desktop Notifications Specification, 1.3.
const (
	service = "org.freedesktop.Notifications"
	path    = "/org/freedesktop/Notifications"
)

const (
	// answer is how long the service may take where the caller sets no
	// earlier deadline.
	answer = 5 * time.Second
	// remembered is how many notifications are kept in mind; a desktop that
	// forgets to say that they were closed must not make that grow.
	remembered = 200
)

// Notifier shows notifications over a bus connection of its own. Its methods
// may be called from several goroutines.
type Notifier struct {
	o    Options
	icon dbus.Variant
	turn chan struct{} // held by whoever speaks with the service
	wait sync.WaitGroup
	call sync.Mutex // held while OnAction runs

	mu     sync.Mutex // the fields below
	closed bool
	conn   *dbus.Conn
	server string // unique name of the service that ids and caps belong to
	caps   []string
	ids    map[string]uint32
	shown  map[uint32]Notification
}

// New prepares for showing notifications. It fails with ErrUnavailable where
// there is no session bus. A missing notification service is reported by Show,
// since one may start at any time.
func New(ctx context.Context, o Options) (*Notifier, error) {
	n := &Notifier{o: o, turn: make(chan struct{}, 1)}
	icon, err := iconHint()
	if err != nil {
		return nil, err
	}
	n.icon = icon
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	if _, err := n.connect(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// Show shows m, in place of the earlier one with its key. It waits for the
// desktop until ctx ends, five seconds at most. Where no service shows
// notifications it fails with ErrUnavailable.
func (n *Notifier) Show(ctx context.Context, m Notification) error {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	if err := n.take(ctx); err != nil {
		return err
	}
	defer n.release()

	conn, err := n.connect(ctx)
	if err != nil {
		return err
	}
	caps, err := n.meet(ctx, conn)
	if err != nil {
		return err
	}
	m = cleaned(m)
	n.mu.Lock()
	replaces := n.ids[m.Key]
	n.mu.Unlock()

	hints := map[string]dbus.Variant{
		"urgency":    dbus.MakeVariant(byte(1)),
		"category":   dbus.MakeVariant("im.received"),
		"image-data": n.icon,
	}
	if m.Urgent {
		hints["urgency"] = dbus.MakeVariant(byte(2))
	}
	body := m.Body
	if slices.Contains(caps, "body-markup") {
		body = escape(body)
	}
	actions := []string{}
	if slices.Contains(caps, "actions") {
		actions = append(actions, Click, "Open")
		for _, a := range m.Actions {
			actions = append(actions, a.ID, a.Label)
		}
	}
	var id uint32
	// -1: the desktop's own time for showing it.
	call := conn.Object(service, path).CallWithContext(ctx, service+".Notify", 0,
		"Postern", replaces, "", m.Title, body, actions, hints, int32(-1))
	if err := call.Store(&id); err != nil {
		return explain(err)
	}
	n.remember(id, m)
	return nil
}

// Withdraw takes the notification with key off the screen, if it is there. It
// waits for the desktop two seconds at most.
func (n *Notifier) Withdraw(key string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if n.take(ctx) != nil {
		return
	}
	defer n.release()
	n.mu.Lock()
	id, known := n.ids[key]
	conn, server := n.conn, n.server
	n.forget(id)
	n.mu.Unlock()
	if !known {
		return
	}
	// To the very service that showed it: to another, the id means something else.
	call := conn.Object(server, path).CallWithContext(ctx, service+".CloseNotification", 0, id)
	if call.Err != nil {
		n.o.Log.Debug("notify: could not withdraw", "error", call.Err)
	}
}

// Close ends the connection; what is on the screen stays. Calls that are under
// way fail. OnAction is not called after Close returned, so OnAction itself
// must not call it.
func (n *Notifier) Close() {
	n.mu.Lock()
	n.closed = true
	conn := n.conn
	n.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
	n.wait.Wait()
}

func (n *Notifier) take(ctx context.Context) error {
	select {
	case n.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return explain(ctx.Err())
	}
}

func (n *Notifier) release() { <-n.turn }

// connect is the connection, a new one if the bus was restarted.
func (n *Notifier) connect(ctx context.Context) (*dbus.Conn, error) {
	n.mu.Lock()
	conn, closed := n.conn, n.closed
	n.mu.Unlock()
	if closed {
		return nil, fmt.Errorf("%w: Postern is ending", ErrUnavailable)
	}
	if conn != nil && conn.Connected() {
		return conn, nil
	}
	conn, err := bus.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: no D-Bus session bus answers here, start Postern from a desktop session (%w)", ErrUnavailable, err)
	}
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	err = conn.AddMatchSignalContext(ctx, dbus.WithMatchSender(service),
		dbus.WithMatchInterface(service), dbus.WithMatchObjectPath(path))
	if err != nil {
		_ = conn.Close()
		return nil, explain(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: Postern is ending", ErrUnavailable)
	}
	n.conn, n.server = conn, ""
	n.wait.Go(func() { n.listen(signals) })
	return conn, nil
}

// meet finds the service, starting it if the desktop knows how, and asks what
// it can do. A service that was not met before knows nothing of the earlier
// one's notifications.
func (n *Notifier) meet(ctx context.Context, conn *dbus.Conn) ([]string, error) {
	owner, err := nameOwner(ctx, conn)
	if err == nil {
		n.mu.Lock()
		known, caps := owner == n.server, n.caps
		n.mu.Unlock()
		if known {
			return caps, nil
		}
	}
	var caps []string
	if err := conn.Object(service, path).CallWithContext(ctx, service+".GetCapabilities", 0).Store(&caps); err != nil {
		return nil, explain(err)
	}
	if owner == "" {
		if owner, err = nameOwner(ctx, conn); err != nil {
			return nil, explain(err)
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, n.caps = owner, caps
	n.ids, n.shown = map[string]uint32{}, map[uint32]Notification{}
	return caps, nil
}

func (n *Notifier) remember(id uint32, m Notification) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if old, ok := n.ids[m.Key]; ok {
		n.forget(old)
	}
	for len(n.shown) >= remembered {
		oldest := id
		for k := range n.shown {
			oldest = min(oldest, k)
		}
		if _, ok := n.shown[oldest]; !ok {
			break // ids went around
		}
		n.forget(oldest)
	}
	n.ids[m.Key], n.shown[id] = id, m
}

// forget drops a notification; n.mu is held.
func (n *Notifier) forget(id uint32) {
	if m, ok := n.shown[id]; ok {
		delete(n.shown, id)
		if n.ids[m.Key] == id {
			delete(n.ids, m.Key)
		}
	}
}

// listen passes on what the service says, until the connection ends.
func (n *Notifier) listen(signals <-chan *dbus.Signal) {
	for s := range signals {
		if key, action, ok := n.heard(s); ok {
			n.call.Lock()
			n.o.OnAction(key, action)
			n.call.Unlock()
		}
	}
}

// heard takes in one signal and reports whether it is an action of a
// notification of ours. Any program on the bus can send us any signal, so
// nothing about it is taken for granted.
func (n *Notifier) heard(s *dbus.Signal) (key, action string, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s == nil || n.closed || s.Sender == "" || s.Sender != n.server || len(s.Body) < 2 {
		return "", "", false
	}
	id, isID := s.Body[0].(uint32)
	m, known := n.shown[id]
	if !isID || !known {
		return "", "", false
	}
	switch s.Name {
	case service + ".NotificationClosed":
		n.forget(id)
	case service + ".ActionInvoked":
		if action, isText := s.Body[1].(string); isText && offers(m, action) {
			return m.Key, action, true
		}
	}
	return "", "", false
}

func nameOwner(ctx context.Context, conn *dbus.Conn) (string, error) {
	var owner string
	err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetNameOwner", 0, service).Store(&owner)
	return owner, err
}

// explain turns what D-Bus says into what a person reads.
func explain(err error) error {
	var e dbus.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the desktop's notification service did not answer in time: %w", err)
	case errors.As(err, &e) && (e.Name == "org.freedesktop.DBus.Error.ServiceUnknown" ||
		e.Name == "org.freedesktop.DBus.Error.NameHasNoOwner" ||
		strings.HasPrefix(e.Name, "org.freedesktop.DBus.Error.Spawn.")):
		return fmt.Errorf("%w: no notification service runs on this desktop, install or start one", ErrUnavailable)
	}
	return fmt.Errorf("the desktop's notification service failed: %w", err)
}

// escape makes text literal for a service that reads markup in the body.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s)
}

// iconHint is the program's icon in the form of the image-data hint.
func iconHint() (dbus.Variant, error) {
	src, err := png.Decode(bytes.NewReader(assets.App(64)))
	if err != nil {
		return dbus.Variant{}, fmt.Errorf("read the icon: %w", err)
	}
	img := image.NewNRGBA(src.Bounds())
	draw.Draw(img, img.Bounds(), src, src.Bounds().Min, draw.Src)
	return dbus.MakeVariant(struct {
		Width, Height, Stride int32
		Alpha                 bool
		Bits, Channels        int32
		Pix                   []byte
	}{int32(img.Rect.Dx()), int32(img.Rect.Dy()), int32(img.Stride), true, 8, 4, img.Pix}), nil
}
