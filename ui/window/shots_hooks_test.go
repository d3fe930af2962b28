package window

import (
	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/control/api"
)

// hookScenes are the pages of hooks and relays, and what came by them.
func hookScenes() []scene {
	narrow := fyne.NewSize(660, 560)
	on := func(page string, then func(*stage)) func(*stage) {
		return func(s *stage) {
			s.w.Go(page)
			s.settle()
			if then != nil {
				then(s)
				s.settle()
			}
		}
	}
	filled := func(s *stage) {
		f := s.w.hooks.add()
		f.where.set(s.f.convs[0])
		f.name.SetText("Zoë's build server")
		f.dialect = formTemplate
		f.describe()
		f.template.SetText("{{ .title }}: {{ .message }}")
		s.settle()
		s.press("Try it")
		f.try.post.SetText(`{"title": "Build 214", "message": "is green"}`)
		s.press("Try")
	}
	shown := func(s *stage) {
		s.w.showHook(api.HookMade{Hook: s.f.web.hooks.Hooks[0], URL: fakeURL}, s.f.web.hooks.Forms)
	}
	buckets := func(s *stage) {
		f := s.w.relays.form(s.f.web.kinds[0], nil, "a7")
		s.settle()
		f.inputs["key"].SetText("example-key")
		f.channels.rows[0].name.SetText("orders")
		f.channels.add(api.RelayChannel{Channel: "builds", Account: "a6", Path: "/builds/9d2e", Public: "https://builds.relay.example.org"})
		f.runCheck(nil)
	}
	return []scene{
		{name: "hooks", f: hooked, play: on(PageHooks, nil)},
		{name: "hooks-narrow", f: hooked, play: on(PageHooks, nil), size: narrow},
		{name: "hooks-empty", f: func() *fake {
			f := hooked()
			f.web.hooks.Hooks, f.web.hooks.Open = nil, false
			return f
		}, play: on(PageHooks, nil)},
		{name: "hooks-closed", f: func() *fake {
			f := hooked()
			f.web.hooks.Open, f.web.hooks.Why = false, "Another program has port 47820. Choose another one."
			return f
		}, play: on(PageHooks, nil)},
		{name: "hooks-new", f: hooked, play: on(PageHooks, func(s *stage) { s.w.hooks.add() })},
		{name: "hooks-new-filled", f: hooked, play: on(PageHooks, filled)},
		{name: "hooks-new-narrow", f: hooked, play: on(PageHooks, filled), size: narrow},
		{name: "hooks-pick", f: hooked, play: on(PageHooks, func(s *stage) { s.w.hooks.add(); s.press("Choose a conversation…") })},
		{name: "hooks-shown", f: hooked, play: on(PageHooks, shown)},
		{name: "hooks-shown-narrow", f: hooked, play: on(PageHooks, shown), size: narrow},
		{name: "hooks-rotate", f: hooked, play: on(PageHooks, func(s *stage) { s.w.hooks.rows[0].rotate() })},
		{name: "hooks-listen", f: hooked, play: on(PageHooks, func(s *stage) { s.w.hooks.listen() })},
		{name: "relays", f: relayed, play: on(PageRelays, func(s *stage) { s.w.relays.rows[0].unfold(true) })},
		{name: "relays-lower", f: relayed, play: on(PageRelays, func(s *stage) { s.capture(); s.w.relays.scroll.ScrollToBottom() })},
		{name: "relays-narrow", f: relayed, play: on(PageRelays, nil), size: narrow},
		{name: "relays-empty", f: sample, play: on(PageRelays, nil)},
		{name: "relays-kinds", f: relayed, play: on(PageRelays, func(s *stage) { s.w.relays.add("") })},
		{name: "relays-form", f: relayed, play: on(PageRelays, buckets)},
		{name: "relays-form-narrow", f: relayed, play: on(PageRelays, buckets), size: narrow},
		{name: "relays-form-one", f: relayed, play: on(PageRelays, func(s *stage) { s.w.relays.form(s.f.web.kinds[1], nil, "") })},
		{name: "inbox-hook", f: webhooked, play: func(s *stage) { s.w.Show(api.Request{Account: "a2", Conversation: "c4"}); s.settle() }},
		{name: "inbox-webhook", f: webhooked, play: func(s *stage) { s.w.Show(api.Request{Account: "w1", Conversation: "orders"}); s.settle() }},
	}
}
