package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/cli"
	"github.com/postern/postern/app/responders/notify"
	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/text"
	desktop "github.com/postern/postern/ui/notify"
	"github.com/postern/postern/ui/terminal"
	"github.com/postern/postern/ui/tray"
)

// face is what the person sees of this run.
type face struct {
	mu      sync.Mutex
	desktop *desktop.Notifier // nil: the terminal or nobody tells
}

// show runs the tray, or the terminal where there is no display, until ctx ends.
func (p *program) show(ctx context.Context) error {
	if p.o.Headless || !hasDisplay() {
		return p.showTerminal(ctx)
	}
	n, err := desktop.New(ctx, desktop.Options{Log: p.log, OnAction: p.clicked})
	if err != nil {
		p.log.Warn("no desktop notifications", "err", err)
	} else {
		p.face.mu.Lock()
		p.face.desktop = n
		p.face.mu.Unlock()
		defer n.Close()
	}
	page := firstPage(p.o, len(p.app.Snapshot().Accounts))
	var once sync.Once
	return tray.Run(ctx, tray.Options{
		Snapshot: p.app.Snapshot,
		Changed:  p.app.Watch(ctx),
		Log:      p.log,
		Actions: tray.Actions{
			Show:           p.raise,
			Pause:          func(id platforms.AccountID) { p.do("pause", p.app.Pause(ctx, id)) },
			Resume:         func(id platforms.AccountID) { p.do("resume", p.app.Resume(ctx, id)) },
			CloseListeners: func() { p.do("close every public listener", p.app.CloseDoor(ctx, "", "tray")) },
			Quit:           p.app.Quit,
		},
		OnShown: func() {
			p.log.Info("the tray icon is shown", "after", time.Since(p.began).Round(time.Millisecond))
			once.Do(func() {
				if page != "" {
					p.raise(api.Request{Page: page})
				}
			})
		},
		OnNoHost: func() {
			p.log.Warn("this desktop shows no tray icons; opening the window instead")
			p.raise(api.Request{Page: cmp.Or(page, "accounts")})
		},
	})
}

// firstPage is what the window opens at when Postern starts; empty: it stays
// closed, as the tray icon is enough for whoever has accounts. The demo is there
// to be looked at.
func firstPage(o cli.StartOptions, accounts int) string {
	switch {
	case o.Show != "":
		return o.Show
	case o.Demo:
		return "inbox"
	case accounts == 0:
		return "accounts"
	}
	return ""
}

func (p *program) do(what string, err error) {
	if err != nil {
		p.log.Error(what+" failed", "err", err)
	}
}

func (p *program) showTerminal(ctx context.Context) error {
	terminal.New(os.Stdout, terminal.Source{
		Snapshot: p.app.Snapshot,
		Activity: func(limit int) ([]api.Activity, error) {
			return p.app.Activity(ctx, control.ActivityQuery{Limit: limit})
		},
		Entry:    func(seq uint64) (api.Entry, error) { return p.app.Entry(ctx, seq) },
		Title:    p.app.Title,
		HideText: func() bool { return p.app.Settings().HideText },
	}).Run(ctx, p.app.Watch(ctx))
	return nil
}

// popup tells the person about a message on the desktop. On a terminal the
// activity is printed instead.
func (p *program) popup(ctx context.Context, n notify.Popup) error {
	p.face.mu.Lock()
	d := p.face.desktop
	p.face.mu.Unlock()
	if d == nil {
		return nil
	}
	out := desktop.Notification{Key: n.Key, Title: n.Title, Body: n.Body} // a click on it opens
	if n.Open.Conversation != "" && !p.app.Mute(n.Open.Account) {
		out.Actions = []desktop.Action{{ID: "reply", Label: "Reply"}}
	}
	err := d.Show(ctx, out)
	if err != nil {
		p.log.Warn("a notification could not be shown", "err", err)
	}
	return err
}

// warn tells the person about something that can't wait.
func (p *program) warn(n api.Notice) {
	p.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		title, page := "Postern: exposure", "exposure"
		if n.ID == "claim" {
			title, page = "Postern: somebody wants to be let in", "people"
		}
		_ = p.popup(ctx, notify.Popup{Key: noticeMark + page + "\x1f" + n.ID, Title: title, Body: text.Line(n.Text, 240), Open: api.Request{Page: page}})
	})
}

