package mail

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"ticketfrei/internal/mailer/mailertest"
)

// Who sends a picture is told once that it stays behind, in every city and again
// after months; whoever is not proven is not written to.
func TestPicturesAreToldOfOnce(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.city("fuerth")
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	n := 0
	send := func(city string, signed bool) {
		t.Helper()
		n++
		mail := bytes.ReplaceAll(withPhoto(strings.Repeat("x", n), 2000), []byte("nuernberg@"), []byte(city+"@"))
		if signed {
			mail = signer.Sign(mail)
		}
		if got := b.send("anna@riders.example", []string{city + "@" + domain}, string(mail)); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		if heard := b.take(); len(heard) != 1 || heard[0].In.Text != "U1\nPlärrer, 2 Kontis" {
			t.Errorf("heard %+v", heard)
		}
	}
	send("nuernberg", false)
	b.noAccountMail()
	send("nuernberg", true)
	m, read := b.accountMail()
	if m.To != "anna@riders.example" || !strings.Contains(read.Subject, "pictures") || !strings.Contains(read.Text, "nuernberg@"+domain) {
		t.Errorf("mailed %s: %+v", m.To, read)
	}
	send("nuernberg", true)
	b.noAccountMail()
	send("fuerth", true)
	b.accountMail()
	b.clock.Move(toldKept + time.Hour)
	send("nuernberg", true)
	b.accountMail()
	b.mu.Lock()
	for _, asked := range b.asked {
		if asked.Client != "" {
			t.Errorf("a mail server counts as a client: %+v", asked)
		}
	}
	b.mu.Unlock()
	if rows := b.rows("mail_told"); rows != 1 {
		t.Errorf("%d rows: what is old stays", rows)
	}
	if err := b.network.Forget(t.Context(), bot); err != nil || b.rows("mail_told") != 0 {
		t.Errorf("%d rows are left, %v", b.rows("mail_told"), err)
	}
}

// The report is taken also where its author cannot be told.
func TestTellingFails(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	b.tooMany = true
	mail := mailertest.NewSigner(t, b.names, "riders.example").Sign(withPhoto("1", 2000))
	if got := b.send("anna@riders.example", []string{"nuernberg@" + domain}, string(mail)); !strings.HasPrefix(got, "250 ") || len(b.take()) != 1 {
		t.Error(got)
	}
}
