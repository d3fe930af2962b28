package telegram

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// tokens finds bot tokens: the bot's number, a colon, and 35 characters today;
// the bounds leave room for another length. Before it may stand "bot", as in an
// address of the Bot API.
var tokens = regexp.MustCompile(`(?:^|[^0-9A-Za-z_:-]|bot)([0-9]{6,16}:[A-Za-z0-9_-]{30,80})(?:$|[^A-Za-z0-9_-])`)

// parseToken takes the token out of what a person pasted: the token itself, the
// whole message in which BotFather told it, or an address that holds it. Its
// errors never repeat the text.
func parseToken(s string) (string, error) {
	s = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) { // invisible characters that copying picks up
			return -1
		}
		return r
	}, s)
	if strings.TrimSpace(s) == "" {
		return "", errors.New("there is no token. Paste what BotFather answered to /newbot or /token")
	}
	var found []string
	for rest := s; ; {
		at := tokens.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		if t := rest[at[2]:at[3]]; !slices.Contains(found, t) {
			found = append(found, t)
		}
		rest = rest[at[3]:]
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", errors.New("there are several tokens in this text. Paste only the one of the bot that you want to connect")
	case strings.HasPrefix(strings.TrimSpace(s), "@"):
		return "", errors.New("this is a name, not a token. BotFather shows the token when you send him /token")
	case !strings.Contains(s, ":"):
		return "", errors.New("this is not a whole token: a token has a number, a colon and about 35 more characters. Copy all of it from BotFather's message")
	}
	return "", errors.New("this does not look like a bot's token: a number, a colon and about 35 letters, digits, _ or -. Copy it again from BotFather's message")
}

// parseServer checks the address of a Bot API server. Empty means Telegram's own.
func parseServer(s string) (string, error) {
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if s == "" {
		return "", nil
	}
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("this is not the address of a server. It begins with https:// or http://, for example http://127.0.0.1:8081")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("the address has more than a server and a path. Leave out the rest")
	case tokens.MatchString(s):
		return "", errors.New("the address holds a token. Enter the server only, and the token in its own field")
	}
	return s, nil
}
