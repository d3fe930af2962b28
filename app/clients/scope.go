package clients

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/postern/postern/platforms"
)

// Do is what a scope lets a client do.
type Do string

// What scopes let do. None includes another.
const (
	Status Do = "status" // how the accounts are
	Read   Do = "read"   // messages, their files, and what happened to them
	Send   Do = "send"   // send messages
	Hooks  Do = "hooks"  // make and manage hooks that post into a conversation
)

// Scope lets a client do one thing, in one conversation, in all of an account if
// Conversation is empty, or everywhere if Account is.
type Scope struct {
	Do           Do                       `json:"do"`
	Account      platforms.AccountID      `json:"account,omitempty"`
	Conversation platforms.ConversationID `json:"conversation,omitempty"`
}

// String is s as a person types it: "read", "send:work", "send:work/4711".
func (s Scope) String() string {
	out := string(s.Do)
	if s.Account != "" {
		out += ":" + string(s.Account)
	}
	if s.Conversation != "" {
		out += "/" + string(s.Conversation)
	}
	return out
}

// ParseScope reads what String gives. An account's id holds no slash;
// conversations may.
func ParseScope(text string) (Scope, error) {
	do, where, limited := strings.Cut(text, ":")
	account, conversation, one := strings.Cut(where, "/")
	s := Scope{Do: Do(do), Account: platforms.AccountID(account), Conversation: platforms.ConversationID(conversation)}
	if limited && account == "" || one && conversation == "" {
		return Scope{}, errors.New("a scope is written as read, read:ACCOUNT or read:ACCOUNT/CONVERSATION. Leave out what is empty")
	}
	return s, s.check()
}

func (s Scope) check() error {
	switch {
	case s.Do != Status && s.Do != Read && s.Do != Send && s.Do != Hooks:
		return errors.New("a scope is for status, read, send or hooks. Choose one of them")
	case s.Conversation != "" && s.Account == "":
		return errors.New("a scope for one conversation names its account, too. Add the account")
	case s.Conversation != "" && s.Do == Status:
		return errors.New("the status is that of accounts. Leave the conversation out")
	case len(s.Account) > 200 || len(s.Conversation) > 1000:
		return errors.New("a scope names an account or conversation that is too long to be one. Look at the inbox for its id")
	}
	return nil
}

// tidy checks scopes and drops what is said twice.
func tidy(scopes []Scope) ([]Scope, error) {
	if len(scopes) == 0 {
		return nil, errors.New("a client without a scope may do nothing. Give it one, such as read or send:ACCOUNT/CONVERSATION")
	}
	if len(scopes) > MaxScopes {
		return nil, fmt.Errorf("a client has %d scopes at most. Use fewer, or wider ones", MaxScopes)
	}
	var out []Scope
	for _, s := range scopes {
		if err := s.check(); err != nil {
			return nil, err
		}
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out, nil
}

// May reports whether c may do this in a conversation. An empty conversation
// asks for the account's all, an empty account for everything.
func (c Client) May(do Do, account platforms.AccountID, conversation platforms.ConversationID) bool {
	return slices.ContainsFunc(c.Scopes, func(s Scope) bool {
		return s.Do == do && (s.Account == "" || s.Account == account) && (s.Conversation == "" || s.Conversation == conversation)
	})
}

// Anywhere reports whether c may do this somewhere.
func (c Client) Anywhere(do Do) bool {
	return slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.Do == do })
}

// In reports whether c may do this somewhere in an account.
func (c Client) In(do Do, account platforms.AccountID) bool {
	return slices.ContainsFunc(c.Scopes, func(s Scope) bool { return s.Do == do && (s.Account == "" || s.Account == account) })
}

// keyPrefix begins the keys of messages that clients sent, ownPrefix those that
// others sent by the local interface: what any of them chooses meets none that
// Postern makes for itself.
const (
	keyPrefix = "n/"
	ownPrefix = "u/"
)

// Unnamed is the key of a message that no client sent under its sender's own key.
func Unnamed(own string) string { return ownPrefix + own }

// MaxKey is how long a client's own key may be, in bytes.
const MaxKey = 150

// Key is the key of a message that the client id sends under its own key: what
// two clients choose can't meet, and the message tells who sent it.
func Key(id, own string) string { return keyPrefix + id + "/" + own }

// Sender is the id of the client that a message with this key came from, empty
// if it came from none.
func Sender(key string) string {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	id, _, whole := strings.Cut(rest, "/")
	if !ok || !whole {
		return ""
	}
	return id
}
