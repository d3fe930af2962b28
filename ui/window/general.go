package window

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/ui/model"
)

// generalPage holds the choices for the whole program. Nothing is changed
// before Save, and nothing that was typed is lost without being asked about.
type generalPage struct {
	w       *Window
	content fyne.CanvasObject
	form    fyne.CanvasObject
	wait    fyne.CanvasObject // stands there until the settings are known

	notify, hide, strangers, login *toggle
	ask, days, size                *numberField
	data, vault, version, since    *text
	pause                          *button
	quit                           *button

	bar     *fyne.Container
	barText *text
	save    *button
	revert  *button

	have   bool // the settings are known
	was    api.Settings
	saving bool
	filled bool // the fields are being filled by us
}

// numberField is a whole number: 0, or one between min and max.
type numberField struct {
	entry    *entry
	fault    *text
	min, max int64
	what     string // starts the sentence about what is wrong
}

func newGeneralPage(w *Window) *generalPage {
	p := &generalPage{w: w}
	flip := func() *toggle { return newToggle(func(bool) { p.changed() }) }
	p.notify, p.hide, p.strangers, p.login = flip(), flip(), flip(), flip()
	number := func(what string, lo, hi int64) *numberField {
		n := &numberField{entry: newEntry(w, ""), fault: newText("", look{size: sizeSmall, color: colorBad, wrap: true}), min: lo, max: hi, what: what}
		n.fault.Hide()
		n.entry.OnChanged = func(string) { p.changed() }
		n.entry.submit = p.store
		return n
	}
	p.ask = number("The time", 1, 7*24*60)
	p.days = number("The age", 1, 3650)
	p.size = number("The size", 16, 1_000_000)

	val := func() *text { return newText("", look{size: sizeSmall, wrap: true}) }
	p.data, p.vault, p.version, p.since = val(), val(), val(), val()
	p.pause = newButton(plain, "Pause all", iconPause, p.pauseAll)
	p.quit = newButton(danger, "Quit Postern", "", p.askQuit)

	rows := vbox(16,
		section("Notifications",
			switchRow("Show notifications", "For every new message, one for a burst.", p.notify), rule(),
			switchRow("Hide the text", "Notifications say who wrote, not what.", p.hide), rule(),
			switchRow("Tell about strangers", "People who may not talk to a bot, and wrote to it.", p.strangers)),
		section("Old messages",
			numberRow("Ask before acting on messages older than", "They wait in the inbox until you decide. 0 never asks.", p.ask, "minutes")),
		section("Journal",
			numberRow("Delete messages after", "0 keeps them until the size below is reached.", p.days, "days"), rule(),
			numberRow("Keep at most", "The oldest messages are deleted first. 0 sets no bound.", p.size, "MiB")),
		section("Start",
			switchRow("Start when you log in", "Postern starts in the tray, without a window.", p.login)),
		section("About this Postern",
			aboutRow("Data", p.data), aboutRow("Secrets", p.vault), aboutRow("Version", p.version), aboutRow("Running", p.since),
			pad(0, 4, 0, 0, hbox(8, newButton(plain, "Copy data folder", iconCopy, func() { w.copy(w.snap.Program.DataDir, "Data folder") }), gapFill(), p.pause, p.quit))))

	p.barText = body("You have changes that are not saved.")
	p.save = newButton(primary, "Save", "", p.store)
	p.revert = newButton(plain, "Revert", "", func() { p.fill(p.was) })
	p.bar = container.NewStack(newBox(colorSidebar, "", 0), frame(rule(), nil, nil, nil,
		pad(28, 12, 28, 12, hbox(8, fill(p.barText), p.revert, p.save))))
	p.bar.Hide()
	p.form = container.NewVScroll(pad(28, 0, 28, 28, narrow(680, rows)))
	p.form.Hide()
	p.wait = pad(28, 40, 28, 0, vbox(0, newText("Waiting for Postern…", look{color: colorMuted, align: fyne.TextAlignCenter})))
	p.content = frame(pageHead("General", small("For all accounts.")), p.bar, nil, nil,
		container.NewStack(p.wait, p.form))
	return p
}

// section is a titled group of settings.
func section(name string, rows ...fyne.CanvasObject) fyne.CanvasObject {
	return vbox(8, newText(name, look{bold: true}), card(16, vbox(12, rows...)))
}

func numberRow(label, help string, n *numberField, unit string) fyne.CanvasObject {
	return vbox(4, hbox(16, fill(vbox(2, newText(label, look{bold: true, size: sizeSmall}), note(help))),
		exactWidth(96, n.entry), exactWidth(56, small(unit))), n.fault)
}

func aboutRow(label string, v *text) fyne.CanvasObject {
	return hboxTop(12, exactWidth(90, small(label)), fill(v))
}

func (p *generalPage) view() fyne.CanvasObject { return p.content }

func (p *generalPage) shown() { p.load() }

func (p *generalPage) tick() { p.running() }

func (p *generalPage) snapshot() {
	s := p.w.snap.Program
	p.data.set(orDash(s.DataDir))
	p.vault.set(orDash(s.Vault))
	p.version.set(orDash(s.Version))
	p.running()
	p.pause.setLabel(map[bool]string{false: "Pause all", true: "Resume all"}[s.Paused])
	p.pause.setGlyph(map[bool]glyph{false: iconPause, true: iconPlay}[s.Paused])
	p.content.Refresh()
}

