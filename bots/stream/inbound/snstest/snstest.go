// Package snstest plays Amazon's Simple Notification Service, with a key and a certificate
// of its own.
package snstest

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Topic is the topic of the messages, where nothing else is said.
const Topic = "arn:aws:sns:eu-central-1:123456789012:kontrollen"

// CertificatePath is where the certificate is.
const CertificatePath = "/SimpleNotificationService-0123.pem"

// Service is the stand-in.
type Service struct {
	URL string // its address

	tb          testing.TB
	key         *rsa.PrivateKey
	certificate []byte // as PEM

	mu        sync.Mutex
	confirmed []string // the tokens of confirmed subscriptions
	asked     int
	status    int
}

// Start starts a stand-in whose certificate holds from a day before now until a day after;
// it ends with the test.
func Start(tb testing.TB, now time.Time) *Service {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sns.amazonaws.com"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	s := &Service{tb: tb, key: key, certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	server := httptest.NewServer(s)
	tb.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// ServeHTTP hands out the certificate and confirms subscriptions.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	switch {
	case s.status != 0:
		w.WriteHeader(s.status)
	case r.URL.Path == CertificatePath:
		_, _ = w.Write(s.certificate)
	case r.URL.Query().Get("Action") == "ConfirmSubscription":
		s.confirmed = append(s.confirmed, r.URL.Query().Get("Token"))
		_, _ = w.Write([]byte("<ConfirmSubscriptionResponse/>"))
	default:
		http.NotFound(w, r)
	}
}

// Confirmed are the tokens of the subscriptions that were confirmed.
func (s *Service) Confirmed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.confirmed)
}

// Asked is how often it was asked.
func (s *Service) Asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Fail has it answer with a status; 0: as usual.
func (s *Service) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Notification is a message of the topic, not signed yet.
func (s *Service) Notification(id, message string) map[string]string {
	return map[string]string{"Type": "Notification", "MessageId": id, "TopicArn": Topic, "Message": message,
		"Timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "SignatureVersion": "1",
		"SigningCertURL": s.URL + CertificatePath, "UnsubscribeURL": s.URL + "/?Action=Unsubscribe"}
}

// Subscription asks to confirm a subscription, not signed yet.
func (s *Service) Subscription(token string) map[string]string {
	m := s.Notification("subscription "+token, "You have chosen to subscribe to the topic "+Topic+".\nTo confirm the subscription, visit the SubscribeURL.")
	m["Type"], m["Token"] = "SubscriptionConfirmation", token
	m["SubscribeURL"] = s.URL + "/?Action=ConfirmSubscription&TopicArn=" + Topic + "&Token=" + token
	delete(m, "UnsubscribeURL")
	return m
}

// Sign signs a message, and returns it as SNS posts it.
func (s *Service) Sign(m map[string]string) []byte {
	s.tb.Helper()
	var text strings.Builder
	for _, name := range []string{"Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"} {
		if value, ok := m[name]; ok { // in the order of the alphabet, both kinds of messages
			text.WriteString(name + "\n" + value + "\n")
		}
	}
	hash, sum := crypto.SHA1, sha1.New()
	if m["SignatureVersion"] == "2" {
		hash, sum = crypto.SHA256, sha256.New()
	}
	sum.Write([]byte(text.String()))
	signature, err := rsa.SignPKCS1v15(nil, s.key, hash, sum.Sum(nil))
	if err != nil {
		s.tb.Fatal(err)
	}
	m["Signature"] = base64.StdEncoding.EncodeToString(signature)
	raw, err := json.Marshal(m)
	if err != nil {
		s.tb.Fatal(err)
	}
	return raw
}
