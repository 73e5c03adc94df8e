package mail

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

const simple = "From: Rider <Rider@Example.org>\nMessage-ID: <one@example.org>\nSubject: U1\n\nPlärrer, 2 Kontis\n"

func TestReportByMail(t *testing.T) {
	b := newBench(t, nil)
	c, _ := b.city("nuernberg")
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, simple); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	got := b.take()
	want := []heard{{c.ID, bots.Incoming{Author: "rider@example.org", Text: "U1\nPlärrer, 2 Kontis", Visibility: report.Private,
		Unverified: &bots.Origin{Domain: "example.org"}}}}
	if len(got) == 1 {
		if got[0].In.ID == "" || strings.Contains(got[0].In.ID, "example") {
			t.Errorf("id %q", got[0].In.ID)
		}
		want[0].In.ID = got[0].In.ID
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	t.Run("again", func(t *testing.T) {
		b.send("other@example.org", []string{"nuernberg@" + domain}, simple)
		if again := b.take(); len(again) != 1 || again[0].In.ID != want[0].In.ID {
			t.Errorf("the same mail has another id: %+v", again)
		}
	})
	t.Run("without Message-ID", func(t *testing.T) {
		mail := strings.Replace(simple, "Message-ID: <one@example.org>\n", "", 1)
		b.send("rider@example.org", []string{"nuernberg@" + domain}, mail)
		b.send("rider@example.org", []string{"nuernberg@" + domain}, mail)
		b.send("rider@example.org", []string{"nuernberg@" + domain}, mail+"and more\n")
		list := b.take()
		if len(list) != 3 || list[0].In.ID != list[1].In.ID || list[1].In.ID == list[2].In.ID {
			t.Errorf("ids %+v", list)
		}
	})
	t.Run("without From", func(t *testing.T) {
		b.send("Envelope@example.org", []string{"nuernberg@" + domain}, "Subject: x\n\nhello\n")
		if list := b.take(); len(list) != 1 || list[0].In.Author != "envelope@example.org" {
			t.Errorf("%+v", list)
		}
	})
}

func TestRecipients(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	_, off := b.city("berlin")
	if err := b.db.EnableBot(t.Context(), off.ID, false); err != nil {
		t.Fatal(err)
	}
	dbtest.MustCreateCity(t, b.db, "botless")
	stopped, _ := b.city("stopped")
	if _, _, err := b.db.Pause(t.Context(), stopped.ID); err != nil {
		t.Fatal(err)
	}
	d := dial(t, b.smtp).greet()
	for _, c := range []struct{ to, want string }{
		{"nuernberg@" + domain, "250 "},
		{"stopped@" + domain, "550 5.7.1 This city takes no reports at the moment. Yours was not passed on."},
		{"NUERNBERG@MAIL.Example", "250 "},
		{"nuernberg+anything@" + domain, "250 "},
		{"postmaster@" + domain, "250 "},
		{"PostMaster@" + domain, "250 "},
		{"nowhere@" + domain, "550 5.1.1 "},
		{"+tag@" + domain, "550 5.1.1 "},
		{"berlin@" + domain, "550 5.7.1 "},
		{"botless@" + domain, "550 5.7.1 "},
		{"rider@example.org", "550 5.7.1 "},
		{"nuernberg@sub." + domain, "550 5.7.1 "},
		{"nuernberg+b.1.0123456789abcdef@" + domain, "250 "}, // not ours, so a tag like any other
		{"\"nuernberg@" + domain + "\"@example.org", "550 5.7.1 "},
		{"rider%example.org@" + domain, "550 5.1.1 "},
	} {
		t.Run(c.to, func(t *testing.T) {
			d.t = t
			d.say("RSET", "250 ")
			d.say("MAIL FROM:<rider@example.org>", "250 ")
			got := d.say("RCPT TO:<"+c.to+">", c.want)
			for _, r := range got {
				if r > 127 {
					t.Errorf("an answer must be ASCII: %s", got)
				}
			}
		})
	}
	t.Run("a city made a moment ago", func(t *testing.T) {
		d.t = t
		d.say("RSET", "250 ")
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		d.say("RCPT TO:<fuerth@"+domain+">", "550 5.1.1 ")
		b.city("fuerth")
		d.say("RCPT TO:<fuerth@"+domain+">", "250 ")
	})
}

func TestAnswersAreASCII(t *testing.T) {
	b := newBench(t, nil)
	for _, lang := range []string{"en", "de"} {
		for _, id := range []string{"relay", "unknown", "off", "files", "encrypted", "winmail", "absence", "complicated", "unreadable", "line", "later", "forged"} {
			text := b.network.host.Texts.T(lang, "mail.refused."+id)
			if strings.ContainsFunc(text, func(r rune) bool { return r > 126 || r < 32 }) || strings.HasPrefix(text, "!") {
				t.Errorf("%s %s: %q", lang, id, text)
			}
		}
	}
}

