package cli_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/control/controltest"
	"github.com/postern/postern/platforms"
)

// decode reads JSON lines.
func decode[T any](t *testing.T, s string) (out []T) {
	t.Helper()
	for dec := json.NewDecoder(strings.NewReader(s)); dec.More(); {
		var v T
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	return out
}

func seqs(list []api.Entry) (out []uint64) {
	for _, v := range list {
		out = append(out, v.Seq)
	}
	return out
}

func TestExport(t *testing.T) {
	b := talk()
	b.Change(func(s *controltest.State) {
		(*s.Entries)[3].At = time.Now().Add(-30 * time.Hour)
		(*s.Entries)[4].At = time.Now()
	})
	s := shell{dir: serve(t, b)}
	for args, want := range map[string][]uint64{
		"":                                  {1, 2, 3, 4, 5, 6, 7},
		"--account owl":                     {4},
		"--account pigeon --conversation g": {3, 5, 6, 7},
		"--since 24h":                       {5},
		"--since 2d":                        {4, 5},
		"--since 2026-03-04":                {1, 2, 3, 4, 5, 6, 7},
		"--since 2026-03-04T05:07":          {4, 5},
		"--since 2026-03-04T05:06:07Z --format jsonl --json": {1, 2, 3, 4, 5, 6, 7},
		"--account nobody": nil,
		"-o -":             {1, 2, 3, 4, 5, 6, 7},
	} {
		t.Run(args, func(t *testing.T) {
			if got := seqs(decode[api.Entry](t, s.good(t, append([]string{"export"}, strings.Fields(args)...)...))); !slices.Equal(got, want) {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}
	for _, args := range []string{"--since soon", "--since -1h", "--format xml", "--json --format md", "extra"} {
		t.Run("wrong "+args, func(t *testing.T) {
			if _, errs, code := s.run(t, append([]string{"export"}, strings.Fields(args)...)...); code != cli.Usage || errs == "" {
				t.Errorf("code %d %s", code, errs)
			}
		})
	}
}

func TestExportReadsPages(t *testing.T) {
	b := controltest.New()
	for range 998 {
		add(b, api.Entry{Account: "pigeon", Conversation: "c1", Text: "x"})
	}
	s := shell{dir: serve(t, b)}
	got := seqs(decode[api.Entry](t, s.good(t, "export")))
	if len(got) != 1000 || got[0] != 1 || got[999] != 1000 || !slices.IsSorted(got) {
		t.Errorf("%d", got)
	}
	if calls := b.Calls(); len(calls) < 10 || !strings.HasSuffix(calls[0], " 100") {
		t.Errorf("%q", calls)
	}
}

func TestExportToFile(t *testing.T) {
	b := talk()
	s := shell{dir: serve(t, b)}
	dir := t.TempDir()
	path := filepath.Join(dir, "out.jsonl")
	only := func(t *testing.T, names ...string) {
		t.Helper()
		var got []string
		list, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range list {
			got = append(got, f.Name())
		}
		if !slices.Equal(got, names) {
			t.Errorf("the folder holds %q, want %q", got, names)
		}
	}
	t.Run("a new one, for this user", func(t *testing.T) {
		if out := s.good(t, "export", "-o", path); out != "Wrote 7 messages to "+path+".\n" {
			t.Error(out)
		}
		raw, err := os.ReadFile(path)
		if err != nil || len(decode[api.Entry](t, string(raw))) != 7 {
			t.Errorf("%s %v", raw, err)
		}
		info, err := os.Stat(path)
		if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info.Mode(), err)
		}
		only(t, "out.jsonl")
	})
	t.Run("none is replaced", func(t *testing.T) {
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, errs, code := s.run(t, "export", "-o", path)
		if raw, _ := os.ReadFile(path); code != cli.Failed || !strings.Contains(errs, "--force") || string(raw) != "mine" {
			t.Errorf("code %d: %s: %s", code, errs, raw)
		}
	})
	t.Run("nor one that appears meanwhile", func(t *testing.T) {
		late := filepath.Join(dir, "late")
		b := talk()
		b.Wait = func(context.Context, string) { _ = os.WriteFile(late, []byte("mine"), 0o600) }
		_, errs, code := shell{dir: serve(t, b)}.run(t, "export", "-o", late)
		if raw, _ := os.ReadFile(late); code != cli.Failed || !strings.Contains(errs, "--force") || string(raw) != "mine" {
			t.Errorf("code %d: %s: %s", code, errs, raw)
		}
		_ = os.Remove(late)
		only(t, "out.jsonl")
	})
	t.Run("nor a folder", func(t *testing.T) {
		if _, errs, code := s.run(t, "export", "-o", dir, "--force"); code != cli.Failed || !strings.Contains(errs, "ordinary") {
			t.Errorf("code %d: %s", code, errs)
		}
	})
	t.Run("no folder to be in", func(t *testing.T) {
		if _, errs, code := s.run(t, "export", "-o", filepath.Join(dir, "none", "x")); code != cli.Failed || errs == "" {
			t.Errorf("code %d: %s", code, errs)
		}
	})
	t.Run("on demand, told as JSON", func(t *testing.T) {
		told := decode[map[string]any](t, s.good(t, "export", "-o", path, "--force", "--json", "--format", "md"))
		if raw, _ := os.ReadFile(path); len(told) != 1 || told[0]["messages"] != 7.0 || told[0]["file"] != path || !strings.Contains(string(raw), "Carol joined") {
			t.Errorf("%v: %s", told, raw)
		}
		only(t, "out.jsonl")
	})
	t.Run("broken off by Ctrl-C", func(t *testing.T) {
		for _, args := range [][]string{{"export", "-o", filepath.Join(dir, "new")}, {"export", "-o", path, "--force"}} {
			b := talk()
			for range 1000 {
				add(b, api.Entry{Account: "pigeon"})
			}
			ctx, cancel := context.WithCancel(t.Context())
			b.Wait = func(context.Context, string) {
				if calls := b.Calls(); len(calls) > 0 && strings.HasPrefix(calls[len(calls)-1], "Entries 400 ") {
					cancel()
				}
			}
			if _, errs, code := (shell{dir: serve(t, b)}).runCtx(ctx, args...); code != cli.Failed || !strings.Contains(errs, "interrupted") {
				t.Errorf("code %d: %s", code, errs)
			}
			cancel()
		}
		if raw, _ := os.ReadFile(path); !strings.Contains(string(raw), "Carol joined") {
			t.Errorf("%s", raw)
		}
		only(t, "out.jsonl")
	})
	t.Run("broken off by Postern", func(t *testing.T) {
		b := talk()
		for range 1000 {
			add(b, api.Entry{Account: "pigeon"})
		}
		var calls atomic.Int32
		b.Err = func(string) error {
			if calls.Add(1) == 3 {
				return &api.Error{Kind: platforms.Temporary, Text: "Busy."}
			}
			return nil
		}
		if _, errs, code := (shell{dir: serve(t, b)}).run(t, "export", "-o", filepath.Join(dir, "new")); code != cli.Failed || !strings.Contains(errs, "Busy") {
			t.Errorf("code %d: %s", code, errs)
		}
		only(t, "out.jsonl")
	})
	t.Run("nobody to ask", func(t *testing.T) {
		if _, _, code := (shell{dir: t.TempDir()}).run(t, "export", "-o", filepath.Join(dir, "new")); code != cli.NotRunning {
			t.Errorf("code %d", code)
		}
		only(t, "out.jsonl")
	})
}

func TestExportAsCSV(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) { *s.Entries = nil })
	s := shell{dir: serve(t, b)}
	const head = "seq,at,account,conversation,thread,direction,status,from_id,from_name,from_handle,message,reply_to,text,note,files\r\n"
	if out := s.good(t, "export", "--format", "csv"); out != head {
		t.Errorf("%q", out)
	}
	add(b,
		api.Entry{Account: "pigeon", Conversation: "-100", Thread: "t", From: platforms.User{ID: "u", Name: "Eve \"E\"", Handle: "@eve"}, Message: "m", Text: "a, b\nc\x1b[2J",
			Attachments: []api.Attachment{{Name: "a.png", Size: 1536}, {Name: "=b"}}},
		api.Entry{Account: "pigeon", Conversation: "c", Outgoing: true, Status: api.Sent, IDs: []platforms.MessageID{"m2", "m3"}, ReplyTo: "m", Text: "ours"})
	golden(t, strings.ReplaceAll(s.good(t, "export", "--format", "csv"), "\r\n", "|\n"), head[:len(head)-2]+`|
1,2026-03-04T05:06:07Z,pigeon,'-100,t,in,delivered,u,"Eve ""E""",'@eve,m,,"a, b|
c [2J",,"a.png (1.5 KiB)|
=b"|
2,2026-03-04T05:06:07Z,pigeon,c,,out,sent,,,,m2,m,ours,,|
`)
	b.Change(func(s *controltest.State) { *s.Entries = nil })
	bad := []string{"=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1", "＝1", "\x00=1", "\u200b=1", "\ufeff=1", "\u202e=1", "\x1b=1"}
	for _, text := range bad {
		add(b, api.Entry{Account: "pigeon", Text: text})
	}
	rows, err := csv.NewReader(strings.NewReader(s.good(t, "export", "--format", "csv"))).ReadAll()
	if err != nil || len(rows) != len(bad)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for i, row := range rows[1:] {
		if cell := row[12]; !strings.HasPrefix(cell, "'") {
			t.Errorf("%q became %q", bad[i], cell)
		}
	}
}

func TestExportAsMarkdown(t *testing.T) {
	b := controltest.New()
	b.Change(func(s *controltest.State) { *s.Entries = nil })
	add(b, api.Entry{Account: "pigeon", Conversation: "c_1", From: platforms.User{Name: "**Eve** <b>"}, Text: "![x](http://t/)\n````\n# no\x1b[2J", Why: "No *way*.",
		Attachments: []api.Attachment{{Name: "[a](b).png", Size: 1536}}, Stranger: true}, api.Entry{Account: "pigeon", Outgoing: true, Erased: true})
	golden(t, shell{dir: serve(t, b)}.good(t, "export", "--format", "md"), `
**1** · \*\*Eve\*\* \<b\> · 2026-03-04 05:06 · pigeon c\_1 · stranger

`+"`````"+`text
![x](http://t/)
`+"````"+`
# no [2J
`+"`````"+`

- file: \[a\]\(b\)\.png \(1\.5 KiB\)

(No \*way\*\.)

**2** · Postern · 2026-03-04 05:06 · pigeon · delivered

(the content is not kept)

`)
}
