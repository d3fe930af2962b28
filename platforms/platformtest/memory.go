package platformtest

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/platforms"
)

// MemoryToken is the token of the account that every Memory begins with.
const MemoryToken = "memory-token:first/ZnJlc2g+c2VjcmV0"

// Memory is a chat platform inside the process: no network, no goroutines, no
// delays. Its server side keeps what was said until the bot acknowledges it,
// so a program can be stopped, or crash, and be started again against it.
//
// The embedded MemoryBot is the account of MemoryToken; Bot makes more.
type Memory struct {
	*MemoryBot

	mu   sync.Mutex
	bots map[string]*MemoryBot
}

// The conversations and people that every account of a Memory knows. Group has
// one thread. Other conversations come to be when somebody says something there.
const (
	MemoryPerson platforms.UserID         = "person-1"
	MemoryDirect platforms.ConversationID = "direct-1"
	MemoryGroup  platforms.ConversationID = "group-1"
	MemoryThread platforms.ThreadID       = "thread-1"
)

// NewMemory makes a platform with one account.
func NewMemory() *Memory {
	m := &Memory{bots: map[string]*MemoryBot{}}
	m.MemoryBot = m.Bot(MemoryToken)
	return m
}

// Bot is the account with this token; it is created at the first call.
func (m *Memory) Bot(token string) *MemoryBot {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := m.bots[token]
	if b == nil {
		b = newMemoryBot(platforms.UserID("bot-" + strconv.Itoa(len(m.bots)+1)))
		m.bots[token] = b
	}
	return b
}

func (m *Memory) login(token string) *MemoryBot {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bots[token]
}

// Platform describes m. Connectors that it makes belong to the account whose
// token is in their Config.
func (m *Memory) Platform() platforms.Platform {
	return platforms.Platform{
		Name: "memory", Title: "Memory", Glyph: "M",
		Summary: "A chat platform inside this process, for tests.",
		Fields: []platforms.Field{{
			Key: "token", Label: "Token", Secret: true, Required: true,
			Help: "Any token that the Memory knows.",
		}},
		Limits: memoryLimits(), IDs: memoryIDs(), Inbound: platforms.Dials,
		New: func(c platforms.Config) (platforms.Connector, error) {
			return &memoryConnector{server: m, config: c}, nil
		},
	}
}

// memoryIDs takes every id that tests give people, as in “ada”, and shared places
// by their beginning.
func memoryIDs() platforms.IDs {
	return platforms.IDs{
		User: `^[a-z0-9-]{1,64}$`, Conversation: `^group[a-z0-9-]{0,64}$`,
		UserHelp: "Read it in the test.", ConversationHelp: "Read it in the test.",
		Nobody: []platforms.UserID{"nobody"},
	}
}

func memoryLimits() platforms.Limits {
	return platforms.Limits{
		Text: 4096, Caption: 1024, Unit: platforms.UTF16,
		Buttons: 12, ButtonsPerRow: 4, Label: 40, Data: 64,
		Upload: 50 << 20, Download: 20 << 20,
		Edit: true, Threads: true, Typing: 5 * time.Second, Redelivery: 24 * time.Hour,
	}
}

// update is one event that waits for the bot.
type update struct {
	seq   int
	event platforms.Event // without ID and Cursor, which are the connector's to make
	odd   bool            // of a type that nobody knows
	again bool            // to be delivered also to who has seen it
}

// MemoryBot is one account as the server sees it: what people do, what the bot
// sent, and how things fail.
type MemoryBot struct {
	// Idempotent makes a second message with the key of an earlier one give
	// the id of that, instead of a second message. Set it before use.
	Idempotent bool

	id platforms.UserID

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at every change
	updates  []update      // not acknowledged, oldest first
	last     update        // the last one made, for Redeliver
	seq      int
	acked    []platforms.MessageID
	messages int
	sent     []Sent
	keys     map[string]platforms.MessageID
	files    map[string][]byte
	known    map[platforms.ConversationID]bool
	pressed  map[string]platforms.Button // label in conversation and message → button
	answered map[platforms.ReplyToken]string
	answers  []string
	typed    []platforms.ConversationID
	problems []platforms.Problem

	skew        time.Duration // of the server's clock
	epoch       int           // of connections: Disconnect begins a new one
	down        bool
	revoked     bool
	conflict    bool
	panicking   bool
	closed      bool
	held        int
	callFault   []Fault
	streamFault []Fault
}

