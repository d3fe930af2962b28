package control_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/app/control/socket"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/platforms"
)

// secretWords stand where no client may look.
var secretWords = []string{"/data", "the keyring", "hint-abcd", "loft-seven", "notice-text", "problem-text", "strange-socket", "whispered"}

// town is a Backend with two accounts, three conversations and what is nobody's
// business.
func town() *controltest.Backend {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		a := &s.Snapshot.Accounts[0]
		a.Secrets, a.Settings = map[string]string{"token": "hint-abcd"}, map[string]string{"loft": "loft-seven"}
		a.Problems = []platforms.Problem{{Text: "problem-text"}}
		a.Last = &api.LastEvent{Conversation: "c1", Text: "whispered"}
		s.Snapshot.Accounts = append(s.Snapshot.Accounts, api.Account{ID: "owl", Platform: "pigeon", Name: "Owl", Status: api.Connected, Queued: 3})
		s.Snapshot.Notices = []api.Notice{{ID: "n", Text: "notice-text"}}
		s.Snapshot.Strange = []string{"strange-socket"}
		*s.Conversations = append(*s.Conversations,
			api.Conversation{Account: "pigeon", ID: "c2", Title: "Bob", Preview: "private"},
			api.Conversation{Account: "owl", ID: "c1", Title: "Carol", Preview: "private"})
		*s.Entries = append(*s.Entries,
			api.Entry{Seq: 3, Account: "pigeon", Conversation: "c2", Text: "hello private", Attachments: []api.Attachment{{Name: "f"}}},
			api.Entry{Seq: 4, Account: "owl", Conversation: "c1", Text: "hello private", Attachments: []api.Attachment{{Name: "f"}}},
			api.Entry{Seq: 5, Account: "pigeon", Conversation: "c1", Text: "hello file", Attachments: []api.Attachment{{Name: "f"}}})
		*s.Activity = []api.Activity{
			{Seq: 1, What: api.Changed, Why: "settings changed in private"},
			{Seq: 2, What: api.Changed, Account: "pigeon", Why: "door opened in private"},
			{Seq: 3, What: api.Routed, Account: "pigeon", Conversation: "c1", Why: "seen"},
			{Seq: 4, What: api.Routed, Account: "pigeon", Conversation: "c2", Why: "private"},
			{Seq: 5, What: api.Routed, Account: "owl", Conversation: "c1", Why: "private"},
		}
	})
	return b
}

