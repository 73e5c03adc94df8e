package mail

import (
	"strconv"
	"strings"
	"time"

	"ticketfrei/bots/kit/recipients"
	netaddress "ticketfrei/internal/address"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// The purposes of our links. The payload is the city's id and the address.
const (
	purposeConfirm     = "mail.confirm"
	purposeUnsubscribe = "mail.unsubscribe"
	purposeOften       = "mail.often" // to choose between one mail an hour and each report at once
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

// LeavingLink is the path of unsubscribeURL: see bots.LeavingByLink.
func (n *Network) LeavingLink(city report.City, email string) (path string) {
	return strings.TrimPrefix(n.unsubscribeURL(city, email), n.host.Config.Web.URL)
}

// oftenURL is a link that holds for ever to the page where a subscriber chooses how often
// mails come.
func (n *Network) oftenURL(city report.City, email string) string {
	return n.link(city, "often", n.sign(purposeOften, city, email, time.Time{}))
}

// pageURL is the page where people subscribe.
func (n *Network) pageURL(city report.City) string {
	return n.host.Config.Web.URL + "/city/" + city.Slug + "/" + Name
}

func (n *Network) link(city report.City, page, token string) string {
	return n.pageURL(city) + "/" + page + "/" + token
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
	// The prefixes begin the tag of an address that takes bounces, and of one that ends
	// a subscription.
	bouncePrefix      = "b."
	unsubscribePrefix = "u."
	// tagMAC is how many characters of a MAC a tag has: 80 bits, as case is lost on
	// the way.
	tagMAC = 16
)

// tagUses are what the MACs of tags are made for.
var tagUses = map[string]string{bouncePrefix: "mail.bounce", unsubscribePrefix: "mail.unsubscribe.address"}

// bounceAddress is the envelope sender of a report: the city's address with a
// tag by which a bounce is known to be about this subscriber. Nobody else can
// make the tag, so nobody can unsubscribe others with invented bounces.
func (n *Network) bounceAddress(city report.City, b report.Bot, s recipients.Recipient) string {
	if tagged := n.taggedAddress(bouncePrefix, city, b, s.ID); tagged != "" {
		return tagged
	}
	return n.address(city)
}

// taggedAddress is the city's address with a tag about a subscriber; empty where it is
// too long.
func (n *Network) taggedAddress(prefix string, city report.City, b report.Bot, subscriberID int64) string {
	local := city.Slug + "+" + n.tag(prefix, b.ID, subscriberID)
	if len(local) > netaddress.MaxLocal {
		return ""
	}
	return local + "@" + n.host.Config.Mail.Domain
}

func (n *Network) tagMAC(prefix string, botID, subscriberID int64) string {
	name := strconv.FormatInt(botID, 10) + " " + strconv.FormatInt(subscriberID, 10)
	return strings.ToLower(n.host.Secrets.Hash(tagUses[prefix], name))[:tagMAC]
}

// readTag returns the subscriber that a tag of the bot's address names.
func (n *Network) readTag(prefix string, botID int64, tag string) (subscriberID int64, ok bool) {
	rest, ok := strings.CutPrefix(tag, prefix)
	if !ok {
		return 0, false
	}
	id, mac, _ := strings.Cut(rest, ".")
	subscriberID, err := strconv.ParseInt(id, 36, 64)
	if err != nil || mac != n.tagMAC(prefix, botID, subscriberID) {
		return 0, false
	}
	return subscriberID, true
}

// readTarget returns whom a tagged address is about: somebody a mail to whom came back,
// or whose subscription ends.
func (n *Network) readTarget(city report.City, b report.Bot, tag string) (target, bool) {
	if id, ok := n.readTag(bouncePrefix, b.ID, tag); ok {
		return target{city: city, bot: b, bounceOf: id}, true
	}
	if id, ok := n.readTag(unsubscribePrefix, b.ID, tag); ok {
		return target{city: city, bot: b, endOf: id}, true
	}
	return target{}, false
}
