package mail

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
	"ticketfrei/internal/freeport"
)

func TestDemo(t *testing.T) {
	relay, err := freeport.Address()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, func(c *config.Config) { c.Mail.Relay = "smtp://" + relay })
	c, bot := b.city("nuernberg")
	pages, err := b.network.StartDemo(t.Context(), b.site, c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(demoSubscribers, b.subscribers(bot)); diff != "" {
		t.Error(diff)
	}
	b.showDemo(pages)
	code, body := b.get("/demo/mail")
	b.expect(code, body, 200, "No mail has been sent yet.")
	if _, err := b.deliver(bot, "r1", demoSubscribers[0]); err != nil {
		t.Fatal(err)
	}
	code, body = b.get("/demo/mail")
	b.expect(code, body, 200, `<a href="/demo/mail/1">nuernberg: U1 Plärrer</a>`, demoSubscribers[0])
	code, body = b.get("/demo/mail/1")
	b.expect(code, body, 200, "U1 Plärrer", `<a href="`+b.url+"/city/nuernberg/mail/unsubscribe/", "List-Unsubscribe-Post")
	code, _ = b.get("/demo/mail/2")
	if code != http.StatusNotFound {
		t.Errorf("a mail that is not there: %d", code)
	}
}

func TestMailboxKeepsTheLast(t *testing.T) {
	b := newBench(t, nil)
	box := &mailbox{now: b.clock.Now}
	for range maxCaught + 10 {
		box.add(caughtMail{raw: []byte("Subject: <script>\r\n\r\nhello\r\n")})
	}
	all := box.all()
	if len(all) != maxCaught || all[0].id != maxCaught+10 {
		t.Errorf("%d mails, the last is %d", len(all), all[0].id)
	}
	b.showDemo(demoPages(b.site, box))
	code, body := b.get("/demo/mail")
	b.expect(code, body, 200, "&lt;script&gt;")
	if strings.Contains(body, "<script>") {
		t.Error("a subject is not escaped")
	}
}

// showDemo mounts the demo's pages where the program does.
func (b *bench) showDemo(pages http.Handler) {
	b.site.HandleDemo(Name, pages)
}
