package discord_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/discord"
	"github.com/postern/postern/platforms/discord/discordtest"
	"github.com/postern/postern/platforms/platformtest"
)

const (
	direct = platforms.ConversationID(discordtest.Direct)
	group  = platforms.ConversationID(discordtest.Group)
	ada    = discordtest.Person
)

// stage is a server with a connector for it.
type stage struct {
	*discordtest.Server
	conn platforms.Connector
	log  *safeBuffer
}

type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newStage(t *testing.T) *stage { return newStageWith(t, nil) }

func newStageWith(t *testing.T, transport http.RoundTripper) *stage {
	t.Helper()
	s := &stage{Server: newServer(t), log: &safeBuffer{}}
	c := config(t, s.Server)
	if transport != nil {
		c.HTTP = &http.Client{Transport: transport}
	}
	c.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	conn, err := discord.Platform().New(c)
	must(t, err)
	s.conn = conn
	return s
}

// newConnector is another connector for s, as after a restart.
func newConnector(t *testing.T, s *discordtest.Server) platforms.Connector {
	t.Helper()
	conn, err := discord.Platform().New(config(t, s))
	must(t, err)
	return conn
}

// run starts the connector; what it returns ends it and gives its error.
func (s *stage) run(t *testing.T, from platforms.Cursor, rec *platformtest.Recorder) (wait func() error, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	var once sync.Once
	var result error
	go func() { done <- s.conn.Run(ctx, from, rec) }()
	wait = func() error {
		once.Do(func() {
			select {
			case result = <-done:
			case <-time.After(20 * time.Second):
				t.Error("Run does not return")
			}
		})
		return result
	}
	stop = func() error { cancel(); return wait() }
	t.Cleanup(func() { _ = stop() })
	return wait, stop
}

// begin starts a first Run, and returns when it is connected.
func (s *stage) begin(t *testing.T, rec *platformtest.Recorder) (wait, stop func() error) {
	t.Helper()
	wait, stop = s.run(t, "", rec)
	rec.WaitCursor(t)
	return wait, stop
}

func wants(t *testing.T, err error, kind platforms.Kind, words string) {
	t.Helper()
	if platforms.KindOf(err) != kind || err == nil || !strings.Contains(platforms.Explain(err), words) {
		t.Errorf("got %v (%q), want %q with %q", err, platforms.KindOf(err), kind, words)
	}
}

func texts(evs []platforms.Event) (out []string) {
	for _, ev := range evs {
		out = append(out, ev.Text)
	}
	return out
}

func TestCloseCodes(t *testing.T) {
	for code, want := range map[int]struct {
		kind  platforms.Kind
		words string
	}{
		4000: {platforms.Temporary, "next try"}, 4001: {platforms.Temporary, "next try"}, 4002: {platforms.Temporary, "next try"},
		4003: {platforms.Temporary, "next try"}, 4005: {platforms.Temporary, "next try"}, 4008: {platforms.RateLimited, "slowly"},
		4004: {platforms.Unauthorized, "token"}, 4010: {platforms.Rejected, "shard"}, 4011: {platforms.Rejected, "servers"},
		4012: {platforms.Rejected, "version"}, 4013: {platforms.Rejected, "Update"}, 4014: {platforms.Rejected, "Message Content Intent"},
		1000: {platforms.Temporary, "next try"}, 1001: {platforms.Temporary, "next try"},
	} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := newStage(t)
			s.SetClose(code)
			var rec platformtest.Recorder
			wait, _ := s.run(t, "", &rec)
			wants(t, wait(), want.kind, want.words)
			if slices.ContainsFunc(rec.States(), func(st platforms.State) bool { return st.Phase == platforms.Connected }) {
				t.Error("it said that it was connected")
			}
		})
	}
	t.Run("while connected", func(t *testing.T) {
		s := newStage(t)
		var rec platformtest.Recorder
		wait, _ := s.begin(t, &rec)
		s.CloseSockets(4011)
		wants(t, wait(), platforms.Rejected, "servers")
	})
}

// TestReconnects: whatever ends a connection that can be taken up again leaves
// the session to be resumed.
func TestReconnects(t *testing.T) {
	for name, end := range map[string]func(*stage){
		"op 7":              func(s *stage) { s.Send(7, nil) },
		"op 9, resumable":   func(s *stage) { s.Send(9, true) },
		"close code 4000":   func(s *stage) { s.CloseSockets(4000) },
		"silence":           func(s *stage) { s.Silence() },
		"asked for a beat":  func(s *stage) { s.Send(1, nil); s.Send(7, nil) },
		"within a sentence": func(s *stage) { s.Cut() },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			s.SetHeartbeat(500)
			var rec platformtest.Recorder
			wait, _ := s.begin(t, &rec)
			s.Say(discordtest.Direct, ada, "before")
			rec.Wait(t, 1)
			end(s)
			wants(t, wait(), platforms.Temporary, "next try")
			s.Say(discordtest.Direct, ada, "between")
			_, stop := s.run(t, rec.Cursor(), &rec)
			s.Say(discordtest.Direct, ada, "after")
			if got := texts(rec.Wait(t, 3)); !slices.Equal(got, []string{"before", "between", "after"}) {
				t.Errorf("%q", got)
			}
			_ = stop()
			if n := len(s.Calls("GET /channels/:/messages")); n != 0 {
				t.Errorf("a session that could be resumed was not: %d histories were read", n)
			}
		})
	}
}

