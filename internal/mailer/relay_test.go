package mailer

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"
)

func TestRelayURL(t *testing.T) {
	for _, c := range []struct {
		value string
		want  relay
	}{
		{"smtp://mail.example", relay{host: "mail.example", port: "25"}},
		{"smtp://mail.example:2525", relay{host: "mail.example", port: "2525"}},
		{"smtp://me:p%40ss@mail.example", relay{host: "mail.example", port: "587", user: "me", password: "p@ss"}},
		{"smtps://me:pw@mail.example", relay{host: "mail.example", port: "465", tls: true, user: "me", password: "pw"}},
		{"smtp://[::1]:25", relay{host: "::1", port: "25"}},
	} {
		got, err := parseRelay(c.value)
		if err != nil || *got != c.want {
			t.Errorf("%s: %+v %v", c.value, got, err)
		}
	}
	for _, value := range []string{"mail.example", "http://mail.example", "smtp://", "smtp://me:sesame%@mail.example", "smtp://me:ses/ame@mail.example:x"} {
		err := CheckRelay(value)
		if err == nil || strings.Contains(err.Error(), "ses") {
			t.Errorf("%s: %v", value, err)
		}
		if err := newMailer(t, settings(value)).Send(t.Context(), aMail); err == nil {
			t.Errorf("%s: sent", value)
		}
	}
	if err := CheckRelay(""); err != nil {
		t.Error(err)
	}
}

// withLogin makes a remote ask for a login.
func withLogin(mechanism string) func(*smtp.Server) {
	return func(srv *smtp.Server) {
		srv.AllowInsecureAuth = true
		inner := srv.Backend
		srv.Backend = smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
			s, err := inner.NewSession(c)
			if err != nil {
				return nil, err
			}
			return &authSession{s.(*remoteSession), mechanism}, nil
		})
	}
}

func TestLogin(t *testing.T) {
	for _, mechanism := range []string{sasl.Plain, sasl.Login} {
		t.Run(mechanism, func(t *testing.T) {
			r := startRemote(t, withLogin(mechanism))
			m := newMailer(t, settings("smtp://me:"+url.QueryEscape("s3cr@t")+"@"+r.addr))
			mustSend(t, m)
			mustSend(t, m)
			if diff := cmp.Diff([]string{"me"}, r.logins); diff != "" {
				t.Errorf("logins -want +got:\n%s", diff)
			}
			err := newMailer(t, settings("smtp://me:wrong@"+r.addr)).Send(t.Context(), aMail)
			if got, ok := errors.AsType[*Error](err); !ok || got.Stage != StageAuth || got.Code != 535 || strings.Contains(err.Error(), "wrong@") {
				t.Errorf("wrong password: %v", err)
			}
		})
	}
	t.Run("not offered", func(t *testing.T) {
		r := startRemote(t, nil)
		err := newMailer(t, settings("smtp://me:pw@"+r.addr)).Send(t.Context(), aMail)
		if err == nil || !strings.Contains(err.Error(), "offers no login") {
			t.Errorf("got %v", err)
		}
	})
}
