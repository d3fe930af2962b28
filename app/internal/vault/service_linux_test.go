package vault

import (
	"testing"

	"github.com/godbus/dbus/v5"
)

// deaf doesn't answer until its channel is closed.
type deaf struct{ until <-chan struct{} }

func (d deaf) LookupObject(dbus.ObjectPath) (dbus.ServerObject, bool) { return d, true }
func (d deaf) LookupInterface(string) (dbus.Interface, bool)          { return d, true }
func (d deaf) LookupMethod(string) (dbus.Method, bool)                { return d, true }
func (d deaf) Call(...any) ([]any, error)                             { <-d.until; return nil, nil }
func (d deaf) NumArguments() int                                      { return 0 }
func (d deaf) NumReturns() int                                        { return 0 }
func (d deaf) ArgumentValue(int) any                                  { return nil }
func (d deaf) ReturnValue(int) any                                    { return nil }

func (d deaf) DecodeArguments(*dbus.Conn, string, *dbus.Message, []any) ([]any, error) {
	return nil, nil
}

// exportPrompting is a locked Secret Service whose prompt never completes.
func exportPrompting(t *testing.T, conn *dbus.Conn) (shown <-chan struct{}) {
	t.Helper()
	prompts := make(chan struct{}, 10)
	if err := conn.Export(locked{}, secretsPath, "org.freedesktop.Secret.Service"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []dbus.ObjectPath{secretsPath, loginPath, defaultPath} {
		if err := conn.Export(lockedProperties{}, path, "org.freedesktop.DBus.Properties"); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Export(silentPrompt{prompts}, "/prompt", "org.freedesktop.Secret.Prompt"); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.RequestName(secretsName, 0); err != nil {
		t.Fatal(err)
	}
	return prompts
}

type locked struct{}

func (locked) Unlock([]dbus.ObjectPath) ([]dbus.ObjectPath, dbus.ObjectPath, *dbus.Error) {
	return nil, "/prompt", nil
}

type lockedProperties struct{}

func (lockedProperties) Get(iface, name string) (dbus.Variant, *dbus.Error) {
	if name == "Locked" {
		return dbus.MakeVariant(true), nil
	}
	return dbus.MakeVariant([]dbus.ObjectPath{loginPath}), nil
}

type silentPrompt struct{ shown chan<- struct{} }

func (p silentPrompt) Prompt(string) *dbus.Error {
	p.shown <- struct{}{}
	return nil
}
