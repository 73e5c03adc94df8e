package mailtext

import (
	"path/filepath"
	"strings"
	"testing"
)

const ownWords = "U1 Plärrer, 2 Kontis Richtung Fürth"

// relayed is the text that comes of a mail with this header and body; "" where it is
// refused.
func relayed(t *testing.T, header, body string) string {
	t.Helper()
	mail := "To: gotham@reports.test\n" + header + "\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + body
	m, err := Read([]byte(strings.ReplaceAll(mail, "\n", "\r\n")), envelope)
	if m.Skip != "" {
		t.Fatalf("skipped: %s", m.Skip)
	}
	if err != nil {
		return ""
	}
	return m.Text
}

// The file lists what apps write below mails.
func TestAppLines(t *testing.T) {
	for _, line := range readLines(t, filepath.Join("testdata", "app-lines.txt")) {
		line = strings.ReplaceAll(line, `\n`, "\n")
		t.Run(line, func(t *testing.T) {
			for _, body := range []string{
				ownWords + "\n\n" + line + "\n",
				ownWords + "\n" + line,
				ownWords + "\n\n---\n" + line + "\n\n",
				ownWords + "\n\n" + line + "\n\n> U1 SECRET\n> Von meinem iPhone gesendet\n",
				ownWords + "\n\n-- \n" + line,
			} {
				if got := relayed(t, "From: rider@example.org", body); got != ownWords {
					t.Errorf("%q: %q", body, got)
				}
			}
			if got := relayed(t, "From: rider@example.org", line); got != "" {
				t.Errorf("nothing else: %q", got)
			}
		})
	}
}

// Apps that nobody has heard of yet are known by a paragraph of their own.
func TestUnknownApps(t *testing.T) {
	for _, line := range []string{"Gesendet mit Unibox", "Sent from Surface", "Sent using Hiri", "Sent with Shortwave", "Envoyé depuis Xyz", "Von meinem Xyz gesendet", "Отправлено из Xyz", "Xyz iPhone xyz"} {
		if got := relayed(t, "From: rider@example.org", ownWords+"\n\n"+line); got != ownWords {
			t.Errorf("%q", got)
		}
	}
}

