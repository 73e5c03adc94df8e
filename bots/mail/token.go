package mail

import (
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots/kit/recipients"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// The purposes of our links. The payload is the city's id and the address.
const (
	purposeConfirm     = "mail.confirm"
	purposeUnsubscribe = "mail.unsubscribe"
)

// confirmTime is how long the link to confirm a subscription holds.
const confirmTime = 48 * time.Hour

func (n *Network) confirmURL(city report.City, email string) string {
	return n.link(city, "confirm", n.sign(purposeConfirm, city, email, n.host.Now().Add(confirmTime)))
}

// unsubscribeURL is a link that holds for ever: old mails are read late.
func (n *Network) unsubscribeURL(city report.City, email string) string {
	return n.link(city, "unsubscribe", n.sign(purposeUnsubscribe, city, email, time.Time{}))
}

func (n *Network) link(city report.City, page, token string) string {
	return n.host.Config.Web.URL + "/city/" + city.Slug + "/" + Name + "/" + page + "/" + token
}

func (n *Network) sign(purpose string, city report.City, email string, expires time.Time) string {
	return n.host.Secrets.Sign(purpose, strconv.FormatInt(city.ID, 10)+" "+email, expires)
}

// verify returns the address that a token was made for. A token of another
// city is not valid.
func (n *Network) verify(purpose string, city report.City, token string) (email string, err error) {
	payload, err := n.host.Secrets.Verify(purpose, token, n.host.Now())
	if err != nil {
		return "", err
	}
	id, email, _ := strings.Cut(payload, " ")
	if id != strconv.FormatInt(city.ID, 10) {
		return "", secret.ErrTokenInvalid
	}
	return email, nil
}

const (
	// bouncePrefix begins the tag of an address that takes bounces.
	bouncePrefix = "b."
	// bounceMAC is how many characters of a MAC the tag has: 80 bits, as case
	// is lost on the way.
	bounceMAC = 16
	// maxLocalPart is RFC 5321 §4.5.3.1.1.
	maxLocalPart = 64
)

// bounceAddress is the envelope sender of a report: the city's address with a
// tag by which a bounce is known to be about this subscriber. Nobody else can
// make the tag, so nobody can unsubscribe others with invented bounces.
func (n *Network) bounceAddress(city report.City, b report.Bot, s recipients.Recipient) string {
	id := strconv.FormatInt(s.ID, 36)
	local := city.Slug + "+" + bouncePrefix + id + "." + n.bounceMAC(b.ID, s.ID)
	if len(local) > maxLocalPart {
		return n.address(city)
	}
	return local + "@" + n.host.Config.Mail.Domain
}

func (n *Network) bounceMAC(botID, subscriberID int64) string {
	name := strconv.FormatInt(botID, 10) + " " + strconv.FormatInt(subscriberID, 10)
	return strings.ToLower(n.host.Secrets.Hash("mail.bounce", name))[:bounceMAC]
}

// readBounceTag returns the subscriber that a tag of the bot's address names.
func (n *Network) readBounceTag(botID int64, tag string) (subscriberID int64, ok bool) {
	rest, ok := strings.CutPrefix(tag, bouncePrefix)
	if !ok {
		return 0, false
	}
	id, mac, _ := strings.Cut(rest, ".")
	subscriberID, err := strconv.ParseInt(id, 36, 64)
	if err != nil || mac != n.bounceMAC(botID, subscriberID) {
		return 0, false
	}
	return subscriberID, true
}
