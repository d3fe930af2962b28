package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

func (e *env) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "How the running Postern and its accounts are", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.ask(func(c *client.Client) error {
				s, err := c.Snapshot(cmd.Context())
				if err != nil {
					return err
				}
				if e.json {
					return e.printJSON(s)
				}
				e.printStatus(s)
				return nil
			})
		},
	}
}

func (e *env) printStatus(s api.Snapshot) {
	state := "running"
	if s.Program.Paused {
		state = "paused"
	}
	if s.Program.Demo {
		state += ", demo"
	}
	line := fmt.Sprintf("Postern %s, %s since %s", s.Program.Version, state, e.when(s.Program.Started))
	if s.Program.PID != 0 { // a named client is not told this, nor what follows
		line += fmt.Sprintf(" (process %d)", s.Program.PID)
	}
	e.say("%s", line)
	if s.Program.DataDir != "" {
		e.say("Data: %s", s.Program.DataDir)
		e.say("Secrets: %s", s.Program.Vault)
	}
	e.say("Messages: %d unread, %d held, %d waiting to be sent, %d could not be sent", s.Unread, s.Held, s.Queued, s.Dead)
	if s.Asks > 0 {
		e.say("Permissions: %d asked for; see postern asks", s.Asks)
	}
	var levels []string
	for _, l := range []exposure.Level{exposure.Outbound, exposure.Relayed, exposure.Local, exposure.Private, exposure.Public, exposure.Refused} {
		if n := s.Exposure[l]; n > 0 {
			levels = append(levels, fmt.Sprintf("%d %s", n, l))
		}
	}
	if len(levels) > 0 {
		e.say("Exposure: %s", strings.Join(levels, ", "))
	}
	for _, n := range s.Notices {
		e.say("Notice: %s", n.Text)
	}
	fmt.Fprintln(e.Out)
	e.printAccounts(s.Accounts)
}

func (e *env) printAccounts(accounts []api.Account) {
	if len(accounts) == 0 {
		e.say("No accounts yet. Add one with: postern accounts add PLATFORM")
		return
	}
	rows := make([][]string, 0, len(accounts))
	for _, a := range accounts {
		status := string(a.Status)
		if a.Paused {
			status = string(api.Paused)
		}
		hears := light(a.Hears)
		if a.Deaf {
			hears = "never"
		}
		rows = append(rows, []string{string(a.ID), a.Name, a.Handle, status, hears, light(a.Speaks), light(a.Answers), string(a.Exposure), a.Note})
	}
	e.table([]string{"ACCOUNT", "NAME", "BOT", "STATUS", "HEARS", "SPEAKS", "ANSWERS", "EXPOSURE", "NOTE"}, rows)
}

// light is one direction's proof in a word.
func light(l api.Light) string {
	switch {
	case l.Failed.After(l.Proven):
		return "broken"
	case l.Proven.IsZero():
		return "unproven"
	}
	return "proven"
}

// badge is a level of exposure in words.
func badge(l exposure.Level) string {
	switch l {
	case exposure.Outbound:
		return "↗ outbound socket: Postern dials out, nothing on this computer listens for it"
	case exposure.Relayed:
		return "⇄ relayed webhook: the public address is a relay's, and Postern dials out to that"
	case exposure.Local:
		return "⌂ local listener: only this computer can reach it"
	case exposure.Private:
		return "◐ private callback: this computer or a private network can reach it"
	case exposure.Public:
		return "◉ public webhook: strangers can send bytes to a program on this computer"
	case exposure.Refused:
		return "○ refused: it would have to listen, which nobody has agreed to, so it stays closed"
	}
	return string(l)
}

// printCheck prints what a check found about account id, empty for a draft.
func (e *env) printCheck(id platforms.AccountID, c api.Check) {
	if c.Identity.ID != "" || c.Identity.Name != "" || c.Identity.Handle != "" {
		if c.Identity.Name == c.Identity.Handle {
			c.Identity.Handle = ""
		}
		e.say("Bot: %s", strings.TrimSpace(c.Identity.Name+" "+c.Identity.Handle))
	}
	e.say("Exposure: %s", badge(c.Exposure))
	for _, p := range c.Identity.Problems {
		word := "Note"
		if p.Bad {
			word = "Problem"
		}
		e.say("%s: %s", word, p.Text)
		if p.Fix != "" && id != "" {
			e.say("  %s: postern accounts fix %s %s", p.Fix, id, p.Code)
		}
	}
	if c.Error == nil { // a failure is told as the command's error
		e.say("The check succeeded.")
	}
}

// failedCheck is a check's failure as an error.
func failedCheck(c api.Check) error {
	if c.Error == nil {
		return nil
	}
	return fmt.Errorf("the check failed: %w", c.Error)
}