// name makes a client with these scopes.
func name(t *testing.T, c *client.Client, name string, texts ...string) api.ClientMade {
	t.Helper()
	d := api.ClientDraft{Name: name}
	for _, text := range texts {
		s, err := clients.ParseScope(text)
		if err != nil {
			t.Fatal(err)
		}
		d.Scopes = append(d.Scopes, s)
	}
	made, err := c.AddClient(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// as is a client of the interface that is held to a named one.
func as(t *testing.T, dir string, opts ...client.Option) *client.Client {
	t.Helper()
	c := client.New(dir, opts...)
	t.Cleanup(c.Close)
	return c
}

func withToken(token string) client.Option { return client.WithToken(platforms.NewSecret(token)) }

// get is the body of a request with these headers, whatever its status.
func get(t *testing.T, dir, path string, header ...string) (status int, body string, h http.Header) {
	t.Helper()
	resp, err := raw(t, dir).Do(request(t, "GET", path, "", header...))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all), resp.Header
}

func TestEveryRouteIsClassified(t *testing.T) {
	table, needed := control.New(controltest.New(), control.Options{}).Routes()
	for _, pattern := range table {
		if _, ok := needed[pattern]; !ok {
			t.Errorf("needs says nothing of %s", pattern)
		}
		delete(needed, pattern)
	}
	for pattern := range needed {
		t.Errorf("there is no route %s", pattern)
	}
}

// TestNever asks every route as a client with every scope.
func TestNever(t *testing.T) {
	b := town()
	dir, s := start(t, b, control.Options{OpenWindow: func(api.Request) error { return nil }})
	made := name(t, dial(t, dir), "all", "status", "read", "send")
	may := []string{"GET /v1/snapshot", "GET /v1/watch", "GET /v1/platforms", "GET /v1/conversations", "GET /v1/timeline", "GET /v1/entries", "GET /v1/search",
		"GET /v1/entries/{seq}", "GET /v1/entries/{seq}/attachments/{index}", "GET /v1/activity", "GET /v1/activity/export", "POST /v1/messages"}
	before := len(b.Calls())
	table, _ := s.Routes()
	for _, pattern := range table {
		if slices.Contains(may, pattern) {
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{id}", "pigeon", "{seq}", "1", "{index}", "0", "{platform}", "pigeon", "{field}", "token").Replace(path)
		for _, header := range [][]string{{"Authorization", "Bearer " + made.Token}, {api.ClientHeader, "all"}} {
			e := refused(t, dir, request(t, method, path, "{}", header...), http.StatusForbidden)
			if !strings.Contains(e.Text, `"all"`) {
				t.Errorf("%s: %s", pattern, e.Text)
			}
		}
	}
	if calls := b.Calls()[before:]; len(calls) > 0 {
		t.Errorf("the backend was asked: %q", calls)
	}
	if len(table) <= len(may) {
		t.Error("no route is left")
	}
}

func TestClientReads(t *testing.T) {
	b := town()
	dir, _ := start(t, b, control.Options{})
	person := dial(t, dir)
	made := name(t, person, "ci", "read:pigeon/c1")
	for how, c := range map[string]*client.Client{"token": as(t, dir, withToken(made.Token)), "name": as(t, dir, client.As("ci"))} {
		t.Run(how, func(t *testing.T) {
			ctx := t.Context()
			list, err := c.Conversations(ctx, 0)
			if err != nil || len(list) != 1 || list[0].Account != "pigeon" || list[0].ID != "c1" {
				t.Errorf("%v %+v", err, list)
			}
			said, err := c.Timeline(ctx, "pigeon", "c1", 0, 0)
			if err != nil || len(said) != 3 {
				t.Errorf("%v %+v", err, said)
			}
			for _, other := range []struct {
				a platforms.AccountID
				c platforms.ConversationID
			}{{"pigeon", "c2"}, {"owl", "c1"}, {"pigeon", ""}, {"", ""}} {
				if _, err := c.Timeline(ctx, other.a, other.c, 0, 0); err == nil || !strings.Contains(err.Error(), clients.Scope{Do: clients.Read, Account: other.a, Conversation: other.c}.String()) {
					t.Errorf("%v: %v", other, err)
				}
			}
			page, err := c.Entries(ctx, api.EntryQuery{})
			if err != nil || len(page.Entries) != 3 || strings.Contains(fmt.Sprint(page.Entries), "private") {
				t.Errorf("%v %+v", err, page)
			}
			if page, err = c.Entries(ctx, api.EntryQuery{Account: "pigeon", Newest: true}); err != nil || len(page.Entries) != 3 {
				t.Errorf("%v %+v", err, page)
			}
			for _, q := range []api.EntryQuery{{Account: "owl"}, {Account: "pigeon", Conversation: "c2"}, {Account: "owl", Conversation: "c1"}} {
				if _, err := c.Entries(ctx, q); err == nil || !strings.Contains(err.Error(), "scope read:"+string(q.Account)) {
					t.Errorf("%+v: %v", q, err)
				}
			}
			if page, err = c.Entries(ctx, api.EntryQuery{Conversation: "c2"}); err != nil || len(page.Entries) != 0 {
				t.Errorf("%v %+v", err, page)
			}
			found, err := c.Search(ctx, "hello", 0)
			if err != nil || len(found) != 2 {
				t.Errorf("%v %+v", err, found)
			}
			for _, e := range found {
				if e.Account != "pigeon" || e.Conversation != "c1" {
					t.Errorf("found %+v", e)
				}
			}
			if _, err := c.Entry(ctx, 5); err != nil {
				t.Error(err)
			}
			_, absent := c.Entry(ctx, 99)
			for _, seq := range []uint64{3, 4} {
				if _, err := c.Entry(ctx, seq); err == nil || err.Error() != absent.Error() {
					t.Errorf("%d: %v, and of what is absent %v", seq, err, absent)
				}
				if _, body, err := c.Attachment(ctx, seq, 0); err == nil {
					body.Close()
					t.Errorf("the file of %d was handed out", seq)
				}
			}
			if _, body, err := c.Attachment(ctx, 5, 0); err != nil {
				t.Error(err)
			} else {
				body.Close()
			}
			lines, err := c.Activity(ctx, client.ActivityQuery{})
			if err != nil || len(lines) != 1 || lines[0].Seq != 3 {
				t.Errorf("%v %+v", err, lines)
			}
			r, err := c.Export(ctx, client.ActivityQuery{})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if all, err := io.ReadAll(r); err != nil || strings.Contains(string(all), "private") || strings.Count(string(all), "\n") != 1 {
				t.Errorf("%v %s", err, all)
			}
			if _, err := c.Send(ctx, api.Draft{Account: "pigeon", Conversation: "c1", Text: "x"}); err == nil || !strings.Contains(err.Error(), "send") {
				t.Errorf("it sent: %v", err)
			}
			if _, err := c.Platforms(ctx); err == nil || !strings.Contains(err.Error(), "status") {
				t.Errorf("platforms: %v", err)
			}
		})
	}
}

// TestClientSeesNoAffairs: what is about accounts and settings is for nobody,
// also of those who may read every conversation.
func TestClientSeesNoAffairs(t *testing.T) {
	dir, _ := start(t, town(), control.Options{})
	made := name(t, dial(t, dir), "reader", "read", "status")
	lines, err := as(t, dir, withToken(made.Token)).Activity(t.Context(), client.ActivityQuery{})
	var seqs []uint64
	for _, l := range lines {
		seqs = append(seqs, l.Seq)
	}
	if err != nil || !slices.Equal(seqs, []uint64{5, 4, 3}) {
		t.Errorf("%v %v", err, seqs)
	}
}

func TestClientSnapshot(t *testing.T) {
	b := town()
	dir, _ := start(t, b, control.Options{})
	person := dial(t, dir)
	for i, c := range []struct {
		scopes   []string
		accounts string
		status   string // of pigeon
		unread   int
	}{
		{[]string{"status"}, "pigeon owl", "CONNECTED", 2},
		{[]string{"status:pigeon"}, "pigeon", "CONNECTED", 0},
		{[]string{"read:pigeon/c1"}, "pigeon", "", 0},
		{[]string{"send:owl", "status:pigeon"}, "pigeon owl", "CONNECTED", 0},
		{[]string{"read:nobody"}, "", "", 0},
	} {
		made := name(t, person, "c"+strconv.Itoa(i), c.scopes...)
		status, body, _ := get(t, dir, "/v1/snapshot", "Authorization", "Bearer "+made.Token)
		if status != http.StatusOK {
			t.Errorf("%v: %d %s", c.scopes, status, body)
		}
		for _, word := range secretWords {
			if strings.Contains(body, word) {
				t.Errorf("%v: the snapshot tells %q: %s", c.scopes, word, body)
			}
		}
		s, err := as(t, dir, withToken(made.Token)).Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range s.Accounts {
			ids = append(ids, string(a.ID))
			if a.ID == "pigeon" && string(a.Status) != c.status {
				t.Errorf("%v: status %q", c.scopes, a.Status)
			}
		}
		if strings.Join(ids, " ") != c.accounts || s.Unread != c.unread || s.Program.PID != 0 {
			t.Errorf("%v: %q %+v", c.scopes, ids, s)
		}
	}
	if _, body, _ := get(t, dir, "/v1/snapshot"); !strings.Contains(body, "hint-abcd") {
		t.Error("the words are not in the snapshot at all")
	}
}

func TestClientSends(t *testing.T) {
	b := town()
	dir, _ := start(t, b, control.Options{})
	person := dial(t, dir)
	made, other := name(t, person, "ci", "send:pigeon/c1"), name(t, person, "other", "send")
	c, ctx := as(t, dir, withToken(made.Token)), t.Context()
	file := func() client.File { return client.File{Name: "f.txt", Body: strings.NewReader("content")} }
	for _, d := range []api.Draft{{Account: "pigeon", Conversation: "c2", Text: "x"}, {Account: "owl", Conversation: "c1", Text: "x"}, {Text: "x"}} {
		if _, err := c.Send(ctx, d); err == nil || !strings.Contains(err.Error(), "send") {
			t.Errorf("%+v: %v", d, err)
		}
		if _, err := c.Send(ctx, d, file()); err == nil || !strings.Contains(err.Error(), "send") {
			t.Errorf("%+v with a file: %v", d, err)
		}
	}
	if calls := strings.Join(b.Calls(), "\n"); strings.Contains(calls, "Send ") {
		t.Errorf("something was sent: %s", calls)
	}
	d := api.Draft{Account: "pigeon", Conversation: "c1", Text: "x", Key: "same"}
	for _, err := range []error{
		errOf(c.Send(ctx, d)), errOf(c.Send(ctx, d, file())), errOf(as(t, dir, withToken(other.Token)).Send(ctx, d)), errOf(person.Send(ctx, d)),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	own := clients.Key(made.Client.ID, "same")
	posing := []string{own, hooks.MessageKey("hook_1", "x"), "post/post-1/7"}
	for _, key := range posing { // whoever is no client sends under these in its own name
		if _, err := person.Send(ctx, api.Draft{Account: "pigeon", Conversation: "c1", Text: "x", Key: key}); err != nil {
			t.Error(err)
		}
	}
	want := []string{own, own, clients.Key(other.Client.ID, "same"), clients.Unnamed("same")}
	for _, key := range posing {
		want = append(want, clients.Unnamed(key))
	}
	if !slices.Equal(b.Keys(), want) {
		t.Errorf("keys %q, want %q", b.Keys(), want)
	}
	for _, key := range want[3:] {
		if clients.Sender(key) != "" || hooks.Of(key) != "" {
			t.Errorf("%q is taken for a client's or a hook's", key)
		}
	}
	if _, err := c.Send(ctx, api.Draft{Account: "pigeon", Conversation: "c1", Text: "x", Key: strings.Repeat("k", clients.MaxKey+1)}); err == nil {
		t.Error("a key of any length")
	}
}

func errOf(_ api.Entry, err error) error { return err }

func TestClientProofs(t *testing.T) {
	b := town()
	dir, s := start(t, b, control.Options{})
	person := dial(t, dir)
	made, other := name(t, person, "ci", "read"), name(t, person, "other", "read")
	good := "Bearer " + made.Token
	for _, header := range [][]string{
		{"Authorization", good}, {"Authorization", "bearer " + made.Token}, {api.ClientHeader, "ci"}, {api.ClientHeader, "CI"},
		{"Authorization", good, api.ClientHeader, "ci"},
	} {
		if status, body, _ := get(t, dir, "/v1/conversations", header...); status != http.StatusOK {
			t.Errorf("%d: %s", status, body)
		}
		refused(t, dir, request(t, "GET", "/v1/settings", "", header...), http.StatusForbidden)
	}
	for what, header := range map[string][]string{
		"cut":          {"Authorization", good[:len(good)-1]},
		"long":         {"Authorization", good + "a"},
		"another's":    {"Authorization", "Bearer pst_" + strings.Repeat("a", 32)},
		"no scheme":    {"Authorization", made.Token},
		"basic":        {"Authorization", "Basic " + made.Token},
		"two spaces":   {"Authorization", "Bearer  " + made.Token},
		"upper case":   {"Authorization", strings.ToUpper(good)},
		"unknown name": {api.ClientHeader, "nobody"},
		"no name":      {api.ClientHeader, ""},
	} {
		if e := refused(t, dir, request(t, "GET", "/v1/settings", "", header...), http.StatusUnauthorized); e.Kind != platforms.Unauthorized || strings.Contains(e.Text, made.Token) {
			t.Errorf("%s: %+v", what, e)
		}
	}
	refused(t, dir, request(t, "GET", "/v1/conversations", "", "Authorization", good, api.ClientHeader, "other"), http.StatusForbidden)
	twice := request(t, "GET", "/v1/settings", "", "Authorization", "Bearer whatever")
	twice.Header["Authorization"] = append(twice.Header["Authorization"], good)
	refused(t, dir, twice, http.StatusUnauthorized)
	names := request(t, "GET", "/v1/settings", "", api.ClientHeader, "ci")
	names.Header[api.ClientHeader] = []string{"ci", "other"}
	refused(t, dir, names, http.StatusBadRequest)

	t.Run("a window that is held to a client is no person", func(t *testing.T) {
		window := as(t, dir, client.As("ci"))
		if err := window.Identify(t.Context(), s.NewCapability()); err == nil {
			t.Error("a client has a session")
		}
	})
	t.Run("revoked and exchanged", func(t *testing.T) {
		fresh, err := person.RotateClient(t.Context(), other.Client.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := person.RevokeClient(t.Context(), made.Client.ID); err != nil {
			t.Fatal(err)
		}
		for _, header := range [][]string{{"Authorization", good}, {api.ClientHeader, "ci"}, {"Authorization", "Bearer " + other.Token}} {
			refused(t, dir, request(t, "GET", "/v1/conversations", "", header...), http.StatusUnauthorized)
		}
		if _, err := as(t, dir, withToken(fresh.Token)).Conversations(t.Context(), 0); err != nil {
			t.Error(err)
		}
	})
}

func TestWrongTokensAreSlowedDown(t *testing.T) {
	dir, _ := start(t, controltest.New(), control.Options{})
	made := name(t, dial(t, dir), "ci", "read")
	late := 0
	for range 200 {
		status, _, h := get(t, dir, "/v1/conversations", "Authorization", "Bearer pst_"+strings.Repeat("a", 32))
		switch {
		case status == http.StatusTooManyRequests && h.Get("Retry-After") != "":
			late++
		case status != http.StatusUnauthorized:
			t.Fatalf("status %d, Retry-After %q", status, h.Get("Retry-After"))
		}
	}
	if late == 0 {
		t.Error("anybody may guess as often as they like")
	}
	if _, err := as(t, dir, withToken(made.Token)).Conversations(t.Context(), 0); err != nil {
		t.Errorf("who is known pays for it: %v", err)
	}
}

func TestClientRate(t *testing.T) {
	b := town()
	dir, _ := start(t, b, control.Options{})
	person := dial(t, dir)
	made, err := person.AddClient(t.Context(), api.ClientDraft{Name: "ci", PerMinute: 2, Scopes: []api.Scope{{Do: clients.Send}, {Do: clients.Read}}})
	if err != nil {
		t.Fatal(err)
	}
	c := as(t, dir, withToken(made.Token))
	var wire *api.Error
	for range 50 { // far more than time can let in
		_, err = c.Send(t.Context(), api.Draft{Account: "pigeon", Conversation: "c1", Text: "x"})
		if errors.As(err, &wire) && wire.Kind == platforms.RateLimited {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if wire == nil {
		t.Fatal("there is no bound")
	}
	resp, err := raw(t, dir).Do(request(t, "POST", "/v1/messages", `{"account":"pigeon","conversation":"c1","text":"x"}`, "Authorization", "Bearer "+made.Token))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); resp.StatusCode != http.StatusTooManyRequests || err != nil || after < 1 || after > 60 {
		t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
	}
	if _, err := c.Conversations(t.Context(), 0); err != nil {
		t.Errorf("reading waits for sending: %v", err)
	}
	if _, err := person.Send(t.Context(), api.Draft{Account: "pigeon", Conversation: "c1", Text: "x"}); err != nil {
		t.Errorf("others wait, too: %v", err)
	}
}

// TestClientWatches: a client's stream tells what its scopes let it see, and
// ends with the client.
func TestClientWatches(t *testing.T) {
	b := town()
	dir, _ := start(t, b, control.Options{}, func(s *control.Server) { s.SetTimes(time.Hour, time.Minute) })
	person := dial(t, dir)
	made := name(t, person, "ci", "status:pigeon")
	c := as(t, dir, withToken(made.Token), client.AsWindow())
	n := 0
	var last error
	for ev, err := range c.Watch(t.Context()) {
		if last = err; err != nil {
			break
		}
		n++
		if ev.Snapshot == nil || len(ev.Snapshot.Accounts) != n || ev.Snapshot.Program.DataDir != "" {
			t.Fatalf("%d: %+v", n, ev.Snapshot)
		}
		switch n {
		case 1:
			both := api.ClientDraft{Name: "ci", Scopes: append(made.Client.Scopes, api.Scope{Do: clients.Status, Account: "owl"})}
			if _, err := person.ChangeClient(t.Context(), made.Client.ID, both); err != nil {
				t.Fatal(err)
			}
			b.Change(func(*controltest.State) {})
		case 2:
			if err := person.RevokeClient(t.Context(), made.Client.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n != 2 || last == nil {
		t.Errorf("%d events, then %v", n, last)
	}
}

func TestClientsOnly(t *testing.T) {
	b := town()
	var terminal atomic.Bool
	dir, s := start(t, b, control.Options{OpenWindow: func(api.Request) error { return nil }}, func(s *control.Server) {
		s.SetInteractive(func(socket.Peer) error {
			if !terminal.Load() {
				return errors.New("no terminal")
			}
			return nil
		})
	})
	ctx := t.Context()
	program, window := dial(t, dir), dial(t, dir)
	if err := window.Identify(ctx, s.NewCapability()); err != nil {
		t.Fatal(err)
	}
	made := name(t, program, "ci", "read")
	set, err := program.Settings(ctx)
	if err != nil {
		t.Fatal(err)
	}
	set.ClientsOnly = true
	if _, err := program.SetSettings(ctx, set); err == nil {
		t.Fatal("a program shut the others out")
	}
	if _, err := program.SetSettings(client.AtTerminal(ctx), set); err == nil {
		t.Fatal("a program that is at no terminal shut the others out")
	}
	if _, err := window.SetSettings(ctx, set); err != nil {
		t.Fatal(err)
	}

	// What is left to a program that is no client.
	table, _ := s.Routes()
	free := []string{"GET /v1/snapshot", "POST /v1/show", "POST /v1/session", "GET /v1/session"}
	for _, pattern := range table {
		if slices.Contains(free, pattern) {
			continue
		}
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{id}", "pigeon", "{seq}", "1", "{index}", "0", "{platform}", "pigeon", "{field}", "token").Replace(path)
		if e := refused(t, dir, request(t, method, path, "{}"), http.StatusForbidden); !strings.Contains(e.Text, "POSTERN_TOKEN") {
			t.Errorf("%s: %s", pattern, e.Text)
		}
	}
	if _, body, _ := get(t, dir, "/v1/snapshot"); strings.Contains(body, "pigeon") || !strings.Contains(body, `"version":"1.0"`) {
		t.Error(body)
	}
	if err := program.Show(ctx, api.Request{}); err != nil {
		t.Errorf("a second start can't show the window: %v", err)
	}
	if _, err := as(t, dir, withToken(made.Token)).Conversations(ctx, 0); err != nil {
		t.Errorf("a client: %v", err)
	}

	// The person's ways: a window opened from the tray, and a terminal.
	another := dial(t, dir)
	if err := another.Identify(ctx, s.NewCapability()); err != nil {
		t.Errorf("a new window: %v", err)
	}
	if _, err := another.Clients(ctx); err != nil {
		t.Errorf("the window: %v", err)
	}
	terminal.Store(true)
	set.ClientsOnly = false
	if _, err := dial(t, dir).SetSettings(client.AtTerminal(ctx), set); err != nil {
		t.Errorf("a terminal: %v", err)
	}
	if _, err := program.Conversations(ctx, 0); err != nil {
		t.Errorf("after it was switched off: %v", err)
	}
}
