package window

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/client"
	"github.com/postern/postern/platforms"
)

// fake is a service in memory. Its fields are guarded by mu.
type fake struct {
	mu       sync.Mutex
	snap     api.Snapshot
	kinds    []api.Platform
	convs    []api.Conversation
	entries  []api.Entry
	activity []api.Activity
	settings api.Settings
	view     api.View
	question api.Question
	audit    api.AuditPage
	talk     fakeTalk

	what  whatAnswers
	named namedPrograms
	web   webThings
	came  whatCame

	check   func(api.AccountDraft) (api.Check, error)
	add     func(api.AccountDraft) (api.Account, error)
	send    func(api.Draft) (api.Entry, error)
	listen  func(api.Listener) (api.Door, error)
	ack     func(api.Answer) (api.Door, error)
	examine func(context.Context, func(api.Examination)) error
	bundle  api.Support
	failing error         // every call fails with it
	hang    chan struct{} // every call waits for it to be closed, or for its context
	calls   []string
	onUI    func() bool // reports whether the caller is on the goroutine that draws
	wrong   []string    // calls made from there

	event func(api.Event)
	link  func(bool)
	ready chan struct{}
}

var _ Service = (*fake)(nil)

// enter is the start of every call.
func (f *fake) enter(ctx context.Context, name string) error {
	f.mu.Lock()
	f.calls = append(f.calls, name)
	hang, fail := f.hang, f.failing
	if f.onUI != nil && f.onUI() {
		f.wrong = append(f.wrong, name)
	}
	f.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return fail
}

func (f *fake) count(name string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Follow(ctx context.Context, event func(api.Event), connected func(bool)) {
	f.mu.Lock()
	f.event, f.link = event, connected
	snap := f.snap
	f.mu.Unlock()
	if f.failing == nil {
		connected(true)
		event(api.Event{Snapshot: &snap})
	}
	close(f.ready)
	<-ctx.Done()
}

func (f *fake) Platforms(ctx context.Context) ([]api.Platform, error) {
	return f.kinds, f.enter(ctx, "Platforms")
}

func (f *fake) AddAccount(ctx context.Context, d api.AccountDraft) (api.Account, error) {
	if err := f.enter(ctx, "AddAccount"); err != nil {
		return api.Account{}, err
	}
	if f.add != nil {
		return f.add(d)
	}
	return api.Account{ID: "new", Platform: d.Platform, Title: "Courier", Handle: "@fresh_bot", Link: "https://courier.example/fresh_bot"}, nil
}

func (f *fake) ChangeAccount(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Account, error) {
	if err := f.enter(ctx, "ChangeAccount"); err != nil {
		return api.Account{}, err
	}
	if f.add != nil {
		return f.add(d)
	}
	return api.Account{ID: id}, nil
}

func (f *fake) RemoveAccount(ctx context.Context, id platforms.AccountID) error {
	return f.enter(ctx, "RemoveAccount "+string(id))
}

func (f *fake) CheckDraft(ctx context.Context, _ platforms.AccountID, d api.AccountDraft) (api.Check, error) {
	if err := f.enter(ctx, "CheckDraft"); err != nil {
		return api.Check{}, err
	}
	if f.check != nil {
		return f.check(d)
	}
	return api.Check{Identity: platforms.Identity{ID: "7", Name: "Family Helper", Handle: "@family_helper_bot"}, Exposure: "outbound socket"}, nil
}

func (f *fake) CheckAccount(ctx context.Context, id platforms.AccountID) (api.Check, error) {
	return api.Check{Identity: platforms.Identity{Handle: "@family_helper_bot"}}, f.enter(ctx, "CheckAccount "+string(id))
}

func (f *fake) Fix(ctx context.Context, _ platforms.AccountID, code string) (api.Check, error) {
	return api.Check{}, f.enter(ctx, "Fix "+code)
}

func (f *fake) Pause(ctx context.Context, id platforms.AccountID) error {
	return f.enter(ctx, "Pause "+string(id))
}

func (f *fake) Resume(ctx context.Context, id platforms.AccountID) error {
	return f.enter(ctx, "Resume "+string(id))
}

func (f *fake) Conversations(ctx context.Context, limit int) ([]api.Conversation, error) {
	err := f.enter(ctx, "Conversations")
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.convs), err
}

