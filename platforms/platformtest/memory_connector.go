package platformtest

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/markup"
)

// memoryBatch is how many events one poll brings.
const memoryBatch = 100

// memoryConnector speaks with a Memory. Like every connector it knows its
// Config only; all else is the server's.
type memoryConnector struct {
	server *Memory
	config platforms.Config
}

var (
	_ platforms.Editor  = (*memoryConnector)(nil)
	_ platforms.Typer   = (*memoryConnector)(nil)
	_ platforms.Opener  = (*memoryConnector)(nil)
	_ platforms.Clicker = (*memoryConnector)(nil)
	_ platforms.Prober  = (*memoryConnector)(nil)
	_ platforms.Fixer   = (*memoryConnector)(nil)
)

// enter is how every call begins: it finds the account, and fails as the server
// was told to. lost says that the call is to be carried out, and then to fail.
func (c *memoryConnector) enter(ctx context.Context, stream bool) (b *MemoryBot, lost bool, err error) {
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	b = c.server.login(c.config.Secrets["token"].Reveal())
	if b == nil {
		return nil, false, unauthorized()
	}
	f, failing, err := b.next(stream)
	if err != nil || !failing {
		return b, false, err
	}
	switch f.Kind {
	case Malformed:
		return nil, false, temporary(errMalformed)
	case Limited:
		return nil, false, &platforms.Error{
			Kind: platforms.RateLimited, RetryAfter: f.RetryAfter,
			Text: fmt.Sprintf("Memory asks to wait %v. The next try follows after that.", f.RetryAfter),
		}
	case Hang:
		bot := b // the result b is nil when the deferred call runs
		bot.do(func() { bot.held++ })
		defer bot.do(func() { bot.held-- })
		if err := bot.wait(ctx, func() bool { return bot.closed }); err != nil {
			return nil, false, err
		}
		return nil, false, temporary(errCut)
	case Lost:
		return b, true, nil
	case Status:
		switch f.Code {
		case 401:
			return nil, false, unauthorized()
		case 403, 404:
			return nil, false, rejected("The server answers %d. Ask who runs it.", f.Code)
		}
	}
	return nil, false, temporary(errInternal)
}

// next is how the next call fails, if it does.
func (b *MemoryBot) next(stream bool) (f Fault, failing bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.down:
		return f, false, temporary(errUnreachable)
	case b.revoked:
		return f, false, unauthorized()
	}
	faults := &b.callFault
	if stream {
		faults = &b.streamFault
	}
	if len(*faults) == 0 {
		return f, false, nil
	}
	f, *faults = (*faults)[0], (*faults)[1:]
	return f, true, nil
}

func unauthorized() error {
	return &platforms.Error{Kind: platforms.Unauthorized, Text: "Memory refuses the token. Enter the account's current one."}
}

func temporary(err error) error {
	return &platforms.Error{Kind: platforms.Temporary, Text: "Memory can't be reached. The next try follows by itself.", Err: err}
}

func rejected(format string, args ...any) error {
	return &platforms.Error{Kind: platforms.Rejected, Text: fmt.Sprintf(format, args...)}
}

// Check is platforms.Connector's.
func (c *memoryConnector) Check(ctx context.Context) (platforms.Identity, error) {
	b, lost, err := c.enter(ctx, false)
	if err != nil {
		return platforms.Identity{}, err
	}
	if lost {
		return platforms.Identity{}, temporary(errCut)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return platforms.Identity{ID: b.id, Name: "Memory bot", Handle: "@memory", Problems: slices.Clone(b.problems)}, nil
}

// Run is platforms.Connector's: it polls, and the place it polls from
// acknowledges what came before.
func (c *memoryConnector) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	at, err := strconv.Atoi(string(from))
	if err != nil && from != "" {
		return rejected("The saved place in the conversation is damaged. Remove the account and add it again.")
	}
	sink.State(platforms.State{Phase: platforms.Connecting})
	b := c.server.login(c.config.Secrets["token"].Reveal())
	if b == nil {
		return unauthorized()
	}
	b.mu.Lock()
	epoch := b.epoch
	b.mu.Unlock()
	for connected := false; ; {
		b, lost, err := c.enter(ctx, true)
		if err != nil {
			return err
		}
		if lost {
			return temporary(errCut)
		}
		if !connected {
			connected = true
			sink.State(platforms.State{Phase: platforms.Connected, Hears: true})
			if c.config.Log != nil {
				c.config.Log.Debug("connected")
			}
		}
		batch, err := b.poll(ctx, epoch, at)
		if err != nil {
			return err
		}
		for _, u := range batch {
			ev := u.event
			ev.ID = platforms.EventID("e" + strconv.Itoa(u.seq))
			ev.Cursor = platforms.Cursor(strconv.Itoa(max(at, u.seq)))
			if u.odd {
				ev = platforms.Event{ID: ev.ID, Cursor: ev.Cursor}
			}
			if err := sink.Event(ctx, ev); err != nil {
				return err
			}
			at = max(at, u.seq)
		}
	}
}

