package window

import (
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/exposure"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/all"
)

var shots = flag.String("shots", "", "folder to put a picture of every page into")

type scene struct {
	name string
	f    func() *fake
	play func(*stage)
	size fyne.Size // zero: 1100 by 720
}

// real is the sample with the platforms that there are.
func real() *fake {
	f := sample()
	f.kinds = nil
	for _, p := range all.All() {
		k := api.Platform{Name: p.Name, Title: p.Title, Glyph: p.Glyph, Summary: p.Summary, Minutes: p.Minutes, Away: p.Away,
			Exposure: exposure.Facts{Inbound: p.Inbound}.Level(), Inbound: p.Inbound, Setup: p.Setup, Limits: p.Limits, Varies: p.Vary != nil}
		for _, d := range p.Fields {
			k.Fields = append(k.Fields, api.Field{Key: d.Key, Label: d.Label, Help: d.Help, Placeholder: d.Placeholder, Secret: d.Secret, Required: d.Required, Advanced: d.Advanced, Options: d.Options})
		}
		f.kinds = append(f.kinds, k)
	}
	return f
}

// onlySpeaks is the sample with one account that hears nothing.
func onlySpeaks() *fake {
	f := real()
	at := f.snap.At
	most := platforms.Limits{Deaf: true, Text: 2000, Unit: platforms.Runes}
	f.snap.Accounts = []api.Account{{ID: "chathook", Platform: "chathook", Title: "Chat webhook", Glyph: "⇥", Name: "Builds", Handle: "Discord", Status: api.Connected, Since: at.Add(-time.Hour),
		Exposure: exposure.Outbound, Deaf: true, Speaks: api.Light{Proven: at.Add(-40 * time.Minute)}, Limits: &most, Queued: 2}}
	f.snap.Exposure = api.Exposure{exposure.Outbound: 1}
	return f
}

