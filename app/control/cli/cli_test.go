package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// childDir names the data folder for a run of this program as the command line,
// whose arguments follow.
const childDir = "POSTERN_TEST_CLI"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		code := cli.Execute(ctx, cli.Options{Dir: func() (string, error) { return dir, nil }, Zone: time.UTC}, os.Args[1:])
		stop()
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

const token = "4711:sehr-geheim-0123456789"

// serve runs b behind a real socket until the test ends.
func serve(t *testing.T, b *controltest.Backend) string {
	t.Helper()
	dir, _, stop, err := controltest.Start(b, control.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// shell runs commands for one data folder.
type shell struct {
	dir   string
	in    io.Reader
	start func(context.Context, cli.StartOptions) error
	vault func(context.Context, string, platforms.Secret) error
}

func (s shell) run(t *testing.T, args ...string) (out, err string, code int) {
	t.Helper()
	return s.runCtx(t.Context(), args...)
}

func (s shell) runCtx(ctx context.Context, args ...string) (out, err string, code int) {
	var stdout, stderr bytes.Buffer
	if s.in == nil {
		s.in = strings.NewReader("")
	}
	code = cli.Execute(ctx, cli.Options{
		In: s.in, Out: &stdout, Err: &stderr, Version: "1.2.3", Zone: time.UTC,
		Dir:   func() (string, error) { return s.dir, nil },
		Start: s.start, CreateVault: s.vault,
	}, args)
	return stdout.String(), stderr.String(), code
}

// good runs a command that must succeed.
func (s shell) good(t *testing.T, args ...string) string {
	t.Helper()
	out, err, code := s.run(t, args...)
	if code != cli.OK || err != "" {
		t.Fatalf("postern %s: code %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

func golden(t *testing.T, got, want string) {
	t.Helper()
	want = strings.TrimPrefix(want, "\n")
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestStatus(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		s.Snapshot.Notices = []api.Notice{{ID: "n", Text: "The journal was repaired."}}
		s.Snapshot.Accounts[0].Speaks = api.Light{Failed: controltest.At(), Note: "x"}
	})
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "status"), `
Postern 1.0, running since 2026-03-04 05:06 (process 4711)
Data: /data
Secrets: the keyring
Messages: 2 unread, 0 held, 0 waiting to be sent, 0 could not be sent
Exposure: 1 outbound socket
Notice: The journal was repaired.

ACCOUNT  NAME   BOT     STATUS     HEARS   SPEAKS  ANSWERS   EXPOSURE         NOTE
pigeon   Homer  @homer  CONNECTED  proven  broken  unproven  outbound socket
`)
	var snap api.Snapshot
	if err := json.Unmarshal([]byte(s.good(t, "status", "--json")), &snap); err != nil || snap.Program.PID != 4711 {
		t.Errorf("%+v, %v", snap, err)
	}
}

func TestAccountsList(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "accounts", "list"), `
ACCOUNT  NAME   BOT     STATUS     HEARS   SPEAKS    ANSWERS   EXPOSURE         NOTE
pigeon   Homer  @homer  CONNECTED  proven  unproven  unproven  outbound socket
`)
	golden(t, s.good(t, "accounts", "platforms"), `
PLATFORM  TITLE   EXPOSURE         SUMMARY
pigeon    Pigeon  outbound socket  By air.
`)
	b.Change(func(s *controltest.State) { s.Snapshot.Accounts = nil })
	if out := s.good(t, "accounts", "list"); !strings.Contains(out, "postern accounts add") {
		t.Error(out)
	}
	if out := s.good(t, "accounts", "list", "--json"); strings.TrimSpace(out) != "[]" {
		t.Error(out)
	}
}

