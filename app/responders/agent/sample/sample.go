// Package sample is a small agent that speaks the Agent Client Protocol, for the
// demo and for tests. It understands a few words and echoes the rest:
//
//	list       names the files in its folder, by a tool
//	write …    writes a note into its folder, if it is allowed to
//	slow       counts until it is stopped, for a minute at most
//	plan       shows a plan and follows it
//	crash      ends in the middle of a sentence
//
// It keeps nothing of a session, and takes up each one that it is told of.
package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	acp "github.com/coder/acp-go-sdk"
)

// ErrCrash is why Run ends when a chat says "crash".
var ErrCrash = errors.New("the sample agent crashed, as it was asked to")

// Run is Agent.Run with pauses that can be watched.
func Run(ctx context.Context, in io.Reader, out io.Writer) error {
	return Agent{Pause: 150 * time.Millisecond}.Run(ctx, in, out)
}

// Agent is the sample agent.
type Agent struct {
	Pause time.Duration // between the pieces of an answer
}

// Run speaks the protocol until ctx or in ends. One of its goroutines reads in
// until that ends.
func (a Agent) Run(ctx context.Context, in io.Reader, out io.Writer) error {
	s := &server{Agent: a, crash: make(chan struct{}, 1), sessions: map[acp.SessionId]*session{}}
	ready := make(chan struct{})
	s.conn = acp.NewAgentSideConnection(s, out, gate{in, ready})
	s.conn.SetLogger(slog.New(slog.DiscardHandler))
	close(ready)
	select {
	case <-s.crash:
		return ErrCrash
	case <-s.conn.Done():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// gate holds a reader back until the connection has its logger: setting that is
// not safe while it reads.
type gate struct {
	io.Reader
	ready <-chan struct{}
}

func (g gate) Read(p []byte) (int, error) {
	<-g.ready
	return g.Reader.Read(p)
}

// server answers the requests of one client.
type server struct {
	Agent
	conn  *acp.AgentSideConnection
	crash chan struct{}

	mu       sync.Mutex
	made     int // sessions
	calls    int // of tools
	sessions map[acp.SessionId]*session
}

type session struct {
	folder string
	may    bool // write, without being asked again
}

var (
	_ acp.Agent       = (*server)(nil)
	_ acp.AgentLoader = (*server)(nil)
)

func (s *server) Initialize(context.Context, acp.InitializeRequest) (acp.InitializeResponse, error) {
	return acp.InitializeResponse{
		ProtocolVersion:   acp.ProtocolVersionNumber,
		AgentInfo:         &acp.Implementation{Name: "sample-agent", Version: "1.0"},
		AgentCapabilities: acp.AgentCapabilities{LoadSession: true},
		AuthMethods:       []acp.AuthMethod{},
	}, nil
}

func (s *server) NewSession(_ context.Context, p acp.NewSessionRequest) (acp.NewSessionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.made++
	// Ids of one process differ from those of another.
	id := acp.SessionId(fmt.Sprintf("sample-%d-%d-%d", time.Now().UnixNano(), os.Getpid(), s.made))
	s.sessions[id] = &session{folder: p.Cwd}
	return acp.NewSessionResponse{SessionId: id}, nil
}

func (s *server) LoadSession(_ context.Context, p acp.LoadSessionRequest) (acp.LoadSessionResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions[p.SessionId] = &session{folder: p.Cwd}
	return acp.LoadSessionResponse{}, nil
}

func (s *server) Prompt(ctx context.Context, p acp.PromptRequest) (acp.PromptResponse, error) {
	s.mu.Lock()
	in := s.sessions[p.SessionId]
	s.mu.Unlock()
	if in == nil {
		return acp.PromptResponse{}, acp.NewInvalidParams(map[string]any{"error": "there is no such session"})
	}
	var asked string
	for _, b := range p.Prompt {
		if b.Text != nil {
			asked += b.Text.Text
		}
	}
	w := &work{server: s, in: in, id: p.SessionId}
	err := w.answer(ctx, message(asked))
	if ctx.Err() != nil {
		return acp.PromptResponse{StopReason: acp.StopReasonCancelled}, nil
	}
	return acp.PromptResponse{StopReason: acp.StopReasonEndTurn}, err
}

// message is what a person wrote, taken out of Postern's markers if it stands
// between such.
func message(asked string) string {
	rest, word, ok := cutLast(strings.TrimSpace(asked), "\nEND ")
	if !ok {
		return asked
	}
	_, said, ok := strings.Cut(rest+"\n", "BEGIN "+word+"\n")
	if !ok {
		return asked
	}
	return strings.TrimSpace(said)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// What follows has nothing to do.

func (s *server) Authenticate(context.Context, acp.AuthenticateRequest) (acp.AuthenticateResponse, error) {
	return acp.AuthenticateResponse{}, nil
}

func (s *server) Cancel(context.Context, acp.CancelNotification) error { return nil }

func (s *server) CloseSession(context.Context, acp.CloseSessionRequest) (acp.CloseSessionResponse, error) {
	return acp.CloseSessionResponse{}, acp.NewMethodNotFound(acp.AgentMethodSessionClose)
}

func (s *server) ListSessions(context.Context, acp.ListSessionsRequest) (acp.ListSessionsResponse, error) {
	return acp.ListSessionsResponse{}, acp.NewMethodNotFound(acp.AgentMethodSessionList)
}

func (s *server) ResumeSession(context.Context, acp.ResumeSessionRequest) (acp.ResumeSessionResponse, error) {
	return acp.ResumeSessionResponse{}, acp.NewMethodNotFound(acp.AgentMethodSessionResume)
}

func (s *server) SetSessionConfigOption(context.Context, acp.SetSessionConfigOptionRequest) (acp.SetSessionConfigOptionResponse, error) {
	return acp.SetSessionConfigOptionResponse{}, acp.NewMethodNotFound(acp.AgentMethodSessionSetConfigOption)
}

func (s *server) SetSessionMode(context.Context, acp.SetSessionModeRequest) (acp.SetSessionModeResponse, error) {
	return acp.SetSessionModeResponse{}, acp.NewMethodNotFound(acp.AgentMethodSessionSetMode)
}
