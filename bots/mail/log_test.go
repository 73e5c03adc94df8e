package mail

import (
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"

	"ticketfrei/bots/mail/certificate/certificatetest"
	"ticketfrei/internal/config"
)

// traces are the forms in which a text may stand somewhere: as it is, and within
// something that is base64.
func traces(text string) []string {
	list := []string{text}
	for shift := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + text))
		// The letters at both ends hold bits of what stands beside it.
		list = append(list, encoded[(shift*8+5)/6:len(encoded)-1])
	}
	return list
}

// Nothing of a mail stands in the log, whatever becomes of it, and not who brought
// it either. Not even at debug level.
func TestLogSaysNothingOfMails(t *testing.T) {
	cert, key := certificatetest.MustWrite(t, t.TempDir(), domain, 1)
	b := newBench(t, func(c *config.Config) { c.Mail.TLSCert, c.Mail.TLSKey = cert, key })
	b.city("nuernberg")
	var clients []string
	open := func(from string) *dialogue {
		d := dial(t, b.smtp).greet()
		clients = append(clients, d.conn.LocalAddr().String())
		d.say("MAIL FROM:<"+from+">", "250 ")
		d.say("RCPT TO:<nuernberg@"+domain+">", "250 ")
		return d
	}
	send := func(from, mail string) {
		d := open(from)
		d.say("DATA", "354 ")
		d.write(dotted(mail))
		d.multi()
		d.conn.Close()
	}
	const from = "anna.geheim@riders.example"
	head := "From: Anna Geheim <" + from + ">\nTo: nuernberg@" + domain + "\nMessage-ID: <idgeheim@riders.example>\nSubject: Betreffgeheim\n"
	for _, mail := range []string{
		head + "\nPlaerrer geheimtext\n",
		head + "DKIM-Signature: v=1; a=rsa-sha256; d=riders.example; s=geheim; h=from; bh=x; b=y\n\nPlaerrer geheimtext\n",
		head + "Precedence: bulk\n\ngeheimtext\n",
		head + "Content-Type: image/png; name=geheimtext.png\n\nx\n",
		head + "Content-Type: multipart/mixed; boundary=\"geheimtext\n\n--geheimtext\nContent-Type: geheimtext\n\n",
		head + strings.Repeat("Content-Type: multipart/mixed; boundary=geheimtext\n", 30) + "\n--geheimtext\n",
		"geheimtext " + from + "\n" + strings.Repeat("\x00", 30) + "\n",
		head + "\n" + strings.Repeat("geheimtext", 1000) + "\n",
	} {
		send(from, mail)
		send("", mail)
	}
	for _, trouble := range []any{"geheimtext of " + from, io.ErrUnexpectedEOF} {
		b.mu.Lock()
		b.panics = trouble
		b.mu.Unlock()
		send(from, head+"\ngeheimtext\n")
	}
	b.mu.Lock()
	b.panics = nil
	b.mu.Unlock()
	d := open(from)
	d.say("DATA", "354 ")
	d.write("geheimtext")
	if err := d.conn.(*net.TCPConn).SetLinger(0); err != nil { // a reset
		t.Fatal(err)
	}
	d.conn.Close()
	d = open(from)
	d.say("STARTTLS", "220 ")
	d.write("geheimtext " + from + "\r\n\r\n")
	d.conn.Close()
	d = open(from)
	d.write("VRFY " + from + "\r\nGEHEIMTEXT " + from + "\r\n")
	d.conn.Close()
	// Each of these has ended when the server has.
	b.stop()

	for _, line := range []string{"a mail is no report", "a mail could not be read", "a connection failed", "stack="} {
		if b.log.count(line) == 0 {
			t.Errorf("the log does not say %q, so this test looks at too little", line)
		}
	}
	words := append(clients, from, "anna.geheim", "Anna Geheim", "riders.example", "idgeheim", "Betreffgeheim", "geheimtext", "GEHEIMTEXT", "geheim")
	for _, word := range words {
		for _, trace := range traces(word) {
			if b.log.count(trace) > 0 {
				t.Errorf("the log says %q (%s):\n%s", word, trace, b.log.text.String())
			}
		}
	}
}
