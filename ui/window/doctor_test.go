package window

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"github.com/postern/postern/app/control/api"
)

// findings are one of each kind.
func findings() []api.Finding {
	return []api.Finding{
		{ID: "network", Title: "Network", State: api.Healthy, Text: "A network is up, and the names of the accounts' servers are found: api.courier.example."},
		{ID: "clock", Title: "Clock", State: api.Warned, Text: "This computer's clock is 47s behind the accounts' servers.", Do: "Turn on setting the clock from the network in this computer's settings for date and time. Platforms refuse requests whose time is off."},
		{ID: "keyring", Title: "Secrets", State: api.Healthy, Text: "Secrets are kept in: the keyring. A value was kept, read back and removed."},
		{ID: "tray", Title: "Tray icon", State: api.Skipped, Text: "This Postern runs without a desktop."},
		{ID: "account/a3", Account: "a3", Title: "Courier “Shop”", State: api.Sick, Text: "The check failed. The token was refused (401).", Do: "Put the current credential in: Accounts, then Edit."},
		{ID: "journal", Title: "Journal", State: api.Unclear, Text: "There was no answer in time.", Do: "Run the doctor again."},
	}
}

// stream tells all of fs as the service does.
func stream(fs []api.Finding, tell func(api.Examination)) {
	var checks []api.Finding
	for _, f := range fs {
		checks = append(checks, api.Finding{ID: f.ID, Title: f.Title, Account: f.Account})
	}
	tell(api.Examination{Checks: checks})
	for _, f := range fs {
		tell(api.Examination{Finding: &f})
	}
	tell(api.Examination{Done: true})
}

func examined() *fake {
	f := sample()
	f.examine = func(_ context.Context, tell func(api.Examination)) error { stream(findings(), tell); return nil }
	f.bundle = api.Support{
		Files: []api.SupportFile{
			{Name: "accounts.json", Text: "[\n  {\n    \"account\": \"account-3fa2b1\",\n\t\"status\": \"CONNECTED\"\n  }\n]\n"},
			{Name: "postern.log", Text: "time=2026-11-20T14:02:26.000Z level=INFO msg=started token=[secret]\n" + strings.Repeat("x", 120) + " the end \u202eof a line\n" + "open ~/x: denied"},
		},
		Masked: []api.Masked{{What: "secrets", Count: 3}, {What: "paths of yours", Count: 1}},
	}
	return f
}

