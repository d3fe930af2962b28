//go:build darwin && cgo

package notify

/*
#cgo CFLAGS: -fobjc-arc
#cgo LDFLAGS: -framework Foundation -framework UserNotifications
#include <stdlib.h>
#include "notify_darwin.h"
*/
import "C"

import (
	"context"
	"fmt"
	"sync"
	"unsafe"
)

// target is the Notifier that Objective-C calls back: the notification center
// has one delegate in a process.
var target struct {
	sync.Mutex
	n *Notifier
}

// Notifier shows notifications through UNUserNotificationCenter, which works
// only inside an application bundle. There can be one in a process. Its methods
// may be called from several goroutines.
type Notifier struct {
	o    Options
	acts chan act
	done chan struct{}
	once sync.Once
	wait sync.WaitGroup
}

type act struct{ key, action string }

// New asks the person, once in the program's life, whether it may notify.
func New(_ context.Context, o Options) (*Notifier, error) {
	if C.postern_notify_start() == 0 {
		return nil, fmt.Errorf("%w: Postern does not run as an application, start it from its bundle", ErrUnavailable)
	}
	n := &Notifier{o: o, acts: make(chan act, 16), done: make(chan struct{})}
	target.Lock()
	target.n = n
	target.Unlock()
	n.wait.Go(n.answer)
	return n, nil
}

// Show hands m to the system, which shows it in place of the earlier one with
// its key, if the person allows notifications.
func (n *Notifier) Show(ctx context.Context, m Notification) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m = cleaned(m)
	var free []unsafe.Pointer
	defer func() {
		for _, p := range free {
			C.free(p)
		}
	}()
	str := func(s string) *C.char {
		c := C.CString(s)
		free = append(free, unsafe.Pointer(c))
		return c
	}
	size := C.size_t(len(m.Actions)+1) * C.size_t(unsafe.Sizeof(uintptr(0)))
	idArray, labelArray := C.malloc(size), C.malloc(size)
	free = append(free, idArray, labelArray)
	ids := unsafe.Slice((**C.char)(idArray), len(m.Actions)+1)
	labels := unsafe.Slice((**C.char)(labelArray), len(m.Actions)+1)
	for i, a := range m.Actions {
		ids[i], labels[i] = str(a.ID), str(a.Label)
	}
	urgent := C.int(0)
	if m.Urgent {
		urgent = 1
	}
	C.postern_notify_show(str(m.Key), str(m.Title), str(m.Body),
		(**C.char)(idArray), (**C.char)(labelArray), C.int(len(m.Actions)), urgent)
	return nil
}

// Withdraw takes the notification with key off the screen and out of the list.
func (n *Notifier) Withdraw(key string) {
	c := C.CString(key)
	defer C.free(unsafe.Pointer(c))
	C.postern_notify_withdraw(c)
}

// Close ends the work; what is on the screen stays. OnAction is not called
// after Close returned, so OnAction itself must not call it.
func (n *Notifier) Close() {
	target.Lock()
	if target.n == n {
		target.n = nil
	}
	target.Unlock()
	n.once.Do(func() { close(n.done) })
	n.wait.Wait()
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

//export posternNotifyAction
func posternNotifyAction(key, action *C.char) {
	target.Lock()
	defer target.Unlock()
	if target.n == nil {
		return
	}
	select {
	case target.n.acts <- act{C.GoString(key), C.GoString(action)}:
	default:
		target.n.o.Log.Warn("notify: an action was dropped, the ones before it are still being carried out")
	}
}
