package platforms

import (
	"context"
	"io"
	"net/http"
)

// The following powers are optional. A connector offers one by implementing it.
type (
	// Editor replaces the content of a message the bot sent.
	Editor interface {
		// Edit has Send's error rules.
		Edit(ctx context.Context, id MessageID, m Message) error
	}

	// Typer shows that an answer is being written. Typing signs end by
	// themselves after Limits.Typing.
	Typer interface {
		Typing(ctx context.Context, c ConversationID, t ThreadID) error
	}

	// Opener fetches an attachment. The reader streams; whoever opened it
	// closes it. It fails with kind Rejected when the file is gone or larger
	// than Limits.Download.
	Opener interface {
		Open(ctx context.Context, a Attachment) (io.ReadCloser, error)
	}

	// Clicker tells the platform that a click was received, so that the button
	// stops waiting. text may be empty; otherwise the clicker sees it briefly.
	// Calling it twice for one click is not an error.
	Clicker interface {
		Clicked(ctx context.Context, t ReplyToken, text string) error
	}

	// Prober asks the platform, aside from the event stream, whether events
	// wait for us that the stream did not bring. at is the last stored cursor.
	Prober interface {
		Probe(ctx context.Context, at Cursor) (Backlog, error)
	}

	// Replayer makes the events of a request again, as if it had just come and
	// were genuine: of one that was kept and that a person may have changed. It
	// stores nothing and tells nobody. A request of which no event comes, such as
	// a challenge, gives none.
	Replayer interface {
		Replay(r *http.Request, body []byte) ([]Event, error)
	}

	// Fixer mends a Problem that Check reported with a Fix.
	Fixer interface {
		Fix(ctx context.Context, code string) error
	}
)

// Backlog is a Prober's answer.
type Backlog struct {
	Waiting int    // events the platform holds for us
	Note    string // anything else that explains a deaf bot, for a person
}
