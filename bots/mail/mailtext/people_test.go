package mailtext

import (
	"errors"
	"strings"
	"testing"
)

// The writer's name does not come out, however it stands in the header and below.
func TestWriterIsNotNamed(t *testing.T) {
	for _, from := range []string{
		"Robin Rider <rider@example.org>", `"Rider, Robin" <rider@example.org>`, "Rider, Robin <r.r@example.org>", "=?utf-8?q?Robin_Rider?= <x17@example.org>", "rider@example.org (Robin Rider)", "ROBIN RIDER <x@example.org>",
		"Dr. Robin Rider <x@example.org>", "Robin Rider via Gateway <gw@example.org>\nReply-To: Robin Rider <rider@example.org>", "Robin J. Rider <x@example.org>", "'Robin Rider' <x@example.org>", "Robin Rider (Muster GmbH) <x@example.org>",
		"robin.rider@example.org", "Team <x@example.org>\nSender: Robin Rider <rider@example.org>",
	} {
		t.Run(from, func(t *testing.T) {
			for _, below := range []string{
				"Viele Grüße\nRobin", "Viele Grüße,\nRobin Rider", "LG Robin", "LG, Robin", "Lg\nrobin", "MfG\n\nRobin Rider", "Gruß Robin", "Mit freundlichen Grüßen\n\nRobin Rider\nMusterweg 1\n90402 Nürnberg\nTel. 0911 5550100\nrider@example.org",
				"Best,\nRobin", "Best regards\nRobin Rider", "Cheers, Robin", "Thanks\nRobin", "Danke!\nRobin", "Vielen Dank, Robin", "Cordialement\nRobin RIDER", "Bises, Robin", "Saludos,\nRobin", "Un saludo\nRobin Rider", "Cordiali saluti\nRobin", "Grazie\nRobin", "Groetjes Robin", "Met vriendelijke groet,\n\nRobin Rider",
				"Mvh Robin", "Med vänlig hälsning\nRobin", "Med venlig hilsen\nRobin", "Terveisin Robin", "Pozdrawiam\nRobin", "S pozdravem\nRobin Rider", "Üdv,\nRobin", "Cu stimă,\nRobin", "Поздрави,\nRobin", "С уважением,\nRobin Rider", "З повагою\nRobin", "Με εκτίμηση,\nRobin", "Sevgiler,\nRobin", "Saygılarımla\nRobin Rider",
				"בברכה,\nRobin", "مع التحية\nRobin", "Abraço,\nRobin", "Pozdrav Robin", "Lp, Robin", "Robin", "Robin Rider", "- Robin", "– Robin Rider", "Rider, Robin", "gez. Robin Rider", "*Robin Rider*", "R. Rider", "Robin\n+49 170 5550100", "Robin Rider\nMuster GmbH\nTel.: +49 911 5550100\nwww.muster.example",
				"Robin Rider\n\nVon meinem iPhone gesendet", "LG\nRobin\n\n--\nSent from my phone", "Dein Robin", "Robin Rider, Tel. 0911/5550100", "Robin Rider <rider@example.org>",
			} {
				for _, body := range []string{ownWords + "\n\n" + below, ownWords + "\n\n" + below + "\n\n> SECRET\n"} {
					if got := relayed(t, "From: "+from, body); got != ownWords {
						t.Errorf("%q: %q", body, got)
					}
				}
			}
		})
	}
}

