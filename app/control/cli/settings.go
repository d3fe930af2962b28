package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
)

// choice is one setting on the command line, under its name on the wire.
type choice struct {
	key  string
	get  func(api.Settings) string
	set  func(*api.Settings, string) error
	help string
}

func choices() []choice {
	return []choice{
		onOff("notifications", "notify at all", func(s *api.Settings) *bool { return &s.Notifications }),
		onOff("hide_text", "notifications say that something came, not what", func(s *api.Settings) *bool { return &s.HideText }),
		onOff("show_strangers", "notify about people who may not talk", func(s *api.Settings) *bool { return &s.ShowStrangers }),
		onOff("start_at_login", "start with the session", func(s *api.Settings) *bool { return &s.StartAtLogin }),
		onOff("clients_only", "programs must use a named client; see postern clients", func(s *api.Settings) *bool { return &s.ClientsOnly }),
		span("ask_after", "older messages ask before anything acts on them", func(s *api.Settings) *time.Duration { return &s.AskAfter }),
		span("keep_for", "messages are kept this long", func(s *api.Settings) *time.Duration { return &s.KeepFor }),
		{
			key: "keep_bytes", help: "the journal is kept this small",
			get: func(s api.Settings) string { return bytesText(s.KeepBytes) },
			set: func(s *api.Settings, v string) (err error) { s.KeepBytes, err = parseBytes(v); return err },
		},
	}
}

func onOff(key, help string, of func(*api.Settings) *bool) choice {
	return choice{
		key: key, help: help,
		get: func(s api.Settings) string {
			if *of(&s) {
				return "on"
			}
			return "off"
		},
		set: func(s *api.Settings, v string) error {
			switch strings.ToLower(v) {
			case "on", "true", "yes", "1":
				*of(s) = true
			case "off", "false", "no", "0":
				*of(s) = false
			default:
				return errors.New("it takes on or off")
			}
			return nil
		},
	}
}

func span(key, help string, of func(*api.Settings) *time.Duration) choice {
	return choice{
		key: key, help: help,
		get: func(s api.Settings) string { return spanText(*of(&s)) },
		set: func(s *api.Settings, v string) (err error) { *of(s), err = parseSpan(v); return err },
	}
}

func spanText(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func parseSpan(v string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(v, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, errors.New("it takes a time such as 10m, 12h or 30d")
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		return 0, errors.New("it takes a time such as 10m, 12h or 30d")
	}
	return d, nil
}

func bytesText(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%dGiB", n>>30)
	case n >= 1<<20 && n%(1<<20) == 0:
		return fmt.Sprintf("%dMiB", n>>20)
	}
	return fmt.Sprint(n)
}

func parseBytes(v string) (int64, error) {
	factor := int64(1)
	for _, u := range []struct {
		suffix string
		of     int64
	}{{"GiB", 1 << 30}, {"GB", 1e9}, {"G", 1 << 30}, {"MiB", 1 << 20}, {"MB", 1e6}, {"M", 1 << 20}} {
		if number, ok := strings.CutSuffix(v, u.suffix); ok {
			v, factor = number, u.of
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
	if err != nil || n < 0 || n > (1<<50)/factor {
		return 0, errors.New("it takes a size such as 512MiB or 2GiB")
	}
	return n * factor, nil
}

func (e *env) settings() *cobra.Command {
	var names, lines []string
	for _, c := range choices() {
		names = append(names, c.key)
		lines = append(lines, fmt.Sprintf("  %-15s %s", c.key, c.help))
	}
	find := func(key string) (choice, error) {
		i := slices.IndexFunc(choices(), func(c choice) bool { return c.key == key })
		if i < 0 {
			return choice{}, wrong("there is no such setting; there are: %s", strings.Join(names, ", "))
		}
		return choices()[i], nil
	}
	get := &cobra.Command{
		Use: "get [KEY]", Short: "Print the settings, or one of them", Args: args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			var only choice
			if len(args) > 0 {
				var err error
				if only, err = find(args[0]); err != nil {
					return err
				}
			}
			return e.ask(func(c *client.Client) error {
				s, err := c.Settings(cmd.Context())
				switch {
				case err != nil:
					return err
				case len(args) == 0:
					return e.printSettings(s)
				case e.json:
					return e.printJSON(map[string]string{only.key: only.get(s)})
				}
				e.say("%s", only.get(s))
				return nil
			})
		},
	}
	set := &cobra.Command{
		Use: "set KEY=VALUE...", Short: "Change settings", Args: args(cobra.MinimumNArgs(1)),
		Long: "Change settings:\n\n" + strings.Join(lines, "\n"), ValidArgsFunction: completeKeys(names),
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.ask(func(c *client.Client) error {
				s, err := c.Settings(cmd.Context())
				if err != nil {
					return err
				}
				for _, pair := range args {
					key, value, ok := strings.Cut(pair, "=")
					if !ok {
						return wrong("a setting is given as KEY=VALUE")
					}
					one, err := find(key)
					if err != nil {
						return err
					}
					if err := one.set(&s, value); err != nil {
						return wrong("%s: %w", key, err)
					}
				}
				if s, err = c.SetSettings(cmd.Context(), s); err != nil {
					return err
				}
				return e.printSettings(s)
			})
		},
	}
	return group("settings", "Choices for the whole program", get, set)
}

func (e *env) printSettings(s api.Settings) error {
	if e.json {
		return e.printJSON(s)
	}
	var rows [][]string
	for _, c := range choices() {
		rows = append(rows, []string{c.key, c.get(s), c.help})
	}
	e.table([]string{"KEY", "VALUE", "MEANING"}, rows)
	return nil
}
