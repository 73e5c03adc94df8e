package mail

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/internal/config"
)

// Moderators see how many mails were no reports, and why; of the mails nothing is
// kept.
func TestIgnoredMailsAreCounted(t *testing.T) {
	b := newBench(t, nil)
	client, _, _ := b.login("nuernberg")
	b.city("fuerth")
	page := func() string {
		t.Helper()
		_, body := b.read(client.Get(b.url + "/settings/networks"))
		_, body, _ = strings.Cut(body, `id="mail-ignored"`)
		body, _, _ = strings.Cut(body, "</details>")
		return body
	}
	if got := page(); !strings.Contains(got, "There were none in the last two weeks.") {
		t.Errorf("before: %s", got)
	}
	auto := "From: geheim@riders.example\nAuto-Submitted: auto-replied\nSubject: geheim\n\ngeheim\n"
	for range 3 {
		b.send("geheim@riders.example", []string{"nuernberg@" + domain, "fuerth@" + domain}, auto)
	}
	b.clock.Move(48 * time.Hour)
	b.send("geheim@riders.example", []string{"nuernberg@" + domain}, answering+"From: geheim@riders.example\n\n"+quoted)
	b.send("geheim@riders.example", []string{"nuernberg@" + domain}, simple)
	got := page()
	for _, want := range []string{"Friday, 3 May", "Automatic answers: 3", "Sunday, 5 May", "Without words of their own; the writers were told: 1"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not there: %s", want, got)
		}
	}
	if strings.Contains(got, "!mail.") || strings.Index(got, "5 May") > strings.Index(got, "3 May") {
		t.Errorf("shown: %s", got)
	}
	b.clock.Move(13 * 24 * time.Hour)
	b.send("geheim@riders.example", []string{"nuernberg@" + domain}, auto)
	if got := page(); strings.Contains(got, "3 May") || !strings.Contains(got, "5 May") || !strings.Contains(got, "18 May") {
		t.Errorf("after two weeks: %s", got)
	}
}

// Every reason has its words, for the page and for the answer.
func TestReasonsHaveWords(t *testing.T) {
	b := newBench(t, nil)
	for _, reason := range append(mailtext.Skips(), refusals...) {
		if !b.network.host.Texts.Has("mail.ignored." + reason) {
			t.Errorf("mail.ignored.%s is missing", reason)
		}
	}
	for _, reason := range refusals {
		if !b.network.host.Texts.Has("mail.refused." + reason) {
			t.Errorf("mail.refused.%s is missing", reason)
		}
	}
}

// A flood of mails that are no reports writes a few rows, and what was counted
// outlives the server.
func TestIgnoredFlood(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	d := dial(t, b.smtp).greet()
	for i := range 100 {
		d.say("MAIL FROM:<x@example.org>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		d.say("DATA", "354 ")
		d.write(fmt.Sprintf("From: x%d@example.org\r\nAuto-Submitted: auto-replied\r\n\r\nx\r\n.\r\n", i))
		if got := d.multi(); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
	}
	d.conn.Close()
	b.stop()
	if n := b.rows("mail_ignored"); n != 1 {
		t.Errorf("%d rows", n)
	}
	var n int
	if err := b.db.ReadRow(t.Context(), "SELECT n FROM mail_ignored WHERE bot_id = ?", bot.ID).Scan(&n); err != nil || n != 100 {
		t.Errorf("counted %d, %v", n, err)
	}
	if err := b.network.Forget(t.Context(), bot); err != nil || b.rows("mail_ignored") != 0 {
		t.Errorf("%d rows are left, %v", b.rows("mail_ignored"), err)
	}
}

// The addresses that every mail server must have reach the operator; what machines
// answer to account mails does not.
func TestOperatorsAddresses(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Mail.From = "Hallo@" + domain })
	b.city("nuernberg")
	auto := "From: x@example.org\nAuto-Submitted: auto-replied\nSubject: away\n\nI am away\n"
	for _, c := range []struct {
		name, from, to, mail string
		kept                 int
	}{
		{"abuse", "x@example.org", "Abuse", simple, 1},
		{"postmaster", "x@example.org", "postmaster", auto, 1},
		{"postmaster with a tag", "x@example.org", "postmaster+x", simple, 1},
		{"an answer to an account mail", "x@example.org", "hallo", simple, 1},
		{"one without words", "x@example.org", "hallo", answering + "From: x@example.org\n\n" + quoted, 1},
		{"an automatic one", "x@example.org", "hallo", auto, 0},
		{"a bounce", "", "hallo", deliveryReport("failed", "5.1.1"), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.t = t
			before := len(b.letters())
			if got := b.send(c.from, []string{c.to + "@" + domain}, c.mail); !strings.HasPrefix(got, "250 ") {
				t.Fatal(got)
			}
			if got := len(b.letters()) - before; got != c.kept {
				t.Errorf("%d were kept, want %d", got, c.kept)
			}
			if heard := b.take(); len(heard) > 0 {
				t.Errorf("heard %+v", heard)
			}
		})
	}
	b.t = t
	t.Run("beside a city", func(t *testing.T) {
		b.t = t
		before := len(b.letters())
		b.send("x@example.org", []string{"abuse@" + domain, "nuernberg@" + domain, "hallo@" + domain}, simple)
		if kept, heard := len(b.letters())-before, len(b.take()); kept != 1 || heard != 1 {
			t.Errorf("%d were kept, %d heard", kept, heard)
		}
	})
}

