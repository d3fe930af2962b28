package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Completions come from the running Postern; without one there are none.

// look asks for what completes a word, for a moment only.
func (e *env) look(cmd *cobra.Command, f func(ctx context.Context, c *client.Client) []string) ([]string, cobra.ShellCompDirective) {
	parent := cmd.Context()
	if parent == nil {
		parent = context.Background()
	}
	ctx, cancel := context.WithTimeout(parent, 2*time.Second)
	defer cancel()
	var out []string
	_ = e.ask(func(c *client.Client) error {
		out = f(ctx, c)
		return nil
	})
	return out, cobra.ShellCompDirectiveNoFileComp
}

// word is one completion; none if id could do more than be typed.
func word(id, meaning string) []string {
	odd := func(r rune) bool {
		return r > unicode.MaxASCII || (!unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_.:@/+=,", r))
	}
	if id == "" || strings.ContainsFunc(id, odd) {
		return nil
	}
	return []string{id + "\t" + text.Line(meaning, 60)}
}

func (e *env) completeAccount(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		s, _ := c.Snapshot(ctx)
		for _, a := range s.Accounts {
			out = append(out, word(string(a.ID), a.Name)...)
		}
		return out
	})
}

// completeAccountFlag is completeAccount for a flag, whatever the arguments.
func (e *env) completeAccountFlag(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	return e.completeAccount(cmd, nil, typed)
}

func (e *env) completeConversationFlag(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	account, _ := cmd.Flags().GetString("account")
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		list, _ := c.Conversations(ctx, 0)
		for _, v := range list {
			if account == "" || string(v.Account) == account {
				out = append(out, word(string(v.ID), v.Title)...)
			}
		}
		return out
	})
}

// completeMessage offers the newest messages, newest first.
func (e *env) completeMessage(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if last, _ := cmd.Flags().GetBool("last"); last || len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	out, directive := e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		account, _ := cmd.Flags().GetString("account")
		p, _ := c.Entries(ctx, api.EntryQuery{Newest: true, Limit: 20, Account: platforms.AccountID(account)})
		for _, v := range slices.Backward(p.Entries) {
			if !v.Outgoing {
				out = append(out, word(strconv.FormatUint(v.Seq, 10), who(v)+": "+v.Text)...)
			}
		}
		return out
	})
	return out, directive | cobra.ShellCompDirectiveKeepOrder
}

func (e *env) completeClient(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		all, _ := c.Clients(ctx)
		for _, v := range all {
			out = append(out, word(v.Name, scopesText(v.Scopes))...)
		}
		return out
	})
}

func (e *env) completeProblem(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return e.completeAccount(cmd, args, typed)
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		s, _ := c.Snapshot(ctx)
		for _, a := range s.Accounts {
			for _, p := range a.Problems {
				if string(a.ID) == args[0] && p.Fix != "" {
					out = append(out, word(p.Code, p.Fix)...)
				}
			}
		}
		return out
	})
}

func (e *env) completeConversation(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) != 1 {
		return e.completeAccount(cmd, args, typed)
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		list, _ := c.Conversations(ctx, 0)
		for _, v := range list {
			if string(v.Account) == args[0] {
				out = append(out, word(string(v.ID), v.Title)...)
			}
		}
		return out
	})
}

func (e *env) completePlatform(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return e.look(cmd, func(ctx context.Context, c *client.Client) (out []string) {
		var list []api.Platform
		list, _ = c.Platforms(ctx)
		for _, p := range list {
			out = append(out, word(p.Name, p.Title)...)
		}
		return out
	})
}

func completeKeys(names []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		out := make([]string, len(names))
		for i, n := range names {
			out[i] = n + "="
		}
		return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}
