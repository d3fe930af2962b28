package webhook

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/postern/postern/platforms"
)

// gitLabEvents are the switches of a project's hook, without _events.
// https://docs.gitlab.com/api/project_webhooks/
func gitLabEvents() []string {
	return []string{"push", "tag_push", "issues", "confidential_issues", "merge_requests", "note", "confidential_note",
		"job", "pipeline", "wiki_page", "deployment", "feature_flag", "releases", "resource_access_token"}
}

// gitLabTests are those of which a test can be asked for.
func gitLabTests() []string {
	return []string{"push", "tag_push", "issues", "confidential_issues", "note", "merge_requests", "job", "pipeline", "wiki_page", "releases", "resource_access_token"}
}

// gitLabRegistry makes hooks of a project.
// https://docs.gitlab.com/api/project_webhooks/
func gitLabRegistry() registry {
	return registry{
		title: "GitLab", base: "https://gitlab.com/api/v4",
		// https://docs.gitlab.com/api/rest/authentication/
		auth: func(token string) (string, string) { return "PRIVATE-TOKEN", token },
		form: func() platforms.RegisterForm {
			return platforms.RegisterForm{
				Fields: []platforms.Field{
					{Key: regWhere, Label: "Project", Required: true, Placeholder: "group/project", Parse: parsePath(1, 20, "group/project"),
						Help: "The project's path or number. You must be one of its maintainers."},
					{Key: regToken, Label: "Access token", Secret: true, Required: true, Parse: parseToken,
						Help: "A project access token with the role Maintainer and the scope api, or your own with that scope."},
					{Key: regEvents, Label: "Events", Placeholder: "push merge_requests note", Parse: parseNames(gitLabEvents()),
						Help: "Apart by spaces: " + strings.Join(gitLabEvents(), ", ") + ". Nothing: push only."},
					{Key: regBase, Label: "Address of GitLab", Advanced: true, Placeholder: "https://gitlab.com", Parse: parseGitLabBase,
						Help: "For a server of your own, as in https://gitlab.example.org."},
				},
				Setup: platforms.Guide{
					Scopes: []string{"api"},
					Steps: []platforms.Step{
						{Text: "In the project, Settings, Access tokens: make a project access token with the role Maintainer and the scope api. It reaches this project only. A short life will do: it is needed now and for the removal.", URL: "https://docs.gitlab.com/user/project/settings/project_access_tokens/"},
						{Text: "Where project access tokens are not offered, a personal one with the scope api works. It reaches all that you can."},
					},
				},
			}
		},
		register: gitLabRegister,
		remove: func(ctx context.Context, c *caller, r platforms.Registered) error {
			path := gitLabPath(r.Values[regWhere])
			return c.removed(ctx, c.call(ctx, http.MethodDelete, append(slices.Clone(path), r.ID), nil, nil), path)
		},
		refused: func(platforms.Registered) string {
			return "The token needs the scope api, and whose it is at least the role Maintainer in the project."
		},
	}
}

// parseGitLabBase takes a server's address, with or without the API's path.
func parseGitLabBase(s string) (string, error) {
	s, err := parseBase(s)
	if err != nil {
		return "", err
	}
	s = strings.TrimSuffix(s, "/api/v4")
	if s == "https://gitlab.com" {
		return "", nil
	}
	return s + "/api/v4", nil
}

func gitLabPath(where string) []string { return []string{"projects", where, "hooks"} }

type gitLabHook struct {
	ID    int64  `json:"id"`
	URL   string `json:"url"`
	Alert string `json:"alert_status"`
}

func gitLabRegister(ctx context.Context, c *caller, want hookWanted, r *platforms.Registered) error {
	r.Where = want.values[regWhere]
	path := gitLabPath(r.Where)
	r.Manual = "On the page of the project " + r.Where + " at GitLab, under Settings, Webhooks."
	hooks, err := pages(ctx, c, path, url.Values{"per_page": {"100"}}, func(page json.RawMessage) (out []gitLabHook, err error) {
		err = json.Unmarshal(page, &out)
		return out, err
	})
	if err != nil {
		return err
	}
	step(r, "GitLab took the token. %s has %s.", r.Where, counted(len(hooks), "hook"))
	found, same := find(hooks, want, func(h gitLabHook) (string, string) { return strconv.FormatInt(h.ID, 10), h.URL })
	events := strings.Fields(want.values[regEvents])
	if len(events) == 0 {
		events = []string{"push"}
	}
	// The token is sent each time: a change of the address removes it there.
	hook := map[string]any{"url": want.address, "token": want.secret, "enable_ssl_verification": true}
	for _, e := range gitLabEvents() {
		hook[e+"_events"] = slices.Contains(events, e)
	}
	var made gitLabHook
	if found == "" {
		err = c.call(ctx, http.MethodPost, path, hook, &made)
	} else {
		err = c.call(ctx, http.MethodPut, append(slices.Clone(path), found), hook, &made)
	}
	switch {
	case err != nil:
		return err
	case made.ID <= 0 || made.URL != want.address:
		return errStrange
	}
	r.ID = strconv.FormatInt(made.ID, 10)
	told(r, found, same, strings.Join(events, ", "))
	step(r, "GitLab sends the account's secret along, and checks our certificate.")
	// https://docs.gitlab.com/user/project/integrations/webhooks/#auto-disabled-webhooks
	if made.Alert != "" && made.Alert != "executable" {
		trouble(r, "GitLab has switched the hook off, because deliveries failed. It tries again once a test arrives.")
	}
	for _, e := range gitLabTests() {
		if !slices.Contains(events, e) {
			continue
		}
		if err := c.call(ctx, http.MethodPost, append(slices.Clone(path), r.ID, "test", e+"_events"), nil, nil); err != nil {
			// A project without commits has nothing to make a test of, for one.
			trouble(r, "A test was asked for, and failed: %s", platforms.Explain(c.explain(err, *r)))
			return nil
		}
		r.Awaits = "GitLab's test"
		return nil
	}
	return nil
}
