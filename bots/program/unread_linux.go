package program

import (
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// hasRead tells whether everything that was written to a pipe has been read.
func hasRead(w io.Writer) bool {
	c, ok := w.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return true // it is closed: somebody else finds out
	}
	unread := 0
	if err := raw.Control(func(fd uintptr) { unread, err = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
		return true
	}
	return err != nil || unread == 0
}