func TestInbox(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "inbox"), `
ACCOUNT  CONVERSATION  TITLE  LAST              UNREAD  DEAD  PREVIEW
pigeon   c1            Alice  2026-03-04 05:06  2             coo?
`)
	golden(t, s.good(t, "inbox", "pigeon", "c1", "--read"), `
1  2026-03-04 05:06  Alice @alice
    hello
2  2026-03-04 05:06  Alice @alice
    coo?
`)
	if !slices.Contains(b.Calls(), "MarkRead pigeon c1 2") {
		t.Errorf("%q", b.Calls())
	}
	golden(t, s.good(t, "inbox", "--search", "coo"), `
2  2026-03-04 05:06  Alice @alice  pigeon c1
    coo?
`)
	golden(t, s.good(t, "inbox", "pigeon", "c1", "--before", "2"), `
1  2026-03-04 05:06  Alice @alice
    hello
`)
	b.Change(func(s *controltest.State) {
		*s.Entries = append(*s.Entries, api.Entry{Seq: 3, Account: "pigeon", Conversation: "c1", Outgoing: true, Status: api.DeadEnd, At: controltest.At(),
			Text: "two\nlines", Why: "Too long.", MayDuplicate: true, Attachments: []api.Attachment{{Name: "a.png", MediaType: "image/png", Size: 1536}},
			Buttons: [][]platforms.Button{{{Label: "Yes"}}}})
	})
	golden(t, s.good(t, "inbox", "pigeon", "c1", "--limit", "1"), `
3  2026-03-04 05:06  Postern  [dead, may be a duplicate]
    two
    lines
    [file 0] a.png image/png 1.5 KiB
    [button] Yes
    (Too long.)
`)
	var list []api.Entry
	if err := json.Unmarshal([]byte(s.good(t, "inbox", "pigeon", "c1", "--json")), &list); err != nil || len(list) != 3 {
		t.Errorf("%d, %v", len(list), err)
	}
	b.Change(func(s *controltest.State) { *s.Conversations = nil })
	if out := s.good(t, "inbox"); !strings.Contains(out, "No conversations yet") {
		t.Error(out)
	}
}

// pipe is an output that tells of what it gets.
type pipe struct {
	mu   sync.Mutex
	buf  bytes.Buffer
	news chan struct{}
}

func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.buf.Write(b)
	select {
	case p.news <- struct{}{}:
	default:
	}
	return n, err
}

func (p *pipe) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.buf.String()
}

func (p *pipe) wait(text string) {
	for !strings.Contains(p.String(), text) {
		<-p.news
	}
}

