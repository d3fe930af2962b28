package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

// plainForm is how the native form is called, which has no path.
const plainForm = "plain"

func (e *env) hooks() *cobra.Command {
	return group("hooks", "Addresses on this computer at which programs post into a conversation", e.hooksList(), e.hooksAdd(), e.hooksShow(), e.hooksChange(),
		e.hooksTurn("on", true), e.hooksTurn("off", false), e.hooksRotate(), e.hooksRemove(), e.hooksForms(), e.hooksTry(), e.hooksListener())
}

func (e *env) hooksList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List them", Args: args(none),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.onHooks(cmd, func(_ *client.Client, all api.Hooks) error {
				if e.json {
					return e.printJSON(all)
				}
				if all.Why != "" {
					e.tell("! ", "%s", all.Why)
				}
				if len(all.Hooks) == 0 {
					e.say("No hooks yet. Make one with: postern hooks add ACCOUNT CONVERSATION --name NAME")
					return nil
				}
				var rows [][]string
				for _, h := range all.Hooks {
					rows = append(rows, []string{h.ID, h.Name, string(h.Account), hookPlace(h), formName(all.Forms, h.Dialect), hookState(h),
						strconv.FormatUint(h.Count, 10), e.when(h.LastUsed), e.when(h.Expires), h.Problem})
				}
				e.table([]string{"HOOK", "NAME", "ACCOUNT", "CONVERSATION", "FORM", "STATE", "POSTS", "LAST USED", "ENDS", "NOTE"}, rows)
				return nil
			})
		},
	}
}

func hookPlace(h api.Hook) string {
	if h.Where != "" {
		return h.Where
	}
	return string(h.Conversation)
}

func hookState(h api.Hook) string {
	if h.On && !h.Expires.IsZero() && time.Now().After(h.Expires) {
		return "ended"
	}
	return turned(h.On)
}

func turned(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// onHooks asks for all hooks first.
func (e *env) onHooks(cmd *cobra.Command, act func(*client.Client, api.Hooks) error) error {
	return e.ask(func(c *client.Client) error {
		all, err := c.Hooks(cmd.Context())
		if err != nil {
			return err
		}
		return act(c, all)
	})
}

// onHook is onHooks for one, named by its id, or by its name if only one has it.
func (e *env) onHook(cmd *cobra.Command, name string, act func(*client.Client, api.Hooks, api.Hook) error) error {
	return e.onHooks(cmd, func(c *client.Client, all api.Hooks) error {
		h, err := named(all.Hooks, name, "hook", func(h api.Hook) (id, name string) { return h.ID, h.Name })
		if err != nil {
			return err
		}
		return act(c, all, h)
	})
}

func formName(forms []api.HookForm, dialect string) string {
	for _, f := range forms {
		if f.Dialect == dialect && f.Suffix != "" {
			return f.Suffix
		}
	}
	if dialect == "" {
		return plainForm
	}
	return dialect
}

// dialectOf is the form that a person names.
func dialectOf(forms []api.HookForm, name string) (string, error) {
	if name == "" || name == plainForm {
		return "", nil
	}
	known := []string{plainForm}
	for _, f := range forms {
		if name == f.Suffix || name == f.Dialect {
			return f.Dialect, nil
		}
		if f.Suffix != "" {
			known = append(known, f.Suffix)
		}
	}
	return "", wrong("there is no form %q; there are %s", name, strings.Join(known, ", "))
}

func (e *env) hooksAdd() *cobra.Command {
	var f hookFlags
	var thread string
	var fresh bool
	cmd := &cobra.Command{
		Use: "add ACCOUNT CONVERSATION", Short: "Make one; prints its address, this once",
		Long: "Make an address at which programs on this computer post into a conversation. It is printed this once. Whoever has it may post, and rename or end the hook: keep it as you keep a password.\n\n" +
			"\"postern inbox\" lists conversations. An id that begins with a dash stands after two: postern hooks add --name Builds ACCOUNT -- -1001.",
		Args: args(cobra.ExactArgs(2)), ValidArgsFunction: e.completeConversation,
		RunE: func(cmd *cobra.Command, args []string) error {
			d := api.HookDraft{Account: platforms.AccountID(args[0]), Conversation: platforms.ConversationID(args[1]), Thread: platforms.ThreadID(thread),
				Name: f.name, Avatar: f.avatar, Template: f.template, Unmarked: f.unmarked}
			if d.Name == "" {
				return wrong("say how it is called with --name, as in --name Builds")
			}
			var err error
			if d.Expires, err = f.expires(); err != nil {
				return err
			}
			if d.Limit, err = f.rate(); err != nil {
				return err
			}
			return e.onHooks(cmd, func(c *client.Client, all api.Hooks) (err error) {
				if d.Dialect, err = f.dialect(all.Forms); err != nil {
					return err
				}
				if err := known(cmd.Context(), c, api.Draft{Account: d.Account, Conversation: d.Conversation}, fresh); err != nil && !e.heldTo() {
					return err
				}
				made, err := c.AddHook(cmd.Context(), d)
				return e.printHook(cmd.Context(), c, made, err)
			})
		},
	}
	f.flags(e, cmd)
	cmd.Flags().StringVar(&thread, "thread", "", "post into the thread with the platform's `ID`")
	cmd.Flags().BoolVar(&fresh, "new", false, "make it although nothing was ever said in CONVERSATION here")
	return cmd
}

// printHook prints an address alone, so that it can go into a file or a variable.
func (e *env) printHook(ctx context.Context, c *client.Client, made api.HookMade, err error) error {
	if err != nil {
		return err
	}
	e.tell("", "This is the address of the hook %s (%s). It is shown this once, and whoever has it may post: keep it as you keep a password.", made.Hook.Name, made.Hook.ID)
	if all, err := c.Hooks(ctx); err == nil && all.Why != "" {
		e.tell("! ", "It can't be used yet. %s", all.Why)
	}
	if made.Hook.Problem != "" {
		e.tell("! ", "%s", made.Hook.Problem)
	}
	if e.json {
		return e.printJSON(made)
	}
	_, err = io.WriteString(e.Out, made.URL+"\n")
	return err
}

func (e *env) hooksShow() *cobra.Command {
	return &cobra.Command{
		Use: "show HOOK", Short: "Show all about one, but for its address", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeHook,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onHook(cmd, args[0], func(_ *client.Client, all api.Hooks, h api.Hook) error {
				return e.printHookView(all, h)
			})
		},
	}
}