func TestSeveralRecipients(t *testing.T) {
	b := newBench(t, nil)
	one, _ := b.city("one")
	two, _ := b.city("two")
	if got := b.send("rider@example.org", []string{"one@" + domain, "two@" + domain, "ONE+again@" + domain}, simple); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	var cities []int64
	for _, h := range b.take() {
		cities = append(cities, h.City)
	}
	if diff := cmp.Diff([]int64{one.ID, two.ID}, cities); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestNoReportIsLost(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	b.emitErr = errors.New("disk full")
	putOff := func() {
		t.Helper()
		if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, simple); !strings.HasPrefix(got, "451 4.3.0 ") {
			t.Errorf("got %s", got)
		}
	}
	for range 5 {
		putOff()
	}
	b.clock.Move(time.Minute)
	putOff()
	if one, five := b.log.count("mails=1 err=\"disk full\""), b.log.count("mails=5 err=\"disk full\""); one != 1 || five != 1 {
		t.Errorf("the log tells of the first mail %d times, a minute later of the other five %d times, want once each", one, five)
	}
	b.mu.Lock()
	b.emitErr = nil
	b.mu.Unlock()
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, simple); !strings.HasPrefix(got, "250 ") || len(b.take()) != 1 {
		t.Errorf("got %s", got)
	}
}

func TestRefusedMails(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	picture := "MIME-Version: 1.0\nContent-Type: image/jpeg; name=\"IMG_1.jpg\"\nContent-Transfer-Encoding: base64\n\n/9j/4AAQSkZJRgABAQ==\n"
	for _, c := range []struct{ name, mail, want string }{
		{"a picture", "From: rider@example.org\nSubject: IMG_1.jpg\n" + picture, "554 5.6.0 Pictures"},
		{"PGP", "From: rider@example.org\nSubject: ...\n\n-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n", "554 5.6.0 Encrypted"},
		{"PGP/MIME", "From: rider@example.org\nSubject: ...\nContent-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b\n\n--b\nContent-Type: application/pgp-encrypted\n\nVersion: 1\n--b\nContent-Type: application/octet-stream\n\n-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n--b--\n", "554 5.6.0 Encrypted"},
		{"S/MIME", "From: rider@example.org\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n\nMIAGCSqGSIb3DQEHA6CAMIACAQAx\n", "554 5.6.0 Encrypted"},
		{"winmail.dat", "From: rider@example.org\nSubject: U1\nContent-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+IgAA\n", "554 5.6.0 Your Outlook"},
		{"nonsense", "# no mail at all\n", "554 5.6.0 "},
		{"empty", "From: rider@example.org\n\n\n", "554 5.6.0 This mail is empty"},
		{"an empty answer", "From: rider@example.org\nSubject: Re: U1\n\n \n", "554 5.6.0 This mail is empty"},
		{"a quotation", answering + "From: rider@example.org\n\n" + quoted, "554 5.6.0 There is nothing new"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, c.mail); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if got := b.take(); len(got) > 0 {
				t.Errorf("heard %+v", got)
			}
		})
	}
	t.Run("a broken bounce is not answered with an error", func(t *testing.T) {
		if got := b.send("", []string{"nuernberg@" + domain}, picture); !strings.HasPrefix(got, "250 ") {
			t.Error(got)
		}
	})
	b.noAccountMail()
	if n := len(b.out.Take()); n > 0 {
		t.Errorf("%d mails were sent to strangers", n)
	}
}

func TestOwnMailsAreNoReports(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.city("fuerth")
	b.mustSubscribe(bot, "rider@example.org")
	ours := b.network.reportMail(c, bot, b.find(bot, "rider@example.org"), b.delivery(bot, report.Report{ID: "r", Text: "U1"}, "rider@example.org"), choices{digest: true})
	for _, m := range []struct{ name, from, mail string }{
		{"a report", "someone@example.org", string(ours.Data)},
		{"with nothing but our mark", "someone@example.org", mailer.LoopHeader + ": " + domain + "\nFrom: rider@example.org\n\nhello\n"},
		{"from a city", "someone@example.org", "From: Fuerth@" + domain + "\n\nhello\n"},
		{"from a city's envelope", "fuerth+x@" + domain, "From: rider@example.org\n\nhello\n"},
		{"an account mail", "someone@example.org", "From: ticketfrei@" + domain + "\n\nhello\n"},
	} {
		t.Run(m.name, func(t *testing.T) {
			if got := b.send(m.from, []string{"nuernberg@" + domain}, m.mail); !strings.HasPrefix(got, "250 ") {
				t.Error(got)
			}
			if got := b.take(); len(got) > 0 {
				t.Errorf("heard %+v", got)
			}
		})
	}
	t.Run("but other people of our domain may report", func(t *testing.T) {
		b.send("rider@"+domain, []string{"nuernberg@" + domain}, "From: rider@"+domain+"\n\nhello\n")
		if got := b.take(); len(got) != 1 {
			t.Errorf("heard %+v", got)
		}
	})
}

