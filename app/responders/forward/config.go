package forward

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// Mode is what becomes of the destination's answer.
type Mode string

// The modes.
const (
	OneWay Mode = "one-way" // the sender sees nothing
	Static Mode = "static"  // once the destination took it, the sender sees Config.Reply
	Wait   Mode = "wait"    // the sender sees the destination's answer
)

// Header is one header of each request.
type Header struct {
	Name  string
	Value platforms.Secret
}

// Config is one destination. URL and Secret are required.
type Config struct {
	// Name is shown in the activity, and tells this responder's answers from
	// those of others: no two responders share one. Empty: "forward".
	Name string

	URL string // http or https; its path and query appear in no error and no log
	// Reach is how far away the destination may be. The zero value, this
	// computer, is raised by a person only.
	Reach exposure.Reach

	// Secret signs: "whsec_" and 24 to 64 bytes in base64. Former, if any, is
	// the one before it, and signs too, so that a server may change later.
	Secret platforms.Secret
	Former platforms.Secret

	Headers []Header // of each request, at most 32

	// Raw says that of an event that a machine sent the destination gets the
	// request's body, byte for byte and with its Content-Type. It is signed by
	// Secret as any other.
	Raw bool

	Mode     Mode   // empty: OneWay
	Reply    string // for Static
	Markdown bool   // text that is answered is Markdown; so is Reply

	Kinds []platforms.EventKind // empty: messages and clicks

	Timeout  time.Duration // of one request, 1 s to 10 min; 0: 30 s
	Answer   int           // most bytes of an answer, 1 KiB to 1 MiB; 0: 64 KiB
	Parallel int           // requests at once, 1 to 64; 0: 4
}

// Invalid is what is wrong with one field of a Config, for its form.
type Invalid struct {
	Field string // as in Config: "URL"
	Text  string // what is wrong, and what to do; it repeats no secret
}

func (e Invalid) Error() string { return e.Text }

func (c Config) filled() Config {
	c.Name = cmp.Or(c.Name, "forward")
	c.Mode = cmp.Or(c.Mode, OneWay)
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Answer = cmp.Or(c.Answer, 64<<10)
	c.Parallel = cmp.Or(c.Parallel, 4)
	return c
}

// MakeSecret makes a fresh Config.Secret of 32 random bytes.
func MakeSecret() platforms.Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails: crypto/rand
	return platforms.NewSecret(prefix + base64.StdEncoding.EncodeToString(key))
}

// Check says what is wrong with c: nil, or several Invalid, joined. It looks up
// no name.
func (c Config) Check() error {
	c = c.filled()
	var bad []error
	wrong := func(field, format string, args ...any) {
		bad = append(bad, Invalid{field, fmt.Sprintf(format, args...)})
	}
	if text := c.checkURL(); text != "" {
		wrong("URL", "%s", text)
	}
	if c.Reach < exposure.ThisComputer || c.Reach > exposure.Anyone {
		wrong("Reach", "Choose how far away the destination may be.")
	}
	if c.Secret.IsZero() {
		wrong("Secret", "A secret is needed, by which the destination knows what comes from here. Make one.")
	} else if _, err := signingKey(c.Secret); err != nil {
		wrong("Secret", "%v", err)
	}
	if _, err := signingKey(c.Former); err != nil && !c.Former.IsZero() {
		wrong("Former", "%v", err)
	}
	c.checkHeaders(wrong)
	if !slices.Contains([]Mode{OneWay, Static, Wait}, c.Mode) {
		wrong("Mode", "Choose what becomes of the destination's answer.")
	}
	if c.Mode == Static && strings.TrimSpace(c.Reply) == "" {
		wrong("Reply", "Write the text that is answered, or choose to answer nothing.")
	}
	if c.Timeout < time.Second || c.Timeout > 10*time.Minute {
		wrong("Timeout", "The time limit is from one second to ten minutes.")
	}
	if c.Answer < 1<<10 || c.Answer > 1<<20 {
		wrong("Answer", "The limit of an answer is from 1 KiB to 1 MiB.")
	}
	if c.Parallel < 1 || c.Parallel > 64 {
		wrong("Parallel", "From 1 to 64 requests can run at once.")
	}
	return errors.Join(bad...)
}

func (c Config) checkURL() string {
	if strings.TrimSpace(c.URL) == "" {
		return "Give the destination's address, like http://127.0.0.1:8080/events."
	}
	u, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return "The address can't be read. Type it like http://127.0.0.1:8080/events."
	case u.Scheme != "http" && u.Scheme != "https":
		return "The address begins with http:// or https://."
	case u.Hostname() == "" || u.Opaque != "":
		return "The address names no computer. Type it like http://127.0.0.1:8080/events."
	case u.User != nil:
		return "Take the name and password out of the address, and put them into an Authorization header."
	case u.Fragment != "":
		return "Take the part after # out of the address: it is never sent."
	}
	if p := u.Port(); p != "" {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 {
			return "The port is a number from 1 to 65535."
		}
	}
	a, err := netip.ParseAddr(u.Hostname())
	if err != nil { // a name: what it resolves to is decided on when it is dialled
		return ""
	}
	reach := exposure.OfAddress(a)
	switch {
	case reach > c.Reach:
		return fmt.Sprintf("%s is %s. Allow that, or use an address of this computer.", a, place(reach))
	case reach == exposure.Anyone && u.Scheme != "https":
		return "On the internet, only https is used: anybody on the way could read the rest."
	}
	return ""
}

// token is a header's name, RFC 9110 §5.6.2.
var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$")

// ours are headers that a request gets otherwise, or that say how it is framed.
var ours = []string{"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Keep-Alive", "Te",
	"Trailer", "Upgrade", "Expect", "Accept-Encoding", "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"}

func (c Config) checkHeaders(wrong func(field, format string, args ...any)) {
	if len(c.Headers) > 32 {
		wrong("Headers", "A request has at most 32 headers of yours.")
	}
	seen := map[string]bool{}
	for _, h := range c.Headers {
		name := http.CanonicalHeaderKey(h.Name)
		v := h.Value.Reveal()
		switch {
		case !token.MatchString(h.Name):
			wrong("Headers", "%q is no header's name: letters, digits and dashes only.", h.Name)
		case slices.Contains(ours, name) || strings.HasPrefix(name, "Proxy-"):
			wrong("Headers", "Postern sets %s itself. Take it out.", name)
		case seen[name]:
			wrong("Headers", "%s is there twice. Take one out.", name)
		case len(v) > 8<<10 || strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7F }):
			wrong("Headers", "The value of %s is too long, or has a line break or control character in it. Paste it again.", name)
		}
		seen[name] = true
	}
}
