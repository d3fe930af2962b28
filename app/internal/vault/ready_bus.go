//go:build unix && !darwin

package vault

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/godbus/dbus/v5"
)

const (
	secretsName   = "org.freedesktop.secrets"
	secretsPath   = dbus.ObjectPath("/org/freedesktop/secrets")
	loginPath     = secretsPath + "/collection/login"
	defaultPath   = secretsPath + "/aliases/default"
	propertiesGet = "org.freedesktop.DBus.Properties.Get"
)

// keyringReady looks, over a connection of its own that ctx ends, whether there
// is a Secret Service and whether using it will prompt the person. So what can
// hang is found before go-keyring, whose calls nothing ends, is asked; and
// without a bus go-keyring is never asked, because it would launch one and
// leave it behind.
func keyringReady(ctx context.Context) (mayPrompt bool, err error) {
	address, err := sessionBus()
	if err != nil {
		return false, err
	}
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		return false, &Unavailable{Reason: NoKeyring, Detail: "the session bus can't be reached", Err: err}
	}
	defer conn.Close()
	if err := hasSecrets(ctx, conn); err != nil {
		return false, err
	}
	// go-keyring uses the collection "login" if it is listed, else the default.
	collections, err := property(ctx, conn, secretsPath, "org.freedesktop.Secret.Service", "Collections")
	if err != nil {
		return false, err
	}
	path := defaultPath
	if paths, ok := collections.([]dbus.ObjectPath); ok && slices.Contains(paths, loginPath) {
		path = loginPath
	}
	locked, err := property(ctx, conn, path, "org.freedesktop.Secret.Collection", "Locked")
	if err != nil {
		return false, err
	}
	is, ok := locked.(bool)
	return is || !ok, nil
}

// hasSecrets fails unless the service runs or the bus can start it.
func hasSecrets(ctx context.Context, conn *dbus.Conn) error {
	bus := conn.BusObject()
	var owned bool
	if err := bus.CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, secretsName).Store(&owned); err != nil {
		return orCause(ctx, err)
	}
	if owned {
		return nil
	}
	var names []string
	if err := bus.CallWithContext(ctx, "org.freedesktop.DBus.ListActivatableNames", 0).Store(&names); err != nil {
		return orCause(ctx, err)
	}
	if !slices.Contains(names, secretsName) {
		return &Unavailable{Reason: NoKeyring, Detail: "no Secret Service runs in this session"}
	}
	return nil
}

func property(ctx context.Context, conn *dbus.Conn, path dbus.ObjectPath, iface, name string) (any, error) {
	var v dbus.Variant
	err := conn.Object(secretsName, path).CallWithContext(ctx, propertiesGet, 0, iface, name).Store(&v)
	if err != nil {
		return nil, orCause(ctx, err)
	}
	return v.Value(), nil
}

func orCause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// sessionBus is the address that go-keyring will use, or an error where it
// would launch a bus.
func sessionBus() (string, error) {
	address := os.Getenv("DBUS_SESSION_BUS_ADDRESS")
	if address != "" && address != "autolaunch:" {
		return address, nil
	}
	path := "/run/user/" + strconv.Itoa(os.Getuid()) + "/bus"
	if _, err := os.Stat(path); err == nil {
		return "unix:path=" + path, nil
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		if _, err := os.Stat(dir + "/bus"); err == nil {
			// It is there, but the library wouldn't find it.
			return "", &Unavailable{Reason: NoKeyring,
				Detail: "set DBUS_SESSION_BUS_ADDRESS to unix:path=" + dir + "/bus to use that session's"}
		}
	}
	return "", &Unavailable{Reason: NoKeyring, Detail: "there is no session bus"}
}

// busReason reads the names of D-Bus errors.
func busReason(err error) (Reason, bool) {
	e, ok := errors.AsType[dbus.Error](err)
	if !ok {
		if errors.Is(err, dbus.ErrClosed) {
			return Failed, true
		}
		return "", false
	}
	switch name := e.Name; {
	case name == "org.freedesktop.DBus.Error.ServiceUnknown",
		name == "org.freedesktop.DBus.Error.NameHasNoOwner",
		strings.HasPrefix(name, "org.freedesktop.DBus.Error.Spawn."):
		return NoKeyring, true
	case name == "org.freedesktop.Secret.Error.IsLocked":
		return Locked, true
	case name == "org.freedesktop.DBus.Error.AccessDenied":
		return Denied, true
	case name == "org.freedesktop.DBus.Error.NoReply",
		name == "org.freedesktop.DBus.Error.Timeout",
		name == "org.freedesktop.DBus.Error.TimedOut":
		return TimedOut, true
	}
	return Failed, true
}

// busError is the name of a D-Bus error.
func busError(err error) (name string, ok bool) {
	e, ok := errors.AsType[dbus.Error](err)
	return e.Name, ok
}
