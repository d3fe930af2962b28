package window

import (
	"context"
	"log/slog"
	"net/url"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
)

// The pages' names, as api.Request names them.
const (
	PageAccounts = "accounts"
	PageAdd      = "add" // the form for a new account
	PageInbox    = "inbox"
	PageExposure = "exposure"
	PageInputs   = "inputs"
	PagePeople   = "people"
	PageAnswers  = "answers"
	PagePrograms = "programs"
	PageHooks    = "hooks"
	PageRelays   = "relays"
	PageActivity = "activity"
	PageGeneral  = "general"
	PageDoctor   = "doctor"
)

// Options are what a Window needs from its surroundings.
type Options struct {
	Page string // to start with; accounts if empty

	// Now is the clock; time.Now if nil.
	Now func() time.Time
	// OpenURL opens an address in the browser.
	OpenURL func(*url.URL) error
	// Files picks files to read and write; dialogs of the window if nil.
	Files Files
	// Copy puts a text on the clipboard.
	Copy func(string)
	// Ended is called when Postern itself has ended.
	Ended func()
	Log   *slog.Logger
}

// Window is the whole window. Its methods are called on the goroutine that
// draws.
type Window struct {
	win fyne.Window
	svc Service
	b   *Bridge
	o   Options

	snap      api.Snapshot
	known     bool // a snapshot has come
	connected bool
	kinds     []api.Platform

	nav      *sidebar
	banner   *fyne.Container // there is no connection
	stage    *fyne.Container // the page that is shown
	toasts   *toaster
	modals   []*modal
	page     string
	pages    map[string]page
	accounts *accountsPage
	inbox    *inboxPage
	exposure *exposurePage
	inputs   *inputsPage
	answers  *answersPage
	programs *programsPage
	hooks    *hooksPage
	relays   *relaysPage
	activity *activityPage
	people   *peoplePage
	general  *generalPage
	doctor   *doctorPage
	asks     *asksStrip
	pairing  *pairDialog // nil unless it is open
	setup    *setupPage  // nil unless a form is open
}

// page is one of the window's pages.
type page interface {
	view() fyne.CanvasObject
	shown()    // it comes into view
	snapshot() // the state changed; only called while shown, and before shown
	tick()     // a second has passed
}

// New builds the window's content and puts it into win. Start makes it live.
func New(win fyne.Window, svc Service, b *Bridge, o Options) *Window {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Copy == nil {
		o.Copy = func(s string) { fyne.CurrentApp().Clipboard().SetContent(s) }
	}
	if o.OpenURL == nil {
		o.OpenURL = func(u *url.URL) error { return fyne.CurrentApp().OpenURL(u) }
	}
	w := &Window{win: win, svc: svc, b: b, o: o}
	if o.Files == nil {
		w.o.Files = dialogs{win}
	}
	w.nav = newSidebar(w.Go)
	w.toasts = newToaster(w)
	w.banner = container.NewStack(newBox(colorWarnSoft, "", 0),
		pad(24, 8, 24, 8, hbox(10, newIcon(iconOffline, colorWarn, 16),
			fill(body("Postern is not running, or does not answer. This window is reconnecting and goes on by itself.")))))
	w.banner.Hide()
	w.stage = container.NewStack()
	w.asks = newAsksStrip(w)
	w.accounts, w.inbox = newAccountsPage(w), newInboxPage(w)
	w.activity, w.general = newActivityPage(w), newGeneralPage(w)
	w.exposure, w.people, w.answers, w.doctor = newExposurePage(w), newPeoplePage(w), newAnswersPage(w), newDoctorPage(w)
	w.programs, w.inputs, w.hooks, w.relays = newProgramsPage(w), newInputsPage(w), newHooksPage(w), newRelaysPage(w)
	w.pages = map[string]page{
		PageAccounts: w.accounts, PageInbox: w.inbox, PageExposure: w.exposure, PagePeople: w.people, PageAnswers: w.answers,
		PageInputs: w.inputs, PagePrograms: w.programs, PageHooks: w.hooks, PageRelays: w.relays, PageActivity: w.activity,
		PageGeneral: w.general, PageDoctor: w.doctor,
	}
	main := frame(w.banner, nil, nil, nil, w.stage)
	win.SetContent(frame(nil, nil, w.nav.view, nil, container.NewStack(main, w.toasts.view)))
	win.SetPadded(false)
	w.keys()
	w.Go(o.Page)
	return w
}

// Start follows the service until the bridge closes.
func (w *Window) Start() {
	w.b.spawn(func(ctx context.Context) {
		w.svc.Follow(ctx,
			func(ev api.Event) { w.b.ui(func() { w.event(ev) }) },
			func(up bool) { w.b.ui(func() { w.link(up) }) })
	})
	// A service that answers at once is not announced as missing.
	w.b.after(1500*time.Millisecond, w.showBanner)
	w.b.every(time.Second, func() {
		if p := w.current(); p != nil {
			p.tick()
		}
	})
}

func (w *Window) now() time.Time { return w.o.Now() }

func (w *Window) showBanner() {
	if w.connected == w.banner.Visible() {
		if w.connected {
			w.banner.Hide()
		} else {
			w.banner.Show()
		}
		w.win.Content().Refresh()
	}
}

// link notes that the connection came up or ended.
func (w *Window) link(up bool) {
	w.connected = up
	w.showBanner()
	if up {
		w.loadPlatforms()
		if p := w.current(); p != nil {
			p.shown()
		}
	}
}

