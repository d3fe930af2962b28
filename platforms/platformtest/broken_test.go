package platformtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/postern/postern/platforms"
)

// broken is a connector with one fault. The suite must notice each.
type broken struct {
	*memoryConnector
	run  func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error
	send func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error)
}

func (b *broken) Run(ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
	if b.run == nil {
		return b.memoryConnector.Run(ctx, from, s)
	}
	return b.run(b.memoryConnector, ctx, from, s)
}

func (b *broken) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	if b.send == nil {
		return b.memoryConnector.Send(ctx, m)
	}
	return b.send(b.memoryConnector, ctx, m)
}

// sinkFunc is a Sink whose Event is changed.
type sinkFunc struct {
	platforms.Sink
	event func(context.Context, platforms.Event) error
}

func (s sinkFunc) Event(ctx context.Context, ev platforms.Event) error { return s.event(ctx, ev) }

// withSink is a Run that puts something between the connector and its sink.
func withSink(change func(s platforms.Sink, ctx context.Context, ev platforms.Event) error) *broken {
	return &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
		return c.Run(ctx, from, sinkFunc{s, func(ctx context.Context, ev platforms.Event) error { return change(s, ctx, ev) }})
	}}
}

// fault is a broken connector, and the subtest that must notice it.
type fault struct {
	where string
	*broken
	table bool // the subtest is one of Faults
	mute  bool // it is of a connector that only hears
	// deaf is a fault of a connector that only speaks; nil: it is another's.
	deaf func(*platforms.Event, *platforms.State) bool
}

// inDeaf is a fault in what a connector that only speaks tells.
func inDeaf(change func(*platforms.Event, *platforms.State) bool) fault {
	return fault{where: "hears nothing/one conversation, told once", broken: &broken{}, deaf: change}
}

// inMute is a fault in what a connector that only hears does when it should send.
func inMute(where string, send func(platforms.Connector, context.Context, platforms.Message) (platforms.MessageID, error)) fault {
	return fault{where: where, mute: true, broken: &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
		return send(c, ctx, m)
	}}}
}

func at(where string, b *broken) fault { return fault{where: where, broken: b} }

func inTable(where string, b *broken) fault { return fault{where: where, broken: b, table: true} }

