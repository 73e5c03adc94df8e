package app

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots/all"
	"ticketfrei/internal/slow"
)

// relayPassword is what the program logs in with at its relay.
const relayPassword = "secret"

// soon is within what time everything goes on when a relay is mended.
const soon = 15 * time.Second

// refusingRelay is a relay that refuses everything for a while.
type refusingRelay struct {
	name   string
	refuse func(*mailbox)
	mend   func(*mailbox)
}

// refusingRelays are relays that refuse for reasons that are ours.
func refusingRelays() (list []refusingRelay) {
	for _, answer := range []smtp.SMTPError{
		{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "you may not"},
		{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "full"},
		{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 23}, Message: "no SPF"},
	} {
		for _, at := range []string{"mail", "rcpt", "data"} {
			list = append(list, refusingRelay{fmt.Sprint(answer.Code, answer.EnhancedCode, at), func(box *mailbox) {
				box.Answer(func(stage, _ string) error {
					if stage == at {
						return &answer
					}
					return nil
				})
			}, func(box *mailbox) { box.Answer(nil) }})
		}
	}
	for _, line := range []string{"554 5.7.1 no", "421 4.3.2 not now"} {
		list = append(list, refusingRelay{line, func(box *mailbox) { box.Greet(line) }, func(box *mailbox) { box.Greet("") }})
	}
	return append(list, refusingRelay{"535", func(box *mailbox) { box.Login("another one") }, func(box *mailbox) { box.Login(relayPassword) }})
}

// TestRefusingRelayCostsNobody has a relay refuse everything during three reports. When
// it is mended all subscribers get these and the next one, and the confirmation that
// somebody has asked for meanwhile arrives. Nobody is removed.
func TestRefusingRelayCostsNobody(t *testing.T) {
	slow.Test(t, "waits for trials")
	t.Parallel()
	var list []*outage
	for _, relay := range refusingRelays() {
		list = append(list, startOutage(t, relay))
	}
	for _, r := range list {
		r.beRefused()
	}
	for _, r := range list {
		r.mend(r.box)
	}
	began := time.Now()
	for _, r := range list {
		r.checkAll()
	}
	if took := time.Since(began); took > soon {
		t.Errorf("it took %s until all went on", took)
	}
}

// outage is a program behind a relay that refuses.
type outage struct {
	*app
	refusingRelay
	box    *mailbox
	dir    string
	riders []string
}

func startOutage(t *testing.T, relay refusingRelay) *outage {
	t.Helper()
	r := &outage{refusingRelay: relay, box: startMailbox(t), dir: t.TempDir()}
	r.box.Login(relayPassword)
	definitions := all.Networks()
	cfg := appConfig(t, r.dir, r.box, definitions)
	cfg.Mail.Relay = "smtp://me:" + relayPassword + "@" + r.box.Addr
	r.app = runApp(t, cfg, definitions)
	r.addCity("nuernberg", "*", "")
	for i := range 6 {
		r.riders = append(r.riders, fmt.Sprintf("r%d@riders.example", i))
	}
	r.subscribe(r.box, "nuernberg", r.riders...)
	r.settled()
	return r
}

// beRefused has reports come, and account mails be asked for, while the relay refuses.
func (r *outage) beRefused() {
	r.Helper()
	r.refuse(r.box)
	for i := range 3 {
		r.mustSend("x@riders.example", here, fmt.Sprintf("m%d@x", i), "", fmt.Sprintf("Report %d.", i))
	}
	waitUntil(r, "the outage to be known", r.server.mailer.Delayed)
	page := r.browser().post("/city/nuernberg/mail/subscribe", url.Values{"email": {"new@riders.example"}}, http.StatusOK)
	if !strings.Contains(page, "Mails are delayed right now") {
		r.Errorf("%s: the page does not say that mails are delayed", r.name)
	}
	page = r.browser().post("/password", url.Values{"email": {"moderator@nuernberg.example"}}, http.StatusOK)
	if nobody := r.browser().post("/password", url.Values{"email": {"nobody@riders.example"}}, http.StatusOK); nobody != page || !strings.Contains(page, "delayed") {
		r.Errorf("%s: the page tells who has an account, or not that mails are delayed", r.name)
	}
	r.checkTold()
}

// checkAll looks for all that has waited, and for the next report.
func (r *outage) checkAll() {
	r.Helper()
	r.box.waitFor(r, "new@riders.example", "/mail/confirm/")
	r.box.waitFor(r, "moderator@nuernberg.example", "/password/")
	for _, rider := range r.riders {
		for i := range 3 {
			r.box.waitFor(r, rider, fmt.Sprintf("Report %d.", i))
		}
	}
	r.mustSend("x@riders.example", here, "next@x", "", "The next one.")
	for _, rider := range r.riders {
		r.box.waitFor(r, rider, "The next one.")
	}
	r.settled()
	for _, rider := range r.riders {
		if n := len(r.box.to(r, rider, "Report ")); n != 3 {
			r.Errorf("%s: %s got %d reports of the outage, want 3", r.name, rider, n)
		}
	}
}

// checkTold looks at how the operator hears of a relay that refuses.
func (a *app) checkTold() {
	a.Helper()
	if !strings.Contains(a.log.String(), "mail: the relay takes no mails") {
		a.Error("the log does not say that mails wait")
	}
	metrics := a.figures()
	for _, line := range []string{"ticketfrei_mail_away 1", `ticketfrei_account_mails{state="waiting"} `} {
		if !strings.Contains(metrics, line) {
			a.Errorf("no %q in the metrics", line)
		}
	}
	box := a.server.db.Postmaster(a.server.secrets)
	kept, err := box.List(a.Context())
	if err != nil {
		a.Fatal(err)
	}
	if strings.Contains(a.log.String(), "needs attention") && len(kept) != 1 {
		a.Errorf("%d mails to the operator", len(kept))
	}
	for _, m := range kept {
		if raw, err := box.Read(a.Context(), m.ID); err != nil || strings.Contains(string(raw), "riders.example") {
			a.Errorf("the mail to the operator names a rider, or %v", err)
		}
	}
}
