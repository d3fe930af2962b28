package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Bounds of pairing.
const (
	// CodeLife is how long a code can be claimed.
	CodeLife = 5 * time.Minute
	// ClaimLife is how long a claim can be accepted.
	ClaimLife = time.Hour
	// CodesMost bounds codes that are out, and claims that wait, each.
	CodesMost = 5

	// WrongMost wrong codes of one user within WrongWithin, or AccountWrongMost
	// of an account's users together, are followed by WrongPause in which theirs
	// are not looked at.
	WrongMost        = 5
	AccountWrongMost = 5
	WrongWithin      = 10 * time.Minute
	WrongPause       = 10 * time.Minute

	keyLeast     = 32 // of the key, in bytes
	trackedMost  = 1024
	claimTextMax = 4096 // how much of a message is searched for a code, in bytes
)

// Pairings is the codes that are out. Whoever sends the bot such a code in a
// direct chat was given it by who sits at this computer; that person then
// confirms who it was:
//
//	code, until, err := pairings.Offer(now)              // shown on this computer
//	if access.MayPair(event, decision) {
//		claim, ok := pairings.Claim(now, account, event.From, event.Text)
//	}
//	policy, rule, err = pairings.Accept(now, claim, policy)  // after a person's yes
//
// A code is 128 random bits, counts once and for [CodeLife]. Only an
// HMAC-SHA-256 of it is kept. Nothing of it is written to disk: a restart ends
// all codes. It is safe to call from several goroutines.
type Pairings struct {
	key         platforms.Secret // which no %+v prints
	accountMost int

	mu     sync.Mutex
	codes  []offered
	claims []Claim
	last   uint64 // number of the last claim
	wrong  map[guesser]*guesses
}

// offered is a code that is out.
type offered struct {
	sum  [sha256.Size]byte
	made time.Time
}

// guesser is who sent wrong codes: a user of an account, or, without a user,
// the account's users together.
type guesser struct {
	account platforms.AccountID
	user    platforms.UserID
}

// guesses is the wrong codes of a guesser.
type guesses struct {
	at    []time.Time // fewer than are too many
	until time.Time   // end of the pause
}

// Claim says who sent a code. It is good for one Accept, by the Pairings that
// gave it.
type Claim struct {
	Account platforms.AccountID `json:"account"`
	User    platforms.User      `json:"user"` // its names are for showing
	At      time.Time           `json:"at"`
	Number  uint64              `json:"number"`
}

// NewPairings takes a secret key of at least 32 bytes, of which it keeps a copy.
func NewPairings(key []byte) (*Pairings, error) {
	if len(key) < keyLeast {
		return nil, fmt.Errorf("the key for pairing has %d bytes, and needs %d", len(key), keyLeast)
	}
	return &Pairings{key: platforms.NewSecret(string(key)), accountMost: AccountWrongMost, wrong: map[guesser]*guesses{}}, nil
}

// Offer makes a code. It can be claimed until the time that is returned. The
// code is a secret: show it to who sits at this computer, and log it nowhere.
// An error is for that person.
func (p *Pairings) Offer(now time.Time) (code string, until time.Time, err error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", time.Time{}, err
	}
	code = base58(b)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	if len(p.codes) >= CodesMost {
		return "", time.Time{}, fmt.Errorf("there are %d codes already. Use one of them, or wait %d minutes until they end", len(p.codes), CodeLife/time.Minute)
	}
	p.codes = append(p.codes, offered{p.sum(code), now})
	return code, now.Add(CodeLife), nil
}

// Open is until when some code can be claimed; zero if none is out.
func (p *Pairings) Open(now time.Time) (until time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	for _, o := range p.codes {
		if end := o.made.Add(CodeLife); end.After(until) {
			until = end
		}
	}
	return until
}

// Cancel ends all codes.
func (p *Pairings) Cancel() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes = nil
}

// Waiting is the claims that nobody has accepted or refused yet.
func (p *Pairings) Waiting(now time.Time) []Claim {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	return slices.Clone(p.claims)
}

// MayPair reports whether an event may hold a code: a person's message in a
// direct chat, of somebody who is not let in yet and not ignored.
func MayPair(ev platforms.Event, d Decision) bool {
	return ev.Kind == platforms.MessageReceived && ev.Conversation.Kind == platforms.Direct && !ev.Own && !ev.From.Bot &&
		(d.Verdict == Stranger || d.Verdict == Elsewhere || d.Verdict == Listens)
}

