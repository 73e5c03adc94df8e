package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/mailer"
	"ticketfrei/manage"
)

// vitalsEvery is how often it is looked how the server is doing.
const vitalsEvery = 5 * time.Second

// tellVitals stores how this process is doing, for commands and pages of other processes,
// whenever that has changed, until ctx ends.
func (s *server) tellVitals(ctx context.Context) error {
	process, told := s.process(), make(map[string]string)
	if err := s.db.ForgetVitals(ctx, process); err != nil {
		s.log.Warn("what this process said before it was started again is still there", "err", err)
	}
	tick := time.NewTicker(vitalsEvery)
	defer tick.Stop()
	for {
		for name, value := range s.vitals() {
			if before, ok := told[name]; ok && before == value {
				continue
			}
			err := s.db.SaveVital(ctx, name, process, value)
			if err == nil {
				told[name] = value
			} else if ctx.Err() == nil && !db.Unavailable(err) { // of which the log tells once
				s.log.Warn("how the server is doing could not be stored, trying again", "about", name, "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return s.db.ForgetVitals(context.WithoutCancel(ctx), process)
		case <-tick.C:
		}
	}
}

// process is what this process is called among those that share the database; empty where
// there is one alone.
func (s *server) process() string {
	if s.owner == nil {
		return ""
	}
	return s.owner.Name()
}

// vitals is how this process is doing, by name and in JSON; empty: there is nothing to say.
func (s *server) vitals() map[string]string {
	var away []manage.MailVital
	for _, o := range s.mailer.Outages() {
		if o.All || len(away) == 0 { // of many domains one stands for all
			away = append(away, manage.MailVital{Since: o.Since, All: o.All, Says: cmp.Or(mailer.Words(o.Cause), o.Cause.Error())})
		}
	}
	return map[string]string{
		manage.VitalServer:       inJSON(manage.ServerVital{Version: version()}),
		manage.VitalMail:         listJSON(away),
		manage.VitalCertificates: listJSON(s.certificateVitals()),
	}
}

func inJSON(value any) string {
	text, _ := json.Marshal(value) // of types that always can be
	return string(text)
}

func listJSON[T any](list []T) string {
	if len(list) == 0 {
		return ""
	}
	return inJSON(list)
}

// certificateVitals are the certificates that this process holds.
func (s *server) certificateVitals() (list []manage.CertificateVital) {
	add := func(what string, c *tls.Certificate) {
		if until := endOf(c); !until.IsZero() {
			list = append(list, manage.CertificateVital{For: what, Until: until})
		}
	}
	if s.acme != nil {
		if c, err := s.acme.Current(); err == nil {
			add("pages", c)
		}
	}
	if s.mailFiles != nil {
		if c, err := s.mailFiles.GetCertificate(nil); err == nil {
			add("mail", c)
		}
	}
	return list
}

// endOf is when a certificate ends; zero where that cannot be read.
func endOf(c *tls.Certificate) time.Time {
	leaf := c.Leaf
	if leaf == nil && len(c.Certificate) > 0 {
		leaf, _ = x509.ParseCertificate(c.Certificate[0])
	}
	if leaf == nil {
		return time.Time{}
	}
	return leaf.NotAfter.UTC()
}
