package app

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

func TestClients(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	now := time.Now()
	w.now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	a := w.start()
	w.add()
	ctx := control.As(t.Context(), control.ByWindow)
	made, err := a.AddClient(ctx, api.ClientDraft{Name: "ci", Scopes: []api.Scope{{Do: clients.Send, Account: "fake", Conversation: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := a.ClientByToken(made.Token); !ok || c.ID != made.Client.ID {
		t.Error("its token is not known")
	}
	if _, err := a.AddClient(ctx, api.ClientDraft{Name: "ci", Scopes: made.Client.Scopes}); err == nil || !strings.HasSuffix(err.Error(), ".") {
		t.Errorf("twice: %v", err)
	}

	t.Run("the last use", func(t *testing.T) {
		first := a.Clients()[0].LastUsed
		mu.Lock()
		now = now.Add(useNoted - time.Second)
		mu.Unlock()
		if c, _ := a.ClientByName("ci"); !c.LastUsed.Equal(first) || first.IsZero() {
			t.Errorf("written at %v, and again at %v", first, c.LastUsed)
		}
		mu.Lock()
		now = now.Add(time.Second)
		mu.Unlock()
		a.ClientByName("ci")
		if c := a.Clients()[0]; !c.LastUsed.Equal(w.now()) {
			t.Errorf("%v", c.LastUsed)
		}
	})
	t.Run("over a restart", func(t *testing.T) {
		used := a.Clients()[0].LastUsed
		w.stop()
		a = w.start()
		c, ok := a.ClientByToken(made.Token)
		if !ok || c.Name != "ci" || !slices.Equal(c.Scopes, made.Client.Scopes) || !c.LastUsed.Equal(used) {
			t.Errorf("%v %+v", ok, c)
		}
	})
	t.Run("what it sent says so", func(t *testing.T) {
		send := func(key string) uint64 {
			e, err := a.Send(ctx, api.Draft{Account: "fake", Conversation: "1", Text: "hi", Key: key}, nil)
			if err != nil {
				t.Fatal(err)
			}
			return e.Seq
		}
		why := func(seq uint64) (out string) {
			w.until("it is sent", func() bool {
				lines, err := a.Activity(ctx, control.ActivityQuery{What: []api.What{api.SentOut}})
				if err != nil {
					t.Fatal(err)
				}
				i := slices.IndexFunc(lines, func(l api.Activity) bool { return l.Entry == seq })
				if i >= 0 {
					out = lines[i].Why
				}
				return i >= 0
			})
			return out
		}
		if got := why(send(clients.Key(made.Client.ID, "1"))); got != `sent by the client "ci"` {
			t.Error(got)
		}
		if got := why(send("")); got != "" {
			t.Error(got)
		}
		if got := why(send(clients.Key("nobody", "1"))); !strings.Contains(got, "revoked") {
			t.Error(got)
		}
	})
	t.Run("changed, exchanged, revoked", func(t *testing.T) {
		c, err := a.ChangeClient(ctx, made.Client.ID, api.ClientDraft{Name: "editor", Scopes: []api.Scope{{Do: clients.Read}}})
		if err != nil || c.Name != "editor" {
			t.Fatal(err)
		}
		if c, ok := a.ClientByToken(made.Token); !ok || !c.May(clients.Read, "fake", platforms.ConversationID("1")) {
			t.Error("the change ended its token, or does not count")
		}
		fresh, err := a.RotateClient(ctx, made.Client.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := a.ClientByToken(made.Token); ok {
			t.Error("the former token counts")
		}
		changes := a.Watch(t.Context())
		for len(changes) > 0 {
			<-changes
		}
		if err := a.RevokeClient(ctx, made.Client.ID); err != nil {
			t.Fatal(err)
		}
		<-changes // or whoever watches in its name would go on
		if _, ok := a.ClientByToken(fresh.Token); ok || len(a.Clients()) != 0 {
			t.Error("it is still there")
		}
		page, err := a.Audit(ctx, 0, 50)
		if err != nil {
			t.Fatal(err)
		}
		var said []string
		for _, l := range page.Lines {
			if l.Who == control.ByWindow && strings.HasPrefix(l.Text, "The client") {
				said = append(said, l.Text)
			}
			if strings.Contains(l.Text, made.Token) || strings.Contains(l.Text, fresh.Token) {
				t.Error("the record holds a token")
			}
		}
		want := []string{`The client "editor" was revoked.`, `The client "editor" has another token. The former one ended.`,
			`The client "editor" was changed. It may read.`, `The client "ci" was made. It may send:fake/1.`}
		if !slices.Equal(said, want) {
			t.Errorf("%q", said)
		}
		w.stop()
		a = w.start()
		if len(a.Clients()) != 0 {
			t.Error("a revoked client came back with a restart")
		}
	})
}

// What a client may do in an account ends with that account: its id may become
// another bot's.
func TestScopesEndWithTheirAccount(t *testing.T) {
	w := newWorld(t)
	a := w.start()
	w.add()
	made, err := a.AddClient(t.Context(), api.ClientDraft{Name: "ci", Scopes: []clients.Scope{
		{Do: clients.Send, Account: "fake"}, {Do: clients.Read, Account: "fake", Conversation: "1"}, {Do: clients.Status}, {Do: clients.Read, Account: "other"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.RemoveAccount(t.Context(), "fake"); err != nil {
		t.Fatal(err)
	}
	w.add()
	c, ok := a.ClientByToken(made.Token)
	if !ok || c.May(clients.Send, "fake", "1") || c.May(clients.Read, "fake", "1") || !c.May(clients.Status, "fake", "") || !c.May(clients.Read, "other", "1") {
		t.Errorf("it may %v", c.Scopes)
	}
	w.stop()
	// There is no account "other", and at a start nothing is left to one that is to come.
	if c, ok := w.start().ClientByToken(made.Token); !ok || len(c.Scopes) != 1 {
		t.Errorf("after a restart it may %v", c.Scopes)
	}
}
