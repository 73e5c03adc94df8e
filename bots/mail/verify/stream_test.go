package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"ticketfrei/bots/mail/verify"
	"ticketfrei/internal/slow"
)

// What is checked while it streams by takes neither long nor much memory, whatever
// it holds.
func TestExpensiveStreams(t *testing.T) {
	b := newBench(t)
	b.publish("s", "riders.example", "")
	const size = 8 << 20
	for name, c := range map[string]struct {
		body string
		want verify.Result
	}{
		"a picture":      {strings.Repeat(strings.Repeat("x", 76)+"\r\n", size/78), verify.Proven},
		"empty lines":    {strings.Repeat("\r\n", size/2) + "x\r\n", verify.Unproven},
		"spaces":         {strings.Repeat(" \t", size/2) + "\r\n", verify.Unproven},
		"bare line ends": {strings.Repeat("\n", size) + "x\r\n", verify.Unproven},
	} {
		t.Run(name, func(t *testing.T) {
			for _, way := range []dkim.Canonicalization{dkim.CanonicalizationRelaxed, dkim.CanonicalizationSimple} {
				mail := b.sign(letter()+c.body[:64], "riders.example", func(o *dkim.SignOptions) { o.BodyCanonicalization = way })
				if c.want == verify.Proven {
					mail = b.sign(letter()+c.body, "riders.example", func(o *dkim.SignOptions) { o.BodyCanonicalization = way })
				} else {
					mail += c.body
				}
				began := time.Now()
				if got := b.stream(mailOf(mail, unknown), 8<<10); got != c.want {
					t.Errorf("%s: got %v, want %v", way, got, c.want)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s: took %s", way, took)
				}
			}
		})
	}
}

// A mail that is broken off is nobody's.
func TestStreamBrokenOff(t *testing.T) {
	b := newBench(t)
	b.publish("s", "riders.example", "")
	mail := b.sign(letter(), "riders.example", nil)
	m := mailOf(mail, unknown)
	m.Stream = b.verifier.Stream(t.Context(), m.Raw[:len(m.Raw)-3])
	m.Stream.Close()
	if got := b.verifier.Check(t.Context(), m); got != verify.Unproven {
		t.Errorf("got %v", got)
	}
}

// However many mails of a domain are on their way, another is checked meanwhile.
func TestStreamsLeaveRoom(t *testing.T) {
	b := newBench(t)
	b.publish("s", "riders.example", "")
	mail := b.sign(letter(), "riders.example", nil)
	for range 100 {
		s := b.verifier.Stream(t.Context(), []byte(mail))
		defer s.Close()
	}
	began := time.Now()
	if got := b.check(mail, unknown); got != verify.Proven {
		t.Errorf("got %v", got)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
}

// Names that do not answer hold a mail up for as long as one that is kept.
func TestStreamOfSlowNames(t *testing.T) {
	slow.Test(t, "it waits for names that are never answered")
	b := newBench(t)
	b.names.Silence("s._domainkey.riders.example")
	signature, _, _ := strings.Cut(b.sign(letter(), "riders.example", nil), "From:")
	began := time.Now()
	if got := b.stream(mailOf(strings.Repeat(signature, 3)+letter(), stranger), 1); got != verify.Unproven {
		t.Errorf("got %v", got)
	}
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("took %s", took)
	}
}
