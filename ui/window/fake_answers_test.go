package window

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// whatAnswers is what a fake tells of routes, responders and leases.
type whatAnswers struct {
	routes     api.Routes
	names      []api.RouteName
	kinds      []api.ResponderKind
	responders []api.Responder
	leases     []api.Lease

	check  func(when string) api.RouteChecked
	write  func(api.Cond) (string, error)
	try    func([]api.Route) []api.RouteTried
	refuse error // SetRoutes and changes of responders fail with it
	drafts []api.ResponderDraft
}

func (f *fake) Routes(ctx context.Context) (api.Routes, error) {
	err := f.enter(ctx, "Routes")
	f.mu.Lock()
	defer f.mu.Unlock()
	return api.Routes{Routes: slices.Clone(f.what.routes.Routes), Default: f.what.routes.Default}, err
}

func (f *fake) SetRoutes(ctx context.Context, rs []api.Route) (api.Routes, error) {
	if err := f.enter(ctx, "SetRoutes"); err != nil {
		return api.Routes{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.what.refuse != nil {
		return api.Routes{}, f.what.refuse
	}
	f.what.routes.Routes = slices.Clone(rs)
	for i := range f.what.routes.Routes {
		if r := &f.what.routes.Routes[i]; r.ID == "" {
			r.ID = fmt.Sprintf("new%d", i)
		}
	}
	return api.Routes{Routes: slices.Clone(f.what.routes.Routes), Default: f.what.routes.Default}, nil
}

func (f *fake) RouteNames(ctx context.Context) ([]api.RouteName, error) {
	return f.what.names, f.enter(ctx, "RouteNames")
}

func (f *fake) CheckRoute(ctx context.Context, when string) (api.RouteChecked, error) {
	if err := f.enter(ctx, "CheckRoute "+when); err != nil {
		return api.RouteChecked{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.what.check != nil {
		return f.what.check(when), nil
	}
	return sampleCheck(when), nil
}

func (f *fake) WriteRoute(ctx context.Context, c api.Cond) (string, error) {
	if err := f.enter(ctx, "WriteRoute"); err != nil {
		return "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.what.write != nil {
		return f.what.write(c)
	}
	return sampleWrite(c)
}

func (f *fake) TryRoutes(ctx context.Context, rs []api.Route) ([]api.RouteTried, error) {
	if err := f.enter(ctx, fmt.Sprintf("TryRoutes %d", len(rs))); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.what.try == nil {
		return nil, nil
	}
	return f.what.try(rs), nil
}

func (f *fake) ResponderKinds(ctx context.Context) ([]api.ResponderKind, error) {
	return f.what.kinds, f.enter(ctx, "ResponderKinds")
}

func (f *fake) Responders(ctx context.Context) ([]api.Responder, error) {
	err := f.enter(ctx, "Responders")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.what.responders), err
}

func (f *fake) AddResponder(ctx context.Context, d api.ResponderDraft) (api.Responder, error) {
	if err := f.enter(ctx, "AddResponder"); err != nil {
		return api.Responder{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.what.drafts = append(f.what.drafts, d)
	if f.what.refuse != nil {
		return api.Responder{}, f.what.refuse
	}
	r := api.Responder{ID: d.Kind + "-9", Kind: d.Kind, Label: d.Label}
	f.what.responders = append(f.what.responders, r)
	return r, nil
}

func (f *fake) ChangeResponder(ctx context.Context, id string, d api.ResponderDraft) (api.Responder, error) {
	if err := f.enter(ctx, "ChangeResponder "+id); err != nil {
		return api.Responder{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.what.drafts = append(f.what.drafts, d)
	if f.what.refuse != nil {
		return api.Responder{}, f.what.refuse
	}
	for i := range f.what.responders {
		if r := &f.what.responders[i]; r.ID == id {
			r.Label, r.Off = d.Label, d.Off
			return *r, nil
		}
	}
	return api.Responder{}, &api.Error{Text: "There is no such responder."}
}

func (f *fake) RemoveResponder(ctx context.Context, id string) error {
	return f.enter(ctx, "RemoveResponder "+id)
}

func (f *fake) Leases(ctx context.Context) ([]api.Lease, error) {
	err := f.enter(ctx, "Leases")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.what.leases), err
}

func (f *fake) SetLease(ctx context.Context, l api.Lease) error {
	if err := f.enter(ctx, fmt.Sprintf("SetLease %s %s %q", l.Account, l.Conversation, l.Holder)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.what.leases {
		if v := &f.what.leases[i]; v.Account == l.Account && v.Conversation == l.Conversation {
			v.Holder, v.Label, v.Given = l.Holder, "", true
		}
	}
	return nil
}

// sampleCheck knows one form of expression: field op "value", joined by and.
func sampleCheck(when string) api.RouteChecked {
	if strings.Contains(when, "!!") {
		return api.RouteChecked{Problem: "The ! can't stand here. Something is missing before it, or it is one too many."}
	}
	if strings.Contains(when, "any(") {
		return api.RouteChecked{}
	}
	c := api.Cond{Op: "and"}
	for part := range strings.SplitSeq(when, " and ") {
		words := strings.SplitN(part, " ", 3)
		switch {
		case when == "":
			return api.RouteChecked{Cond: &api.Cond{}}
		case part == "mentioned":
			c.Of = append(c.Of, api.Cond{Op: "is", Field: "mentioned", Value: "true"})
		case len(words) == 3:
			op := map[string]string{"==": "is", "!=": "is not"}[words[1]]
			if op == "" {
				op = words[1]
			}
			c.Of = append(c.Of, api.Cond{Op: op, Field: words[0], Value: strings.Trim(words[2], `"`)})
		default:
			return api.RouteChecked{Problem: "There is no " + part + " here. Text to compare with stands in quotes."}
		}
	}
	if len(c.Of) == 1 {
		return api.RouteChecked{Cond: &c.Of[0]}
	}
	return api.RouteChecked{Cond: &c}
}

func sampleWrite(c api.Cond) (string, error) {
	switch {
	case c.Op == "":
		return "", nil
	case c.Op == "and" || c.Op == "or":
		var parts []string
		for _, of := range c.Of {
			s, err := sampleWrite(of)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, " "+c.Op+" "), nil
	case c.Op == "not":
		s, err := sampleWrite(c.Of[0])
		return "not (" + s + ")", err
	case c.Value == "":
		return "", &api.Error{Kind: platforms.Rejected, Text: "The value is missing. Type what to compare with."}
	}
	op := map[string]string{"is": "==", "is not": "!="}[c.Op]
	if op == "" {
		op = c.Op
	}
	return c.Field + " " + op + ` "` + c.Value + `"`, nil
}

// answers is the sample with routes, responders and agents.
func answers() *fake {
	f := sample()
	f.what = whatAnswers{
		names: []api.RouteName{
			{Name: "text", Type: "text", Help: "What was written, the first 64 KiB of it.", Example: `text contains "invoice"`},
			{Name: "mentioned", Type: "yes or no", Help: "The bot was addressed: by name, by a reply, or in a direct conversation.", Example: "mentioned"},
			{Name: "role", Type: "text", Help: "As what the sender may talk.", Example: `role == "owner"`},
			{Name: "account", Type: "text", Help: "The id of the account that received it.", Example: `account == "home"`},
			{Name: "attachments", Type: "list", Help: "The files that came with it.", Example: `any(attachments, .size < 5000000)`},
			{Name: "json", Type: "any", Help: "The request's body, where it is JSON.", Example: `json?.merged == true`},
			{Name: "header", Type: "function", Help: "The first value of a request's header.", Example: `header("X-GitHub-Event") == "push"`},
		},
		kinds: []api.ResponderKind{
			{Name: "command", Title: "Command", Summary: "Starts a program of yours for every message, and sends what it prints.", Fields: []api.Field{
				{Key: "program", Label: "Program", Placeholder: "/usr/local/bin/answer", Help: "The whole path of the program.", Required: true},
				{Key: "args", Label: "Arguments", Help: "One per line, as they are."},
				{Key: "timeout", Label: "Time limit", Placeholder: "60s", Help: "How long it may take.", Advanced: true}}},
			{Name: "forward", Title: "Web service", Summary: "Posts every message to an address, and sends what it answers.", Fields: []api.Field{
				{Key: "url", Label: "Address", Placeholder: "https://", Required: true},
				{Key: "secret", Label: "Signing secret", Help: "Requests are signed with it.", Secret: true, Required: true}}},
			{Name: "agent", Title: "Agent", Summary: "Has conversations, and asks before it does anything that matters.", Fields: []api.Field{
				{Key: "program", Label: "Program", Required: true}}},
		},
		responders: []api.Responder{
			{ID: "notify", Kind: "notify", Title: "Notification", Label: "Notifications", Builtin: true, Last: ago(20 * time.Second)},
			{ID: "command-1", Kind: "command", Title: "Command", Label: "Heating", Last: ago(3 * time.Minute), Working: 2, Waiting: 1,
				Settings: map[string]string{"program": "/usr/local/bin/heating", "args": "--room\nkitchen"}},
			{ID: "forward-1", Kind: "forward", Title: "Web service", Label: "Ticket desk", Error: "The service answered 503 (unavailable). It is tried again.", Last: ago(2 * time.Hour),
				Settings: map[string]string{"url": "https://desk.example.org/in"}, Secrets: map[string]string{"secret": "…77aa"}},
			{ID: "agent-1", Kind: "agent", Title: "Agent", Label: "Claude", Talks: true, Last: ago(time.Minute)},
			{ID: "agent-2", Kind: "agent", Title: "Agent", Label: "Night shift", Talks: true, Problem: "The program /opt/night is not there. Install it, or change the path."},
			{ID: "command-2", Kind: "command", Title: "Command", Label: "Old script", Off: true},
		},
		leases: []api.Lease{
			{Account: "a1", Conversation: "c1", Title: "Family", Holder: "agent-1", Label: "Claude", Since: ago(12 * time.Minute)},
			{Account: "a2", Conversation: "c4", Title: "town-square", Holder: "agent-2", Since: ago(3 * time.Hour), Given: true},
		},
	}
	f.what.routes = api.Routes{Default: []string{"notify"}, Routes: []api.Route{
		{ID: "r1", Name: "Heating", When: `text contains "heating" and role == "owner"`, To: []string{"command-1"}},
		{ID: "r2", Name: "Support tickets", When: `account == "a4"`, To: []string{"forward-1", "notify"}, Also: true},
		{ID: "r3", Name: "Ask Claude", When: "mentioned", To: []string{"agent-1"}},
		{ID: "r4", Name: "Big files", When: `any(attachments, .size > 5000000)`, To: []string{"command-2"}, Off: true},
	}}
	f.what.try = func(rs []api.Route) (out []api.RouteTried) {
		for _, e := range slices.Backward(f.entries) {
			if e.Outgoing {
				continue
			}
			tried := api.RouteTried{Entry: e, To: []string{"Notifications"}}
			for _, r := range rs {
				hit := !r.Off && (strings.Contains(r.When, `"heating"`) && strings.Contains(e.Text, "heating") || strings.Contains(r.When, `"parcel"`) && strings.Contains(e.Text, "parcel"))
				tried.Steps = append(tried.Steps, api.RouteStep{Route: r.ID, Name: r.Name, Match: hit})
				if hit {
					tried.To = []string{strings.Join(r.To, ", ")}
					break
				}
			}
			out = append(out, tried)
		}
		return out
	}
	return f
}

// manyRoutes is answers with a hundred routes, some with long names.
func manyRoutes() *fake {
	f := answers()
	for i := range 96 {
		r := api.Route{ID: fmt.Sprintf("m%d", i), Name: fmt.Sprintf("Shop %d", i), When: fmt.Sprintf(`text contains "order %d"`, i), To: []string{"forward-1"}}
		if i%10 == 0 {
			r.Name = strings.Repeat("A name that does not end ", 8)
			r.When = `text contains "` + strings.Repeat("a very long text to look for ", 20) + `"`
			r.To = []string{"forward-1", "command-1", "command-2", "agent-1", "agent-2", "notify", "gone-7"}
		}
		f.what.routes.Routes = append(f.what.routes.Routes, r)
	}
	f.what.responders[1].Label = "Heating, hot water, blinds and everything else in this house and in the garden shed"
	f.what.responders[1].Title = "Command with a title that is longer than it should be by quite a few words"
	return f
}
