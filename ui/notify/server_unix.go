//go:build linux || freebsd || openbsd || netbsd

package notify

import (
	"context"

	"github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/internal/bus"
)

// Server is what shows notifications on this desktop, by its own name. Where
// nothing does, its error wraps ErrUnavailable and is a sentence for the person.
func Server(ctx context.Context) (name string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	conn, err := bus.Dial(ctx)
	if err != nil {
		return "", explain(err)
	}
	defer conn.Close()
	var vendor, version, spec string
	// The desktop may start it for this.
	if err := conn.Object(service, path).CallWithContext(ctx, service+".GetServerInformation", 0).Store(&name, &vendor, &version, &spec); err != nil {
		return "", explain(err)
	}
	return text.Line(name+" "+version, 60), nil
}