func TestWriterWithinText(t *testing.T) {
	const from = "From: Robin Rider <rider@example.org>"
	for text, want := range map[string]string{
		"Robin hier, 2 Kontis U1":                                    "2 Kontis U1",
		"Hier ist Robin: 2 Kontis U1":                                "2 Kontis U1",
		"Hallo, hier Robin. 2 Kontis U1":                             "Hallo. 2 Kontis U1",
		"Robin here: two inspectors U1":                              "two inspectors U1",
		"This is Robin Rider, two inspectors U1":                     "two inspectors U1",
		"2 Kontis U1, schreibt Robin Rider":                          "2 Kontis U1, schreibt",
		"2 Kontis U1. Rider, Robin":                                  "2 Kontis U1.",
		"2 Kontis U1. LG Robin":                                      "2 Kontis U1.",
		"2 Kontis U1, viele Grüße, Robin":                            "2 Kontis U1",
		"2 Kontis U1 (Robin)":                                        "2 Kontis U1",
		"2 Kontis U1 - Robin":                                        "2 Kontis U1",
		"2 Kontis U1, ruft mich an: 0170 5550100":                    "2 Kontis U1, ruft mich an",
		"2 Kontis U1 Tel. 0170/555 01 00 bitte":                      "2 Kontis U1 bitte",
		"2 Kontis U1 Tel 0911 5550100 0911 5550101":                  "2 Kontis U1",
		"2 Kontis U1 0911 5550100 0170 5550101":                      "2 Kontis U1",
		"2 Kontis U1 (0911) 555-0100":                                "2 Kontis U1",
		"2 Kontis U1 call 555-010-0199":                              "2 Kontis U1",
		"2 Kontis U1 06 12 34 56 78":                                 "2 Kontis U1",
		"2 Kontis U1 491705550100":                                   "2 Kontis U1",
		"2 Kontis U1 +49 170 5550100":                                "2 Kontis U1",
		"2 Kontis U1, sagt erika@example.org":                        "2 Kontis U1, sagt",
		"2 Kontis U1\nhttps://x.example/confirm/SECRETabc":           "2 Kontis U1",
		"2 Kontis U1 https://x.example/?token=abcdef123":             "2 Kontis U1",
		"2 Kontis U1\nLG\nRobin\nPS: U2 auch":                        "2 Kontis U1\nPS: U2 auch",
		"Viele Grüße von der U1, 2 Kontis":                           "Viele Grüße von der U1, 2 Kontis",
		"2 Kontis U1\nGrüße vom Plärrer, gleich U2":                  "2 Kontis U1\nGrüße vom Plärrer, gleich U2",
		"2 Kontis U1\nViele Grüße":                                   "2 Kontis U1",
		"Robin-Hood-Straße: 2 Kontis":                                "Robin-Hood-Straße: 2 Kontis",
		"A rider saw 2 inspectors on U1":                             "A rider saw 2 inspectors on U1",
		"Hi it's me, Robin! Two inspectors U1":                       "Hi! Two inspectors U1",
		"Ich bin's, der Robin: U1 Plärrer":                           "U1 Plärrer",
		"Robins Meldung: U1":                                         "Meldung: U1",
		"Robin's report: U1":                                         "report: U1",
		"Von: Robin\n2 Kontis U1":                                    "2 Kontis U1",
		"Name: Robin Rider\nOrt: Plärrer":                            "Ort: Plärrer",
		"Robin Rider\n\n2 Kontis U1":                                 "2 Kontis U1",
		"SMS von +491705550100:\n2 Kontis U1":                        "2 Kontis U1",
		"From: +1 (555) 010-0199\n\n2 Kontis U1":                     "2 Kontis U1",
		"2 Kontis U1 lg robin":                                       "2 Kontis U1",
		"2 Kontis U1\nLg erika":                                      "2 Kontis U1",
		"2 Kontis U1, LG Erika":                                      "2 Kontis U1",
		"2 Kontis U1\n\nbest,\nerika":                                "2 Kontis U1",
		"2 Kontis U1\n\nErika Beispiel\nMusterweg 1\n90402 Nürnberg": "2 Kontis U1",
		"2 Kontis U1.\n\nMit freundlichen Grüßen / Best regards\n\nRobin Rider\nSenior Consultant": "2 Kontis U1.",
		"2 Kontis U1.\n\nDanke euch und liebe Grüße\nRobin":                                        "2 Kontis U1.",
		"2 Kontis U1.\n\nMit freundlichem Gruß\ni. A. Robin Rider":                                 "2 Kontis U1.",
		"2 Kontis U1\n\nR. R.":                                                                             "2 Kontis U1",
		"2 Kontis U1\n—\nRobin Rider\nMusterweg 1":                                                         "2 Kontis U1",
		"2 Kontis U1\n\nRobin Rider | Musterweg 1 | 90402 Nürnberg | 0911 5550100":                         "2 Kontis U1",
		"2 Kontis U1\n\n*Robin Rider*\n_Consultant_\nT: +49 911 5550100\nE: r@m.example\nW: www.m.example": "2 Kontis U1",
		"2 Kontis U1\n\nVG\nRobin Rider (sie/ihr)\nVertrieb\n\nMuster AG\nMusterweg 1\n90402 Nürnberg\n\nFon +49 911 5550100\nMail robin.rider@m.example\nhttps://m.example\n\nVorstand: Erika Beispiel": "2 Kontis U1",
		"Kontis am Plärrer, Danke\nRobin":                 "Kontis am Plärrer, Danke",
		"2 Kontis U1\n\nGesendet von Robin Rider":         "2 Kontis U1",
		"Moin,\nRobin\n\n2 Kontis U1":                     "Moin,\n\n2 Kontis U1",
		"Hallo Robin,\n2 Kontis U1":                       "2 Kontis U1",
		"2 Kontis U1\n\nTschüssi\nR.":                     "2 Kontis U1\n\nTschüssi",
		"Haltestelle Robin Hood, 2 Kontis":                "Haltestelle Robin Hood, 2 Kontis",
		"2 Kontis U1\nSent from my iPhone\n\nAuch am Hbf": "2 Kontis U1\n\nAuch am Hbf",
	} {
		t.Run(text, func(t *testing.T) {
			if got := relayed(t, from, text); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// Names are known in other scripts, spellings and orders.
func TestOtherNames(t *testing.T) {
	for _, c := range [][3]string{
		{"李四", "U1\n\n李四", "U1"}, {"Иван Петров", "U1\n\nС уважением,\nИван Петров\nтел. 8 (495) 555-01-00", "U1"}, {"Иван Петров", "Это Иван, контроль U1", "контроль U1"}, {"محمد علي", "U1\n\nمع تحياتي،\nمحمد علي", "U1"},
		{"Günther Müller", "U1\nGuenther", "U1"}, {"Günther Müller", "U1, viele Grüße Günther", "U1"}, {"Jean-Luc Muster", "Hier Jean-Luc: U1", "U1"}, {"van der Berg, Anna", "U1\nGroetjes\nAnna van der Berg", "U1"}, {"José García López", "U1\nSaludos, Jose Garcia", "U1"},
		{"O'Muster, Pat", "U1\nPat O’Muster", "U1"}, {"Pat 🚲", "U1\nLG Pat 🚲", "U1"}, {"robin99", "U1\n\nrobin99", "U1"}, {"=?utf-8?b?0KDQvtCx0LjQvQ==?=", "U1\n\nРобин", "U1"}, {"Max Fürth", "2 Kontis U1 Richtung Fürth. Gruß Max", "2 Kontis U1 Richtung Fürth."},
		{"Max Fürth", "2 Kontis U1\nFürth", "2 Kontis U1\nFürth"},
	} {
		t.Run(c[0], func(t *testing.T) {
			if got := relayed(t, "From: "+c[0]+" <x@example.org>", c[1]); got != c[2] {
				t.Errorf("%q: %q, want %q", c[1], got, c[2])
			}
		})
	}
}

// A display name that is a word of the report takes nothing away from it.
func TestNamesThatAreWords(t *testing.T) {
	for _, from := range []string{"Plärrer", "U1", "Kontrolle", "Fürth Hbf", "Kontrolle Nürnberg", "Fahrgast U1", "Richtung", "Die Kontis", "2 Kontis", "U1 Plärrer", "-", "Anna Fürth"} {
		t.Run(from, func(t *testing.T) {
			for _, text := range []string{ownWords, "2 Kontis\nPlärrer", "2 Kontis U1\nFürth", "Die Kontrolle ist U1 Plärrer Richtung Fürth", "Plärrer: 2 Kontis", "U1 Richtung Fürth Hbf\nKontrolle"} {
				if got := relayed(t, "From: "+from+" <rider@example.org>", text); got != text {
					t.Errorf("%q: %q", text, got)
				}
			}
		})
	}
}

// A word of the name that the address holds too is surely one, but where a place stands.
func TestNamesThatTheAddressHolds(t *testing.T) {
	for _, c := range [][3]string{
		{"Anna <anna@example.org>", "Kontrolle, schreibt Anna eben", "Kontrolle, schreibt eben"},
		{"Robin <robin77@example.org>", "Robin meldet zwei Kontis in der U1", "meldet zwei Kontis in der U1"},
		{"Sam Example <sam.example@example.org>", "Example here, U1 Plärrer", "U1 Plärrer"},
		{"Plärrer <plaerrer@example.org>", ownWords, ownWords},
		{"Messe <messe@example.org>", "Kontrolle an der Station Messe, gleich bei Messe Nord", "Kontrolle an der Station Messe, gleich bei Messe Nord"},
		{"Park <park@example.org>", "Kontis im Park und am Park", "Kontis im Park und am Park"},
	} {
		t.Run(c[0], func(t *testing.T) {
			if got := relayed(t, "From: "+c[0], c[1]); got != c[2] {
				t.Errorf("%q, want %q", got, c[2])
			}
		})
	}
}

// Numbers that are no telephone's stay, and links to places.
func TestNumbersOfReports(t *testing.T) {
	for _, text := range []string{
		"U1 10:00-10:30, Wagen 3301-3302", "Am 26.11.2026 um 0930 U1", "2026-11-26 U1", "Linie 36, 46, 47 und 100", "Bus 0815 am Plärrer", "U1 07:15 07:25 07:35", "https://osm.example/#map=18/49.44780/11.06830", "49.44780, 11.06830", "https://www.openstreetmap.org/node/1234567890", "Zug 94 80 0423 001",
		"Gleis 0815 4711", "Bus number 36 46 47", "Haltestelle Nr. 12345", "Tram number 4 6 8", "Treffen 18:30 03.12.2026 U1", "0911 ist unsere Vorwahl, 2 Kontis", "GPS 49,447801 / 11,068303", "N 49° 26.868 E 011° 04.098", "U1 seit 0958 bis 1010", "+++ U1 +++",
		"https://www.google.com/maps/place/Pl%C3%A4rrer/@49.448,11.065,17z/data=!3m1!4b1!4m6!3m5!1s0x479f57aeae5d0f1f:0x4a2bd0e!8m2!3d49.448", "https://www.vgn.example/verbindungen/?key=U1&station=Plaerrer",
		"https://news.example/2026/11/26/kontrollen-in-der-u1-am-plaerrer-nehmen-zu-12345.html", "https://maps.app.goo.gl/AbCdEf123", "Haltestelle 12345", "U1 - 2 Kontis - 3 Leute", "100-200 Leute am Hbf", "https://example.org/a/kontrolle-in-der-u1-am-plaerrer-heute",
	} {
		t.Run(text, func(t *testing.T) {
			if got := relayed(t, "From: rider@example.org", text); got != text {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestHTMLSignatures(t *testing.T) {
	const person = "Robin Rider<br>Musterweg 1<br>0170 5550100"
	for _, signature := range []string{
		`<div class="gmail_signature">%s</div>`, `<br><span class="gmail_signature_prefix">-- </span><br><div dir="ltr" class="gmail_signature" data-smartmail="gmail_signature"><div><div>%s</div></div></div>`, `<div data-smartmail="gmail_signature">%s</div>`,
		`<div class="protonmail_signature_block protonmail_signature_block-empty"><div>%s</div></div>`, `<div class="moz-signature">-- <br>%s</div>`, `<pre class="moz-signature" cols="72">-- <br>%s</pre>`, `<div id="Signature"><p>%s</p></div>`, `<div id="x_Signature">%s</div>`, `<div class="elementToProof" id="Signature">%s</div>`,
		`<div id="ms-outlook-mobile-signature"><div></div>%s</div>`, `<div class="ms-outlook-mobile-signature">%s</div>`, `<div id="AppleMailSignature" dir="ltr">%s</div>`, `<br id="lineBreakAtBeginningOfSignature"><div dir="ltr">%s</div>`, `<div class="ydp12ab34cdsignature">%s</div>`, `<div class="tutanota_signature">%s</div>`,
		`<div class="k9mail-signature">%s</div>`, `<div fairemail="signature">%s</div>`, `<div name="messageSignatureSection">%s</div>`, `<signature id="1">%s</signature>`, `<div id="_rc_sig">%s</div>`, `<span class="-x-evo-signature-wrapper"><span>%s</span></span>`, `<div id="composer_signature">%s</div>`, `<div data-marker="__SIG_POST__">%s</div>`,
		`<div class="io-ox-signature">%s</div>`, `<table class="signature"><tr><td>%s</td></tr></table>`, `<div data-signature-widget="container">%s</div>`, `<div id="Zm-_Id_-Sgn">%s</div>`, `<div id="bloop_sign_1700" class="bloop_sign">%s</div>`, `<div class="gmail_signature">%s`, `<p class="MsoAutoSig">%s</p>`,
	} {
		t.Run(signature, func(t *testing.T) {
			html := "<html><body><div>" + ownWords + "</div>" + strings.ReplaceAll(signature, "%s", person) + "</body></html>"
			m, err := Read([]byte("From: someone@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+html), envelope)
			if err != nil || m.Text != ownWords {
				t.Errorf("%q %v", m.Text, err)
			}
			_, err = Read([]byte("From: someone@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+strings.ReplaceAll(signature, "%s", person)), envelope)
			if err == nil {
				t.Error("a signature alone is relayed")
			}
		})
	}
	for _, html := range []string{`<div class="unsigned">U1</div>`, `<p class="designature-x">U1</p>`, `<a name="signaturen">U1</a>`} {
		if m, err := Read([]byte("From: someone@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+html), envelope); err != nil || m.Text != "U1" {
			t.Errorf("%s: %q %v", html, m.Text, err)
		}
	}
}

// Whoever writes to us chooses name, subject and text.
func FuzzWriter(f *testing.F) {
	f.Add("Robin Rider", "U1, hier Robin", "Robin hier ist Robin Rider. LG Robin\n\nTel. 0911 5550100")
	f.Add("Rider, Robin", "Nachricht von Robin", "U1\n-- \nRobin")
	f.Add("李四", "(无主题)", "U1\nhttps://x.example/?token=abcdefgh Sent from my iPhone\n\nMit freundlichen Grüßen / 李四")
	f.Fuzz(func(t *testing.T, from, subject, body string) {
		oneLine := strings.NewReplacer("\n", " ", "\r", " ").Replace
		mail := "From: " + oneLine(from) + " <rider@example.org>\r\nSubject: " + oneLine(subject) + "\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + body
		m, err := Read([]byte(mail), envelope)
		if errors.Is(err, ErrUnreadable) {
			t.Fatal(err)
		}
		if m.Text == "" {
			return
		}
		if bad := checkText(m.Text); bad != nil {
			t.Error(bad)
		}
		if strings.Contains(m.Text, "rider@example.org") || strings.ContainsRune(m.Text, hole) {
			t.Errorf("%q", m.Text)
		}
	})
}
