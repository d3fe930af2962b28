package sockets

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Listening is the TCP sockets that this process listens on, sorted: those in
// /proc/self/fd (proc_pid_fd(5)) that the kernel lists as listening, asked by
// sock_diag(7), and where that is refused (gVisor, some containers) by reading
// /proc/self/net/tcp and tcp6. Sockets of another network namespace than the
// asking thread's do not show.
func Listening() ([]Socket, error) {
	inodes, err := held()
	if err != nil || len(inodes) == 0 {
		return nil, err
	}
	list, err := diag(nil, unix.AF_INET, inodes)
	if err == nil {
		list, err = diag(list, unix.AF_INET6, inodes)
	}
	if err != nil {
		if list, err = tables(inodes); err != nil {
			return nil, fmt.Errorf("list listening sockets: %w", err)
		}
	}
	return sorted(list), nil
}

// tables is what the kernel's text tables say of the inodes.
func tables(inodes map[uint64]bool) ([]Socket, error) {
	var list []Socket
	for _, name := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) { // a kernel built without IPv6
			continue
		} else if err != nil {
			return nil, err
		}
		list, err = table(list, f, inodes)
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return list, nil
}

// held is the inodes of the sockets this process has open.
func held() (map[uint64]bool, error) {
	const dir = "/proc/self/fd"
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("list open files: %w", err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("list open files: %w", err)
	}
	inodes := make(map[uint64]bool)
	var link [64]byte // "socket:[" and 20 digits at most; what is cut is no socket
	for _, name := range names {
		n, err := unix.Readlinkat(int(d.Fd()), name, link[:])
		if err != nil { // closed since it was listed
			continue
		}
		rest, ok := bytes.CutPrefix(link[:n], []byte("socket:["))
		if !ok {
			continue
		}
		if inode, err := strconv.ParseUint(string(bytes.TrimSuffix(rest, []byte("]"))), 10, 64); err == nil {
			inodes[inode] = true
		}
	}
	return inodes, nil
}

// listen is the kernel's TCP_LISTEN (include/net/tcp_states.h), in the table's
// two hexadecimal digits.
const listen = "0A"

// table adds the listening sockets of a /proc/net/tcp table that are among the
// inodes. A line of ours that cannot be read is an error: to leave it out would
// hide a socket.
func table(list []Socket, r io.Reader, inodes map[uint64]bool) ([]Socket, error) {
	lines := bufio.NewScanner(r)
	lines.Scan() // the heading
	for lines.Scan() {
		line := lines.Bytes()
		local, state, inode := fields(line)
		if string(state) != listen {
			continue
		}
		n, err := strconv.ParseUint(string(inode), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("no inode in %q", line)
		}
		if !inodes[n] {
			continue
		}
		addr, ok := address(local)
		if !ok {
			return nil, fmt.Errorf("no address in %q", line)
		}
		list = append(list, Socket{Addr: addr})
	}
	return list, lines.Err()
}

// fields is the local address, the state and the inode of a line: its second,
// fourth and tenth word.
func fields(line []byte) (local, state, inode []byte) {
	i := 0
	for word := range bytes.FieldsSeq(line) {
		switch i {
		case 1:
			local = word
		case 3:
			state = word
		case 9:
			return local, state, word
		}
		i++
	}
	return local, state, nil
}

// address reads "0100007F:1F90": the address as 32-bit words in the machine's
// byte order, the port in hexadecimal.
func address(s []byte) (netip.AddrPort, bool) {
	host, port, ok := bytes.Cut(s, []byte(":"))
	if !ok || len(host) != 8 && len(host) != 32 {
		return netip.AddrPort{}, false
	}
	var raw [16]byte
	n, err := hex.Decode(raw[:], host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	p, err := strconv.ParseUint(string(port), 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	for i := 0; i < n; i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	a, _ := netip.AddrFromSlice(raw[:n])
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), true
}
