// Package controltest has a Backend that lives in memory, for the tests of the
// local interface and of its clients. It imports nothing of the program behind
// that interface.
package controltest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/clients"
	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
)

// At is the time of everything in a Backend.
func At() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

// Backend answers from memory. Its fields are set before it is used; its
// methods may be called from several goroutines.
type Backend struct {
	// Err, if set, may refuse a call by its name: "Snapshot" can't be refused.
	Err func(call string) error
	// Wait, if set, may hold up a call by its name until ctx ends.
	Wait func(ctx context.Context, call string)
	// Checked is what checks find; its Error depends on Good if that is set.
	Checked api.Check
	// Good, if not empty, is the only secret that a check accepts.
	Good string
	// Take, if set, takes the place of reading each upload into memory.
	Take func(u control.Upload) error
	// Findings, if set, take the place of Examined.
	Findings []api.Finding

	// Added, if set, sees each responder that is to be added.
	Added func(d api.ResponderDraft)
	// Quitted is called by Quit.
	Quitted func()

	mu            sync.Mutex
	snapshot      api.Snapshot
	view          api.View
	answering     Answering
	coming        Coming
	platforms     []api.Platform
	conversations []api.Conversation
	entries       []api.Entry
	activity      []api.Activity
	settings      api.Settings
	book          clients.Book
	files         map[string][]byte
	calls         []string
	drafts        []api.AccountDraft
	keys          []string
	watchers      map[chan struct{}]struct{}
}

var _ control.Backend = (*Backend)(nil)

// New is a Backend with one platform, "pigeon", one account of it, and two
// messages in one conversation.
func New() *Backend {
	b := &Backend{
		Checked:  api.Check{Identity: platforms.Identity{ID: "1", Name: "Coo", Handle: "@coo"}, Exposure: exposure.Outbound},
		files:    map[string][]byte{},
		watchers: map[chan struct{}]struct{}{},
		platforms: []api.Platform{{Name: "pigeon", Title: "Pigeon", Summary: "By air.", Exposure: exposure.Outbound,
			Setup: platforms.Guide{Steps: []platforms.Step{{Text: "Feed the pigeon."}}},
			Fields: []api.Field{
				{Key: "token", Label: "Token", Secret: true, Required: true},
				{Key: "loft", Label: "Loft"},
			}}},
		settings: api.Settings{Notifications: true, AskAfter: 10 * time.Minute, KeepFor: 30 * 24 * time.Hour, KeepBytes: 1 << 30},
	}
	b.snapshot = api.Snapshot{
		Revision: 1, At: At(),
		Program: api.Program{Version: "1.0", PID: 4711, Started: At(), DataDir: "/data", Vault: "the keyring"},
		Accounts: []api.Account{{ID: "pigeon", Platform: "pigeon", Title: "Pigeon", Name: "Homer", Handle: "@homer",
			Status: api.Connected, Since: At(), Exposure: exposure.Outbound, Hears: api.Light{Proven: At()}}},
		Exposure: api.Exposure{exposure.Outbound: 1},
		Unread:   2,
	}
	b.conversations = []api.Conversation{{Account: "pigeon", ID: "c1", Kind: platforms.Direct, Title: "Alice", Last: At(), Preview: "coo?", Unread: 2}}
	for i, text := range []string{"hello", "coo?"} {
		b.entries = append(b.entries, api.Entry{Seq: uint64(i + 1), Account: "pigeon", Conversation: "c1", Kind: platforms.MessageReceived,
			Status: api.Delivered, At: At(), Stored: At(), From: platforms.User{ID: "u1", Name: "Alice", Handle: "@alice"}, Text: text})
	}
	return b
}

// Change changes what the Backend holds, and tells its watchers.
func (b *Backend) Change(f func(s *State)) {
	b.mu.Lock()
	f(&State{&b.snapshot, &b.platforms, &b.conversations, &b.entries, &b.activity})
	b.snapshot.Revision++
	for w := range b.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	b.mu.Unlock()
}

