package signal_test

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

type object = map[string]any

// signalCli is a stand-in of signal-cli's daemon.
type signalCli struct {
	t      *testing.T
	conns  chan net.Conn
	called chan object // what was asked
}

func newSignalCli(t *testing.T, network, address string) (*signalCli, string) {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	s := &signalCli{t: t, conns: make(chan net.Conn, 10), called: make(chan object, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			s.conns <- conn
			go s.serve(conn)
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-done
	})
	return s, listener.Addr().String()
}

func (s *signalCli) serve(conn net.Conn) {
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		var call object
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil || call["jsonrpc"] != "2.0" {
			s.t.Errorf("got %s: %v", lines.Bytes(), err)
			return
		}
		answer := object{"jsonrpc": "2.0", "id": call["id"]}
		params, _ := call["params"].(object)
		switch params["message"] {
		case "nobody":
			answer["result"] = object{"timestamp": 9, "results": []any{object{"type": "UNREGISTERED_FAILURE"}}}
		case "slow down":
			answer["error"] = object{"code": -5, "message": "Failed to send message due to rate limiting"}
		default:
			answer["result"] = object{"timestamp": 1700000000123, "results": []any{object{"type": "SUCCESS"}}}
		}
		delete(call, "id")
		s.called <- call
		s.write(conn, answer)
	}
}

func (s *signalCli) write(conn net.Conn, o object) {
	raw, err := json.Marshal(o)
	if err != nil {
		s.t.Error(err)
	}
	_, _ = conn.Write(append(raw, '\n'))
}

// receive has a message come in.
func (s *signalCli) receive(conn net.Conn, envelope object) {
	s.write(conn, object{"jsonrpc": "2.0", "method": "receive", "params": object{"envelope": envelope}})
}

func TestSignal(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	s, address := newSignalCli(t, "tcp", "127.0.0.1:0")
	h := programtest.Start(t, programtest.Copy(t, "."), programtest.Options{Settings: map[string]string{"SOCKET": address, "GROUP": "R3Jv", "ACCOUNT": "+4911"}})
	conn := <-s.conns
	if l := h.Wait("recipient", nil); l.Text("id") != "group:R3Jv" || l["on"] != true {
		t.Errorf("said %v", l)
	}

	const rider = "0b7b9f1c-1111-4222-8333-444455556666"
	message := func(text string, time int, more object) object {
		data := object{"timestamp": time, "message": text}
		for k, v := range more {
			data[k] = v
		}
		return object{"sourceUuid": rider, "sourceNumber": "+4915112345678", "sourceName": "R", "timestamp": time, "dataMessage": data}
	}
	s.receive(conn, object{"sourceUuid": rider, "receiptMessage": object{}})
	s.receive(conn, message("in another group", 1, object{"groupInfo": object{"groupId": "WA=="}}))
	s.receive(conn, message("U1 Plärrer \"2\" Kontis", 2, nil))
	r := h.Wait("report", nil)
	if r.Text("text") != "U1 Plärrer \"2\" Kontis" || r.Text("author") != rider || r.Text("from") != rider || r.Text("visibility") != "private" || strings.Contains(r.Text("id"), rider[:8]) {
		t.Errorf("reported %v", r)
	}
	s.receive(conn, message("U1 Plärrer \"2\" Kontis", 2, nil))
	if again := h.Wait("report", nil); again.Text("id") != r.Text("id") {
		t.Error("the same message has another id")
	}
	s.receive(conn, message("to all", 3, object{"groupInfo": object{"groupId": "R3Jv"}}))
	if r := h.Wait("report", nil); r.Text("from") != "group:R3Jv" || r.Text("visibility") != "public" {
		t.Errorf("reported %v", r)
	}

	s.receive(conn, message("Start!", 4, nil))
	if l := h.Wait("recipient", nil); l.Text("id") != rider || l["on"] != true {
		t.Errorf("said %v", l)
	}
	<-s.called // the answer

	h.Ask(programtest.Line{"type": "send", "id": "1", "text": "U2 Öl", "recipient": rider}, "sent")
	want := object{"jsonrpc": "2.0", "method": "send", "params": object{"account": "+4911", "message": "U2 Öl", "recipient": []any{rider}}}
	if diff := cmp.Diff(want, <-s.called); diff != "" {
		t.Error(diff)
	}
	sent := h.Ask(programtest.Line{"type": "send", "id": "2", "text": "U3", "recipient": "group:R3Jv"}, "sent")
	if call := <-s.called; call["params"].(object)["groupId"] != "R3Jv" {
		t.Errorf("asked %v", call)
	}
	h.Ask(programtest.Line{"type": "retract", "id": "3", "recipient": "group:R3Jv", "receipt": sent["receipt"]}, "sent")
	if call := <-s.called; call["method"] != "remoteDelete" || call["params"].(object)["targetTimestamp"] != 1700000000123.0 {
		t.Errorf("asked %v", call)
	}
	for text, kind := range map[string]string{"nobody": "gone", "slow down": "later"} {
		if l := h.Ask(programtest.Line{"type": "send", "id": text, "text": text, "recipient": rider}, "failed"); l.Text("kind") != kind {
			t.Errorf("%s: %v", text, l)
		}
		<-s.called
	}
	h.Say(programtest.Line{"type": "answer", "to": rider, "text": "Danke"})
	if call := <-s.called; call["params"].(object)["message"] != "Danke" {
		t.Errorf("asked %v", call)
	}
	h.End()
}

// TestSocket speaks over a socket with a path, and ends where signal-cli does.
func TestSocket(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	path := filepath.Join(t.TempDir(), "socket")
	s, _ := newSignalCli(t, "unix", path)
	h := programtest.Start(t, programtest.Copy(t, "."), programtest.Options{Settings: map[string]string{"SOCKET": path}, Files: []string{path}})
	_ = (<-s.conns).Close()
	if err := h.Ended(); err == nil || !strings.Contains(h.Log(), "E! signal-cli closed the connection") {
		t.Errorf("ended with %v, %q", err, h.Log())
	}
}

func TestNoSignalCli(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	h := programtest.Launch(t, programtest.Copy(t, "."), programtest.Options{Settings: map[string]string{"SOCKET": "127.0.0.1:1"}})
	if err := h.Ended(); err == nil || !strings.Contains(h.Log(), "E! signal-cli cannot be reached") {
		t.Errorf("ended with %v, %q", err, h.Log())
	}
}