func faults() map[string]fault {
	return map[string]fault{
		"": at("", &broken{}), // none: so the suite passes where nothing is broken
		"acknowledges before it is stored": at("acknowledge/only what was stored", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			go func() { _ = s.Event(ctx, ev) }()
			return nil
		})),
		"hides the sink's error": at("acknowledge/nothing after a sink error", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			_ = s.Event(ctx, ev)
			return nil
		})),
		"calls the sink twice at once": at("receive/order", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			twin := make(chan error)
			go func() { twin <- s.Event(ctx, ev) }()
			return errors.Join(s.Event(ctx, ev), <-twin)
		})),
		"changes the id on redelivery": at("acknowledge/redelivery keeps the id", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.ID += platforms.EventID(fmt.Sprint(time.Now().UnixNano()))
			return s.Event(ctx, ev)
		})),
		"takes a name for an id": at("receive/a message", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.From.ID = platforms.UserID(ev.From.Handle)
			return s.Event(ctx, ev)
		})),
		"takes a title for a place": at("receive/group and thread", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.Conversation.ID = "#" + ev.Conversation.ID
			return s.Event(ctx, ev)
		})),
		"takes a button's case": at("features/buttons bring back what they were given", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			if ev.Click != nil {
				ev.Click.Data = strings.ToLower(ev.Click.Data)
			}
			return s.Event(ctx, ev)
		})),
		"mistakes which message was pressed": at("features/buttons bring back what they were given", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			var last platforms.MessageID
			return c.Run(ctx, from, sinkFunc{s, func(ctx context.Context, ev platforms.Event) error {
				if ev.Click != nil && last != "" {
					ev.Message = last
				}
				last = ev.Message
				return s.Event(ctx, ev)
			}})
		}}),
		"loses the cursor": at("receive/a message", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.Cursor = ""
			return s.Event(ctx, ev)
		})),
		"mistakes its own messages": at("receive/own messages are marked or left out", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.Own = false
			return s.Event(ctx, ev)
		})),
		"reads markup": at("receive/hostile text is text", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			if len(ev.Text) > 3 && ev.Text[0] == '<' {
				ev.Text = ev.Text[3:]
			}
			return s.Event(ctx, ev)
		})),
		"leaves a goroutine": at("cancel/idle", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			go func() { <-make(chan int) }()
			return c.Run(ctx, from, s)
		}}),
		"does not hear cancel": at("cancel/idle", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			return c.Run(context.WithoutCancel(ctx), from, s)
		}}),
		"calls a refusal temporary": at("trouble/credentials refused at the start", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			err := c.Run(ctx, from, s)
			if platforms.KindOf(err) == platforms.Unauthorized {
				return errors.New("try again")
			}
			return err
		}}),
		"tells its token": at("no secret is told", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			if err != nil {
				err = fmt.Errorf("POST /bot%s/send: %w", c.config.Secrets["token"].Reveal(), err)
			}
			return id, err
		}}),
		"forgets how long to wait": at("send faults/rate limit", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			var e *platforms.Error
			if errors.As(err, &e) {
				e.RetryAfter = 0
			}
			return id, err
		}}),
		"returns an id of its own": at("send/returns the server's id, without Run", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			return id + "x", err
		}}),
		"cuts what is too long": at("send/length/longer", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			if len(m.Text) > 4000 {
				m.Text = m.Text[:4000]
			}
			return c.Send(ctx, m)
		}}),
		"changes the order": at("receive/order", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			var held *platforms.Event
			return c.Run(ctx, from, sinkFunc{s, func(ctx context.Context, ev platforms.Event) error {
				if ev.Text == "m7" {
					held = &ev
					return nil
				}
				if err := s.Event(ctx, ev); err != nil || held == nil {
					return err
				}
				late := *held
				held = nil
				return s.Event(ctx, late)
			}})
		}}),
		"skips a refused event": at("acknowledge/nothing after a sink error", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			if ev.Text == "refused" {
				return ErrSink
			}
			return s.Event(ctx, ev)
		})),
		"starts from the beginning": at("once/stored, but not acknowledged", &broken{run: func(c *memoryConnector, ctx context.Context, _ platforms.Cursor, s platforms.Sink) error {
			return c.Run(ctx, "", s)
		}}),
		"returns nil": at("trouble/cut, and nothing lost", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			if err := c.Run(ctx, from, s); platforms.KindOf(err) != platforms.Temporary || ctx.Err() != nil {
				return err
			}
			return nil
		}}),
		"goes on by itself": at("trouble/cut, and nothing lost", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			for {
				if err := c.Run(ctx, from, s); err == nil || ctx.Err() != nil || platforms.KindOf(err) != platforms.Temporary {
					return err
				}
				time.Sleep(time.Millisecond)
			}
		}}),
		"speaks after it returned": at("cancel/while the sink is busy", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			err := c.Run(ctx, from, s)
			go func() {
				time.Sleep(20 * time.Millisecond)
				s.State(platforms.State{})
			}()
			return err
		}}),
		"tells its token in a state": at("no secret is told", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			s.State(platforms.State{Phase: platforms.Degraded, Note: "https://memory/" + c.config.Secrets["token"].Reveal()})
			return c.Run(ctx, from, s)
		}}),
		"tells its token in base64": at("no secret is told", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			c.config.Log.Info("sending", "header", "Basic "+base64.StdEncoding.EncodeToString([]byte("me:"+c.config.Secrets["token"].Reveal())))
			return c.Send(ctx, m)
		}}),
		"calls trouble a refusal": at("send faults/server error", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			if platforms.KindOf(err) == platforms.Temporary && ctx.Err() == nil {
				err = rejected("No.")
			}
			return id, err
		}}),
		"sends again by itself": at("once/Send tries once: server error", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			if platforms.KindOf(err) == platforms.Temporary {
				return c.Send(ctx, m)
			}
			return id, err
		}}),
		"loses the key": at("once/one key, one message", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			m.Key = fmt.Sprint(time.Now().UnixNano())
			return c.Send(ctx, m)
		}}),
		"sends half a file": at("once/a file that breaks off", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			for i, f := range m.Files {
				m.Files[i].Open = func() (io.ReadCloser, error) {
					r, err := f.Open()
					if err != nil {
						return nil, err
					}
					data, _ := io.ReadAll(r)
					return io.NopCloser(bytes.NewReader(data)), r.Close()
				}
			}
			return c.Send(ctx, m)
		}}),
		"claims to hear": inTable("stream/503", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			s.State(platforms.State{Phase: platforms.Connected, Hears: true})
			return c.Run(ctx, from, s)
		}}),
		"drops what is old": inTable("running/30 minutes offline", &broken{run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			began := time.Now()
			return c.Run(ctx, from, sinkFunc{s, func(ctx context.Context, ev platforms.Event) error {
				if ev.Kind != "" && ev.Time.Before(began) {
					ev = platforms.Event{Cursor: ev.Cursor}
				}
				return s.Event(ctx, ev)
			}})
		}}),
		"ends at what it does not know": inTable("running/unknown event", withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			if ev.Kind == "" {
				return errors.New("what is this")
			}
			return s.Event(ctx, ev)
		})),
		"says that a refused message is sent": inTable("send/409", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			if err != nil {
				return "1", nil
			}
			return id, err
		}}),
		"sends after all": inMute("sends nothing", func(c platforms.Connector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			return c.Send(ctx, m)
		}),
		"says to try again what it can't do": inMute("sends nothing", func(platforms.Connector, context.Context, platforms.Message) (platforms.MessageID, error) {
			return "", errors.New("not now")
		}),
		"tells of no conversation": inDeaf(func(*platforms.Event, *platforms.State) bool { return false }),
		"tells of another conversation": inDeaf(func(ev *platforms.Event, _ *platforms.State) bool {
			ev.Conversation.ID += "x"
			return true
		}),
		"tells of its conversation as said by somebody": inDeaf(func(ev *platforms.Event, _ *platforms.State) bool {
			ev.Kind, ev.Raw = platforms.MessageReceived, &platforms.Raw{}
			return true
		}),
		"tells of its conversation again and again": inDeaf(func(ev *platforms.Event, _ *platforms.State) bool {
			ev.Cursor = platforms.Cursor(fmt.Sprint(time.Now().UnixNano()))
			return true
		}),
		"says that it hears, and is deaf": inDeaf(func(_ *platforms.Event, st *platforms.State) bool {
			st.Hears = true
			return true
		}),
		"shortens a button's data": at("features/buttons", &broken{send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			for _, row := range m.Buttons {
				for i := range row {
					row[i].Data = row[i].Data[:min(len(row[i].Data), 32)]
				}
			}
			return c.Send(ctx, m)
		}}),
	}
}

