package doctor

import (
	"cmp"
	"context"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// gapFor is how long the doctor speaks of requests that a relay lost.
const gapFor = 7 * 24 * time.Hour

// Relay looks how a relay stands, and tries it where it does not.
func Relay(r api.Relay, now time.Time, check func(context.Context) (api.RelayCheck, error)) Probe {
	return Probe{ID: "relay/" + r.ID, Title: "Relay “" + cmp.Or(text.Line(r.Name, 40), text.Line(r.ID, 40)) + "”", Run: func(ctx context.Context) Result {
		switch {
		case r.Paused || r.Status == api.Paused:
			return Result{api.Skipped, "It is paused, and nothing comes by it.", "Resume it when requests are to come."}
		case len(r.Channels) == 0:
			return Result{api.Warned, "It leads nowhere.", "Choose an account that it is to lead to, or remove it."}
		}
		for _, c := range r.Channels {
			if c.Problem != "" {
				return Result{api.Warned, text.Sentence(cmp.Or(text.Line(c.Channel, 40), "It leads nowhere") + ": " + c.Problem), "Look at where it leads on the page Relays."}
			}
		}
		if r.Status != api.Connected {
			got, err := check(ctx)
			switch {
			case err == nil && got.Error != nil:
				err = got.Error
			case err == nil:
				return Result{api.Warned, "It is not connected, though it could be reached just now. " + r.Note, "It is tried again by itself. If it stays like this, look at the relay's page."}
			}
			return Result{api.Sick, text.Sentence(platforms.Explain(err)), "Check the server's address, and the key and secret."}
		}
		if len(r.Gaps) > 0 && r.Gaps[0].Certain && now.Sub(r.Gaps[0].At) < gapFor {
			since := r.Gaps[0].Since
			if since.IsZero() {
				since = r.Gaps[0].At
			}
			return Result{api.Warned, "It is connected. " + r.Gaps[0].Text, "Have the senders send again what came since " + since.Local().Format("2 January 2006, 15:04") + ", if they can."}
		}
		if r.Warning != "" {
			return Result{api.Warned, "It is connected. " + r.Warning, "Choose another kind of relay if requests are refused."}
		}
		if r.Last.IsZero() {
			return ok("It is connected, and nothing has come by it since Postern started.")
		}
		return ok("It is connected. The last request came on %s.", r.Last.Local().Format("2 January 2006, 15:04"))
	}}
}
