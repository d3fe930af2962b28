package mcp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/postern/postern/app/control/cli"
)

// commandVar makes this test's program the command postern, with its value as
// arguments.
const commandVar = "MCP_TEST_COMMAND"

func TestMain(m *testing.M) {
	if args := os.Getenv(commandVar); args != "" {
		os.Exit(cli.Execute(context.Background(), cli.Options{Version: "1"}, strings.Split(args, "\n")))
	}
	goleak.VerifyTestMain(m)
}

// command is postern with these arguments.
func (h *house) command(token string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"HOME=" + h.dir, commandVar + "=" + strings.Join(append(args, "--data", h.dir), "\n")}
	if token != "" {
		cmd.Env = append(cmd.Env, "POSTERN_TOKEN="+token)
	}
	return cmd
}

func TestCommand(t *testing.T) {
	h := serve(t, "read:pigeon/c1")
	for name, cmd := range map[string]*exec.Cmd{
		"token": h.command(h.made.Token, "mcp"),
		"name":  h.command("", "mcp", "--client", "editor"),
	} {
		t.Run(name, func(t *testing.T) {
			s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.CommandTransport{Command: cmd}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got messages
			if err := call(t, s, "read_messages", args{"account": "pigeon", "conversation": "c1"}, &got); err != nil || len(got.Messages) != 2 {
				t.Errorf("%v %+v", err, got)
			}
			if err := call(t, s, "read_messages", args{"account": "pigeon", "conversation": "c2"}, &got); err == nil || !strings.Contains(err.Error(), `"editor"`) {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Errorf("it ended badly: %v", err)
			}
		})
	}
}

func TestCommandWantsAClient(t *testing.T) {
	h := serve(t, "read")
	for name, cmd := range map[string]*exec.Cmd{
		"none":          h.command("", "mcp"),
		"no name":       h.command("", "mcp", "--client", ""),
		"half a token":  h.command("pst_abc", "mcp"),
		"no folder":     h.command(h.made.Token, "mcp", "--files", h.dir+"/none"),
		"an argument":   h.command(h.made.Token, "mcp", "now"),
		"another shape": h.command(h.made.Token, "mcp", "--json"),
	} {
		cmd.Stdin = strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"ping"}` + "\n")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err == nil || len(out) > 0 || stderr.Len() == 0 || strings.Contains(stderr.String(), "pst_abc") {
			t.Errorf("%s: %v, %q, %q", name, err, out, stderr.String())
		}
		if name == "none" && !strings.Contains(stderr.String(), "postern clients add") {
			t.Errorf("it does not say how to make one: %q", stderr.String())
		}
	}
}

// TestNothingButTheProtocol looks at each line that comes out, while everything
// goes wrong that can.
func TestNothingButTheProtocol(t *testing.T) {
	h := serve(t, "read")
	h.close()
	defer h.open() // for the cleanup
	cmd := h.command(h.made.Token, "mcp")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := []string{
		`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}`,
		`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
		`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"list_accounts","arguments":{}}}`,
		`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":{"name":"read_messages","arguments":{"account":7}}}`,
		`{"jsonrpc":"2.0","id":4,"method":"nothing/such"}`,
	}
	answered := map[float64]bool{}
	s := bufio.NewScanner(out)
	s.Buffer(nil, 1<<20)
	for i, line := range lines {
		if _, err := io.WriteString(in, line+"\n"); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			continue
		}
		if !s.Scan() {
			t.Fatalf("no answer to %s", line)
		}
		var m struct {
			JSONRPC string
			ID      float64
		}
		if err := json.Unmarshal(s.Bytes(), &m); err != nil || m.JSONRPC != "2.0" {
			t.Errorf("%q is no message of the protocol", s.Text())
		}
		answered[m.ID] = true
		if m.ID == 2 && !strings.Contains(s.Text(), "Start it with: postern") {
			t.Errorf("%s", s.Text())
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	for s.Scan() {
		t.Errorf("after the end: %q", s.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("its end: %v", err)
	}
	if len(answered) != 4 {
		t.Errorf("answered: %v", answered)
	}
}
