package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"gocloud.dev/pubsub"
)

// TestMain lets the test binary be the program.
func TestMain(m *testing.M) {
	if os.Getenv("BROKER_TEST") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// host plays the server.
type host struct {
	t     *testing.T
	in    io.WriteCloser
	lines chan line
	ended chan error
}

// start runs the program with settings in this process, where the queues of the test are.
func start(t *testing.T, settings map[string]string) *host {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	h := &host{t: t, in: inW, lines: make(chan line, 100), ended: make(chan error, 1)}
	go func() {
		h.ended <- run(context.Background(), inR, outW)
		_ = outW.Close()
	}()
	h.begin(outR, settings)
	return h
}

// process runs the program with settings in a process of its own.
func process(t *testing.T, settings map[string]string) *host {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env, cmd.Stderr = []string{"BROKER_TEST=1"}, os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = w.Close()
	h := &host{t: t, in: in, lines: make(chan line, 100), ended: make(chan error, 1)}
	go func() { h.ended <- cmd.Wait() }()
	h.begin(out, settings)
	return h
}

func (h *host) begin(out io.Reader, settings map[string]string) {
	h.t.Helper()
	go func() {
		defer close(h.lines)
		s := bufio.NewScanner(out)
		for s.Scan() {
			var l line
			if err := json.Unmarshal(s.Bytes(), &l); err != nil {
				h.t.Errorf("wrote %q: %v", s.Text(), err)
			}
			h.lines <- l
		}
	}()
	h.say(line{Type: "begin", Protocol: 1, Settings: settings})
}

func (h *host) say(l line) {
	h.t.Helper()
	raw, err := json.Marshal(l)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err := h.in.Write(append(raw, '\n')); err != nil {
		h.t.Fatal(err)
	}
}

// wait waits for a line of a type.
func (h *host) wait(kind string) line {
	h.t.Helper()
	timeout := time.After(15 * time.Second)
	for {
		select {
		case l, ok := <-h.lines:
			if !ok {
				h.t.Fatalf("it ended (%v) before it said %s", <-h.ended, kind)
			}
			if l.Type == kind {
				return l
			}
		case <-timeout:
			h.t.Fatalf("it did not say %s", kind)
		}
	}
}

func (h *host) end() {
	h.t.Helper()
	h.say(line{Type: "end"})
	if err := <-h.ended; err != nil {
		h.t.Error(err)
	}
}

// topic opens a topic that the test writes to.
func topic(t *testing.T, url string) *pubsub.Topic {
	t.Helper()
	opened, err := pubsub.OpenTopic(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Shutdown(context.Background()) })
	return opened
}

func publish(t *testing.T, to *pubsub.Topic, text string, metadata map[string]string) {
	t.Helper()
	if err := to.Send(t.Context(), &pubsub.Message{Body: []byte(text), Metadata: metadata}); err != nil {
		t.Fatal(err)
	}
}

// TestBothWays hears messages of each form, and sends.
func TestBothWays(t *testing.T) {
	in, _ := topic(t, "mem://in"), topic(t, "mem://out")
	out, err := pubsub.OpenSubscription(t.Context(), "mem://out")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Shutdown(context.Background())
	h := start(t, map[string]string{"SUBSCRIPTION": "mem://in", "TOPIC": "mem://out"})
	h.wait("ready")
	for _, tt := range []struct{ body, id, text, author string }{
		{"U1 Plärrer", "", "U1 Plärrer", ""},
		{`{"id":"7","text":"U2 \"Kontis\"","author":"a"}`, "7", `U2 "Kontis"`, "a"},
		{`{"Type":"Notification","MessageId":"m1","Message":"U3"}`, "m1", "U3", ""},
		{`{"Type":"Notification","MessageId":"m2","Message":"{\"id\":\"x\",\"text\":\"U4\"}"}`, "x", "U4", ""},
		{`[1]`, "", "[1]", ""},
	} {
		publish(t, in, tt.body, nil)
		l := h.wait("report")
		if l.Text != tt.text || l.Author != tt.author || tt.id != "" && l.ID != tt.id || l.ID == "" {
			t.Errorf("%s is reported as %+v", tt.body, l)
		}
		h.say(line{Type: "kept", ID: l.ID})
	}
	h.say(line{Type: "send", ID: "s1", Text: "U5 Öl"})
	if l := h.wait("sent"); l.ID != "s1" {
		t.Errorf("said %+v", l)
	}
	m, err := out.Receive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.Ack()
	if string(m.Body) != `{"id":"s1","text":"U5 Öl"}` || m.Metadata[ours] != "s1" {
		t.Errorf("sent %s %v", m.Body, m.Metadata)
	}
	publish(t, in, string(m.Body), m.Metadata) // goes round, and no further
	publish(t, in, "after", nil)
	if l := h.wait("report"); l.Text != "after" {
		t.Errorf("took in its own %+v", l)
	}
	h.say(line{Type: "ping"})
	h.wait("pong")
	h.end()
}

