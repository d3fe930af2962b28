//go:build linux || freebsd || openbsd || netbsd

package proxy

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// system asks the desktop's portal, which knows GNOME's and KDE's settings. See
// https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.ProxyResolver.html.
// A desktop whose portal does not run is not made to start it.
func system(req *http.Request) (*url.URL, error) {
	address := session()
	if address == "" {
		return nil, errors.New("no D-Bus session bus")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	portal := conn.Object("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop")
	var found []string
	err = portal.CallWithContext(ctx, "org.freedesktop.portal.ProxyResolver.Lookup", dbus.FlagNoAutoStart, req.URL.String()).Store(&found)
	if err != nil {
		return nil, err
	}
	return first(found)
}

// first is the first of a portal's proxies that an HTTP client can use.
func first(found []string) (*url.URL, error) {
	for _, s := range found {
		u, err := url.Parse(s)
		if err != nil {
			continue
		}
		switch u.Scheme {
		case "direct":
			return nil, nil
		case "http", "https", "socks5", "socks5h":
			return u, nil
		case "socks":
			u.Scheme = "socks5"
			return u, nil
		}
	}
	return nil, nil
}

// session is the session bus's address, empty if there is none. Asking for one
// never starts one.
func session() string {
	if a := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); a != "" {
		if strings.HasPrefix(a, "autolaunch:") {
			return ""
		}
		return a
	}
	path := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "bus")
	if fi, err := os.Stat(path); err != nil || fi.Mode()&os.ModeSocket == 0 {
		return ""
	}
	return "unix:path=" + dbus.EscapeBusAddressValue(path)
}
