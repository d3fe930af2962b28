package window

import (
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// hello says what to do with a new account.
func (p *setupPage) hello(a api.Account) {
	name := clean.Line(a.Handle, 48)
	if name == "" {
		name = clean.Line(a.Title, 40)
	}
	w := p.w
	var m *modal
	done := newButton(primary, "Done", "", func() { m.close() })
	if a.Inbound == platforms.Webhook && a.Exposure != exposure.Relayed && a.Exposure != exposure.Public {
		done.label, done.kind = "Later", plain
		m = w.open(vbox(12, hbox(10, newIcon(iconCheck, colorGood, 22), fill(heading(name+" is saved"))),
			body("It hears nothing yet: its platform must reach this computer at a public address. Nothing is open. Set up its listener, and Postern asks you before it opens."),
			pad(0, 8, 0, 0, hbox(8, gapFill(), done, newButton(primary, "Look at it", "", func() { m.close(); w.showDoor(a.ID) })))), 440, nil)
		w.win.Canvas().Focus(done)
		return
	}
	buttons := hbox(8, gapFill())
	if a.Link != "" {
		buttons.Add(newButton(plain, "Copy link", iconCopy, func() { w.copy(a.Link, "Link") }))
		buttons.Add(newButton(plain, "Open chat", iconOpen, func() { w.visit(a.Link) }))
	}
	done.label, done.kind = "Later", plain
	buttons.Add(done)
	buttons.Add(newButton(primary, "Pair a phone…", "", func() { m.close(); w.Go(PagePeople); w.pair() }))
	rows := vbox(12, hbox(10, newIcon(iconCheck, colorGood, 22), fill(heading("Say hi to "+name))),
		body("The account is saved and connects now. Write the bot a message: it appears in the inbox, and a notification tells you."),
		body("Nobody may have it do anything yet, not even you. Pair your phone, and it knows you."))
	if a.Link != "" {
		rows.Add(strip(newText(clean.Line(a.Link, 200), look{size: sizeSmall, mono: true})))
	}
	rows.Add(pad(0, 8, 0, 0, buttons))
	m = w.open(rows, 500, nil)
	w.win.Canvas().Focus(done)
}