func newMemoryBot(id platforms.UserID) *MemoryBot {
	return &MemoryBot{
		id: id, changed: make(chan struct{}),
		keys: map[string]platforms.MessageID{}, files: map[string][]byte{},
		known:   map[platforms.ConversationID]bool{MemoryDirect: true, MemoryGroup: true},
		pressed: map[string]platforms.Button{}, answered: map[platforms.ReplyToken]string{},
	}
}

// do runs f under the lock and tells whoever waits for a change.
func (b *MemoryBot) do(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
	close(b.changed)
	b.changed = make(chan struct{})
}

// wait returns once ok, called under the lock, is true or ctx ends.
func (b *MemoryBot) wait(ctx context.Context, ok func() bool) error {
	for {
		b.mu.Lock()
		done, changed := ok(), b.changed
		b.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Say makes MemoryPerson, or the bot itself, write.
func (b *MemoryBot) Say(s Said) (id platforms.MessageID) {
	from := platforms.User{ID: MemoryPerson, Name: "Person", Handle: "@person"}
	if s.Own {
		from = platforms.User{ID: b.id, Name: "Bot", Bot: true}
	}
	return b.SayAs(from, s)
}

// SayText makes MemoryPerson write in MemoryDirect.
func (b *MemoryBot) SayText(text string) platforms.MessageID {
	return b.Say(Said{Conversation: MemoryDirect, Text: text})
}

// SayAs makes anybody write.
func (b *MemoryBot) SayAs(from platforms.User, s Said) (id platforms.MessageID) {
	b.do(func() {
		id = b.nextID()
		ev := b.event(platforms.MessageReceived, s.Conversation, id)
		ev.From, ev.Own, ev.Thread, ev.Text = from, s.Own, s.Thread, s.Text
		for i, f := range s.Files {
			ref := string(id) + "/" + strconv.Itoa(i)
			b.files[ref] = slices.Clone(f.Data)
			ev.Attachments = append(ev.Attachments, platforms.Attachment{
				Ref: ref, Name: f.Name, MediaType: f.MediaType, Size: int64(len(f.Data)),
			})
		}
		b.push(ev, false)
	})
	return id
}

func (b *MemoryBot) nextID() platforms.MessageID {
	b.messages++
	return platforms.MessageID("m" + strconv.Itoa(b.messages))
}

func (b *MemoryBot) event(k platforms.EventKind, c platforms.ConversationID, m platforms.MessageID) platforms.Event {
	b.known[c] = true
	kind := platforms.Direct
	if strings.HasPrefix(string(c), "group") {
		kind = platforms.Group
	}
	return platforms.Event{
		Kind: k, Time: time.Now().Add(b.skew), Message: m, Mentioned: kind == platforms.Direct,
		Conversation: platforms.Conversation{ID: c, Kind: kind, Title: string(c)},
		From:         platforms.User{ID: MemoryPerson, Name: "Person", Handle: "@person"},
		Reply:        platforms.ReplyToken("reply:" + string(m)),
	}
}

func (b *MemoryBot) push(ev platforms.Event, odd bool) {
	b.seq++
	b.last = update{seq: b.seq, event: ev, odd: odd}
	b.updates = append(b.updates, b.last)
}

// Odd delivers something that no connector can know.
func (b *MemoryBot) Odd() {
	b.do(func() { b.push(b.event("", MemoryDirect, ""), true) })
}

// EditSaid makes MemoryPerson change a message.
func (b *MemoryBot) EditSaid(c platforms.ConversationID, m platforms.MessageID, text string) {
	b.do(func() {
		ev := b.event(platforms.MessageEdited, c, m)
		ev.Text = text
		b.push(ev, false)
	})
}

// Click makes MemoryPerson press a button of a message that the bot sent. A
// button that is not there delivers nothing.
func (b *MemoryBot) Click(c platforms.ConversationID, m platforms.MessageID, label string) {
	b.do(func() {
		button, ok := b.pressed[string(c)+"\x00"+string(m)+"\x00"+label]
		if !ok {
			return
		}
		ev := b.event(platforms.ButtonClicked, c, m)
		ev.Click = &platforms.Click{Data: button.Data, Token: platforms.ReplyToken("click:" + strconv.Itoa(b.seq+1))}
		b.push(ev, false)
	})
}

// Redeliver delivers the last event again, also if it was acknowledged.
func (b *MemoryBot) Redeliver() {
	b.do(func() {
		u := b.last
		u.again = true
		b.updates = append([]update{u}, slices.DeleteFunc(b.updates, func(o update) bool { return o.seq == u.seq })...)
	})
}

// Waiting is how many events are not acknowledged.
func (b *MemoryBot) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.updates)
}

