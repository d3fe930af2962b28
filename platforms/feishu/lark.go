package feishu

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/postern/postern/platforms"
)

// lark is a connector whose words speak of Lark, where an account is there. The
// platforms differ in their address and name only.
type lark struct{ *connector }

var (
	_ platforms.Editor  = lark{}
	_ platforms.Typer   = lark{}
	_ platforms.Opener  = lark{}
	_ platforms.Clicker = lark{}
)

func renamed(s string) string { return strings.ReplaceAll(s, title, "Lark") }

// renamedError is err with its words for the person renamed.
func renamedError(err error) error {
	var e *platforms.Error
	if !errors.As(err, &e) || !strings.Contains(e.Text, title) {
		return err
	}
	other := *e
	other.Text = renamed(e.Text)
	return &other
}

func (l lark) Check(ctx context.Context) (platforms.Identity, error) {
	id, err := l.connector.Check(ctx)
	for i := range id.Problems {
		id.Problems[i].Text = renamed(id.Problems[i].Text)
	}
	return id, renamedError(err)
}

func (l lark) Run(ctx context.Context, from platforms.Cursor, sink platforms.Sink) error {
	var to platforms.Sink = larkSink{sink}
	if b, ok := sink.(platforms.Batcher); ok {
		to = larkBatcher{larkSink{sink}, b}
	}
	return renamedError(l.connector.Run(ctx, from, to))
}

type larkSink struct{ platforms.Sink }

func (s larkSink) State(st platforms.State) {
	st.Note = renamed(st.Note)
	s.Sink.State(st)
}

type larkBatcher struct {
	larkSink
	platforms.Batcher
}

func (l lark) Send(ctx context.Context, m platforms.Message) (platforms.MessageID, error) {
	id, err := l.connector.Send(ctx, m)
	return id, renamedError(err)
}

func (l lark) Edit(ctx context.Context, id platforms.MessageID, m platforms.Message) error {
	return renamedError(l.connector.Edit(ctx, id, m))
}

func (l lark) Typing(ctx context.Context, c platforms.ConversationID, t platforms.ThreadID) error {
	return renamedError(l.connector.Typing(ctx, c, t))
}

func (l lark) Clicked(ctx context.Context, t platforms.ReplyToken, words string) error {
	return renamedError(l.connector.Clicked(ctx, t, words))
}

func (l lark) Open(ctx context.Context, a platforms.Attachment) (io.ReadCloser, error) {
	r, err := l.connector.Open(ctx, a)
	return r, renamedError(err)
}
