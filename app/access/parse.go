package access

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

// Forms is what ids look like on one platform, as data. The expressions match a
// whole id: they begin with ^ and end with $. A nil one means that the platform
// has no such ids that last.
type Forms struct {
	User         *regexp.Regexp
	Conversation *regexp.Regexp // of shared places

	// UserHelp and ConversationHelp say how a person gets an id, as sentences:
	// “Open their profile, choose More, then Copy member ID.”
	UserHelp, ConversationHelp string

	// Nobody are ids that have a user's form, but that many write under: a
	// platform's own for what is anonymous.
	Nobody []platforms.UserID
}

// matches reports whether re matches all of s; nil matches nothing.
func matches(re *regexp.Regexp, s string) bool {
	if re == nil {
		return false
	}
	at := re.FindStringIndex(s)
	return at != nil && at[0] == 0 && at[1] == len(s)
}

// person reports whether id is one user's own.
func (f Forms) person(id platforms.UserID) bool {
	return matches(f.User, string(id)) && !slices.Contains(f.Nobody, id)
}

// ParseUser reads the id of a user from what a person pasted. The error is for
// them: it says what is wrong and how to get an id.
func ParseUser(pasted string, f Forms) (platforms.UserID, error) {
	s, err := pastedID(pasted, "user", f.User, f.UserHelp)
	switch {
	case err == nil && slices.Contains(f.Nobody, platforms.UserID(s)):
		return "", advice(fmt.Sprintf("the id %s is nobody's own: the platform uses it for many", s), "Enter the id of one user", f.UserHelp)
	case err == nil:
		return platforms.UserID(s), nil
	case s != "" && matches(f.Conversation, s):
		return "", advice(fmt.Sprintf("the id %s is a conversation's", s), "Enter the id of a user", f.UserHelp)
	}
	return "", err
}

// ParseConversation reads the id of a shared conversation, as [ParseUser] does a
// user's.
func ParseConversation(pasted string, f Forms) (platforms.ConversationID, error) {
	s, err := pastedID(pasted, "conversation", f.Conversation, f.ConversationHelp)
	switch {
	case err == nil:
		return platforms.ConversationID(s), nil
	case s != "" && matches(f.User, s):
		return "", advice(fmt.Sprintf("the id %s is a user's", s), "Enter the id of a group or channel", f.ConversationHelp)
	}
	return "", err
}

// pastedID cleans what was pasted. Beside an error it gives what was read where
// that could be an id of another form.
func pastedID(pasted, what string, form *regexp.Regexp, help string) (string, error) {
	s := unquote(strings.TrimSpace(pasted))
	show, enter := text.Line(s, 40), "Enter the "+what+"'s id"
	switch {
	case form == nil:
		return "", fmt.Errorf("this platform gives no id of a %s that lasts, so no rule can be for one", what)
	case s == "":
		return "", advice("there is no id", enter, help)
	case matches(form, s) && plain(s):
		return s, nil
	case slices.Contains([]string{"*", "all", "everyone", "everybody", "@all", "@everyone", "@here", "@channel"}, strings.ToLower(s)):
		return "", advice("there is no rule for everybody", enter, help)
	case !plain(s) || !strings.ContainsFunc(s, unicode.IsDigit):
		return "", advice(fmt.Sprintf("“%s” is a name, not an id. A name can change, and somebody else can take it", show), enter, help)
	}
	return s, advice(fmt.Sprintf("“%s” is not the id of a %s on this platform", show, what), "Copy the whole id again", help)
}

// unquote takes off one pair of quotes or backticks.
func unquote(s string) string {
	for _, q := range []string{`""`, "''", "``", "“”"} {
		r := []rune(q)
		if a, ok := strings.CutPrefix(s, string(r[0])); ok {
			if b, ok := strings.CutSuffix(a, string(r[1])); ok {
				return strings.TrimSpace(b)
			}
		}
	}
	return s
}

// advice is an error of several sentences; empty ones are left out.
func advice(parts ...string) error {
	var out []string
	for _, s := range parts {
		if s = strings.TrimSuffix(s, "."); s != "" {
			out = append(out, s)
		}
	}
	return errors.New(strings.Join(out, ". "))
}
