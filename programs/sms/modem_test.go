package sms_test

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// modem plays an AT modem at the other end of a pseudo terminal.
type modem struct {
	t    *testing.T
	tty  *os.File // our end
	path string   // of the program's end

	mu       sync.Mutex
	stored   map[int]string // messages, by their place on the card
	asked    []string       // commands
	refusals []int          // codes that the next messages are refused with
	locked   string         // the PIN that it asks for
	sent     chan string    // messages
	deleted  chan int
}

func newModem(t *testing.T) *modem {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("there are no pseudo terminals: ", err)
	}
	tty := os.NewFile(uintptr(fd), "/dev/ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	m := &modem{t: t, tty: tty, path: fmt.Sprint("/dev/pts/", n), stored: map[int]string{}, sent: make(chan string, 100), deleted: make(chan int, 100)}
	hold, err := os.OpenFile(m.path, os.O_RDWR|unix.O_NOCTTY, 0) // so that it stays where the program ends
	if err != nil {
		t.Fatal(err)
	}
	raw, err := unix.IoctlGetTermios(int(hold.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	raw.Lflag &^= unix.ECHO | unix.ICANON
	if err := unix.IoctlSetTermios(int(hold.Fd()), unix.TCSETS, raw); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.serve()
	}()
	t.Cleanup(func() {
		_ = hold.Close()
		_ = tty.Close()
		<-done
	})
	return m
}

// write writes a line as modems do.
func (m *modem) write(s string) { _, _ = m.tty.WriteString("\r\n" + s + "\r\n") }

// serve answers commands until the terminal is closed.
func (m *modem) serve() {
	in := bufio.NewReader(m.tty)
	for {
		command, err := in.ReadString('\r')
		if err != nil {
			return
		}
		command = strings.Trim(command, "\r\n\x1b")
		_, _ = m.tty.WriteString(command + "\r") // the echo
		m.mu.Lock()
		m.asked = append(m.asked, command)
		m.mu.Unlock()
		if strings.HasPrefix(command, "AT+CMGS=") {
			_, _ = m.tty.WriteString("\r\n> ")
			message, err := in.ReadString(0x1a)
			if err != nil {
				return
			}
			m.write(m.take(strings.TrimPrefix(command, "AT+CMGS="), strings.TrimSuffix(message, "\x1a")))
			continue
		}
		m.answer(command)
	}
}

// take takes a message to send, and returns the answer.
func (m *modem) take(length, message string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n, err := strconv.Atoi(length); err != nil || len(message) != 2*n+2 || !strings.HasPrefix(message, "00") {
		m.t.Errorf("%s octets are announced for %s", length, message)
	}
	if len(m.refusals) > 0 {
		code := m.refusals[0]
		m.refusals = m.refusals[1:]
		return fmt.Sprint("+CMS ERROR: ", code)
	}
	m.sent <- message[2:]
	return "+CMGS: 7\r\n\r\nOK"
}

func (m *modem) answer(command string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name, value, _ := strings.Cut(strings.TrimPrefix(command, "AT"), "=")
	place, _ := strconv.Atoi(value)
	switch name {
	case "+CPIN?":
		m.write(map[bool]string{true: "+CPIN: READY", false: "+CPIN: SIM PIN"}[m.locked == ""])
	case "+CPIN":
		if value != `"`+m.locked+`"` {
			m.write("+CME ERROR: 16")
			return
		}
		m.locked = ""
	case "+CMGL":
		for place, message := range m.stored {
			m.write(fmt.Sprintf("+CMGL: %d,1,,%d\r\n%s", place, len(message)/2-8, message))
		}
	case "+CMGR":
		m.write(fmt.Sprintf("+CMGR: 0,,%d\r\n%s", len(m.stored[place])/2-8, m.stored[place]))
	case "+CMGD":
		delete(m.stored, place)
		m.deleted <- place
	case "E0", "+CMEE", "+CMGF", "+CNMI":
	default:
		m.write("ERROR")
		return
	}
	m.write("OK")
}

// deliver has messages come in.
func (m *modem) deliver(messages ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, message := range messages {
		place := 1
		for m.stored[place] != "" {
			place++
		}
		m.stored[place] = message
		m.write(fmt.Sprintf(`+CMTI: "SM",%d`, place))
	}
}

// refuse has the next messages refused.
func (m *modem) refuse(codes ...int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refusals = slices.Clone(codes)
}
