package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/doctor"
	"github.com/postern/postern/platforms/text"
)

func (e *env) doctor() *cobra.Command {
	var (
		bundle       string
		yes, preview bool
	)
	cmd := &cobra.Command{
		Use: "doctor", Short: "Look whether everything works, and what to do where it does not",
		Long: `Look whether everything works, and what to do where it does not.

The running Postern looks at its network, clock, secrets, journal, disk, accounts
and listeners. It asks the accounts' platforms and nobody else. Where no Postern
runs, what can be seen from outside is looked at.

With --bundle, a file for whoever helps you is made, after you have seen what is
in it: no messages, no secrets, no names.

The exit code is 1 if there is a problem.`,
		Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if bundle != "" || preview {
				return e.ask(func(c *client.Client) error { return e.support(cmd.Context(), c, bundle, yes, preview) })
			}
			return e.examine(cmd.Context())
		},
	}
	f := cmd.Flags()
	f.StringVar(&bundle, "bundle", "", "write a bundle for whoever helps you to `FILE`, a zip")
	f.BoolVar(&preview, "preview", false, "print all that would be in the bundle")
	f.BoolVar(&yes, "yes", false, "write the bundle without asking")
	_ = cmd.MarkFlagFilename("bundle", "zip")
	return cmd
}

// examine prints findings as they come.
func (e *env) examine(ctx context.Context) error {
	dir, err := e.dir()
	if err != nil {
		return err
	}
	found, looked := map[api.Health]int{}, false
	show := func(x api.Examination) error {
		if x.Finding == nil {
			return nil
		}
		looked = true
		found[x.Finding.State]++
		return e.printFinding(*x.Finding)
	}
	var printed error
	tell := func(x api.Examination) { printed = errors.Join(printed, show(x)) }
	c := client.New(dir)
	err = c.Doctor(ctx, tell)
	c.Close()
	if err != nil && !looked && ctx.Err() == nil {
		var silent error
		if !errors.Is(err, client.ErrNotRunning) {
			silent = err
		}
		err = doctor.Run(ctx, doctor.Outside(dir, silent), doctor.Options{}, func(f api.Finding) { tell(api.Examination{Finding: &f}) })
	}
	switch {
	case err != nil || printed != nil:
		return errors.Join(err, printed)
	case found[api.Sick] > 0: // which were printed; this makes the exit code
		return fmt.Errorf("the doctor found %s", numberOf(found[api.Sick], "problem"))
	}
	return e.told(nil, "No problems, %s, %d unknown.", numberOf(found[api.Warned], "warning"), found[api.Unclear])
}

func numberOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// healthWord is a state in a word of at most seven letters.
func healthWord(h api.Health) string {
	switch h {
	case api.Healthy:
		return "ok"
	case api.Warned:
		return "WARNING"
	case api.Sick:
		return "PROBLEM"
	case api.Skipped:
		return "skipped"
	}
	return "unknown"
}

// titleWidth is the width of the column of titles, in characters; a longer
// title has a line of its own. Findings are printed as they come, so that the
// widest is not known.
const titleWidth = 28

// printFinding prints one check: what was found, and below it what to do.
func (e *env) printFinding(f api.Finding) error {
	if e.json {
		return e.lineJSON(f)
	}
	title := text.Line(f.Title, 60)
	if utf8.RuneCountInString(title) > titleWidth {
		fmt.Fprintf(e.Out, "%-8s %s\n%-8s %-*s %s\n", healthWord(f.State), title, "", titleWidth, "", text.Line(f.Text, 0))
	} else {
		fmt.Fprintf(e.Out, "%-8s %-*s %s\n", healthWord(f.State), titleWidth, title, text.Line(f.Text, 0))
	}
	if f.Do != "" {
		fmt.Fprintf(e.Out, "%-8s %-*s → %s\n", "", titleWidth, "", text.Line(f.Do, 0))
	}
	return nil
}

// support shows what a bundle would hold and writes it if the person agrees.
func (e *env) support(ctx context.Context, c *client.Client, file string, yes, preview bool) error {
	if file != "" { // before anything is examined for it
		if _, err := os.Lstat(file); err == nil {
			return wrong("%s exists already; name another file", text.Line(file, 200))
		}
	}
	s, err := c.Support(ctx)
	if err != nil {
		return err
	}
	switch {
	case e.json:
		if err := e.printJSON(s); err != nil {
			return err
		}
	default:
		e.printSupport(s, preview)
	}
	if file == "" {
		return nil
	}
	if !yes {
		agreed, asked, err := e.confirm(ctx, "Write this to "+file+"?")
		switch {
		case err != nil:
			return err
		case !asked:
			return wrong("nobody can be asked here; look at it with --preview, then add --yes")
		case !agreed:
			return errors.New("nothing was written")
		}
	}
	if err := writeBundle(file, s); err != nil {
		return err
	}
	return e.told(nil, "Wrote %s. Look into it again before you send it to anybody.", file)
}

func (e *env) printSupport(s api.Support, all bool) {
	e.say("The bundle holds no messages, secrets or names. It holds:")
	for _, f := range s.Files {
		fmt.Fprintf(e.Out, "  %-16s %s\n", text.Line(f.Name, 60), size(int64(len(f.Text))))
	}
	var taken []string
	for _, m := range s.Masked {
		taken = append(taken, fmt.Sprintf("%s: %d", m.What, m.Count))
	}
	if len(taken) > 0 {
		e.say("Taken out of it: %s", strings.Join(taken, ", "))
	}
	if !all {
		return
	}
	for _, f := range s.Files {
		fmt.Fprintln(e.Out)
		e.say("%s:", f.Name)
		e.block(f.Text)
	}
}

// writeBundle makes a new file that only this user can read.
func writeBundle(path string, s api.Support) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("the bundle can't be written: %w. Choose another file", err)
	}
	defer func() {
		if e := f.Close(); err == nil && e != nil {
			err = fmt.Errorf("the bundle can't be written: %w. Choose another file", e)
		}
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	return client.WriteSupport(f, s, time.Now())
}
