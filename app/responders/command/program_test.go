package command

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// The program under test is this test's own binary, told by its first argument
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

// play is what the program does.
func play(role string, args []string) {
	switch role {
	case "say": // reads nothing
		fmt.Print(strings.Join(args, "\n"))
	case "stdin":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "quiet":
	case "arguments":
		_ = json.NewEncoder(os.Stdout).Encode(args)
	case "environment":
		_ = json.NewEncoder(os.Stdout).Encode(os.Environ())
	case "folder":
		dir, _ := os.Getwd()
		fmt.Print(dir)
	case "exit":
		code, _ := strconv.Atoi(args[0])
		fmt.Print("half an answer")
		fmt.Fprint(os.Stderr, strings.Join(args[1:], "\n"))
		os.Exit(code)
	case "complain": // more than is kept
		for i := range 2000 {
			fmt.Fprintf(os.Stderr, "line %d é\n", i)
		}
		os.Exit(1)
	case "tell": // a secret, on both ways out
		fmt.Print("out " + os.Getenv("API_KEY") + " " + os.Getenv("MY_TOKEN"))
		if len(args) > 0 {
			fmt.Fprint(os.Stderr, "err "+os.Getenv("API_KEY"))
			os.Exit(1)
		}
	case "edge": // a secret where the output is cut off, at its beginning or end
		n, _ := strconv.Atoi(args[0])
		if n > 0 {
			fmt.Print(strings.Repeat("x", n) + os.Getenv("API_KEY") + strings.Repeat("y", 1<<20))
		}
		n, _ = strconv.Atoi(args[1])
		fmt.Fprint(os.Stderr, "front "+os.Getenv("API_KEY")+strings.Repeat("z", n))
		os.Exit(1)
	case "flood": // and doesn't mind that nobody listens any more
		signal.Ignore(syscall.SIGPIPE, syscall.SIGTERM)
		line := append(bytes.Repeat([]byte("flood "), 200), '\n')
		for {
			if _, err := os.Stdout.Write(line); err != nil {
				wait(args)
			}
		}
	case "answers":
		for i := range 70 {
			fmt.Printf("{\"text\":\"%d\"}\n", i)
		}
	case "wait":
		wait(args)
	case "deaf":
		signal.Ignore(syscall.SIGTERM, os.Interrupt)
		wait(args)
	default:
		playUnix(role, args)
	}
}

// wait tells the test at an address that it is there, and lives until the test
// hangs up or somebody ends it.
func wait(args []string) {
	c, err := net.Dial("tcp", args[0])
	if err != nil {
		os.Exit(9)
	}
	_, _ = io.WriteString(c, strings.Join(args[1:], " ")+"\n")
	_, _ = io.Copy(io.Discard, c)
}

// meeting is where programs that wait report.
type meeting struct {
	addr string
	came chan peer
}

// peer is one process that waits.
type peer struct {
	net.Conn
	rest io.Reader // of what it says
	said string    // at first
}

func (p peer) Read(b []byte) (int, error) { return p.rest.Read(b) }

// gone returns when the process has ended: its connection ends with it.
func (p peer) gone() { _, _ = io.Copy(io.Discard, p) }

func meet(t *testing.T) meeting {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := meeting{l.Addr().String(), make(chan peer, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { c.Close() })
			b := bufio.NewReader(c)
			said, _ := b.ReadString('\n')
			m.came <- peer{c, b, strings.TrimSpace(said)}
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return m
}
