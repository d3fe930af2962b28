package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postern/postern/platforms"
)

// gitHubRegistry makes hooks of a repository or an organization.
// https://docs.github.com/en/rest/repos/webhooks
// https://docs.github.com/en/rest/orgs/webhooks
func gitHubRegistry() registry {
	return registry{
		title: "GitHub", base: "https://api.github.com",
		headers: map[string]string{"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
		auth:    bearer,
		form: func() platforms.RegisterForm {
			return platforms.RegisterForm{
				Fields: []platforms.Field{
					{Key: regWhere, Label: "Repository or organization", Required: true, Placeholder: "owner/repository", Parse: parsePath(1, 2, "owner/repository, or organization"),
						Help: "Whose events are delivered. You must administer it."},
					{Key: regToken, Label: "Access token", Secret: true, Required: true, Parse: parseToken,
						Help: "A fine-grained token with the permission Webhooks: Read and write, for this repository or organization only."},
					{Key: regEvents, Label: "Events", Placeholder: "push issues pull_request", Parse: parseNames(nil),
						Help: "Names of events, apart by spaces. Nothing: push only. * is everything."},
					{Key: regBase, Label: "Address of the API", Advanced: true, Placeholder: "https://api.github.com", Parse: parseGitHubBase,
						Help: "For GitHub Enterprise Server: https://HOST/api/v3."},
				},
				Setup: platforms.Guide{
					Scopes: []string{"Webhooks: Read and write"},
					Steps: []platforms.Step{
						{Text: "Make a fine-grained personal access token. Choose the owner, only the repository in question, and under Repository permissions (for an organization: Organization permissions) Webhooks: Read and write. A short life will do: it is needed now and for the removal.", URL: "https://github.com/settings/personal-access-tokens/new"},
						{Text: "A classic token works too, with the scope admin:repo_hook, or admin:org_hook for an organization. It reaches all that you administer."},
					},
				},
			}
		},
		register: gitHubRegister,
		remove: func(ctx context.Context, c *caller, r platforms.Registered) error {
			path := gitHubPath(r.Values[regWhere])
			return c.removed(ctx, c.call(ctx, http.MethodDelete, append(slices.Clone(path), r.ID), nil, nil), path)
		},
		refused: func(r platforms.Registered) string {
			if !strings.Contains(r.Values[regWhere], "/") {
				return "Give it the organization permission Webhooks: Read and write, or the scope admin:org_hook if it is a classic token; only an owner's token may do this."
			}
			return "Give it the repository permission Webhooks: Read and write, or the scope admin:repo_hook if it is a classic token; only who administers the repository may do this."
		},
	}
}

func bearer(token string) (string, string) { return "Authorization", "Bearer " + token }

// parseGitHubBase takes the address of a server's API. That of its pages, as it
// is in the browser, is made that.
func parseGitHubBase(s string) (string, error) {
	s, err := parseBase(s)
	if err != nil {
		return "", err
	}
	switch u, _ := url.Parse(s); {
	case u.Hostname() == "github.com" || u.Hostname() == "www.github.com" || u.Hostname() == "api.github.com":
		return "", nil
	case u.Path == "" && !strings.HasPrefix(u.Hostname(), "api."): // as GitHub Enterprise Cloud's with data residency
		return s + "/api/v3", nil
	}
	return s, nil
}

// gitHubPath is where the hooks of a repository or an organization are.
func gitHubPath(where string) []string {
	if owner, repo, ok := strings.Cut(where, "/"); ok {
		return []string{"repos", owner, repo, "hooks"}
	}
	return []string{"orgs", where, "hooks"}
}

type gitHubHook struct {
	ID     int64        `json:"id,omitempty"`
	Name   string       `json:"name,omitempty"` // "web", the only one there is
	Active bool         `json:"active"`
	Events []string     `json:"events"`
	Config gitHubConfig `json:"config"`
}

// gitHubConfig is written as a whole each time: without a secret, a change
// removes the one that was there.
type gitHubConfig struct {
	URL         string `json:"url"`
	ContentType string `json:"content_type"`
	Secret      string `json:"secret,omitempty"`
	// InsecureSSL is "0" where the certificate is checked; some answers have a
	// number, so it is not read.
	InsecureSSL string `json:"-"`
}

// MarshalJSON writes InsecureSSL too.
func (g gitHubConfig) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"url": g.URL, "content_type": g.ContentType, "secret": g.Secret, "insecure_ssl": g.InsecureSSL})
}