// TestSessionEndsWhileConnected: the same Run begins another and fetches what
// was missed.
func TestSessionEndsWhileConnected(t *testing.T) {
	for name, end := range map[string]func(*stage){
		"op 9": func(s *stage) { s.EndSessions(); s.Send(9, false) }, "4007": func(s *stage) { s.EndSessions(); s.CloseSockets(4007) },
		"4009": func(s *stage) { s.EndSessions(); s.CloseSockets(4009) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			var rec platformtest.Recorder
			_, stop := s.begin(t, &rec)
			s.Say(discordtest.Direct, ada, "before")
			rec.Wait(t, 1)
			end(s)
			s.Say(discordtest.Direct, ada, "missed")
			if got := texts(rec.Wait(t, 2)); got[1] != "missed" {
				t.Errorf("%q", got)
			}
			if err := stop(); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		})
	}
}

// TestCatchUp: after a session is forgotten, what was said anywhere comes in the
// order in which it was said, once, with the ids it would have had live, and
// nothing live overtakes it.
func TestCatchUp(t *testing.T) {
	s := newStage(t)
	s.AddChannel(discordtest.Channel{ID: "1070000000000000010", Name: "other", Guild: discordtest.HomeID})
	s.AddChannel(discordtest.Channel{ID: "1070000000000000011", Name: "closed", Guild: discordtest.HomeID})
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	s.Say(discordtest.Direct, ada, "seen 1")
	id := s.Say(discordtest.Group, ada, "seen 2")
	rec.Wait(t, 2)
	_ = stop()
	s.EndSessions()
	var want []string
	places := []string{discordtest.Direct, discordtest.Group, discordtest.Thread, "1070000000000000010"}
	for i := range 260 { // more than two pages of one channel
		words := fmt.Sprint("missed ", i)
		want = append(want, words)
		s.Say(places[max(0, i%7-3)], ada, words)
	}
	s.Say(discordtest.Group, "", "the bot's own") // stored by nobody
	s.SetFault("GET /channels/:/messages", discordtest.Fault{Code: 429, RetryAfter: 0.2})
	rec.OnEvent = func(_ context.Context, ev platforms.Event) error {
		if ev.Text == "missed 100" {
			s.Say(discordtest.Direct, ada, "live 1")
			s.Say(discordtest.Direct, ada, "live 2")
		}
		return nil
	}
	_, stop = s.run(t, rec.Cursor(), &rec)
	want = append([]string{"seen 1", "seen 2"}, append(want, "live 1", "live 2", "end")...)
	rec.Wait(t, len(want)-1)
	s.Say(discordtest.Direct, ada, "end") // behind what might come twice
	rec.Wait(t, len(want))
	got := rec.Calls()
	if !slices.Equal(texts(got), want) {
		t.Errorf("%q", texts(got))
	}
	if got[1].ID != platforms.EventID("message:"+discordtest.Group+":"+id) {
		t.Errorf("id %q", got[1].ID)
	}
	if th := got[6+2]; th.Thread != platforms.ThreadID(discordtest.Thread) && !slices.ContainsFunc(got, func(ev platforms.Event) bool {
		return ev.Thread == platforms.ThreadID(discordtest.Thread) && ev.Conversation.ID == group
	}) {
		t.Errorf("no message of the thread: %+v", th)
	}
	// A Run that ends in the middle goes on from there.
	_ = stop()
	if len(rec.Cursor()) > 16<<10 {
		t.Errorf("the cursor has %d bytes", len(rec.Cursor()))
	}
	s.EndSessions()
	for i := range 30 {
		s.Say(places[i%3], ada, fmt.Sprint("again ", i))
	}
	var second platformtest.Recorder
	second.FailOn(12, nil)
	wait, _ := s.run(t, rec.Cursor(), &second)
	if err := wait(); !errors.Is(err, platformtest.ErrSink) {
		t.Fatal(err)
	}
	_, stop = s.run(t, second.Cursor(), &second)
	second.Wait(t, 30)
	all := texts(second.Calls())
	// One was refused, and came again.
	if once := slices.Compact(slices.Clone(all)); len(all) != 31 || len(once) != 30 || once[0] != "again 0" || once[29] != "again 29" {
		t.Errorf("%q", all)
	}
	_ = stop()
}

