package discord

import (
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/postern/postern/platforms"
)

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var (
	here = spot{conversation: platforms.Conversation{ID: "290926798999357250", Kind: platforms.Group}}
	bot  = self{ID: 80351110224678912, App: 1}
)

// TestConvert reads messages in the shape of the documentation's examples.
func TestConvert(t *testing.T) {
	names := &places{}
	var r role
	r.ID, r.Tags.Bot = 1310001000100020007, bot.ID
	names.guild(guild{ID: 1, Roles: []role{r}})
	for name, check := range map[string]func(platforms.Event) bool{
		"message.json": func(ev platforms.Event) bool {
			return ev.ID == "message:290926798999357250:334385199974967042" && ev.From.Name == "NOT API SUPPORT" && ev.From.Handle == "@Mason" && ev.Mentioned &&
				ev.Text == "Big news! In this #big-news channel! @Nelly 2021-04-20 21:20 UTC /airhorn :b1nzy:" &&
				len(ev.Attachments) == 1 && ev.Attachments[0].Ref == "290926798999357250/334385199974967042/922243411795390570" && ev.Attachments[0].Size == 123 &&
				ev.Note == "sticker: Wave" && ev.Time.UTC().Format("15:04:05.000") == "17:27:07.299"
		},
		"forward.json": func(ev platforms.Event) bool {
			return ev.Text == "as I said" && ev.Note == "forwarded" && ev.ReplyTo == "" && len(ev.Attachments) == 1 &&
				ev.Attachments[0].Ref == "1310001000100010002/1310001000100010001/1310001000100010005"
		},
		"webhook.json": func(ev platforms.Event) bool {
			return ev.Text == "Build 7\nfailed" && ev.From.Bot && ev.From.Name == "CI" && ev.Note == "poll: Retry?" && ev.Mentioned
		},
		"joined.json": nil,
	} {
		var m message
		if !read(recorded(t, name), &m) {
			t.Errorf("%s can't be read", name)
			continue
		}
		ev, ok := convert(m, here, bot, names)
		if ok != (check != nil) || check != nil && !check(ev) {
			t.Errorf("%s became %v, %+v", name, ok, ev)
		}
	}
}

func TestConvertInteractions(t *testing.T) {
	for name, check := range map[string]func(platforms.Event) bool{
		"command.json": func(ev platforms.Event) bool {
			t, ok := ticketOf(ev.Reply)
			return ev.Kind == platforms.MessageReceived && ev.Text == "/cardsearch cardname: The Gitrog Monster count: 7" && ev.From.Name == "Mase" &&
				ev.ID == "interaction:786008729715212338" && ok && t.Token == "A_UNIQUE_TOKEN" && t.App == 771825006014889000
		},
		"button.json": func(ev platforms.Event) bool {
			return ev.Kind == platforms.ButtonClicked && ev.Click.Data == "click_one" && ev.Message == "844397162624450620" && ev.Reply == ""
		},
	} {
		var i interaction
		if !read(recorded(t, name), &i) {
			t.Errorf("%s can't be read", name)
			continue
		}
		if ev, ok := interacted(i, here, &places{}); !ok || !check(ev) {
			t.Errorf("%s became %v, %+v", name, ok, ev)
		}
	}
}

// TestAmongPeople: who installed an app for themselves can call it in conversations
// without the bot. Those are shared places, although no server has them.
func TestAmongPeople(t *testing.T) {
	for words, want := range map[string]bool{
		`{"channel_id":"5","context":1,"channel":{"id":"5","type":1}}`: false,
		`{"channel_id":"5"}`: false,
		`{"channel_id":"5","context":0,"guild_id":"7","channel":{"id":"5","type":0}}`: false,
		`{"channel_id":"5","context":2,"channel":{"id":"5","type":1}}`:                true,
		`{"channel_id":"5","context":2}`:                                              true,
		`{"channel_id":"5","channel":{"id":"5","type":3}}`:                            true,
	} {
		var i interaction
		if !read([]byte(words), &i) || i.among() != want {
			t.Errorf("%s: among people %v", words, !want)
		}
	}
}

// FuzzConvert: whatever comes is no reason to fall over, and what is made of it
// can be stored.
func FuzzConvert(f *testing.F) {
	for _, name := range []string{"message.json", "forward.json", "webhook.json", "joined.json", "command.json", "button.json"} {
		f.Add(recorded(f, name))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m message
		var i interaction
		var evs []platforms.Event
		if read(b, &m) {
			for _, make := range []func(message, spot, self, lookup) (platforms.Event, bool){convert, edited} {
				if ev, ok := make(m, here, bot, &places{}); ok {
					evs = append(evs, ev)
				}
			}
		}
		if read(b, &i) {
			if ev, ok := interacted(i, here, &places{}); ok {
				evs = append(evs, ev)
			}
		}
		for _, ev := range evs {
			if ev.ID == "" || ev.Kind == "" || ev.From.ID == "" || len(ev.Attachments) > 2*attachmentsMost || !utf8.ValidString(ev.Text) || strings.ContainsAny(ev.From.Name, "\n\x00\u202e") {
				t.Errorf("%+v", ev)
			}
		}
	})
}