func (w *Window) loadPlatforms() {
	call(w.b, briefly, w.svc.Platforms, func(p []api.Platform, err error) {
		if err != nil {
			w.o.Log.Warn("the platforms could not be read", "err", err)
			return
		}
		w.kinds = p
		w.accounts.snapshot()
		if w.setup != nil {
			w.setup.platforms()
		}
		if w.page == PageAdd && w.setup == nil {
			w.add("")
		}
	})
}

func (w *Window) event(ev api.Event) {
	if ev.Snapshot != nil && (!w.known || ev.Snapshot.Program.PID != w.snap.Program.PID || ev.Snapshot.Revision >= w.snap.Revision) {
		w.snap, w.known = *ev.Snapshot, true
		w.nav.update(w.snap)
		w.asks.snapshot()
		if w.pairing != nil {
			w.pairing.snapshot()
		}
		if p := w.current(); p != nil {
			p.snapshot()
		}
	}
	if ev.Show != nil {
		w.Show(*ev.Show)
	}
	if ev.Quit && w.o.Ended != nil {
		w.o.Ended()
	}
}

// Show raises the window and shows what r asks for.
func (w *Window) Show(r api.Request) {
	w.win.Show()
	w.win.RequestFocus()
	w.closeModals()
	switch {
	case r.Conversation != "":
		w.Go(PageInbox)
		w.inbox.open(r.Account, r.Conversation, r.Reply)
	case r.Page != "":
		w.Go(r.Page)
		if w.page == PageExposure {
			w.exposure.visit(r.Account)
		}
	}
}

// Go shows a page by its name; one that there is not shows the accounts.
func (w *Window) Go(name string) {
	switch name {
	case PageAdd:
		w.page = PageAdd
		w.add("")
		return
	case "settings":
		name = PageGeneral
	}
	if w.pages[name] == nil {
		name = PageAccounts
	}
	w.leaveSetup(func() {
		w.page = name
		w.nav.choose(name)
		p := w.pages[name]
		p.snapshot()
		w.put(p.view())
		p.shown()
	})
}

// put makes o the content of the stage.
func (w *Window) put(o fyne.CanvasObject) {
	w.stage.Objects = []fyne.CanvasObject{o}
	w.stage.Refresh()
	w.win.Canvas().Unfocus()
}

func (w *Window) current() page {
	if w.setup != nil {
		return w.setup
	}
	return w.pages[w.page]
}

// add opens the form for a new account; platform may be empty.
func (w *Window) add(platform string) {
	w.leaveSetup(func() { w.openSetup(newSetupPage(w, platform, nil)) })
}

// edit opens the form for an account that there is.
func (w *Window) edit(a api.Account) {
	w.leaveSetup(func() { w.openSetup(newSetupPage(w, a.Platform, &a)) })
}

func (w *Window) openSetup(s *setupPage) {
	w.setup = s
	w.nav.choose(PageAccounts)
	w.put(s.view())
	s.shown()
}

// leaveSetup closes an open form, after asking if something would be lost, and
// then goes on.
func (w *Window) leaveSetup(then func()) {
	if w.setup == nil {
		then()
		return
	}
	leave := func() {
		w.setup.close()
		w.setup = nil
		then()
	}
	if !w.setup.dirty() {
		leave()
		return
	}
	w.confirm(question{title: "Leave without saving?", text: "What you typed for this account has not been saved.",
		yes: "Leave", no: "Stay", danger: true, then: leave})
}

func (w *Window) account(id platforms.AccountID) (api.Account, bool) {
	for _, a := range w.snap.Accounts {
		if a.ID == id {
			return a, true
		}
	}
	return api.Account{}, false
}

func (w *Window) platform(name string) (api.Platform, bool) {
	for _, p := range w.kinds {
		if p.Name == name {
			return p, true
		}
	}
	return api.Platform{}, false
}

// fail tells the person about an error. Work that was cancelled is none.
func (w *Window) fail(err error) {
	if err == nil {
		return
	}
	w.o.Log.Warn("a request failed", "err", err)
	w.toasts.say(explain(err), true)
}

// say tells the person that something was done.
func (w *Window) say(s string) { w.toasts.say(s, false) }

// copy puts s on the clipboard and says so.
func (w *Window) copy(s, what string) {
	w.o.Copy(s)
	w.say(what + " copied.")
}

// visit opens an address of ours in the browser. An address from outside goes
// through visitForeign.
func (w *Window) visit(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		w.toasts.say("This address can't be opened: "+address, true)
		return
	}
	if err := w.o.OpenURL(u); err != nil {
		w.copy(address, "No browser could be started. The address was")
	}
}

// visitForeign shows an address from outside, whole, before it is opened.
func (w *Window) visitForeign(address string) {
	u, err := url.Parse(address)
	safe := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
	q := question{title: "Open this address?", text: "It comes from a message, not from Postern.", quote: address,
		yes: "Open in browser", no: "Close", also: "Copy", alsoThen: func() { w.copy(address, "Address") },
		then: func() {
			if err := w.o.OpenURL(u); err != nil {
				w.fail(err)
			}
		}}
	if !safe {
		q.title, q.yes = "This address is not opened", ""
		q.text = "It is not an ordinary web address. It comes from a message, not from Postern."
	}
	w.confirm(q)
}
