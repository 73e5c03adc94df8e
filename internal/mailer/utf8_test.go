package mailer

import (
	"bytes"
	"errors"
	"testing"

	"github.com/emersion/go-smtp"
)

// TestLettersOfAddresses sends to addresses with letters beyond ASCII by a relay that takes none,
// and by one that does. What strangers type into a form costs nobody else a mail.
func TestLettersOfAddresses(t *testing.T) {
	for name, takes := range map[string]bool{"no others": false, "all": true} {
		t.Run(name, func(t *testing.T) {
			r := startRemote(t, func(s *smtp.Server) { s.EnableSMTPUTF8 = takes })
			m := relayTo(t, r)
			for _, local := range []string{"jörg", "ελένη", "олена", "ü", "é"} {
				mail := Mail{From: aMail.From, To: local + "@riders.example", Data: aMail.Data, Account: true}
				err := m.Send(t.Context(), mail)
				answer, ok := errors.AsType[*Error](err)
				switch {
				case takes && err != nil:
					t.Errorf("%s: %v", local, err)
				case !takes && (!ok || !answer.Content() || answer.Gone()):
					t.Errorf("%s: %v, want an answer that it is never taken", local, err)
				}
				if m.Delayed() {
					t.Fatalf("after a mail to %s all wait: %v", local, m.Outages())
				}
			}
			r.seen()
			mustSend(t, m)
			if err := m.Send(t.Context(), Mail{From: aMail.From, To: "anna@Größe.example", Data: aMail.Data}); err != nil {
				t.Errorf("a domain with other letters: %v", err)
			}
			mails, conns := r.seen()
			if len(mails) != 2 || mails[1].To != "anna@xn--gre-6ka8i.example" || conns != 1 {
				t.Errorf("taken were %+v over %d connections", mails, conns)
			}
		})
	}
	if text := (Message{From: "a@x.example", To: "anna@größe.example"}).Bytes(); !bytes.Contains(text, []byte("<anna@xn--gre-6ka8i.example>")) {
		t.Errorf("the mail is\n%s", text)
	}
}
