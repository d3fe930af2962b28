package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/app"
	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/responders/forward"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
	"github.com/postern/postern/platforms/demo/ticketstest"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// TestTickets: each message in a room opens one ticket, whose number comes back
// as a reply, although the platform delivers messages twice, the service is down
// meanwhile and Postern is ended in the middle.
func TestTickets(t *testing.T) {
	const messages = 6 // a group takes no more at once
	token := "1234567890:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	server, err := telegramtest.New(token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	desk := ticketstest.New()
	t.Cleanup(desk.Close)
	desk.Down(-1)
	dir := newHouse(t).dir

	start := func() (*app.App, func()) {
		a, err := app.New(t.Context(), app.Options{Dir: dir, Platforms: all.All(), Kinds: []app.Kind{forward.Kind()},
			Passphrase: func(context.Context) (platforms.Secret, error) { return platforms.NewSecret(testPassphrase), nil }})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		return a, func() {
			cancel()
			if err := <-ended; err != nil {
				t.Errorf("Run: %v", err)
			}
		}
	}
	a, stop := start()
	ctx := t.Context()
	account, err := a.AddAccount(ctx, api.AccountDraft{Platform: "telegram", Name: "Desk", Values: map[string]string{"token": token, "server": server.URL()}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Allow(ctx, api.RuleDraft{Account: account.ID, User: fmt.Sprint(telegramtest.Person), Conversation: fmt.Sprint(telegramtest.Group), Role: access.Member}); err != nil {
		t.Fatal(err)
	}
	r, err := a.AddResponder(ctx, api.ResponderDraft{Kind: "forward", Label: "Tickets", Values: map[string]string{"url": desk.URL(), "secret": desk.Secret(), "mode": "wait"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.SetRoutes(ctx, []api.Route{{Name: "Tickets", When: `conversation.kind == "group"`, To: []string{r.ID}}}); err != nil {
		t.Fatal(err)
	}
	if err := server.WaitPolling(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range messages {
		server.Say(telegramtest.Group, telegramtest.Person, fmt.Sprintf("@%s broken: %d", server.Bot().Username, i))
		if err := server.WaitAcked(ctx); err != nil {
			t.Fatal(err)
		}
		server.Redeliver()
	}
	until(t, a, "the desk was asked in vain", func() bool { refused, _, _ := desk.Counts(); return refused > 0 })
	if n := len(desk.Tickets()); n != 0 {
		t.Fatalf("%d tickets although the desk is down", n)
	}
	stop()
	desk.Up()
	a, stop = start()
	defer stop()
	if err := server.WaitSent(ctx, messages); err != nil {
		t.Fatal(err)
	}
	until(t, a, "nothing waits", func() bool { return a.Snapshot().Queued == 0 })

	tickets, seen := desk.Tickets(), map[string]bool{}
	if len(tickets) != messages {
		t.Errorf("%d tickets for %d messages", len(tickets), messages)
	}
	for i, k := range tickets {
		want := fmt.Sprintf("@%s broken: %d", server.Bot().Username, i)
		if k.Text != want || seen[k.ID] {
			t.Errorf("ticket %d is %+v, want the text %q", i, k, want)
		}
		seen[k.ID] = true
	}
	sent := server.Sent()
	if len(sent) != messages {
		t.Errorf("%d answers for %d messages", len(sent), messages)
	}
	for i, m := range sent {
		if want := fmt.Sprintf("Ticket #%d is open.", 4711+i); m.Text != want || m.ReplyTo == 0 {
			t.Errorf("answer %d is %q, in reply to %d", i, m.Text, m.ReplyTo)
		}
	}
	if _, _, forged := desk.Counts(); forged > 0 {
		t.Errorf("%d requests bore no good signature", forged)
	}
}

// until waits for what a change of the app brings about.
func until(t *testing.T, a *app.App, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond) // what is outside of the app changes without a word
	defer tick.Stop()
	for changes := a.Watch(ctx); !ok(); {
		select {
		case <-ctx.Done():
			t.Fatalf("never happened: %s", what)
		case <-changes:
		case <-tick.C:
		}
	}
}

// TestTicketsOfTheReadme builds the service that the README shows and hands it
// the same message twice.
func TestTicketsOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, ok := strings.Cut(string(readme), "```go\n// tickets.go")
	code, _, whole := strings.Cut(code, "```")
	if !ok || !whole {
		t.Fatal("the README shows no tickets.go")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	file, bin := filepath.Join(t.TempDir(), "tickets.go"), filepath.Join(t.TempDir(), "tickets")
	if err := os.WriteFile(file, []byte("//"+strings.Replace(code, "127.0.0.1:8090", addr, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", bin, file).CombinedOutput(); err != nil {
		t.Fatalf("it does not build: %v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), bin)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	f, err := forward.New(forward.Config{URL: "http://" + addr + "/tickets", Secret: forward.MakeSecret(), Mode: forward.Wait}, forward.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, want := range []string{"Ticket #1 is open.", "Ticket #1 is open.", "Ticket #2 is open."} {
		d := app.Delivery{Seq: uint64(i), Account: "a", Event: platforms.Event{ID: platforms.EventID(fmt.Sprint(i / 2)), Kind: platforms.MessageReceived, Text: "broken"}}
		answers, err := f.Respond(t.Context(), d)
		for end := time.Now().Add(10 * time.Second); platforms.KindOf(err) == platforms.Temporary && time.Now().Before(end); {
			answers, err = f.Respond(t.Context(), d) // it is starting
		}
		if err != nil || len(answers) != 1 || answers[0].Text != want {
			t.Errorf("%d: %+v, %v; want %q", i, answers, err, want)
		}
	}
}
