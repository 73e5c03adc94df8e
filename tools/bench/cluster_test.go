package main

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestTwiceIsOfTheKillBeforeTheSecond says for which kill a mail came again.
func TestTwiceIsOfTheKillBeforeTheSecond(t *testing.T) {
	begin := time.Now()
	at := func(s int) time.Time { return begin.Add(time.Duration(s) * time.Second) }
	list := []arrival{
		{1, "a", at(1)}, {2, "a", at(2)}, {3, "a", at(7)},
		{1, "a", at(21)}, // long after it
		{3, "a", at(12)}, // the second kill
		{2, "b", at(13)}, // somebody else
	}
	got := twiceAfter(list, []time.Time{at(5), at(10), at(20)})
	if diff := cmp.Diff([]float64{1, 1, 0}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestWireIsCutAndHangs talks through a wire to somebody who says everything again.
func TestWireIsCutAndHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	w, err := startWire(nobody.Addr().String(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	for range 3 { // whosever turn it is
		c := mustDialWire(t, w)
		say(t, c, "hello")
		if got := hear(t, c, 10*time.Second); got != "hello" {
			t.Errorf("heard %q", got)
		}
	}
	c := mustDialWire(t, w)
	w.hang()
	say(t, c, "late")
	if got := hear(t, c, 100*time.Millisecond); got != "" {
		t.Errorf("heard %q of a wire that hangs", got)
	}
	w.mend()
	if got := hear(t, c, 10*time.Second); got != "late" {
		t.Errorf("heard %q of a mended wire", got)
	}
	w.sever()
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("a cut wire passes on")
	}
	c = mustDialWire(t, w)
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("a cut wire takes connections: %v", err)
	}
}

func mustDialWire(t *testing.T, w *wire) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func say(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// hear is what comes within a while; empty for nothing.
func hear(t *testing.T, c net.Conn, within time.Duration) string {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(within)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 100)
	n, _ := c.Read(buf)
	return string(buf[:n])
}

// TestFiguresOfProcessesAreOne takes away the label that tells them apart.
func TestFiguresOfProcessesAreOne(t *testing.T) {
	for name, want := range map[string]string{
		`a{process="x"}`:                `a`,
		`a{process="x",state="up"}`:     `a{state="up"}`,
		`a{network="m",process="x"}`:    `a{network="m"}`,
		`a{in_process="x"}`:             `a{in_process="x"}`,
		`a{a="b",process="x",z="long"}`: `a{a="b",z="long"}`,
	} {
		if got := withoutProcess(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