// A flood to the operator's addresses is one line of the log a minute.
func TestFloodToTheOperator(t *testing.T) {
	b := newBench(t, nil)
	send := func(n int) {
		t.Helper()
		for range n {
			if got := b.send("x@example.org", []string{"postmaster@" + domain}, simple); !strings.HasPrefix(got, "250 ") {
				t.Fatal(got)
			}
		}
	}
	send(10)
	if lines := b.log.count("mail for the operator"); lines != 1 || b.log.count("mails=1 ") != 1 {
		t.Errorf("%d lines", lines)
	}
	b.clock.Move(time.Minute)
	send(3)
	if lines := b.log.count("mail for the operator"); lines != 2 || b.log.count("mails=10 ") != 1 {
		t.Errorf("%d lines after a minute", lines)
	}
	if got := len(b.letters()); got != 13 {
		t.Errorf("%d were kept", got)
	}
}

// The postmaster needs no domain (RFC 5321 §4.5.1); in the text of a mail nothing is
// changed.
func TestBarePostmaster(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	const line = "RCPT TO:<postmaster>"
	for _, command := range []string{line, "rcpt to:<Postmaster>"} {
		d := dial(t, b.smtp).greet()
		d.say("MAIL FROM:<x@example.org>", "250 ")
		d.say(command, "250 ")
		d.say("DATA", "354 ")
		d.write("Subject: x\r\n\r\n" + line + "\r\n.\r\n")
		if got := d.multi(); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
	}
	d := dial(t, b.smtp).greet()
	d.say("MAIL FROM:<x@example.org>", "250 ")
	d.write(line + "\r\n" + fmt.Sprintf("BDAT %d LAST\r\n", len(line)+4) + "\r\n" + line + "\r\n")
	if d.multi(); len(b.letters()) != 2 { // the recipient is refused, the chunk stays whole
		t.Errorf("%d were kept", len(b.letters()))
	}
	d = dial(t, b.smtp).greet()
	d.say("MAIL FROM:<x@example.org>", "250 ")
	d.say(line, "250 ")
	d.write(fmt.Sprintf("BDAT %d LAST\r\n", len(line)+4) + "\r\n" + line + "\r\n")
	if got := d.multi(); !strings.HasPrefix(got, "250 ") {
		t.Error(got)
	}
	for _, raw := range b.letters() {
		if !strings.HasSuffix(raw, "\r\n"+line+"\r\n") {
			t.Errorf("kept %q", raw)
		}
	}
	if got := len(b.letters()); got != 3 {
		t.Errorf("%d were kept", got)
	}
}

// A city may have the address that account mails come from.
func TestSenderIsACity(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Mail.From = "nuernberg@" + domain })
	b.city("nuernberg")
	b.send("x@example.org", []string{"nuernberg@" + domain}, simple)
	if kept, heard := len(b.letters()), len(b.take()); kept != 0 || heard != 1 {
		t.Errorf("%d were kept, %d heard", kept, heard)
	}
}

// Who has no Message-ID and no date may say the same again later.
func TestNamelessMails(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	for _, c := range []struct {
		head string
		same bool // an hour later
	}{
		{"", false}, {"Message-ID: <>\n", false}, {"Message-ID:\n <1@example.org>\n", true}, {"Date: Fri, 3 May 2024 10:00:00 +0000\n", true},
	} {
		var ids []string
		for _, later := range []time.Duration{0, time.Minute, time.Hour} {
			b.clock.Move(later)
			b.send("rider@example.org", []string{"nuernberg@" + domain}, "Received: from relay.example; "+later.String()+"\nFrom: rider@example.org\n"+c.head+"Subject: U1\n\n2 Kontis\n")
			ids = append(ids, b.take()[0].In.ID)
		}
		if ids[0] != ids[1] || (ids[1] == ids[2]) != c.same {
			t.Errorf("%q: ids %q", c.head, ids)
		}
	}
}
