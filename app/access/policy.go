package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of a policy.
const (
	// RulesMost bounds rules, ignored ones and open places together.
	RulesMost = 10_000
	// SizeMost bounds a policy's JSON, in bytes.
	SizeMost = 16 << 20

	idMost      = 128 // of a user's or conversation's id, in bytes
	accountMost = 200 // of an account's id, in bytes
	nameMost    = 80  // of a name that is shown, in characters
)

// version is of the JSON form.
const version = 1

// Role is what somebody may do.
type Role string

// The roles, from the least. The empty one is nobody's.
const (
	Listener Role = "listener" // is told things, and is not heard
	Member   Role = "member"   // may talk
	Owner    Role = "owner"    // may do everything, approvals too
)

// rank orders roles; 0 is what is no role.
func (r Role) rank() int { return slices.Index([]Role{Listener, Member, Owner}, r) + 1 }

// AtLeast reports whether r may do all that least may. What is no role may
// nothing, and anything may do nothing: least may be empty.
func (r Role) AtLeast(least Role) bool {
	if least == "" {
		return true
	}
	return least.rank() > 0 && r.rank() >= least.rank()
}

// Rule lets somebody in. Account, User and Conversation together are unique in a
// policy.
type Rule struct {
	Account platforms.AccountID `json:"account"`
	User    platforms.UserID    `json:"user"`
	// Conversation is where it counts. Empty: in direct chats only.
	Conversation platforms.ConversationID `json:"conversation,omitempty"`

	Role Role `json:"role"`
	// Bot says that User is a bot. Such a rule counts for bots only, and any
	// other for people only.
	Bot bool `json:"bot,omitempty"`
	// Until is when it ends; zero: never.
	Until time.Time `json:"until,omitzero"`

	// Name and Place are for showing.
	Name  string `json:"name,omitempty"`
	Place string `json:"place,omitempty"`
}

