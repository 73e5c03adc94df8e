package mail

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"ticketfrei/db/dbtest"
)

func TestSMTPLimits(t *testing.T) {
	b := newBench(t, nil)
	_, nuernberg := b.city("nuernberg")
	t.Run("size", func(t *testing.T) {
		d := dial(t, b.smtp)
		d.reply()
		if got := d.say("EHLO client.example", "250 "); !strings.Contains(got, fmt.Sprintf("SIZE %d", maxMessage)) {
			t.Errorf("SIZE is not announced: %s", got)
		}
		d.say(fmt.Sprintf("MAIL FROM:<rider@example.org> SIZE=%d", maxMessage+1), "552 ")
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		d.say("DATA", "354 ")
		d.write("Subject: x\r\n\r\n" + strings.Repeat("0123456789012345678901234567890123456789\r\n", maxMessage/42+100) + ".\r\n")
		if got := d.multi(); !strings.HasPrefix(got, "552 5.3.4 This mail is too large.") {
			t.Errorf("got %s", got)
		}
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		d.write(fmt.Sprintf("BDAT %d LAST\r\n", maxMessage+4) + strings.Repeat("xx\r\n", maxMessage/4+1))
		if got := d.multi(); !strings.HasPrefix(got, "552 5.3.4 ") {
			t.Errorf("in chunks: %s", got)
		}
		d.say("NOOP", "250 ")
	})
	t.Run("recipients", func(t *testing.T) {
		d := dial(t, b.smtp).greet()
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		for range maxRecipients {
			d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		}
		d.say("RCPT TO:<nuernberg@"+domain+">", "452 ")
	})
	t.Run("line", func(t *testing.T) {
		d := dial(t, b.smtp).greet()
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		d.say("DATA", "354 ")
		d.write("Subject: x\r\n\r\n" + strings.Repeat("x", maxLine+1) + "\r\n.\r\n")
		if got := d.multi(); !strings.HasPrefix(got, "500 5.6.0 This mail has too long a line.") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("line, in German", func(t *testing.T) {
		c, _ := b.city("fuerth")
		dbtest.MustSaveTexts(t, b.db, c.ID, "Fürth", "de", "")
		mail := "From: rider@example.org\n\n" + strings.Repeat("x", maxLine+1)
		if got := b.send("rider@example.org", []string{"fuerth@" + domain, "nuernberg@" + domain}, mail); !strings.HasPrefix(got, "500 5.6.0 Diese Mail hat eine zu lange Zeile.") {
			t.Errorf("got %s", got)
		}
	})
	t.Run("command before its time", func(t *testing.T) {
		d := dial(t, b.smtp).greet()
		d.say("RCPT TO:<nuernberg@"+domain+">", "502 ")
		d.say("DATA", "502 ")
	})
	if got := b.take(); len(got) > 0 {
		t.Errorf("heard %+v", got)
	}
	days, err := b.network.listIgnored(t.Context(), nuernberg.ID)
	if err != nil {
		t.Fatal(err)
	}
	want := []ignoredMails{{"line", 2}, {"large", 1}} // the library counts chunks by itself
	if len(days) != 1 || !slices.Equal(days[0].Mail, want) {
		t.Errorf("moderators see %+v, want %+v", days, want)
	}
}

// Some programs write a paragraph in one line.
func TestLongLine(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	mail := "From: rider@example.org\nSubject: U1\n\n2 Kontis " + strings.Repeat("und noch ein Wort ", 1000)
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, mail); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if heard := b.take(); len(heard) != 1 || !strings.HasPrefix(heard[0].In.Text, "U1\n2 Kontis und noch") {
		t.Errorf("heard %+v", heard)
	}
}

// What a lax server takes for the end of a mail must not end it: behind it
// stands another mail, with a sender that was never checked.
func TestSmuggling(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	for _, end := range []string{"\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r\n.\r", "\r\n\x00.\r\n"} {
		t.Run(fmt.Sprintf("%q", end), func(t *testing.T) {
			d := dial(t, b.smtp).greet()
			d.say("MAIL FROM:<rider@example.org>", "250 ")
			d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
			d.say("DATA", "354 ")
			d.write("From: rider@example.org\r\n\r\nfirst" + end +
				"MAIL FROM:<forged@example.org>\r\nRCPT TO:<nuernberg@" + domain + ">\r\nDATA\r\nFrom: forged@example.org\r\n\r\nsecond\r\n.\r\n")
			d.multi()
			d.say("QUIT", "221 ")
			for _, h := range b.take() {
				if h.In.Author != "rider@example.org" {
					t.Errorf("a smuggled mail: %+v", h.In)
				}
			}
		})
	}
}