func TestDoctorPage(t *testing.T) {
	open := func(t *testing.T, f *fake) *stage {
		s := newStage(t, f, Light, Options{Page: PageDoctor})
		s.settle()
		return s
	}
	t.Run("looks at once, and says what was found and what to do", func(t *testing.T) {
		s := open(t, examined())
		for _, words := range []string{"1 problem, 1 warning, 1 unknown, 2 fine, 1 not looked at", "Needs you", "Fine", "Not looked at",
			"The token was refused (401).", "Put the current credential in", "47s behind", "problem", "warning", "Run again"} {
			s.want(words)
		}
		s.wantNot("Looking")
		if n := s.f.count("Doctor"); n != 1 {
			t.Errorf("asked %d times", n)
		}
		s.w.Go(PageInbox)
		s.w.Go(PageDoctor)
		s.settle()
		if n := s.f.count("Doctor"); n != 1 {
			t.Errorf("coming back asked again: %d times", n)
		}
		s.press("Run again")
		if n := s.f.count("Doctor"); n != 2 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("what needs the person stands first", func(t *testing.T) {
		s := open(t, examined())
		var at []int
		texts := s.texts()
		for _, words := range []string{"Courier “Shop”", "Clock", "Journal", "Network", "Tray icon"} {
			if i := slices.Index(texts, words); i >= 0 {
				at = append(at, i)
			}
		}
		if len(at) != 5 {
			t.Fatalf("found %d rows", len(at))
		}
		for i := 1; i < len(at); i++ {
			if at[i] < at[i-1] {
				t.Errorf("the order is %v", at)
			}
		}
	})
	t.Run("findings come in one by one, and it can be stopped", func(t *testing.T) {
		f := sample()
		var say func(api.Examination)
		began, ended := make(chan struct{}), make(chan error, 1)
		f.examine = func(ctx context.Context, tell func(api.Examination)) error {
			say = tell
			close(began)
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}
		s := newStage(t, f, Light, Options{})
		s.w.Go(PageDoctor)
		<-began
		fs := findings()
		say(api.Examination{Checks: []api.Finding{{ID: "network", Title: "Network"}, {ID: "clock", Title: "Clock"}}})
		s.drain()
		s.want("Looking… 0 of 2 done")
		say(api.Examination{Finding: &fs[1]})
		s.drain()
		s.want("Looking… 1 of 2 done")
		s.want("47s behind")
		test.Tap(s.button("Stop"))
		if err := <-ended; err == nil {
			t.Error("the service was not told")
		}
		s.settle()
		s.want("You stopped this")
		s.want("1 warning, 1 unknown")
		late := api.Finding{ID: "network", Title: "Network", State: api.Sick, Text: "Too late."}
		say(api.Examination{Finding: &late})
		s.drain()
		s.wantNot("Too late.")
	})
	t.Run("one that breaks off is not passed off as whole", func(t *testing.T) {
		f := sample()
		f.examine = func(_ context.Context, tell func(api.Examination)) error {
			tell(api.Examination{Checks: []api.Finding{{ID: "network", Title: "Network"}}})
			return &api.Error{Text: "Postern ended before it had answered."}
		}
		s := open(t, f)
		s.want("Not everything was looked at. Postern ended before it had answered.")
		s.want("1 unknown")
		s.wantNot("just now")
	})
	t.Run("text from outside stays on its line", func(t *testing.T) {
		f := sample()
		f.examine = func(_ context.Context, tell func(api.Examination)) error {
			stream([]api.Finding{{ID: "x", Title: "a\nb", State: api.Sick, Text: "c\n\u202ed", Do: "e\nf"}}, tell)
			return nil
		}
		s := open(t, f)
		for _, words := range []string{"a b", "c d", "e f"} {
			s.want(words)
		}
	})
}

func TestSupportBundle(t *testing.T) {
	open := func(t *testing.T) *stage {
		s := newStage(t, examined(), Light, Options{Page: PageDoctor})
		s.settle()
		s.press("Support bundle…")
		return s
	}
	t.Run("is shown before it is saved, and saved as shown", func(t *testing.T) {
		s := open(t)
		for _, words := range []string{"accounts.json · ", "account-3fa2b1", "Taken out: 3 × secrets, 1 × paths of yours."} {
			s.want(words)
		}
		if s.file.saved.Len() != 0 {
			t.Fatal("it was saved unseen")
		}
		s.press("postern.log · 226 bytes")
		s.want("token=[secret]")
		s.want("the end") // of a line that is longer than a row
		s.press("Save…")
		if s.file.name != "postern-support-2026-11-20.zip" {
			t.Errorf("saved as %s", s.file.name)
		}
		saved := []byte(s.file.saved.String())
		z, err := zip.NewReader(bytes.NewReader(saved), int64(len(saved)))
		if err != nil || len(z.File) != 2 {
			t.Fatalf("%v: %d files", err, len(z.File))
		}
		for i, f := range z.File {
			r, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(r)
			if err != nil || f.Name != s.f.bundle.Files[i].Name || string(text) != s.f.bundle.Files[i].Text {
				t.Errorf("%v %s %q", err, f.Name, text)
			}
		}
		s.want("The bundle was saved.")
		s.wantNot("Taken out")
	})
	t.Run("a narrow window breaks lines earlier", func(t *testing.T) {
		s := newStage(t, examined(), Light, Options{Page: PageDoctor})
		s.settle()
		s.win.Resize(fyne.NewSize(660, 560))
		s.press("Support bundle…")
		s.press("postern.log · 226 bytes")
		one := fyne.MeasureText("m", sizeSmall, fyne.TextStyle{Monospace: true}).Width
		n := 0
		s.walk(func(o fyne.CanvasObject) {
			if x, ok := o.(*text); ok && x.look.mono {
				n++
				if float32(len([]rune(x.s)))*one > x.Size().Width {
					t.Errorf("%q does not fit into %v", x.s, x.Size().Width)
				}
			}
		})
		if n < 4 {
			t.Errorf("%d rows", n)
		}
	})
	t.Run("closing saves nothing, and ends the work", func(t *testing.T) {
		s := newStage(t, examined(), Light, Options{Page: PageDoctor})
		s.settle()
		hang := make(chan struct{})
		s.f.set(func() { s.f.hang = hang })
		test.Tap(s.button("Support bundle…"))
		s.want("taking out what is private")
		if !s.button("Save…").disabled {
			t.Error("nothing can be saved yet")
		}
		s.until("it is asked for", func() bool { return s.f.count("Support") == 1 })
		test.Tap(s.button("Close"))
		s.settle() // the hanging call ended with the dialog
		s.wantNot("taking out")
		if s.file.saved.Len() != 0 {
			t.Error("something was saved")
		}
	})
	t.Run("one that could not be made says why", func(t *testing.T) {
		s := newStage(t, examined(), Light, Options{Page: PageDoctor})
		s.settle()
		s.f.set(func() { s.f.failing = &api.Error{Text: "A secret could not be read."} })
		s.press("Support bundle…")
		s.want("No bundle was made. A secret could not be read.")
		if !s.button("Save…").disabled {
			t.Error("nothing can be saved")
		}
	})
}

func TestPreviewShowsEveryCharacter(t *testing.T) {
	long := strings.Repeat("abcdefghij", 40)
	rows := previewLines("short\n"+long+"\n\tx\n", previewColumns)
	if len(rows) < 6 || rows[0] != "short" || rows[len(rows)-1] != "    x" {
		t.Fatalf("%q", rows)
	}
	var all strings.Builder
	for _, r := range rows[1 : len(rows)-1] {
		if n := len([]rune(r)); n > previewColumns {
			t.Errorf("a row has %d characters", n)
		}
		all.WriteString(strings.TrimLeft(r, " "))
	}
	if all.String() != long {
		t.Errorf("%q", all.String())
	}
	width := fyne.MeasureText(strings.Repeat("m", previewColumns), sizeSmall, fyne.TextStyle{Monospace: true}).Width
	if width > 860-2*24-2*8 {
		t.Errorf("a row is %v wide", width)
	}
}