func TestFollow(t *testing.T) {
	b := controltest.New()
	dir := serve(t, b)
	ctx, stop := context.WithCancel(t.Context())
	out := &pipe{news: make(chan struct{}, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Execute(ctx, cli.Options{In: strings.NewReader(""), Out: out, Err: io.Discard, Zone: time.UTC,
			Dir: func() (string, error) { return dir, nil }}, []string{"inbox", "pigeon", "c1", "--follow", "--limit", "1", "--json"})
	}()
	out.wait("coo?")
	b.Change(func(s *controltest.State) {
		for i := range 250 { // more than a page at once
			*s.Entries = append(*s.Entries, api.Entry{Seq: uint64(3 + i), Account: "pigeon", Conversation: "c1", Text: "news"})
		}
		(*s.Entries)[251].Text = "the last"
	})
	out.wait("the last")
	stop()
	if code := <-ended; code != cli.OK {
		t.Errorf("code %d", code)
	}
	lines := strings.Split(strings.TrimSpace(out.buf.String()), "\n")
	if len(lines) != 251 || strings.Contains(out.buf.String(), "hello") {
		t.Errorf("%d lines", len(lines))
	}
	for i, line := range lines {
		var e api.Entry
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != uint64(i+2) {
			t.Fatalf("line %d: seq %d, %v", i, e.Seq, err)
		}
	}
}

func TestHostileText(t *testing.T) {
	const evil = "Eve\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\r\nACCOUNT spoofed\x7f\x00"
	b := controltest.New()
	b.Checked = api.Check{Identity: platforms.Identity{ID: evil, Name: evil, Handle: evil, Problems: []platforms.Problem{{Code: evil, Text: evil, Fix: evil}}}}
	b.Change(func(s *controltest.State) {
		s.Snapshot.Accounts = append(s.Snapshot.Accounts, api.Account{ID: evil, Name: evil, Handle: evil, Note: evil, Status: evil, Exposure: evil})
		s.Snapshot.Notices = []api.Notice{{ID: evil, Text: evil}}
		*s.Conversations = append(*s.Conversations, api.Conversation{Account: "pigeon", ID: evil, Title: evil, Preview: evil})
		*s.Entries = append(*s.Entries, api.Entry{Seq: 3, Account: "pigeon", Conversation: "c1", Text: evil, Note: evil, Why: evil, Status: evil,
			From: platforms.User{Name: evil, Handle: evil}, Click: &platforms.Click{Data: evil},
			Attachments: []api.Attachment{{Name: evil, MediaType: evil}}, Buttons: [][]platforms.Button{{{Label: evil}}}})
		*s.Activity = append(*s.Activity, api.Activity{Seq: 1, What: evil, Account: evil, Who: evil, Why: evil})
		*s.Platforms = append(*s.Platforms, api.Platform{Name: evil, Title: evil, Summary: evil})
	})
	dir := serve(t, b)
	for _, cmd := range []string{"status", "accounts list", "accounts check pigeon", "accounts platforms", "accounts add pigeon --secret-stdin", "accounts add nothing",
		"inbox", "inbox pigeon c1", "inbox --search Eve", "activity", "__complete accounts check ", "__complete inbox pigeon "} {
		for _, more := range []string{"", "--json"} {
			t.Run(cmd+more, func(t *testing.T) {
				args := append(strings.Split(cmd, " "), strings.Fields(more)...)
				if strings.HasPrefix(cmd, "__") {
					args = strings.Split(cmd, " ")
				}
				out, errs, _ := shell{dir: dir, in: strings.NewReader(token)}.run(t, args...)
				for _, r := range out + errs {
					if r < ' ' && r != '\n' && (r != '\t' || !strings.HasPrefix(cmd, "__")) || r >= 0x7f && r <= 0x9f || r == 0x202e {
						t.Fatalf("%U reaches the terminal:\n%q", r, out+errs)
					}
				}
				if more == "" && strings.Contains(out+errs, "\nACCOUNT spoofed") {
					t.Errorf("a message passes for a line of ours:\n%s", out)
				}
				if strings.Contains(out+errs, token) {
					t.Error("the secret is printed")
				}
				if more == "--json" && cmd == "inbox pigeon c1" {
					var list []api.Entry
					if err := json.Unmarshal([]byte(out), &list); err != nil || list[2].Text != evil {
						t.Errorf("the JSON changed what it carries: %q, %v", list[2].Text, err)
					}
				}
			})
		}
	}
	t.Run("an error", func(t *testing.T) {
		b.Err = func(string) error { return &api.Error{Kind: platforms.Rejected, Text: evil} }
		defer func() { b.Err = nil }()
		if _, errs, code := (shell{dir: dir}).run(t, "pause"); code != cli.Failed || strings.ContainsAny(errs, "\x1b\x07\u009b\x00\x7f") {
			t.Errorf("%d %q", code, errs)
		}
	})
}

func TestWideColumns(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		*s.Conversations = append(*s.Conversations, api.Conversation{Account: "pigeon", ID: "c2", Title: "日本語", Preview: "x"})
	})
	golden(t, shell{dir: serve(t, b)}.good(t, "inbox"), `
ACCOUNT  CONVERSATION  TITLE   LAST              UNREAD  DEAD  PREVIEW
pigeon   c1            Alice   2026-03-04 05:06  2             coo?
pigeon   c2            日本語                                  x
`)
}

