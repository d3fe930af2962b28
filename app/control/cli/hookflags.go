package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	"github.com/spf13/cobra"
)

// hookFlags is what add and change are told of a hook.
type hookFlags struct {
	name, avatar, form, template, ends, limit string
	unmarked                                  bool
}

func (f *hookFlags) flags(e *env, cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.name, "name", "", "who posts, where a post does not say, and what you call the hook: `NAME`")
	fl.StringVar(&f.avatar, "avatar", "", "the `URL` of a picture, shown in Postern's window")
	fl.StringVar(&f.form, "form", "", "the `FORM` of what is posted; see postern hooks forms")
	fl.StringVar(&f.template, "template", "", "how any JSON is shown, as in 'Ticket {{.id}}': a `TEXT` as Go's text/template has it")
	fl.StringVar(&f.ends, "expires", "", "end it after `TIME`, as in 12h or 30d; never: 0")
	fl.StringVar(&f.limit, "limit", "", "let it be used `N/TIME`, as in 30/1m; as usual: 0")
	fl.BoolVar(&f.unmarked, "unmarked", false, "say nowhere in the chat that a message came by a hook")
	_ = cmd.RegisterFlagCompletionFunc("form", e.completeForm)
}

func (f *hookFlags) expires() (time.Time, error) {
	if f.ends == "" || f.ends == "0" {
		return time.Time{}, nil
	}
	span, err := parseSpan(f.ends)
	if err != nil || span <= 0 {
		return time.Time{}, wrong("--expires takes a time such as 12h or 30d")
	}
	return time.Now().Add(span), nil
}

func (f *hookFlags) rate() (r platforms.Rate, err error) {
	if f.limit == "" || f.limit == "0" {
		return r, nil
	}
	number, span, ok := strings.Cut(f.limit, "/")
	n, bad := strconv.ParseUint(number, 10, 16)
	per, err := parseSpan(span)
	if !ok || bad != nil || err != nil {
		return r, wrong("--limit takes a number and a time, as in 30/1m")
	}
	return platforms.Rate{N: int(n), Per: per, Burst: int(n)}, nil
}

// dialect is the form that f names: one with a template takes any JSON.
func (f *hookFlags) dialect(forms []api.HookForm) (string, error) {
	if f.form == "" && f.template != "" {
		return "template", nil
	}
	return dialectOf(forms, f.form)
}

// change is what the flags say that were given.
func (f *hookFlags) change(cmd *cobra.Command, forms []api.HookForm, marked bool) (c api.HookChange, err error) {
	given := cmd.Flags().Changed
	if given("name") {
		c.Name = &f.name
	}
	if given("avatar") {
		c.Avatar = &f.avatar
	}
	if given("form") || f.template != "" {
		d, err := f.dialect(forms)
		if err != nil {
			return c, err
		}
		c.Dialect = &d
	}
	if given("template") {
		c.Template = &f.template
	}
	if given("marked") {
		c.Marked = &marked
	}
	if given("unmarked") {
		m := !f.unmarked
		c.Marked = &m
	}
	if given("limit") {
		r, err := f.rate()
		if err != nil {
			return c, err
		}
		c.Limit = &r
	}
	if given("expires") {
		t, err := f.expires()
		if err != nil {
			return c, err
		}
		c.Expires = &t
	}
	if c == (api.HookChange{}) {
		return c, wrong("say what to change, as in --name Builds")
	}
	return c, nil
}