// poll acknowledges everything up to at, and waits for what is newer.
func (b *MemoryBot) poll(ctx context.Context, epoch, at int) (batch []update, err error) {
	b.do(func() {
		n := 0
		for n < len(b.updates) && b.updates[n].seq <= at && !b.updates[n].again {
			if m := b.updates[n].event; m.Kind == platforms.MessageReceived {
				b.acked = append(b.acked, m.Message)
			}
			n++
		}
		b.updates = b.updates[n:]
	})
	err = b.wait(ctx, func() bool {
		if b.panicking {
			b.panicking = false
			panic("memory: told to panic")
		}
		batch = slices.Clone(b.updates[:min(len(b.updates), memoryBatch)])
		return len(batch) > 0 || b.epoch != epoch || b.conflict
	})
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case err != nil:
		return nil, err
	case b.conflict:
		return nil, &platforms.Error{Kind: platforms.Conflict, Text: "Another program uses this token. Stop it, or give each its own account."}
	case b.revoked:
		return nil, unauthorized()
	case b.epoch != epoch:
		return nil, temporary(errCut)
	}
	for i := range b.updates {
		b.updates[i].again = false
	}
	return batch, nil
}

// Send is platforms.Connector's.
func (c *memoryConnector) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	s, err := c.sent(m)
	if err != nil {
		return "", err
	}
	b, lost, err := c.enter(ctx, false)
	if err != nil {
		return "", err
	}
	id, err := b.accept(m, s)
	if lost && err == nil {
		return "", temporary(errCut)
	}
	return id, err
}

// sent reads a message's files and puts it in the server's form.
func (c *memoryConnector) sent(m platforms.Message) (Sent, error) {
	s := Sent{Conversation: m.Conversation, Thread: m.Thread, ReplyTo: m.ReplyTo, Text: m.Text}
	if m.Format == platforms.Markdown {
		s.Text = markup.Plain(markup.Parse(m.Text))
	}
	for _, row := range m.Buttons {
		s.Buttons = append(s.Buttons, slices.Clone(row))
	}
	for _, f := range m.Files {
		if f.Size > memoryLimits().Upload {
			return s, rejected("The file %q is too large. Send a smaller one.", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return s, temporary(err)
		}
		data, err := io.ReadAll(r)
		if closing := r.Close(); err == nil {
			err = closing
		}
		if err != nil {
			return s, temporary(err)
		}
		name := path.Base(strings.ReplaceAll(f.Name, `\`, "/"))
		s.Files = append(s.Files, Content{Name: name, MediaType: f.MediaType, Data: data})
	}
	return s, nil
}

// accept is the server's side of Send.
func (b *MemoryBot) accept(m platforms.Message, s Sent) (id platforms.MessageID, err error) {
	b.do(func() {
		if first, ok := b.keys[m.Key]; ok && b.Idempotent && m.Key != "" {
			id = first
			return
		}
		if err = b.allowed(s); err != nil {
			return
		}
		id = b.nextID()
		s.ID = id
		b.keys[m.Key] = id
		b.sent = append(b.sent, s)
		b.show(s)
	})
	return id, err
}

// show makes the buttons of s ready for Click; b.mu is held.
func (b *MemoryBot) show(s Sent) {
	for _, row := range s.Buttons {
		for _, button := range row {
			b.pressed[string(s.Conversation)+"\x00"+string(s.ID)+"\x00"+button.Label] = button
		}
	}
}

// allowed is the server's own idea of the limits; b.mu is held.
func (b *MemoryBot) allowed(s Sent) error {
	l := memoryLimits()
	most := l.Text
	if len(s.Files) > 0 {
		most = l.Caption
	}
	if n := len(utf16.Encode([]rune(s.Text))); n > most {
		return rejected("The text is %d units long, %d are allowed. Shorten it.", n, most)
	}
	if !b.known[s.Conversation] {
		return rejected("There is no conversation %q. Check its id.", s.Conversation)
	}
	if s.Text == "" && len(s.Files) == 0 {
		return rejected("The message is empty. Write something.")
	}
	n := 0
	for _, row := range s.Buttons {
		if n += len(row); len(row) > l.ButtonsPerRow {
			return rejected("A row has too many buttons. Use more rows.")
		}
		for _, button := range row {
			if len(button.Data) > l.Data || utf8.RuneCountInString(button.Label) > l.Label {
				return rejected("The button %q is too long. Shorten it.", button.Label)
			}
		}
	}
	if n > l.Buttons {
		return rejected("The message has too many buttons. Leave some out.")
	}
	return nil
}

// Edit is platforms.Editor's.
func (c *memoryConnector) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	s, err := c.sent(m)
	if err != nil {
		return err
	}
	b, _, err := c.enter(ctx, false)
	if err != nil {
		return err
	}
	b.do(func() {
		i := slices.IndexFunc(b.sent, func(o Sent) bool { return o.ID == id && o.Conversation == m.Conversation })
		if i < 0 {
			err = rejected("The message to edit is gone. Send a new one.")
			return
		}
		if err = b.allowed(s); err != nil {
			return
		}
		s.ID, s.Edited = id, true
		b.sent[i] = s
		b.show(s)
	})
	return err
}
