package app

import (
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/mailer/mailertest"
)

const here = "nuernberg@tickets.example"

// TestMailedReportReachesTheOthers tests what the program is for, from the
// outside.
func TestMailedReportReachesTheOthers(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "verboten")
	riders := []string{"one@riders.example", "two@riders.example", "three@riders.example"}
	a.subscribe(box, "nuernberg", riders...)

	a.mustSend(riders[0], here, "m1@riders.example", "", "U1 Plärrer, 2 Kontis Richtung Fürth")
	const text = "U1 Plärrer, 2 Kontis Richtung Fürth"
	two, three := box.waitFor(t, riders[1], text), box.waitFor(t, riders[2], text)
	// The mails that must not be relayed come next. If one were relayed, it
	// would arrive before the last report, which the test waits for.
	a.mustSend(riders[0], here, "m1@riders.example", "", text)
	a.mustSend(riders[0], here, "m2@riders.example", "", "Kontis verboten hier")
	a.mustSend(riders[0], here, "m3@riders.example", "", "das Wetter ist schön")
	a.mustSend(riders[2], "NUERNBERG+tag@Tickets.Example", "m4@riders.example", "Kontis", "Kontis am Rathenauplatz")
	box.waitFor(t, riders[0], "Kontis am Rathenauplatz")
	a.settled()

	for i, want := range []int{0, 1, 1} {
		if got := len(box.to(t, riders[i], text)); got != want {
			t.Errorf("rider %d got the report %d times, want %d", i+1, got, want)
		}
	}
	for _, part := range []string{"verboten", "Wetter"} {
		for _, rider := range riders {
			if len(box.to(t, rider, part)) > 0 {
				t.Errorf("%s got the held report with %q", rider, part)
			}
		}
	}
	for _, l := range []letter{two, three} {
		checkReportMail(t, a, l)
	}
	b := a.browser()
	for _, path := range []string{"/city/nuernberg", "/city/nuernberg/feed.atom"} {
		page := b.get(path, http.StatusOK)
		if !strings.Contains(page, text) || strings.Contains(page, "riders.example") {
			t.Errorf("%s: shows the report: %v, the writer: %v", path, strings.Contains(page, text), strings.Contains(page, "riders.example"))
		}
	}
}

// TestSameMailAtTheSameTime sends one mail over many connections at once, as
// servers do that are unsure of the answer. It must become one report.
func TestSameMailAtTheSameTime(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "")
	a.subscribe(box, "nuernberg", "two@riders.example")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if err := a.send("one@riders.example", here, "m1@riders.example", "", "Kontis am Plärrer"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	a.settled()
	if got := len(box.to(t, "two@riders.example", "Kontis am Plärrer")); got != 1 {
		t.Errorf("the report came %d times, want once", got)
	}
}

// checkReportMail looks at the headers of a mail that carries a report, and
// unsubscribes with one click as a mail program does.
func checkReportMail(t *testing.T, a *app, l letter) {
	t.Helper()
	if l.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("List-Unsubscribe-Post = %q", l.Header.Get("List-Unsubscribe-Post"))
	}
	for _, name := range []string{"List-Id", "Auto-Submitted", "Message-ID", "Date"} {
		if l.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if from := l.Header.Get("From"); !strings.Contains(from, here) {
		t.Errorf("From = %q", from)
	}
	if strings.Contains(l.Body, "one@riders.example") {
		t.Error("the mail names the writer")
	}
	link := anyLink.FindString(l.Header.Get("List-Unsubscribe"))
	resp, err := http.PostForm(link, url.Values{"List-Unsubscribe": {"One-Click"}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("one-click unsubscribe at %s: %s", link, resp.Status)
	}
}

// TestSignedMailIsLookedUp sends a mail that proves who wrote it, and one that
// does not, which asks nobody for anything.
func TestSignedMailIsLookedUp(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "two@riders.example")
	a.mustSend("one@riders.example", here, "m1@riders.example", "", "U1 Plärrer")
	box.waitFor(t, "two@riders.example", "U1 Plärrer")
	if asked := a.names.Asked(); len(asked) > 0 {
		t.Errorf("for a mail without a signature the server asked %q", asked)
	}
	signer := mailertest.NewSigner(t, a.names, "riders.example")
	mail := signer.Sign(message("one@riders.example", here, "m2@riders.example", "", "U2 Rathenauplatz"))
	if err := sendMail(a.smtp, "one@riders.example", here, mail); err != nil {
		t.Fatal(err)
	}
	box.waitFor(t, "two@riders.example", "U2 Rathenauplatz")
	if diff := cmp.Diff([]string{"TXT test._domainkey.riders.example"}, a.names.Asked()); diff != "" {
		t.Errorf("asked -want +got:\n%s", diff)
	}
}

func TestUnsubscribedRiderGetsNothing(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "stays@riders.example", "leaves@riders.example")
	a.mustSend("x@riders.example", here, "m1@x", "", "first")
	l := box.waitFor(t, "leaves@riders.example", "first")
	link := l.link(t, "/mail/unsubscribe/")
	b := a.browser()
	b.get(strings.TrimPrefix(link, a.url), http.StatusOK) // a scanner follows links
	a.mustSend("x@riders.example", here, "m2@x", "", "second")
	box.waitFor(t, "leaves@riders.example", "second")
	for range 2 { // the second time is harmless
		b.post(strings.TrimPrefix(link, a.url), nil, http.StatusOK)
	}
	a.mustSend("x@riders.example", here, "m3@x", "", "third")
	box.waitFor(t, "stays@riders.example", "third")
	a.settled()
	if len(box.to(t, "leaves@riders.example", "third")) > 0 {
		t.Error("unsubscribed, and still got the report")
	}
}

func TestUnknownRecipientIsRefused(t *testing.T) {
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.addCity("nuernberg", "*", "")
	conn, err := textproto.Dial("tcp", a.smtp)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	dialogue := []struct {
		line string
		code int
	}{
		{"", 220}, {"EHLO rider.example", 250}, {"MAIL FROM:<>", 250},
		{"RCPT TO:<nobody@tickets.example>", 550},
		{"RCPT TO:<nuernberg@elsewhere.example>", 550},
		{"RCPT TO:<Nuernberg+x@TICKETS.example>", 250},
		{"RCPT TO:<postmaster@tickets.example>", 250},
	}
	for _, d := range dialogue {
		if d.line != "" {
			if err := conn.PrintfLine("%s", d.line); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := conn.ReadResponse(d.code); err != nil {
			t.Errorf("%q: %v, want %d", d.line, err, d.code)
		}
	}
}

// TestCityAddedBesideTheServer adds a city as the command line does.
func TestCityAddedBesideTheServer(t *testing.T) {
	box := startMailbox(t)
	dir := t.TempDir()
	a := startApp(t, dir, box)
	var out strings.Builder
	t.Setenv("TICKETFREI_DATA", dir)
	if code := runCommand(t.Context(), t, &out, &out, "city", "add", "fuerth", "--email", "m@fuerth.example", "--password", password); code != 0 {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	began := time.Now()
	a.subscribe(box, "fuerth", "one@riders.example")
	a.mustSend("x@riders.example", "fuerth@tickets.example", "m@x", "", "U1 Kontrolle")
	box.waitFor(t, "one@riders.example", "U1 Kontrolle")
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %s", took)
	}
	a.login("m@fuerth.example").get("/settings", http.StatusOK)
}
