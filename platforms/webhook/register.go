package webhook

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Keys of a registration's fields.
const (
	regToken  = "token"
	regWhere  = "where"
	regEvents = "events"
	regBase   = "base"
)

// registry is a service that can be told our address by its API.
type registry struct {
	title string
	base  string // of its API, where the person names none
	form  func() platforms.RegisterForm
	// register makes or changes the hook; it fills in what it did.
	register func(ctx context.Context, c *caller, want hookWanted, r *platforms.Registered) error
	remove   func(ctx context.Context, c *caller, r platforms.Registered) error
	headers  map[string]string
	// auth is how the token is sent.
	auth func(token string) (header, value string)
	// refused is what to do where the token may not, or not see, what it should.
	refused func(r platforms.Registered) string
}

// hookWanted is the hook that there is to be.
type hookWanted struct {
	address string
	secret  string
	values  map[string]string
	before  string // the id that it had, empty for none
}

func registries() map[string]registry {
	return map[string]registry{senderGitHub: gitHubRegistry(), senderGitLab: gitLabRegistry(), senderWebex: webexRegistry()}
}

// registers is platforms.Platform's Registers.
func registers(settings map[string]string) (platforms.RegisterForm, bool) {
	sender := settings[keySender]
	if sender == "" {
		sender = senders()[0].Value
	}
	r, ok := registries()[sender]
	if !ok {
		return platforms.RegisterForm{}, false
	}
	f := r.form()
	f.Title = r.title
	return f, true
}

// Address is platforms.Registrar's.
func (c *connector) Address() (string, error) { return c.address() }

// Register is platforms.Registrar's.
func (c *connector) Register(ctx context.Context, values map[string]string, secrets map[string]platforms.Secret, before platforms.Registered) (platforms.Registered, error) {
	service := c.scheme.sender
	reg, ok := registries()[service]
	if !ok {
		return platforms.Registered{}, &platforms.Error{Kind: platforms.Unsupported, Text: senderTitle(service) + " has no API for this. Enter the address there by hand."}
	}
	address, err := c.address()
	if err != nil {
		return platforms.Registered{}, err
	}
	r := platforms.Registered{Service: service, Address: address, Values: values}
	call, err := c.caller(reg, values[regBase], secrets)
	if err != nil {
		return r, err
	}
	if err := deliverable(address, call.base, reg.title); err != nil {
		return r, err
	}
	live := c.secrets(c.now())
	if len(live) == 0 {
		return r, &platforms.Error{Kind: platforms.Unauthorized, Text: "The account has no secret that " + reg.title + " could sign with. Change the account and have one made."}
	}
	call.hide = append(call.hide, live...)
	want := hookWanted{address: address, secret: live[0].Reveal(), values: values}
	if before.Service == service && before.Values[regWhere] == values[regWhere] && before.Values[regBase] == values[regBase] {
		want.before = before.ID
	}
	if err := reg.register(ctx, call, want, &r); err != nil {
		return r, call.explain(err, r)
	}
	return r, nil
}

// Unregister is platforms.Registrar's.
func (c *connector) Unregister(ctx context.Context, r platforms.Registered, secrets map[string]platforms.Secret) error {
	reg, ok := registries()[r.Service]
	if !ok || r.ID == "" {
		return &platforms.Error{Kind: platforms.Unsupported, Text: "It is not known how this was registered. Remove it at the service by hand."}
	}
	call, err := c.caller(reg, r.Values[regBase], secrets)
	if err != nil {
		return err
	}
	if err := reg.remove(ctx, call, r); err != nil {
		return call.explain(err, r)
	}
	return nil
}

// deliverable refuses an address to which a service can't deliver, or would in
// the clear: only one beside which the service itself runs may be http://.
func deliverable(address string, base *url.URL, title string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return &platforms.Error{Kind: platforms.Rejected, Text: "There is no address that " + title + " could be told. Set up a relay or a listener first."}
	case u.Scheme == "https":
		return nil
	case platforms.Loopback(u.Hostname()) && platforms.Loopback(base.Hostname()):
		return nil
	case platforms.Loopback(u.Hostname()):
		return &platforms.Error{Kind: platforms.Rejected, Text: "The address is this computer's own, which " + title + " can't reach. Set up a relay, or a tunnel and its public address under Exposure, first."}
	}
	return &platforms.Error{Kind: platforms.Rejected, Text: "The address begins with http://, so anyone on the way could read and forge what " + title + " delivers. Give it an https:// address under Exposure first."}
}

func parseToken(s string) (string, error) {
	s = strings.TrimSpace(s)
	if len(s) < 8 || len(s) > 4096 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", sentence("This is no access token: one has letters, digits and a few signs, and no spaces. Copy the whole of it.")
	}
	return s, nil
}

// parseBase takes the address of an API.
func parseBase(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Opaque != "" || len(s) > 512:
		return "", sentence("This is no address of an API. Write it like https://git.example.org.")
	case u.Scheme == "https", u.Scheme == "http" && platforms.Loopback(u.Hostname()):
		return s, nil
	}
	return "", sentence("The token would be sent in the clear there. Enter an address that begins with https://.")
}

// parseNames takes names of events, apart by spaces or commas.
func parseNames(known []string) func(string) (string, error) {
	return func(s string) (string, error) {
		var out []string
		seen := map[string]bool{}
		for _, name := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
			if strings.ContainsFunc(name, func(r rune) bool { return !(r >= 'a' && r <= 'z' || r == '_') }) && name != "*" {
				return "", sentence("Events are named by letters and underscores, such as push. Look them up in the service's documentation.")
			}
			name = strings.TrimSuffix(name, "_events")
			if len(known) > 0 && !slices.Contains(known, name) {
				return "", sentence("There is no event “" + text.Line(name, 40) + "”. There are: " + strings.Join(known, ", ") + ".")
			}
			if !seen[name] {
				seen[name] = true
				out = append(out, name)
			}
		}
		if len(out) > 100 {
			return "", sentence("These are more events than there are. Name those that you need.")
		}
		return strings.Join(out, " "), nil
	}
}

// parsePath takes a path of names as in owner/repository, or the address of its
// page; least and most are how many names there may be.
func parsePath(least, most int, example string) func(string) (string, error) {
	return func(s string) (string, error) {
		bad := sentence("Write it like " + example + ", or paste the address of its page.")
		s = strings.TrimSpace(s)
		host := ""
		if strings.Contains(s, "://") {
			u, err := url.Parse(s)
			if err != nil || u.Host == "" {
				return "", bad
			}
			host, s = u.Hostname(), u.Path
			s, _, _ = strings.Cut(s, "/-/") // a page of a project's at GitLab
		}
		names := strings.Split(strings.TrimSuffix(strings.Trim(s, "/"), ".git"), "/")
		if host != "" && len(names) > most {
			names = names[:most]
		}
		for _, n := range names {
			if n == "" || n == "." || n == ".." || len(n) > 255 || !utf8.ValidString(n) || strings.ContainsFunc(n, func(r rune) bool {
				return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.+", r))
			}) {
				return "", bad
			}
		}
		if len(names) < least || len(names) > most {
			return "", bad
		}
		return strings.Join(names, "/"), nil
	}
}

// step notes something that was done.
func step(r *platforms.Registered, format string, args ...any) {
	r.Steps = append(r.Steps, platforms.RegisterStep{Text: fmt.Sprintf(format, args...)})
}

// trouble notes something that failed and leaves the rest useful.
func trouble(r *platforms.Registered, format string, args ...any) {
	r.Steps = append(r.Steps, platforms.RegisterStep{Text: fmt.Sprintf(format, args...), Bad: true})
}
