package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
)

// draft is what add and change of a responder are told.
type draft struct {
	label  string
	set    []string
	secret []string
	clear  []string
	off    bool
}

func (d *draft) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&d.label, "label", "", "your own `NAME` for it")
	fl.StringArrayVar(&d.set, "set", nil, "set a field: `KEY=VALUE`; the same key again adds a line; not for secrets")
	fl.StringArrayVar(&d.secret, "secret", nil, "ask for the secret field `KEY` without echo, or read it from standard input")
}

// values collects the fields. No error of it repeats a value.
func (e *env) responderValues(ctx context.Context, k api.ResponderKind, d *draft, ask bool) (map[string]string, error) {
	p := api.Platform{Title: k.Title, Fields: k.Fields}
	values := map[string]string{}
	for _, key := range d.clear {
		if _, known := fieldOf(p, key); !known {
			return nil, wrong("%s has no field of that name to --clear", k.Title)
		}
		values[key] = ""
	}
	for _, pair := range d.set {
		key, value, ok := strings.Cut(pair, "=")
		field, known := fieldOf(p, key)
		switch {
		case !ok:
			return nil, wrong("--set takes KEY=VALUE")
		case !known:
			return nil, wrong("%s has no field of that name to --set; it has: %s", k.Title, strings.Join(keys(p, false), ", "))
		case field.Secret:
			return nil, wrong("%s is a secret: other programs can see arguments, and shells keep them. Say --secret %s to be asked for it", key, key)
		}
		if before, again := values[key]; again {
			value = before + "\n" + value
		}
		values[key] = value
	}
	wanted := p
	wanted.Fields = nil
	for _, key := range d.secret {
		f, known := fieldOf(p, key)
		if !known || !f.Secret {
			return nil, wrong("%s has no secret field of that name; it has: %s", k.Title, strings.Join(keys(p, true), ", "))
		}
		wanted.Fields = append(wanted.Fields, f)
	}
	if ask {
		for _, f := range k.Fields {
			if _, given := values[f.Key]; f.Required && !given && len(f.Options) == 0 && !slices.Contains(d.secret, f.Key) {
				if _, ok := e.terminal(); !ok && !f.Secret {
					return nil, wrong("%s is needed: --set %s=…", f.Label, f.Key)
				} else if !ok {
					return nil, wrong("%s is needed. Pipe it in, and say --secret %s", f.Label, f.Key)
				}
				wanted.Fields = append(wanted.Fields, f)
			}
		}
	}
	if len(wanted.Fields) == 0 {
		return values, nil
	}
	if _, ok := e.terminal(); !ok {
		return values, e.secretsFromInput(ctx, wanted, values)
	}
	for _, f := range wanted.Fields {
		ask := e.line
		if f.Secret {
			ask = e.secret
		}
		question := f.Label + ":"
		several := strings.Contains(strings.ToLower(f.Help), "per line")
		if several {
			question = f.Label + ", one per line, and an empty line at the end:"
		}
		var lines []string
		for {
			value, _, err := ask(ctx, question)
			if err != nil {
				return nil, err
			}
			if several && value == "" {
				break
			}
			if lines = append(lines, value); !several {
				break
			}
			question = "And:"
		}
		values[f.Key] = strings.Join(lines, "\n")
	}
	return values, nil
}
