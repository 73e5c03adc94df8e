package mailtext

import (
	"strings"
	"testing"
)

// reported is a delivery report (RFC 3464) with the fields of its recipient.
func reported(text, fields string) string {
	return "From: MAILER-DAEMON@mx.example\nSubject: Undelivered\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
		"--b\nContent-Type: text/plain\n\n" + text + "\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n" +
		"Final-Recipient: rfc822; rider@example.org\n" + fields + "\n--b\nContent-Type: message/rfc822\n\nSubject: U1\n\nU1 Plärrer\n--b--\n"
}

// inWords is a bounce in words.
func inWords(from, header, text string) string {
	return "From: " + from + "\n" + header + "\n" + text + "\n"
}

const (
	qmail = "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<rider@example.org>:\n%s\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <x@y.example>\nSubject: U1\n\nuser unknown 5.1.1\n"
	exim  = "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  rider@example.org\n    %s\n\n------ This is a copy of the message, including all the headers. ------\n\nSubject: U1\n\nuser unknown 5.1.1\n"
	nt    = "Your message did not reach some or all of the intended recipients.\n\n      Subject:  U1\n\nThe following recipient(s) could not be reached:\n\n      rider@example.org on 5/3/2024 10:00 AM\n            %s\n"
)

func TestGone(t *testing.T) {
	daemon, exim4 := "MAILER-DAEMON@mx.example", "Mail Delivery System <Mailer-Daemon@mx.example>"
	says := func(frame, words string) string { return strings.Replace(frame, "%s", words, 1) }
	for _, c := range []struct {
		name, mail string
		want       bool
	}{
		{"5.1.1", reported("", "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <rider@example.org>: user unknown"), true},
		{"5.1.10", reported("", "Action: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found"), true},
		{"5.2.1 without a diagnosis", reported("", "Action: failed\nStatus: 5.2.1"), true},
		{"Postfix does not find the domain", reported("", "Action: failed\nStatus: 5.4.4\nDiagnostic-Code: X-Postfix; Host or domain name not found. Name service error for\n name=nowhere.example type=A: Host not found"), true},
		{"Exim with a report", reported("", "Action: failed\nStatus: 5.0.0\nRemote-MTA: dns; mx.example\nDiagnostic-Code: smtp; 550 5.1.1 No such user"), true},
		{"Exim with a report in words", reported("", "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Unknown user"), true},
		{"Exim's own, with a report", reported(says(exim, "Unrouteable address"), "Action: failed\nStatus: 5.0.0"), true},
		{"a full mailbox", reported("", "Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 mailbox full"), false},
		{"policy", reported("", "Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 554 5.7.1 no such user for you"), false},
		{"Exim tells of policy", reported("", "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.1 blocked, user unknown"), false},
		{"a code that the diagnosis takes back", reported("", "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.7.1 rejected by policy"), false},
		{"a sender that is unknown", reported("", "Action: failed\nStatus: 5.1.8"), false},
		{"delayed", reported("", "Action: delayed\nStatus: 5.1.1"), false},
		{"only for now", reported("", "Action: failed\nStatus: 4.1.1"), false},
		{"without a code", reported("user unknown", "Action: failed\nStatus: 5.5.0"), false},
		{"no route to the server", reported("", "Action: failed\nStatus: 5.4.4\nDiagnostic-Code: X-Postfix; connect to mx.example: no route to host"), false},

		{"qmail", inWords(daemon, "Subject: failure notice\n", says(qmail, "Sorry, no mailbox here by that name. (#5.1.1)")), true},
		{"qmail, by a code alone", inWords(daemon, "", says(qmail, "192.0.2.1 does not like recipient.\nRemote host said: 550 5.1.1 unknown\nGiving up on 192.0.2.1.")), true},
		{"qmail, by words alone", inWords(daemon, "", says(qmail, "192.0.2.1 does not like recipient.\nRemote host said: 550 no such user here\nGiving up on 192.0.2.1.")), true},
		{"qmail, no such host", inWords(daemon, "", says(qmail, "Sorry, I couldn't find any host named nowhere.example. (#5.1.2)")), true},
		{"qmail, not in time", inWords(daemon, "", says(qmail, "I'm not going to try again; this message has been in the queue too long.")), false},
		{"qmail, policy", inWords(daemon, "", says(qmail, "Remote host said: 554 5.7.1 Service unavailable; blocked")), false},
		{"qmail, the mail is too large", inWords(daemon, "", says(qmail, "Sorry, that message size exceeds my databytes limit (#5.3.4)")), false},
		{"an address that looks like a code", inWords(daemon, "", says(qmail, "Connected to 5.1.1.7 but greeting failed.")), false},
		{"Exim", inWords(exim4, "X-Failed-Recipients: rider@example.org\nAuto-Submitted: auto-replied\n", says(exim, "Unrouteable address")), true},
		{"Exim, another server", inWords(exim4, "X-Failed-Recipients: rider@example.org\n", says(exim, "SMTP error from remote mail server after RCPT TO:<rider@example.org>:\n    host mx.example [192.0.2.1]: 550 5.1.1 <rider@example.org>:\n    Recipient address rejected: User unknown")), true},
		{"Exim, another server in words", inWords(exim4, "X-Failed-Recipients: rider@example.org\n", says(exim, "host mx.example [192.0.2.1]: 550 User account does not exist")), true},
		{"Exim, a full mailbox", inWords(exim4, "X-Failed-Recipients: rider@example.org\n", says(exim, "host mx.example [192.0.2.1]: 552 Mailbox full")), false},
		{"Exim, a block list", inWords(exim4, "X-Failed-Recipients: rider@example.org\n", says(exim, "host mx.example [192.0.2.1]: 550 rejected: see block list; no such user")), false},
		{"Exchange", inWords("System Administrator <postmaster@mx.example>", "Subject: Undeliverable: U1\n", says(nt, "The e-mail account does not exist at the organization this message was sent to.\n            <mx.example #5.1.1>")), true},
		{"Exchange, newer", inWords("Microsoft Outlook <ex329@mx.example>", "Subject: Unzustellbar: U1\n", says(nt, "mx.example #550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup ##")), true},
		{"Exchange, no right", inWords("postmaster@mx.example", "Subject: Undeliverable: U1\n", says(nt, "#550 5.7.1 RESOLVER.RST.AuthRequired; authentication required ##")), false},
		{"a person who writes of it", inWords("Anna <anna@example.org>", "Subject: Re: U1\n", "user unknown 5.1.1"), false},
		{"a vacation notice that quotes a report", inWords("Anna <anna@example.org>", "Auto-Submitted: auto-replied\n", "I am away.\n> 550 5.1.1 user unknown"), false},
		{"a report that was sent back", inWords(daemon, "", says(qmail, "Sorry.")), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, ends := range []string{"\n", "\r\n"} {
				m, err := Read([]byte(strings.ReplaceAll(c.mail, "\n", ends)), Envelope{To: []string{"nuernberg@mail.example"}, Domains: []string{"mail.example"}})
				if err != nil || m.Gone != c.want {
					t.Errorf("gone %v, want %v: %v", m.Gone, c.want, err)
				}
			}
		})
	}
}

// FuzzReports looks for mails by which reading of bounces and complaints fails.
func FuzzReports(f *testing.F) {
	f.Add(reported("", "Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 x"))
	f.Add(inWords("MAILER-DAEMON@x", "", qmail))
	f.Add("Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/feedback-report\n\nOriginal-Mail-From: <a@b>\n--b\nContent-Type: message/rfc822\n\nReturn-Path: <a@b>\nList-Unsubscribe: <https://x/y>\n\n--b--\n")
	f.Fuzz(func(t *testing.T, raw string) {
		m, err := parseSafely([]byte(raw), Envelope{})
		if err != nil && strings.Contains(err.Error(), "panic") {
			t.Fatal(err)
		}
		if len(m.Complaint) > maxComplaint {
			t.Errorf("a complaint about %d", len(m.Complaint))
		}
	})
}
