package window

import (
	"image/color"
	"slices"
	"strconv"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/platforms"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// convRow is one line of the list at the left of the inbox: a conversation, or
// a message that a search found.
type convRow struct {
	view  *fyne.Container
	sign  *avatar
	mark  *avatar // of the platform, at the corner
	title *text
	time  *text
	line  *text
	flags *text
	count *counter
}

const convRowHeight = 68

func newConvRow() *convRow {
	r := &convRow{
		sign: newAvatar("", "", 40), mark: newAvatar("", "", 18),
		title: newText("", look{bold: true}), time: newText("", look{size: sizeTiny, color: colorMuted, whole: true}),
		line: newText("", look{size: sizeSmall, color: colorMuted}), flags: newText("", look{size: sizeTiny, color: colorWarn}),
		count: newCounter(),
	}
	signs := container.New(&corner{}, r.sign, newBox(colorSurface, "", 11), r.mark)
	first := hbox(8, fill(r.title), r.time)
	second := hbox(8, fill(r.line), r.count)
	r.view = container.NewStack(sized(0, convRowHeight, newBox(colorClear, "", 0)),
		pad(10, 6, 10, 6, hbox(10, signs, fill(vbox(1, first, second, r.flags)))))
	return r
}

// corner puts its last two objects over the lower right of the first.
type corner struct{}

func (*corner) MinSize(objs []fyne.CanvasObject) fyne.Size {
	return objs[0].MinSize().AddWidthHeight(6, 4)
}

func (*corner) Layout(objs []fyne.CanvasObject, _ fyne.Size) {
	m := objs[0].MinSize()
	objs[0].Resize(m)
	for i, o := range objs[1:] {
		s := float32(22 - 4*i)
		o.Resize(fyne.NewSquareSize(s))
		o.Move(fyne.NewPos(m.Width+6-s-2*float32(i), m.Height+4-s-2*float32(i)))
	}
}

// conversation shows c. hooked says that its messages come by a webhook.
func (r *convRow) conversation(c api.Conversation, glyph, kind string, hooked bool, now time.Time) {
	name := conversationTitle(c)
	r.sign.set(initial(name), string(c.ID))
	r.mark.set(glyph, kind)
	r.title.set(name)
	r.time.set(clockOf(c.Last, now))
	r.line.set(clean.Line(c.Preview, 160))
	r.line.tint(colorMuted)
	if c.Unread > 0 {
		r.line.tint(colorText)
	}
	r.count.set(c.Unread)
	var flags []string
	if c.Dead > 0 {
		flags = append(flags, "✕ "+strconv.Itoa(c.Dead)+" not sent")
	}
	if c.Queued > 0 {
		flags = append(flags, strconv.Itoa(c.Queued)+" to be sent")
	}
	if c.Stranger {
		flags = append(flags, "stranger")
	}
	if c.Away > 0 {
		flags = append(flags, strconv.Itoa(c.Away)+" while you were away")
	}
	if hooked {
		flags = append(flags, "by webhook")
	}
	r.flag(strings.Join(flags, " · "), c.Dead > 0)
}

func (r *convRow) flag(s string, bad bool) {
	r.flags.set(s)
	r.flags.tint(colorWarn)
	if bad {
		r.flags.tint(colorBad)
	}
	setVisible(r.flags, s != "")
	r.view.Refresh()
}

// entry shows a message that a search found.
func (r *convRow) entry(e api.Entry, where, glyph, kind string, now time.Time) {
	r.sign.set(initial(where), string(e.Conversation))
	r.mark.set(glyph, kind)
	r.title.set(where)
	r.time.set(clockOf(e.At, now))
	who := userName(e.From)
	if e.Outgoing {
		who = "You"
	}
	if by, _ := model.PostedBy(e); by != "" {
		who = by
	}
	r.line.set(who + ": " + clean.Line(e.Text, 160))
	r.line.tint(colorMuted)
	r.count.set(0)
	r.flag("", false)
}

// sortConversations puts unread ones first, then the newest. What is open stays
// among the unread ones, so that it does not jump away while it is read.
func sortConversations(cs []api.Conversation, open place, sticky bool) {
	first := func(c api.Conversation) bool {
		return c.Unread > 0 || sticky && place{c.Account, c.ID} == open
	}
	slices.SortStableFunc(cs, func(a, b api.Conversation) int {
		if x, y := first(a), first(b); x != y {
			if x {
				return -1
			}
			return 1
		}
		return b.Last.Compare(a.Last)
	})
}

// counter is the number of unread messages.
type counter struct {
	box
	n int
}

func newCounter() *counter {
	c := &counter{}
	c.ExtendBaseWidget(c)
	return c
}

func (c *counter) set(n int) {
	if c.n != n {
		c.n = n
		c.Refresh()
	}
}

func (c *counter) label() string {
	if c.n > 99 {
		return "99+"
	}
	return strconv.Itoa(c.n)
}

// MinSize implements fyne.CanvasObject.
func (c *counter) MinSize() fyne.Size {
	if c.n == 0 {
		return fyne.NewSize(0, 18)
	}
	return fyne.NewSize(max(18, fyne.MeasureText(c.label(), sizeTiny, fyne.TextStyle{Bold: true}).Width+10), 18)
}

// CreateRenderer implements fyne.Widget.
func (c *counter) CreateRenderer() fyne.WidgetRenderer {
	back, words := canvas.NewRectangle(color.Transparent), canvas.NewText("", color.Black)
	back.CornerRadius = 9
	words.TextSize, words.TextStyle.Bold, words.Alignment = sizeTiny, true, fyne.TextAlignCenter
	r := &drawn{w: c, min: c.MinSize, objs: []fyne.CanvasObject{back, words}}
	r.layout = func(s fyne.Size) {
		back.Resize(s)
		h := words.MinSize().Height
		words.Move(fyne.NewPos(0, (s.Height-h)/2))
		words.Resize(fyne.NewSize(s.Width, h))
	}
	r.paint = func() {
		back.Hidden, words.Hidden = c.n == 0, c.n == 0
		back.FillColor, words.Color, words.Text = colorOf(colorAccent), colorOf("foregroundOnPrimary"), c.label()
		back.Refresh()
		words.Refresh()
	}
	r.paint()
	return r
}

// kindWords says what kind of conversation it is, and through which account.
func kindWords(c api.Conversation, a api.Account) string {
	kind := map[platforms.ConversationKind]string{
		platforms.Direct: "Direct conversation", platforms.Group: "Group", platforms.Channel: "Channel",
	}[c.Kind]
	if kind == "" {
		kind = "Conversation"
	}
	if where := shortName(a); where != "" {
		kind += " · " + where
	}
	return kind
}

// away counts the run of messages that came while Postern was off, from i on.
func away(es []api.Entry, i int) (n int) {
	for ; i < len(es) && (es[i].Away || es[i].Outgoing); i++ {
		if es[i].Away {
			n++
		}
	}
	return n
}

func awayWords(n int) string {
	return "While you were away: " + model.Count(n, "message", "messages")
}
