package app

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

// anna is who the servers of others name. Nothing of ours may.
const anna = "anna.mueller@riders.example"

// TestWordsOfOthersReachNobody has a mail server say whose mailbox is gone, to the
// mail with a report and to account mails. Nothing on the pages of the moderators, in
// the log at debug level, the figures or the files names her.
func TestWordsOfOthersReachNobody(t *testing.T) {
	dir, box := t.TempDir(), startMailbox(t)
	a := startApp(t, dir, box)
	a.addCity("nuernberg", "*", "")
	a.subscribe(box, "nuernberg", anna)
	box.Answer(func(stage, _ string) error {
		if stage == "rcpt" {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "mailbox <" + anna + "> of Anna Mueller is disabled"}
		}
		return nil
	})
	a.mustSend("rider@riders.example", "nuernberg@tickets.example", "one@riders.example", "U1 Plärrer", "")
	a.browser().post("/city/nuernberg/mail/subscribe", url.Values{"email": {anna}}, http.StatusOK)
	a.browser().post("/password", url.Values{"email": {"moderator@nuernberg.example"}}, http.StatusOK)
	a.browser().post("/city/nuernberg/mail/subscribe", url.Values{"email": {anna + "@%zz"}}, http.StatusUnprocessableEntity)
	waitUntil(t, "refusals in the log", func() bool {
		log := a.log.String()
		return strings.Count(log, "an account mail could not be sent and is dropped") >= 2 && strings.Contains(log, "could not be sent: the mail server refused the recipient: 550 5.1.1")
	})
	moderator := a.login("moderator@nuernberg.example")
	var page string
	waitUntil(t, "the bot's log", func() bool {
		page = moderator.get("/settings/networks", http.StatusOK)
		return strings.Contains(page, "550 5.1.1")
	})
	a.stop()
	all := contents(t, dir)
	all["the log"], all["the settings"] = a.log.String(), page
	for where, text := range all {
		for what, needle := range spellings("anna.mueller", "Anna Mueller") {
			if strings.Contains(text, needle) {
				t.Errorf("%s holds %s", where, what)
			}
		}
	}
	if strings.Contains(a.log.String(), "moderator@") {
		t.Error("the log says whom an account mail was for")
	}
}

// TestALetterKeepsNobodyWaiting has somebody type an address that the relay does not take: it is
// dropped, and all others get their mails.
func TestALetterKeepsNobodyWaiting(t *testing.T) {
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("nuernberg", "*", "")
	a.browser().post("/city/nuernberg/mail/subscribe", url.Values{"email": {"jörg@riders.example"}}, http.StatusOK)
	waitUntil(t, "it to be dropped", func() bool {
		return strings.Contains(a.log.String(), "an account mail could not be sent and is dropped")
	})
	a.subscribe(box, "nuernberg", "rider@riders.example")
	a.settled()
	if strings.Contains(a.log.String(), "takes no mails") {
		t.Errorf("the relay is believed to be away:\n%s", a.log)
	}
}