// TestCatchUpWhereTheBotMayNotRead leaves that channel out, says so, and fetches
// the rest.
func TestCatchUpWhereTheBotMayNotRead(t *testing.T) {
	s := newStage(t)
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	s.Say(discordtest.Direct, ada, "seen")
	rec.Wait(t, 1)
	_ = stop()
	s.EndSessions()
	s.Say(discordtest.Group, ada, "in the group")
	s.Say(discordtest.Direct, ada, "direct")
	s.SetFault("GET /channels/:/messages", discordtest.Fault{Code: 403, APICode: 50001, Msg: "Missing Access"})
	_, stop = s.run(t, rec.Cursor(), &rec)
	if got := texts(rec.Wait(t, 2)); got[1] != "direct" {
		t.Errorf("%q", got)
	}
	if !slices.ContainsFunc(rec.States(), func(st platforms.State) bool { return strings.Contains(st.Note, "View Channel") }) {
		t.Errorf("nothing is said of it: %+v", rec.States())
	}
	_ = stop()
}

// TestFirstRunHearsNothingOld: neither at once nor after a session that was lost.
func TestFirstRunHearsNothingOld(t *testing.T) {
	s := newStage(t)
	s.Say(discordtest.Group, ada, "old")
	var rec platformtest.Recorder
	_, stop := s.begin(t, &rec)
	_ = stop()
	s.EndSessions()
	s.Say(discordtest.Group, ada, "new")
	_, stop = s.run(t, rec.Cursor(), &rec)
	if got := texts(rec.Wait(t, 1)); got[0] != "new" {
		t.Errorf("%q", got)
	}
	_ = stop()
}

func TestStrangeCursors(t *testing.T) {
	for _, from := range []platforms.Cursor{"x", "[]", `{"session":5}`, `{"session":"s","seq":-1}`, `{"session":"gone","resume":"wss://evil.example/","seq":7}`,
		platforms.Cursor(`{"seen":[` + strings.Repeat("1,", 20_000) + `1]}`)} {
		s := newStage(t)
		var rec platformtest.Recorder
		_, stop := s.run(t, from, &rec)
		if c := rec.WaitCursor(t); len(c) > 16<<10 || strings.Contains(string(c), "evil") {
			t.Errorf("%.60s became %.200s", from, c)
		}
		_ = stop()
	}
}

func TestBeganTooOften(t *testing.T) {
	s := newStage(t)
	s.SetStarts(0)
	var rec platformtest.Recorder
	wait, _ := s.run(t, "", &rec)
	err := wait()
	wants(t, err, platforms.RateLimited, "too often")
	var e *platforms.Error
	if !errors.As(err, &e) || e.RetryAfter != 4*time.Hour {
		t.Errorf("%+v", e)
	}
	id, err := s.conn.Check(soon(t))
	must(t, err)
	if !hasProblem(id, "session_starts") {
		t.Errorf("%+v", id.Problems)
	}
}

func hasProblem(id platforms.Identity, code string) bool {
	return slices.ContainsFunc(id.Problems, func(p platforms.Problem) bool { return p.Code == code })
}

func TestCheckAndFix(t *testing.T) {
	s := newStage(t)
	s.SetContent(false)
	s.SetEndpoint("https://elsewhere.example/")
	ctx := soon(t)
	id, err := s.conn.Check(ctx)
	must(t, err)
	for _, code := range []string{"message_content", "interactions_endpoint", "command_ask"} {
		if !hasProblem(id, code) {
			t.Errorf("no problem %s in %+v", code, id.Problems)
		}
		must(t, s.conn.(platforms.Fixer).Fix(ctx, code))
		must(t, s.conn.(platforms.Fixer).Fix(ctx, code)) // twice is no harm
	}
	if id, err = s.conn.Check(ctx); err != nil || len(id.Problems) != 0 {
		t.Errorf("after mending: %+v, %v", id.Problems, err)
	}
	if got := s.Commands(); !slices.Equal(got, []string{"ask"}) {
		t.Errorf("commands %q", got)
	}
	s.RemoveGuilds()
	if id, _ = s.conn.Check(ctx); !hasProblem(id, "no_server") {
		t.Errorf("%+v", id.Problems)
	}
	if err := s.conn.(platforms.Fixer).Fix(ctx, "telepathy"); platforms.KindOf(err) != platforms.Unsupported {
		t.Error(err)
	}
}

func readAll(t *testing.T, r io.ReadCloser) []byte {
	t.Helper()
	b, err := io.ReadAll(r)
	must(t, err)
	must(t, r.Close())
	return b
}
