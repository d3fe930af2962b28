package demo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
	"github.com/postern/postern/platforms/platformtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func stage(t *testing.T) *Stage {
	t.Helper()
	s, err := New()
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// soon ends when a test that hangs should.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func platform(t *testing.T, name string) platforms.Platform {
	t.Helper()
	list := all.All()
	i := slices.IndexFunc(list, func(p platforms.Platform) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("there is no platform %q", name)
	}
	return list[i]
}

// connect runs an account's connector.
func connect(t *testing.T, s *Stage, a Account) (platforms.Connector, *platformtest.Recorder) {
	t.Helper()
	p := platform(t, a.Platform)
	transport := &http.Transport{}
	c := platforms.Config{Account: "demo", Settings: map[string]string{}, Secrets: map[string]platforms.Secret{},
		HTTP: &http.Client{Transport: transport}, Key: platforms.NewSecret("a key that is random for every account"),
		Log: slog.New(slog.DiscardHandler)}
	if p.Inbound == platforms.Webhook {
		c.Ingress = dialled{t, s}
	}
	for _, f := range p.Fields {
		if f.Secret {
			c.Secrets[f.Key] = platforms.NewSecret(a.Values[f.Key])
		} else {
			c.Settings[f.Key] = a.Values[f.Key]
		}
	}
	conn, err := p.New(c)
	must(t, err)
	rec := &platformtest.Recorder{}
	rec.Begin()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = conn.Run(ctx, "", rec) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
		transport.CloseIdleConnections()
	})
	return conn, rec
}

// TestPairing plays what a newcomer sees who lets Grace in.
func TestPairing(t *testing.T) {
	s := stage(t)
	conn, rec := connect(t, s, s.Accounts()[0])
	me, err := conn.Check(soon(t))
	must(t, err)
	if link := platform(t, "telegram").Greet(me, "K7Q2M4XW9"); link != "https://t.me/"+me.Handle[1:]+"?start=K7Q2M4XW9" {
		t.Errorf("the link is %q", link)
	}
	must(t, s.Pair(soon(t), "K7Q2M4XW9"))
	must(t, s.Ask(soon(t), "What is in my notes?"))
	evs := rec.Wait(t, 2)
	for i, want := range []string{"/start K7Q2M4XW9", "What is in my notes?"} {
		if ev := evs[i]; ev.Text != want || ev.From.Name != "Grace Hopper" || ev.Conversation.Kind != platforms.Direct {
			t.Errorf("%+v", ev)
		}
	}
	her := evs[0].Conversation.ID

	// A press waits for its button, however that comes to be, and each message's
	// counts once.
	var first, second platforms.MessageID
	pressed := make(chan error, 1)
	go func() { pressed <- s.Press(soon(t), "Allow once") }()
	ask := func(data string) platforms.Message {
		return platforms.Message{Key: data, Conversation: her, Text: "May it read notes.txt?",
			Buttons: [][]platforms.Button{{{Label: "Allow once", Data: data}, {Label: "No", Data: "no"}}}}
	}
	first, err = conn.Send(soon(t), platforms.Message{Key: "k", Conversation: her, Text: "A moment."})
	must(t, err)
	must(t, conn.(platforms.Editor).Edit(soon(t), first, ask("a:1")))
	must(t, <-pressed)
	if ev := rec.Wait(t, 3)[2]; ev.Click == nil || ev.Click.Data != "a:1" || ev.Message != first || ev.From.ID != evs[0].From.ID {
		t.Errorf("%+v", ev)
	}
	go func() { pressed <- s.Press(soon(t), "Allow once") }()
	second, err = conn.Send(soon(t), ask("a:2"))
	must(t, err)
	must(t, <-pressed)
	if ev := rec.Wait(t, 4)[3]; ev.Click == nil || ev.Click.Data != "a:2" || ev.Message != second {
		t.Errorf("%+v", ev)
	}
}

func TestNobodyThere(t *testing.T) {
	s := stage(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range []error{s.Pair(ctx, "K7Q2M4XW9"), s.Ask(ctx, "Hello?"), s.Press(ctx, "Yes")} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	}
}

// TestPeople has the scripts played to the end: nobody writes who is not among the
// people, and all of them have ids that rules take.
func TestPeople(t *testing.T) {
	s := stage(t)
	type place struct {
		platform string
		user     platforms.UserID
		at       platforms.ConversationID
	}
	known := map[place]Person{}
	for _, p := range s.People() {
		ids := platform(t, p.Platform).IDs
		if s.Accounts()[p.Account].Platform != p.Platform || !regexp.MustCompile(ids.User).MatchString(string(p.User)) || slices.Contains(ids.Nobody, p.User) ||
			p.Kind != platforms.Direct && !regexp.MustCompile(ids.Conversation).MatchString(string(p.Conversation)) || p.Name == "" {
			t.Errorf("%+v", p)
		}
		at := place{p.Platform, p.User, p.Conversation}
		if _, twice := known[at]; twice {
			t.Errorf("twice: %+v", p)
		}
		known[at] = p
	}
	recs := map[string]*platformtest.Recorder{}
	for _, a := range s.Accounts() {
		_, recs[a.Platform] = connect(t, s, a)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	played := make(chan struct{})
	go func() { defer close(played); s.play(ctx, 10*time.Millisecond) }()
	heard := map[place]bool{}
	for name, rec := range recs {
		// Of each script all who write but Pair's guest.
		want := 0
		for at := range known {
			if at.platform == name && (name != "telegram" || at.at != chatOf(grace)) {
				want++
			}
		}
		for n, seen := 1, 0; seen < want; n++ {
			ev := rec.Wait(t, n)[n-1]
			if ev.Kind == platforms.MembershipChanged || ev.Own {
				continue
			}
			at := place{name, ev.From.ID, ev.Conversation.ID}
			p, ok := known[at]
			if !ok || p.Kind != ev.Conversation.Kind {
				t.Errorf("not among the people: %+v", ev)
			}
			if !heard[at] {
				heard[at], seen = true, seen+1
			}
		}
	}
	cancel()
	<-played
}
