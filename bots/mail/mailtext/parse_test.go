package mailtext

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"

	"ticketfrei/internal/slow"
)

// plain is a mail with a subject and a text.
func plain(subject, text string) string {
	return "From: rider@example.org\nSubject: " + subject + "\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" + text
}

// mixed is a mail of several parts.
func mixed(kind string, parts ...string) string {
	return "From: rider@example.org\nMIME-Version: 1.0\nContent-Type: multipart/" + kind + "; boundary=\"=-frontier\"\n\npreamble\n--=-frontier\n" +
		strings.Join(parts, "\n--=-frontier\n") + "\n--=-frontier--\nepilogue\n"
}

func TestReportText(t *testing.T) {
	const plainPart = "Content-Type: text/plain; charset=utf-8\n\nU1 Plärrer"
	const htmlPart = "Content-Type: text/html; charset=utf-8\n\n<p>U1 <b>Plärrer</b></p>"
	const picture = "Content-Type: image/jpeg; name=a.jpg\nContent-Disposition: attachment; filename=a.jpg\nContent-Transfer-Encoding: base64\n\n/9j/4AAQSkZJRgABAQ=="
	for _, c := range []struct{ name, mail, want string }{
		{"subject and text", plain("U1", "Plärrer\n"), "U1\nPlärrer"},
		{"only a subject", plain("U1 Plärrer", "\n"), "U1 Plärrer"},
		{"only a text", plain("", "U1 Plärrer\n"), "U1 Plärrer"},
		{"subject repeated", plain("U1  plärrer", "U1 Plärrer\n2 Kontis"), "U1 Plärrer\n2 Kontis"},
		{"subject of an answer", plain("Re: Nürnberg: U2 weg", "U1 Plärrer"), "U1 Plärrer"},
		{"German answer", plain("AW: U2", "U1 Plärrer"), "U1 Plärrer"},
		{"forwarded", plain("WG: U2", "U1 Plärrer"), "U1 Plärrer"},
		{"numbered answer", plain("Re[2]: U2", "U1 Plärrer"), "U1 Plärrer"},
		{"Reichelsdorf is no reply prefix", plain("Reichelsdorf: S2", "2 Kontis"), "Reichelsdorf: S2\n2 Kontis"},
		{"encoded subject", plain("=?utf-8?Q?Pl=C3=A4rrer?= =?iso-8859-1?Q?_F=FCrth?=", "x"), "Plärrer Fürth\nx"},
		{"subject in an unknown charset", plain("=?x-nobody?Q?Pl=E4rrer?=", "x"), "Plärrer\nx"},
		{"raw UTF-8 subject", plain("Plärrer", "x"), "Plärrer\nx"},
		{"signature", plain("", "U1 Plärrer\n-- \nRider\nTel. 123"), "U1 Plärrer"},
		{"signature without the space", plain("", "U1 Plärrer\n--\nRider"), "U1 Plärrer"},
		{"iPhone", plain("", "U1 Plärrer\n\nVon meinem iPhone gesendet"), "U1 Plärrer"},
		{"iPhone, English", plain("", "U1 Plärrer\n\nSent from my iPhone\n\n> old"), "U1 Plärrer"},
		{"Android", plain("", "U1 Plärrer\nDiese Nachricht wurde von meinem Android-Mobiltelefon mit K-9 Mail gesendet."), "U1 Plärrer"},
		{"Outlook for iOS", plain("", "U1 Plärrer\nGet Outlook for iOS"), "U1 Plärrer"},
		{"quoted", plain("", "> war hier wer?\nU1 Plärrer\n> > noch älter\n"), "U1 Plärrer"},
		{"Am … schrieb", plain("", "U1 Plärrer\n\nAm 3. Mai 2024 um 10:00 schrieb Nürnberg <n@example.org>:\nalt"), "U1 Plärrer"},
		{"Am … schrieb, broken", plain("", "U1 Plärrer\n\nAm Fr., 3. Mai 2024 um 10:00 Uhr schrieb Nürnberg\n<n@example.org>:\n\n> alt"), "U1 Plärrer"},
		{"On … wrote", plain("", "U1 Plärrer\n\nOn Fri, May 3, 2024 at 10:00 AM Nbg <n@example.org>\nwrote:\n> alt"), "U1 Plärrer"},
		{"somebody schrieb am", plain("", "U1 Plärrer\n\nNürnberg <n@example.org> schrieb am Fr., 3. Mai 2024, 10:00:\nalt"), "U1 Plärrer"},
		{"a report that tells what somebody wrote", plain("", "Am Plärrer schrieb mir jemand, dass 2 Kontis in der U1 sind"), "Am Plärrer schrieb mir jemand, dass 2 Kontis in der U1 sind"},
		{"Outlook", plain("", "U1 Plärrer\n\n-----Ursprüngliche Nachricht-----\nVon: x\nalt"), "U1 Plärrer"},
		{"Outlook, English", plain("", "U1 Plärrer\n-----Original Message-----\nalt"), "U1 Plärrer"},
		{"Outlook's header", plain("", "U1 Plärrer\n________________________________\nVon: Nürnberg <n@example.org>\nGesendet: Freitag, 3. Mai 2024\nAn: Rider\nBetreff: alt\n\nalt"), "U1 Plärrer"},
		{"Outlook's header, English", plain("", "U1 Plärrer\n\nFrom: Nbg <n@example.org>\nSent: Friday\nTo: Rider\nSubject: alt\n\nalt"), "U1 Plärrer"},
		{"Von is no header", plain("", "Von: Plärrer\nNach: Fürth\n2 Kontis"), "Von: Plärrer\nNach: Fürth\n2 Kontis"},
		{"white space", plain("", "\n\n  U1 Plärrer  \n\n\n\n2 Kontis\t\n\n"), "U1 Plärrer\n\n2 Kontis"},
		{"control characters", plain("", "U1\x00 Pl\x07ärrer\u202e"), "U1 Plärrer"},
		{"comparison is no tag", plain("", "U1 <-> U2, <3, 2 < 3 > 1"), "U1 <-> U2, <3, 2 < 3 > 1"},
		{"tags in plain text", plain("", "<b>U1</b> <span class=\"x\">Plärrer</span> <Fürth>"), "U1 Plärrer Fürth"},
		{"words in angle brackets", plain("", "U1 <Plaerrer> see <https://example.org/x?y=1>"), "U1 Plaerrer see https://example.org/x?y=1"},
		{"flowed", "From: r@example.org\nContent-Type: text/plain; charset=utf-8; format=flowed\n\nU1 \nPlärrer\n-- \nsig", "U1 Plärrer"},
		{"alternative", mixed("alternative", plainPart, htmlPart), "U1 Plärrer"},
		{"alternative, other order", mixed("alternative", htmlPart, plainPart), "U1 Plärrer"},
		{"alternative, plain one empty", mixed("alternative", "Content-Type: text/plain\n\n \n", htmlPart), "U1 Plärrer"},
		{"two texts", mixed("mixed", plainPart, "Content-Type: text/plain\n\n2 Kontis"), "U1 Plärrer\n2 Kontis"},
		{"picture beside text", mixed("mixed", plainPart, picture), "U1 Plärrer"},
		{"attached text", mixed("mixed", plainPart, "Content-Type: text/plain; name=x.txt\nContent-Disposition: attachment; filename=x.txt\n\nprivate notes"), "U1 Plärrer"},
		{"forwarded as attachment", mixed("mixed", plainPart, "Content-Type: message/rfc822\n\nSubject: old\n\nold text"), "U1 Plärrer"},
		{"related", mixed("related", htmlPart, picture), "U1 Plärrer"},
		{"signed", mixed("signed", plainPart, "Content-Type: application/pgp-signature\n\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----"), "U1 Plärrer"},
		{"signed with S/MIME", mixed("signed", plainPart, "Content-Type: application/pkcs7-signature; name=smime.p7s\nContent-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHAqCAMIACAQEx"), "U1 Plärrer"},
		{"signed inline", plain("", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nU1 Plärrer\n-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n"), "U1 Plärrer"},
		{"key below the text", plain("", "U1 Plärrer\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nabc\n"), "U1 Plärrer"},
		{"encrypted part beside text", plain("", "U1 Plärrer\n-----BEGIN PGP MESSAGE-----\n\nabc\n-----END PGP MESSAGE-----\nFürth"), "U1 Plärrer\nFürth"},
		{"file within the text", plain("", "U1 Plärrer\nbegin 644 a.jpg\nM_]C_X``02D9)1@`!`0\nend\nFürth"), "U1 Plärrer\nFürth"},
		{"base64 within the text", plain("", "U1 Plärrer\n"+strings.Repeat("QUJDREVG", 9)+"\n"+strings.Repeat("QUJDREVG", 9)+"=="), "U1 Plärrer"},
		{"boundary within the text", "From: r@example.org\nContent-Type: multipart/mixed\n\n--xyz123\nContent-Type: text/plain\nContent-Transfer-Encoding: 7bit\n\nU1 Plaerrer\n--xyz123--\n", "U1 Plaerrer"},
		{"quoted-printable", "From: r@example.org\nContent-Type: text/plain; charset=iso-8859-15\nContent-Transfer-Encoding: quoted-printable\n\nU1 Pl=E4rrer 3 =A4=\n mehr", "U1 Plärrer 3 € mehr"},
		{"zeros within base64", plain("", "U1 Plärrer\n"+strings.Repeat("QUJDREVG", 9)+"\n"+strings.Repeat("A", 76)), "U1 Plärrer"},
		{"a long word is no base64", plain("", "HAHA"+strings.Repeat("HA", 40)), "HAHA" + strings.Repeat("HA", 40)},
		{"base64", "From: r@example.org\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nVTEgUGzDpHJyZXI=\n", "U1 Plärrer"},
		{"photo's name as subject", strings.Replace(mixed("mixed", plainPart, picture), "MIME-Version", "Subject: a.jpg\nMIME-Version", 1), "U1 Plärrer"},
		{"subject beside a picture", strings.Replace(mixed("mixed", picture), "MIME-Version", "Subject: U1 Plaerrer\nMIME-Version", 1), "U1 Plaerrer"},
		{"mailbox line", "From rider@example.org Fri May  3 10:00:00 2024\n" + plain("", "U1 Plärrer"), "U1 Plärrer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := Read([]byte(strings.ReplaceAll(c.mail, "\n", "\r\n")), envelope)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, m.Text); diff != "" || m.Skip != "" {
				t.Errorf("skip %q, -want +got:\n%s", m.Skip, diff)
			}
		})
	}
}

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, html, want string }{
		{"blocks", "<div>U1</div><div>Plärrer</div>", "U1\nPlärrer"},
		{"line breaks", "U1<br>Plärrer<br/>Fürth", "U1\nPlärrer\nFürth"},
		{"white space", "  <p>  U1\n   <b>Plärrer</b>,  <i>2</i> Kontis </p>", "U1 Plärrer, 2 Kontis"},
		{"entities", "U1 Pl&auml;rrer &#8211; F&#xfc;rth&nbsp;Hbf &lt;3 &amp;", "U1 Plärrer – Fürth Hbf <3 &"},
		{"script and style", "<head><title>x</title><style>p{color:red}</style></head><script>alert('<p>')</script><p>U1</p>", "U1"},
		{"comments", "<!--[if mso]><p>no</p><![endif]--><p>U1</p><!-- x -->", "U1"},
		{"quotation", "<p>U1</p><blockquote type=cite><p>alt</p><blockquote>älter</blockquote></blockquote><p>Fürth</p>", "U1\n\nFürth"},
		{"only a quotation", "<blockquote>U1</blockquote>", "U1"},
		{"list and table", "<ul><li>U1</li><li>U2</li></ul><table><tr><td>a</td><td>b</td></tr></table>", "U1\nU2\na b"},
		{"preformatted", "<pre>U1\n  Plärrer</pre>", "U1\n  Plärrer"},
		{"not closed", "<p>U1<b>Plärrer<p>Fürth", "U1Plärrer\n\nFürth"},
		{"unclosed tag", "<p>U1</p><a href=\"x", "U1"},
		{"escaped markup", "<p>&lt;script&gt;alert(1)&lt;/script&gt;U1</p>", "alert(1)U1"},
		{"links", `<a href="https://example.org">U1</a>`, "U1"},
		{"office", "<o:p>&nbsp;</o:p><p class=MsoNormal>U1<o:p></o:p></p>", "U1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mail := "From: r@example.org\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + c.html
			m, err := Read([]byte(mail), envelope)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, m.Text); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestCharsets(t *testing.T) {
	const text = "Plärrer, Fürth, Gößweinstein, ÄÖÜ"
	for name, charset := range map[string]*charmap.Charmap{
		"iso-8859-1": charmap.ISO8859_1, "ISO-8859-15": charmap.ISO8859_15, "windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252,
		"iso-8859-2": charmap.ISO8859_2, "windows-1250": charmap.Windows1250, "cp850": charmap.CodePage850, "macintosh": charmap.Macintosh,
		"": charmap.Windows1252, "us-ascii": charmap.Windows1252, "unknown-8bit": charmap.Windows1252, "x-no-such-charset": charmap.Windows1252,
		"utf-8": charmap.ISO8859_1, // a lie, and a common one
	} {
		t.Run("charset "+name, func(t *testing.T) {
			raw, err := charset.NewEncoder().String(text)
			if err != nil {
				t.Fatal(err)
			}
			header := "Content-Type: text/plain"
			if name != "" {
				header += "; charset=\"" + name + "\""
			}
			m, err := Read([]byte("From: r@example.org\r\n"+header+"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"+raw), envelope)
			if err != nil || m.Text != text {
				t.Errorf("%q %v", m.Text, err)
			}
		})
	}
	for _, header := range []string{"", "Content-Type: text/plain\r\n", "Content-Type: text/plain; charset=us-ascii\r\n", "Content-Type: text/plain; charset=utf-8\r\n"} {
		m, err := Read([]byte("From: r@example.org\r\n"+header+"\r\n"+text), envelope)
		if err != nil || m.Text != text {
			t.Errorf("UTF-8 with %q: %q %v", header, m.Text, err)
		}
	}
	t.Run("typographic quotes in Latin-1", func(t *testing.T) {
		m, err := Read([]byte("From: r@example.org\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\n\x84U1\x93 3 \x80"), envelope)
		if err != nil || m.Text != "„U1“ 3 €" {
			t.Errorf("%q %v", m.Text, err)
		}
	})
	t.Run("declared in the HTML", func(t *testing.T) {
		m, err := Read([]byte("From: r@example.org\r\nContent-Type: text/html\r\n\r\n<meta charset=iso-8859-2><p>\xb5\xe4</p>"), envelope)
		if err != nil || m.Text != "ľä" {
			t.Errorf("%q %v", m.Text, err)
		}
	})
}

func TestAutomaticMails(t *testing.T) {
	const report = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@example.org\nAction: %s\nStatus: %s\n--b--\n"
	for _, c := range []struct {
		header string
		skip   string
		gone   bool
	}{
		{"Auto-Submitted: auto-replied\n\nweg\n", SkipAutomatic, false},
		{"Auto-Submitted: auto-generated (x)\n\nweg\n", SkipAutomatic, false},
		{"Auto-Submitted: no\n\nU1\n", "", false},
		{"Precedence: bulk\n\nweg\n", SkipBulk, false},
		{"Precedence: List\n\nweg\n", SkipBulk, false},
		{"Precedence: first-class\n\nU1\n", "", false},
		{"List-Id: <x.example.org>\n\nweg\n", SkipList, false},
		{"List-Post: <mailto:x@example.org>\n\nweg\n", SkipList, false},
		{"List-Unsubscribe: <mailto:x@example.org>\n\nU1\n", "", false},
		{"X-BeenThere: x@example.org\n\nweg\n", SkipList, false},
		{"X-Loop: x@example.org\n\nU1\n", "", false},
		{"X-Loop: reports.test\n\nweg\n", SkipOwn, false},
		{"X-Loop: x@other.test\nX-Loop: Gotham@Reports.test\n\nweg\n", SkipOwn, false},
		{"X-Auto-Response-Suppress: All\n\nU1\n", "", false},
		{"X-Autoreply: yes\n\nweg\n", SkipAutomatic, false},
		{"Return-Path: <>\n\nweg\n", SkipBounce, false},
		{"From: MAILER-DAEMON@example.org\n\nweg\n", SkipBounce, false},
		{strings.NewReplacer("%s\nStatus: %s", "failed\nStatus: 5.1.1").Replace(report), SkipBounce, true},
		{strings.NewReplacer("%s\nStatus: %s", "failed\nStatus: 4.4.1").Replace(report), SkipBounce, false},
		{strings.NewReplacer("%s\nStatus: %s", "delayed\nStatus: 4.4.1").Replace(report), SkipBounce, false},
		{strings.NewReplacer("%s\nStatus: %s", "delivered\nStatus: 2.0.0").Replace(report), SkipBounce, false},
		{strings.NewReplacer("%s\nStatus: %s", "failed\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; b@example.org\nAction: failed\nStatus: 5.2.1").Replace(report), SkipBounce, true},
		{"Content-Type: multipart/report; boundary=b\n\nbroken", SkipBounce, false},
	} {
		t.Run(strings.SplitN(c.header, "\n\n", 2)[0], func(t *testing.T) {
			m, err := Read([]byte(strings.ReplaceAll("To: n@mail.example\n"+c.header, "\n", "\r\n")), envelope)
			if err != nil {
				t.Fatal(err)
			}
			if m.Skip != c.skip || m.Gone != c.gone {
				t.Errorf("skip %q, gone %v; want %q, %v", m.Skip, m.Gone, c.skip, c.gone)
			}
		})
	}
}

func TestFrom(t *testing.T) {
	for _, c := range []struct{ header, want string }{
		{"Rider <Rider@Example.org>", "rider@example.org"},
		{"rider@example.org (Rider)", "rider@example.org"},
		{"\"Müller, A.\" <a@example.org>", "a@example.org"},
		{"=?utf-8?Q?M=C3=BCller?= <a@example.org>", "a@example.org"},
		{"a@example.org, b@example.org", "a@example.org"},
		{"Rider @ home <a@example.org", "a@example.org"},
		{"nobody", ""},
		{"", ""},
	} {
		if got := (header{"from": {c.header}}).address("From"); got != c.want {
			t.Errorf("%s: %q, want %q", c.header, got, c.want)
		}
	}
}

// Mails that are made to take long are refused, or read in a time that is far
// from what the server allows.
func TestHostileMails(t *testing.T) {
	slow.Test(t, "reads mails as large as are taken")
	nested := func(n int) string {
		var b strings.Builder
		b.WriteString("From: r@example.org\r\n")
		for i := range n {
			name := strings.Repeat("x", i%7+1) + string(rune('a'+i%26))
			b.WriteString("Content-Type: multipart/mixed; boundary=" + name + "\r\n\r\n--" + name + "\r\n")
		}
		return b.String() + "\r\nU1\r\n"
	}
	const size = 1 << 20 // as large as the mail server takes
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	head := "From: r@example.org\r\nContent-Type: text/plain\r\n\r\n"
	for _, c := range []struct {
		name, mail string
		want       error
	}{
		{"nested", nested(5000), ErrComplicated},
		{"nested, just allowed", nested(maxMultiparts) + strings.Repeat("x\r\n", maxWork/maxMultiparts/3-1000), ErrEmpty},
		{"nested, too large for it", nested(7) + fill("x\r\n"), ErrComplicated},
		{"many parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + fill("--b\r\n\r\nx\r\n"), ErrComplicated},
		{"many parts, tiny", "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + fill("--b\n"), ErrComplicated},
		{"huge header", "Subject: " + fill("x ") + "\r\n\r\nU1", ErrComplicated},
		{"many headers", fill("X-A: b\r\n") + "\r\nU1", ErrComplicated},
		{"long From", "From: " + strings.Repeat("\"a\" <", 20000) + "\r\n\r\nU1", nil},
		{"brackets", head + fill("<"), ErrNothing},
		{"open tags", head + fill("<a "), nil},
		{"quotes", head + fill("> > "), ErrNothing},
		{"wrote lines", head + fill("Am 1\n"), nil},
		{"underscores", head + fill("____________\n\n"), ErrNothing},
		{"PGP begins", head + strings.Repeat("-----BEGIN PGP MESSAGE-----\n", 100) + fill("x\n"), ErrEncrypted},
		{"HTML nesting", strings.Replace(head, "plain", "html", 1) + fill("<div>"), ErrEmpty},
		{"HTML quotes", strings.Replace(head, "plain", "html", 1) + fill("<blockquote>x"), nil},
		{"HTML entities", strings.Replace(head, "plain", "html", 1) + fill("&ampx&#"), nil},
		{"names", "From: Robin Rider <r@example.org>\r\n\r\n" + fill("Robin hier ist Rider, Robin "), nil},
		{"closings", "From: Robin Rider <r@example.org>\r\n\r\nU1\r\n" + fill("LG Robin Rider Vertrieb 0911 5550100\r\n"), nil},
		{"apps", head + "U1\r\n" + fill("Sent from my iPhone with Outlook\r\n\r\n"), nil},
		{"numbers", head + "U1\r\n" + fill("Tel. 0911 5550100 0911"), nil},
		{"links", head + "U1\r\n" + fill("https://x.example/?token=abcdefgh "), nil},
		{"notices", head + "U1\r\n" + fill("this message is confidential for its recipient U1\r\n"), nil},
		{"addresses", head + "U1\r\n" + fill("a@b.example "), nil},
		{"signatures", strings.Replace(head, "plain", "html", 1) + "U1" + fill("<div class=signature>x"), nil},
		{"subject", "Subject: " + strings.Repeat("[a] Re: ", 4000) + "\r\n\r\nU1", nil},
		{"encoded words", "Subject: " + strings.Repeat("=?utf-8?Q?a?= ", 10000) + "\r\n\r\nU1", nil},
		{"base64", strings.Replace(head, "\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + fill("!"), ErrEmpty},
		{"base64, lines", strings.Replace(head, "\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1) + fill("VTE=\n"), nil},
		{"enriched", strings.Replace(head, "plain", "enriched", 1) + fill("<param>x"), ErrEmpty},
		{"enriched, empty lines", strings.Replace(head, "plain", "enriched", 1) + "U1" + fill("\n"), nil},
		{"flowed", strings.Replace(head, "plain", "plain; format=flowed; delsp=yes", 1) + fill("x \n"), nil},
		{"stray bytes", head + fill("\xe4\xc3 "), nil},
		{"half letters", strings.Replace(head, "plain", "plain; charset=gb18030", 1) + fill("\x81\x30"), ErrNothing},
		{"alternatives of many words", mixed("alternative", "Content-Type: text/plain\n\nU1", "Content-Type: text/html\n\n"+fill("a b <p>")), nil},
		{"nested CMS", strings.Replace(head, "text/plain", "application/pkcs7-mime", 1) + fill("\x30\x80"), ErrEncrypted},
		{"subject of dashes", "Subject: " + strings.Repeat("auto - ", 20000) + "\r\n\r\nU1", nil},
		{"quoted-printable", strings.Replace(head, "\r\n\r\n", "\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", 1) + fill("=\n"), ErrEmpty},
	} {
		t.Run(c.name, func(t *testing.T) {
			start := time.Now()
			_, err := Read([]byte(c.mail), envelope)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("took %s", took)
			} else {
				t.Logf("%d bytes in %s", len(c.mail), took.Round(time.Millisecond))
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(plain("U1", "Plärrer\n-- \nx")))
	f.Add([]byte(mixed("alternative", "Content-Type: text/plain\n\na", "Content-Type: text/html\n\n<p>a<blockquote>b")))
	f.Add([]byte("Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: 5.1.1\n--b--"))
	f.Add([]byte("Subject: =?x?B?a?=\n\n-----BEGIN PGP MESSAGE-----\n"))
	for _, dir := range []string{"broken", "cases"} {
		for _, c := range readCases(f, filepath.Join("testdata", dir)) {
			f.Add(c.raw)
		}
	}
	f.Add([]byte("From x\nFrom: a@b\nContent-Type: text/html; charset=utf-7\n\n<b>+AGE-"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := parse(raw, envelope)
		if err != nil && !isKnown(err) {
			t.Fatalf("an error that has no answer: %v", err)
		}
		if err == nil && (m.Text == "") == (m.Skip == "") {
			t.Errorf("neither a report nor skipped, or both: %q %q", m.Text, m.Skip)
		}
		if m.Text != "" {
			if bad := checkText(m.Text); bad != nil {
				t.Error(bad)
			}
		}
		if m, err := Read(raw, Envelope{}); err != nil || m.Skip == "" {
			t.Errorf("without a sender: skip %q, error %v", m.Skip, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	mail := []byte(strings.ReplaceAll(mixed("alternative",
		"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nU1 Pl=E4rrer, 2 Kontis\n\nAm 3. Mai 2024 um 10:00 schrieb N <n@example.org>:\n> alt\n> noch =E4lter",
		"Content-Type: text/html; charset=utf-8\n\n<html><body><p>U1 Plärrer, 2 Kontis</p><blockquote>alt</blockquote></body></html>"), "\n", "\r\n"))
	b.ReportAllocs()
	b.SetBytes(int64(len(mail)))
	for b.Loop() {
		if m, err := Read(mail, envelope); err != nil || m.Text != "U1 Plärrer, 2 Kontis" {
			b.Fatal(m.Text, err)
		}
	}
}
