package app

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// fewOpenFiles is a limit of open files at which the program still works, in small.
const fewOpenFiles = 256

// TestOneVisitorDoesNotStopMail has one visitor take all they can get of a program
// that may open few files: streams, connections that are silent, and requests that
// never end. They come from this machine, as everybody behind a gateway does.
func TestOneVisitorDoesNotStopMail(t *testing.T) {
	slow.Test(t, "builds the program")
	t.Parallel()
	binary := buildProgram(t)
	box := startMailbox(t)
	env, a := environment(t, filepath.Join(t.TempDir(), "data"), box)
	mustAddCity(t, binary, env, "nuernberg")
	p := &alone{app: a,
		program: startCommand(t, exec.Command("sh", "-c", `ulimit -n `+strconv.Itoa(fewOpenFiles)+` && exec "$0" serve`, binary), env...)}
	p.allowEverything("m@nuernberg.example")
	p.subscribe(box, "nuernberg", "one@riders.example")

	for range 2 * fewOpenFiles {
		p.open("GET /city/nuernberg/live HTTP/1.1\r\nHost: x\r\n\r\n", true)
	}
	p.mustReport()
	t.Run("a page beside the streams", func(t *testing.T) {
		resp, err := http.Get(p.url + "/city/nuernberg")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("status %d", resp.StatusCode)
		}
	})
	for range 2 * fewOpenFiles {
		p.open("", false)
		p.open("POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", false)
	}
	p.mustReport()
	p.waitReady(http.StatusOK) // when the flood is over
	p.drained()
	if n := len(box.to(t, "one@riders.example", "Report ")); n != 2 {
		t.Errorf("%d reports were sent, want 2", n)
	}
	if log := p.program.log.String(); strings.Contains(log, "too many open files") {
		t.Errorf("the parts do not fit:\n%s", log)
	}
	p.checkStartedOnce()
}

// open opens a connection to the pages and sends a request. answered waits for
// the answer to begin.
func (p *alone) open(request string, answered bool) {
	p.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.Fatal(err)
	}
	p.Cleanup(func() { c.Close() })
	_, _ = io.WriteString(c, request) // it may be closed already
	if !answered {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
		p.Fatalf("answered %q, %v", line, err)
	}
}