// TestNotKept has a message come again until it is kept.
func TestNotKept(t *testing.T) {
	in := topic(t, "mem://again")
	h := start(t, map[string]string{"SUBSCRIPTION": "mem://again?ackdeadline=300ms"})
	h.wait("ready")
	publish(t, in, `{"id":"1","text":"U1"}`, nil)
	for range 2 {
		if l := h.wait("report"); l.ID != "1" {
			t.Errorf("said %+v", l)
		}
	}
	h.say(line{Type: "kept", ID: "1"})
	publish(t, in, `{"id":"2","text":"U1"}`, nil)
	for l := h.wait("report"); l.ID != "2"; l = h.wait("report") { // it may have been under way
		if l.ID != "1" {
			t.Errorf("said %+v", l)
		}
	}
	h.end()
}

// TestWrongSettings says what to mend.
func TestWrongSettings(t *testing.T) {
	for want, settings := range map[string]map[string]string{
		"both settings are empty": {},
		"setting TOPIC":           {"TOPIC": "nonsense://x"},
		"setting SUBSCRIPTION":    {"SUBSCRIPTION": "mem://nobody"},
	} {
		if err := <-start(t, settings).ended; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", settings, err)
		}
	}
}

// TestRabbitMQ goes through Debian's rabbitmq-server: what was not kept comes again.
func TestRabbitMQ(t *testing.T) {
	url := rabbitMQ(t)
	settings := map[string]string{"SUBSCRIPTION": "rabbit://reports", "TOPIC": "rabbit://reports", "RABBIT_SERVER_URL": url}
	declare(t, url, "reports")
	t.Setenv("RABBIT_SERVER_URL", url)
	in := topic(t, "rabbit://reports")
	publish(t, in, "U1 Plärrer", map[string]string{"id": "r1"})
	h := process(t, settings)
	if l := h.wait("report"); l.Text != "U1 Plärrer" || l.ID != "r1" {
		t.Errorf("said %+v", l)
	}
	h.end() // and it was not kept
	h = process(t, settings)
	if l := h.wait("report"); l.ID != "r1" {
		t.Errorf("said %+v", l)
	}
	h.say(line{Type: "kept", ID: "r1"})
	h.say(line{Type: "send", ID: "s1", Text: "U2"})
	h.wait("sent")
	h.end()
	publish(t, in, "last", nil)
	h = process(t, settings)
	if l := h.wait("report"); l.Text != "last" { // neither r1 nor what we have sent ourselves
		t.Errorf("said %+v", l)
	}
	h.end()
}

// rabbitMQ starts a server on loopback, and returns its address.
func rabbitMQ(t *testing.T) string {
	t.Helper()
	const server = "/usr/lib/rabbitmq/bin/rabbitmq-server"
	if _, err := os.Stat(server); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("RabbitMQ is not there: install Debian's rabbitmq-server")
		}
		t.Skip("RabbitMQ is not there: install Debian's rabbitmq-server")
	}
	dir, port, names := t.TempDir(), freePort(t), freePort(t)
	cmd := exec.CommandContext(t.Context(), server)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "RABBITMQ_NODENAME=ticketfrei-test@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		fmt.Sprint("RABBITMQ_NODE_PORT=", port), fmt.Sprint("RABBITMQ_DIST_PORT=", freePort(t)), fmt.Sprint("ERL_EPMD_PORT=", names), "ERL_EPMD_ADDRESS=127.0.0.1",
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "mnesia"), "RABBITMQ_LOG_BASE=" + filepath.Join(dir, "log"), "RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "plugins"),
		"RABBITMQ_PID_FILE=" + filepath.Join(dir, "pid"), "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+S 1:1"}
	log, err := os.Create(filepath.Join(dir, "out"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Wait()
		for range 50 { // the daemon that it has started ends once it has noticed that the server is gone
			if exec.Command("epmd", "-port", fmt.Sprint(names), "-kill").Run() == nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		_ = log.Close()
	})
	address := fmt.Sprint("127.0.0.1:", port)
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			return "amqp://guest:guest@" + address + "/"
		}
	}
	raw, _ := os.ReadFile(log.Name())
	t.Fatalf("RabbitMQ does not start:\n%s", raw)
	return ""
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// declare makes a queue, and an exchange of the same name that fills it.
func declare(t *testing.T, url, name string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	_, err = channel.QueueDeclare(name, true, false, false, false, nil)
	for _, err := range []error{err, channel.ExchangeDeclare(name, "fanout", true, false, false, false, nil), channel.QueueBind(name, "", name, false, nil)} {
		if err != nil {
			t.Fatal(err)
		}
	}
}
