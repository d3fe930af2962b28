package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/hooks"
	"github.com/postern/postern/app/internal/store"
	"github.com/postern/postern/app/internal/vault"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
)

var _ control.Backend = (*App)(nil)

// maxPage bounds one answer to a question about the journal.
const maxPage = 1000

func page(limit, usual int) int {
	if limit <= 0 {
		return usual
	}
	return min(limit, maxPage)
}

// Conversations is the inbox, unread ones first.
func (a *App) Conversations(_ context.Context, limit int) ([]api.Conversation, error) {
	list, err := a.store.Conversations(page(limit, 200))
	if err != nil {
		return nil, wireError(err)
	}
	out := make([]api.Conversation, 0, len(list))
	for _, c := range list {
		out = append(out, api.Conversation{Account: c.Account, ID: c.ID, Kind: c.Kind, Title: c.Title, Last: c.Last,
			Preview: c.Preview, Unread: c.Unread, Away: c.Away, Stranger: c.Stranger, Queued: c.Queued, Dead: c.Dead})
	}
	return out, nil
}

// Timeline is a page of one conversation, oldest first.
func (a *App) Timeline(_ context.Context, id platforms.AccountID, c platforms.ConversationID, before uint64, limit int) ([]api.Entry, error) {
	if _, err := a.account(id); err != nil {
		return nil, err
	}
	list, err := a.store.Timeline(id, c, before, page(limit, 100))
	return entries(list), wireErrorOrNil(err)
}

// Search finds messages, newest first.
func (a *App) Search(ctx context.Context, query string, limit int) ([]api.Entry, error) {
	if strings.TrimSpace(query) == "" {
		return nil, nil
	}
	list, err := a.store.Search(ctx, query, page(limit, 100))
	return entries(list), wireErrorOrNil(err)
}

// MarkRead takes the entries up to upTo from the unread ones.
func (a *App) MarkRead(ctx context.Context, id platforms.AccountID, c platforms.ConversationID, upTo uint64) error {
	defer a.changed()
	return wireErrorOrNil(a.store.MarkRead(ctx, id, c, upTo))
}

// Attachment opens one file of an entry. The caller closes it.
func (a *App) Attachment(ctx context.Context, seq uint64, index int) (api.Attachment, io.ReadCloser, error) {
	e, err := a.store.Entry(seq)
	if err != nil {
		return api.Attachment{}, nil, wireError(err)
	}
	v := entry(e)
	if index < 0 || index >= len(v.Attachments) {
		return api.Attachment{}, nil, &api.Error{Kind: platforms.Rejected, Text: "This message has no such attachment."}
	}
	if e.Outgoing {
		r, err := a.store.OpenSpooled(e.Spooled[index])
		return v.Attachments[index], r, wireErrorOrNil(err)
	}
	acc, err := a.account(e.Account)
	if err != nil {
		return api.Attachment{}, nil, err
	}
	conn, err := acc.connector(ctx)
	if err != nil {
		return api.Attachment{}, nil, wireError(err)
	}
	opener, ok := conn.(platforms.Opener)
	if !ok {
		return api.Attachment{}, nil, &api.Error{Kind: platforms.Unsupported, Text: acc.platform.Title + " does not let bots fetch files."}
	}
	r, err := opener.Open(ctx, e.Event.Attachments[index])
	return v.Attachments[index], r, wireErrorOrNil(err)
}

// Send queues a message and returns once it is on disk.
func (a *App) Send(ctx context.Context, d api.Draft, files []control.Upload) (api.Entry, error) {
	acc, err := a.account(d.Account)
	if err != nil {
		return api.Entry{}, err
	}
	on := acc.offers()
	if on.Limits.Mute {
		return api.Entry{}, &api.Error{Kind: platforms.Unsupported, Text: acc.platform.Title + " only brings messages. Nothing can be sent through it; choose another account."}
	}
	if d.Conversation == "" {
		d.Conversation = on.Only
	}
	if err := into(on, d.Conversation); err != nil {
		return api.Entry{}, err
	}
	if len(d.Key) > 200 {
		return api.Entry{}, &api.Error{Kind: platforms.Rejected, Text: "The message's key is longer than 200 bytes. Use a shorter one."}
	}
	if d.Format != platforms.Plain && d.Format != platforms.Markdown {
		return api.Entry{}, &api.Error{Kind: platforms.Rejected, Text: "The message's format is not known. Use markdown, or none for plain text."}
	}
	if _, marked := withoutMarks(d.Buttons); marked > 0 {
		return api.Entry{}, &api.Error{Kind: platforms.Rejected, Text: "A button's data begins with " + askMark + ", which only the buttons of a permission do. Choose other data."}
	}
	m := platforms.Message{Key: d.Key, Conversation: d.Conversation, Thread: d.Thread, ReplyTo: d.ReplyTo, Text: d.Text, Format: d.Format, Buttons: d.Buttons}
	if m.Key == "" {
		m.Key = "u/" + rand.Text()
	}
	if len(files) > 0 && on.Limits.Upload == 0 {
		return api.Entry{}, wireError(errNoFiles)
	}
	var spooled []store.SpooledFile
	for _, f := range files {
		s, err := a.store.Spool(ctx, f.Name, f.MediaType, on.Limits.Upload, f.Body)
		if err != nil {
			return api.Entry{}, wireError(err)
		}
		spooled = append(spooled, s)
		m.Files = append(m.Files, platforms.File{Name: s.Name, MediaType: s.MediaType, Size: s.Size})
	}
	if _, err := parts(m, on); err != nil {
		return api.Entry{}, wireError(err)
	}
	acc.mu.Lock()
	ephemeral := acc.rec.Ephemeral
	acc.mu.Unlock()
	seq, err := a.enqueue(ctx, acc, store.Outgoing{Account: d.Account, Message: m, Spooled: spooled, Ephemeral: ephemeral})
	if err != nil {
		return api.Entry{}, wireError(err)
	}
	return a.Entry(ctx, seq)
}

