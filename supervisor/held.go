package supervisor

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/i18n"
	"ticketfrei/internal/report"
)

const (
	// heldLook is how often to look for reports that are held, and heldGather how
	// old the first of them is before the moderators are told: the mail says how
	// many there are.
	heldLook   = 2 * time.Second
	heldGather = 5 * time.Second
	// heldEvery is how often the moderators of a city are told, at most; heldAgain
	// where they have decided about all that they were told of.
	heldEvery = 8 * time.Hour
	heldAgain = time.Hour
)

// HeldMail mails the moderators of a city that reports are held and wait for them.
type HeldMail struct {
	DB           *db.DB
	AccountMails bots.AccountMails
	Texts        *i18n.Catalogue
	Config       *config.Config
	Log          *slog.Logger
	Now          func() time.Time
}

// Run tells moderators until ctx ends.
func (h *HeldMail) Run(ctx context.Context) error {
	tick := time.NewTicker(heldLook)
	defer tick.Stop()
	for {
		if !h.DB.OwnsShard(mailShard) {
			// Another process tells them.
		} else if err := h.tellAll(ctx); err != nil && ctx.Err() == nil && h.DB.Full() == nil && h.DB.Damaged() == nil {
			h.Log.Error("the moderators of a city could not be told of reports that are held, trying again", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// tellAll tells the moderators of all cities that are to be told.
func (h *HeldMail) tellAll(ctx context.Context) error {
	now := h.Now()
	cities, err := h.DB.HeldUntold(ctx, now.Add(-heldGather), now.Add(-heldEvery), now.Add(-heldAgain))
	if err != nil {
		return err
	}
	var errs []error
	for _, id := range cities {
		if err := h.tell(ctx, id); err != nil && !errors.Is(err, db.ErrNotFound) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// tell stores a mail to every moderator of a city, and then that they were told: a
// program that is killed between tells them twice.
func (h *HeldMail) tell(ctx context.Context, cityID int64) error {
	city, err := h.DB.BriefCity(ctx, cityID)
	if err != nil {
		return err
	}
	groups, err := h.DB.HeldGroups(ctx, cityID)
	if err != nil || len(groups) == 0 {
		return err // somebody has decided meanwhile
	}
	subject, text := h.words(city, groups)
	if err := bots.MailModerators(ctx, h.DB, h.AccountMails, h.Config.Mail, h.Now(), cityID, subject, text); err != nil {
		return err
	}
	return h.DB.HeldTold(ctx, cityID)
}

// words returns what the moderators of a city are told.
func (h *HeldMail) words(city report.City, groups []db.HeldGroup) (subject, text string) {
	language, all := i18n.ForModerators(city.Language), 0
	lines := make([]string, len(groups))
	for i, g := range groups {
		all += g.Count
		lines[i] = h.Texts.T(language, "held.line", "Count", g.Count, "Span", g.Span(),
			"Why", h.Texts.T(language, "held.why."+string(g.Reason)))
	}
	page := h.Config.Web.URL + "/settings/reports"
	subject = h.Texts.T(language, "held.subject", "City", city.Slug, "Count", all)
	text = h.Texts.T(language, "held.text", "City", city.Name, "Lines", strings.Join(lines, "\n"),
		"Page", page+"?show=held", "LetThrough", page+"/let-through", "ThrowAway", page+"/throw-away", "Hours", int(heldEvery.Hours()))
	return subject, text
}