// State is what Change can change.
type State struct {
	Snapshot      *api.Snapshot
	Platforms     *[]api.Platform
	Conversations *[]api.Conversation
	Entries       *[]api.Entry
	Activity      *[]api.Activity
}

// Calls are the calls so far that do something, with their arguments.
func (b *Backend) Calls() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// Drafts are the account drafts that were checked or saved.
func (b *Backend) Drafts() []api.AccountDraft {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.drafts)
}

// Keys are the keys of the messages that were sent.
func (b *Backend) Keys() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.keys)
}

// File is an upload's content, by name.
func (b *Backend) File(name string) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.files[name]
}

// Watchers is how many there are.
func (b *Backend) Watchers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.watchers)
}

func (b *Backend) call(ctx context.Context, name string, args ...any) error {
	if b.Wait != nil {
		b.Wait(ctx, name)
	}
	b.mu.Lock()
	b.calls = append(b.calls, strings.TrimSpace(name+" "+strings.TrimSpace(fmt.Sprintln(args...))))
	b.mu.Unlock()
	if b.Err != nil {
		return b.Err(name)
	}
	return nil
}

// Snapshot is the state.
func (b *Backend) Snapshot() api.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.snapshot
	s.Accounts = slices.Clone(s.Accounts)
	return s
}

// Watch tells of changes.
func (b *Backend) Watch(ctx context.Context) <-chan struct{} {
	in := make(chan struct{}, 1)
	b.mu.Lock()
	b.watchers[in] = struct{}{}
	b.mu.Unlock()
	context.AfterFunc(ctx, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, in)
	})
	return in
}

// Platforms is the one platform.
func (b *Backend) Platforms() []api.Platform {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.platforms)
}

// AddAccount adds an account without asking anything.
func (b *Backend) AddAccount(ctx context.Context, d api.AccountDraft) (api.Account, error) {
	if err := b.call(ctx, "AddAccount", d.Platform, d.Name); err != nil {
		return api.Account{}, err
	}
	a := api.Account{ID: "pigeon-2", Platform: d.Platform, Title: "Pigeon", Name: d.Name, Status: api.Connecting, Exposure: exposure.Outbound}
	b.Change(func(s *State) { s.Snapshot.Accounts = append(s.Snapshot.Accounts, a) })
	b.remember(d)
	return a, nil
}

func (b *Backend) remember(d api.AccountDraft) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drafts = append(b.drafts, d)
}

// ChangeAccount remembers the draft.
func (b *Backend) ChangeAccount(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Account, error) {
	b.remember(d)
	return api.Account{ID: id, Name: d.Name}, b.call(ctx, "ChangeAccount", id)
}

// RemoveAccount does nothing.
func (b *Backend) RemoveAccount(ctx context.Context, id platforms.AccountID) error {
	return b.call(ctx, "RemoveAccount", id)
}

// CheckDraft finds Checked.
func (b *Backend) CheckDraft(ctx context.Context, id platforms.AccountID, d api.AccountDraft) (api.Check, error) {
	b.remember(d)
	c := b.Checked
	if b.Good != "" && d.Values["token"] != b.Good {
		c.Error = &api.Error{Kind: platforms.Unauthorized, Text: "The token is refused. Paste the current one."}
	}
	return c, b.call(ctx, "CheckDraft", id)
}

// CheckAccount finds Checked.
func (b *Backend) CheckAccount(ctx context.Context, id platforms.AccountID) (api.Check, error) {
	return b.Checked, b.call(ctx, "CheckAccount", id)
}

// Fix finds Checked.
func (b *Backend) Fix(ctx context.Context, id platforms.AccountID, code string) (api.Check, error) {
	return b.Checked, b.call(ctx, "Fix", id, code)
}

// Pause does nothing.
func (b *Backend) Pause(ctx context.Context, id platforms.AccountID) error {
	return b.call(ctx, "Pause", id)
}

// Resume does nothing.
func (b *Backend) Resume(ctx context.Context, id platforms.AccountID) error {
	return b.call(ctx, "Resume", id)
}