// Claim looks for a code in a message's text, as a word of its own. It is false
// where there is none that is out, and where too many were wrong before; nothing
// tells these apart to who sent it, so answer neither.
func (p *Pairings) Claim(now time.Time, to platforms.AccountID, who platforms.User, words string) (Claim, bool) {
	if account(to) != nil || !plain(string(who.ID)) || who.Bot {
		return Claim{}, false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	if len(p.codes) == 0 { // what can't be right is not counted as wrong
		return Claim{}, false
	}
	for _, word := range candidates(words) {
		if p.paused(now, to, who.ID) {
			return Claim{}, false
		}
		i := p.find(word)
		if i < 0 {
			p.miss(now, guesser{to, who.ID}, WrongMost)
			p.miss(now, guesser{account: to}, p.accountMost)
			continue
		}
		p.codes = slices.Delete(p.codes, i, i+1)
		delete(p.wrong, guesser{to, who.ID})
		p.last++
		who.Name, who.Handle = text.Line(who.Name, nameMost), text.Line(who.Handle, nameMost)
		c := Claim{Account: to, User: who, At: now, Number: p.last}
		if len(p.claims) >= CodesMost {
			p.claims = slices.Delete(p.claims, 0, 1)
		}
		p.claims = append(p.claims, c)
		return c, true
	}
	return Claim{}, false
}

// Accept adds the rule for a claim that a person confirmed: as owner, if the
// account has none that counts in direct chats, and otherwise as member. An error
// is for that person; then the policy and the claim stay as they were.
func (p *Pairings) Accept(now time.Time, c Claim, policy Policy) (Policy, Rule, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expire(now)
	i := p.waiting(c)
	if i < 0 {
		return policy, Rule{}, errors.New("this request is not waiting any more. Make a new code, and have it sent again")
	}
	c = p.claims[i]
	for _, g := range policy.Ignored {
		if g.Account == c.Account && g.User == c.User.ID && g.Conversation == "" {
			return policy, Rule{}, errors.New("this user is ignored for good. Take them off that list first")
		}
	}
	r := Rule{Account: c.Account, User: c.User.ID, Role: Member, Name: c.User.Name}
	if !policy.owned(c.Account, now) {
		r.Role = Owner
	}
	for _, o := range policy.Rules {
		if o.key() == r.key() && !o.Bot && !o.ended(now) && o.Role.rank() > r.Role.rank() {
			r.Role = o.Role // nobody loses by it
		}
	}
	out, err := policy.With(r)
	if err != nil {
		return policy, Rule{}, err
	}
	p.claims = slices.Delete(p.claims, i, i+1)
	return out, r, nil
}

// Refuse forgets a claim.
func (p *Pairings) Refuse(c Claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := p.waiting(c); i >= 0 {
		p.claims = slices.Delete(p.claims, i, i+1)
	}
}

// Forget drops the claims to an account that was removed: its id may become
// another bot's.
func (p *Pairings) Forget(a platforms.AccountID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims = slices.DeleteFunc(p.claims, func(c Claim) bool { return c.Account == a })
}

// owned reports whether somebody is an owner of the account already.
func (p Policy) owned(a platforms.AccountID, now time.Time) bool {
	return slices.ContainsFunc(p.Rules, func(r Rule) bool {
		return r.Account == a && r.Conversation == "" && r.Role == Owner && !r.ended(now) && r.validate() == nil
	})
}

// waiting is the place of a claim, or -1. What is shown of it may have changed.
func (p *Pairings) waiting(c Claim) int {
	return slices.IndexFunc(p.claims, func(o Claim) bool {
		return o.Number == c.Number && o.Account == c.Account && o.User.ID == c.User.ID
	})
}

// expire drops what has ended, and what was made after now: a clock that was set
// back makes nothing last longer.
func (p *Pairings) expire(now time.Time) {
	over := func(made time.Time, life time.Duration) bool {
		age := now.Sub(made)
		return age < 0 || age >= life
	}
	p.codes = slices.DeleteFunc(p.codes, func(o offered) bool { return over(o.made, CodeLife) })
	p.claims = slices.DeleteFunc(p.claims, func(c Claim) bool { return over(c.At, ClaimLife) })
	for who, g := range p.wrong {
		g.at = slices.DeleteFunc(g.at, func(at time.Time) bool { return over(at, WrongWithin) })
		if len(g.at) == 0 && !now.Before(g.until) {
			delete(p.wrong, who)
		}
	}
}

func (p *Pairings) sum(code string) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, []byte(p.key.Reveal()))
	h.Write([]byte("pairing code "))
	h.Write([]byte(code))
	h.Sum(out[:0])
	return out
}

// find is the place of a code that is out, or -1. It looks at all of them,
// whichever it is.
func (p *Pairings) find(word string) int {
	sum, found := p.sum(word), -1
	for i := range p.codes {
		if subtle.ConstantTimeCompare(sum[:], p.codes[i].sum[:]) == 1 {
			found = i
		}
	}
	return found
}

func (p *Pairings) paused(now time.Time, to platforms.AccountID, user platforms.UserID) bool {
	for _, who := range []guesser{{to, user}, {account: to}} {
		if g := p.wrong[who]; g != nil && now.Before(g.until) {
			return true
		}
	}
	// Who can't be counted can't guess.
	return len(p.wrong)+2 > trackedMost && (p.wrong[guesser{to, user}] == nil || p.wrong[guesser{account: to}] == nil)
}

// miss counts a wrong code; most are too many.
func (p *Pairings) miss(now time.Time, who guesser, most int) {
	g := p.wrong[who]
	if g == nil {
		g = &guesses{}
		p.wrong[who] = g
	}
	if g.at = append(g.at, now); len(g.at) >= most {
		g.at, g.until = nil, now.Add(WrongPause)
	}
}

// alphabet is Bitcoin's base58: without 0, O, I and l, which look alike.
// https://datatracker.ietf.org/doc/html/draft-msporny-base58-03
const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// codeLength is how many signs 128 bits take at most; all codes have so many.
const codeLength = 22

func base58(b [16]byte) string {
	var out [codeLength]byte
	for i := range out {
		rest := 0
		for j := range b { // long division by 58
			rest = rest<<8 | int(b[j])
			b[j], rest = byte(rest/len(alphabet)), rest%len(alphabet)
		}
		out[codeLength-1-i] = alphabet[rest]
	}
	return string(out[:])
}

// candidates is the words of a message that could be codes, the first few. A
// word is of letters, digits and their marks: so a code is found behind a
// command, in a link and before a full stop, and never inside a longer word.
func candidates(words string) (out []string) {
	if len(words) > claimTextMax {
		return nil // nobody pastes a code into a letter
	}
	for word := range strings.FieldsFuncSeq(words, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r) && r != '_'
	}) {
		if len(word) != codeLength || strings.Trim(word, alphabet) != "" {
			continue
		}
		if out = append(out, word); len(out) == WrongMost {
			break
		}
	}
	return out
}
