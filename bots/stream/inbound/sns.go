package inbound

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"ticketfrei/internal/cache"
)

const (
	// askTimeout bounds fetching a certificate or confirming a subscription: SNS waits 15 s
	// for its answer.
	askTimeout = 6 * time.Second
	// maxCertificate bounds the file of a certificate, in bytes.
	maxCertificate = 32 << 10
	// maxCertificates is how many are kept: each region has one.
	maxCertificates = 32
)

// amazon is a server of SNS.
var amazon = regexp.MustCompile(`^sns\.[a-z0-9-]{3,30}\.amazonaws\.com(\.cn)?$`)

// Notifications verifies posts of Amazon's Simple Notification Service. That a certificate is
// Amazon's is known by where it was fetched from, by https: what signed it is not sent along.
type Notifications struct {
	http  *http.Client
	hosts map[string]bool // origins that are taken for SNS besides
	kept  *cache.Cache[string, *x509.Certificate]
}

// NewNotifications asks SNS by a client. hosts are the origins that are taken for SNS
// besides, with their ports, as "http://127.0.0.1:9911".
func NewNotifications(client *http.Client, hosts []string) *Notifications {
	asking := *client
	asking.Timeout = askTimeout
	asking.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	n := &Notifications{http: &asking, hosts: map[string]bool{}, kept: cache.New[string, *x509.Certificate](maxCertificates, 0)}
	for _, h := range hosts {
		n.hosts[h] = true
	}
	return n
}

// notification is a post of SNS (docs.aws.amazon.com/sns, "Parsing message formats").
type notification struct {
	Type             string
	MessageID        string `json:"MessageId"`
	Token            string
	TopicArn         string
	Subject          *string
	Message          string
	SubscribeURL     string
	Timestamp        string
	SignatureVersion string
	Signature        string
	SigningCertURL   string
}

// The types of notifications.
const (
	typeNotification = "Notification"
	typeSubscribe    = "SubscriptionConfirmation"
	typeUnsubscribe  = "UnsubscribeConfirmation"
)

// verify verifies a post; a subscription to the topic is confirmed. Where no topic is known
// yet, it is that of the first subscription.
func (n *Notifications) verify(ctx context.Context, topic string, p Post) (m Message, err error) {
	var s notification
	if p.Header.Get("X-Amz-Sns-Rawdelivery") == "true" {
		return m, refuse(http.StatusUnauthorized, "header.x-amz-sns-rawdelivery", nil, "raw messages have no signature: switch raw message delivery off in the subscription")
	}
	if err := json.Unmarshal(p.Body, &s); err != nil {
		return m, refuse(http.StatusBadRequest, "body", nil, "the body is not JSON as SNS posts it: %v", err)
	}
	if err := n.authentic(ctx, s, p.Time); err != nil {
		return m, err
	}
	if topic != "" && s.TopicArn != topic {
		return m, refuse(http.StatusUnauthorized, "body.TopicArn", Cut(s.TopicArn), "the trigger is for another topic: write this one's ARN into the trigger, or make another trigger")
	}
	switch s.Type {
	case typeSubscribe:
		return Message{Said: "subscribed", Topic: s.TopicArn}, n.confirm(ctx, s)
	case typeUnsubscribe:
		return Message{Said: "unsubscribed"}, nil
	}
	if topic == "" {
		return m, refuse(http.StatusUnauthorized, "body.TopicArn", Cut(s.TopicArn), "no subscription of a topic was confirmed to the trigger: subscribe its address to the topic again, or write the topic's ARN into the trigger")
	}
	body, err := s.opened()
	return Message{ID: s.MessageID, Time: s.time(), Body: body}, err
}

// Sample is what a post would say if it were known to come from whom it should.
func Sample(preset Preset, body []byte) Message {
	var s notification
	if preset != SNS || json.Unmarshal(body, &s) != nil || s.Type != typeNotification {
		return Message{Body: body}
	}
	opened, err := s.opened()
	if err != nil {
		return Message{Body: body}
	}
	return Message{ID: s.MessageID, Time: s.time(), Body: opened}
}

// opened is what is signed of a notification, with its message as JSON where that is JSON.
func (s notification) opened() ([]byte, error) {
	var message any = s.Message
	if inner := strings.TrimSpace(s.Message); strings.HasPrefix(inner, "{") || strings.HasPrefix(inner, "[") {
		if json.Valid([]byte(inner)) {
			message = json.RawMessage(inner)
		}
	}
	all := map[string]any{"Message": message, "MessageId": s.MessageID, "Timestamp": s.Timestamp, "TopicArn": s.TopicArn, "Type": s.Type}
	if s.Subject != nil {
		all["Subject"] = *s.Subject
	}
	return json.Marshal(all)
}

// time is when a notification was made; the zero time where it does not say so.
func (s notification) time() time.Time {
	t, _ := time.Parse(time.RFC3339, s.Timestamp)
	return t
}

