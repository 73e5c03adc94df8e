package relay

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/intent"
	"ticketfrei/internal/report"
	"ticketfrei/internal/scrub"
	"ticketfrei/internal/secret"
	"ticketfrei/internal/valid"
)

// maxText is how much of a text is kept, in characters: one more than the censor
// lets pass, so that it still holds what was cut as too long.
const maxText = censor.MaxLength + 1

// maxFuture is how far ahead of ours another server's clock may be; what is
// said to come from later than that counts from now.
const maxFuture = time.Minute

// Hearing makes reports of what bots hear and stores them. It is apart from Relay
// because the networks are made with it, and the Relay with the networks.
type Hearing struct {
	DB      *db.DB
	Secrets *secret.Box
	Links   *scrub.Links // takes out our own links; nil: they stay
	Answers *Answers     // answers who writes; nil: nobody is answered
	Customs *Customs     // what cities take for a report; nil: everything
	Places  *Places      // what a text is about; nil: nothing is read
	// Commands answer what is a command; nil: nothing is one.
	Commands *Commands
	Tasks    *Tasks // what looks at an edit before the rules do; nil: nothing
	Backlog  int    // reports.backlog
	Now      func() time.Time
}

var (
	_ bots.Hearer    = (*Hearing)(nil)
	_ bots.Rehearser = (*Hearing)(nil)
)

// Hear stores a report that bot b heard: see bots.Hearer.
func (h *Hearing) Hear(ctx context.Context, b report.Bot, in bots.Incoming) error {
	if in.ID == "" {
		return fmt.Errorf("hear: the message has no id: %w", bots.ErrMessage)
	}
	if err := h.DB.Full(); err != nil {
		return err
	}
	if h.Answers == nil {
		in.Answer = nil
	}
	if in.Edited || in.Deleted {
		return h.change(ctx, b, in)
	}
	r := h.report(b, in)
	if taken, err := h.Commands.take(ctx, b, in, &r); taken || err != nil {
		return err
	}
	if h.DB.Backlog() >= h.Backlog {
		return bots.ErrBacklog
	}
	wanted, q, err := h.Customs.sort(ctx, &r, in)
	if err != nil || !wanted {
		return err
	}
	return h.store(ctx, b, r, in, q)
}

// store stores what was heard. Whoever wrote it is expected to be answered before that:
// it may be judged before this has returned.
func (h *Hearing) store(ctx context.Context, b report.Bot, r report.Report, in bots.Incoming, q *question) error {
	h.expect(r.ID, b, in, q)
	err := h.DB.Hear(ctx, r)
	if err != nil && h.Answers != nil {
		h.Answers.take(r.ID)
		if q != nil {
			h.Customs.notAnswered(r.Author)
		}
	}
	return err
}

// expect has whoever wrote a report be told what becomes of it, where that is possible.
func (h *Hearing) expect(id string, b report.Bot, in bots.Incoming, q *question) {
	if h.Answers != nil && in.Answer != nil {
		h.Answers.expect(id, b, in, q)
	}
}

// Rehearse says what would become of a text: see bots.Rehearser.
func (h *Hearing) Rehearse(ctx context.Context, cityID int64, text string) (said string, v report.Verdict, err error) {
	rules, err := h.rules(ctx, cityID)
	if err != nil {
		return "", v, fmt.Errorf("rehearse: %w", err)
	}
	said, _ = intent.Insisted(bounded(h.clean(scrub.Invisible(printable(text)))))
	read, err := h.Places.readIn(ctx, cityID, said)
	if err != nil {
		return "", v, fmt.Errorf("rehearse: %w", err)
	}
	return said, read.Admit(rules.Judge(said)), nil
}

// report makes a report of what bot b heard.
func (h *Hearing) report(b report.Bot, in bots.Incoming) report.Report {
	now, text := h.Now(), scrub.Invisible(printable(in.Text))
	said := h.clean(text)
	if said != strings.TrimSpace(text) {
		in.KeepID = false // a boost would show what was taken out
	}
	r := report.Report{
		CityID:     b.CityID,
		BotID:      b.ID,
		Network:    b.Network,
		Text:       bounded(said),
		Visibility: in.Visibility,
		Time:       in.Time,
		Received:   now,
	}
	bots.KeyReport(h.Secrets, &r, in)
	if r.Visibility == "" {
		r.Visibility = report.Private
	}
	if year := r.Time.Year(); year < 1970 || year > 9999 || r.Time.After(now.Add(maxFuture)) {
		r.Time = now
	}
	return r
}

// printable returns text that every database and screen takes: valid, and without control
// characters, but for those that are space.
func printable(text string) string {
	text = valid.Text(text)
	if strings.IndexFunc(text, isControl) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return -1
		}
		return r
	}, text)
}

func isControl(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }

// bounded returns the beginning of a text that is longer than maxText.
func bounded(text string) string {
	if len(text) <= maxText {
		return text
	}
	runes := 0
	for at := range text {
		if runes++; runes > maxText {
			return text[:at]
		}
	}
	return text
}
