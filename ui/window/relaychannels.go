package window

import (
	"slices"
	"strings"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
)

// channelList is the part of a relay's form that says where what comes by it
// goes, one line for each channel.
type channelList struct {
	f     *relayForm
	view  *fyne.Container
	lines *fyne.Container
	rows  []*channelRow
	paths map[platforms.AccountID][]string // that accounts listen at
	stop  func()
}

// channelRow is one channel: its name at the relay, the account, and which of
// its paths.
type channelRow struct {
	l       *channelList
	was     api.RelayChannel
	view    *fyne.Container
	name    *entry
	account *button
	path    *button
	pathBox *fyne.Container
	public  *entry
	id      platforms.AccountID
	at      string // the path
}

// word is what a kind calls a channel.
func word(k api.RelayKind) string {
	if w := clean.Line(k.Word, 24); w != "" {
		return w
	}
	return "channel"
}

func channelsTitle(k api.RelayKind) string {
	if k.Many {
		return upper(word(k)) + "s, and where each leads"
	}
	return "Where it leads"
}

func channelsHelp(k api.RelayKind) string {
	if k.Many {
		return "Nothing that the relay says chooses where a request goes: this table does."
	}
	return "What comes by this relay goes to this account, and nowhere else."
}

func newChannelList(f *relayForm, account platforms.AccountID) *channelList {
	l := &channelList{f: f, lines: vbox(6), paths: map[platforms.AccountID][]string{}, stop: func() {}}
	l.view = vbox(8, l.lines)
	if f.kind.Many {
		l.view.Add(hbox(0, newButton(plain, "Add another "+word(f.kind), iconPlus, func() { l.add(api.RelayChannel{}) }), gapFill()))
	}
	var have []api.RelayChannel
	if f.r != nil {
		have = f.r.Channels
	}
	if len(have) == 0 {
		have = []api.RelayChannel{{Account: account}}
	}
	if !f.kind.Many {
		have = have[:1]
	}
	for _, c := range have {
		l.add(c)
	}
	return l
}

func (l *channelList) add(c api.RelayChannel) *channelRow {
	r := &channelRow{l: l, was: c, id: c.Account, at: c.Path}
	menu := func(tap func()) *button {
		b := newButton(plain, "", iconDown, tap)
		b.after = true
		return b
	}
	changed := func(string) { l.f.mark("channels", "") }
	r.name, r.public = newEntry(l.f.w, word(l.f.kind)), newEntry(l.f.w, "Its public address, https://…")
	r.name.SetText(c.Channel)
	r.public.SetText(c.Public)
	r.name.OnChanged, r.public.OnChanged = changed, changed
	r.name.submit, r.public.submit = l.f.trySave, l.f.trySave
	r.account, r.path = menu(r.chooseAccount), menu(r.choosePath)
	r.pathBox = exactWidth(150, r.path)
	first := flow(6)
	if l.f.kind.Many {
		first.Add(exactWidth(180, r.name))
		first.Add(sized(20, 32, newIcon(iconSend, colorMuted, 16)))
	}
	first.Add(exactWidth(230, r.account))
	first.Add(r.pathBox)
	row := hboxTop(4, fill(vbox(6, first, r.public)))
	if l.f.kind.Many {
		row.Add(newButton(quiet, "", iconClose, r.remove))
	}
	r.view = strip(row)
	l.rows = append(l.rows, r)
	l.lines.Add(r.view)
	r.show()
	return r
}

func (r *channelRow) remove() {
	if i := slices.Index(r.l.rows, r); i >= 0 {
		r.l.rows = slices.Delete(r.l.rows, i, i+1)
		r.l.lines.Remove(r.view)
		r.l.drawn()
	}
}

func (l *channelList) drawn() {
	l.f.mark("channels", "")
	if l.f.m != nil {
		l.f.m.view.Refresh()
	}
}

// show draws what is chosen.
func (r *channelRow) show() {
	r.account.setLabel("Choose an account")
	if r.id != "" {
		r.account.setLabel(clean.Line(r.l.f.w.accountLabel(r.id), 28))
	}
	paths := r.l.paths[r.id]
	r.path.setLabel(anyPath)
	if r.at != "" {
		r.path.setLabel(clean.Line(r.at, 18))
	}
	setVisible(r.pathBox, r.at != "" || len(paths) > 1)
	r.l.drawn()
}

// receives reports whether requests from outside can reach an account.
func receives(a api.Account) bool {
	return a.Inbound == platforms.Webhook || a.Inbound == platforms.Callback
}

func (r *channelRow) chooseAccount() {
	var items []*fyne.MenuItem
	for _, a := range r.l.f.w.snap.Accounts {
		if receives(a) {
			items = append(items, fyne.NewMenuItem(shortName(a), func() {
				if r.id != a.ID {
					r.id, r.at = a.ID, ""
				}
				r.show()
			}))
		}
	}
	if len(items) == 0 {
		r.l.f.mark("channels", "No account of yours takes requests from outside. Add one that does, such as a webhook.")
		return
	}
	r.l.f.w.popUp(r.account, items)
}

// anyPath is the choice that leaves the path to the account.
const anyPath = "whichever fits"

func (r *channelRow) choosePath() {
	paths := r.l.paths[r.id]
	if len(paths) == 0 {
		return
	}
	items := []*fyne.MenuItem{fyne.NewMenuItem(anyPath, func() { r.at = ""; r.show() })}
	for i, p := range paths {
		if i == mostChoices {
			break
		}
		items = append(items, fyne.NewMenuItem(clean.Line(p, 60), func() { r.at = p; r.show() }))
	}
	r.l.f.w.popUp(r.path, items)
}

// readPaths asks which paths the accounts have.
func (l *channelList) readPaths() {
	l.stop = call(l.f.w.b, briefly, l.f.w.svc.Exposure, func(v api.View, err error) {
		if err != nil {
			return // then there is no choice of paths, and the service says if it needs one
		}
		for _, d := range v.Doors {
			l.paths[d.Account] = d.Paths
		}
		for _, r := range l.rows {
			r.show()
		}
	})
}

func (l *channelList) end() { l.stop() }

// channels is what is chosen.
func (l *channelList) channels() []api.RelayChannel {
	out := []api.RelayChannel{}
	for _, r := range l.rows {
		c := api.RelayChannel{Account: r.id, Path: r.at, Public: strings.TrimSpace(r.public.Text)}
		if l.f.kind.Many {
			c.Channel = strings.TrimSpace(r.name.Text)
		}
		out = append(out, c)
	}
	return out
}

// unfinished is what must still be chosen, empty if nothing.
func (l *channelList) unfinished() string {
	if len(l.rows) == 0 {
		return "Add a " + word(l.f.kind) + ", and choose where it leads."
	}
	seen := map[string]bool{}
	for _, r := range l.rows {
		name := strings.TrimSpace(r.name.Text)
		switch {
		case l.f.kind.Many && name == "":
			return "Name each " + word(l.f.kind) + " as the relay does."
		case seen[name]:
			return "“" + clean.Line(name, 40) + "” is there twice. Each leads to one account."
		case r.id == "":
			return "Choose an account."
		}
		seen[name] = true
	}
	return ""
}
