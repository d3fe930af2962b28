package support

import (
	"bufio"
	"os"
	"os/user"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// System is what a computer and a build are, without whose they are.
type System struct {
	Made     time.Time `json:"made"`
	Version  string    `json:"version"`
	Revision string    `json:"revision,omitempty"`
	Go       string    `json:"go"`
	OS       string    `json:"os"`
	Arch     string    `json:"arch"`
	Name     string    `json:"name,omitempty"` // the system's own
	Kernel   string    `json:"kernel,omitempty"`
	CPUs     int       `json:"cpus"`
	Desktop  string    `json:"desktop,omitempty"`
	Session  string    `json:"session,omitempty"` // "wayland", "x11"
	Bus      bool      `json:"session_bus"`       // its address is known
	Proxy    []string  `json:"proxy_variables,omitempty"`
	Started  time.Time `json:"started"`
	Demo     bool      `json:"demo,omitempty"`
	Vault    string    `json:"vault"`
}

// ThisSystem is the facts that need nobody to be asked.
func ThisSystem() System {
	s := System{Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU(),
		Kernel: kernel(), Desktop: os.Getenv("XDG_CURRENT_DESKTOP"), Session: os.Getenv("XDG_SESSION_TYPE"),
		Bus: os.Getenv("DBUS_SESSION_BUS_ADDRESS") != ""}
	if f, err := os.Open("/etc/os-release"); err == nil {
		for lines := bufio.NewScanner(f); lines.Scan(); {
			if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
				s.Name = strings.Trim(name, `"`)
			}
		}
		_ = f.Close()
	}
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, set := range b.Settings {
			if set.Key == "vcs.revision" {
				s.Revision = set.Value[:min(12, len(set.Value))]
			}
		}
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"} {
		if os.Getenv(name) != "" {
			s.Proxy = append(s.Proxy, name)
		}
	}
	return s
}

// Here adds to p what names this user and this computer.
func Here(p Private) Private {
	if home, err := os.UserHomeDir(); err == nil {
		p.Homes = append(p.Homes, home)
	}
	if u, err := user.Current(); err == nil {
		p.Homes = append(p.Homes, u.HomeDir)
		p.Persons = append(p.Persons, u.Username, u.Name)
		if _, name, ok := strings.Cut(u.Username, `\`); ok { // DOMAIN\name
			p.Persons = append(p.Persons, name)
		}
	}
	for _, name := range []string{"USER", "LOGNAME", "USERNAME", "COMPUTERNAME", "HOSTNAME", "USERDOMAIN"} {
		p.Persons = append(p.Persons, os.Getenv(name))
	}
	if host, err := os.Hostname(); err == nil {
		p.Persons = append(p.Persons, host)
		if short, _, ok := strings.Cut(host, "."); ok {
			p.Persons = append(p.Persons, short)
		}
	}
	return p
}
