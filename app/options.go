package app

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/app/exposure/guard"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
)

// Options configure an App. Dir and Platforms are required.
type Options struct {
	Dir       string // the data folder; it exists
	Platforms []platforms.Platform
	// Responders are built in: they get what no route takes. Kinds can be set up
	// by the person.
	Responders []Responder
	Kinds      []Kind
	// Relays are further kinds of relays that can be set up.
	Relays  []RelayKind
	Version string

	// Demo keeps secrets in memory and leaves the system alone: nothing is
	// started at login, no keyring is asked.
	Demo bool

	// Log is where the program logs to. Every secret of the vault is masked
	// before a record reaches it. Nil discards.
	Log slog.Handler

	// Stages is sockets of this process that are no concern of the guard's, and
	// whose they are: the demo's stand-ins. Nil means none.
	Stages func() map[netip.AddrPort]string
	// Tunnels looks for programs that publish local ports; nil looks at this
	// computer's.
	Tunnels func(context.Context) ([]guard.Tunnel, error)
	// Probes are further checks for the doctor: what the program's faces know.
	Probes []doctor.Probe
	// Told is called with what the person must hear of at once; it must not
	// block. Nil tells nobody.
	Told func(api.Notice)

	// Asked is called when a responder asks for permission, AskEnded when that is
	// decided or over. Neither blocks. Nil tells nobody.
	Asked    func(api.Ask)
	AskEnded func(id string)

	// Passphrase is asked when the vault is a sealed file.
	Passphrase func(context.Context) (platforms.Secret, error)

	Vault *vault.Vault     // nil: opened from Dir and closed at the end, or in memory for the demo
	Now   func() time.Time // nil: time.Now
}