func TestSend(t *testing.T) {
	b := controltest.New()
	dir := serve(t, b)
	s := shell{dir: dir}
	if out := s.good(t, "send", "pigeon", "c1", "hi there", "--key", "k1", "--reply-to", "m1"); out != "3 queued\n" {
		t.Error(out)
	}
	for name, args := range map[string][]string{"a dash": {"send", "pigeon", "c1", "-"}, "nothing": {"send", "pigeon", "c1"}} {
		t.Run("standard input for "+name, func(t *testing.T) {
			shell{dir: dir, in: strings.NewReader("from a pipe\n")}.good(t, args...)
			if calls := b.Calls(); calls[len(calls)-1] != "Send pigeon c1 from a pipe" {
				t.Errorf("%q", calls)
			}
		})
	}
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a.txt")
		if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
			t.Fatal(err)
		}
		var e api.Entry
		if err := json.Unmarshal([]byte(s.good(t, "send", "pigeon", "c1", "--file", path, "--json")), &e); err != nil || len(e.Attachments) != 1 {
			t.Errorf("%+v %v", e, err)
		}
		if string(b.File("a.txt")) != "content" {
			t.Errorf("%q", b.File("a.txt"))
		}
		to := filepath.Join(t.TempDir(), "b.txt")
		s.good(t, "message", "save", "6", "0", to)
		if got, _ := os.ReadFile(to); string(got) != "content" {
			t.Errorf("saved %q", got)
		}
		if _, _, code := s.run(t, "message", "save", "6", "0", to); code != cli.Failed {
			t.Errorf("a file was replaced: code %d", code)
		}
		if out := s.good(t, "message", "save", "6", "0", "-"); out != "content" {
			t.Errorf("%q", out)
		}
	})
	t.Run("nothing to send", func(t *testing.T) {
		if _, _, code := s.run(t, "send", "pigeon", "c1"); code != cli.Usage {
			t.Errorf("code %d", code)
		}
	})
	t.Run("too much to send", func(t *testing.T) {
		if _, errs, code := (shell{dir: dir, in: strings.NewReader(strings.Repeat("x", 1<<20+1))}).run(t, "send", "pigeon", "c1"); code != cli.Failed {
			t.Errorf("code %d: %s", code, errs)
		}
	})
	t.Run("no such file", func(t *testing.T) {
		if _, _, code := s.run(t, "send", "pigeon", "c1", "--file", "/nothing/here"); code != cli.Failed {
			t.Errorf("code %d", code)
		}
	})
}

func TestSendWaits(t *testing.T) {
	for status, want := range map[api.EntryStatus]int{api.Sent: cli.OK, api.DeadEnd: cli.Failed} {
		t.Run(string(status), func(t *testing.T) {
			b := controltest.New()
			looked := make(chan struct{})
			var once sync.Once
			b.Wait = func(_ context.Context, call string) {
				if call == "Entry" {
					once.Do(func() { close(looked) })
				}
			}
			dir := serve(t, b)
			go func() {
				<-looked // it was still queued then, or is decided just now
				b.Change(func(s *controltest.State) {
					e := &(*s.Entries)[2]
					e.Status, e.Why = status, "The text is too long."
				})
			}()
			out, errs, code := shell{dir: dir}.run(t, "send", "pigeon", "c1", "hi", "--wait")
			if code != want || (want == cli.OK && out != "3 sent\n") || (want != cli.OK && !strings.Contains(errs, "too long")) {
				t.Errorf("code %d: %s%s", code, out, errs)
			}
		})
	}
}

func TestActs(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	for cmd, want := range map[string]string{
		"pause": "Pause", "resume": "Resume", "pause pigeon": "Pause pigeon", "resume pigeon": "Resume pigeon",
		"accounts pause pigeon": "Pause pigeon", "accounts resume pigeon": "Resume pigeon",
		"accounts check pigeon": "CheckAccount pigeon", "accounts fix pigeon webhook": "Fix pigeon webhook",
		"accounts remove pigeon --yes": "RemoveAccount pigeon",
		"message resend 7":             "Resend 7", "message discard 7": "Discard 7", "message dismiss 7": "Dismiss 7",
		"quit": "Quit",
	} {
		t.Run(cmd, func(t *testing.T) {
			if out := s.good(t, strings.Fields(cmd)...); out == "" {
				t.Error("nothing is said")
			}
			if calls := b.Calls(); calls[len(calls)-1] != want {
				t.Errorf("%q", calls)
			}
		})
	}
}