func TestPlaceIsBounded(t *testing.T) {
	var p place
	p.First = 1
	base := snow(1573616303778824194)
	for i := range snow(5000) {
		p.met(base + i)
		p.saw(base + i)
	}
	p.Session, p.Resume = strings.Repeat("s", 200), strings.Repeat("r", 500)
	if n := len(p.cursor()); n > cursorMost || len(p.Direct) != directMost || len(p.Seen) != seenMost {
		t.Errorf("%d bytes, %d channels, %d messages", n, len(p.Direct), len(p.Seen))
	}
	if p.Direct[directMost-1] != base+4999 || p.since() < base+4000 || p.knows(base) || !p.knows(base+4999) {
		t.Errorf("%+v", p)
	}
	q := parsePlace(p.cursor())
	if q.cursor() != p.cursor() {
		t.Errorf("%s was %s", q.cursor(), p.cursor())
	}
	p.saw(base + 60_000<<22) // a minute later
	if len(p.Seen) != 1 || p.since() != base+50_000<<22 {
		t.Errorf("%d messages, since %v", len(p.Seen), p.since())
	}
}

func TestCachesAreBounded(t *testing.T) {
	var a answers
	for i := range snow(2 * answersMost) {
		a.at(i, func(v *answer) { v.said = "x" })
	}
	if len(a.known) != answersMost || len(a.order) != answersMost {
		t.Errorf("%d answers, %d in order", len(a.known), len(a.order))
	}
	m := map[snow]int{}
	for i := range snow(100) {
		put(&m, i, 1, 10)
	}
	if len(m) != 10 || m[99] != 1 {
		t.Errorf("%d", len(m))
	}
}

// TestTrusted: the token and the requests for files go to Discord only, or to
// the server that the person entered.
func TestTrusted(t *testing.T) {
	own := &connector{api: api{server: server}}
	other := &connector{api: api{server: "http://127.0.0.1:8080/api", elsewhere: true}}
	for address, want := range map[string][2]bool{
		"wss://gateway.discord.gg":               {true, false},
		"wss://gateway-us-east1-b.discord.gg/":   {true, false},
		"ws://gateway.discord.gg":                {},
		"wss://discord.gg.evil.example":          {},
		"wss://evildiscord.gg":                   {},
		"wss://gateway.discord.gg@evil.example/": {},
		"wss://gateway.discord.gg:8443/":         {},
		"ws://127.0.0.1:9090/gateway":            {false, true},
		"":                                       {},
	} {
		if got := [2]bool{own.trusted(address), other.trusted(address)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
	for address, want := range map[string][2]bool{
		"https://cdn.discordapp.com/attachments/1/2/x?ex=1": {true, false},
		"https://media.discordapp.net/x":                    {true, false},
		"http://cdn.discordapp.com/x":                       {},
		"https://cdn.discordapp.com.evil.example/x":         {},
		"http://127.0.0.1:8080/attachments/x":               {false, true},
		"http://127.0.0.1:22/":                              {},
		"http://169.254.169.254/latest":                     {},
	} {
		if got := [2]bool{own.ownFile(address), other.ownFile(address)}; got != want {
			t.Errorf("%s: %v, want %v", address, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	for in, want := range map[string]string{
		" Bot MTA.GhJ8xk.Kq7z_-9 ": "MTA.GhJ8xk.Kq7z_-9", "\"a.b.c\"": "a.b.c", "": "", "0123456789abcdef": "!", "a.b.c\nd.e.f": "!",
	} {
		got, err := parseToken(in)
		if err != nil {
			got = "!"
			if strings.Contains(err.Error(), in) {
				t.Errorf("the error repeats %q", in)
			}
		}
		if got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// TestServerInTheClear: without https the credentials go no further than the
// network that this computer is in.
func TestServerInTheClear(t *testing.T) {
	for _, f := range Platform().Fields {
		if f.Key != "server" {
			continue
		}
		for _, in := range []string{"http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://192.168.1.2", "http://nas.local", "https://api.example.org"} {
			if got, err := f.Parse(in); got != in || err != nil {
				t.Errorf("%q: %q, %v", in, got, err)
			}
		}
		for _, in := range []string{"http://api.example.org", "http://203.0.113.5", "http://[2001:db8::1]", "http://localhost.example.org", "http://127.0.0.1.example.org", "http://local"} {
			if got, err := f.Parse(in); err == nil || got != "" || !strings.Contains(err.Error(), "https") {
				t.Errorf("%q is taken as %q, %v", in, got, err)
			}
		}
	}
}
