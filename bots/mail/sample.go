package mail

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/bots"
	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/bots/mail/verify"
	"ticketfrei/db"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

const (
	// sampleTag is the tag of the address that takes samples.
	sampleTag = "sample"
	// samplesADay is how many samples a moderator may mail.
	samplesADay = 20
	// maxSample bounds the form with a mail, in bytes.
	maxSample = maxMessage + 1<<20
)

// rehearsal is what would become of a mail.
type rehearsal struct {
	Text  string   // what would be passed on or held; empty where nothing would
	Label string   // says which of both
	Notes []string // what else there is to say
}

// try says what would become of a mail to a city, in the words of t.
func (n *Network) try(ctx context.Context, city report.City, raw []byte, t bots.T) (rehearsal, error) {
	m, note, err := n.sampleOf(ctx, city, raw, t)
	if err != nil || m.Text == "" {
		return rehearsal{Notes: []string{note}}, err
	}
	o, err := n.rehearse(ctx, city, m, t)
	if note != "" {
		o.Notes = append(o.Notes, note)
	}
	return o, err
}

// sampleOf reads a mail to a city. Its Text is empty where nothing would be heard of it, and
// note says why, or what else there is to say.
func (n *Network) sampleOf(ctx context.Context, city report.City, raw []byte, t bots.T) (m mailtext.Message, note string, err error) {
	nothing := func(note string) (mailtext.Message, string, error) { return mailtext.Message{}, note, nil }
	m, unread := mailtext.Read(raw, n.sampleEnvelope(city, raw))
	if unread == nil && m.Skip == "" {
		if m.Skip, err = n.unwanted(ctx, "", m.Author); err != nil {
			return m, "", err
		}
	}
	asks, err := n.askedOf(ctx, city, m)
	switch {
	case err != nil:
		return m, "", err
	case unread != nil:
		return nothing(t("mail.sample.refused", "Answer", n.t(city, "mail.refused."+refusalOf(unread))))
	case m.Skip != "":
		return nothing(t("mail.sample.ignored", "Reason", t("mail.ignored."+m.Skip)))
	case asks.command != "" && (asks.rest == "" || asks.command == commandUnsubscribe):
		return nothing(t("mail.sample.command"))
	case asks.command != "":
		m.Text, note = asks.rest, t("mail.sample.command_too")
	}
	return m, note, nil
}

var _ bots.Previewer = (*Network)(nil)

// Preview returns what would be heard of the source of a mail: it has a line with From.
func (n *Network) Preview(ctx context.Context, city report.City, source []byte, t bots.T) (text string, notes []string, ok bool, err error) {
	raw := withoutLead(source)
	if !fieldBegins.Match(raw) || n.authorOf(raw) == "" {
		return "", nil, false, nil
	}
	m, note, err := n.sampleOf(ctx, city, raw, t)
	if note != "" {
		notes = append(notes, note)
	}
	if m.Files {
		notes = append(notes, t("mail.sample.files"))
	}
	return m.Text, notes, true, err
}

// sampleEnvelope is that of a mail whose envelope nobody knows.
func (n *Network) sampleEnvelope(city report.City, raw []byte) mailtext.Envelope {
	return n.textEnvelope(envelope{from: cmp.Or(n.authorOf(raw), "unknown@invalid"), to: []target{{city: city}}})
}

// authorOf returns the address in From of a mail, also of one that is refused.
func (n *Network) authorOf(raw []byte) string {
	m, _ := mailtext.Read(raw, n.textEnvelope(envelope{})) // without a sender there is no refusal
	return m.Author
}

// rehearse says what would become of a report.
func (n *Network) rehearse(ctx context.Context, city report.City, m mailtext.Message, t bots.T) (rehearsal, error) {
	text, verdict, err := n.host.Rehearser.Rehearse(ctx, city.ID, m.Text)
	if err != nil {
		return rehearsal{}, err
	}
	reason := "mail.sample.reason." + string(verdict.Reason)
	if !n.host.Texts.Has(reason) {
		reason = "settings.reason.unknown"
	}
	label := t("mail.sample.held")
	if verdict.Passed {
		label = t("mail.sample.text")
	}
	o := rehearsal{Text: text, Label: label, Notes: []string{strings.TrimSpace(t(reason) + " " + verdict.Detail)}}
	if m.Files {
		o.Notes = append(o.Notes, t("mail.sample.files"))
	}
	return o, nil
}

// takeSamples answers a mail at each of its addresses that takes samples, and returns
// the other addresses. refused is the answer where it is no sample, err where that
// cannot be known now.
func (n *Network) takeSamples(ctx context.Context, to []target, e envelope, l letter) (others []target, refused, err error) {
	for _, t := range to {
		if !t.sample {
			others = append(others, t)
			continue
		}
		switch err := n.takeSample(ctx, t, e, l); {
		case isRefusal(err):
			refused = err
		case err != nil:
			return nil, nil, err
		}
	}
	return others, refused, nil
}

