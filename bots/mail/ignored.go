package mail

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gorm.io/gorm"
)

const (
	// ignoredEvery is how often counts are stored: a flood of mails that are no
	// reports writes no more than a few rows.
	ignoredEvery = 10 * time.Second
	// ignoredKept is how long they are kept.
	ignoredKept = 14 * 24 * time.Hour
	// ignoredTimeout bounds the last storing when the server stops.
	ignoredTimeout = 2 * time.Second
)

// ignoredDay is how a day is stored.
const ignoredDay = time.DateOnly

// refusals are the words for why mails are refused, beside mailtext.Skips. Each has a
// text mail.refused.<word> for who wrote, and as every reason one mail.ignored.<word>
// for moderators.
var refusals = []string{"nothing", "empty", "files", "encrypted", "complicated", "unreadable", "winmail", "absence", "forged", "large", "line", "command"}

// ignored counts the mails that are no reports until the counts are stored. Nothing
// of the mails is kept.
type ignored struct {
	mu     sync.Mutex
	counts map[ignoredKey]int
}

type ignoredKey struct {
	bot         int64
	day, reason string
}

// ignore counts a mail for those of its cities that take reports. reason is one of
// mailtext.Skips or of refusals.
func (n *Network) ignore(cities []target, reason string) {
	now := n.host.Now()
	n.ignored.mu.Lock()
	defer n.ignored.mu.Unlock()
	for _, t := range cities {
		if t.takesReports() {
			n.ignored.add(ignoredKey{t.bot.ID, now.In(n.zoneOf(t.city)).Format(ignoredDay), reason}, 1)
		}
	}
}

func (i *ignored) add(k ignoredKey, n int) {
	if i.counts == nil {
		i.counts = map[ignoredKey]int{}
	}
	i.counts[k] += n
}

// take returns the counts and forgets them.
func (i *ignored) take() map[ignoredKey]int {
	i.mu.Lock()
	defer i.mu.Unlock()
	counts := i.counts
	i.counts = nil
	return counts
}

// giveBack counts again what could not be stored.
func (i *ignored) giveBack(counts map[ignoredKey]int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for k, n := range counts {
		i.add(k, n)
	}
}

// storeIgnored stores what was counted since the last time.
func (n *Network) storeIgnored(ctx context.Context) error {
	counts := n.ignored.take()
	if len(counts) == 0 {
		return nil
	}
	oldest := n.host.Now().Add(-ignoredKept).UTC().Format(ignoredDay)
	err := n.host.DB.Write(ctx, func(tx *gorm.DB) error {
		for k, count := range counts {
			// A bot that has gone meanwhile has no counts.
			err := tx.Exec(`INSERT INTO mail_ignored (bot_id, day, reason, n) SELECT id, ?, ?, CAST(? AS BIGINT) FROM bots WHERE id = ?
				ON CONFLICT (bot_id, day, reason) DO UPDATE SET n = mail_ignored.n + excluded.n`, k.day, k.reason, count, k.bot).Error
			if err != nil {
				return err
			}
		}
		return tx.Exec("DELETE FROM mail_ignored WHERE day < ?", oldest).Error
	})
	if err != nil {
		n.ignored.giveBack(counts)
		return fmt.Errorf("store counts of ignored mails: %w", err)
	}
	return nil
}

// keepCounts stores the counts until ctx ends, and a last time then, and has the log say
// what was kept for the operator.
func (n *Network) keepCounts(ctx context.Context) {
	tick := time.NewTicker(ignoredEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		n.sayKept()
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), ignoredTimeout)
		if err := n.storeIgnored(limited); err != nil {
			n.host.Log.Warn("mail server: how many mails were ignored is not stored, and is tried again", "err", err)
		}
		cancel()
	}
}

// ignoredOn is what was ignored on a day of the city's.
type ignoredOn struct {
	Day  time.Time
	Mail []ignoredMails
}

// ignoredMails is how many mails were ignored for a reason.
type ignoredMails struct {
	Reason string
	Count  int
}

// listIgnored returns what was ignored of a bot's mails, the last day first.
func (n *Network) listIgnored(ctx context.Context, botID int64) (days []ignoredOn, err error) {
	if err := n.storeIgnored(ctx); err != nil {
		return nil, err
	}
	var rows []struct {
		Day, Reason string
		N           int
	}
	oldest := n.host.Now().Add(-ignoredKept).UTC().Format(ignoredDay)
	err = n.host.DB.Read(ctx).Raw("SELECT day, reason, n FROM mail_ignored WHERE bot_id = ? AND day >= ? ORDER BY day DESC, n DESC, reason",
		botID, oldest).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list ignored mails: %w", err)
	}
	for _, r := range rows {
		day, err := time.Parse(ignoredDay, r.Day)
		if err != nil {
			return nil, fmt.Errorf("list ignored mails: %w", err)
		}
		if len(days) == 0 || !days[len(days)-1].Day.Equal(day) {
			days = append(days, ignoredOn{Day: day})
		}
		last := &days[len(days)-1]
		last.Mail = append(last.Mail, ignoredMails{r.Reason, r.N})
	}
	return days, nil
}
