package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern/postern/platforms"
	"github.com/postern/postern/platforms/telegram/telegramtest"
)

// TestNamedClients has the real program be used as README says, by a script and
// by an editor, against an emulator.
func TestNamedClients(t *testing.T) {
	const token = "4242424242:AAF-named_named_named_named_named"
	s := emulate(t, token)
	h := newHouse(t)
	c := h.start()
	id := string(h.account(c, s, token).ID)
	s.Say(telegramtest.Direct, telegramtest.Person, "hello there")
	heardText(t, c, platforms.AccountID(id), "hello there")
	list, err := c.Conversations(t.Context(), 0)
	if err != nil || len(list) != 1 {
		t.Fatalf("%v %+v", err, list)
	}
	conversation := string(list[0].ID)

	run := func(token string, args ...string) (string, error) {
		cmd := h.command(args...)
		if token != "" {
			cmd.Env = append(cmd.Env, "POSTERN_TOKEN="+token)
		}
		out, err := cmd.Output()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return string(exit.Stderr), err
		}
		return string(out), err
	}
	out, err := run("", "clients", "add", "ci", "--scope", "send:"+id+"/"+conversation)
	if err != nil {
		t.Fatal(out, err)
	}
	ci := strings.TrimSpace(out)
	if _, err := run(ci, "send", id, conversation, "the build is green"); err != nil {
		t.Error(err)
	}
	if out, err := run(ci, "inbox"); err == nil || !strings.Contains(out, "lacks the scope read") {
		t.Errorf("%v %s", err, out)
	}
	eventually(t, "the line of activity names the client", func() bool {
		out, err := run("", "activity")
		return err == nil && strings.Contains(out, `sent by the client "ci"`)
	})

	// An editor.
	if out, err := run("", "clients", "add", "editor", "--scope", "read", "--scope", "send:"+id+"/"+conversation); err != nil {
		t.Fatal(out, err)
	}
	files := t.TempDir()
	if err := os.WriteFile(filepath.Join(files, "plan.txt"), []byte("tea"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	editor, err := sdk.NewClient(&sdk.Implementation{Name: "editor", Version: "1"}, nil).
		Connect(ctx, &sdk.CommandTransport{Command: h.command("mcp", "--client", "editor", "--files", files)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer editor.Close()
	call := func(tool string, more map[string]any) (out struct {
		Messages []struct{ Text string }
		After    uint64
		Status   string
	}) {
		t.Helper()
		in := map[string]any{"account": id, "conversation": conversation}
		for k, v := range more {
			in[k] = v
		}
		res, err := editor.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: in})
		if err != nil || res.IsError {
			t.Fatalf("%s: %v %+v", tool, err, res)
		}
		raw, err := json.Marshal(res.StructuredContent)
		if err == nil {
			err = json.Unmarshal(raw, &out)
		}
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	read := call("read_messages", nil)
	if len(read.Messages) == 0 || read.Messages[0].Text != "hello there" {
		t.Errorf("%+v", read)
	}
	s.Say(telegramtest.Direct, telegramtest.Person, "are you done?")
	if got := call("wait_for_message", map[string]any{"after": read.After, "timeout_seconds": 60}); len(got.Messages) != 1 || got.Messages[0].Text != "are you done?" {
		t.Errorf("%+v", got)
	}
	call("send_message", map[string]any{"text": "yes"})
	call("send_file", map[string]any{"path": "plan.txt"})
	eventually(t, "all was sent", func() bool {
		out, err := run("", "activity", "--what", "sent")
		return err == nil && strings.Count(out, `sent by the client "editor"`) == 2
	})

	// Over a restart, and after its end.
	h.stop()
	h.start()
	if _, err := run(ci, "send", id, conversation, "still green"); err != nil {
		t.Error(err)
	}
	if out, err := run("", "clients", "revoke", "ci"); err != nil {
		t.Error(out, err)
	}
	if out, err := run(ci, "send", id, conversation, "nothing"); err == nil || !strings.Contains(out, "revoked") {
		t.Errorf("%v %s", err, out)
	}

	// Clients only: a person at a terminal turns it on, and off again.
	if out, err := run("", "settings", "set", "clients_only=on"); err == nil || !strings.Contains(out, "Only a person") {
		t.Errorf("%v %s", err, out)
	}
	atTerminal(t, h.command("settings", "set", "clients_only=on"), nil)
	if out, err := run("", "inbox"); err == nil || !strings.Contains(out, "named client") {
		t.Errorf("%v %s", err, out)
	}
	if out, err := run("", "settings", "set", "clients_only=off"); err == nil {
		t.Errorf("%v %s", err, out)
	}
	call("read_messages", nil)
	h.stop()
	h.start()
	atTerminal(t, h.command("settings", "set", "clients_only=off"), nil)
	if out, err := run("", "inbox"); err != nil {
		t.Error(out, err)
	}
}
