package cli_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"rsc.io/qr"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// person runs a command as a process of its own, in the foreground of a
// terminal: Postern looks at who asks. It returns what the screen got.
func (p *tty) person(t *testing.T, dir string, args ...string) (screen string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, p.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	// What the process wrote last may still be on its way through the terminal.
	_, _ = io.WriteString(p.slave, "\n[end]\n")
	p.await("[end]")
	return p.text(), cmd.ProcessState.ExitCode()
}

func TestAPersonLetsIn(t *testing.T) {
	for _, c := range []struct {
		args   []string
		answer [2]string
		code   int
		call   string // the last one; empty: only looking
		shows  string
	}{
		{[]string{"people", "allow", "--account", "pigeon", "--user", "4711", "--conversation", "g1", "--role", "member"}, [2]string{}, cli.OK, "Allow 0 pigeon 4711 g1 member", "They may talk now, as member."},
		{[]string{"people", "allow", "--entry", "1", "--role", "member"}, [2]string{"[y/N]", "y"}, cli.OK, "Allow 1", "Entry 1 is by the user with the id "},
		{[]string{"people", "allow", "--entry", "1", "--role", "member"}, [2]string{"[y/N]", "y"}, cli.OK, "Allow 1", "They are let in already: as owner, in direct chats."},
		{[]string{"people", "allow", "--entry", "1", "--role", "member"}, [2]string{"[y/N]", ""}, cli.Failed, "", "they are not let in"},
		{[]string{"people", "unignore", "--account", "pigeon", "--user", "666"}, [2]string{}, cli.OK, "Unignore pigeon 666", "Taken off the list."},
		{[]string{"people", "open", "pigeon", "g1"}, [2]string{}, cli.OK, "SetOpen pigeon g1 true", "The bot hears all there"},
		{[]string{"asks", "answer", "p1", "no"}, [2]string{}, cli.OK, "AnswerAsk p1 no terminal", "Answered: no."},
	} {
		t.Run(strings.Join(c.args, " ")+c.answer[1], func(t *testing.T) {
			b, a := peopled()
			a.People.Rules = append(a.People.Rules, access.Rule{Account: "pigeon", User: "u1", Role: access.Owner})
			b.SetAnswering(a)
			dir := serve(t, b)
			p := newTTY(t)
			if c.answer[0] != "" {
				p.people.Go(func() { p.typed(c.answer[0], c.answer[1], false) })
			}
			screen, code := p.person(t, dir, c.args...)
			if code != c.code || !strings.Contains(screen, c.shows) {
				t.Errorf("code %d: %s", code, screen)
			}
			calls := slices.DeleteFunc(b.Calls(), func(c string) bool { return strings.HasPrefix(c, "Entry ") })
			if c.call == "" && len(calls) > 0 || c.call != "" && (len(calls) != 1 || !strings.HasPrefix(calls[0], c.call)) {
				t.Errorf("%q", calls)
			}
		})
	}
}

// claimed has somebody send the code once it is out.
func claimed(b *controltest.Backend, a controltest.Answering, id string) {
	a.People.Claims = []access.Claim{{Account: "pigeon", User: platforms.User{ID: platforms.UserID(id), Name: "Ada\x1b[2J"}, Number: 7}}
	b.SetAnswering(a)
	b.Change(func(s *controltest.State) { s.Snapshot.Claims = 1 })
}

