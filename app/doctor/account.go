package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Account asks an account's platform about it, and says how it stands.
func Account(a api.Account, check func(ctx context.Context) (api.Check, error)) Probe {
	return Probe{
		ID: "account/" + string(a.ID), Account: a.ID, Remote: true, Title: accountTitle(a.Title, a.Name, a.Handle),
		Run: func(ctx context.Context) Result {
			if a.Paused || a.Status == api.Paused {
				return Result{api.Skipped, "The account is paused, so it was not asked about.", "Resume it when it is to work."}
			}
			found, err := check(ctx)
			if ctx.Err() != nil {
				return late(ctx.Err())
			}
			return judgeAccount(a, found, err)
		},
	}
}

func accountTitle(title, name, handle string) string {
	return strings.TrimSpace(text.Line(title, 40) + " “" + cmp.Or(text.Line(name, 40), text.Line(handle, 40), "unnamed") + "”")
}

// judgeAccount puts what a check found together with how the account stands.
func judgeAccount(a api.Account, found api.Check, err error) Result {
	if err != nil {
		return Result{api.Unclear, "The account could not be checked. " + text.Sentence(platforms.Explain(err)), "Run the doctor again."}
	}
	if e := found.Error; e != nil {
		state := api.Sick
		if e.Kind == platforms.Temporary || e.Kind == platforms.RateLimited {
			state = api.Warned
		}
		return Result{state, "The check failed. " + e.Text, doAbout(e.Kind)}
	}
	switch a.Status {
	case api.BadCredentials, api.Conflict, api.Blocked:
		return Result{api.Sick, cmp.Or(a.Note, "The account does not work: "+string(a.Status)+"."), doAboutStatus(a.Status)}
	}
	for _, p := range found.Identity.Problems {
		if p.Bad {
			return Result{api.Sick, p.Text, doAboutProblem(p)}
		}
	}
	switch a.Status {
	case api.Degraded, api.RateLimited, api.TransientDisconnect:
		return Result{api.Warned, cmp.Or(a.Note, "The account works in part: "+string(a.Status)+"."), "Postern tries again by itself. If it stays like this, look at the network."}
	}
	for _, p := range found.Identity.Problems {
		return Result{api.Warned, p.Text, doAboutProblem(p)}
	}
	if a.Dead > 0 {
		return Result{api.Warned, fmt.Sprintf("The platform knows the bot, but %d messages could not be sent.", a.Dead), "Look at them in the inbox, and send them again or discard them."}
	}
	return ok("The platform knows the bot, and the account is %s.", strings.ToLower(strings.ReplaceAll(string(a.Status), "_", " ")))
}

func doAbout(k platforms.Kind) string {
	switch k {
	case platforms.Unauthorized:
		return "Put the current credential in: Accounts, then Edit."
	case platforms.Conflict:
		return "Stop the other program that uses this credential, or make a credential for each."
	case platforms.NotAcknowledged:
		return "Set the account's listener up under Exposure, and decide whether it opens."
	case platforms.Temporary, platforms.RateLimited:
		return "Postern tries again by itself. If it stays like this, look at the network and the proxy."
	}
	return "Look at the account's settings: Accounts, then Edit."
}

func doAboutStatus(s api.Status) string {
	switch s {
	case api.BadCredentials:
		return doAbout(platforms.Unauthorized)
	case api.Conflict:
		return doAbout(platforms.Conflict)
	}
	return "Do what the account's note says, then resume it."
}

func doAboutProblem(p platforms.Problem) string {
	if p.Fix != "" {
		return "The account's card can mend it: " + p.Fix + "."
	}
	return "Do what the text says, then check the account again."
}

// acknowledgedFor is how long before its end an acknowledgement is mentioned.
const acknowledgedFor = 7 * 24 * time.Hour

// certifiedFor is how long before its end a certificate is mentioned.
const certifiedFor = 14 * 24 * time.Hour

