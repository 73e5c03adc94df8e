package mail

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"ticketfrei/internal/mailer/mailertest"
	"ticketfrei/internal/slow"
)

// withPhoto is a mail of a rider with a picture of so many bytes, as it goes through
// DATA, without the end.
func withPhoto(id string, size int) []byte {
	var b bytes.Buffer
	b.WriteString("From: Anna <anna@riders.example>\r\nTo: nuernberg@" + domain + "\r\nMessage-ID: <" + id + "@riders.example>\r\nSubject: U1\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_b\"\r\n\r\n" +
		"--=_b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlärrer, 2 Kontis\r\n" +
		"--=_b\r\nContent-Type: image/jpeg; name=IMG_1.JPG\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	line := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff, 0xd8, 7}, 19))
	for range size / 57 {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("--=_b--\r\n")
	return b.Bytes()
}

// put sends a mail and returns the answer.
func (b *bench) put(mail io.Reader) string {
	d := dial(b.t, b.smtp).greet()
	defer d.conn.Close()
	_ = d.conn.SetDeadline(time.Now().Add(time.Minute))
	d.say("MAIL FROM:<anna@riders.example>", "250 ")
	d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
	d.say("DATA", "354 ")
	if _, err := io.Copy(d.conn, mail); err != nil {
		b.t.Error(err)
	}
	d.write(".\r\n")
	return d.multi()
}

// Photos take no memory, and who wrote is proven beside them.
func TestLargeMails(t *testing.T) {
	slow.Test(t, "sends many megabytes")
	b := newBench(t, nil)
	b.city("nuernberg")
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	for _, c := range []struct{ mails, size, most int }{{10, 4 << 20, 20 << 20}, {2, 17 << 20, 20 << 20}} {
		t.Run(fmt.Sprintf("%d of %d MB", c.mails, c.size>>20), func(t *testing.T) {
			b.t = t
			dir := t.TempDir() // from files mails are sent without memory
			for i := range c.mails {
				mail := signer.Sign(withPhoto(fmt.Sprintf("%d.%d", i, c.size), c.size))
				if err := os.WriteFile(filepath.Join(dir, strconv.Itoa(i)), mail, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			used := mostMemory(func() {
				var all sync.WaitGroup
				for i := range c.mails {
					all.Go(func() {
						mail, err := os.Open(filepath.Join(dir, strconv.Itoa(i)))
						if err != nil {
							t.Error(err)
							return
						}
						defer mail.Close()
						if got := b.put(mail); !strings.HasPrefix(got, "250 ") {
							t.Error(got)
						}
					})
				}
				all.Wait()
			})
			heard := b.take()
			for _, h := range heard {
				if h.In.Text != "U1\nPlärrer, 2 Kontis" || h.In.Unverified != nil {
					t.Errorf("heard %+v", h.In)
				}
			}
			if len(heard) != c.mails {
				t.Errorf("heard %d mails, want %d", len(heard), c.mails)
			}
			if t.Logf("took %d KB of memory", used>>10); used > c.most {
				t.Errorf("took %d KB of memory, want at most %d", used>>10, c.most>>10)
			}
		})
	}
}

// mostMemory returns how much more memory the process has than before at the most
// while it does something.
func mostMemory(do func()) int {
	debug.FreeOSMemory()
	before := memory()
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	for most := before; ; {
		select {
		case <-done:
			return most - before
		case <-time.After(time.Millisecond):
			most = max(most, memory())
		}
	}
}

// memory is what the process has from the system.
func memory() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.Sys - m.HeapReleased)
}

// A signature that does not hold for the picture proves nothing.
func TestLargeMailIsForged(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	signer := mailertest.NewSigner(t, b.names, "riders.example")
	mail := signer.Sign(withPhoto("1", 1<<20))
	at := bytes.LastIndex(mail, []byte("--=_b"))
	mail[at-10] ^= 1
	if got := b.put(bytes.NewReader(mail)); !strings.HasPrefix(got, "250 ") {
		t.Fatal(got)
	}
	if heard := b.take(); len(heard) != 1 || heard[0].In.Unverified == nil {
		t.Errorf("heard %+v", heard)
	}
}

// A large mail may come in chunks.
func TestLargeMailInChunks(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	mail := mailertest.NewSigner(t, b.names, "riders.example").Sign(withPhoto("1", 2<<20))
	d := dial(t, b.smtp).greet()
	d.say("MAIL FROM:<anna@riders.example>", "250 ")
	d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
	for len(mail) > 0 {
		chunk, last := mail[:min(len(mail), 300_000)], ""
		if mail = mail[len(chunk):]; len(mail) == 0 {
			last = " LAST"
		}
		d.write(fmt.Sprintf("BDAT %d%s\r\n%s", len(chunk), last, chunk))
		if got := d.multi(); !strings.HasPrefix(got, "250 ") {
			t.Fatal(got)
		}
	}
	if heard := b.take(); len(heard) != 1 || heard[0].In.Text != "U1\nPlärrer, 2 Kontis" || heard[0].In.Unverified != nil {
		t.Errorf("heard %+v", heard)
	}
}

// A large mail that is broken off is not taken, and the server goes on.
func TestLargeMailBrokenOff(t *testing.T) {
	b := newBench(t, nil)
	b.city("nuernberg")
	mail := mailertest.NewSigner(t, b.names, "riders.example").Sign(withPhoto("1", 2<<20))
	for _, command := range []string{"DATA", fmt.Sprintf("BDAT %d LAST", len(mail))} {
		d := dial(t, b.smtp).greet()
		d.say("MAIL FROM:<anna@riders.example>", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		d.write(command + "\r\n")
		if command == "DATA" {
			d.multi()
		}
		d.write(string(mail[:1<<20]))
		d.conn.Close()
	}
	b.stop() // waits for every dialogue
	if heard := b.take(); len(heard) > 0 {
		t.Errorf("heard %+v", heard)
	}
}
