package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"
)

// named is the one of list with this id, or with this name if only one has it.
// what is the word for one of them; with an s it is the command that lists them.
func named[T any](list []T, name, what string, of func(T) (id, name string)) (T, error) {
	var found []T
	for _, v := range list {
		id, known := of(v)
		if id == name {
			return v, nil
		}
		if known == name && name != "" {
			found = append(found, v)
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	var none T
	if len(found) == 0 {
		return none, wrong("there is no %s %q; see postern %ss list", what, name, what)
	}
	return none, wrong("several %ss are called %q; name one by its id, see postern %ss list", what, name, what)
}

// removal is whether a person wants something removed: --yes, or asked at the
// terminal.
type removal bool

func (r *removal) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVar((*bool)(r), "yes", false, "remove without asking")
}

// sure is nil if the person is.
func (r *removal) sure(ctx context.Context, e *env, question string) error {
	if *r {
		return nil
	}
	yes, asked, err := e.confirm(ctx, question)
	switch {
	case err != nil:
		return err
	case !asked:
		return wrong("there is no terminal to ask at; say --yes to remove it without being asked")
	case !yes:
		return errors.New("nothing was removed")
	}
	return nil
}