// Door says how an account's listener stands, and its certificate.
func Door(d api.Door, now time.Time) Probe {
	return Probe{ID: "listener/" + string(d.Account), Account: d.Account, Title: "Listener of " + accountTitle(d.Title, d.Name, ""),
		Run: func(context.Context) Result {
			r := judgeDoor(d, now)
			if d.Cert == "" || !d.Open || r.State != api.Healthy {
				return r
			}
			ends, err := certificateEnds(d.Cert)
			switch day := ends.Local().Format("2 January 2006"); {
			case err != nil:
				return Result{api.Warned, "It is open, but its certificate's file can't be read any more. The one that was read before is in use.", "Look whether the file named in the listener's settings is there, and is a certificate."}
			case now.After(ends):
				return Result{api.Sick, "It is open, but its certificate ended on " + day + ". Callers refuse it.", "Renew the certificate; the new file is taken by itself."}
			case ends.Sub(now) < certifiedFor:
				return Result{api.Warned, "It is open, and its certificate ends on " + day + ".", "Renew the certificate; the new file is taken by itself."}
			}
			return r
		}}
}

// certificateEnds is when the first certificate in a file ends.
func certificateEnds(path string) (time.Time, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, err
	}
	for block, rest := pem.Decode(raw); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return time.Time{}, err
			}
			return c.NotAfter, nil
		}
	}
	return time.Time{}, errors.New("there is no certificate in the file")
}

func judgeDoor(d api.Door, now time.Time) Result {
	switch {
	case d.Relayed:
		return ok("A relay takes the requests; nothing here can be reached.")
	case !d.Set:
		return skip(cmp.Or(d.Why, "No listener is set up."))
	case d.Closed:
		return Result{api.Skipped, cmp.Or(d.Why, "It was closed by hand."), "Open it under Exposure when messages are to come in again."}
	case d.Needs && !d.Open && d.Ack == nil:
		return Result{api.Warned, "It waits for a person's acknowledgement, and nothing comes in. " + d.Why, "Look at it under Exposure, and decide whether it opens."}
	case !d.Open:
		return Result{api.Warned, cmp.Or(d.Why, "It is not open, so nothing comes in."), "Look at it under Exposure, and at the account's note."}
	case d.Ack != nil && d.Ack.Ends.Sub(now) < acknowledgedFor:
		return Result{api.Warned, fmt.Sprintf("It is open, and its acknowledgement ends on %s. It closes then.", d.Ack.Ends.Local().Format("2 January 2006, 15:04")),
			"Acknowledge it anew under Exposure if it is to stay open."}
	}
	said := fmt.Sprintf("It is open to %s on %s.", d.Callers, d.Bind)
	if d.Last.IsZero() {
		said += " Nothing genuine has come in since Postern started."
	}
	return ok("%s", said)
}

// Sockets tells of sockets that nobody here opened, and of tunnels.
func Sockets(v api.View) Probe {
	return Probe{ID: "sockets", Title: "Sockets and tunnels", Run: func(context.Context) Result {
		var strange, leading []string
		for _, s := range v.Sockets {
			if s.Strange {
				strange = append(strange, s.Addr)
			}
		}
		for _, t := range v.Tunnels {
			if len(t.Ours) > 0 {
				leading = append(leading, strings.TrimSpace(t.Program+" "+t.Public))
			}
		}
		switch {
		case len(strange) > 0:
			return Result{api.Sick, fmt.Sprintf("This program listens where nobody here asked it to: %s.", strings.Join(strange, ", ")),
				"Quit Postern, and look for what opened it before you start it again."}
		case v.Note != "":
			return Result{api.Unclear, v.Note, "Look at the sockets of this program with the system's own tools."}
		case len(leading) > 0:
			return ok("Every one of %d sockets is known. Tunnels lead to listeners: %s.", len(v.Sockets), strings.Join(leading, ", "))
		}
		return ok("Every one of %d sockets is known, and no tunnel was found that leads here.", len(v.Sockets))
	}}
}
