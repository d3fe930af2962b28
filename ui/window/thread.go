package window

import (
	"context"
	"reflect"
	"slices"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
)

// thread is the messages of the open conversation.
type thread struct {
	p        *inboxPage
	view     *fyne.Container
	line     *timeline
	wait     *text
	jump     *fyne.Container // back to the newest, while older ones are shown
	at       place
	entries  []api.Entry // oldest first, without holes
	vers     map[uint64]int
	more     bool // there are older ones
	detached bool // there are newer ones that were not read
	read     uint64

	stop    func() // ends what is being read for at
	older   func() // ends the reading of older entries
	loading bool
	again   bool
	loaded  bool
}

func newThread(p *inboxPage) *thread {
	t := &thread{p: p, line: newTimeline(), wait: newText("", look{color: colorMuted, align: fyne.TextAlignCenter, wrap: true})}
	t.line.onTop = t.loadOlder
	back := newButton(primary, "Go to the newest", iconDown, func() { t.open(t.at, 0) })
	t.jump = container.New(&bottom{}, hbox(0, gapFill(), back, gapFill()))
	t.jump.Hide()
	t.view = container.NewStack(pad(24, 40, 24, 0, vbox(0, t.wait)), t.line, t.jump)
	return t
}

// open shows the end of a conversation, or what is around the entry seq.
func (t *thread) open(at place, seq uint64) {
	for _, stop := range []func(){t.stop, t.older} {
		if stop != nil {
			stop()
		}
	}
	t.at, t.entries, t.vers, t.read = at, nil, map[uint64]int{}, 0
	t.stop, t.older, t.loading, t.again, t.loaded, t.more, t.detached = nil, nil, false, false, false, false, seq != 0
	t.wait.set("")
	t.jump.Hide()
	t.line.set(nil, true)
	if seq == 0 {
		t.refresh()
		return
	}
	t.loading = true
	svc := t.p.w.svc
	last := false // nothing came after the entry
	t.stop = call(t.p.w.b, briefly, func(ctx context.Context) ([]api.Entry, error) {
		newest, err := svc.Timeline(ctx, at.account, at.conversation, 0, 1)
		if err != nil {
			return nil, err
		}
		last = len(newest) > 0 && newest[len(newest)-1].Seq <= seq
		return svc.Timeline(ctx, at.account, at.conversation, seq+1, pageSize)
	}, func(es []api.Entry, err error) {
		t.loading = false
		if err != nil {
			t.wait.set("The messages could not be read. " + explain(err))
			return
		}
		t.loaded = true
		t.entries, t.more = es, len(es) >= pageSize
		t.draw(true)
		if last {
			t.detached = false
			t.refresh()
			return
		}
		t.jump.Show()
		t.view.Refresh()
	})
}

// refresh reads the newest entries.
func (t *thread) refresh() {
	if t.at == (place{}) || t.detached {
		return
	}
	if t.loading {
		t.again = true
		return
	}
	t.loading = true
	at, svc := t.at, t.p.w.svc
	t.stop = call(t.p.w.b, briefly, func(ctx context.Context) ([]api.Entry, error) {
		return svc.Timeline(ctx, at.account, at.conversation, 0, pageSize)
	}, func(es []api.Entry, err error) {
		t.loading = false
		if err != nil {
			if !t.loaded {
				t.wait.set("The messages could not be read. " + explain(err))
			}
		} else {
			first := !t.loaded
			t.loaded = true
			t.merge(es)
			t.draw(first)
			t.seen()
		}
		if t.again {
			t.again = false
			t.refresh()
		}
	})
}

// merge takes in the newest entries. Where they don't join what is shown, they
// replace it.
func (t *thread) merge(es []api.Entry) {
	full := len(es) >= pageSize
	if len(es) == 0 {
		t.entries, t.more = nil, false
		return
	}
	for _, e := range es {
		for i := len(t.entries) - 1; i >= 0 && t.entries[i].Seq >= e.Seq; i-- {
			if t.entries[i].Seq == e.Seq && !reflect.DeepEqual(t.entries[i], e) {
				t.vers[e.Seq]++
			}
		}
	}
	cut := slices.IndexFunc(t.entries, func(e api.Entry) bool { return e.Seq >= es[0].Seq })
	switch {
	case cut >= 0:
		t.entries = append(t.entries[:cut:cut], es...)
		if cut == 0 {
			t.more = t.more || full
		}
	case full || len(t.entries) == 0:
		t.entries, t.more = es, full
	default:
		t.entries = append(t.entries, es...)
	}
}

// loadOlder reads what comes before the first entry.
func (t *thread) loadOlder() {
	if !t.more || t.older != nil || len(t.entries) == 0 {
		return
	}
	at, before, svc := t.at, t.entries[0].Seq, t.p.w.svc
	t.older = call(t.p.w.b, briefly, func(ctx context.Context) ([]api.Entry, error) {
		return svc.Timeline(ctx, at.account, at.conversation, before, pageSize)
	}, func(es []api.Entry, err error) {
		t.older = nil
		if err != nil {
			t.more = false // until the conversation is opened again
			t.p.w.fail(err)
			t.draw(false)
			return
		}
		t.more = len(es) >= pageSize
		if len(t.entries) > 0 && t.entries[0].Seq == before {
			t.entries = append(es, t.entries...)
		}
		t.draw(false)
	})
}