// Entry is one message by its place in the journal.
func (a *App) Entry(_ context.Context, seq uint64) (api.Entry, error) {
	e, err := a.store.Entry(seq)
	if err != nil {
		return api.Entry{}, wireError(err)
	}
	return entry(e), nil
}

// Title is a conversation's name, empty if it has none or is not known.
func (a *App) Title(id platforms.AccountID, c platforms.ConversationID) string {
	title, err := a.store.Title(id, c)
	if err != nil {
		a.log.Warn("a conversation's title could not be read", "err", err)
	}
	return title
}

// Resend queues a dead letter again.
func (a *App) Resend(ctx context.Context, seq uint64) error {
	ref, err := a.store.Resend(ctx, seq)
	if err != nil {
		return wireError(err)
	}
	a.outbound.signal(lane{ref.Account, ref.Conversation})
	a.changed()
	return nil
}

// Discard gives a dead letter up.
func (a *App) Discard(ctx context.Context, seq uint64) error {
	defer a.changed()
	return wireErrorOrNil(a.store.Discard(ctx, seq))
}

// Activity is what happened and why, newest first.
func (a *App) Activity(_ context.Context, q control.ActivityQuery) ([]api.Activity, error) {
	what := make([]string, len(q.What))
	for i, w := range q.What {
		what[i] = string(w)
	}
	list, err := a.store.Activity(store.ActivityQuery{Before: q.Before, Limit: page(q.Limit, 200), Account: q.Account, What: what, Text: q.Text})
	if err != nil {
		return nil, wireError(err)
	}
	out := make([]api.Activity, 0, len(list))
	for _, r := range list {
		out = append(out, api.Activity{Seq: r.Seq, At: r.At, What: api.What(r.What), Account: r.Account,
			Conversation: r.Conversation, Who: r.Who, Why: r.Why, Entry: r.Entry, User: r.User})
	}
	return out, nil
}

func entries(list []store.Entry) []api.Entry {
	out := make([]api.Entry, 0, len(list))
	for _, e := range list {
		out = append(out, entry(e))
	}
	return out
}

// entry is a stored message as the outside sees it.
func entry(e store.Entry) api.Entry {
	v := api.Entry{
		Seq: e.Seq, Account: e.Account, Conversation: e.Conversation, Outgoing: e.Outgoing,
		Status: api.EntryStatus(e.Status), Why: e.Why, At: e.Stored, Stored: e.Stored, IDs: e.IDs,
		Replay: e.Replay, ReplayRequest: e.ReplayRequest, Away: e.Away, Stranger: e.Stranger, MayDuplicate: e.MayDuplicate, Edited: e.Edited, Erased: e.Erased,
	}
	switch {
	case e.Event != nil:
		ev := e.Event
		v.Kind, v.At, v.From, v.Thread, v.Message, v.ReplyTo = ev.Kind, ev.Time, ev.From, ev.Thread, ev.Message, ev.ReplyTo
		v.Text, v.Note, v.Click = ev.Text, ev.Note, ev.Click
		for _, f := range ev.Attachments {
			v.Attachments = append(v.Attachments, api.Attachment{Name: f.Name, MediaType: f.MediaType, Size: f.Size})
		}
	case e.Message != nil:
		m := e.Message
		v.Kind, v.Thread, v.ReplyTo, v.Text, v.Buttons = platforms.MessageReceived, m.Thread, m.ReplyTo, m.Text, m.Buttons
		if o, ok := hooks.ReadOrigin(e.Origin); ok {
			v.Hook, v.Poster, v.Avatar = o.Name, o.Poster, o.Avatar
		}
		if e.Plain != "" { // shown as it reads
			v.Text = e.Plain
		}
		for _, f := range e.Spooled {
			v.Attachments = append(v.Attachments, api.Attachment{Name: f.Name, MediaType: f.MediaType, Size: f.Size})
		}
	}
	return v
}

// isVault reports whether err comes from the vault being out of reach.
func isVault(err error) bool {
	var u *vault.Unavailable
	return errors.As(err, &u) || errors.Is(err, vault.ErrNotFound)
}

// isStore reports whether err comes from the journal.
func isStore(err error) bool {
	return errors.Is(err, store.ErrFull) || errors.Is(err, store.ErrReadOnly) || errors.Is(err, store.ErrDamaged)
}

// wireError is err as the local interface tells it. Only errors that were
// written for a person, or that are known to hold nothing private, come
// through with their text.
func wireError(err error) *api.Error {
	var wire *api.Error
	if errors.As(err, &wire) {
		return wire
	}
	if errors.Is(err, store.ErrNotFound) {
		return &api.Error{Kind: platforms.Rejected, Text: "There is no such message, or it is not kept any more."}
	}
	return &api.Error{Kind: platforms.KindOf(err), Text: text.Sentence(platforms.Explain(err))}
}

func wireErrorOrNil(err error) error {
	if err == nil {
		return nil
	}
	return wireError(err)
}

// isShared reports whether a lane's conversation has more people than one.
func (a *App) isShared(l lane) bool {
	shared, err := a.store.Shared(l.account, l.conversation)
	return err == nil && shared
}

// describe is for logs.
func (l lane) String() string { return fmt.Sprintf("%s/%s", l.account, l.conversation) }

// Mute reports whether nothing can be sent through an account, or there is none.
func (a *App) Mute(id platforms.AccountID) bool {
	c, err := a.account(id)
	return err != nil || c.offers().Limits.Mute
}