// takeSample answers a mail of a moderator with what would become of it, or of the
// mail that is attached to it. To others the address is none.
func (n *Network) takeSample(ctx context.Context, t target, e envelope, l letter) error {
	author := n.authorOf(l.raw)
	found := n.verifier.Check(ctx, verify.Mail{Raw: l.raw, Stream: l.stream, Author: author, Sender: e.from, Client: e.client,
		Domains: n.host.Config.Mail.Taken()})
	moderates, err := n.moderates(ctx, t.city, author)
	if err != nil {
		return n.trouble(err)
	}
	if found != verify.Proven || !moderates {
		return n.refuse(550, smtp.EnhancedCode{5, 7, 1}, t.city, "mail.refused.sample")
	}
	limit := db.Limit{Key: n.host.Secrets.Hash("mail samples", author), Max: samplesADay, Within: 24 * time.Hour}
	switch reached, err := n.host.DB.Count(ctx, limit); {
	case err != nil:
		return n.trouble(err)
	case reached != "":
		return n.refuse(550, smtp.EnhancedCode{5, 7, 1}, t.city, "mail.refused.samples")
	}
	return n.answerSample(ctx, t.city, author, cmp.Or(string(mailtext.Attached(l.raw)), string(l.raw)))
}

// moderates says whether somebody is a moderator of a city.
func (n *Network) moderates(ctx context.Context, city report.City, address string) (bool, error) {
	list, err := n.host.DB.CityModerators(ctx, city.ID)
	return slices.ContainsFunc(list, func(m db.Moderator) bool { return strings.EqualFold(m.Email, address) }), err
}

func (n *Network) answerSample(ctx context.Context, city report.City, to, raw string) error {
	o, err := n.try(ctx, city, []byte(raw), func(id string, data ...any) string { return n.t(city, id, data...) })
	if err != nil {
		return n.trouble(err)
	}
	text := strings.Join(o.Notes, "\n\n")
	if o.Text != "" {
		text = n.host.Texts.T(i18n.ForModerators(city.Language), "mail.sample.mail.text", "Label", o.Label, "Text", o.Text, "Notes", text)
	}
	m := mailer.AccountMail(n.host.Config.Mail, to, n.host.Texts.T(i18n.ForModerators(city.Language), "mail.sample.mail.subject"), text, n.host.Now())
	if err := n.host.AccountMails.StoreMail(ctx, m); err != nil {
		return n.trouble(err)
	}
	return nil
}

// sample is a mail that a moderator tries on the settings page.
type sample struct {
	Address string // where samples can be mailed to
	Source  string
	Error   string
	Tried   *rehearsal // nil where none was tried
}

func (n *Network) sampleAddress(city report.City) string {
	return city.Slug + "+" + sampleTag + "@" + n.host.Config.Mail.Domain
}

// handleSample shows what would become of a mail that was pasted or uploaded.
// Nothing of it is stored.
func (p *pages) handleSample(w http.ResponseWriter, r *http.Request) error {
	city, _, s, err := p.ownCard(r)
	if err != nil {
		return err
	}
	raw, pasted, problem, err := p.readSample(w, r)
	if err != nil {
		return err
	}
	s.Sample.Source = pasted
	if problem != "" {
		s.Sample.Error = p.site.T(r, problem)
		return p.site.Settings(w, r, http.StatusUnprocessableEntity, Name, s)
	}
	tried, err := p.try(r.Context(), city, raw, func(id string, data ...any) string { return p.site.T(r, id, data...) })
	if err != nil {
		return err
	}
	s.Sample.Tried = &tried
	return p.site.Settings(w, r, http.StatusOK, Name, s)
}

// fieldBegins finds the first line of the source of a mail.
var fieldBegins = regexp.MustCompile(`^([!-9;-~]+[ \t]*:|>?From )`)

// readSample returns the mail in a form: the file, or else what was pasted. Of large
// ones both are what is left of them: see mailtext.Reduce. problem is the id of a text
// that says what is wrong.
func (p *pages) readSample(w http.ResponseWriter, r *http.Request) (raw []byte, pasted, problem string, err error) {
	parts := map[string][]byte{}
	err = p.site.Parts(w, r, maxSample, func(field string, content io.Reader) error {
		parts[field], err = mailtext.Reduce(content)
		return err
	})
	pasted = string(parts["source"])
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, pasted, "mail.sample.long", nil
	}
	if raw = withoutLead(parts["file"]); len(raw) == 0 {
		raw = withoutLead(parts["source"])
	}
	switch {
	case len(raw) == 0:
		problem = "mail.sample.empty"
	case !fieldBegins.Match(raw):
		problem = "mail.sample.no_source"
	}
	return raw, pasted, problem, err
}

// withoutLead is the source of a mail without what programs and people put before it.
func withoutLead(source []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(source, []byte("\uFEFF")), " \t\r\n")
}
