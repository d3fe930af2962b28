package sample

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	acp "github.com/coder/acp-go-sdk"
)

const mostNames = 50

// work is one answer.
type work struct {
	*server
	in *session
	id acp.SessionId
}

func (w *work) answer(ctx context.Context, asked string) error {
	word, rest, _ := strings.Cut(asked, " ")
	switch strings.ToLower(word) {
	case "list":
		return w.list(ctx)
	case "write":
		return w.write(ctx, strings.TrimSpace(rest))
	case "slow":
		return w.slow(ctx)
	case "plan":
		return w.plan(ctx)
	case "crash":
		err := w.say(ctx, "I was about to say")
		w.server.crash <- struct{}{}
		<-ctx.Done() // Run ends, and the process with it
		return errors.Join(err, ctx.Err())
	}
	pieces := strings.SplitAfter("You said: "+asked, " ")
	step := max(1, (len(pieces)+5)/6)
	for len(pieces) > 0 {
		n := min(step, len(pieces))
		if err := errors.Join(w.say(ctx, strings.Join(pieces[:n], "")), w.pause(ctx)); err != nil {
			return err
		}
		pieces = pieces[n:]
	}
	return nil
}

func (w *work) pause(ctx context.Context) error {
	t := time.NewTimer(w.Pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *work) say(ctx context.Context, text string) error {
	return w.tell(ctx, acp.UpdateAgentMessageText(text))
}

func (w *work) tell(ctx context.Context, u acp.SessionUpdate) error {
	return w.conn.SessionUpdate(ctx, acp.SessionNotification{SessionId: w.id, Update: u})
}

// call makes the id of a tool call.
func (w *work) call() acp.ToolCallId {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	return acp.ToolCallId(fmt.Sprintf("call-%d", w.calls))
}

func (w *work) list(ctx context.Context) error {
	id := w.call()
	if err := w.tell(ctx, acp.StartToolCall(id, "list the folder", acp.WithStartKind(acp.ToolKindRead), acp.WithStartStatus(acp.ToolCallStatusInProgress))); err != nil {
		return err
	}
	entries, err := os.ReadDir(w.in.folder)
	if err != nil {
		return errors.Join(w.tell(ctx, acp.UpdateToolCall(id, acp.WithUpdateStatus(acp.ToolCallStatusFailed))), w.say(ctx, "I can't read my folder."))
	}
	s := "My folder is empty."
	if len(entries) > 0 {
		s = "In my folder:\n"
	}
	for i, e := range entries {
		if i == mostNames {
			s += fmt.Sprintf("\nand %d more", len(entries)-i)
			break
		}
		s += "\n- " + e.Name()
	}
	return errors.Join(w.tell(ctx, acp.UpdateToolCall(id, acp.WithUpdateStatus(acp.ToolCallStatusCompleted))), w.say(ctx, s))
}

// The options of a permission.
const (
	once   acp.PermissionOptionId = "once"
	always acp.PermissionOptionId = "always"
	never  acp.PermissionOptionId = "no"
)

func (w *work) write(ctx context.Context, note string) error {
	if note == "" {
		return w.say(ctx, "What shall I write? Say: write, and then the note.")
	}
	id, name := w.call(), "note.txt"
	call := acp.ToolCallUpdate{ToolCallId: id, Title: acp.Ptr("write " + name), Kind: acp.Ptr(acp.ToolKindEdit),
		Status:    acp.Ptr(acp.ToolCallStatusPending),
		Locations: []acp.ToolCallLocation{{Path: filepath.Join(w.in.folder, name)}},
		Content:   []acp.ToolCallContent{acp.ToolDiffContent(filepath.Join(w.in.folder, name), note+"\n")}}
	if err := w.tell(ctx, acp.StartToolCall(id, *call.Title, acp.WithStartKind(acp.ToolKindEdit), acp.WithStartStatus(acp.ToolCallStatusPending))); err != nil {
		return err
	}
	if !w.in.may {
		res, err := w.conn.RequestPermission(ctx, acp.RequestPermissionRequest{SessionId: w.id, ToolCall: call, Options: []acp.PermissionOption{
			{OptionId: once, Name: "Allow once", Kind: acp.PermissionOptionKindAllowOnce},
			{OptionId: always, Name: "Always allow", Kind: acp.PermissionOptionKindAllowAlways},
			{OptionId: never, Name: "Reject", Kind: acp.PermissionOptionKindRejectOnce},
		}})
		if err != nil {
			return err
		}
		chosen := res.Outcome.Selected
		if chosen == nil || chosen.OptionId == never {
			return errors.Join(w.tell(ctx, acp.UpdateToolCall(id, acp.WithUpdateStatus(acp.ToolCallStatusFailed))), w.say(ctx, "I did not write it: I was not allowed to."))
		}
		w.in.may = chosen.OptionId == always
	}
	status, s := acp.ToolCallStatusCompleted, "I wrote it to "
	made, err := create(w.in.folder, note)
	if err != nil {
		status, s = acp.ToolCallStatusFailed, "I could not write it."
	}
	return errors.Join(w.tell(ctx, acp.UpdateToolCall(id, acp.WithUpdateStatus(status))), w.say(ctx, s+made))
}

// create makes a file that was not there before, and is its name.
func create(folder, note string) (string, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return "", err
	}
	defer root.Close()
	for n := 1; n < 100; n++ {
		name := "note.txt"
		if n > 1 {
			name = fmt.Sprintf("note-%d.txt", n)
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.WriteString(note + "\n")
		return name, errors.Join(err, f.Close())
	}
	return "", errors.New("there are too many notes")
}

func (w *work) slow(ctx context.Context) error {
	for i, began := 1, time.Now(); time.Since(began) < time.Minute; i++ {
		if err := errors.Join(w.say(ctx, fmt.Sprintf("%d … ", i)), w.pause(ctx)); err != nil {
			return err
		}
	}
	return w.say(ctx, "done.")
}

func (w *work) plan(ctx context.Context) error {
	steps := []string{"Look around", "Think", "Answer"}
	for now := range len(steps) + 1 {
		var plan []acp.PlanEntry
		for i, s := range steps {
			e := acp.PlanEntry{Content: s, Priority: acp.PlanEntryPriorityMedium, Status: acp.PlanEntryStatusPending}
			switch {
			case i < now:
				e.Status = acp.PlanEntryStatusCompleted
			case i == now:
				e.Status = acp.PlanEntryStatusInProgress
			}
			plan = append(plan, e)
		}
		if err := errors.Join(w.tell(ctx, acp.UpdatePlan(plan...)), w.pause(ctx)); err != nil {
			return err
		}
	}
	return w.say(ctx, "That was the plan.")
}