// The beginnings of the keys of notifications that are not about a conversation.
const (
	noticeMark = "notice\x1f"
	askMark    = "ask\x1f"
)

// asked shows a permission that a responder asks for, to be given or refused
// where it is shown.
func (p *program) asked(q api.Ask) {
	p.face.mu.Lock()
	d := p.face.desktop
	p.face.mu.Unlock()
	if d == nil {
		return
	}
	out := desktop.Notification{Key: askMark + q.ID, Title: text.Line(q.Responder+" asks: "+q.Title, 120), Body: text.Block(q.Detail), Urgent: true}
	if p.app.Settings().HideText {
		out.Title, out.Body = text.Line(q.Responder, 60)+" asks for permission", ""
	}
	for _, grants := range []bool{true, false} { // one of each, the first: the others are in the window
		for _, c := range q.Choices {
			if c.Grants == grants && !p.app.Settings().HideText {
				out.Actions = append(out.Actions, desktop.Action{ID: "choose\x1f" + c.ID, Label: c.Label})
				break
			}
		}
	}
	p.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := d.Show(ctx, out); err != nil {
			p.log.Warn("a permission that is asked for could not be shown", "err", err)
		}
	})
}

// askEnded takes the notification of a permission away.
func (p *program) askEnded(id string) {
	p.face.mu.Lock()
	d := p.face.desktop
	p.face.mu.Unlock()
	if d != nil {
		p.wg.Go(func() { d.Withdraw(askMark + id) })
	}
}

// choose answers a permission from its notification.
func (p *program) choose(id, choice string) {
	p.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.app.AnswerAsk(ctx, id, choice, "notification"); err != nil {
			p.log.Warn("a permission was not decided from its notification", "err", err)
			p.raise(api.Request{Page: "inbox"})
		}
	})
}

// clicked follows a click on a notification.
func (p *program) clicked(key, action string) {
	r := api.Request{Page: "inbox"}
	if id, ok := strings.CutPrefix(key, askMark); ok {
		if choice, ok := strings.CutPrefix(action, "choose\x1f"); ok {
			p.choose(id, choice)
			return
		}
	} else if notice, ok := strings.CutPrefix(key, noticeMark); ok {
		r.Page, _, _ = strings.Cut(notice, "\x1f")
	} else if account, conversation, ok := strings.Cut(key, "\x1f"); ok {
		r.Account, r.Conversation = platforms.AccountID(account), platforms.ConversationID(conversation)
		r.Reply = action == "reply"
	}
	p.raise(r)
}

// raise shows something in the window, opening one if there is none.
func (p *program) raise(r api.Request) {
	if err := p.server.Show(r); err != nil {
		p.log.Error("the window could not be shown", "err", err)
	}
}

// openWindow starts postern-window and hands it a one-time capability over its
// standard input.
func (p *program) openWindow(r api.Request) error {
	exe, err := windowProgram()
	if err != nil {
		return err
	}
	args := []string{"--data", p.o.Dir}
	if r.Page != "" {
		args = append(args, "--page", r.Page)
	}
	cmd := exec.Command(exe, args...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	said := &head{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the window could not be started: %w", err)
	}
	p.wg.Go(func() {
		defer stdin.Close()
		_, _ = io.WriteString(stdin, p.server.NewCapability().Reveal()+"\n")
	})
	go func() {
		if err := cmd.Wait(); err != nil {
			p.log.Warn("the window ended with an error", "err", err, "said", said.String())
		}
	}()
	return nil
}

// head keeps the beginning of what is written: a crash says there what it is.
type head struct{ b []byte }

// Write is io.Writer's.
func (h *head) Write(p []byte) (int, error) {
	h.b = append(h.b, p[:min(len(p), 4096-len(h.b))]...)
	return len(p), nil
}

// String is read once the writer has ended.
func (h *head) String() string { return string(h.b) }

// windowProgram finds postern-window beside this program, or on the path.
func windowProgram() (string, error) {
	name := "postern-window"
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if exe, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(exe), name); isFile(beside) {
			return beside, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s was not found beside postern or on the path. Install it, or use the command line: postern --help", name)
	}
	return path, nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// hasDisplay reports whether this session has a screen.
func hasDisplay() bool {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}
