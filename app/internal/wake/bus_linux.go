package wake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/godbus/dbus/v5"
)

const (
	loginName   = "org.freedesktop.login1"
	loginIface  = loginName + ".Manager"
	managerName = "org.freedesktop.NetworkManager"
	propsIface  = "org.freedesktop.DBus.Properties"
)

// retry bounds the attempts to reach a bus that went away.
type retry struct {
	first, most time.Duration // between attempts, doubling
	tries       int           // in a row
}

// systemBusAddress is where the system bus listens, or empty.
func systemBusAddress() string {
	if address := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); address != "" {
		return address
	}
	for _, path := range []string{"/run/dbus/system_bus_socket", "/var/run/dbus/system_bus_socket"} {
		if _, err := os.Stat(path); err == nil {
			return "unix:path=" + path
		}
	}
	return ""
}

// systemBus watches logind and NetworkManager. Without a bus it ends at once;
// when the bus goes away it tries to come back, as long as retry allows.
func systemBus(address func() string, r retry) source {
	return func(ctx context.Context, log *slog.Logger, tell func(event)) {
		where := address()
		if where == "" {
			log.Debug("no system bus, so no notices of logind and NetworkManager")
			return
		}
		wait, failures := r.first, 0
		for {
			reached, err := follow(ctx, where, tell)
			if ctx.Err() != nil {
				return
			}
			if reached {
				wait, failures = r.first, 0
			}
			if failures++; failures > r.tries {
				log.Info("the system bus stays away, so no more notices of logind and NetworkManager", "error", err)
				return
			}
			log.Debug("the system bus went away", "error", err, "again_in", wait)
			if !pause(ctx, wait) {
				return
			}
			wait = min(2*wait, r.most)
		}
	}
}

// follow listens until the connection or ctx ends; reached says that the bus
// answered.
func follow(ctx context.Context, address string, tell func(event)) (reached bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return false, fmt.Errorf("connect to the system bus: %w", err)
	}
	defer conn.Close()
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	for _, match := range [][]dbus.MatchOption{
		{dbus.WithMatchSender(loginName), dbus.WithMatchInterface(loginIface), dbus.WithMatchMember("PrepareForSleep")},
		{dbus.WithMatchSender(managerName), dbus.WithMatchInterface(managerName), dbus.WithMatchMember("StateChanged")},
		{dbus.WithMatchSender(managerName), dbus.WithMatchInterface(propsIface), dbus.WithMatchMember("PropertiesChanged"),
			dbus.WithMatchObjectPath("/org/freedesktop/NetworkManager"), dbus.WithMatchArg(0, managerName)},
	} {
		if err := conn.AddMatchSignalContext(ctx, match...); err != nil {
			return false, fmt.Errorf("listen on the system bus: %w", err)
		}
	}
	var asleep time.Time
	for s := range signals { // closed with the connection
		if e := read(s, &asleep, time.Now().Round(0)); e.kind != 0 {
			tell(e)
		}
	}
	return true, errors.New("the system bus closed the connection")
}

// read says what a signal means. asleep is when the computer went to sleep by
// the wall clock; now has no monotonic part either, since that clock stops.
func read(s *dbus.Signal, asleep *time.Time, now time.Time) event {
	switch s.Name {
	case loginIface + ".PrepareForSleep":
		if len(s.Body) != 1 {
			return event{}
		}
		switch going, ok := s.Body[0].(bool); {
		case !ok:
			return event{}
		case going:
			*asleep = now
			return event{}
		}
		e := event{kind: woke}
		if !asleep.IsZero() {
			e.slept = max(0, now.Sub(*asleep))
		}
		*asleep = time.Time{}
		return e
	case managerName + ".StateChanged":
		return event{kind: network}
	case propsIface + ".PropertiesChanged":
		if len(s.Body) < 2 || s.Body[0] != managerName {
			return event{}
		}
		// Most of its properties, such as lists of devices, say nothing about
		// whether a connection still works.
		changed, _ := s.Body[1].(map[string]dbus.Variant)
		for _, name := range []string{"State", "PrimaryConnection", "Connectivity"} {
			if _, ok := changed[name]; ok {
				return event{kind: network}
			}
		}
	}
	return event{}
}