// Conversations is the list.
func (b *Backend) Conversations(ctx context.Context, limit int) ([]api.Conversation, error) {
	err := b.call(ctx, "Conversations", limit)
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.conversations), err
}

// Timeline is a page of the messages.
func (b *Backend) Timeline(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, before uint64, limit int) ([]api.Entry, error) {
	if err := b.call(ctx, "Timeline", id, c, before, limit); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []api.Entry
	for _, e := range b.entries {
		if e.Account == id && e.Conversation == c && (before == 0 || e.Seq < before) {
			out = append(out, e)
		}
	}
	if limit > 0 {
		out = out[max(0, len(out)-limit):]
	}
	return out, nil
}

// Search finds messages by their text.
func (b *Backend) Search(ctx context.Context, query string, limit int) ([]api.Entry, error) {
	err := b.call(ctx, "Search", query, limit)
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []api.Entry
	for _, e := range slices.Backward(b.entries) {
		if strings.Contains(e.Text, query) {
			out = append(out, e)
		}
	}
	return out, err
}

// Entry is one message.
func (b *Backend) Entry(ctx context.Context, seq uint64) (api.Entry, error) {
	if err := b.call(ctx, "Entry", seq); err != nil {
		return api.Entry{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.entries {
		if e.Seq == seq {
			return e, nil
		}
	}
	return api.Entry{}, &api.Error{Kind: platforms.Rejected, Text: "There is no such message."}
}

// MarkRead does nothing.
func (b *Backend) MarkRead(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, upTo uint64) error {
	return b.call(ctx, "MarkRead", id, c, upTo)
}

// Attachment is an upload's content, or 2 MiB of zeros.
func (b *Backend) Attachment(ctx context.Context, seq uint64, index int) (api.Attachment, io.ReadCloser, error) {
	if err := b.call(ctx, "Attachment", seq, index); err != nil {
		return api.Attachment{}, nil, err
	}
	e, err := b.Entry(ctx, seq)
	if err != nil {
		return api.Attachment{}, nil, err
	}
	a := e.Attachments[index]
	if f := b.File(a.Name); f != nil {
		return a, io.NopCloser(bytes.NewReader(f)), nil
	}
	return a, io.NopCloser(io.LimitReader(zeros{}, 2<<20)), nil
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Send keeps the message as queued.
func (b *Backend) Send(ctx context.Context, d api.Draft, files []control.Upload) (api.Entry, error) {
	if err := b.call(ctx, "Send", d.Account, d.Conversation, d.Text); err != nil {
		return api.Entry{}, err
	}
	e := api.Entry{Account: d.Account, Conversation: d.Conversation, Outgoing: true, Status: api.Queued, At: At(), Stored: At(), Text: d.Text, ReplyTo: d.ReplyTo, Thread: d.Thread}
	for _, f := range files {
		e.Attachments = append(e.Attachments, api.Attachment{Name: f.Name, MediaType: f.MediaType})
		if b.Take != nil {
			if err := b.Take(f); err != nil {
				return api.Entry{}, err
			}
			continue
		}
		content, err := io.ReadAll(f.Body)
		if err != nil {
			return api.Entry{}, fmt.Errorf("spool: %w", err)
		}
		b.mu.Lock()
		b.files[f.Name] = content
		b.mu.Unlock()
	}
	b.Change(func(s *State) {
		b.keys = append(b.keys, d.Key)
		e.Seq = uint64(len(*s.Entries) + 1)
		*s.Entries = append(*s.Entries, e)
	})
	return e, nil
}

// Resend does nothing.
func (b *Backend) Resend(ctx context.Context, seq uint64) error { return b.call(ctx, "Resend", seq) }

// Discard does nothing.
func (b *Backend) Discard(ctx context.Context, seq uint64) error { return b.call(ctx, "Discard", seq) }

// Release does nothing.
func (b *Backend) Release(ctx context.Context, seq uint64) error { return b.call(ctx, "Release", seq) }

// Dismiss does nothing.
func (b *Backend) Dismiss(ctx context.Context, seq uint64) error { return b.call(ctx, "Dismiss", seq) }
