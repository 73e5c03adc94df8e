package mailtext

import (
	"errors"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/slow"
)

// answer is a mail that answers one of ours.
func answer(text string) string {
	return "From: rider@example.org\nTo: gotham@reports.test\nSubject: Re: U2\nContent-Type: text/plain; charset=utf-8\n\n" + text
}

const own, ownBelow = "U1 Plärrer, 2 Kontis", "U2 Messe, alle weg"

// readOwn returns the text of a mail, "" where it is refused as one without words.
func readOwn(t *testing.T, mail string) string {
	t.Helper()
	m, err := Read([]byte(strings.ReplaceAll(mail, "\n", "\r\n")), envelope)
	if err != nil && !errors.Is(err, ErrNothing) && !errors.Is(err, ErrEmpty) || m.Skip != "" {
		t.Fatalf("skip %q, error %v", m.Skip, err)
	}
	return m.Text
}

func expectText(t *testing.T, mail, want string) {
	t.Helper()
	if got := readOwn(t, mail); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// attributions are the lines that programs put above what they quote.
var attributions = map[string]string{
	"Gmail, German":               "Am Do., 26. Nov. 2026 um 09:58 Uhr schrieb Gotham <gotham@reports.test>:",
	"Gmail, broken":               "Am Do., 26. Nov. 2026 um 09:58 Uhr schrieb Gotham <\ngotham@reports.test>:",
	"Gmail, English":              "On Thu, Nov 26, 2026 at 9:58\u202fAM Gotham <gotham@reports.test> wrote:",
	"Gmail, French":               "Le jeu. 26 nov. 2026 à 09:58, Gotham <gotham@reports.test> a\u00a0écrit\u00a0:",
	"Gmail, Italian":              "Il giorno gio 26 nov 2026 alle ore 09:58 Gotham <gotham@reports.test> ha scritto:",
	"Gmail, Turkish":              "Gotham <gotham@reports.test>, 26 Kas 2026 Per, 09:58 tarihinde şunu yazdı:",
	"Gmail, Polish":               "czw., 26 lis 2026 o 09:58 Gotham <gotham@reports.test> napisał(a):",
	"Gmail, Czech":                "čt 26. 11. 2026 v 9:58 odesílatel Gotham <gotham@reports.test> napsal:",
	"Gmail, Hungarian":            "Gotham <gotham@reports.test> ezt írta (időpont: 2026. nov. 26., Cs, 9:58):",
	"Gmail, Ukrainian":            "чт, 26 лист. 2026 р. о 09:58 Gotham <gotham@reports.test> пише:",
	"Gmail, Bulgarian":            "На чт, 26.11.2026 г. в 9:58 Gotham <gotham@reports.test> написа:",
	"Gmail, Greek":                "Στις Πέμ 26 Νοε 2026 στις 9:58 π.μ., ο χρήστης Gotham <gotham@reports.test> έγραψε:",
	"Gmail, Hebrew":               "\u202bבתאריך יום ה׳, 26 בנוב׳ 2026 ב-9:58 מאת \u202aGotham\u202c\u200f <\u202agotham@reports.test\u202c\u200f>:\u202c",
	"Gmail, Arabic":               "في الخميس، ٢٦ نوفمبر ٢٠٢٦ في ٩:٥٨ ص تمت كتابة ما يلي بواسطة \u202aGotham\u202c\u200f <\u202agotham@reports.test\u202c\u200f>:\u200f",
	"Gmail, Persian":              "در تاریخ پنجشنبه ۲۶ نوامبر ۲۰۲۶،\u200f ۹:۵۸ Gotham <gotham@reports.test> نوشت:",
	"Gmail, Japanese":             "2026年11月26日(木) 9:58 Gotham <gotham@reports.test>:",
	"Gmail, Korean":               "2026년 11월 26일 (목) 오전 9:58, Gotham <gotham@reports.test>님이 작성:",
	"Gmail, Chinese":              "Gotham <gotham@reports.test> 于2026年11月26日周四 09:58写道：",
	"Gmail, Taiwan":               "Gotham <gotham@reports.test> 於 2026年11月26日 週四 上午9:58寫道：",
	"Gmail, Thai":                 "ในวันที่ พฤ. 26 พ.ย. 2569 เวลา 09:58 Gotham <gotham@reports.test> เขียนว่า:",
	"Gmail, Vietnamese":           "Vào Th 5, 26 thg 11, 2026 vào lúc 9:58 Gotham <gotham@reports.test> đã viết:",
	"Gmail, Hindi":                "गुरु, 26 नव॰ 2026 को 9:58 am बजे को Gotham <gotham@reports.test> ने लिखा:",
	"Gmail, Romanian":             "În joi, 26 nov. 2026 la 09:58, Gotham <gotham@reports.test> a scris:",
	"Gmail, Swedish":              "Den tors 26 nov. 2026 kl 09:58 skrev Gotham <gotham@reports.test>:",
	"Gmail, Danish":               "Den tor. 26. nov. 2026 kl. 09.58 skrev Gotham <gotham@reports.test>:",
	"Gmail, Finnish":              "to 26. marrask. 2026 klo 9.58 Gotham (gotham@reports.test) kirjoitti:",
	"Apple Mail":                  "> Am 26.11.2026 um 09:58 schrieb Gotham <gotham@reports.test>:\n> ",
	"Apple Mail, no address":      "Am 26.11.2026 um 09:58 schrieb Gotham:",
	"Apple Mail, English":         "On 26. Nov 2026, at 09:58, Gotham <gotham@reports.test> wrote:",
	"Apple Mail, French":          "Le 26 nov. 2026 à 09:58, Gotham <gotham@reports.test> a écrit :",
	"Apple Mail, Russian":         "26 нояб. 2026 г., в 09:58, Gotham <gotham@reports.test> написал(а):",
	"Apple Mail, Chinese":         "2026年11月26日 09:58，Gotham <gotham@reports.test> 写道：",
	"Apple Mail, Hebrew":          "ב-26 בנוב׳ 2026, ב-9:58, מאת Gotham <gotham@reports.test> כתב/ה:\u200f",
	"Thunderbird":                 "Am 26.11.26 um 09:58 schrieb Gotham:",
	"Thunderbird, via":            "Am 26.11.26 um 09:58 schrieb Gotham via Tickets:",
	"Thunderbird, English":        "On 11/26/26 09:58, Gotham wrote:",
	"Thunderbird, French":         "Le 26/11/2026 à 09:58, Gotham a écrit\u00a0:",
	"Thunderbird, Japanese":       "On 2026/11/26 9:58, Gotham wrote:",
	"Outlook for Mac":             "On 26.11.26, 09:58, \"Gotham\" <gotham@reports.test> wrote:",
	"Outlook for Mac, on a phone": "Am 26.11.26, 09:58 schrieb \"Gotham\" <gotham@reports.test>:",
	"Roundcube":                   "Am 26.11.2026 09:58, schrieb Gotham:",
	"Roundcube, English":          "On 2026-11-26 09:58, Gotham wrote:",
	"mailbox.org":                 "> Gotham <gotham@reports.test> hat am 26.11.2026 09:58 CET geschrieben:\n> \n> ",
	"Proton":                      "On Thursday, November 26th, 2026 at 9:58 AM, Gotham <gotham@reports.test> wrote:",
	"Proton, phone":               "-------- Original Message --------\nOn 26 Nov 2026, 09:58, Gotham < gotham@reports.test> wrote:",
	"Tuta":                        "26. Nov. 2026, 09:58 von gotham@reports.test:",
	"Tuta, English":               "Nov 26, 2026, 09:58 by gotham@reports.test:",
	"Yahoo":                       "    Am Donnerstag, 26. November 2026 um 09:58:00 MEZ hat Gotham <gotham@reports.test> Folgendes geschrieben:  \n ",
	"Yahoo, English":              "    On Thursday, November 26, 2026 at 09:58:00 AM GMT+1, Gotham <gotham@reports.test> wrote:  \n ",
	"Yandex":                      "26.11.2026, 09:58, \"Gotham\" <gotham@reports.test>:",
	"Mail.ru":                     "Четверг, 26 ноября 2026, 9:58 +03:00 от Gotham <gotham@reports.test>:\n ",
	"Zoho":                        "---- On Thu, 26 Nov 2026 09:58:00 +0100 Gotham <gotham@reports.test> wrote ---",
	"Zoho, broken":                "---- On Thu, 26 Nov 2026 09:58:00 +0100 Gotham <gotham@reports.test>\nwrote ----",
	"Zoho, German":                "---- Am Do, 26 Nov 2026 09:58:00 +0100 Gotham <gotham@reports.test> schrieb ----",
	"K-9":                         "Am 26. November 2026 09:58:00 MEZ schrieb Gotham <gotham@reports.test>:",
	"FairEmail":                   "26. Nov. 2026 09:58:00 Gotham <gotham@reports.test>:",
	"BlueMail":                    "\u2063\u200bAm 26. Nov. 2026, 09:58, um 09:58, Gotham <gotham@reports.test> schrieb:",
	"Spark":                       "Am 26. Nov. 2026, 09:58 +0100 schrieb Gotham <gotham@reports.test>:",
	"Evolution":                   "Am Donnerstag, dem 26.11.2026 um 09:58 +0100 schrieb Gotham:",
	"KMail":                       "Am Donnerstag, 26. November 2026, 09:58:00 Mitteleuropäische Normalzeit schrieb \nGotham:",
	"mutt":                        "On Thu, Nov 26, 2026 at 09:58:00AM +0100, Gotham wrote:",
	"mutt, German":                "* Gotham <gotham@reports.test> [2026-11-26 09:58]:",
	"Gnus":                        "Gotham <gotham@reports.test> writes:",
	"Lotus Notes":                 "Gotham <gotham@reports.test> schrieb am 26.11.2026 09:58:00:",
	"Horde":                       "Zitat von Gotham <gotham@reports.test>:",
	"Nextcloud":                   "\"Gotham\" gotham@reports.test – 26. November 2026 09:58",
	"Fastmail":                    "On Thu, 26 Nov 2026, at 9:58 AM, Gotham wrote:",
	"HEY":                         "On November 26, 2026, Gotham <gotham@reports.test> wrote:",
	"Netease":                     "在 2026-11-26 09:58:00，\"Gotham\" <gotham@reports.test> 写道：",
	"old Gmail":                   "2026/11/26 Gotham <gotham@reports.test>",
	"26-Nov-26":                   "Gotham <gotham@reports.test> on 26-Nov-26 09:58 wrote:",
	"Japanese years":              "令和8年11月26日(木) 9:58 Gotham:",
	"narrow":                      "Am Donnerstag, den 26. November 2026\num 09:58 Uhr schrieb Gotham\n<gotham@reports.test>:",
	"torn date":                   "Gotham <gotham@reports.test> schrieb am Do., 26.\nNov. 2026, 09:58:",
	"torn day":                    "Gotham schrieb am Do., 26.\nNov. 2026, 09:58:",
	"torn address":                "Em 26 de novembro de 2026 às 09:58:00, Gotham (\ngotham@reports.test) escreveu:",
	"no year":                     "Am Do., 26. Nov., um 09:58 Gotham schrieb:",
	"Interia":                     "W dniu 2026-11-26 09:58:00 użytkownik Gotham <gotham@reports.test> napisał:",
	"La Poste":                    "> Message du 26/11/26 09:58\n> De : \"Gotham\" <gotham@reports.test>\n> A : rider@example.org\n> Objet : U2\n> ",
	"without a date":              "Gotham schrieb:",
	"GroupWise":                   ">>> Gotham <gotham@reports.test> 26.11.2026 09:58 >>>",
}

// unmarked are those whose quotation is no part of the text where it is not marked.
func unmarked(attribution string) bool {
	return !strings.Contains(attribution, ":\n> ") && attribution != attributions["without a date"] && !strings.HasPrefix(attribution, "> ")
}

func TestAttributions(t *testing.T) {
	const quoted = "> SECRET alte Meldung\n> \n> > SECRET älter\n"
	for name, line := range attributions {
		t.Run(name, func(t *testing.T) {
			expectText(t, answer(own+"\n\n"+line+"\n\n"+quoted), own)
			expectText(t, answer(own+"\n\n"+line+"\n"+quoted), own)
			if unmarked(line) {
				expectText(t, answer(own+"\n\n"+line+"\n\nSECRET alte Meldung\nSECRET\n"), own)
			}
			if name == "GroupWise" {
				return // it marks nothing
			}
			expectText(t, answer(line+"\n"+quoted+"\n"+own), own)
			expectText(t, answer(own+"\n"+line+"\n"+quoted+ownBelow+"\n> SECRET\n"), own+"\n"+ownBelow)
			expectText(t, answer(line+"\n\n"+quoted), "")
		})
	}
}

// headers are those that programs put above an answered mail.
var headers = map[string]string{
	"Outlook":             "Von: Gotham <gotham@reports.test> \nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Rider <rider@example.org>\nBetreff: U2",
	"Outlook, names only": "Von: Gotham\nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Robin Rider\nBetreff: U2",
	"Outlook, a rule":     "________________________________\nVon: Gotham <gotham@reports.test>\nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Rider <rider@example.org>\nBetreff: U2",
	"Outlook, in bold":    "*Von:* Gotham <gotham@reports.test>\n*Gesendet:* Donnerstag, 26. November 2026 09:58\n*An:* Rider <rider@example.org>\n*Betreff:* U2",
	"Outlook, paragraphs": "From: Gotham <gotham@reports.test>\n\nSent: Thursday, November 26, 2026 9:58 AM\n\nTo: Rider <rider@example.org>\n\nSubject: U2",
	"Outlook, old":        "-----Ursprüngliche Nachricht-----\nVon: Gotham [mailto:gotham@reports.test]\nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Rider\nBetreff: U2",
	"Outlook, Finnish":    "Lähettäjä: Gotham <gotham@reports.test>\nLähetetty: torstai 26. marraskuuta 2026 9.58\nVastaanottaja: Rider <rider@example.org>\nAihe: U2",
	"Outlook, Hebrew":     "מאת: Gotham <gotham@reports.test>\u200f\nנשלח: יום חמישי 26 נובמבר 2026 09:58\nאל: Rider\nנושא: U2",
	"Outlook, Chinese":    "发件人: Gotham\n发送时间: 2026年11月26日 9:58\n收件人: Robin Rider\n主题: U2",
	"Outlook, Japanese":   "差出人: Gotham\n送信日時: 2026年11月26日 9:58\n宛先: Robin Rider\n件名: U2",
	"Outlook, Korean":     "보낸 사람: Gotham <gotham@reports.test>\n보낸 날짜: 2026년 11월 26일 목요일 오전 9:58\n받는 사람: Rider\n제목: U2",
	"Outlook, Greek":      "Από: Gotham\nΣτάλθηκε: Πέμπτη, 26 Νοεμβρίου 2026 9:58 πμ\nΠρος: Robin Rider\nΘέμα: U2",
	"Outlook, Portuguese": "De: Gotham\nEnviado: quinta-feira, 26 de novembro de 2026 09:58\nPara: Robin Rider\nAssunto: U2",
	"Outlook, Czech":      "Od: Gotham\nOdesláno: čtvrtek 26. listopadu 2026 9:58\nKomu: Robin Rider\nPředmět: U2",
	"Outlook, many":       "Von: Gotham <gotham@reports.test>\nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Rider <rider@example.org>; Sam Example <sam@example.org>;\n Erika Beispiel <erika@example.org>\nCc:\nBetreff: U2\nWichtigkeit: Hoch",
	"QQ":                  "------------------ 原始邮件 ------------------\n发件人: \"Gotham\" <gotham@reports.test>;\n发送时间: 2026年11月26日(星期四) 上午9:58\n收件人: \"Rider\"<rider@example.org>;\n主题: U2",
	"full-width colons":   "发件人：Gotham\n日　期：2026年11月26日 9:58\n收件人：Robin Rider\n主　题：U2",
	"Samsung":             "-------- Ursprüngliche Nachricht --------\nVon: Gotham <gotham@reports.test>\nDatum: 26.11.26 09:58 (GMT+01:00)\nAn: rider@example.org\nBetreff: U2",
	"T-Online":            "-----Original-Nachricht-----\nBetreff: U2\nDatum: 2026-11-26T09:58:00+0100\nVon: \"gotham\" <gotham@reports.test>\nAn: \"rider@example.org\" <rider@example.org>",
	"web.de":              "Gesendet: Donnerstag, 26. November 2026 um 09:58 Uhr\nVon: \"Gotham\" <gotham@reports.test>\nAn: rider@example.org\nBetreff: U2",
	"Lotus Notes":         "Von:        Gotham <gotham@reports.test>\nAn:        Robin Rider/Example\nDatum:        26.11.2026 09:58\nBetreff:        U2",
	"Zimbra":              "----- Ursprüngliche Mail -----\nVon: \"Gotham\" <gotham@reports.test>\nAn: \"rider\" <rider@example.org>\nGesendet: Donnerstag, 26. November 2026 09:58:00\nBetreff: U2",
	"a rule, one label":   "---- Původní e-mail ----\nOd: Gotham\n",
	"a rule, nothing":     "------ Eredeti üzenet ------",
	"eM Client":           "------ Originalnachricht ------\nVon \"Gotham\" <gotham@reports.test>\nAn \"Rider\" <rider@example.org>\nDatum 26.11.2026 09:58:00\nBetreff U2",
	"Seznam":              "---------- Původní e-mail ----------\nOd: Gotham\nKomu: rider@example.org\nDatum: 26. 11. 2026 9:58:00\nPředmět: U2",
	"a rule, an address":  "_____________\nFrom: gotham@reports.test",
	"broken lines":        "From: Gotham <gotham@reports.test>\nDate: Tue, Sep 4, 2026 at 1:35 PM\nSubject: U2\nMesse\nTo: rob@example.com",
	"SOGo":                "Von: \"Gotham\" <gotham@reports.test>\nAn: rider@example.org\nDatum: Donnerstag, 26. November 2026 09:58 CET",
	"two lines":           "From: Gotham <gotham@reports.test>\nDate: Thu, 26 Nov 2026 09:58:00 +0100",
}

func TestHeaders(t *testing.T) {
	for name, block := range headers {
		t.Run(name, func(t *testing.T) {
			expectText(t, answer(own+"\n\n"+block+"\n\nSECRET alte Meldung\nSECRET"), own)
			expectText(t, answer(own+"\n"+block+"\nSECRET alte Meldung"), own)
			expectText(t, answer(block+"\n\n> SECRET alte Meldung\n> SECRET\n\n"+own), own)
			expectText(t, strings.ReplaceAll(answer(own+"\n\n"+block+"\n\nSECRET"), "\n", "\n"), own)
		})
	}
}

// What somebody writes may look like a quotation, and whoever sends a mail of ours back
// may write below it.
func TestOwnWords(t *testing.T) {
	plainly := func(text string) string { return plain("", text) }
	for name, text := range map[string]string{
		"labels":                "Linie: U1\nHalt: Plärrer\nRichtung: Fürth\nZeit: 26.11.2026 9:58\n2 Kontis",
		"labels, below words":   "Hallo zusammen\nLinie: U1\nHalt: Plärrer\nZeit: 26.11.2026 9:58\n2 Kontis",
		"a time with a colon":   "26.11.2026 9:58 Plärrer:\n2 Kontis",
		"below words":           "Hallo\n26.11.2026 9:58 Plärrer:\n2 Kontis",
		"a rule":                "Hallo\n--- Achtung ---\n2 Kontis U1",
		"a line":                "Plärrer\n----------\n2 Kontis U1",
		"underscores":           "Plärrer\n______________\n2 Kontis U1",
		"somebody wrote":        "Eine Freundin schrieb:\nU1 Plärrer 2 Kontis",
		"a heading":             "Plärrer 9:58:\nU1\n2 Kontis\n\nMesse 10:02:\nU2",
		"many arrows":           "Alle Züge\n>>> Messe <<<\nU1",
		"stations":              "U1 Plärrer\n> Fürth\nU2 Messe\n> Flughafen",
		"dates":                 "Kontrollen bisher:\n\n2026-11-25 14:30\n25.11.2026 15:10\n\nimmer am Plärrer",
		"an arrow":              "U1 Plärrer -> Fürth\n=> 2 Kontis",
		"times":                 "9:58 Plärrer\n10:02 Gostenhof\n10:05 Bärenschanze",
		"a link with a colon":   "Karte: https://osm.example/x\nStand: 9:58",
		"right to left":         "مراقبان في U1: محطة Plärrer\nالاتجاه: Fürth\nالوقت: ٩:٥٨",
		"quoted words of one":   "Am Plärrer um 9:58 schrieb ein Konti einen Rider auf:\nU1 Richtung Fürth",
		"numbers with a colon":  "2 Kontis, 1 Hund, 19 Leute kontrolliert:\nU1 Plärrer",
		"a date above a colon":  "Stand 26.11.2026:\nU1 Plärrer 2 Kontis",
		"von and an, in a line": "Von: Plärrer An: Fürth um 9:58\n2 Kontis",
	} {
		t.Run(name, func(t *testing.T) { expectText(t, plainly(text), text) })
	}
	for name, text := range map[string]string{
		"labels":         "Linie: U1\nHalt: Plärrer\nRichtung: Fürth\nZeit: 26.11.2026 9:58\n2 Kontis",
		"nothing but":    "Linie: U1\nHalt: Plärrer\nZeit: 26.11.2026 9:58",
		"a short rule":   "Hallo\n--- Achtung ---\n2 Kontis U1",
		"a long rule":    "------ Achtung ------\n2 Kontis U1",
		"dashes":         "U1 Plärrer\n------\nU2 Messe",
		"from and to":    "Von: Plärrer\nAn: Fürth\nDatum: heute\n2 Kontis in der U1",
		"a time, colon":  "9:58 Plärrer:\n2 Kontis",
		"somebody wrote": "Sie schrieb:\n2 Kontis am Plärrer",
	} {
		t.Run("answered, "+name, func(t *testing.T) { expectText(t, answer(text), text) })
	}
	for name, c := range map[string]struct{ mail, want string }{
		"marked by initials": {answer("Gotham wrote:\nGO> SECRET\nGO> SECRET\n" + own), own},
		"marked by bars":     {answer("| SECRET\n| SECRET\n" + own), own},
		"marked as quoted":   {plainly(">2 Kontis in der U1\n> Plärrer"), "2 Kontis in der U1\nPlärrer"},
		"the city is named":  {plainly("Meldet an gotham@reports.test: 2 Kontis U1"), "Meldet an gotham@reports.test: 2 Kontis U1"},
		"an answer, quoted":  {answer("> SECRET alte Meldung\n"), ""},
		"an answer, nothing": {answer("\n"), ""},
		"below our footer": {answer("-----Original Message-----\nFrom: Gotham\nSent: 26.11.2026 09:58\nSubject: U2\n\nSECRET alte Meldung\n\n-- \nGemeldet für Gotham\nKeine solchen E-Mails mehr: http://x/city/gotham/mail/unsubscribe/SECRET\nLieber jede Meldung sofort: http://x/city/gotham/mail/often/SECRET\n\n" + own),
			own},
	} {
		t.Run(name, func(t *testing.T) {
			if got := readOwn(t, c.mail); strings.ReplaceAll(got, "gotham@reports.test", "") != strings.ReplaceAll(c.want, "gotham@reports.test", "") {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A mail that is passed on without a word is what was written in it, without the names
// and addresses of who wrote; one of ours is not passed on.
func TestForwards(t *testing.T) {
	for name, text := range map[string]string{
		"Gmail":         "---------- Forwarded message ---------\nVon: Freundin <f@example.org>\nDate: Do., 26. Nov. 2026 um 09:58 Uhr\nSubject: Konti\nTo: <rider@example.org>\n\n\n" + own,
		"Gmail, Polish": "---------- Forwarded message ---------\nOd: Freundin <f@example.org>\nDate: czw., 26 lis 2026 o 09:58\nSubject: Konti\nTo: <rider@example.org>\n\n\n" + own,
		"Apple":         "\n\nVon meinem iPhone gesendet\n\nAnfang der weitergeleiteten Nachricht:\n\n> Von: Freundin <f@example.org>\n> Datum: 26. November 2026 um 09:58:00 MEZ\n> An: rider@example.org\n> Betreff: Konti\n> \n> " + own,
		"Apple, French": "Début du message transféré :\n\n> De: Freundin <f@example.org>\n> Date: 26 novembre 2026 à 09:58:00 UTC+1\n> À: rider@example.org\n> Objet: Konti\n> \n> " + own,
		"Apple, bare":   "Begin forwarded message:\n\nFrom: Freundin <f@example.org>\nSubject: Konti\nDate: 26. November 2026 at 09:58:00 CET\nTo: rider@example.org\n\n" + own,
		"Outlook":       "\n________________________________\nVon: Freundin\nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Robin Rider\nBetreff: Konti\n\n" + own,
		"Thunderbird":   "\n-------- Weitergeleitete Nachricht --------\nBetreff: \tKonti\nDatum: \tThu, 26 Nov 2026 09:58:00 +0100\nVon: \tFreundin <f@example.org>\nAn: \tRobin Rider <rider@example.org>\n\n\n" + own,
		"KMail":         "----------  Weitergeleitete Nachricht  ----------\n\nBetreff: Konti\nDatum: Donnerstag, 26. November 2026, 09:58:00\nVon: Freundin <f@example.org>\nAn: rider@example.org\n\n" + own + "\n-----------------------------------------",
		"a name below":  "---------- Forwarded message ---------\nVon: Freundin <f@example.org>\nDate: Do., 26. Nov. 2026 um 09:58 Uhr\nSubject: Konti\nTo: <rider@example.org>\n\n\n" + own + "\n\nLG Freundin\n",
		"a first name":  "Von: Erika Beispiel\nGesendet: Donnerstag, 26. November 2026 09:58\nAn: Robin Rider\nBetreff: Konti\n\n" + own + "\n\nErika\n0170 1234567\n",
		"an answer":     "-----Original Message-----\nFrom: Freundin\nSent: 26.11.2026 09:58\nTo: Robin Rider\nSubject: Konti\n\n" + own + "\n\nAm 26.11.26 um 09:50 schrieb Robin Rider:\n> SECRET",
		"mutt":          "----- Forwarded message from Freundin <f@example.org> -----\n\nDate: Thu, 26 Nov 2026 09:58:00 +0100\nFrom: Freundin <f@example.org>\nTo: rider@example.org\nSubject: Konti\n\n" + own + "\n\n----- End forwarded message -----",
	} {
		t.Run(name, func(t *testing.T) {
			mail := strings.Replace(answer(text), "Subject: Re: U2", "Subject: Fwd: Konti", 1)
			got := readOwn(t, mail)
			if bad := private.FindString(got); bad != "" || !strings.HasPrefix(got, own) {
				t.Errorf("%q holds %q", got, bad)
			}
			expectText(t, strings.Replace(mail, "f@example.org", "gotham@reports.test", 1), forwardedOurs(text, got))
		})
	}
}

// forwardedOurs is what is wanted of a forward that names the city.
func forwardedOurs(text, otherwise string) string {
	if strings.Contains(text, "f@example.org") {
		return ""
	}
	return otherwise
}

// The subject of an answer to one of ours is not the writer's, whatever their program
// has made of it.
func TestAnswersOurs(t *testing.T) {
	for _, header := range []string{"In-Reply-To: <abc@reports.test>", "References: <x@example.org>\n <ABC@Reports.Test>"} {
		mail := "From: rider@example.org\nSubject: Gotham: SECRET alte Meldung\n" + header + "\nContent-Type: text/plain; charset=utf-8\n\n"
		expectText(t, mail+own, own)
		expectText(t, mail+"> alt", "")
	}
	expectText(t, "From: rider@example.org\nSubject: U1\nIn-Reply-To: <abc@example.org>\n\nKontis", "U1\nKontis")
}

// Texts that are made of what quotations begin with are read in a time that is far from
// what the server allows.
func TestHostileQuotations(t *testing.T) {
	slow.Test(t, "reads mails as large as are taken")
	const size = 1 << 20
	for name, line := range map[string]string{
		"attributions": "Am 26.11.2026 um 9:58 schrieb a@b.example:\n", "torn attributions": "26.11.2026 <a@b.example>\n9:58\n:\n",
		"labels": "Von: 26.11.2026\n", "blocks": "Von: a@b.example\nAn: x\nAm: 1\n", "labels and blanks": "Von: x\n\n",
		"rules": "--- a ---\n", "rules and labels": "-----\nVon: x\n", "lines": "____________\n\n\n", "colons": ":\n", "arrows": "x\n> y\n",
		"GroupWise": "x\n>>> 26.11.2026 9:58 >>>\n", "levels": ">>>>>>>>>>>>\n", "blanks": "\n", "signatures": "-- \nx\n> y\n",
		"addresses": "a@b.example ", "times": "9:58 ", "dates": "26.11.2026", "digits": "٢٦", "the city": "gotham@reports.test\n",
		"links": "a<https://x.example/y>", "bars": "| x\n",
	} {
		t.Run(name, func(t *testing.T) {
			for _, mail := range []string{plain("", strings.Repeat(line, size/len(line))), answer(strings.Repeat(line, size/len(line)))} {
				start := time.Now()
				if _, err := Read([]byte(mail), envelope); err != nil && !isKnown(err) {
					t.Error(err)
				}
				if took := time.Since(start); took > 30*time.Second { // the race detector takes most of it
					t.Errorf("took %s", took)
				}
			}
		})
	}
}

// Nothing of a text appears twice or changed: what is kept are lines of it.
func FuzzQuotations(f *testing.F) {
	for _, line := range attributions {
		f.Add(own+"\n"+line+"\n> x\n"+own, true)
	}
	for _, block := range headers {
		f.Add(own+"\n"+block+"\nx", false)
	}
	f.Fuzz(func(t *testing.T, text string, reply bool) {
		kept := cutQuotes(strings.Split(text, "\n"), quoting{reply: reply, cities: []string{"@reports.test"}, subject: "re: u2"}, new(writer).dropSignature)
		if got := strings.Join(kept, "\n"); len(got) > len(text) {
			t.Errorf("%q of %q", got, text)
		}
		for _, line := range kept {
			if !strings.Contains(text, line) {
				t.Errorf("%q of %q", line, text)
			}
		}
	})
}
