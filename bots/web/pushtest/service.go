// Package pushtest is a push service for tests: it takes messages for phones, checks who
// sends them, and reads them as a phone does.
package pushtest

import (
	"context"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"

	"github.com/golang-jwt/jwt/v5"

	"ticketfrei/internal/webpush"
)

// Service is a push service.
type Service struct {
	URL    string
	server *httptest.Server

	mu      sync.Mutex
	phones  map[string]*Phone
	answer  func(p *Phone) (status int, header http.Header)
	changed chan struct{} // closed and made new when something happens
	faults  []string
	calls   int
	checked map[string]string // keys by the signature that was checked
}

// Phone is a browser with a subscription.
type Phone struct {
	Endpoint string
	keys     *webpush.Keys

	service *Service
	got     []Message
}

// Message is what a phone got.
type Message struct {
	Text   map[string]any
	Raw    string
	TTL    int
	Topic  string
	Signed string // the key of whoever sends
}

// Start starts a service that ends with stop.
func Start() (s *Service, stop func()) {
	s = &Service{phones: map[string]*Phone{}, checked: map[string]string{}, changed: make(chan struct{})}
	s.server = httptest.NewServer(s)
	s.URL = s.server.URL
	return s, func() { s.server.CloseClientConnections(); s.server.Close() }
}

// Phone returns a new phone.
func (s *Service) Phone() *Phone {
	private, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		panic(err)
	}
	auth := make([]byte, webpush.AuthLength)
	_, _ = rand.Read(auth)
	s.mu.Lock()
	defer s.mu.Unlock()
	path := "/send/" + strconv.Itoa(len(s.phones))
	p := &Phone{Endpoint: s.URL + path, keys: &webpush.Keys{Private: private, Auth: auth}, service: s}
	s.phones[path] = p
	return p
}

// Answer has the service answer as f says, which is called before a message is taken;
// status 0 takes it. nil takes all.
func (s *Service) Answer(f func(p *Phone) (status int, header http.Header)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = f
}

// Calls is how many requests there were.
func (s *Service) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Faults are what was wrong with messages.
func (s *Service) Faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// Wait waits until ok, which is asked whenever something happens.
func (s *Service) Wait(ctx context.Context, ok func() bool) error {
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Got are the messages of the phone.
func (p *Phone) Got() []Message {
	p.service.mu.Lock()
	defer p.service.mu.Unlock()
	return p.got
}

// Subscription is what the phone posts to follow a city, with what else is given.
func (p *Phone) Subscription(more map[string]any) string {
	all := map[string]any{"endpoint": p.Endpoint, "expirationTime": nil, "keys": map[string]string{"p256dh": p.keys.Public(), "auth": p.keys.Secret()}}
	for k, v := range more {
		all[k] = v
	}
	raw, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// ServeHTTP takes a message (RFC 8030, 5).
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	p, answer := s.phones[r.URL.Path], s.answer
	s.calls++
	s.mu.Unlock()
	status, header := s.take(p, answer, r, body)
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(status)
}

func (s *Service) take(p *Phone, answer func(*Phone) (int, http.Header), r *http.Request, body []byte) (int, http.Header) {
	if p == nil {
		return http.StatusNotFound, nil
	}
	if answer != nil {
		if status, header := answer(p); status != 0 {
			s.happened(func() {})
			return status, header
		}
	}
	m, err := s.read(p, r, body)
	if err != nil {
		s.happened(func() { s.faults = append(s.faults, err.Error()) })
		return http.StatusBadRequest, nil
	}
	s.happened(func() { p.got = append(p.got, m) })
	return http.StatusCreated, http.Header{"Location": {s.URL + "/message/1"}}
}

func (s *Service) happened(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Service) read(p *Phone, r *http.Request, body []byte) (m Message, err error) {
	if r.Method != http.MethodPost || r.Header.Get("Urgency") != "high" {
		return m, fmt.Errorf("%s with urgency %q", r.Method, r.Header.Get("Urgency"))
	}
	if m.Signed, err = s.signed(r.Header.Get("Authorization")); err != nil {
		return m, err
	}
	if m.TTL, err = strconv.Atoi(r.Header.Get("TTL")); err != nil {
		return m, fmt.Errorf("TTL: %w", err)
	}
	if m.Topic = r.Header.Get("Topic"); len(m.Topic) > 32 {
		return m, fmt.Errorf("topic %q is too long", m.Topic)
	}
	if len(body) > 4096 {
		return m, fmt.Errorf("%d bytes", len(body))
	}
	text, err := p.keys.Open(r.Header, body)
	if err != nil {
		return m, err
	}
	m.Raw = string(text)
	return m, json.Unmarshal(text, &m.Text)
}

// signed checks the signature and returns the key. Many messages have the same one.
func (s *Service) signed(header string) (key string, err error) {
	s.mu.Lock()
	key = s.checked[header]
	s.mu.Unlock()
	if key != "" {
		return key, nil
	}
	if key, err = s.check(header); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked[header] = key
	return key, nil
}

// check checks a signature (RFC 8292).
func (s *Service) check(header string) (key string, err error) {
	token, key, ok := strings.Cut(strings.TrimPrefix(header, "vapid t="), ", k=")
	point, err := base64.RawURLEncoding.DecodeString(key)
	if !ok || err != nil {
		return "", fmt.Errorf("authorization %q", header)
	}
	public, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return "", err
	}
	claims := jwt.MapClaims{}
	_, err = jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return public, nil },
		jwt.WithValidMethods([]string{"ES256"}), jwt.WithAudience(s.URL))
	if subject, _ := claims.GetSubject(); err == nil && !strings.Contains(subject, ":") {
		err = fmt.Errorf("subject %q", subject)
	}
	return key, err
}