// Ignore keeps somebody out, or all that happens in a conversation, whatever
// the rules say. At least one of User and Conversation is set; if both are, it
// is that user in that conversation.
type Ignore struct {
	Account      platforms.AccountID      `json:"account"`
	User         platforms.UserID         `json:"user,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
	Name         string                   `json:"name,omitempty"` // for showing
}

// Place is a shared conversation.
type Place struct {
	Account      platforms.AccountID      `json:"account"`
	Conversation platforms.ConversationID `json:"conversation"`
	Name         string                   `json:"name,omitempty"` // for showing
}

// Policy is who may talk. The zero Policy lets in nobody. It is a value: the
// methods that change one give a new one.
type Policy struct {
	Rules   []Rule
	Ignored []Ignore
	// Open is where the bot need not be mentioned. It lets in nobody.
	Open []Place
}

// wire is a policy as JSON.
type wire struct {
	Version int      `json:"version"`
	Rules   []Rule   `json:"rules,omitempty"`
	Ignored []Ignore `json:"ignored,omitempty"`
	Open    []Place  `json:"open,omitempty"`
}

// MarshalJSON fails for a policy that is not valid.
func (p Policy) MarshalJSON() ([]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return json.Marshal(wire{version, p.Rules, p.Ignored, p.Open})
}

// UnmarshalJSON reads a whole valid policy. Otherwise it fails, and p lets in
// nobody: a rule that is half understood is none.
func (p *Policy) UnmarshalJSON(b []byte) error {
	*p = Policy{}
	if len(b) > SizeMost {
		return fmt.Errorf("the access rules are larger than %d MB", SizeMost>>20)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var w wire
	if err := d.Decode(&w); err != nil {
		return fmt.Errorf("the access rules can't be read: %w", err)
	}
	if w.Version != version {
		return fmt.Errorf("the access rules are of version %d, and this program knows version %d only", w.Version, version)
	}
	got := Policy{w.Rules, w.Ignored, w.Open}
	if err := got.Validate(); err != nil {
		return err
	}
	*p = got
	return nil
}

// Validate says what is wrong with a policy. [Decide] takes any: what is not
// valid in it lets in nobody.
func (p Policy) Validate() error {
	if n := len(p.Rules) + len(p.Ignored) + len(p.Open); n > RulesMost {
		return fmt.Errorf("there are %d access rules, and %d at most are kept", n, RulesMost)
	}
	seen := make(map[key]bool, len(p.Rules))
	for i, r := range p.Rules {
		if err := r.validate(); err != nil {
			return fmt.Errorf("rule %d: %w", i+1, err)
		}
		if seen[r.key()] {
			return fmt.Errorf("rule %d: another rule is for the same user and conversation", i+1)
		}
		seen[r.key()] = true
	}
	for i, g := range p.Ignored {
		if err := g.validate(); err != nil {
			return fmt.Errorf("ignored %d: %w", i+1, err)
		}
	}
	for i, o := range p.Open {
		if err := errors.Join(account(o.Account), id("conversation", string(o.Conversation)), shown(o.Name)); err != nil {
			return fmt.Errorf("open place %d: %w", i+1, err)
		}
	}
	return nil
}

// key is what a rule is about.
type key struct {
	account      platforms.AccountID
	user         platforms.UserID
	conversation platforms.ConversationID
}

func (r Rule) key() key { return key{r.Account, r.User, r.Conversation} }

func (r Rule) validate() error {
	switch {
	case r.Role.rank() == 0:
		return fmt.Errorf("%q is no role", text.Line(string(r.Role), 40))
	case r.Bot && r.Role == Owner:
		return errors.New("a bot can't be an owner")
	case r.Conversation != "":
		if err := id("conversation", string(r.Conversation)); err != nil {
			return err
		}
	}
	return errors.Join(account(r.Account), id("user", string(r.User)), shown(r.Name), shown(r.Place))
}

func (g Ignore) validate() error {
	if g.User == "" && g.Conversation == "" {
		return errors.New("it names neither a user nor a conversation")
	}
	var errs []error
	if g.User != "" {
		errs = append(errs, id("user", string(g.User)))
	}
	if g.Conversation != "" {
		errs = append(errs, id("conversation", string(g.Conversation)))
	}
	return errors.Join(append(errs, account(g.Account), shown(g.Name))...)
}

func account(a platforms.AccountID) error {
	if a == "" || len(a) > accountMost || !utf8.ValidString(string(a)) {
		return errors.New("the account is missing or damaged")
	}
	return nil
}

func shown(name string) error {
	if !utf8.ValidString(name) || utf8.RuneCountInString(name) > nameMost {
		return fmt.Errorf("a name is longer than %d characters, or damaged", nameMost)
	}
	return nil
}

// id fails for what no platform uses as an id: above all for names.
func id(what, s string) error {
	if !plain(s) {
		return fmt.Errorf("the %s's id is missing, or is none", what)
	}
	return nil
}

// plain reports whether s may be an id: a word of visible ASCII, which is no
// @handle or #channel, and has no sign in which a person could mean “any”.
func plain(s string) bool {
	return s != "" && len(s) <= idMost && s[0] != '@' && s[0] != '#' &&
		!strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '*' || r == '?' })
}

// With is p with r, in the place of a rule for the same user and conversation if
// there is one. The names in r are made fit to be shown.
func (p Policy) With(r Rule) (Policy, error) {
	r.Name, r.Place = text.Line(r.Name, nameMost), text.Line(r.Place, nameMost)
	rules := slices.Clone(p.Rules)
	if i := slices.IndexFunc(rules, func(o Rule) bool { return o.key() == r.key() }); i >= 0 {
		rules[i] = r
	} else {
		rules = append(rules, r)
	}
	out := p
	out.Rules = rules
	if err := out.Validate(); err != nil {
		return p, err
	}
	return out, nil
}

// Ignoring is p with g.
func (p Policy) Ignoring(g Ignore) (Policy, error) {
	g.Name = text.Line(g.Name, nameMost)
	out := p
	out.Ignored = append(slices.DeleteFunc(slices.Clone(p.Ignored), func(o Ignore) bool {
		return o.Account == g.Account && o.User == g.User && o.Conversation == g.Conversation
	}), g)
	if err := out.Validate(); err != nil {
		return p, err
	}
	return out, nil
}

// Without is p without the rule for that user and conversation.
func (p Policy) Without(a platforms.AccountID, u platforms.UserID, c platforms.ConversationID) Policy {
	p.Rules = slices.DeleteFunc(slices.Clone(p.Rules), func(o Rule) bool { return o.key() == key{a, u, c} })
	return p
}

// Moved is p after a conversation got another id, as the platform itself told:
// what was for the old one is for the new one. Where the new one had a rule for
// the same user, that one stays.
func (p Policy) Moved(a platforms.AccountID, from, to platforms.ConversationID) Policy {
	if a == "" || from == to || !plain(string(from)) || !plain(string(to)) {
		return p
	}
	taken := map[key]bool{}
	for _, r := range p.Rules {
		taken[r.key()] = true
	}
	var rules []Rule
	for _, r := range p.Rules {
		if r.Account == a && r.Conversation == from {
			if r.Conversation = to; taken[r.key()] {
				continue
			}
		}
		rules = append(rules, r)
	}
	p.Rules, p.Ignored, p.Open = rules, slices.Clone(p.Ignored), slices.Clone(p.Open)
	for i, g := range p.Ignored {
		if g.Account == a && g.Conversation == from {
			p.Ignored[i].Conversation = to
		}
	}
	for i, o := range p.Open {
		if o.Account == a && o.Conversation == from {
			p.Open[i].Conversation = to
		}
	}
	return p
}