// update reads one entry anew, after something was done about it.
func (t *thread) update(seq uint64) {
	at, svc := t.at, t.p.w.svc
	call(t.p.w.b, briefly, func(ctx context.Context) (api.Entry, error) { return svc.Entry(ctx, seq) }, func(e api.Entry, err error) {
		if err != nil || at != t.at {
			t.refresh()
			return
		}
		for i := range t.entries {
			if t.entries[i].Seq == seq && !reflect.DeepEqual(t.entries[i], e) {
				t.entries[i] = e
				t.vers[seq]++
			}
		}
		t.draw(false)
	})
}

// seen tells the service that the newest entry was read, once.
func (t *thread) seen() {
	if len(t.entries) == 0 || t.p.w.page != PageInbox || t.p.w.setup != nil {
		return
	}
	c, ok := t.p.conversationAt(t.at)
	last := t.entries[len(t.entries)-1].Seq
	if !ok || c.Unread == 0 || last <= t.read {
		return
	}
	t.read = last
	at, svc := t.at, t.p.w.svc
	act(t.p.w.b, briefly, func(ctx context.Context) error { return svc.MarkRead(ctx, at.account, at.conversation, last) }, func(err error) {
		if err != nil {
			t.read = 0
		}
	})
}

// draw turns entries into rows.
func (t *thread) draw(stick bool) {
	t.line.set(t.rows(), stick)
	t.wait.set("")
	if t.loaded && len(t.entries) == 0 {
		t.wait.set("No messages here.")
	}
}

func (t *thread) rows() []row {
	now := t.p.w.now()
	rows := make([]row, 0, len(t.entries)+8)
	if t.more {
		rows = append(rows, row{id: "earlier", build: t.earlier})
	}
	day, wasAway := "", false
	for i, e := range t.entries {
		if d := dayOf(e.At, now); d != day {
			rows = append(rows, row{id: "day " + d, guess: 40, build: func() fyne.CanvasObject { return divider(d, colorMuted) }})
			day = d
		}
		if e.Away && !wasAway {
			n := away(t.entries, i)
			rows = append(rows, row{id: "away " + strconv.FormatUint(e.Seq, 10), ver: n, guess: 40,
				build: func() fyne.CanvasObject { return divider(awayWords(n), colorAccent) }})
		}
		if !e.Outgoing {
			wasAway = e.Away
		}
		head := i == 0 || startsGroup(t.entries[i-1], e) || t.p.w.byWebhook(t.entries[i-1]) != t.p.w.byWebhook(e)
		ver := t.vers[e.Seq] * 2
		if head {
			ver++
		}
		rows = append(rows, row{id: strconv.FormatUint(e.Seq, 10), ver: ver, guess: guessHeight(e), fixed: true,
			build: func() fyne.CanvasObject { return newBubble(t.p, e, head) }})
	}
	if len(rows) > 0 {
		rows = append(rows, row{id: "end", guess: 12, build: func() fyne.CanvasObject { return sized(0, 12, newBox(colorClear, "", 0)) }})
	}
	return rows
}

func startsGroup(before, e api.Entry) bool {
	return before.Outgoing != e.Outgoing || before.Hook != e.Hook || before.Poster != e.Poster || before.From.ID != e.From.ID || before.Away != e.Away || e.At.Sub(before.At) > 10*time.Minute
}

func guessHeight(e api.Entry) float32 {
	return 60 + 18*float32(min(len(e.Text), 4*shownRunes)/70) + 48*float32(len(e.Attachments))
}

func (t *thread) earlier() fyne.CanvasObject {
	return pad(0, 12, 0, 4, hbox(0, gapFill(), newButton(quiet, "Earlier…", "", t.loadOlder), gapFill()))
}

// divider is a line across the timeline with words in its middle.
func divider(s string, c fyne.ThemeColorName) fyne.CanvasObject {
	return pad(24, 12, 24, 8, hbox(12, fill(rule()), newText(s, look{size: sizeTiny, bold: true, color: c, whole: true}), fill(rule())))
}

// newest shows the end of the conversation.
func (t *thread) newest() {
	if t.detached {
		t.open(t.at, 0)
		return
	}
	t.refresh()
	t.line.toBottom()
}

// pressed is the label of the button that e tells of, or, where its message is
// not loaded, what the button carries. A permission's buttons carry a number
// that only Postern knows.
func (t *thread) pressed(e api.Entry) string {
	for i := len(t.entries) - 1; i >= 0; i-- {
		if t.entries[i].Seq >= e.Seq {
			continue
		}
		for _, row := range t.entries[i].Buttons {
			for _, b := range row {
				if b.Data == e.Click.Data && b.Label != "" {
					return b.Label
				}
			}
		}
	}
	return e.Click.Data
}
