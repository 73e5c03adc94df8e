package mail

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/mailer/mailertest"
)

// mailing is a mail of Anna to Nuremberg.
func mailing(subject, text string) string {
	mail := "From: Anna <anna@riders.example>\nTo: nuernberg@" + domain + "\nDate: Fri, 3 May 2024 10:00:00 +0000\n"
	if subject != "" {
		mail += "Subject: " + subject + "\n"
	}
	return crlf(mail + "Content-Type: text/plain; charset=utf-8\n\n" + text + "\n")
}

func TestReadCommand(t *testing.T) {
	for want, texts := range map[command][]string{
		commandUnsubscribe: {"unsubscribe", "Unsubscribe.", "STOP", "Stop!", "STOPP", "“Stop”", "/stop", "*stop*", "Abmelden", "ABMELDEN!!!", "bitte abmelden", "Abmelden bitte.",
			"abbestellen", "Austragen", "Abo kündigen", "ABO KU\u0308NDIGEN", "Désabonner", "DÉSABONNEMENT", "se désabonner", "s'il vous plaît désabonnez-moi", "Baja", "¡BAJA!", "Darme de baja, por favor",
			"cancellami", "Odhlásit se", "отписаться", "СТОП", "ABONELİKTEN ÇIK", "إلغاء الاشتراك", "退订", "unsubscribe\n", " stop . ",
			"Bitte meldet mich ab!", "Please unsubscribe me from this list. Thanks!", "Ich möchte keine Mails mehr.",
			"Hallo,\nbitte abmelden. Danke!", "Guten Tag, bitte meldet mich ab", "Newsletter abbestellen", "Hallo, bitte vom Verteiler abmelden. Vielen Dank"},
		commandSubscribe: {"subscribe", "Subscribe me, please", "Anmelden", "eintragen", "Abonnieren", "s’abonner", "Inscription", "suscribirme", "ПОДПИСАТЬСЯ", "abone ol", "订阅", "sign up"},
		commandHelp:      {"help", "Help!", "HILFE", "Hilfe?", "info", "Infos", "aide", "¿Ayuda?", "yardım", "помощь", "βοήθεια", "ΒΟΉΘΕΙΑ", "帮助"},
		"": {"", "!", "?", "U1 Stop", "Stop Plärrer", "2 Kontis", "please", "bitte", "Danke!", "unsubscribe station: two inspectors", "no info", "stop stop", "-", "'",
			strings.Repeat("stop ", 30)},
	} {
		for _, text := range texts {
			if got := readCommand(text); got != want {
				t.Errorf("%q asks for %q, want %q", text, got, want)
			}
		}
	}
}

// Who asks for something gets the link by mail, and nobody else sees that they did.
func TestCommandsByMail(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "anna@riders.example")
	fuerth, _ := b.city("fuerth")
	dbtest.MustSaveRules(t, b.db, fuerth.ID, "kontis?", "")
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	const reply = "STOP\n\nAm 03.05.2024 um 11:58 schrieb Nuernberg <nuernberg@" + domain + ">:\n> U1 Plärrer, 2 Kontis\n>\n> -- \n> unsubscribe\n"
	for _, c := range []struct {
		name, mail string
		page       string // the link leads to
		heard      []string
	}{
		{"unsubscribe in the text", mailing("", "unsubscribe"), "unsubscribe", nil},
		{"STOP in the subject", mailing("STOP", ""), "unsubscribe", nil},
		{"in both", mailing("Abmelden", "Abmelden!"), "unsubscribe", nil},
		{"with a letter", mailing("unsubscribe", "Please take me off, I get too many Kontis."), "unsubscribe", nil},
		{"in an answer", mailing("Re: Nuernberg: U1 Plärrer", reply), "unsubscribe", nil},
		{"from Fürth, which does not know Anna", strings.Replace(mailing("stop", ""), "nuernberg@", "fuerth@", 1), "", nil},
		{"help", mailing("Hilfe", ""), "", nil},
		{"help, with a report", strings.Replace(mailing("Info", "2 Kontis am Plärrer"), "nuernberg@", "fuerth@", 1), "", []string{"2 Kontis am Plärrer"}},
		{"help, with a question", strings.Replace(mailing("Help", "How do I get these mails?"), "nuernberg@", "fuerth@", 1), "", nil},
		{"subscribe, though subscribed", mailing("", "subscribe"), "unsubscribe", nil},
		{"subscribe", strings.Replace(mailing("subscribe", ""), "nuernberg@", "fuerth@", 1), "confirm", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			to := "nuernberg@" + domain
			if strings.Contains(c.mail, "fuerth@") {
				to = "fuerth@" + domain
			}
			if got := b.send("anna@riders.example", []string{to}, string(signer.Sign([]byte(c.mail)))); !strings.HasPrefix(got, "250 ") {
				t.Fatal(got)
			}
			m, read := b.accountMail()
			if m.To != "anna@riders.example" || m.From != "ticketfrei@"+domain || read.Header.Get("Auto-Submitted") == "" || !strings.Contains(read.Text, to) {
				t.Errorf("mailed %+v", read)
			}
			if c.page != "" {
				b.linkIn(read.Text, c.page)
			} else if !strings.Contains(read.Text, b.url+"/city/"+strings.TrimSuffix(to, "@"+domain)+"/mail\n") {
				t.Errorf("no link to the page:\n%s", read.Text)
			}
			var heard []string
			for _, h := range b.take() {
				heard = append(heard, h.In.Text)
			}
			if diff := cmp.Diff(c.heard, heard); diff != "" {
				t.Errorf("heard -want +got:\n%s", diff)
			}
		})
	}
	b.t = t
	if got := b.subscribers(bot); !slices.Equal(got, []string{"anna@riders.example"}) {
		t.Errorf("subscribers %q: a mail alone has unsubscribed somebody", got)
	}
}

// Nobody has others written to: without proof the answer is where to go.
func TestCommandsOfNobody(t *testing.T) {
	b := newBench(t, nil)
	city := dbtest.MustCreateCity(t, b.db, "nuernberg", Name)
	dbtest.MustSaveRules(t, b.db, city.ID, "kontis?", "")
	for _, c := range []struct {
		mail, want string
		heard      int
	}{
		{mailing("", "STOP"), "554 5.7.1 ", 0},
		{mailing("subscribe", ""), "554 5.7.1 ", 0},
		{mailing("Hilfe", "was ist das?"), "554 5.7.1 ", 0},
		{mailing("Hilfe", "2 Kontis am Plärrer"), "250 ", 1},
		{mailing("Abmelden", "2 Kontis am Plärrer"), "554 5.7.1 ", 0},
	} {
		got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, c.mail)
		if !strings.HasPrefix(got, c.want) || strings.HasPrefix(got, "5") && !strings.Contains(got, b.url+"/city/nuernberg/mail") {
			t.Errorf("%q: %s", c.mail, got)
		}
		if heard := b.take(); len(heard) != c.heard {
			t.Errorf("%q: heard %+v", c.mail, heard)
		}
	}
	b.noAccountMail()
	if err := b.network.storeIgnored(t.Context()); err != nil {
		t.Fatal(err)
	}
	var n int
	if err := b.db.ReadRow(t.Context(), "SELECT n FROM mail_ignored WHERE reason = 'command'").Scan(&n); err != nil || n != 4 {
		t.Errorf("moderators see %d refused, %v", n, err)
	}
}
