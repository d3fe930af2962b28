package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

// exportPage is how many messages are in memory at once.
const exportPage = 100

// exportOptions are what export is told.
type exportOptions struct {
	q      api.EntryQuery
	since  time.Time
	format string
	file   string
	force  bool
}

func (e *env) export() *cobra.Command {
	var (
		o     exportOptions
		since string
	)
	cmd := &cobra.Command{
		Use: "export", Short: "Write messages to a file, oldest first", Args: args(none),
		Long: `Write the messages that are kept to standard output or a file, oldest first:

  postern export --account ACCOUNT --since 24h -o messages.jsonl
  postern export --format csv -o messages.csv

The formats:

  jsonl  a line of JSON for each message, with all that postern inbox --json
         shows: the only format that keeps every character as it came
  md     Markdown to read; texts are quoted as they are, nothing in them is
         a link or an image
  csv    a table for spreadsheets, UTF-8. A cell that a spreadsheet would take
         for a formula, as one that begins with = + - @, has a ' before it:
         a message is a stranger's words. Ids of some chats begin with - too

Attachments are given by name and size; postern message save fetches one. The
file is only for you, and is there once it is whole: what is interrupted leaves
none. With --json and -o, what was written is told as JSON.`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if o.file == "-" {
				o.file = ""
			}
			if o.format == "" {
				o.format = "jsonl"
			}
			if e.json && o.file == "" && o.format != "jsonl" {
				return wrong("--json and --format %s exclude each other where all goes to standard output; name a file with -o", o.format)
			}
			if since != "" {
				if o.since, err = parseSince(since, time.Now(), e.Zone); err != nil {
					return wrong("--since: %w", err)
				}
			}
			if _, err := e.exporter(o.format, io.Discard); err != nil {
				return err
			}
			return e.ask(func(c *client.Client) error { return e.runExport(cmd.Context(), c, o) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "", "not older than `TIME`: a span such as 24h or 7d, or a date such as 2026-03-31 or 2026-03-31T18:00")
	f.StringVar(&o.format, "format", "", "`FORMAT`: jsonl (the usual), md or csv")
	f.StringVarP(&o.file, "output", "o", "", "write to `FILE` instead of standard output")
	f.BoolVar(&o.force, "force", false, "replace FILE if there is one")
	e.where(cmd, &o.q)
	_ = cmd.MarkFlagFilename("output")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions([]string{"jsonl", "md", "csv"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// parseSince reads a span before now or a date in zone.
func parseSince(v string, now time.Time, zone *time.Location) (time.Time, error) {
	if d, err := parseSpan(v); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02T15:04", "2006-01-02 15:04", time.RFC3339} {
		if t, err := time.ParseInLocation(layout, v, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("it takes a span such as 24h or 7d, or a date such as 2026-03-31 or 2026-03-31T18:00")
}

func (e *env) runExport(ctx context.Context, c *client.Client, o exportOptions) error {
	if o.file == "" {
		out := bufio.NewWriter(e.Out)
		_, err := e.copyEntries(ctx, c, o, out)
		if err == nil {
			err = out.Flush()
		}
		return interrupted(ctx, err, "the export was interrupted, and is not whole")
	}
	n := 0
	err := writeWhole(o.file, o.force, func(w io.Writer) (err error) {
		n, err = e.copyEntries(ctx, c, o, w)
		return err
	})
	if err != nil {
		return interrupted(ctx, err, "the export was interrupted; no file was written")
	}
	if e.json {
		return e.printJSON(map[string]any{"file": o.file, "format": o.format, "messages": n})
	}
	e.say("Wrote %d messages to %s.", n, o.file)
	return nil
}

// interrupted says so if ctx's end is what err is about.
func interrupted(ctx context.Context, err error, told string) error {
	if err != nil && ctx.Err() != nil {
		return errors.New(told)
	}
	return err
}

// copyEntries writes what o selects, page by page, and returns how many
// messages these are.
func (e *env) copyEntries(ctx context.Context, c *client.Client, o exportOptions, w io.Writer) (n int, err error) {
	out, err := e.exporter(o.format, w)
	if err != nil {
		return 0, err
	}
	progress := o.file != "" && e.shown()
	if progress {
		defer func() { fmt.Fprint(e.Err, "\r"+strings.Repeat(" ", 40)+"\r") }()
	}
	q := o.q
	q.Limit = exportPage
	for more := true; more; {
		p, err := c.Entries(ctx, q)
		if err != nil {
			return n, err
		}
		for _, v := range p.Entries {
			if v.At.Before(o.since) {
				continue
			}
			if err := out.write(v); err != nil {
				return n, err
			}
			n++
		}
		if progress {
			fmt.Fprintf(e.Err, "\r%d messages", n)
		}
		q.After, more = p.To, p.More
	}
	return n, out.close()
}

// writeWhole makes the file path of what write writes, for this user only, or
// leaves things as they were.
func writeWhole(path string, force bool, write func(io.Writer) error) (err error) {
	if err := replaceable(path, force); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // 0600
	if err != nil {
		return fmt.Errorf("the file can't be written: %w", err)
	}
	defer os.Remove(f.Name()) // after the rename there is none
	out := bufio.NewWriterSize(f, 1<<16)
	if err = write(out); err == nil {
		if err = errors.Join(out.Flush(), f.Sync()); err != nil {
			err = fmt.Errorf("the file could not be written whole: %w", err)
		}
	}
	if closed := f.Close(); err == nil && closed != nil {
		err = fmt.Errorf("the file could not be written whole: %w", closed)
	}
	if err != nil {
		return err
	}
	if !force {
		// Unlike a rename, a link never replaces a file that appeared meanwhile.
		// Not every file system has links.
		switch err := os.Link(f.Name(), path); {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrExist):
			return replaceable(path, force)
		}
	}
	if err := replaceable(path, force); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return fmt.Errorf("the file could not be given its name: %w", err)
	}
	return nil
}

// replaceable refuses a path where something is that must stay.
func replaceable(path string, force bool) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("the file can't be written: %w", err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is there and is no ordinary file; name another", path)
	case !force:
		return fmt.Errorf("%s is there already; name another file, or replace it with --force", path)
	}
	return nil
}
