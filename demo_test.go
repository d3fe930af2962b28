package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDemo runs what a newcomer runs first.
func TestDemo(t *testing.T) {
	bin, err := built()
	if err != nil {
		t.Fatal(err)
	}
	home, tmp := t.TempDir(), t.TempDir()
	cmd := exec.Command(bin, "--demo", "--headless")
	cmd.Env = []string{"HOME=" + home, "TMPDIR=" + tmp, "PATH=" + os.Getenv("PATH")}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	out := &transcript{}
	read := make(chan struct{})
	go func() { out.read(r); _ = r.Close(); close(read) }()

	// In the order in which they happen.
	for _, want := range []string{
		"This is the demo", "127.0.0.1", "outbound socket · Connected",
		"✉ Telegram · Ada Lovelace: Hello!", "↩ Telegram · to Ada Lovelace: You said: Hello!", "Grace Hopper: (a pairing code)",
		"to Grace Hopper: You can talk to this bot now, as owner.", "shopping.txt", "Sample agent asks: write note.txt",
		"A permission that \"Sample agent\" asked for was given", "pressed a button", "I wrote it to note.txt",
		"Grace Hopper in Engine room", "Ticket #4711 is open.", "Webhook · not E2EE", "(edited): Can you send me the report?",
		`Got "notes.txt", 40 bytes`, "<script>alert(1)</script>",
		"✉ Discord · Ada Lovelace: pressed a button", `Got "build.log", 32 bytes`, "✉ Slack · Ada Lovelace: pressed a button",
		"✉ Feishu / Lark · Ada Lovelace: pressed a button", "✉ Mattermost · Ada Lovelace: pressed a button", `Got "plan.txt", 25 bytes`,
		"✉ LINE · Ada Lovelace: pressed a button", `Got "parcel.txt", 30 bytes`,
	} {
		deadline := time.Now().Add(30 * time.Second)
		for !strings.Contains(out.String(), want) {
			if time.Now().After(deadline) {
				_ = cmd.Process.Kill()
				t.Fatalf("%q was not printed:\n%s", want, out)
			}
			time.Sleep(20 * time.Millisecond) // a pipe has no other signal
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	<-read
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, out)
	}
	if strings.ContainsAny(out.String(), "\x1b\u202e") {
		t.Error("control characters of a stranger reached the terminal")
	}
	for _, dir := range []string{home, tmp} {
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
	if m := regexp.MustCompile(`\d{9,10}:[A-Za-z0-9_-]{35}`).FindString(out.String()); m != "" {
		t.Error("a token was printed")
	}
}