const brokenVar = "POSTERN_BROKEN"

// TestSuiteNotices runs the suite against each broken connector, in a process
// of its own, and wants the subtest that is about its fault to fail. With no
// fault it must pass: a suite that always fails would notice everything.
func TestSuiteNotices(t *testing.T) {
	if name, child := os.LookupEnv(brokenVar); child {
		b := faults()[name]
		m := NewMemory()
		p := m.Platform()
		good := p.New
		p.New = func(c platforms.Config) (platforms.Connector, error) {
			conn, err := good(c)
			if err != nil {
				return nil, err
			}
			return &broken{conn.(*memoryConnector), b.run, b.send}, nil
		}
		h := memoryHarness(m, p)
		if b.mute {
			h = muteHarness(m, p, platforms.Connector.Send)
		}
		if b.deaf != nil {
			h = deafHarness(m, m.Platform(), b.deaf)
		}
		if name != "" {
			h.Patience = 500 * time.Millisecond
		}
		if b.table {
			Faults(t, h)
		} else {
			Run(t, h)
		}
		return
	}
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run="+pattern(f.where), "-test.timeout=60s")
			cmd.Env = append(os.Environ(), brokenVar+"="+name)
			out, err := cmd.CombinedOutput()
			if name == "" {
				if err != nil {
					t.Errorf("it fails without a fault: %v\n%s", err, out)
				}
				return
			}
			failed := "--- FAIL: TestSuiteNotices/" + strings.ReplaceAll(f.where, " ", "_") + " ("
			if err == nil || !strings.Contains(string(out), failed) {
				t.Errorf("the subtest %q did not notice: %v\n%s", f.where, err, out)
			}
		})
	}
}

// pattern selects the subtest where, for go test. What the last one searches
// must have been said before, so for that it selects all.
func pattern(where string) string {
	all := "^TestSuiteNotices$"
	if where == "" || where == "no secret is told" {
		return all
	}
	for part := range strings.SplitSeq(where, "/") {
		all += "/^" + regexp.QuoteMeta(strings.ReplaceAll(part, " ", "_")) + "$"
	}
	return all
}