// authentic verifies that SNS has signed a notification.
func (n *Notifications) authentic(ctx context.Context, s notification, now time.Time) error {
	signature, err := base64.StdEncoding.DecodeString(s.Signature)
	if err != nil || len(signature) == 0 {
		return refuse(http.StatusUnauthorized, "body.Signature", nil, "the notification has no Signature in base64")
	}
	sum, hash, ok := s.digest()
	if !ok {
		return refuse(http.StatusUnauthorized, "body.SignatureVersion", Cut(s.Type+", "+s.SignatureVersion), "the Type must be Notification, SubscriptionConfirmation or UnsubscribeConfirmation, the SignatureVersion 1 or 2")
	}
	certificate, err := n.certificate(ctx, s.SigningCertURL)
	if err != nil {
		return err
	}
	public, isRSA := certificate.PublicKey.(*rsa.PublicKey)
	if !isRSA || now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return refuse(http.StatusUnauthorized, "body.SigningCertURL", Cut(s.SigningCertURL), "the certificate is not one of RSA that is valid now")
	}
	if rsa.VerifyPKCS1v15(public, hash, sum, signature) != nil {
		return refuse(http.StatusUnauthorized, "body.Signature", nil, "the signature of the notification does not fit")
	}
	return nil
}

// digest is what is signed.
func (s notification) digest() (sum []byte, hash crypto.Hash, ok bool) {
	text, ok := s.toSign()
	switch {
	case !ok:
		return nil, 0, false
	case s.SignatureVersion == "1":
		d := sha1.Sum([]byte(text))
		return d[:], crypto.SHA1, true
	case s.SignatureVersion == "2":
		d := sha256.Sum256([]byte(text))
		return d[:], crypto.SHA256, true
	}
	return nil, 0, false
}

// toSign is the text that is signed: the names and values of some fields, in the order of
// their names, each on a line.
func (s notification) toSign() (text string, ok bool) {
	list := []string{"Message", s.Message, "MessageId", s.MessageID}
	switch s.Type {
	case typeNotification:
		if s.Subject != nil {
			list = append(list, "Subject", *s.Subject)
		}
		list = append(list, "Timestamp", s.Timestamp)
	case typeSubscribe, typeUnsubscribe:
		list = append(list, "SubscribeURL", s.SubscribeURL, "Timestamp", s.Timestamp, "Token", s.Token)
	default:
		return "", false
	}
	list = append(list, "TopicArn", s.TopicArn, "Type", s.Type)
	return strings.Join(list, "\n") + "\n", true
}

// ofSNS checks that an address is one of SNS.
func (n *Notifications) ofSNS(address, where string) error {
	u, err := url.Parse(address)
	if err == nil && u.User == nil && (u.Scheme == "https" && amazon.MatchString(u.Host) || n.hosts[originOf(u)]) {
		return nil
	}
	return refuse(http.StatusUnauthorized, where, Cut(address), "the address must be https and on a server sns.<region>.amazonaws.com")
}

// originOf is the origin of a URL, with its port.
func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)
}

// certificate returns the certificate at an address of SNS.
func (n *Notifications) certificate(ctx context.Context, address string) (*x509.Certificate, error) {
	const where = "body.SigningCertURL"
	if err := n.ofSNS(address, where); err != nil {
		return nil, err
	}
	u, err := url.Parse(address)
	if err != nil || !strings.HasSuffix(u.Path, ".pem") || u.RawQuery != "" {
		return nil, refuse(http.StatusUnauthorized, where, Cut(address), "the address of the certificate must end in .pem")
	}
	return n.kept.Get(address, func() (*x509.Certificate, error) {
		raw, err := n.fetch(ctx, address)
		if err != nil {
			return nil, err
		}
		return parse(raw, address)
	})
}

// parse reads the file of a certificate.
func parse(raw []byte, address string) (*x509.Certificate, error) {
	block, _ := pem.Decode(raw)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, refuse(http.StatusUnauthorized, "body.SigningCertURL", Cut(address), "there is no certificate at the address")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, refuse(http.StatusUnauthorized, "body.SigningCertURL", Cut(address), "there is no certificate at the address that can be read")
	}
	return c, nil
}

// ErrAway is that SNS cannot be asked at the moment.
var ErrAway = errors.New("SNS could not be reached")

// fetch reads what is at an address of SNS.
func (n *Notifications) fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	resp, err := n.http.Do(r)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err // without the address, which has a token
		}
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxCertificate))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAway, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%w: it answers with status %d", ErrAway, resp.StatusCode)
	}
	return raw, nil
}

// confirm confirms a subscription, by fetching its address.
func (n *Notifications) confirm(ctx context.Context, s notification) error {
	if err := n.ofSNS(s.SubscribeURL, "body.SubscribeURL"); err != nil {
		return err
	}
	_, err := n.fetch(ctx, s.SubscribeURL)
	return err
}
