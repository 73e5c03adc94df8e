package mailtext

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/jhillyerd/enmime/v2"

	"ticketfrei/internal/mailer"
)

// isReport says whether a mail tells of the delivery or the reading of another
// (RFC 6522).
func isReport(root *enmime.Part) bool {
	if strings.EqualFold(root.ContentType, "multipart/report") {
		return true
	}
	return root.BreadthMatchFirst(isStatus) != nil
}

func isStatus(p *enmime.Part) bool {
	switch strings.ToLower(p.ContentType) {
	case "message/delivery-status", "message/global-delivery-status", "message/disposition-notification":
		return true
	}
	return false
}

var (
	failedAction = regexp.MustCompile(`(?im)^action:\s*failed\b`)
	statusCode   = regexp.MustCompile(`(?im)^status:\s*(5\.\d{1,3}\.\d{1,3})\b`)
	diagnostic   = regexp.MustCompile(`(?im)^diagnostic-code:(.*(?:\n[ \t].*)*)`)
	// codes are enhanced status codes in the words of servers, where they do not stand
	// in an address of the network.
	codes = regexp.MustCompile(`(?:^|[^\d.])(5\.\d{1,3}\.\d{1,3})(?:[^\d.]|\.\D|\.?$)`)
)

// isGone says whether a delivery report gives its mailbox up for good because it does
// not exist. header is the mail's.
func isGone(h header, root *enmime.Part) bool {
	p := root.BreadthMatchFirst(isStatus)
	if p == nil {
		return isMailer(h) && goneByWords(explanation(root))
	}
	content := string(withChildren(p))
	status := statusCode.FindStringSubmatch(content)
	if !failedAction.MatchString(content) || status == nil {
		return false
	}
	said := strings.Join(diagnostic.FindAllString(content, -1), "\n")
	switch code := status[1]; {
	case mailer.IsGone(code):
		return len(codesIn(said)) == 0 || goneByCodes(said)
	case code == "5.4.4": // no such domain, among others
		return noDomain.MatchString(said)
	case !strings.HasSuffix(code, ".0.0"):
		return false
	case said != "": // Exim always gives 5.0.0
		return goneByWords(said)
	}
	return goneByWords(explanation(root))
}

// withChildren returns the content of a part: the library takes the fields of a status
// for parts of it.
func withChildren(p *enmime.Part) []byte {
	content := bytes.Clone(p.Content)
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		content = append(content, c.Content...)
	}
	return bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
}

// undelivered is how a bounce is called whose writer has the name of a person.
var undelivered = regexp.MustCompile(`(?i)^\s*(undeliver(able|ed)|unzustellbar|delivery (status notification|has failed|failure)|mail delivery failed|returned mail|failure notice|non remis)`)

// isMailer tells whether a mail server, and no program of a person, has written a mail.
func isMailer(h header) bool {
	return isMachine(h.get("From")) || h.has("x-failed-recipients") || undelivered.MatchString(h.text("Subject"))
}

// explanation is what a bounce says before it repeats the mail that came back.
func explanation(root *enmime.Part) string {
	p := root.BreadthMatchFirst(func(p *enmime.Part) bool { return strings.HasPrefix(strings.ToLower(p.ContentType), "text/") })
	if p == nil {
		return ""
	}
	text := string(p.Content[:min(len(p.Content), 8<<10)])
	if at := originalMail.FindStringIndex(text); at != nil {
		text = text[:at[0]]
	}
	return text
}

// originalMail is the line above the mail that came back.
var originalMail = regexp.MustCompile(`(?im)^[-\s]*(below this line is a copy of the message|(this is )?a copy of (the|your) message|original message|ursprüngliche nachricht|included is a copy|diagnostic information for administrators.*original)|^(return-path|received|message-id|x-originating-ip):`)

var (
	// noMailbox is how servers say it in words (qmail, Exim, Exchange and others).
	noMailbox = regexp.MustCompile(`(?i)user unknown|unknown (user|recipient|mailbox|address)|no such (user|mailbox|recipient|person|address|account|domain|host)|no mailbox here by that name|` +
		`(user|account|mailbox|recipient|address|domain)\b.{0,80}?(does not|doesn't|doesn’t|did not) exist|(user|mailbox|recipient|account|address)( was)? not found|unrouteable address|` +
		`recip(ient)?notfound|couldn't find any host( by that name| named)?|not listed in domino directory|invalid (recipient|mailbox)|(empfänger|konto|adresse|postfach)\b.{0,80}?(existiert nicht|nicht gefunden|nicht vorhanden)`)
	// noDomain is said where the name server knows no such domain.
	noDomain = regexp.MustCompile(`(?i)(domain|host)( name)? not found|nxdomain|no such (domain|host)`)
	// notGone is said of mailboxes that are there, and of us.
	notGone = regexp.MustCompile(`(?i)spam|block|polic|quota|\bfull\b|too (large|big|many|quickly)|\brate\b|relay|denied|reject(ed)? .*(content|sender)|greylist|try again|temporar|reputation|suspended`)
)

func codesIn(said string) (list []string) {
	for _, found := range codes.FindAllStringSubmatch(said, -1) {
		list = append(list, found[1])
	}
	return list
}

// goneByCodes tells whether all codes say that a mailbox does not exist.
func goneByCodes(said string) bool {
	list := codesIn(said)
	return len(list) > 0 && !slices.ContainsFunc(list, func(code string) bool { return !mailer.IsGone(code) })
}

// goneByWords tells whether a mailbox does not exist by what is said, by its codes
// where there are any.
func goneByWords(said string) bool {
	if len(codesIn(said)) > 0 {
		return goneByCodes(said)
	}
	said = strings.Join(strings.Fields(said), " ")
	return noMailbox.MatchString(said) && !notGone.MatchString(said)
}