func (f *fake) Timeline(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, before uint64, limit int) ([]api.Entry, error) {
	if err := f.enter(ctx, fmt.Sprintf("Timeline %d", before)); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Entry
	for _, e := range f.entries {
		if e.Account == id && e.Conversation == c && (before == 0 || e.Seq < before) {
			out = append(out, e)
		}
	}
	return slices.Clone(out[max(0, len(out)-limit):]), nil
}

func (f *fake) Search(ctx context.Context, q string, _ int) ([]api.Entry, error) {
	if err := f.enter(ctx, "Search "+q); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Entry
	for _, e := range f.entries {
		if strings.Contains(strings.ToLower(e.Text), strings.ToLower(q)) {
			out = append(out, e)
		}
	}
	slices.Reverse(out)
	return out, nil
}

func (f *fake) Entry(ctx context.Context, seq uint64) (api.Entry, error) {
	err := f.enter(ctx, "Entry")
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range f.entries {
		if e.Seq == seq {
			return e, err
		}
	}
	return api.Entry{}, errors.New("there is none")
}

func (f *fake) MarkRead(ctx context.Context, _ platforms.AccountID, c platforms.ConversationID, upTo uint64) error {
	return f.enter(ctx, fmt.Sprintf("MarkRead %s %d", c, upTo))
}

func (f *fake) Attachment(ctx context.Context, seq uint64, i int) (api.Attachment, io.ReadCloser, error) {
	if err := f.enter(ctx, "Attachment"); err != nil {
		return api.Attachment{}, nil, err
	}
	return api.Attachment{Name: "x"}, io.NopCloser(strings.NewReader("content")), nil
}

func (f *fake) Send(ctx context.Context, d api.Draft, files ...client.File) (api.Entry, error) {
	if err := f.enter(ctx, "Send"); err != nil {
		return api.Entry{}, err
	}
	for _, file := range files {
		if _, err := io.Copy(io.Discard, file.Body); err != nil {
			return api.Entry{}, err
		}
	}
	if f.send != nil {
		return f.send(d)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e := api.Entry{Seq: f.entries[len(f.entries)-1].Seq + 1, Account: d.Account, Conversation: d.Conversation, Outgoing: true, Status: api.Queued, Text: d.Text, At: noon}
	f.entries = append(f.entries, e)
	return e, nil
}

func (f *fake) Resend(ctx context.Context, seq uint64) error  { return f.enter(ctx, "Resend") }
func (f *fake) Discard(ctx context.Context, seq uint64) error { return f.enter(ctx, "Discard") }
func (f *fake) Release(ctx context.Context, seq uint64) error { return f.enter(ctx, "Release") }
func (f *fake) Dismiss(ctx context.Context, seq uint64) error { return f.enter(ctx, "Dismiss") }

func (f *fake) Activity(ctx context.Context, q client.ActivityQuery) ([]api.Activity, error) {
	if err := f.enter(ctx, "Activity"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []api.Activity
	for _, a := range f.activity {
		if (q.Before == 0 || a.Seq < q.Before) && (q.Account == "" || a.Account == q.Account) &&
			(len(q.What) == 0 || slices.Contains(q.What, a.What)) && strings.Contains(a.Who+a.Why, q.Text) && len(out) < q.Limit {
			out = append(out, a)
		}
	}
	return out, nil
}

func (f *fake) Export(ctx context.Context, _ client.ActivityQuery) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("{}\n")), f.enter(ctx, "Export")
}

