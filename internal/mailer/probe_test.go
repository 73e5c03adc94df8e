package mailer

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// TestProbe asks a relay whether it would take a mail.
func TestProbe(t *testing.T) {
	r := startRemote(t, nil)
	m := relayTo(t, r)
	if encrypted, err := m.Probe(t.Context(), "city@mail.example", "me@mail.example"); err != nil || encrypted {
		t.Errorf("encrypted %t, %v", encrypted, err)
	}
	for _, stage := range []Stage{StageMail, StageRcpt} {
		r.refuse(string(stage), 550)
		_, err := m.Probe(t.Context(), "city@mail.example", "me@mail.example")
		if got, ok := errors.AsType[*Error](err); !ok || got.Stage != stage || got.Code != 550 {
			t.Errorf("%s: %v", stage, err)
		}
	}
	r.refuse("", 0)
	mustSend(t, m)
	if mails, _ := r.seen(); len(mails) != 1 {
		t.Errorf("%d mails arrived, want the one that was sent", len(mails))
	}
	if encrypted, err := relayTo(t, startRemote(t, withTLS(t))).Probe(t.Context(), "city@mail.example", "me@mail.example"); err != nil || !encrypted {
		t.Errorf("with STARTTLS: encrypted %t, %v", encrypted, err)
	}
	if _, err := newMailer(t, settings("smtps://"+r.addr)).Probe(t.Context(), "", "me@mail.example"); !NoTLS(err) {
		t.Errorf("without TLS: %v", err)
	}
	if _, err := newMailer(t, settings("")).Probe(t.Context(), "", "me@mail.example"); err == nil {
		t.Error("there is no relay, and no error")
	}
}

// TestProbeEnds asks a relay that says nothing.
func TestProbeEnds(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := newMailer(t, settings("smtp://"+l.Addr().String())).Probe(ctx, "", "me@mail.example"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}