func (p *generalPage) running() {
	s := p.w.snap.Program
	words := "–"
	if !s.Started.IsZero() {
		words = "since " + moment(s.Started) + ", process " + strconv.Itoa(s.PID)
	}
	p.since.set(words)
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

func (p *generalPage) load() {
	if p.saving || p.have && p.dirty() {
		return // what is typed stays
	}
	call(p.w.b, briefly, p.w.svc.Settings, func(s api.Settings, err error) {
		if err != nil {
			if p.w.connected {
				p.w.fail(err)
			}
			return
		}
		if p.have && p.dirty() {
			return
		}
		p.have = true
		p.wait.Hide()
		p.form.Show()
		p.fill(s)
		p.content.Refresh()
	})
}

// fill shows s.
func (p *generalPage) fill(s api.Settings) {
	p.was = s
	p.filled = true
	for t, on := range map[*toggle]bool{p.notify: s.Notifications, p.hide: s.HideText, p.strangers: s.ShowStrangers, p.login: s.StartAtLogin} {
		t.on = on
		t.Refresh()
	}
	p.ask.entry.SetText(whole(float64(s.AskAfter) / float64(time.Minute)))
	p.days.entry.SetText(whole(float64(s.KeepFor) / float64(24*time.Hour)))
	p.size.entry.SetText(whole(float64(s.KeepBytes) / (1 << 20)))
	p.filled = false
	p.changed()
}

// whole is v rounded up, so that what is shown and saved again never keeps
// less than before.
func whole(v float64) string { return strconv.FormatInt(int64(math.Ceil(v)), 10) }

// typed is what the fields say. A number that was not touched keeps its exact
// value.
func (p *generalPage) typed() (s api.Settings, ok bool) {
	s = p.was
	s.Notifications, s.HideText, s.ShowStrangers, s.StartAtLogin = p.notify.on, p.hide.on, p.strangers.on, p.login.on
	ok = true
	read := func(n *numberField, was string, set func(int64)) {
		v, why := n.value()
		n.say(why)
		switch {
		case why != "":
			ok = false
		case strings.TrimSpace(n.entry.Text) != was:
			set(v)
		}
	}
	read(p.ask, whole(float64(p.was.AskAfter)/float64(time.Minute)), func(v int64) { s.AskAfter = time.Duration(v) * time.Minute })
	read(p.days, whole(float64(p.was.KeepFor)/float64(24*time.Hour)), func(v int64) { s.KeepFor = time.Duration(v) * 24 * time.Hour })
	read(p.size, whole(float64(p.was.KeepBytes)/(1<<20)), func(v int64) { s.KeepBytes = v << 20 })
	return s, ok
}

// value is the number in the field, or what is wrong with it.
func (n *numberField) value() (int64, string) {
	v, err := strconv.ParseInt(strings.TrimSpace(n.entry.Text), 10, 64)
	switch {
	case err != nil:
		return 0, n.what + " must be a whole number."
	case v != 0 && (v < n.min || v > n.max):
		return 0, n.what + " must be 0, or between " + strconv.FormatInt(n.min, 10) + " and " + strconv.FormatInt(n.max, 10) + "."
	}
	return v, ""
}

func (n *numberField) say(why string) {
	n.fault.set(why)
	setVisible(n.fault, why != "")
}

func (p *generalPage) dirty() bool {
	s, ok := p.typed()
	return !ok || s != p.was
}

func (p *generalPage) changed() {
	if p.filled || !p.have {
		return
	}
	s, ok := p.typed()
	p.barText.set("You have changes that are not saved.")
	p.barText.tint(colorText)
	if !ok {
		p.barText.set("A number needs to be mended before this can be saved.")
		p.barText.tint(colorBad)
	}
	p.save.enable(ok && !p.saving)
	setVisible(p.bar, !ok || s != p.was)
	p.content.Refresh()
}

func (p *generalPage) store() {
	s, ok := p.typed()
	if !ok || p.saving || s == p.was {
		return
	}
	p.saving = true
	p.save.enable(false)
	p.save.setLabel("Saving…")
	call(p.w.b, briefly, func(ctx context.Context) (api.Settings, error) { return storeGeneral(ctx, p.w.svc, s) },
		func(now api.Settings, err error) {
			p.saving = false
			p.save.setLabel("Save")
			if err != nil {
				p.changed()
				p.barText.set("Not saved. " + explain(err))
				p.barText.tint(colorBad)
				return
			}
			later, ok := p.typed()
			p.was = now
			if ok && later == s {
				p.fill(now)
			}
			p.changed()
			p.w.say("Saved.")
		})
}

// storeGeneral saves s, but for what is chosen on the page of programs: that may
// have been changed since s was read.
func storeGeneral(ctx context.Context, svc Service, s api.Settings) (api.Settings, error) {
	now, err := svc.Settings(ctx)
	if err != nil {
		return now, err
	}
	s.ClientsOnly = now.ClientsOnly
	return svc.SetSettings(ctx, s)
}

func (p *generalPage) pauseAll() {
	p.pause.enable(false)
	f := p.w.svc.Pause
	if p.w.snap.Program.Paused {
		f = p.w.svc.Resume
	}
	act(p.w.b, briefly, func(ctx context.Context) error { return f(ctx, "") }, func(err error) {
		p.pause.enable(true)
		p.w.fail(err)
	})
}

func (p *generalPage) askQuit() {
	n := len(p.w.snap.Accounts)
	p.w.confirm(question{title: "Quit Postern?",
		text: "This closes the connections of " + model.Count(n, "account", "accounts") + " and this window. " +
			"What arrives meanwhile is fetched at the next start, as far as the platforms keep it.",
		yes: "Quit", no: "Keep running", danger: true,
		then: func() { act(p.w.b, briefly, p.w.svc.Quit, p.w.fail) }})
}
