package app

import (
	"net/http"
	"testing"
)

// TestStoppedAfterARestart stops a city right after the program was started again, and
// starts it again: what is reported from then on is sent.
func TestStoppedAfterARestart(t *testing.T) {
	const reader = "one@riders.example"
	box, dir := startMailbox(t), t.TempDir()
	a := startApp(t, dir, box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", reader)
	for _, text := range []string{"Kontis in der U1", "Kontis in der U2"} {
		a.mustSend("two@riders.example", here, text+"@x", "", text)
		box.waitFor(t, reader, text)
	}
	a.settled()
	a.stop()

	a = startApp(t, dir, box)
	b := a.login("moderator@nuernberg.example")
	b.post("/settings/reports/pause", nil, http.StatusOK)
	b.post("/settings/reports/resume", nil, http.StatusOK)
	a.mustSend("two@riders.example", here, "m3@x", "", "Kontis in der U3")
	box.waitFor(t, reader, "Kontis in der U3")
}
