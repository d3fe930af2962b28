package notify

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"git.sr.ht/~jackmordaunt/go-toast/wintoast"
)

// classID names our answering object to Windows; it is Postern's alone.
const classID = "{5E0B6B9C-6C0A-4C1D-9C8E-2A7D41F3B716}"

// Notifier shows notifications through the Windows Runtime. There can be one in
// a process: the library has one callback. Its methods may be called from
// several goroutines.
type Notifier struct {
	o    Options
	jobs chan job
	acts chan act
	done chan struct{}
	once sync.Once
	wait sync.WaitGroup
}

type job struct {
	xml    string
	result chan error
}

type act struct{ key, action string }

// New tells Windows who we are, in the registry of this user.
func New(_ context.Context, o Options) (*Notifier, error) {
	if err := wintoast.SetAppData(wintoast.AppData{AppID: "Postern", GUID: classID}); err != nil {
		return nil, fmt.Errorf("%w: Windows did not take the program's name (%w)", ErrUnavailable, err)
	}
	n := &Notifier{o: o, jobs: make(chan job), acts: make(chan act, 16), done: make(chan struct{})}
	wintoast.SetActivationCallback(n.activated)
	n.wait.Go(n.work)
	n.wait.Go(n.answer)
	return n, nil
}

// Show shows m and returns when Windows has taken it, or ctx ends.
//
// Replacing needs a tag, which the library can't set: an earlier notification
// with the same key stays in the list of notifications.
func (n *Notifier) Show(ctx context.Context, m Notification) error {
	xml, err := toastXML(cleaned(m))
	if err != nil {
		return fmt.Errorf("write the notification: %w", err)
	}
	j := job{xml: xml, result: make(chan error, 1)}
	select {
	case n.jobs <- j:
	case <-n.done:
		return fmt.Errorf("%w: Postern is ending", ErrUnavailable)
	case <-ctx.Done():
		return fmt.Errorf("Windows did not take the notification in time: %w", ctx.Err())
	}
	select {
	case err := <-j.result:
		if err != nil {
			return fmt.Errorf("%w: Windows refused to show it, look at Settings, System, Notifications (%w)", ErrUnavailable, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("Windows did not take the notification in time: %w", ctx.Err())
	}
}

// Withdraw does nothing on Windows: the library can't take notifications back.
func (n *Notifier) Withdraw(string) {}

// Close ends the work; what is on the screen stays. OnAction is not called
// after Close returned, so OnAction itself must not call it.
func (n *Notifier) Close() {
	n.once.Do(func() { close(n.done) })
	n.wait.Wait()
}

// work shows notifications on a thread of its own: the library sets up COM on
// the thread that it is first called on, and that thread must stay.
func (n *Notifier) work() {
	runtime.LockOSThread() // the thread ends with the goroutine
	for {
		select {
		case <-n.done:
			return
		case j := <-n.jobs:
			// No options: COM only, never the library's way through PowerShell.
			j.result <- push(j.xml)
		}
	}
}

func push(xml string) (err error) {
	defer func() {
		if r := recover(); r != nil { // a missing DLL or function panics
			err = errors.New("the Windows Runtime is not there")
		}
	}()
	return wintoast.Push(xml)
}

// activated is called by Windows on a thread of its own.
func (n *Notifier) activated(_, args string, _ []wintoast.UserData) {
	key, action, ok := parseArguments(args)
	if !ok {
		return
	}
	select {
	case n.acts <- act{key, action}:
	default:
		n.o.Log.Warn("notify: an action was dropped, the ones before it are still being carried out")
	}
}

func (n *Notifier) answer() {
	for {
		select {
		case <-n.done:
			return
		case a := <-n.acts:
			n.o.OnAction(a.key, a.action)
		}
	}
}
