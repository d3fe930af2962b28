package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// pair shows a code to who sits at the terminal, and asks whether it was them
// who sent it to a bot. A code is a secret, so it is shown at a terminal only,
// and ends with the command.
func (e *env) pair() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use: "pair", Short: "Let yourself in: send a code to one of your bots from your phone; at a terminal", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, ok := e.terminal(); !ok || !e.shown() {
				return errors.New("only a person at a terminal, or in Postern's window, can let somebody in")
			}
			if e.json {
				return wrong("pairing is a talk with a person, so there is no JSON of it")
			}
			return e.ask(func(c *client.Client) error {
				ctx := client.AtTerminal(cmd.Context())
				p, err := c.People(ctx)
				if err != nil {
					return err
				}
				if len(p.Claims) > 0 {
					e.tell("", "Somebody sent a code earlier and waits.")
					if in, err := e.decide(ctx, c, p.Claims); err != nil || in {
						return err
					}
				}
				return e.pairNow(ctx, c, platforms.AccountID(account))
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "show the QR code of this `ACCOUNT`'s bot")
	_ = cmd.RegisterFlagCompletionFunc("account", e.completeAccount)
	return cmd
}

// tell prints a line for who sits at the terminal, even where the output goes
// elsewhere; indented by what mark says.
func (e *env) tell(mark, format string, a ...any) {
	_, _ = io.WriteString(e.Err, mark+text.Line(fmt.Sprintf(format, a...), 0)+"\n")
}

// errNobody: the command ends without letting anybody in.
var errNobody = errors.New("nobody was let in")

func (e *env) pairNow(ctx context.Context, c *client.Client, shown platforms.AccountID) (err error) {
	p, err := c.Pair(ctx)
	if err != nil {
		return err
	}
	defer func() { // whatever happens, the code ends here, by Ctrl-C too
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if e := c.CancelPairing(ctx); err == nil {
			err = e
		}
	}()
	e.showCode(p, shown)
	claims, err := e.awaitClaims(ctx, c, p.Until)
	if err != nil {
		return err
	}
	in, err := e.decide(ctx, c, claims)
	if err == nil && !in {
		err = errNobody
	}
	return err
}

// showCode shows the code and where to send it.
func (e *env) showCode(p api.Pairing, shown platforms.AccountID) {
	e.tell("", "Send this code to one of your bots, in a direct chat:")
	e.tell("\n    ", "%s", p.Code)
	e.tell("", "")
	qrOf := slices.IndexFunc(p.Bots, func(b api.PairingBot) bool { return b.Link != "" && (shown == "" || b.Account == shown) })
	for i, b := range p.Bots {
		line := b.Title
		if b.Name != b.Title {
			line += " " + b.Name
		}
		line = strings.TrimSpace(line + " " + b.Handle)
		if b.Chat != "" {
			line += ": " + b.Chat
		}
		if i == qrOf {
			line += " (the QR code below)"
		}
		e.tell("  - ", "%s", line)
	}
	if len(p.Bots) == 0 {
		e.tell("", "There is no bot to send it to yet: postern accounts add PLATFORM")
	}
	if qrOf >= 0 {
		_, _ = io.WriteString(e.Err, blocks(p.Bots[qrOf].Link))
	}
	e.tell("", "It counts once, until %s. Waiting for somebody to send it; Ctrl-C ends it.", p.Until.In(e.Zone).Format("15:04:05"))
}

// blocks is s as a QR code in half blocks, black on white whatever the
// terminal's colours are; empty where it does not fit into one.
func blocks(s string) string {
	code, err := qr.Encode(s, qr.L)
	if err != nil {
		return ""
	}
	const quiet = 2 // modules around it; readers do with fewer than the four of the standard
	var b strings.Builder
	for y := -quiet; y < code.Size+quiet; y += 2 {
		b.WriteString("  \x1b[30;47m")
		for x := -quiet; x < code.Size+quiet; x++ {
			switch up, down := code.Black(x, y), code.Black(x, y+1); {
			case up && down:
				b.WriteString("█")
			case up:
				b.WriteString("▀")
			case down:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString("\x1b[0m\n")
	}
	return b.String()
}

// awaitClaims waits until somebody sent a code, or the code has ended.
func (e *env) awaitClaims(ctx context.Context, c *client.Client, until time.Time) ([]access.Claim, error) {
	within, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var claims []access.Claim
	c.Follow(within, func(ev api.Event) {
		if ev.Snapshot == nil || ev.Snapshot.Claims == 0 || len(claims) > 0 {
			return
		}
		if p, err := c.People(within); err == nil && len(p.Claims) > 0 { // else the next event tries again
			claims = p.Claims
			cancel()
		}
	}, nil)
	switch {
	case len(claims) > 0:
		return claims, nil
	case ctx.Err() != nil:
		return nil, errors.New("the code has ended; nobody was let in")
	}
	return nil, errors.New("nobody sent the code in time; make another with: postern pair")
}

// decide asks about each claim until one is let in.
func (e *env) decide(ctx context.Context, c *client.Client, claims []access.Claim) (in bool, err error) {
	for _, cl := range claims {
		e.tell("", "The code was sent by %s.", claimant(cl))
		yes, _, err := e.confirm(ctx, "Is the id "+string(cl.User.ID)+" yours, so that they are let in?")
		if err != nil {
			return false, err
		}
		if _, err := c.AnswerClaim(ctx, api.ClaimAnswer{Claim: cl, Accept: yes}); err != nil {
			return false, err
		}
		if yes {
			e.say("Let in: %s", claimant(cl))
			return true, nil
		}
		e.tell("", "Refused. They get no answer.")
	}
	return false, nil
}