func TestChunks(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	mail := strings.ReplaceAll(simple, "\n", "\r\n")
	begin := func(t *testing.T) *dialogue {
		d := dial(t, b.smtp).greet()
		d.say("MAIL FROM:<rider@example.org>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		return d
	}
	t.Run("two", func(t *testing.T) {
		d := begin(t)
		d.write(fmt.Sprintf("BDAT 20\r\n%s", mail[:20]))
		if got := d.multi(); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		d.write(fmt.Sprintf("BDAT %d LAST\r\n%s", len(mail)-20, mail[20:]))
		if got := d.multi(); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		if got := b.take(); len(got) != 1 || got[0].In.Text != "U1\nPlärrer, 2 Kontis" {
			t.Errorf("heard %+v", got)
		}
	})
	t.Run("the connection breaks in the last one", func(t *testing.T) {
		d := begin(t)
		d.write(fmt.Sprintf("BDAT %d LAST\r\n%s", len(mail), mail[:len(mail)-10]))
		if err := d.conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		rest, _ := io.ReadAll(d.conn)
		if strings.Contains(string(rest), "250 2.0.0 OK") || len(b.take()) > 0 {
			t.Errorf("half a mail was taken: %q", rest)
		}
	})
}

func TestDroppedConnection(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	d := dial(t, b.smtp).greet()
	d.say("MAIL FROM:<rider@example.org>", "250 ")
	d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
	d.say("DATA", "354 ")
	d.write("From: rider@example.org\r\n\r\nhalf a ma")
	d.conn.Close()
	if got := b.send("rider@example.org", []string{"nuernberg@" + domain}, simple); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if got := b.take(); len(got) != 1 || strings.Contains(got[0].In.Text, "half") {
		t.Errorf("heard %+v", got)
	}
}

// Mail to the postmaster is kept as it came, where the key is needed to read it.
func TestPostmaster(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	if got := b.send("", []string{"postmaster@" + domain}, "Subject: abuse\n\nhello\n"); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if got := b.letters(); len(got) != 1 || got[0] != "Subject: abuse\r\n\r\nhello\r\n" {
		t.Errorf("%q were kept", got)
	}
	var stored string
	if err := b.db.ReadRow(t.Context(), "SELECT mail FROM postmaster").Scan(&stored); err != nil || strings.Contains(stored, "hello") {
		t.Errorf("%q is stored, %v", stored, err)
	}
}

// What comes for the postmaster cannot fill the disk: the oldest mails go.
func TestPostmasterIsBounded(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	keep := func(n int, sizes ...int) {
		t.Helper()
		err := b.db.Write(t.Context(), func(tx *gorm.DB) error {
			for i := range n {
				if err := tx.Exec("INSERT INTO postmaster (at, size, mail) VALUES (0, ?, '')", sizes[i%len(sizes)]).Error; err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	send := func() (sizes []int) {
		t.Helper()
		if got := b.send("x@example.org", []string{"postmaster@" + domain}, "Subject: abuse\n\nhello\n"); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
		list, err := b.db.Postmaster(b.box).List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			sizes = append(sizes, m.Size)
		}
		return sizes
	}
	keep(3, 10<<20, db.MaxPostmasterBytes-(1<<20), 500<<10)
	if left := send(); len(left) != 3 || left[0] != db.MaxPostmasterBytes-(1<<20) {
		t.Errorf("over 50 MB there are %v", left)
	}
	keep(1, db.MaxPostmasterBytes)
	if left := send(); len(left) != 1 {
		t.Errorf("with a mail that is too big there are %v", left)
	}
	keep(db.MaxPostmaster+1, 1, 2)
	if left := send(); len(left) != db.MaxPostmaster || left[0] != 1 {
		t.Errorf("of many mails there are %d", len(left))
	}
}

// TestPostmasterTakesOver has an earlier version leave mails in files: they are taken into the
// database at the start, and what is no mail stays.
func TestPostmasterTakesOver(t *testing.T) {
	dir := ""
	b := newBench(t, func(c *config.Config) {
		dir = filepath.Join(c.Data, "postmaster")
		if err := os.MkdirAll(filepath.Join(dir, "kept by hand"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"20260101T100000.000Z-A.eml": "Subject: one\r\n\r\n1\r\n", "20260102T100000.000Z-B.eml": "Subject: two\r\n\r\n2\r\n",
			".new-123": "half a ma"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	})
	if got := b.letters(); len(got) != 2 || !strings.Contains(got[0], "one") || !strings.Contains(got[1], "two") {
		t.Errorf("%q were taken over", got)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left: %v, %v", left, err)
	}
}
