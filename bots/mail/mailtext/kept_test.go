package mailtext

import (
	"strings"
	"testing"
)

// What somebody reports may look like a label with a number, an address, a line of an
// app or the beginning of another mail.
func TestKept(t *testing.T) {
	for _, text := range []string{
		"Handy: 12345 Kontis", "T: 16:05 Uhr Linie 4 Wagen 1022", "M: 16:05 Uhr U1 2 Kontis", "Mobil: Kontis 16:05 16:10 U1", "Tel: 2 Kontis 16:05 U1 26.11.",
		"2 Kontis\n\nPlärrer\nHauptmarkt 5", "Kontrolle\n\nHaltestelle Plärrer\n90402 Nürnberg", "iPhone gefunden in U1",
		"https://maps.apple.com/?ll=49.4483,11.0647&auid=12345678901234", "https://www.google.com/maps/place/Pl%C3%A4rrer/@49.4483,11.0647,17z?entry=ttu&g_ep=EgoyMDI0MTIxMS4wIKXMDSoASAFQAw%3D%3D",
		"https://www.google.com/maps/search/?api=1&query=49.4483,11.0647&query_place_id=ChIJN1t_tDeuEmsRUsoyG83frY4",
		"U1: frei\nU2: 2 Kontis\nU3: 16:05 Uhr Kontrolle", "Kontrolle um 10:00 am 26.11.2026:", "U1 St. Robin",
	} {
		t.Run(text, func(t *testing.T) {
			if got := relayed(t, "From: Robin Rider <robin.rider@example.org>", text); got != text {
				t.Errorf("%q", got)
			}
		})
	}
}

// The same above and below a quotation that leaves no doubt.
func TestKeptInAnswers(t *testing.T) {
	const city = "Am 26.11.2026 um 16:05 schrieb Gotham <gotham@reports.test>:\n> SECRET alte Meldung"
	const header = "Von: Gotham <gotham@reports.test>\nGesendet: Donnerstag, 26. November 2026 16:05\nAn: x\nBetreff: U2\n\nSECRET alte Meldung"
	for _, text := range []string{
		"Kontrolle um 10:00 am 26.11.2026:", "Am 26.11.2026 um 16:05 sah ich:\n2 Kontis in der U1", "Stand 26.11.2026, 16:05:\nU1: 2 Kontis\nU2: frei",
		"-- Achtung U1 --", "--- U1 ---", "»U1 Plärrer«", "| U1 | Plärrer |", "Info: 2 Kontis U2", "Von: Plärrer\nAn: Fürth", "Linie: U1\nOrt: Plärrer\nZeit: 16:05",
	} {
		t.Run(text, func(t *testing.T) {
			expectText(t, answer(text+"\n\n"+city), text)
			expectText(t, answer(city+"\n\n"+text), text)
			expectText(t, answer(text+"\n\n"+header), text)
		})
	}
	expectText(t, answer("Thursday, November 26, 2026, 9:58:00 AM, you wrote:\n\ng> SECRET alte Meldung\n\n"+own), own)
	expectText(t, answer(own+"\n\n  Originalnachricht  \n"+header), own)
	expectText(t, plain("", own+": und weiter\n\nBegin forwarded message:\n\n> From: F <f@example.org>\n> Date: 26 November 2026 at 16:05\n> Subject: x\n>\n> SECRET"), own+": und weiter")
}

// "RE10" is a train, where a mail answers none.
func TestTrainsInSubjects(t *testing.T) {
	for _, subject := range []string{"RE10: 2 Kontis", "RE 10: Kontis Richtung Fürth"} {
		if got := relayed(t, "From: rider@example.org\nSubject: "+subject, "\n"); got != subject {
			t.Errorf("%q", got)
		}
	}
	if got := relayed(t, "From: rider@example.org\nSubject: Re2: alt\nIn-Reply-To: <a@example.org>", own); got != own {
		t.Errorf("%q", got)
	}
}

// Others are not named either, where their address says who they are.
func TestOthers(t *testing.T) {
	for text, want := range map[string]string{
		"Kontrolle U1, cc Sam Example <sam@example.com>":     "Kontrolle U1, cc",
		"Sam Example (s.example@example.com) sah Kontis U1":  "sah Kontis U1",
		"Kontrolle U1 Richtung Fürth <sam@example.com>":      "Kontrolle U1 Richtung Fürth",
		"Kontis U1, fragt sam [at] example [dot] com":        "Kontis U1, fragt",
		"Kontis U1, fragt sam(at)example.com danach":         "Kontis U1, fragt danach",
		"2 Kontis U1\n\nThreema: ABCD1234":                   "2 Kontis U1",
		"2 Kontis U1\n\nSignal: robin.42":                    "2 Kontis U1",
		"2 Kontis U1\n\nPGP-Key: ABCD 1234 ABCD 1234 ABCD":   "2 Kontis U1",
		"Signal: rot, Kontis U1":                             "Signal: rot, Kontis U1",
		"2 Kontis (m/w) {U1} [Plärrer]":                      "2 Kontis (m/w) {U1} [Plärrer]",
		"2 Kontis U1\n\nRobin Rider (er/ihm)\nVerein, Fürth": "2 Kontis U1",
		"U1, frag @robinrider":                               "U1, frag",
	} {
		t.Run(text, func(t *testing.T) {
			if got := relayed(t, "From: Robin Rider <robin.rider@example.org>", text); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// A first name with an initial is no subject; a formula may take two lines.
func TestShortNames(t *testing.T) {
	const from = "From: Robin Rider <robin.rider@example.org>\nSubject: "
	if got := relayed(t, from+"Robin R.", own); got != own {
		t.Errorf("%q", got)
	}
	if got := relayed(t, from, "你好，\n\n检票员U1\n\n此致\n敬礼\n罗宾"); got != "你好，\n\n检票员U1" {
		t.Errorf("%q", got)
	}
}

// The signatures of companies and of people who say where they are.
func TestMoreSignatures(t *testing.T) {
	for _, signature := range []string{
		"Freundliche Grüsse\nRobin Rider\n\nMuster AG\nBahnhofstrasse 1\nCH-8000 Zürich\nT +41 44 555 01 00", "*Robin Rider*\n*Vorstand*\nMusterverein e.V.\nhttps://verein.example",
		"Beste Grüße aus Nürnberg\nRobin", "Es grüßt\nRobin", "Mit freundlichen Grüßen\n\n[cid:image001.png@01D00000]\n\nRobin Rider", "M +49 170 5550100",
	} {
		if got := relayed(t, "From: Robin Rider <robin.rider@example.org>", ownWords+"\n\n"+signature); got != ownWords {
			t.Errorf("%q", got)
		}
	}
	for _, text := range []string{"Grüße aus Fürth\n\n2 Kontis", "Grüße aus der U2\n2 Kontis", "Kontis\n\nGrüße aus Linie 4"} {
		if got := relayed(t, "From: Robin Rider <robin.rider@example.org>", text); got != text {
			t.Errorf("%q", got)
		}
	}
}

// A text that is cut within a character is read as any other.
func TestCutCharacter(t *testing.T) {
	for _, line := range []string{"x", "xx", "xxx"} {
		if got := relayed(t, "From: rider@example.org", own+"\n\n"+line+strings.Repeat("。", maxRaw/2)); !strings.HasPrefix(got, own) {
			t.Errorf("%.40q", got)
		}
	}
}