func gitHubRegister(ctx context.Context, c *caller, want hookWanted, r *platforms.Registered) error {
	r.Where = want.values[regWhere]
	path := gitHubPath(r.Where)
	r.Manual = "On the page of " + r.Where + " at GitHub, under Settings, Webhooks."
	hooks, err := pages(ctx, c, path, url.Values{"per_page": {"100"}}, func(page json.RawMessage) (out []gitHubHook, err error) {
		err = json.Unmarshal(page, &out)
		return out, err
	})
	if err != nil {
		return err
	}
	step(r, "GitHub took the token. %s has %s.", r.Where, counted(len(hooks), "hook"))
	found, same := find(hooks, want, func(h gitHubHook) (string, string) { return strconv.FormatInt(h.ID, 10), h.Config.URL })
	hook := gitHubHook{Active: true, Events: strings.Fields(want.values[regEvents]),
		Config: gitHubConfig{URL: want.address, ContentType: "json", Secret: want.secret, InsecureSSL: "0"}}
	if len(hook.Events) == 0 {
		hook.Events = []string{"push"}
	}
	var made gitHubHook
	if found == "" {
		hook.Name = "web"
		if err := c.call(ctx, http.MethodPost, path, hook, &made); err != nil {
			return hidden(err, r)
		}
	} else if err := c.call(ctx, http.MethodPatch, append(slices.Clone(path), found), hook, &made); err != nil {
		return err
	}
	if made.ID <= 0 || made.Config.URL != want.address {
		return errStrange
	}
	r.ID = strconv.FormatInt(made.ID, 10)
	r.Awaits = "GitHub's ping"
	told(r, found, same, strings.Join(hook.Events, ", "))
	step(r, "GitHub signs with the account's secret, and checks our certificate.")
	if found != "" { // a new hook is pinged by GitHub itself
		if err := c.call(ctx, http.MethodPost, append(slices.Clone(path), r.ID, "pings"), nil, nil); err != nil {
			trouble(r, "A ping was asked for, and failed: %s", platforms.Explain(c.explain(err, *r)))
			r.Awaits = ""
		}
	}
	return nil
}

// hidden explains why there is a hook already that the list did not show.
func hidden(err error, r *platforms.Registered) error {
	var s *statusError
	if errors.As(err, &s) && s.status == http.StatusUnprocessableEntity && strings.Contains(s.words, "already exists") {
		return &platforms.Error{Kind: platforms.Rejected, Err: err, Text: "There is a hook for this address already, which this token may not see. Delete it by hand, and register again. " + r.Manual}
	}
	return err
}

// find is the hook to change: the one that it was before, else one that has the
// address already. same says that it has the address.
func find[T any](hooks []T, want hookWanted, of func(T) (id, address string)) (found string, same bool) {
	for _, h := range hooks {
		id, address := of(h)
		if id == want.before && id != "" {
			return id, address == want.address
		}
	}
	for _, h := range hooks {
		if id, address := of(h); address == want.address {
			return id, true
		}
	}
	return "", false
}

// told notes what became of the hook.
func told(r *platforms.Registered, found string, same bool, events string) {
	switch {
	case found == "":
		step(r, "The hook %s was made, for: %s.", r.ID, events)
	case same:
		step(r, "The hook %s was there already, and was set anew, for: %s.", r.ID, events)
	default:
		step(r, "The hook %s got the new address, for: %s.", r.ID, events)
	}
}

// removed is a DELETE's err, unless the hook is gone already. A 404 alone does not
// say that: a token that may no longer look gets the same.
func (c *caller) removed(ctx context.Context, err error, list []string) error {
	var s *statusError
	if errors.As(err, &s) && s.status == http.StatusNotFound && c.call(ctx, http.MethodGet, list, nil, nil) == nil {
		return nil
	}
	return err
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
