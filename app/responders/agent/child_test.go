package agent

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/postern/postern/app/responders/agent/sample"
)

// The agents under test are this test's own binary, told by its first argument
// what to be.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := strings.CutPrefix(os.Args[1], "role:"); ok {
			play(role, os.Args[2:])
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

func play(role string, args []string) {
	switch role {
	case "sample":
		pause, _ := time.ParseDuration(args[0])
		if err := (sample.Agent{Pause: pause}).Run(context.Background(), os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(3)
		}
	case "exit":
		fmt.Fprintln(os.Stderr, "\x1b[31mno licence\x1b[0m for "+os.Getenv("MY_KEY"))
		os.Exit(7)
	case "silent":
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "garbage":
		fmt.Println("Welcome to the wrong program")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "family": // starts another in its group, and both live on
		child := exec.Command(os.Args[0], "role:child", args[0])
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if child.Start() != nil {
			os.Exit(9)
		}
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		script("family", args)
	case "child": // tells the test that it is there, until somebody ends it
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		c, err := net.Dial("tcp", args[0])
		if err != nil {
			os.Exit(9)
		}
		_, _ = io.Copy(io.Discard, c)
	case "long":
		s := strings.Repeat("x", 1<<20)
		for range 9 {
			if _, err := fmt.Print(s); err != nil {
				os.Exit(1)
			}
		}
		_, _ = io.Copy(io.Discard, os.Stdin)
	default:
		script(role, args)
	}
}

// msg is a message of the protocol, written by hand.
type msg struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  any             `json:"result,omitempty"`
	Error   any             `json:"error,omitempty"`
}

type object = map[string]any

// script is an agent that misbehaves in one way, and is written without the
// library that Postern uses.
func script(role string, args []string) {
	out := bufio.NewWriter(os.Stdout)
	say := func(r msg) {
		r.JSONRPC = "2.0"
		b, _ := json.Marshal(r)
		_, _ = out.Write(append(b, '\n'))
	}
	update := func(id any, u object) {
		say(msg{Method: "session/update", Params: object{"sessionId": id, "update": u}})
	}
	chunk := func(id any, text string) {
		update(id, object{"sessionUpdate": "agent_message_chunk", "content": object{"type": "text", "text": text}})
	}
	sessions := 0
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<24)
	var prompt json.RawMessage // the id of the one at work
	for in.Scan() {
		var m struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params object          `json:"params"`
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
		}
		if json.Unmarshal(in.Bytes(), &m) != nil {
			continue
		}
		id := m.Params["sessionId"]
		end := func(reason string) { say(msg{ID: prompt, Result: object{"stopReason": reason}}) }
		switch m.Method {
		case "initialize":
			version := 1
			if role == "future" {
				version = 9
			}
			say(msg{ID: m.ID, Result: object{"protocolVersion": version, "agentCapabilities": object{}, "authMethods": []any{}}})
		case "session/new":
			if role == "login" {
				say(msg{ID: m.ID, Error: object{"code": -32000, "message": "Authentication required"}})
				break
			}
			if role != "twins" {
				sessions++
			}
			say(msg{ID: m.ID, Result: object{"sessionId": fmt.Sprintf("%d-%d", os.Getpid(), sessions)}})
		case "session/cancel":
			if role == "asker" || role == "parrot" {
				end("cancelled")
			}
		case "session/prompt":
			prompt = m.ID
			switch role {
			case "family":
				chunk(id, "at work")
			case "parrot": // the whole prompt
				chunk(id, fmt.Sprint(m.Params["prompt"]))
				end("end_turn")
			case "deaf":
				signal.Ignore(syscall.SIGTERM, os.Interrupt)
				chunk(id, "I hear nothing")
			case "flood":
				for range 20_000 {
					chunk(id, "0123456789")
					update(id, object{"sessionUpdate": "tool_call_update", "toolCallId": "x", "status": "in_progress"})
				}
				end("end_turn")
			case "tools":
				for i := range 100 {
					update(id, object{"sessionUpdate": "tool_call", "toolCallId": fmt.Sprint(i), "title": "step *" + fmt.Sprint(i) + "*\n", "kind": "read", "status": "pending"})
					update(id, object{"sessionUpdate": "tool_call_update", "toolCallId": fmt.Sprint(i), "status": "completed"})
				}
				update(id, object{"sessionUpdate": "agent_thought_chunk", "content": object{"type": "text", "text": "a thought"}})
				update(id, object{"sessionUpdate": "of_the_future", "content": 7})
				say(msg{ID: json.RawMessage(`"odd"`), Method: "session/update", Params: object{"sessionId": id}})
				say(msg{Method: "session/request_permission", Params: object{}})
				chunk(id, "\x1b[31mred\x1b[0m "+os.Getenv("MY_KEY"))
				end("max_tokens")
			case "asker": // what the script's argument says, until it is answered
				say(msg{ID: json.RawMessage(`"q1"`), Method: args[0], Params: ask(args, id)})
			case "asks50":
				for i := range 50 {
					say(msg{ID: json.RawMessage(fmt.Sprintf(`"q%d"`, i)), Method: "fs/read_text_file", Params: object{"sessionId": id, "path": "/etc/passwd"}})
				}
			case "closes": // its output, and lives on
				_ = out.Flush()
				_ = os.Stdout.Close()
			case "fails":
				say(msg{ID: m.ID, Error: object{"code": -32603, "message": "Internal error", "data": object{"details": "out of credit"}}})
			}
		case "":
			if string(m.ID) == `"q1"` || string(m.ID) == `"q49"` {
				chunk(id0(sessions), string(m.Result)+string(m.Error))
				end("end_turn")
			}
		}
		_ = out.Flush()
	}
}

func id0(n int) string { return fmt.Sprintf("%d-%d", os.Getpid(), n) }

// ask is the parameters of a question: those that were given, in this session.
func ask(args []string, id any) any {
	p := object{}
	if len(args) > 1 {
		_ = json.Unmarshal([]byte(args[1]), &p)
	}
	p["sessionId"] = id
	return p
}
