package wake

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Values of winuser.h.
const (
	deviceNotifyCallback = 2
	suspending           = 0x4  // PBT_APMSUSPEND
	resuming             = 0x12 // PBT_APMRESUMEAUTOMATIC: sent at every resume
)

// The callbacks that these sources make are never freed by Go's runtime, which
// allows some 2000 in a process: Watch is for the few calls that a process makes.
func systemSources() []source { return []source{power, addresses} }

// newClock: Go's monotonic clock runs on during sleep here, so that a sleep
// shows as a look that came late.
func newClock() func() reading { return goClock(time.Now()) }

// power watches suspending and resuming.
func power(ctx context.Context, log *slog.Logger, tell func(event)) {
	kinds := make(chan uintptr, 8)
	callback := windows.NewCallback(func(_, kind, _ uintptr) uintptr {
		select {
		case kinds <- kind:
		default: // the clocks notice, too
		}
		return 0
	})
	stop, err := registerPower(callback)
	if err != nil {
		log.Info("no notices of resuming, only the clocks", "error", err)
		return
	}
	defer stop()
	var asleep time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case kind := <-kinds:
			switch kind {
			case suspending:
				asleep = time.Now().Round(0)
			case resuming:
				e := event{kind: woke}
				if !asleep.IsZero() {
					e.slept = max(0, time.Now().Round(0).Sub(asleep))
				}
				asleep = time.Time{}
				tell(e)
			}
		}
	}
}

// registerPower calls PowerRegisterSuspendResumeNotification of powrprof.h.
func registerPower(callback uintptr) (stop func(), err error) {
	dll := windows.NewLazySystemDLL("powrprof.dll")
	register := dll.NewProc("PowerRegisterSuspendResumeNotification")
	unregister := dll.NewProc("PowerUnregisterSuspendResumeNotification")
	if err := errors.Join(register.Find(), unregister.Find()); err != nil {
		return nil, err
	}
	// DEVICE_NOTIFY_SUBSCRIBE_PARAMETERS
	parameters := &struct{ callback, context uintptr }{callback: callback}
	var handle uintptr
	code, _, _ := register.Call(deviceNotifyCallback, uintptr(unsafe.Pointer(parameters)), uintptr(unsafe.Pointer(&handle)))
	if code != 0 {
		return nil, windows.Errno(code)
	}
	return func() {
		_, _, _ = unregister.Call(handle)
		runtime.KeepAlive(parameters)
	}, nil
}

// addresses watches interfaces and their addresses.
func addresses(ctx context.Context, log *slog.Logger, tell func(event)) {
	look := make(chan bool, 8) // true: an address by which others are reached has gone
	push := func(gone bool) {
		select {
		case look <- gone:
		default: // there is enough to look at
		}
	}
	onInterface := windows.NewCallback(func(uintptr, uintptr, uintptr) uintptr {
		push(false)
		return 0
	})
	onAddress := windows.NewCallback(func(_ uintptr, row *windows.MibUnicastIpAddressRow, kind uintptr) uintptr {
		push(uint32(kind) == windows.MibDeleteInstance && row != nil && reaches(rowIP(row)))
		return 0
	})
	var interfaces, unicast windows.Handle
	if err := windows.NotifyIpInterfaceChange(windows.AF_UNSPEC, onInterface, nil, false, &interfaces); err != nil {
		log.Info("no notices of the network, comparing addresses instead", "error", err)
		poll(lookEvery, fingerprint)(ctx, log, tell)
		return
	}
	defer func() { _ = windows.CancelMibChangeNotify2(interfaces) }()
	if err := windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, onAddress, nil, false, &unicast); err != nil {
		log.Info("no notices of addresses", "error", err)
	} else {
		defer func() { _ = windows.CancelMibChangeNotify2(unicast) }()
	}
	before, _ := fingerprint()
	for {
		select {
		case <-ctx.Done():
			return
		case gone := <-look:
			now, err := fingerprint()
			if gone || err == nil && now != before {
				tell(event{kind: network})
			}
			if err == nil {
				before = now
			}
		}
	}
}

func rowIP(row *windows.MibUnicastIpAddressRow) net.IP {
	if row.Address.Family == windows.AF_INET {
		four := (*windows.RawSockaddrInet4)(unsafe.Pointer(&row.Address))
		return net.IP(four.Addr[:]).To16()
	}
	return append(net.IP(nil), row.Address.Addr[:]...)
}