// Acked is the messages that were acknowledged.
func (b *MemoryBot) Acked() []platforms.MessageID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.acked)
}

// Sent is what the bot has sent, oldest first.
func (b *MemoryBot) Sent() []Sent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.sent)
}

// WaitSent waits until the bot has sent n messages and returns all.
func (b *MemoryBot) WaitSent(ctx context.Context, n int) ([]Sent, error) {
	err := b.wait(ctx, func() bool { return len(b.sent) >= n })
	return b.Sent(), err
}

// WaitAcked waits until nothing waits for the bot any more.
func (b *MemoryBot) WaitAcked(ctx context.Context) error {
	return b.wait(ctx, func() bool { return len(b.updates) == 0 })
}

// Typed is where typing signs were shown.
func (b *MemoryBot) Typed() []platforms.ConversationID {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.typed)
}

// Answered is the texts with which clicks were answered, one for each click.
func (b *MemoryBot) Answered() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.answers)
}

// Trouble makes Check report a problem, until its Fix is called.
func (b *MemoryBot) Trouble(p platforms.Problem) {
	b.do(func() { b.problems = append(b.problems, p) })
}

// Disconnect cuts the connection that is open.
func (b *MemoryBot) Disconnect() { b.do(func() { b.epoch++ }) }

// Down makes the server unreachable.
func (b *MemoryBot) Down() { b.do(func() { b.down = true; b.epoch++ }) }

// Up undoes Down and Conflict.
func (b *MemoryBot) Up() { b.do(func() { b.down, b.conflict = false, false }) }

// Revoke makes the token invalid; Grant makes it valid again.
func (b *MemoryBot) Revoke() { b.do(func() { b.revoked = true; b.epoch++ }) }

// Grant undoes Revoke.
func (b *MemoryBot) Grant() { b.do(func() { b.revoked = false }) }

// Conflict makes the server say, until Up, that another program uses the token.
func (b *MemoryBot) Conflict() { b.do(func() { b.conflict = true; b.epoch++ }) }

// Panic makes the connector panic in Run, once.
func (b *MemoryBot) Panic() { b.do(func() { b.panicking = true }) }

// FailCall breaks the next call aside from the event stream. Several are used
// up one after the other.
func (b *MemoryBot) FailCall(f Fault) { b.do(func() { b.callFault = append(b.callFault, f) }) }

// FailStream breaks the next poll of the event stream.
func (b *MemoryBot) FailStream(f Fault) { b.do(func() { b.streamFault = append(b.streamFault, f) }) }

// Held is how many calls hang.
func (b *MemoryBot) Held() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}

// WaitHeld waits until n calls hang.
func (b *MemoryBot) WaitHeld(ctx context.Context, n int) error {
	return b.wait(ctx, func() bool { return b.held >= n })
}

// Close ends hanging calls and refuses every later one.
func (b *MemoryBot) Close() { b.do(func() { b.closed, b.down = true, true; b.epoch++ }) }

// What the server answers when it doesn't answer well.
var (
	errUnreachable = errors.New("connection refused")
	errCut         = errors.New("connection reset")
	errInternal    = errors.New("500 internal server error")
	errMalformed   = errors.New("not an answer: <html>")
)