func (f *fake) Doctor(ctx context.Context, tell func(api.Examination)) error {
	if err := f.enter(ctx, "Doctor"); err != nil {
		return err
	}
	if f.examine != nil {
		return f.examine(ctx, tell)
	}
	tell(api.Examination{Done: true})
	return nil
}

func (f *fake) Support(ctx context.Context) (api.Support, error) {
	return f.bundle, f.enter(ctx, "Support")
}

func (f *fake) Settings(ctx context.Context) (api.Settings, error) {
	err := f.enter(ctx, "Settings")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, err
}

func (f *fake) SetSettings(ctx context.Context, s api.Settings) (api.Settings, error) {
	if err := f.enter(ctx, "SetSettings"); err != nil {
		return api.Settings{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settings = s
	return s, nil
}

func (f *fake) DismissNotice(ctx context.Context, id string) error {
	return f.enter(ctx, "DismissNotice "+id)
}

func (f *fake) Quit(ctx context.Context) error { return f.enter(ctx, "Quit") }

// stage is a window on a fake, without a display. Work that the window hands
// over waits in a queue until settle runs it, on the test's own goroutine.
type stage struct {
	t    *testing.T
	f    *fake
	w    *Window
	win  fyne.Window
	b    *Bridge
	now  time.Time
	file *fakeFiles
	sent []string // copied to the clipboard

	mu     sync.Mutex
	queue  []func()
	timers []*timer
}

type timer struct {
	at   time.Time
	f    func()
	gone bool
}

// do is the bridge's hand-over.
func (s *stage) do(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, f)
}

// later is the bridge's clock: timers run in pass.
func (s *stage) later(d time.Duration, f func()) func() {
	s.mu.Lock()
	defer s.mu.Unlock()
	tm := &timer{at: s.now.Add(d), f: f}
	s.timers = append(s.timers, tm)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		tm.gone = true
	}
}

// drain runs what is queued and reports whether there was anything.
func (s *stage) drain() bool {
	s.mu.Lock()
	q := s.queue
	s.queue = nil
	s.mu.Unlock()
	for _, f := range q {
		f()
	}
	return len(q) > 0
}

// until runs the window until ok holds, and fails the test if it never does.
func (s *stage) until(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			s.t.Fatalf("never happened: %s", what)
		}
		if !s.drain() {
			time.Sleep(time.Millisecond)
		}
	}
}

// settle runs the window until nothing is under way.
func (s *stage) settle() {
	s.t.Helper()
	s.until("all calls have ended", func() bool {
		s.drain()
		if s.b.pending() > 1 { // Follow never ends
			return false
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.queue) == 0
	})
}

// pass lets time pass, and runs the timers that end in it, once each.
func (s *stage) pass(d time.Duration) {
	s.mu.Lock()
	s.now = s.now.Add(d)
	var due []*timer
	s.timers = slices.DeleteFunc(s.timers, func(tm *timer) bool {
		if tm.at.After(s.now) {
			return false
		}
		due = append(due, tm)
		return true
	})
	s.mu.Unlock()
	for _, tm := range due {
		s.mu.Lock()
		gone := tm.gone
		s.mu.Unlock()
		if !gone {
			tm.f()
		}
	}
	s.drain()
}

// fakeFiles answers the dialogs for files.
type fakeFiles struct {
	name  string
	saved strings.Builder
	pick  *Picked
}

func (f *fakeFiles) Save(name string, done func(io.WriteCloser, error)) {
	f.name = name
	done(nopCloser{&f.saved}, nil)
}

func (f *fakeFiles) Open(done func(*Picked, error)) { done(f.pick, nil) }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// wardrobe is the application that all stages share, and the theme it wears: a
// new one, and each change of the theme, reads all fonts anew and keeps them.
var wardrobe struct {
	app  fyne.App
	worn Variant
}

