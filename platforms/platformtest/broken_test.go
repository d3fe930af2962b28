package platformtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
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

func faults() map[string]*broken {
	return map[string]*broken{
		"acknowledges before it is stored": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			go func() { _ = s.Event(ctx, ev) }()
			return nil
		}),
		"hides the sink's error": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			_ = s.Event(ctx, ev)
			return nil
		}),
		"calls the sink twice at once": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			twin := make(chan error)
			go func() { twin <- s.Event(ctx, ev) }()
			return errors.Join(s.Event(ctx, ev), <-twin)
		}),
		"changes the id on redelivery": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.ID += platforms.EventID(fmt.Sprint(time.Now().UnixNano()))
			return s.Event(ctx, ev)
		}),
		"loses the cursor": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.Cursor = ""
			return s.Event(ctx, ev)
		}),
		"mistakes its own messages": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			ev.Own = false
			return s.Event(ctx, ev)
		}),
		"reads markup": withSink(func(s platforms.Sink, ctx context.Context, ev platforms.Event) error {
			if len(ev.Text) > 3 && ev.Text[0] == '<' {
				ev.Text = ev.Text[3:]
			}
			return s.Event(ctx, ev)
		}),
		"leaves a goroutine": {run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			go func() { <-make(chan int) }()
			return c.Run(ctx, from, s)
		}},
		"does not hear cancel": {run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			return c.Run(context.WithoutCancel(ctx), from, s)
		}},
		"calls a refusal temporary": {run: func(c *memoryConnector, ctx context.Context, from platforms.Cursor, s platforms.Sink) error {
			err := c.Run(ctx, from, s)
			if platforms.KindOf(err) == platforms.Unauthorized {
				return errors.New("try again")
			}
			return err
		}},
		"tells its token": {send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			if err != nil {
				err = fmt.Errorf("POST /bot%s/send: %w", c.config.Secrets["token"].Reveal(), err)
			}
			return id, err
		}},
		"forgets how long to wait": {send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			var e *platforms.Error
			if errors.As(err, &e) {
				e.RetryAfter = 0
			}
			return id, err
		}},
		"returns an id of its own": {send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			id, err := c.Send(ctx, m)
			return id + "x", err
		}},
		"cuts what is too long": {send: func(c *memoryConnector, ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
			if len(m.Text) > 4000 {
				m.Text = m.Text[:4000]
			}
			return c.Send(ctx, m)
		}},
	}
}

const brokenVar = "POSTERN_BROKEN"

// TestSuiteNotices runs the suite against each broken connector, in a process
// of its own, and wants it to fail.
func TestSuiteNotices(t *testing.T) {
	if name := os.Getenv(brokenVar); name != "" {
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
		h.Patience = 500 * time.Millisecond
		Run(t, h)
		return
	}
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	for name := range faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestSuiteNotices$", "-test.failfast", "-test.timeout=15s")
			cmd.Env = append(os.Environ(), brokenVar+"="+name)
			out, err := cmd.CombinedOutput()
			var failed *exec.ExitError
			if err == nil || !errors.As(err, &failed) {
				t.Errorf("the suite did not notice: %v\n%s", err, out)
			}
		})
	}
}
