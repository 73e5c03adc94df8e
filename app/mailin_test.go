package app

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ticketfrei/internal/mailer/mailertest"
)

// A photo of 4 MB stays behind, its words go on, and who sent it is told.
func TestPhotoStaysBehind(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "kontis?", "")
	a.subscribe(box, "nuernberg", "two@riders.example")
	photo := strings.Repeat(strings.Repeat("Q", 76)+"\r\n", 4<<20/57)
	mail := fmt.Appendf(nil, "From: one@riders.example\r\nTo: %s\r\nSubject: U1\r\nMessage-ID: <1@riders.example>\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n2 Kontis am Plärrer\r\n"+
		"--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n%s--b--\r\n", here, photo)
	signer := mailertest.NewSigner(t, a.names, "riders.example")
	if err := sendMail(a.smtp, "one@riders.example", here, signer.Sign(mail)); err != nil {
		t.Fatal(err)
	}
	if l := box.waitFor(t, "two@riders.example", "2 Kontis am Plärrer"); strings.Contains(l.Body, "QQQQ") {
		t.Error("the picture was passed on")
	}
	box.waitFor(t, "one@riders.example", "We do not pass pictures and files on")
}

// Who answers a report with STOP gets a link, and with it no more reports.
func TestStopByMail(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", "stays@riders.example", "leaves@riders.example")
	a.mustSend("x@riders.example", here, "m1@x", "", "first")
	got := box.waitFor(t, "leaves@riders.example", "first")
	answer := fmt.Appendf(nil, "From: leaves@riders.example\r\nTo: %s\r\nSubject: Re: nuernberg: first\r\nIn-Reply-To: %s\r\n"+
		"Message-ID: <m2@riders.example>\r\n\r\nStop!\r\n\r\nOn 3 May 2024 at 11:58, nuernberg <%s> wrote:\r\n> %s\r\n", here, got.Header.Get("Message-ID"), here,
		strings.ReplaceAll(strings.ReplaceAll(strings.TrimSpace(got.Body), "\r\n", "\n"), "\n", "\r\n> "))
	if err := sendMail(a.smtp, "leaves@riders.example", here, answer); err == nil || !strings.Contains(err.Error(), a.url+"/city/nuernberg/mail") {
		t.Errorf("not proven: %v", err)
	}
	signer := mailertest.NewSigner(t, a.names, "riders.example")
	if err := sendMail(a.smtp, "leaves@riders.example", here, signer.Sign(answer)); err != nil {
		t.Fatal(err)
	}
	link := box.waitFor(t, "leaves@riders.example", "that you want no more reports").link(t, "/mail/unsubscribe/")
	a.browser().post(strings.TrimPrefix(link, a.url), nil, http.StatusOK)
	a.mustSend("x@riders.example", here, "m3@x", "", "second")
	box.waitFor(t, "stays@riders.example", "second")
	a.settled()
	for _, not := range []string{"second", "Stop!"} {
		if len(box.to(t, "leaves@riders.example", not))+len(box.to(t, "stays@riders.example", "Stop!")) > 0 {
			t.Errorf("%q was mailed on", not)
		}
	}
}