func TestActivity(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		for i := range 1200 {
			*s.Activity = append(*s.Activity, api.Activity{Seq: uint64(i + 1), At: controltest.At(), What: api.Routed, Account: "pigeon", Who: "Alice", Why: "asked"})
		}
		(*s.Activity)[1199].What = api.Rejected
	})
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "activity", "--limit", "2"), `
NUMBER  TIME              WHAT      ACCOUNT  WHO    WHY
1200    2026-03-04 05:06  rejected  pigeon   Alice  asked
1199    2026-03-04 05:06  routed    pigeon   Alice  asked
`)
	for args, want := range map[string]int{"--json": 200, "--json --all": 1200, "--json --limit 1100": 1100, "--json --what rejected": 1, "--json --before 5": 4} {
		t.Run(args, func(t *testing.T) {
			out := s.good(t, append([]string{"activity"}, strings.Fields(args)...)...)
			if n := strings.Count(out, "\n"); n != want {
				t.Errorf("%d lines, want %d", n, want)
			}
		})
	}
	if out := s.good(t, "activity", "--account", "nobody"); !strings.Contains(out, "Nothing") {
		t.Error(out)
	}
}

func TestSettings(t *testing.T) {
	b := controltest.New()
	s := shell{dir: serve(t, b)}
	golden(t, s.good(t, "settings", "get"), `
KEY             VALUE  MEANING
notifications   on     notify at all
hide_text       off    notifications say that something came, not what
show_strangers  off    notify about people who may not talk
start_at_login  off    start with the session
clients_only    off    programs must use a named client; see postern clients
ask_after       10m    older messages ask before anything acts on them
keep_for        30d    messages are kept this long
keep_bytes      1GiB   the journal is kept this small
`)
	s.good(t, "settings", "set", "hide_text=on", "ask_after=1h30m", "keep_for=7d", "keep_bytes=512MiB")
	if got := b.Settings(); !got.HideText || got.AskAfter != 90*time.Minute || got.KeepFor != 7*24*time.Hour || got.KeepBytes != 512<<20 || !got.Notifications {
		t.Errorf("%+v", got)
	}
	if out := s.good(t, "settings", "get", "ask_after"); out != "1h30m\n" {
		t.Error(out)
	}
	for _, bad := range []string{"nothing=1", "hide_text=maybe", "keep_for=soon", "keep_bytes=-1", "keep_bytes=9999999999999GiB", "hide_text"} {
		if _, errs, code := s.run(t, "settings", "set", bad); code != cli.Usage {
			t.Errorf("%s: code %d %s", bad, code, errs)
		}
	}
}

func TestVersion(t *testing.T) {
	if out := (shell{}).good(t, "version"); !strings.HasPrefix(out, "postern 1.2.3 (go") {
		t.Error(out)
	}
}

func TestNotRunning(t *testing.T) {
	s := shell{dir: t.TempDir(), in: strings.NewReader(token)}
	for _, cmd := range []string{"status", "inbox", "pause", "activity", "settings get", "accounts list", "accounts add pigeon --secret-stdin", "send a b c", "quit"} {
		out, errs, code := s.run(t, strings.Fields(cmd)...)
		if code != cli.NotRunning || out != "" || !strings.Contains(errs, "Postern is not running") {
			t.Errorf("%s: code %d: %s%s", cmd, code, out, errs)
		}
	}
	if out, _, _ := s.run(t, "__complete", "pause", ""); strings.Contains(out, "pigeon") {
		t.Error(out)
	}
}

