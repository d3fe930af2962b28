// Package echo is the smallest responder that acts: it repeats what it hears.
// The demo uses it to show an answer, and benchmarks to time one.
package echo

import (
	"context"
	"fmt"

	"github.com/postern/postern/app"
	"github.com/postern/postern/platforms"
)

// Responder answers each message with its own text. The zero value is ready.
type Responder struct {
	// Buttons, if set, stand under the answers.
	Buttons [][]platforms.Button
}

var _ app.Responder = Responder{}

// Name is "echo".
func (Responder) Name() string { return "echo" }

// Acts is true: it writes into the chat.
func (Responder) Acts() bool { return true }

// Respond repeats a message, names a pressed button, and counts a file's bytes.
func (r Responder) Respond(_ context.Context, d app.Delivery) ([]platforms.Message, error) {
	ev := d.Event
	var text string
	switch {
	case ev.Kind == platforms.ButtonClicked && ev.Click != nil:
		text = fmt.Sprintf("You pressed %q.", ev.Click.Data)
		return []platforms.Message{{Text: text}}, nil
	case ev.Kind != platforms.MessageReceived:
		return nil, nil
	case len(ev.Attachments) > 0:
		a := ev.Attachments[0]
		text = fmt.Sprintf("Got %q.", a.Name)
		if a.Size > 0 { // some platforms don't say
			text = fmt.Sprintf("Got %q, %d bytes.", a.Name, a.Size)
		}
	case ev.Text == "":
		return nil, nil
	default:
		text = "You said: " + ev.Text
	}
	return []platforms.Message{{Text: text, ReplyTo: ev.Message, Buttons: r.Buttons}}, nil
}
