package mail

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/report"
)

// passAbout has a report pass of which something was read.
func (b *bench) passAbout(bot report.Bot, id, text string, read report.Reading) {
	b.t.Helper()
	r := dbtest.MustHear(b.t, b.db, b.aReport(bot, id, "author@example.org", text)).Report
	r.Reading = read
	b.passOn(bot, r)
}

var (
	u1 = report.Reading{Line: "U1", Stop: "Plärrer", Toward: "Fürth", People: 2, Lines: "|U1|"}
	u2 = report.Reading{Line: "U2", Lines: "|U2|"}
)

// TestLinesByTheLinkInAMail has somebody choose lines, and all of them again.
func TestLinesByTheLinkInAMail(t *testing.T) {
	b := newBench(t, nil)
	b.lines = []string{"U1", "U2", "Tram 4"}
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	b.passAbout(bot, "1", "U1 Plärrer 2 Kontis Richtung Fürth", u1)
	m := mustRead(t, b.await(1)[0].Data)
	if m.Subject != "U1 Plärrer → Fürth: U1 Plärrer 2 Kontis Richtung Fürth" {
		t.Errorf("subject %q", m.Subject)
	}
	if !strings.Contains(m.Text, "Only some lines: ") {
		t.Errorf("nothing to choose:\n%s", m.Text)
	}
	link := b.linkIn(m.Text, "often")
	code, body := b.get(link)
	b.expect(code, body, 200, "gets the reports of all lines from nuernberg.", `name="line" value="U1">`, `name="line" value="Tram 4">`, "no line can be recognised do not come")
	code, body = b.post(link, url.Values{"lines": {"chosen"}, "line": {"U1", "Tram 4", "U9"}})
	b.expect(code, body, 200, "about these lines: U1, Tram 4</p>", `value="U1" checked`, `value="U2">`)
	b.passAbout(bot, "2", "U2 two", u2)
	b.passAbout(bot, "3", "three", report.Reading{})
	b.passAbout(bot, "4", "Thon sauber", report.Reading{Stop: "Thon", Clear: true, Lines: "|Tram 4|"})
	if m = mustRead(t, b.await(1)[0].Data); m.Subject != "✓ Thon (all-clear): Thon sauber" || !strings.Contains(m.Text, "You get the reports of these lines alone: U1, Tram 4") {
		t.Errorf("the next mail: %q\n%s", m.Subject, m.Text)
	}
	b.lines = []string{"U1", "U2"} // the city has no trams any more
	code, body = b.get(link)
	b.expect(code, body, 200, `value="Tram 4" checked><bdi>Tram 4</bdi> (not a line of the city any more)`)
	code, body = b.post(link, url.Values{"lines": {"chosen"}})
	b.expect(code, body, 200, "gets the reports of all lines from nuernberg.")
	b.passAbout(bot, "5", "five", report.Reading{})
	if got := b.awaitText("rider@example.org"); got != "five" {
		t.Errorf("after all were chosen: %q", got)
	}
}

func TestCityWithoutLinesHasNoneToChoose(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org")
	b.pass(bot, "1", "author@example.org", "U1 one")
	m := mustRead(t, b.await(1)[0].Data)
	if m.Subject != "nuernberg: U1 one" || strings.Contains(m.Text, "lines") {
		t.Errorf("%q\n%s", m.Subject, m.Text)
	}
	code, body := b.get(b.linkIn(m.Text, "often"))
	if b.expect(code, body, 200); strings.Contains(body, "choose-lines") {
		t.Error("there is nothing to choose")
	}
}

// TestDigestOfLines gathers only what is of the lines that somebody has chosen.
func TestDigestOfLines(t *testing.T) {
	b := newBench(t, nil)
	b.lines = []string{"U1", "U2"}
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org", "other@example.org")
	if err := b.network.subscribers.SetLines(t.Context(), bot.ID, b.find(bot, "rider@example.org").ID, "|U1|"); err != nil {
		t.Fatal(err)
	}
	b.passAbout(bot, "1", "U2 one", u2)
	if got := b.awaitText("other@example.org"); got != "3 May 2024, 10:00 UTC · U2\nU2 one" {
		t.Errorf("the other's first mail: %q", got)
	}
	b.passAbout(bot, "2", "U1 two", u1)
	if got := b.awaitText("rider@example.org"); got != "3 May 2024, 10:00 UTC · U1 Plärrer → Fürth\nU1 two" {
		t.Errorf("the first mail: %q", got)
	}
	b.passAbout(bot, "3", "U2 three", u2)
	b.passAbout(bot, "4", "U1 four", u1)
	for seq, want := range map[int64]int{1: 0, 2: 1, 3: 1, 4: 2} {
		if n, err := b.network.Waiting(t.Context(), seq); n != want || err != nil {
			t.Errorf("report %d waits for %d, want %d: %v", seq, n, want, err)
		}
	}
	b.moveOn(time.Hour)
	subjects := map[string]string{}
	for _, m := range b.await(2) {
		subjects[m.To] = mustRead(t, m.Data).Subject
	}
	if got := subjects["rider@example.org"]; got != "U1 Plärrer → Fürth: U1 four" {
		t.Errorf("of U1 alone: %q", got)
	}
	if got := subjects["other@example.org"]; got != "nuernberg: 3 reports, the last: U1 Plärrer → Fürth: U1 four" {
		t.Errorf("of all: %q", got)
	}
}

