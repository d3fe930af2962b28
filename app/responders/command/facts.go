package command

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/responders/internal/process"
	"github.com/postern/postern/app/responders/wire"
	"github.com/postern/postern/platforms"
)

const (
	longFact     = 200     // bytes of an id in the environment
	longArgument = 4 << 10 // bytes of a placeholder's value
)

// environment is what each run gets, beside facts, in the order that lets Set win.
func (c Config) environment(lookup func(string) (string, bool)) []string {
	env := []string{} // not nil: that would mean all of Postern's
	for _, n := range slices.Concat(process.Passed(), c.Pass) {
		if v, ok := lookup(n); ok {
			env = append(env, n+"="+v)
		}
	}
	for n, v := range c.Set {
		env = append(env, n+"="+v.Reveal())
	}
	return env
}

// secrets are the values that a program gets and must not tell.
func (c Config) secrets(lookup func(string) (string, bool)) (hide []platforms.Secret) {
	for _, v := range c.Set {
		hide = append(hide, v)
	}
	for _, n := range c.Pass {
		if v, ok := lookup(n); ok && process.Telling(n) {
			hide = append(hide, platforms.NewSecret(v))
		}
	}
	return hide
}

// facts are the variables that tell of one event. They are cleaned: a script
// that uses one as a file name or, by mistake, as code does no harm.
func facts(d app.Delivery) []string {
	ev := d.Event
	env := []string{
		fmt.Sprintf("POSTERN_VERSION=%d", wire.Version),
		"POSTERN_EVENT=" + wire.ID(d),
	}
	for _, f := range []struct{ name, value string }{
		{"KIND", string(ev.Kind)},
		{"ACCOUNT", string(d.Account)},
		{"CONVERSATION", string(ev.Conversation.ID)},
		{"THREAD", string(ev.Thread)},
		{"MESSAGE", string(ev.Message)},
		{"USER_ID", string(ev.From.ID)},
	} {
		env = append(env, "POSTERN_"+f.name+"="+fact(f.value))
	}
	return env
}

// fact writes an id so that it can't be taken for anything else: no path, no
// quotes, no shell's signs. Different ids stay different.
func fact(id string) string {
	var b strings.Builder
	for i := range len(id) {
		c := id[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			strings.IndexByte("_-:@=+,", c) >= 0, c == '.' && i > 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
		if b.Len() > longFact {
			sum := sha256.Sum256([]byte(id))
			return b.String()[:longFact-33] + "%" + hex.EncodeToString(sum[:16])
		}
	}
	return b.String()
}

// arguments are Args with the declared placeholders filled in.
func (c Config) arguments(d app.Delivery) ([]string, error) {
	args := slices.Clone(c.Args)
	dashes := false
	for n, a := range args {
		if i := slices.IndexFunc(c.Placeholders, func(p string) bool { return a == "{"+p+"}" }); i >= 0 {
			name := c.Placeholders[i]
			v := value(name, d)
			if option(v) && !dashes {
				return nil, &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(
					"The program was not run: the event's %s begins like an option, and would be taken for one. "+
						"Put the argument -- before {%s}, if the program knows it, or have it read its standard input.", name, name)}
			}
			args[n] = v
			continue
		}
		dashes = dashes || a == "--"
	}
	return args, nil
}

// option reports whether programs would read an argument as one of theirs.
func option(v string) bool {
	return strings.HasPrefix(v, "-") || runtime.GOOS == "windows" && strings.HasPrefix(v, "/")
}

func value(name string, d app.Delivery) string {
	ev := d.Event
	switch name {
	case "text":
		return argument(ev.Text)
	case "click":
		if ev.Click == nil {
			return ""
		}
		return argument(ev.Click.Data)
	case "user":
		return fact(string(ev.From.ID))
	case "conversation":
		return fact(string(ev.Conversation.ID))
	case "thread":
		return fact(string(ev.Thread))
	case "message":
		return fact(string(ev.Message))
	}
	return ""
}

// argument is s without what no system can pass, and not too long.
func argument(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= longArgument {
		return s
	}
	end := longArgument
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