func (e *env) printHookView(all api.Hooks, h api.Hook) error {
	if e.json {
		return e.printJSON(h)
	}
	limit := "as usual"
	if h.Limit.N > 0 {
		limit = fmt.Sprintf("%d in %s", h.Limit.N, spanText(h.Limit.Per))
	}
	marked := "a line in the chat says that it came by a hook"
	if !h.Marked {
		marked = "no line in the chat says so"
	}
	var rows [][]string
	for _, r := range [][2]string{
		{"id", h.ID}, {"name", h.Name}, {"account", string(h.Account)}, {"conversation", string(h.Conversation)}, {"title", h.Where}, {"thread", string(h.Thread)},
		{"state", hookState(h)}, {"note", h.Problem}, {"form", formName(all.Forms, h.Dialect)}, {"template", h.Template}, {"picture", h.Avatar}, {"mark", marked},
		{"limit", limit}, {"made", e.when(h.Created)}, {"last used", e.when(h.LastUsed)}, {"posts", strconv.FormatUint(h.Count, 10)},
		{"ends", e.when(h.Expires)}, {"former address counts until", e.when(h.Rotating)},
	} {
		if r[1] != "" {
			rows = append(rows, r[:])
		}
	}
	e.table([]string{"WHAT", ""}, rows)
	return nil
}

func (e *env) hooksChange() *cobra.Command {
	var f hookFlags
	var marked bool
	cmd := &cobra.Command{
		Use: "change HOOK", Short: "Change one; its address stays, and so does what is not given", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeHook,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onHook(cmd, args[0], func(c *client.Client, all api.Hooks, h api.Hook) error {
				change, err := f.change(cmd, all.Forms, marked)
				if err != nil {
					return err
				}
				now, err := c.ChangeHook(cmd.Context(), h.ID, change)
				if err != nil {
					return err
				}
				return e.printHookView(all, now)
			})
		},
	}
	f.flags(e, cmd)
	cmd.Flags().BoolVar(&marked, "marked", false, "say in the chat that a message came by a hook")
	cmd.MarkFlagsMutuallyExclusive("marked", "unmarked")
	return cmd
}

func (e *env) hooksTurn(word string, on bool) *cobra.Command {
	short := "Take posts by one again"
	if !on {
		short = "Take no posts by one until it is switched on; its sender sees what an unknown address does"
	}
	return &cobra.Command{
		Use: word + " HOOK", Short: short, Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeHook,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onHook(cmd, args[0], func(c *client.Client, _ api.Hooks, h api.Hook) error {
				_, err := c.ChangeHook(cmd.Context(), h.ID, api.HookChange{On: &on})
				return e.told(err, "Switched %s %s.", h.Name, word)
			})
		},
	}
}

func (e *env) hooksRotate() *cobra.Command {
	var overlap string
	cmd := &cobra.Command{
		Use: "rotate HOOK", Short: "Give one another address, which is printed this once", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeHook,
		RunE: func(cmd *cobra.Command, args []string) error {
			var r api.HookRotation
			if overlap != "" {
				span, err := parseSpan(overlap)
				if err != nil {
					return wrong("--overlap takes a time such as 24h or 7d")
				}
				r.Overlap = span
			}
			return e.onHook(cmd, args[0], func(c *client.Client, _ api.Hooks, h api.Hook) error {
				made, err := c.RotateHook(cmd.Context(), h.ID, r)
				return e.printHook(cmd.Context(), c, made, err)
			})
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", "", "let the former address count for `TIME` more, as in 24h; 30d at most (it ends at once if left out)")
	return cmd
}

func (e *env) hooksRemove() *cobra.Command {
	var yes removal
	cmd := &cobra.Command{
		Use: "remove HOOK", Short: "End one at once", Args: args(cobra.ExactArgs(1)), ValidArgsFunction: e.completeHook,
		RunE: func(cmd *cobra.Command, args []string) error {
			return e.onHook(cmd, args[0], func(c *client.Client, _ api.Hooks, h api.Hook) error {
				if err := yes.sure(cmd.Context(), e, "End the hook "+h.Name+"? Programs that post to it will fail."); err != nil {
					return err
				}
				return e.told(c.RemoveHook(cmd.Context(), h.ID), "Removed %s.", h.Name)
			})
		},
	}
	yes.flag(cmd)
	return cmd
}