// TestDigestOfNobodyGathersNothing has no report wait that nobody has chosen.
func TestDigestOfNobodyGathersNothing(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	if err := b.network.subscribers.SetLines(t.Context(), bot.ID, b.find(bot, "rider@example.org").ID, "|U1|"); err != nil {
		t.Fatal(err)
	}
	b.passAbout(bot, "1", "U2 one", u2)
	if n := b.rows("mail_digest_reports"); n != 0 {
		t.Errorf("%d reports wait", n)
	}
}

// TestLinesByMail has somebody ask for lines by mail: they get the link with their choice,
// and nothing has changed until they save it.
func TestLinesByMail(t *testing.T) {
	b := newBench(t, nil)
	b.lines = []string{"U1", "U2", "Tram 4"}
	city, bot := b.city("nuernberg")
	dbtest.MustSaveRules(t, b.db, city.ID, "kontis?", "")
	b.mustSubscribe(bot, "anna@riders.example")
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	for _, c := range []struct {
		mail  string
		lines string   // that the page has checked
		heard []string // reports
	}{
		{mailing("lines u1 tram4", ""), "U1 Tram 4", nil},
		{mailing("", "Linien U2"), "U2", nil},
		{mailing("Re: U1 Plärrer: U1 Plärrer", "LINES"), "", nil},
		{mailing("lines all", ""), "", nil},
		{mailing("Linien U1", "2 Kontis am Plärrer"), "U1", []string{"2 Kontis am Plärrer"}},
		{mailing("Linien U1 und U7 2 Kontis", ""), "-", []string{"Linien U1 und U7 2 Kontis"}},
	} {
		if got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, string(signer.Sign([]byte(c.mail)))); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		var heard []string
		for _, h := range b.take() {
			heard = append(heard, h.In.Text)
		}
		if !slices.Equal(heard, c.heard) {
			t.Errorf("%q: heard %q", c.mail, heard)
		}
		if c.lines == "-" {
			b.noAccountMail()
			continue
		}
		_, read := b.accountMail()
		at := strings.Index(read.Text, b.url)
		link, _, _ := strings.Cut(read.Text[at+len(b.url):], "\n")
		code, body := b.get(link)
		b.expect(code, body, 200, "gets the reports of all lines")
		for _, name := range b.lines {
			if got := strings.Contains(body, `value="`+name+`" checked`); got != slices.Contains(strings.Split(strings.ReplaceAll(c.lines, "Tram 4", "Tram_4"), " "), strings.ReplaceAll(name, " ", "_")) {
				t.Errorf("%q: %s is checked: %v", c.mail, name, got)
			}
		}
	}
	if got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, mailing("lines U1", "")); !strings.HasPrefix(got, "554 5.7.1 ") {
		t.Errorf("without proof: %s", got)
	}
}

// TestSampleNamesAPlace has a moderator try mails that no trigger fits.
func TestSampleNamesAPlace(t *testing.T) {
	b := newBench(t, nil)
	city, _ := b.city("nuernberg")
	dbtest.MustSaveRules(t, b.db, city.ID, "kontis?", "")
	dbtest.MustSavePlaces(t, b.db, city.ID, "U7: Yorckstr, Mehringdamm")
	for said, want := range map[string]string{
		"Yorckstr jetzt":     "The reason: it names a line or a stop of your city: Yorckstr",
		"Wieder weg":         "The reason: it is an all-clear.",
		"Gleisdreieck jetzt": "The reason: no trigger pattern fits it, and it names no line or stop of your city.",
	} {
		o, err := b.network.try(t.Context(), city, []byte(mailing("", said)), func(id string, data ...any) string { return b.network.host.Texts.T("en", id, data...) })
		if err != nil || !slices.Contains(o.Notes, want) {
			t.Errorf("%q: %+v, %v", said, o, err)
		}
	}
}
