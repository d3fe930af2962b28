package window

import (
	"time"

	"fyne.io/fyne/v2"

	"github.com/postern/postern/app/access"
	"github.com/postern/postern/app/control/api"
)

// peopleScenes are the pictures of who may talk, and of what a person is asked.
func peopleScenes() []scene {
	narrow := fyne.NewSize(660, 560)
	page := func(s *stage) { s.w.Go(PagePeople); s.settle() }
	inbox := func(s *stage) {
		s.w.Show(api.Request{Account: "a1", Conversation: "c1"})
		s.settle()
		s.pass(time.Second)
		s.settle()
	}
	waiting := func(f *fake) *fake {
		f.talk.people.Claims = []access.Claim{claim(1, "4711", "Ada"), claim(2, "u8k3m1n7q2ybgfp5wxr4t6z9aou8k3m1n7q2ybgfp5wxr4t6z9ao", "Ada Nilsson with a name that goes on and on and on and on"), claim(3, "9", "")}
		f.snap.Claims = 3
		return f
	}
	return []scene{
		{name: "people", f: peopled, play: page},
		{name: "people-empty", f: sample, play: page},
		{name: "people-claims", f: func() *fake { return waiting(peopled()) }, play: func(s *stage) { page(s); s.pass(time.Second) }},
		{name: "people-crowded", f: func() *fake { return crowded(200) }, play: page},
		{name: "people-narrow", f: func() *fake { return crowded(40) }, play: page, size: narrow},
		{name: "people-claims-narrow", f: func() *fake { return waiting(crowded(40)) }, play: page, size: narrow},
		{name: "people-add", f: peopled, play: func(s *stage) {
			page(s)
			s.f.talk.refuse = map[string]error{"Allow": &api.Error{Kind: "rejected", Text: "“ada” is a name, not an id.", Fields: map[string]string{
				"user": "“ada” is a name, not an id. A name can change, and somebody else can take it. Open their profile, choose More, then Copy member ID."}}}
			d := s.w.addPerson()
			d.who.set("a1")
			d.user.SetText("ada")
			d.store()
			s.settle()
		}},
		{name: "people-add-narrow", f: peopled, play: func(s *stage) { page(s); s.w.addPerson() }, size: narrow},
		{name: "people-end", f: peopled, play: func(s *stage) { page(s); s.w.setEnd(s.f.talk.people.Rules[2]) }},
		{name: "people-pair", f: peopled, play: func(s *stage) { page(s); s.w.pair(); s.settle(); s.pass(28 * time.Second); s.settle() }},
		{name: "people-pair-narrow", f: peopled, play: func(s *stage) { page(s); s.w.pair(); s.settle() }, size: narrow},
		{name: "people-pair-claim", f: peopled, play: func(s *stage) {
			page(s)
			s.w.pair()
			s.settle()
			s.f.set(func() {
				s.f.talk.people.Claims, s.f.talk.people.Pairing = []access.Claim{claim(1, "4711", "Ada")}, time.Time{}
			})
			s.push(func(n *api.Snapshot) { n.Claims = 1 })
			s.pass(time.Second)
			s.settle()
		}},
		{name: "people-simulate", f: peopled, play: func(s *stage) {
			page(s)
			s.w.simulate("a1", s.f.talk.people.Rules[0]).run()
			s.settle()
		}},
		{name: "activity-stranger", f: peopled, play: func(s *stage) { s.w.Go(PageActivity); s.settle() }},
		{name: "activity-stranger-narrow", f: peopled, play: func(s *stage) { s.w.Go(PageActivity); s.settle() }, size: narrow},
		{name: "activity-stranger-detail", f: peopled, play: func(s *stage) { s.w.Go(PageActivity); s.settle(); s.w.activity.details(s.f.activity[5]) }},
		{name: "activity-allow", f: peopled, play: func(s *stage) {
			s.w.Go(PageActivity)
			s.settle()
			a := s.f.activity[5]
			a.Conversation = "c1"
			s.w.askAllow(a)
			s.settle()
		}},
		{name: "activity-ignore", f: peopled, play: func(s *stage) { s.w.Go(PageActivity); s.settle(); s.w.ignoreForGood(s.f.activity[5]) }},
		{name: "activity-why", f: peopled, play: func(s *stage) { s.w.Go(PageActivity); s.settle(); s.w.why(130); s.settle() }},
		{name: "inbox-asks", f: permissions, play: inbox},
		{name: "inbox-asks-narrow", f: permissions, play: inbox, size: fyne.NewSize(820, 560)},
	}
}
