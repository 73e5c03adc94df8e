package sms_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"ticketfrei/internal/slow"
	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// program is a copy of the program that uses the modem.
func program(t *testing.T, m *modem) string {
	t.Helper()
	programtest.Need(t, "python3", "python3")
	dir := programtest.Copy(t, ".")
	path := filepath.Join(dir, "program.toml")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(raw), "/dev/ttyUSB0", m.path)), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// wide is a message from +4915112345678 in UCS-2, with an element of the header before the
// text where it is a part.
func wide(text string, header ...byte) string {
	data := header
	for _, unit := range utf16.Encode([]rune(text)) {
		data = append(data, byte(unit>>8), byte(unit))
	}
	first := map[bool]string{true: "40", false: "00"}[len(header) > 0]
	return fmt.Sprintf("00%s0D91945111325476F8000862111772120400%02X%s", first, len(data), strings.ToUpper(hex.EncodeToString(data)))
}

const sender = "+4915112345678"

// wideText reads the text of a message to send in UCS-2 and checks whom it goes to.
func wideText(t *testing.T, message string) string {
	t.Helper()
	raw, err := hex.DecodeString(message)
	if err != nil || len(raw) < 14 || !strings.HasPrefix(message[4:], "0D91945111325476F80008") {
		t.Fatalf("sent %s: %v", message, err)
	}
	data := raw[14:]
	if int(raw[13]) != len(data) {
		t.Errorf("says %d octets of %d", raw[13], len(data))
	}
	if raw[0]&0x40 != 0 {
		data = data[1+data[0]:]
	}
	var units []uint16
	for i := 0; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i])<<8|uint16(data[i+1]))
	}
	return string(utf16.Decode(units))
}

// TestHears takes messages from the modem, and deletes them when their reports are kept.
func TestHears(t *testing.T) {
	t.Parallel()
	m := newModem(t)
	m.stored[3] = wide("U1 Plärrer, vor dem Start") // while nobody listened
	h := programtest.Start(t, program(t, m), programtest.Options{})
	for place, want := range map[int]string{3: "U1 Plärrer, vor dem Start"} {
		keep(t, h, m, want, place)
	}
	// A well known message: it comes in the alphabet of seven bits.
	m.deliver("07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07")
	r := h.Wait("report", nil)
	if r.Text("text") != "How are you?" || r.Text("author") != "+31641600986" || r.Text("from") != "+31641600986" || r.Text("visibility") != "private" {
		t.Errorf("reported %v", r)
	}
	m.deliver(wide("S-Bahn 🚃 Öl", 5, 0, 3, 9, 2, 1), wide(", Richtung Süd", 5, 0, 3, 9, 2, 2))
	r = h.Wait("report", nil)
	if r.Text("text") != "S-Bahn 🚃 Öl, Richtung Süd" || r.Text("author") != sender {
		t.Errorf("reported %v", r)
	}
	h.Say(programtest.Line{"type": "kept", "id": r["id"]})
	<-m.deleted
	<-m.deleted
	m.deliver("nonsense")
	<-m.deleted
	h.End()
	if !strings.Contains(h.Log(), "W! a message cannot be read") {
		t.Errorf("the log is %q", h.Log())
	}
}

// keep waits for a report, and has it kept and its message deleted.
func keep(t *testing.T, h *programtest.Host, m *modem, want string, place int) {
	t.Helper()
	r := h.Wait("report", nil)
	if r.Text("text") != want || r.Text("author") != sender {
		t.Errorf("reported %v, want %q", r, want)
	}
	h.Say(programtest.Line{"type": "kept", "id": r["id"]})
	if got := <-m.deleted; got != place {
		t.Errorf("deleted message %d, want %d", got, place)
	}
}

// TestNotKept hears the same message again, with the same id, where it was killed before its
// report was kept.
func TestNotKept(t *testing.T) {
	t.Parallel()
	m := newModem(t)
	dir := program(t, m)
	h := programtest.Start(t, dir, programtest.Options{})
	m.deliver(wide("U2"))
	first := h.Wait("report", nil)
	h.Kill()
	again := programtest.Start(t, dir, programtest.Options{}).Wait("report", nil)
	if again.Text("id") != first.Text("id") || first.Text("id") == "" {
		t.Errorf("reported %v, then %v", first, again)
	}
}

// TestSends writes texts of each kind, and says what the modem says against them.
func TestSends(t *testing.T) {
	t.Parallel()
	m := newModem(t)
	h := programtest.Start(t, program(t, m), programtest.Options{})
	send := func(id, text string) programtest.Line {
		h.Say(programtest.Line{"type": "send", "id": id, "text": text, "recipient": sender, "time": time.Now()})
		return h.Wait("sent", func(l programtest.Line) bool { return l["id"] == id })
	}
	send("1", "hellohello")
	if got := <-m.sent; got != "01000D91945111325476F800000AE8329BFD4697D9EC37" {
		t.Errorf("sent %s", got)
	}
	send("2", "Łódź 🚃")
	if got := wideText(t, <-m.sent); got != "Łódź 🚃" {
		t.Errorf("sent %q", got)
	}
	long := strings.Repeat("Żółw 🐢 ", 30)
	send("3", long)
	got, parts := "", 0
	for len(got) < len(long) && parts < 10 {
		got += wideText(t, <-m.sent)
		parts++
	}
	if got != long || parts < 2 {
		t.Errorf("sent %q in %d parts", got, parts)
	}
	h.Ask(programtest.Line{"type": "send", "id": "nobody", "text": "x"}, "sent")
	m.refuse(1, 42, 310, 500)
	for i, want := range []string{"gone", "later", "refused", "later"} {
		l := h.Ask(programtest.Line{"type": "send", "id": fmt.Sprint("r", i), "text": "Öl", "recipient": sender}, "failed")
		if l.Text("kind") != want || !strings.Contains(l.Text("error"), "CMS ERROR") {
			t.Errorf("failed with %v, want %s", l, want)
		}
	}
	h.Say(programtest.Line{"type": "answer", "to": sender, "text": "Łaskawie"})
	if got := wideText(t, <-m.sent); got != "Łaskawie" {
		t.Errorf("answered %q", got)
	}
	h.End()
}

// TestSubscribes has somebody subscribe and leave by words.
func TestSubscribes(t *testing.T) {
	t.Parallel()
	m := newModem(t)
	m.locked = "1234"
	h := programtest.Start(t, program(t, m), programtest.Options{Settings: map[string]string{"PIN": "1234"}})
	for word, on := range map[string]bool{"Start": true, "STOP!": false} {
		m.deliver(wide(word))
		if l := h.Wait("recipient", nil); l.Text("id") != sender || l["on"] != on {
			t.Errorf("%s: %v", word, l)
		}
		if got := <-m.sent; got == "" {
			t.Error("no answer")
		}
		<-m.deleted
	}
	h.End()
}

// TestWrongModem says what is wrong.
func TestWrongModem(t *testing.T) {
	t.Parallel()
	slow.Test(t, "waits for a modem that does not answer")
	m := newModem(t)
	m.locked = "1234"
	h := programtest.Launch(t, program(t, m), programtest.Options{Settings: map[string]string{"PIN": "4321"}})
	if err := h.Ended(); err == nil || !strings.Contains(h.Log(), "+CME ERROR: 16") {
		t.Errorf("ended with %v, %q", err, h.Log())
	}
}
