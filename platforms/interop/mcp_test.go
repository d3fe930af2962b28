//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/postern/postern/app/control"
	"github.com/postern/postern/app/control/api"
	"github.com/postern/postern/app/control/controltest"
)

// TestMCPInspector has the protocol's official inspector list and call the tools
// of the real program, which asks a Postern that lives in memory.
func TestMCPInspector(t *testing.T) {
	if _, err := os.Stat("inspector/node_modules"); err != nil {
		t.Skip("no inspector/node_modules: run `npm ci` in platforms/interop/inspector first")
	}
	b := controltest.New()
	dir, _, stop, err := controltest.Start(b, control.Options{})
	must(t, err)
	defer stop()
	_, err = b.AddClient(t.Context(), api.ClientDraft{Name: "inspector", Scopes: []api.Scope{
		{Do: "status"}, {Do: "read", Account: "pigeon"}, {Do: "send", Account: "pigeon", Conversation: "c1"}}})
	must(t, err)
	program := filepath.Join(t.TempDir(), "postern")
	out, err := exec.CommandContext(soon(t), "go", "build", "-o", program, "../..").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}

	var said bytes.Buffer // of the last question
	ask := func(method string, args ...string) (answer []byte, err error) {
		all := []string{"inspector/node_modules/.bin/mcp-inspector", "--cli", program, "mcp", "--data", dir, "--client", "inspector", "--method", method}
		cmd := node(t, nil, append(all, args...)...)
		said.Reset()
		cmd.Stderr = &said
		answer, err = cmd.Output()
		if err != nil {
			t.Logf("%s %q: %v\n%s%s", method, args, err, answer, said.String())
		}
		return answer, err
	}
	call := func(out any, tool string, args ...string) {
		t.Helper()
		all := []string{"--tool-name", tool}
		for _, a := range args {
			all = append(all, "--tool-arg", a)
		}
		answer, err := ask("tools/call", all...)
		must(t, err)
		var got struct {
			IsError           bool
			StructuredContent json.RawMessage
		}
		must(t, json.Unmarshal(answer, &got))
		if got.IsError {
			t.Fatalf("%s: %s", tool, answer)
		}
		must(t, json.Unmarshal(got.StructuredContent, out))
	}

	answer, err := ask("tools/list", "--strict")
	must(t, err)
	if !strings.Contains(said.String(), "0 errors, 0 warnings") && strings.Contains(said.String(), "warning") {
		t.Errorf("the inspector finds fault with the schemas: %s", said.String())
	}
	var list struct{ Tools []struct{ Name string } }
	must(t, json.Unmarshal(answer, &list))
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
	}
	slices.Sort(names)
	if want := []string{"list_accounts", "list_conversations", "read_messages", "send_file", "send_message", "wait_for_message"}; !slices.Equal(names, want) {
		t.Errorf("tools %q", names)
	}

	var accounts struct{ Accounts []struct{ ID, Status string } }
	if call(&accounts, "list_accounts"); len(accounts.Accounts) != 1 || accounts.Accounts[0].ID != "pigeon" || accounts.Accounts[0].Status != "CONNECTED" {
		t.Errorf("%+v", accounts)
	}
	var conversations struct {
		Conversations []struct{ Conversation, Title string }
	}
	if call(&conversations, "list_conversations"); len(conversations.Conversations) != 1 || conversations.Conversations[0].Title != "Alice" {
		t.Errorf("%+v", conversations)
	}
	where := []string{"account=pigeon", "conversation=c1"}
	var read struct {
		Messages []struct{ Text string }
		After    uint64
	}
	if call(&read, "read_messages", where...); len(read.Messages) != 2 || read.Messages[1].Text != "coo?" || read.After != 2 {
		t.Errorf("%+v", read)
	}
	if call(&read, "wait_for_message", append(where, "after=1", "timeout_seconds=30")...); len(read.Messages) != 1 || read.Messages[0].Text != "coo?" {
		t.Errorf("%+v", read)
	}
	var sent struct{ Status string }
	if call(&sent, "send_message", append(where, "text=hello from the inspector")...); sent.Status != "queued" {
		t.Errorf("%+v", sent)
	}
	if calls := strings.Join(b.Calls(), "\n"); !strings.Contains(calls, "Send pigeon c1 hello from the inspector") {
		t.Error(calls)
	}
	refused, _ := ask("tools/call", "--tool-name", "send_message", "--tool-arg", "account=pigeon", "--tool-arg", "conversation=c2", "--tool-arg", "text=x")
	if !bytes.Contains(refused, []byte("send:pigeon/c2")) {
		t.Errorf("it does not say what is missing: %s", refused)
	}
}
