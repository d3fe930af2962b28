package doctor

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms/text"
)

// FailedLast begins the finding about a responder's failure. What follows it is
// what the responder said, which may be what it was told.
const FailedLast = "It failed last. "

// Responder says how something that answers is doing.
func Responder(r api.Responder) Probe {
	return Probe{ID: "responder/" + r.ID, Title: "Responder “" + cmp.Or(text.Line(r.Label, 40), text.Line(r.ID, 40)) + "”",
		Run: func(context.Context) Result { return judgeResponder(r) }}
}

func judgeResponder(r api.Responder) Result {
	switch {
	case r.Off:
		return Result{api.Skipped, "It is switched off.", "Switch it on when it is to answer."}
	case r.Problem != "":
		return Result{api.Sick, "It can't work. " + r.Problem, "Change its settings, or remove it."}
	case r.Error != "":
		return Result{api.Warned, FailedLast + text.Sentence(r.Error), "Look at what it runs or calls, and at its settings. The activity says for which messages it failed."}
	case r.Waiting > 0:
		return Result{api.Warned, fmt.Sprintf("%d messages wait to be given to it again.", r.Waiting), "They are tried again by themselves. If it stays like this, look at what it runs or calls."}
	case r.Last.IsZero():
		return ok("It is ready, and has had nothing to do since Postern started.")
	}
	return ok("It last finished a message on %s.", r.Last.Local().Format("2 January 2006, 15:04"))
}

// Routes looks whether every route leads somewhere.
func Routes(rs api.Routes, all []api.Responder) Probe {
	return Probe{ID: "routes", Title: "Routes", Run: func(context.Context) Result {
		state := map[string]string{}
		for _, r := range all {
			state[r.ID] = "on"
			if r.Off {
				state[r.ID] = "off"
			}
		}
		on := 0
		var lost []string
		for _, r := range rs.Routes {
			if r.Off {
				continue
			}
			on++
			for _, to := range r.To {
				if state[to] != "on" {
					lost = append(lost, fmt.Sprintf("“%s” goes to a responder that is %s", cmp.Or(text.Line(r.Name, 40), text.Line(r.ID, 40)), cmp.Or(state[to], "gone")))
				}
			}
		}
		switch {
		case len(lost) > 0:
			return Result{api.Warned, text.Sentence(strings.Join(lost, "; ")), "Change the route, or switch the responder on."}
		case on == 0 && len(rs.Default) == 0:
			return Result{api.Warned, "No route is on, so nothing handles messages. They stay in the inbox.", "Make a route, if messages are to be answered."}
		case on == 0:
			return ok("No route is on: every message goes to %s.", strings.Join(rs.Default, ", "))
		}
		what := fmt.Sprintf("%d routes are on, and each leads to a responder that is", on)
		if on == 1 {
			what = "One route is on, and leads to a responder that is"
		}
		return ok("%s. All else goes to %s.", what, cmp.Or(strings.Join(rs.Default, ", "), "nobody"))
	}}
}