// dress lets the tests' application wear a theme.
func dress(t *testing.T, v Variant) {
	t.Helper()
	fresh := wardrobe.app == nil || fyne.CurrentApp() != wardrobe.app
	if fresh {
		wardrobe.app = test.NewApp()
	}
	if fresh || wardrobe.worn != v {
		test.ApplyTheme(t, NewTheme(v))
		wardrobe.worn = v
	}
}

// newStage opens a window at 1100 by 720 and lets it settle.
func newStage(t *testing.T, f *fake, v Variant, o Options) *stage {
	t.Helper()
	dress(t, v)
	s := &stage{t: t, f: f, now: noon, file: &fakeFiles{}}
	f.ready = make(chan struct{})
	s.b = newBridge(t.Context(), s.do, s.later)
	s.win = test.NewTempWindow(t, nil)
	o.Now = func() time.Time { s.mu.Lock(); defer s.mu.Unlock(); return s.now }
	o.Files = s.file
	o.Copy = func(c string) { s.sent = append(s.sent, c) }
	s.w = New(s.win, f, s.b, o)
	s.win.Resize(fyne.NewSize(1100, 720))
	s.w.Start()
	t.Cleanup(func() {
		s.b.Close()
		s.drain()
	})
	<-f.ready
	s.settle()
	return s
}

// push tells the window of a new state.
func (s *stage) push(change func(*api.Snapshot)) {
	s.f.mu.Lock()
	change(&s.f.snap)
	s.f.snap.Revision++
	snap := s.f.snap
	s.f.mu.Unlock()
	s.f.event(api.Event{Snapshot: &snap})
	s.settle()
}

func (f *fake) Exposure(ctx context.Context) (api.View, error) {
	err := f.enter(ctx, "Exposure")
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view, err
}

func (f *fake) SetListener(ctx context.Context, id platforms.AccountID, l api.Listener) (api.Door, error) {
	if err := f.enter(ctx, "SetListener "+string(id)+" "+l.Bind+" "+l.Public); err != nil {
		return api.Door{}, err
	}
	if f.listen != nil {
		return f.listen(l)
	}
	return api.Door{Account: id, Listener: l, Needs: true}, nil
}

func (f *fake) RemoveListener(ctx context.Context, id platforms.AccountID) error {
	return f.enter(ctx, "RemoveListener "+string(id))
}

func (f *fake) CloseDoor(ctx context.Context, id platforms.AccountID) error {
	return f.enter(ctx, "CloseDoor "+string(id))
}

func (f *fake) OpenDoor(ctx context.Context, id platforms.AccountID) (api.Door, error) {
	return api.Door{Account: id}, f.enter(ctx, "OpenDoor "+string(id))
}

func (f *fake) Ask(ctx context.Context, id platforms.AccountID) (api.Question, error) {
	err := f.enter(ctx, "Ask "+string(id))
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.question, err
}

func (f *fake) Acknowledge(ctx context.Context, id platforms.AccountID, a api.Answer) (api.Door, error) {
	if err := f.enter(ctx, fmt.Sprintf("Acknowledge %s %s %s %d", id, a.Nonce, a.Typed, a.Days)); err != nil {
		return api.Door{}, err
	}
	if f.ack != nil {
		return f.ack(a)
	}
	return api.Door{Account: id, Open: true}, nil
}

func (f *fake) Audit(ctx context.Context, before uint64, limit int) (api.AuditPage, error) {
	err := f.enter(ctx, fmt.Sprintf("Audit %d", before))
	f.mu.Lock()
	defer f.mu.Unlock()
	out := f.audit
	out.Lines = nil
	for _, a := range f.audit.Lines {
		if (before == 0 || a.Seq < before) && len(out.Lines) < limit {
			out.Lines = append(out.Lines, a)
		}
	}
	return out, err
}

func (f *fake) ExportAudit(ctx context.Context) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("{}\n")), f.enter(ctx, "ExportAudit")
}

func (f *fake) Make(ctx context.Context, platform, field string) (api.Made, error) {
	return api.Made{Value: "whsec_made"}, f.enter(ctx, "Make "+platform+" "+field)
}