func TestWrongUsage(t *testing.T) {
	s := shell{dir: serve(t, controltest.New()), start: func(context.Context, cli.StartOptions) error { t.Error("it started"); return nil }}
	for _, cmd := range []string{"nonsense", "accounts nonsense", "--nonsense", "status extra", "send a", "inbox a", "inbox --follow", "message resend x",
		"accounts remove pigeon", "accounts add", "accounts add nothing", "accounts change nothing", "pause a b", "version --nonsense",
		"--passphrase-file a --passphrase-fd 3", "--passphrase secret", "--passphrase-fd x", "settings set"} {
		out, errs, code := s.run(t, strings.Fields(cmd)...)
		if code != cli.Usage || errs == "" {
			t.Errorf("%s: code %d: %s%s", cmd, code, out, errs)
		}
	}
	t.Run("a near miss", func(t *testing.T) {
		if _, errs, _ := s.run(t, "statsu"); !strings.Contains(errs, "status") {
			t.Error(errs)
		}
	})
	t.Run("a secret in the wrong place is not repeated", func(t *testing.T) {
		for _, args := range [][]string{{token}, {"accounts", token}, {"accounts", "add", token}, {"accounts", "add", "pigeon", token}, {"accounts", "add", "pigeon", "--set", token},
			{"accounts", "add", "pigeon", "--set", "token=" + token}, {"accounts", "add", "pigeon", "--set", token + "=x"}, {"--passphrase", token}, {"status", token}} {
			if out, errs, code := s.run(t, args...); code != cli.Usage || strings.Contains(out+errs, token) {
				t.Errorf("%q: code %d: %s%s", args, code, out, errs)
			}
		}
	})
}

func TestStart(t *testing.T) {
	var got cli.StartOptions
	s := shell{dir: "/the/default", start: func(_ context.Context, o cli.StartOptions) error { got = o; return nil }}
	t.Run("by default", func(t *testing.T) {
		s.good(t)
		if got.Dir != "/the/default" || got.Headless || got.Demo || got.Show != "" {
			t.Errorf("%+v", got)
		}
		if _, err := got.Passphrase(t.Context()); err == nil || !strings.Contains(err.Error(), "--passphrase-file") {
			t.Errorf("without a terminal: %v", err)
		}
	})
	t.Run("with flags", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "pass")
		if err := os.WriteFile(file, []byte("correct horse\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		s.good(t, "--headless", "--demo", "--data", "/elsewhere", "--show", "inbox", "--passphrase-file", file)
		if got.Dir != "/elsewhere" || !got.Headless || !got.Demo || got.Show != "inbox" {
			t.Errorf("%+v", got)
		}
		if p, err := got.Passphrase(t.Context()); err != nil || p.Reveal() != "correct horse" {
			t.Errorf("the passphrase: %v", err)
		}
	})
	t.Run("a failure", func(t *testing.T) {
		s.start = func(context.Context, cli.StartOptions) error { return errors.New("no tray") }
		if _, errs, code := s.run(t); code != cli.Failed || !strings.Contains(errs, "no tray") {
			t.Errorf("%d %s", code, errs)
		}
	})
}

func TestHelpNamesExitCodes(t *testing.T) {
	if out := (shell{}).good(t, "--help"); !strings.Contains(out, "3 Postern is not running") {
		t.Error(out)
	}
}

func TestCompletion(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) {
		s.Snapshot.Accounts[0].Problems = []platforms.Problem{{Code: "webhook", Fix: "Delete it"}, {Code: "privacy"}}
		*s.Conversations = append(*s.Conversations, api.Conversation{Account: "pigeon", ID: "$(reboot)", Title: "x"})
	})
	s := shell{dir: serve(t, b)}
	for line, want := range map[string]string{
		"pause ":                     "pigeon\tHomer\n:4\n",
		"accounts check ":            "pigeon\tHomer\n:4\n",
		"accounts add ":              "pigeon\tPigeon\n:4\n",
		"accounts fix pigeon ":       "webhook\tDelete it\n:4\n",
		"inbox pigeon ":              "c1\tAlice\n:4\n",
		"activity --account ":        "pigeon\tHomer\n:4\n",
		"settings get notifications": "notifications\n",
	} {
		out, _, code := s.run(t, append([]string{"__complete"}, strings.Split(line, " ")...)...)
		if code != cli.OK || !strings.HasPrefix(out, want) && out != want {
			t.Errorf("%s: code %d: %q", line, code, out)
		}
	}
	if out := s.good(t, "completion", "bash"); !strings.Contains(out, "__start_postern") {
		t.Error("no completion script")
	}
}
