package sockets

import (
	"encoding/binary"
	stdnet "net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/shirou/gopsutil/v4/net"
	"golang.org/x/sys/unix"
)

const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"

func TestTableRefusesAnUnreadableLineOfOurs(t *testing.T) {
	for _, line := range []string{
		"   0: 0100007F 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 42 1",
		"   0: 0100007G:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 42 1",
		"   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0 0 x 1",
	} {
		if list, err := table(nil, strings.NewReader(heading+line+"\n"), map[uint64]bool{42: true}); err == nil {
			t.Errorf("%q passed as %v", line, list)
		}
	}
}

func FuzzTable(f *testing.F) {
	f.Add(heading + "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 42 1 0\n")
	f.Add(heading + "   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 42\n")
	f.Add(heading)
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := table(nil, strings.NewReader(text), map[uint64]bool{42: true})
		if err != nil && list != nil {
			t.Error("an error and a list")
		}
		if len(list) > strings.Count(text, listen) {
			t.Errorf("%d sockets from %d states", len(list), strings.Count(text, listen))
		}
		for _, s := range list {
			if !s.Addr.IsValid() {
				t.Error("an invalid address")
			}
		}
	})
}

// The three ways to ask must agree.
func TestWaysAgree(t *testing.T) {
	l, _ := open(t, "tcp4", "127.0.0.1:0")
	open(t, "tcp4", "0.0.0.0:0")
	near, err := stdnet.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	conns, err := net.ConnectionsPid("tcp", int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	var want []Socket
	for _, c := range conns {
		if c.Status == "LISTEN" {
			want = append(want, Socket{Addr: netip.AddrPortFrom(netip.MustParseAddr(c.Laddr.IP), uint16(c.Laddr.Port))})
		}
	}
	inodes, err := held()
	if err != nil {
		t.Fatal(err)
	}
	text, err := tables(inodes)
	if err != nil || !slices.Equal(sorted(text), sorted(want)) {
		t.Errorf("the text tables say %v, %v, gopsutil %v", text, err, want)
	}
	asked, err := diag(nil, unix.AF_INET, inodes)
	if err != nil {
		t.Logf("sock_diag is refused here: %v", err)
	} else if !slices.Equal(sorted(asked), sorted(want)) {
		t.Errorf("sock_diag says %v, gopsutil %v", asked, want)
	}
	if got := listening(t); !slices.Equal(got, sorted(want)) {
		t.Errorf("Listening says %v, gopsutil %v", got, want)
	}
}

func BenchmarkGopsutil(b *testing.B) {
	l := fiveListeners(b)
	defer l()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := net.ConnectionsPid("tcp", int32(os.Getpid())); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTables(b *testing.B) {
	l := fiveListeners(b)
	defer l()
	b.ReportAllocs()
	for b.Loop() {
		inodes, err := held()
		if err != nil {
			b.Fatal(err)
		}
		if _, err := tables(inodes); err != nil {
			b.Fatal(err)
		}
	}
}

func FuzzPart(f *testing.F) {
	done := binary.NativeEndian.AppendUint32(nil, unix.NLMSG_HDRLEN)
	done = binary.NativeEndian.AppendUint16(done, unix.NLMSG_DONE)
	done = append(done, make([]byte, 10)...)
	msg := binary.NativeEndian.AppendUint32(nil, unix.NLMSG_HDRLEN+answerSize)
	msg = binary.NativeEndian.AppendUint16(msg, unix.SOCK_DIAG_BY_FAMILY)
	msg = append(msg, make([]byte, 10)...)
	msg = append(msg, unix.AF_INET, 10, 0, 0, 0x1f, 0x90, 0, 0, 127, 0, 0, 1)
	msg = append(msg, make([]byte, unix.NLMSG_HDRLEN+answerSize-len(msg)-4)...)
	msg = binary.NativeEndian.AppendUint32(msg, 42)
	f.Add(append(msg, done...))
	f.Add(msg[:50])
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _, err := part(nil, b, map[uint64]bool{42: true})
		if err != nil && list != nil {
			t.Error("an error and a list")
		}
		for _, s := range list {
			if !s.Addr.IsValid() {
				t.Error("an invalid address")
			}
		}
	})
}