func TestPair(t *testing.T) {
	const code = "7Nq3vXk9TzWbR2mYhJ5cLd"
	start := func(t *testing.T) (*controltest.Backend, controltest.Answering, string, *tty) {
		b, a := peopled()
		a.Pairing = api.Pairing{Code: code, Until: time.Now().Add(5 * time.Minute), Bots: []api.PairingBot{
			{Account: "pigeon", Name: "Homer", Title: "Pigeon", Handle: "@homer", Link: "https://pigeon.example/homer?start=" + code, Chat: "https://pigeon.example/homer"}, {Account: "b2", Title: "Owl"}}}
		b.SetAnswering(a)
		return b, a, serve(t, b), newTTY(t)
	}
	for answer, want := range map[string]struct {
		code int
		call string
	}{"y": {cli.OK, "AnswerClaim 7 true"}, "n": {cli.Failed, "AnswerClaim 7 false"}, "": {cli.Failed, "AnswerClaim 7 false"}} {
		t.Run("answering "+answer, func(t *testing.T) {
			b, a, dir, p := start(t)
			p.people.Go(func() {
				if p.await("Ctrl-C ends it") {
					claimed(b, a, "4711")
				}
				p.typed("[y/N]", answer, false)
			})
			screen, got := p.person(t, dir, "pair")
			if got != want.code {
				t.Errorf("code %d: %s", got, screen)
			}
			if calls := b.Calls(); !slices.Equal(calls, []string{"Pair", want.call, "CancelPairing"}) {
				t.Errorf("%q", calls)
			}
			for _, s := range []string{"    " + code, "Pigeon Homer @homer: https://pigeon.example/homer (the QR code below)", "  - Owl", "▀", "the user with the id 4711 of pigeon (called “Ada [2J”, which anybody can choose)", "Is the id 4711 yours"} {
				if !strings.Contains(screen, s) {
					t.Errorf("no %q in %s", s, screen)
				}
			}
			if strings.Contains(screen, "\x1b[2J") {
				t.Error("a name steers the terminal")
			}
		})
	}
	t.Run("the QR code is the link that sends it", func(t *testing.T) {
		_, _, dir, p := start(t)
		p.people.Go(func() {
			if p.await("Ctrl-C ends it") {
				_, _ = p.master.Write([]byte{3})
			}
		})
		screen, _ := p.person(t, dir, "pair")
		want, err := qr.Encode("https://pigeon.example/homer?start="+code, qr.L)
		if err != nil {
			t.Fatal(err)
		}
		const quiet = 2
		y := -quiet
		for line := range strings.SplitSeq(screen, "\n") {
			_, line, ok := strings.Cut(line, "\x1b[30;47m")
			line, _, ok2 := strings.Cut(line, "\x1b[0m")
			if !ok || !ok2 {
				continue
			}
			for x, r := range []rune(line) {
				x -= quiet
				if up, down := r == '█' || r == '▀', r == '█' || r == '▄'; up != want.Black(x, y) || down != want.Black(x, y+1) {
					t.Fatalf("%q at %d, %d", r, x, y)
				}
			}
			y += 2
		}
		if y < want.Size {
			t.Errorf("%d of %d lines: %s", y, want.Size, screen)
		}
	})
	t.Run("no code goes where nobody may see it", func(t *testing.T) {
		b, _, dir, p := start(t)
		var elsewhere bytes.Buffer
		cmd := exec.CommandContext(t.Context(), os.Args[0], "pair")
		cmd.Env = append(os.Environ(), childDir+"="+dir)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = p.slave, p.slave, &elsewhere
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Run(); err == nil || strings.Contains(elsewhere.String(), code) || len(b.Calls()) > 0 {
			t.Errorf("%v, %q: %s", err, b.Calls(), elsewhere.String())
		}
	})
	t.Run("Ctrl-C ends the code", func(t *testing.T) {
		b, _, dir, p := start(t)
		p.people.Go(func() {
			if p.await("Ctrl-C ends it") {
				_, _ = p.master.Write([]byte{3})
			}
		})
		if screen, got := p.person(t, dir, "pair"); got != cli.Failed || !strings.Contains(screen, "nobody was let in") {
			t.Errorf("code %d: %s", got, screen)
		}
		if calls := b.Calls(); !slices.Equal(calls, []string{"Pair", "CancelPairing"}) {
			t.Errorf("%q", calls)
		}
	})
	t.Run("nobody sends it in time", func(t *testing.T) {
		b, a, dir, p := start(t)
		a.Pairing.Until = time.Now().Add(-time.Second)
		b.SetAnswering(a)
		if screen, got := p.person(t, dir, "pair"); got != cli.Failed || !strings.Contains(screen, "nobody sent the code in time") {
			t.Errorf("code %d: %s", got, screen)
		}
		if calls := b.Calls(); !slices.Equal(calls, []string{"Pair", "CancelPairing"}) {
			t.Errorf("%q", calls)
		}
	})
	t.Run("who waits already is asked about first", func(t *testing.T) {
		b, a, dir, p := start(t)
		claimed(b, a, "4711")
		p.people.Go(func() { p.typed("[y/N]", "yes", false) })
		if screen, got := p.person(t, dir, "pair"); got != cli.OK || strings.Contains(screen, code) {
			t.Errorf("code %d: %s", got, screen)
		}
		if calls := b.Calls(); !slices.Equal(calls, []string{"AnswerClaim 7 true"}) {
			t.Errorf("%q", calls)
		}
	})
}
