package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// freshID is the platform's name, with a number from the second account on.
// a.mu is held.
func (a *App) freshID(name string) platforms.AccountID {
	id := platforms.AccountID(name)
	for n := 2; slices.ContainsFunc(a.accounts, func(c *account) bool { return c.id == id }); n++ {
		id = platforms.AccountID(fmt.Sprintf("%s-%d", name, n))
	}
	return id
}

// freshName is the person's name for the account, or one made from the
// platform's title. a.mu is held.
func (a *App) freshName(wanted, title string) string {
	if wanted != "" {
		return cut(wanted, 64)
	}
	name := title
	taken := func(c *account) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.rec.Name == name
	}
	for n := 2; slices.ContainsFunc(a.accounts, taken); n++ {
		name = fmt.Sprintf("%s %d", title, n)
	}
	return name
}

func (a *App) unknownPlatform(name string) error {
	var known []string
	for _, p := range a.o.Platforms {
		known = append(known, p.Name)
	}
	return &api.Error{Kind: platforms.Rejected, Text: fmt.Sprintf("There is no platform %q. There are: %s.", name, strings.Join(known, ", "))}
}