// What people write stays, though it looks like the line of an app.
func TestOwnLastLines(t *testing.T) {
	for _, text := range []string{
		"2 inspectors on U1, sent from a friend", "Sent from a friend: 2 inspectors on U1", "2 Kontis in der U1, vom iPhone gesendet", "Zwei Kontis haben mein Handy kontrolliert",
		"U1 Plärrer\n\nKontis vor der Samsung Hall", "U1\nKontis am Sony Center", "Kontis in Orange, U2", "U1 Plärrer\n\nZug gesendet von der Leitstelle, Linie 4", "Von Plärrer bis Fürth 2 Kontis gesendet",
		"U1 Plärrer\n\nLeute ohne Handy warnen", "Diese Nachricht weitersagen: U1 Plärrer", "Zwei Kontis, einer mit Handy und Android-Tablet, steigen ein", "U1 Plärrer, Windows sind zu",
		"Sent by bus 36 to the depot", "U1: 2 Kontis\nMail an alle schicken", "Kontrolle vor dem Telekom-Laden am Plärrer", "Outlook: mehr Kontrollen ab Montag in der U1",
		"2 kontrollörer skickade från T-Centralen", "Deux contrôleurs envoyés à République", "Enviados dos revisores a Sol", "2 Kontis\n--- weiter nach Fürth", "U1\n---\nU2", "Bitte nicht vertraulich behandeln: U1 Plärrer",
		"Virenwarnung? Nein, Kontis in der U1", "Kontrolle S2\nhttps://osm.example/x", "Avast Kontis U1",
		"2 Kontis U1, danke\nPlärrer", "Danke\nPlärrer Richtung Fürth", "Danke!\n\nPlärrer", "Viele Grüße\nPlärrer frei", "U1\nHbf\nMesse\nPlärrer", "Kontrolle\n\nPlärrer", "2 Kontis\n\nNordring\nU2", "Linie:\nPlärrer", "Kontis\nTel.: keine Ahnung", "T: U1 Plärrer", "M: 2, F: 1, U1",
		"2 Kontis steigen ein\nGruß an alle", "Best stop: Plärrer", "Kontis weg.\nBest,", "Inspectors sent to Downtown Crossing, Orange line", "Contrôleurs envoyés ligne Orange", "Kontrolle Bus 36 Muster GmbH Haltestelle", "Kontis vor der Post AG & Co", "Kontis Hbf\n90402 Nürnberg",
		"Kontis\nAllersberger Straße 12", "3 Kontis\nEiner groß, Bart\nEine klein, Brille", "ihr\nU1 frei", "hier am Plärrer 2 Kontis", "Hier: U1", "Gesendet nach Mailand: 2 Kontis",
		"Wichtig\n\nAchtung: vertraulich! Diese Nachricht bitte nur weitersagen, wenn ihr sicher seid, dass keine Kontrolleure mitlesen, sie stehen am Plärrer", "U1 Plärrer\n\nDiese Nachricht bitte weiterleiten",
		"Kontrolle\nVirenfrei sind sie nicht", "Kontis am Hbf, zum Abbestellen hier https://x.example/liste",
	} {
		t.Run(text, func(t *testing.T) {
			if got := relayed(t, "From: rider@example.org", text); got != text {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestFooters(t *testing.T) {
	for _, footer := range []string{
		"Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen. Wenn Sie nicht der richtige Adressat sind, informieren Sie bitte sofort den Absender.",
		"CONFIDENTIALITY NOTICE: This e-mail and any attachments may contain confidential\nand privileged information for the sole use of the intended recipient.",
		"CONFIDENTIALITY NOTICE:\n\nIf you are not the intended recipient, please notify the sender.",
		"Ce message et toutes les pièces jointes sont confidentiels et établis à l'intention exclusive de ses destinataires.",
		"Este mensaje y sus archivos adjuntos son confidenciales y van dirigidos exclusivamente a su destinatario.",
		"Le informazioni contenute in questa comunicazione sono riservate e destinate esclusivamente alla persona indicata.",
		"Dit bericht is vertrouwelijk en uitsluitend bestemd voor de geadresseerde, gebruik door anderen is niet toegestaan.",
		"Niniejsza wiadomość zawiera informacje poufne, przeznaczone do wyłącznego użytku adresata i nie może być udostępniana.",
		"Это сообщение содержит конфиденциальную информацию и предназначено только для лица, которому оно адресовано нами.",
		"Bu e-posta ve ekleri gizli bilgi içerebilir ve yalnızca gönderildiği kişinin kullanımı için düzenlenmiş olan bir iletidir.",
		"Bitte denken Sie an die Umwelt, bevor Sie diese E-Mail ausdrucken.",
		"Please consider the environment before printing this e-mail.",
		"Pensez à l'environnement avant d'imprimer ce message.",
		"_______________________________________________\nRiders mailing list\nRiders@lists.example.org\nhttps://lists.example.org/listinfo/riders",
		"--- \nYou received this message because you are subscribed to the Google Groups \"Riders\" group.\nTo unsubscribe, send an email to riders+unsubscribe@example.org.",
		"Muster GmbH | Musterweg 1 | 90402 Nürnberg\nGeschäftsführer: E. Muster | Amtsgericht Nürnberg HRB 12345",
		"Muster GmbH\nMusterweg 1\n90402 Nürnberg\nTel. 0911 5550100\nwww.muster.example",
	} {
		t.Run(footer[:40], func(t *testing.T) {
			for _, body := range []string{ownWords + "\n\n" + footer, ownWords + "\n\n" + footer + "\n\nMehr unter https://example.org\n"} {
				if got := relayed(t, "From: rider@example.org", body); got != ownWords && !strings.HasSuffix(body, "\n") {
					t.Errorf("%q", got)
				}
			}
		})
	}
}
