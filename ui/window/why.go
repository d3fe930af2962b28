package window

import (
	"context"
	"reflect"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
	clean "github.com/postern/postern/platforms/text"
	"github.com/postern/postern/ui/model"
)

// why shows how an entry was decided, and how it would be today.
func (w *Window) why(entry uint64) {
	call(w.b, briefly, func(ctx context.Context) (api.Why, error) { return w.svc.Why(ctx, entry) }, func(y api.Why, err error) {
		if err != nil {
			w.fail(err)
			return
		}
		var m *modal
		done := newButton(primary, "Close", "", func() { m.close() })
		copied := newButton(plain, "Copy all", iconCopy, func() { w.copy(whyText(y), "The reasons were") })
		scroll := container.NewVScroll(pad(0, 0, 12, 8, whyView(y, true)))
		m = w.open(frame(pad(0, 0, 0, 12, heading("Why?")), vbox(10, rule(), hbox(8, fill(small("Entry "+strconv.FormatUint(entry, 10))), copied, done)), nil, nil,
			container.New(&uncut{}, scroll)), 600, nil)
		w.win.Canvas().Focus(done)
	})
}

// differ reports whether two decisions differ for a person.
func differ(a, b access.Decision) bool {
	return a.Verdict != b.Verdict || a.Role != b.Role || !reflect.DeepEqual(a.Trace, b.Trace)
}

// whyView is how an event was or would be decided; came says that it did come.
func whyView(y api.Why, came bool) fyne.CanvasObject {
	rows := vbox(16)
	switch {
	case !came:
		rows.Add(decisionView("", y.Now))
	case y.Then == nil:
		rows.Add(note("What was decided when it came is not kept."))
		rows.Add(decisionView("It would be decided today", y.Now))
	case differ(*y.Then, y.Now):
		rows.Add(decisionView("When it came", *y.Then))
		rows.Add(decisionView("It would be decided today", y.Now))
	default:
		rows.Add(decisionView("When it came, and as it would be today", y.Now))
	}
	if len(y.Routes) > 0 {
		list := vbox(4, newText("Routes", look{bold: true}))
		for _, r := range y.Routes {
			name := clean.Line(r.Name, 60)
			if name == "" {
				name = "Route " + clean.Line(r.Route, 40)
			}
			s, c := "○", colorMuted
			if r.Match {
				s, c = "●", colorGood
			}
			list.Add(stepLine(newSymbol(s, 16, c), name+": "+clean.Line(r.Words, 400)))
		}
		rows.Add(list)
	}
	if s := goesTo(y); s != "" {
		rows.Add(vbox(4, newText("Goes to", look{bold: true}), body(s)))
	}
	return rows
}

// goesTo says which responders get it; empty where nothing does.
func goesTo(y api.Why) string {
	if y.Now.Verdict != access.Allowed {
		return ""
	}
	to := list(y.To, "Nothing answers it: no route takes it, and there is no responder for what no route takes.", true)
	if y.Lease != "" {
		to += "\n" + clean.Line(y.Lease, 240)
	}
	return to
}

func decisionView(when string, d access.Decision) fyne.CanvasObject {
	rows := vbox(4)
	if when != "" {
		rows.Add(newText(when, look{size: sizeSmall, color: colorMuted, bold: true}))
	}
	s, c := iconClose, colorBad
	if d.Verdict == access.Allowed {
		s, c = iconCheck, colorGood
	}
	rows.Add(hbox(8, newIcon(s, c, 18), fill(newText(model.DecisionWords(d), look{bold: true, color: c, wrap: true}))))
	if len(d.Trace) == 0 {
		rows.Add(note("The single steps are not kept."))
	}
	for _, st := range d.Trace {
		rows.Add(stepLine(stepSign(st.Outcome), clean.Line(st.Words, 400)))
	}
	return rows
}

// stepSign tells how a check ended, by its form and its colour.
func stepSign(o access.Outcome) fyne.CanvasObject {
	switch o {
	case access.Passed:
		return newIcon(iconCheck, colorGood, 16)
	case access.Stopped:
		return newIcon(iconClose, colorBad, 16)
	}
	return newIcon(iconInfo, colorMuted, 16)
}

func stepLine(sign fyne.CanvasObject, words string) fyne.CanvasObject {
	return pad(2, 0, 0, 0, hboxTop(8, pad(0, 1, 0, 0, sign), fill(newText(words, look{size: sizeSmall, wrap: true}))))
}

// whyText is the same for the clipboard.
func whyText(y api.Why) string {
	var b strings.Builder
	tell := func(when string, d access.Decision) {
		b.WriteString(when + model.DecisionWords(d) + "\n")
		for _, st := range d.Trace {
			b.WriteString("  " + string(st.Outcome) + ": " + clean.Line(st.Words, 400) + "\n")
		}
	}
	if y.Then != nil {
		tell("Then: ", *y.Then)
	}
	tell("Now: ", y.Now)
	for _, r := range y.Routes {
		b.WriteString("Route " + clean.Line(r.Route, 40) + " " + clean.Line(r.Name, 60) + ": " + clean.Line(r.Words, 400) + "\n")
	}
	if s := goesTo(y); s != "" {
		b.WriteString("Goes to: " + s + "\n")
	}
	return b.String()
}
