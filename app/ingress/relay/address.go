package relay

import (
	"errors"
	"net/url"
	"strings"

	"github.com/postern/postern/platforms"
)

// Address reads the address of a relay's server, https, or http where the relay
// is on this computer: what goes over it is a credential. It may have a path, for
// a server behind a proxy, but no query and no user.
func Address(s string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(strings.TrimSpace(s), "/"))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("this is not an address: write it as https://relay.example.com")
	case u.User != nil:
		return nil, errors.New("the address must not hold a name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("the address must end before a question mark or number sign")
	case u.Scheme == "https", u.Scheme == "http" && platforms.Loopback(u.Hostname()):
		return u, nil
	case u.Scheme == "http":
		return nil, errors.New("the address must begin with https: without it others could read along")
	}
	return nil, errors.New("the address must begin with https")
}
