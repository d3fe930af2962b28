package window

import (
	"encoding/json"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
)

// editorLines is how an editor or agent that speaks the Model Context Protocol
// starts Postern as the client of this name, as most of them have it in their
// configuration: https://modelcontextprotocol.io/docs/develop/connect-local-servers
func editorLines(name string) string {
	raw, err := json.Marshal(struct {
		Command string   `json:"command"`
		Args    []string `json:"args"`
	}{"postern", []string{"mcp", "--client", name}})
	if err != nil {
		return "" // strings can always be written
	}
	return string(raw)
}

// showToken shows a client's new token, this once. Nothing keeps it after the
// dialog is closed.
func (w *Window) showToken(made api.ClientMade) *modal {
	token, name, copied := made.Token, made.Client.Name, false
	shown := newText(token, look{mono: true, bold: true, wrap: true})
	line := newText("POSTERN_TOKEN="+token, look{mono: true, size: sizeSmall, wrap: true})
	put := func(s, what string) {
		if s != "" {
			w.o.Copy(s)
			copied = true
			w.say(what + " copied.")
		}
	}
	wipe := func() {
		token = ""
		shown.set("")
		line.set("")
	}
	var m *modal
	done := newButton(primary, "Done", "", func() { m.dismiss() })
	mono := func(o fyne.CanvasObject, tap func()) fyne.CanvasObject {
		return strip(hbox(8, fill(o), newButton(quiet, "", iconCopy, tap)))
	}
	lines := editorLines(name)
	rows := vbox(14,
		remark(false, body("It is shown this once and not again: Postern keeps only its hash. Copy it to where only that program reads it.")),
		strip(hbox(8, fill(shown), newButton(plain, "Copy", iconCopy, func() { put(token, "The token was") }))),
		vbox(4, newText("For a script or program, as a variable of its environment", look{bold: true, size: sizeSmall}),
			mono(line, func() {
				if token != "" {
					put("POSTERN_TOKEN="+token, "The line was")
				}
			})),
		vbox(4, newText("For an editor or agent that speaks MCP, in its configuration", look{bold: true, size: sizeSmall}),
			mono(newText(lines, look{mono: true, size: sizeSmall, wrap: true}), func() { w.copy(lines, "The configuration was") }),
			note("It needs no token: the command is held to what "+name+" may do.")))
	m = w.open(frame(pad(0, 0, 0, 12, heading("The token of "+name)), pad(0, 16, 0, 0, hbox(8, gapFill(), done)), nil, nil,
		container.New(&uncut{}, container.NewVScroll(pad(0, 0, 12, 0, rows)))), 600, func() {
		wipe()
		if !copied {
			w.say("The token was not copied. If it is still needed, choose “New token…” in the menu of " + name + ".")
		}
	})
	w.win.Canvas().Focus(done)
	return m
}