// TestShots draws every page, light and dark, with sample data, and saves the
// pictures where -shots says.
func TestShots(t *testing.T) {
	pin(t)
	narrow := fyne.NewSize(660, 560)
	scenes := []scene{
		{name: "accounts", f: sample, play: func(s *stage) {}},
		{name: "accounts-empty", f: func() *fake { f := sample(); f.snap.Accounts, f.snap.Exposure = nil, nil; return f }, play: func(s *stage) {}},
		{name: "accounts-notices", f: func() *fake {
			f := sample()
			f.snap.Accounts = f.snap.Accounts[:2]
			f.snap.Program.Demo = true
			f.snap.Notices = []api.Notice{{ID: "n1", Bad: true, Text: "The journal was repaired after a crash: 2 messages could not be read and were set aside."},
				{ID: "n2", Text: "No keyring was found, so secrets are kept in a sealed file that asks for its passphrase at every start."}}
			return f
		}, play: func(s *stage) {}},
		{name: "accounts-remove", f: sample, play: func(s *stage) { s.w.accounts.cards["a1"].remove() }},
		{name: "accounts-offline", f: sample, play: func(s *stage) {
			s.f.link(false)
			s.drain()
			s.w.fail(&api.Error{Text: "Postern is not running. Start it, and the window goes on by itself."})
		}},
		{name: "add", f: sample, play: func(s *stage) { s.w.Go(PageAdd) }},
		{name: "add-compare", f: real, play: func(s *stage) { s.w.Go(PageAdd); s.w.setup.compare() }},
		{name: "add-chathook", f: real, play: func(s *stage) { s.w.Go(PageAdd); s.w.setup.choose("chathook") }},
		{name: "accounts-speaks", f: onlySpeaks, play: func(s *stage) {}},
		{name: "add-checked", f: func() *fake {
			f := sample()
			f.check = func(api.AccountDraft) (api.Check, error) {
				return api.Check{Identity: platforms.Identity{ID: "7", Name: "Family Helper", Handle: "@family_helper_bot",
					Problems: []platforms.Problem{{Code: "hook", Text: "A webhook is set for this bot, so it hears nothing here.", Fix: "Remove the webhook", Bad: true}}}, Exposure: exposure.Outbound}, nil
			}
			return f
		}, play: func(s *stage) {
			s.w.Go(PageAdd)
			s.w.setup.form().inputs["token"].SetText("123456789:AAbbccddeeffgghhiijjkkll")
			s.pass(time.Second)
			s.settle()
		}},
		{name: "add-refused", f: func() *fake {
			f := sample()
			f.check = func(api.AccountDraft) (api.Check, error) {
				return api.Check{Error: &api.Error{Text: "Telegram refused the token (401). Paste the current one from @BotFather."},
					Fields: map[string]string{"token": "This token is not accepted."}}, nil
			}
			return f
		}, play: func(s *stage) {
			s.w.Go(PageAdd)
			s.w.setup.choose("shop")
			s.w.setup.form().inputs["token"].SetText("123456789:AAbbccddeeffgghhiijjkkll")
			s.w.setup.form().inputs["secret"].SetText("12")
			s.w.setup.runCheck(nil)
			s.settle()
		}},
		{name: "edit", f: sample, play: func(s *stage) { s.w.edit(s.f.snap.Accounts[0]) }},
		{name: "edit-rotate", f: sample, play: func(s *stage) {
			s.w.edit(s.f.snap.Accounts[3])
			s.settle()
			s.press("Make one")
			s.press("for 1 day")
		}},
		{name: "accounts-exposed", f: exposed, play: func(s *stage) { s.w.accounts.content.Refresh(); s.capture(); s.scrollAccounts() }},
		{name: "inbox", f: sample, play: func(s *stage) { s.w.Show(api.Request{Account: "a1", Conversation: "c1", Reply: true}); s.settle() }},
		{name: "readme", f: func() *fake { // only what exists today
			f := sample()
			f.snap.Accounts = f.snap.Accounts[:1]
			f.snap.Exposure = api.Exposure{exposure.Outbound: 1}
			f.snap.Unread, f.snap.Dead, f.snap.Held, f.snap.Queued = 4, 0, 0, 1
			f.convs = slices.DeleteFunc(f.convs, func(c api.Conversation) bool { return c.Account != "a1" })
			return f
		}, play: func(s *stage) { s.w.Show(api.Request{Account: "a1", Conversation: "c1", Reply: true}); s.settle() }},
		{name: "inbox-search", f: sample, play: func(s *stage) {
			s.w.Go(PageInbox)
			s.w.inbox.search.SetText("soup")
			s.pass(time.Second)
			s.settle()
		}},
		{name: "inbox-dead", f: sample, play: func(s *stage) {
			s.w.Show(api.Request{Account: "a3", Conversation: "c5"})
			s.settle()
			s.w.inbox.composer.add(place{"a3", "c5"}, &Picked{Name: "log of last night.txt", Size: 48213})
		}},
		{name: "exposure", f: exposed, play: func(s *stage) { s.w.Go(PageExposure); s.settle() }},
		{name: "exposure-lower", f: exposed, play: func(s *stage) { s.w.Go(PageExposure); s.settle(); s.capture(); s.w.exposure.visit("a5") }},
		{name: "exposure-end", f: exposed, play: func(s *stage) { s.w.Go(PageExposure); s.settle(); s.capture(); s.w.exposure.scroll.ScrollToBottom() }},
		{name: "exposure-plain", f: func() *fake {
			f := sample()
			f.snap.Accounts = f.snap.Accounts[:1]
			f.snap.Exposure = api.Exposure{exposure.Outbound: 1}
			f.view, f.audit = api.View{At: noon}, api.AuditPage{}
			return f
		}, play: func(s *stage) { s.w.Go(PageExposure); s.settle() }},
		{name: "exposure-ask", f: exposed, play: func(s *stage) { s.w.Go(PageExposure); s.settle(); s.w.exposure.cards["a4"].askFirst(); s.settle() }},
		{name: "exposure-listener", f: exposed, play: func(s *stage) {
			s.w.Go(PageExposure)
			s.settle()
			s.w.editListener(s.w.exposure.cards["a5"].d, func() {}).mark("public", "This name leads to 10.0.0.3, which the platform can't reach.")
		}},
		{name: "exposure-narrow", f: exposed, play: func(s *stage) { s.w.Go(PageExposure); s.settle() }, size: narrow},
		{name: "exposure-ask-narrow", f: exposed, play: func(s *stage) { s.w.Go(PageExposure); s.settle(); s.w.exposure.cards["a4"].askFirst(); s.settle() }, size: narrow},
		{name: "answers", f: answers, play: func(s *stage) { s.w.Go(PageAnswers); s.settle() }},
		{name: "answers-lower", f: answers, play: func(s *stage) { s.w.Go(PageAnswers); s.settle(); s.capture(); s.w.answers.scroll.ScrollToBottom() }},
		{name: "answers-changed", f: answers, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.w.answers.routes.move(2, 0)
			s.capture()
			s.w.answers.scroll.ScrollToBottom()
		}},
		{name: "answers-empty", f: func() *fake {
			f := answers()
			f.what.responders, f.what.leases, f.what.routes.Routes = f.what.responders[:1], nil, nil
			return f
		}, play: func(s *stage) { s.w.Go(PageAnswers); s.settle() }},
		{name: "answers-many", f: manyRoutes, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.capture()
			s.w.answers.scroll.ScrollToOffset(fyne.NewPos(0, 900))
		}},
		{name: "answers-narrow", f: manyRoutes, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.capture()
			s.w.answers.scroll.ScrollToOffset(fyne.NewPos(0, 1000))
		}, size: narrow},
		{name: "answers-kinds", f: answers, play: func(s *stage) { s.w.Go(PageAnswers); s.settle(); s.w.answers.add(); s.settle() }},
		{name: "answers-form", f: answers, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.w.answers.form(s.f.what.kinds[0], &s.f.what.responders[1])
		}},
		{name: "answers-route", f: answers, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.w.answers.routes.edit(0, s.f.what.routes.Routes[0])
			s.settle()
		}},
		{name: "answers-route-narrow", f: answers, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.w.answers.routes.edit(0, s.f.what.routes.Routes[0])
			s.settle()
		}, size: narrow},
		{name: "answers-route-hand", f: answers, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			f := s.w.answers.routes.edit(3, s.f.what.routes.Routes[3])
			s.settle()
			f.source.SetText("text contains !!")
			s.pass(time.Second)
			s.settle()
			s.press("Names to use")
		}},
		{name: "answers-try", f: answers, play: func(s *stage) {
			s.w.Go(PageAnswers)
			s.settle()
			s.w.answers.routes.put(-1, api.Route{Name: "Parcels", When: `text contains "parcel"`, To: []string{"forward-1"}}, api.RouteChecked{})
			s.press("Try them…")
		}},
		{name: "inbox-agent", f: answers, play: func(s *stage) { s.w.Show(api.Request{Account: "a1", Conversation: "c1", Reply: true}); s.settle() }},
		{name: "activity", f: sample, play: func(s *stage) { s.w.Go(PageActivity); s.settle() }},
		{name: "activity-detail", f: sample, play: func(s *stage) { s.w.Go(PageActivity); s.settle(); s.w.activity.details(s.f.activity[6]) }},
		{name: "general", f: sample, play: func(s *stage) { s.w.Go(PageGeneral); s.settle() }},
		{name: "general-unsaved", f: sample, play: func(s *stage) { s.w.Go(PageGeneral); s.settle(); s.w.general.ask.entry.SetText("soon") }},
		{name: "doctor", f: examined, play: func(s *stage) { s.w.Go(PageDoctor); s.settle() }},
		{name: "doctor-narrow", f: examined, play: func(s *stage) { s.w.Go(PageDoctor); s.settle() }, size: narrow},
		{name: "doctor-bundle", f: examined, play: func(s *stage) {
			s.w.Go(PageDoctor)
			s.settle()
			s.press("Support bundle…")
			s.press("postern.log · 226 bytes")
		}},
		{name: "hello", f: sample, play: func(s *stage) {
			s.w.Go(PageAdd)
			s.w.setup.hello(s.f.snap.Accounts[0])
		}},
	}
	scenes = append(scenes, peopleScenes()...)
	scenes = append(scenes, programScenes()...)
	scenes = append(scenes, hookScenes()...)
	scenes = append(scenes, inputScenes()...)
	for _, p := range all.All() {
		scenes = append(scenes, scene{name: "setup-" + p.Name, f: real, play: func(s *stage) { s.w.Go(PageAdd); s.w.setup.choose(p.Name) }})
	}
	for _, v := range []Variant{Light, Dark} { // the theme changes once
		for _, sc := range scenes {
			name := sc.name + map[Variant]string{Light: "-light", Dark: "-dark"}[v]
			t.Run(name, func(t *testing.T) {
				s := newStage(t, sc.f(), v, Options{})
				sc.play(s)
				size := sc.size
				if size.IsZero() {
					size = fyne.NewSize(1100, 720)
				}
				img := s.captureAt(size.Width, size.Height)
				if img.Bounds().Dx() < int(size.Width) {
					t.Fatalf("the picture is %v", img.Bounds())
				}
				if *shots == "" {
					return
				}
				if err := os.MkdirAll(*shots, 0o755); err != nil {
					t.Fatal(err)
				}
				out, err := os.Create(filepath.Join(*shots, name+".png"))
				if err != nil {
					t.Fatal(err)
				}
				defer out.Close()
				if err := png.Encode(out, img); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}
