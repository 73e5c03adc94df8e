package db

import (
	"context"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// HeldGroup is the reports of a city that wait for its moderators for one reason.
type HeldGroup struct {
	Reason      report.Reason
	Count       int
	First, Last time.Time // when the first and the last came
	Newest      int64     // seq of the one that was stored last
}

// Full tells whether no more are held for that reason: what comes is refused.
func (g HeldGroup) Full() bool { return g.Count >= heldKept }

// Span is how long they took to come, as "5 s", "3 min" or "2 h".
func (g HeldGroup) Span() string {
	switch span := g.Last.Sub(g.First); {
	case span < 2*time.Minute:
		return fmt.Sprint(max(1, int(span.Round(time.Second).Seconds())), " s")
	case span < 2*time.Hour:
		return fmt.Sprint(int(span.Round(time.Minute).Minutes()), " min")
	default:
		return fmt.Sprint(int(span.Round(time.Hour).Hours()), " h")
	}
}

// Choice is some of the reports of a city that are held: all of them where it is
// empty.
type Choice struct {
	ReportID string        // this one alone
	Reason   report.Reason // those with this reason
	Until    int64         // not those that were stored after the one with this seq
}

// chosen is the end of a SELECT of a choice; its arguments are those of args.
const chosen = "state = 'held' AND city_id = ?1 AND (id = ?2 OR ?2 = '') AND (reason = ?3 OR ?3 = '') AND (seq <= ?4 OR ?4 = 0)"

func (c Choice) args(cityID int64) []any {
	return []any{cityID, c.ReportID, string(c.Reason), c.Until}
}

// HeldGroups returns what is held of a city, the largest group first.
func (d *DB) HeldGroups(ctx context.Context, cityID int64) ([]HeldGroup, error) {
	rows, err := d.query(ctx, `SELECT reason, count(*) AS n, min(received), max(received), max(seq) FROM reports
		WHERE state = 'held' AND city_id = ? GROUP BY reason ORDER BY n DESC, reason`, cityID)
	if err != nil {
		return nil, fmt.Errorf("count what is held: %w", err)
	}
	defer rows.Close()
	var list []HeldGroup
	for rows.Next() {
		var g HeldGroup
		var first, last int64
		if err := rows.Scan(&g.Reason, &g.Count, &first, &last, &g.Newest); err != nil {
			return nil, fmt.Errorf("count what is held: %w", err)
		}
		g.First, g.Last = fromMillis(first), fromMillis(last)
		list = append(list, g)
	}
	return list, d.ended(rows)
}

// Held returns the first chosen reports after seq, at most limit.
func (d *DB) Held(ctx context.Context, cityID int64, c Choice, after int64, limit int) ([]Heard, error) {
	rows, err := d.query(ctx, "SELECT "+reportColumns+" FROM reports AS r WHERE "+chosen+" AND seq > ?5 ORDER BY seq LIMIT ?6",
		append(c.args(cityID), after, limit)...)
	if err != nil {
		return nil, fmt.Errorf("list what is held: %w", err)
	}
	return d.heard(rows)
}

// Overruled returns a report of the city that was refused and that its moderators may let
// through all the same: none where there is none of that id. See Judged.Overrulable.
func (d *DB) Overruled(ctx context.Context, cityID int64, id string) ([]Heard, error) {
	rows, err := d.query(ctx, "SELECT "+reportColumns+" FROM reports AS r WHERE r.id = ? AND r.city_id = ? AND "+overruled, id, cityID)
	if err != nil {
		return nil, fmt.Errorf("report that was refused: %w", err)
	}
	list, err := d.heard(rows)
	return slices.DeleteFunc(list, func(h Heard) bool { return !whole(h.Report.Text) }), err
}

// overruled is what is true of a report that was refused for what its moderators may see
// otherwise. What insults people, says nothing or is said already is not among it.
const overruled = "state = 'judged' AND passed = FALSE AND reason IN ('no_trigger', 'blocked', 'link', 'long', 'question', 'task', 'muted', 'trouble')"

// Overrulable tells whether the moderators of its city may let a report through that was
// refused. What is kept of it must be all of it.
func (j Judged) Overrulable() bool {
	switch j.Verdict.Reason {
	case report.ReasonNoTrigger, report.ReasonBlocked, report.ReasonLink, report.ReasonLong, report.ReasonQuestion, report.ReasonTask, report.ReasonMuted, report.ReasonTrouble:
		return !j.Held && !j.Verdict.Passed && whole(j.Report.Text)
	default:
		return false
	}
}

// whole tells whether what is kept of the text of a refused report is all of it.
func whole(text string) bool { return utf8.RuneCountInString(text) < refusedText }

// Decide stores the verdict of a moderator on a report that is held or that they may let
// through, with its fanouts where it passes. Nothing is judged where it is neither any
// more: somebody else has decided, or it was deleted.
func (d *DB) Decide(ctx context.Context, r Ruling) (Saved, error) {
	var s Saved
	save := func(tx *gorm.DB) (err error) {
		in := d.newStoring(tx, false)
		if _, err := Exec(tx, "UPDATE reports SET state = 'held' WHERE seq = ? AND "+overruled, r.Seq); err != nil {
			return err
		}
		if s, err = d.storeVerdict(in, r, "held", r.Verdict, ""); err != nil {
			return err
		}
		return in.trim()
	}
	if err := d.do(ctx, &job{soon: true, rows: 1 + r.CountFanouts(), key: r.Report.CityID, fn: save}); err != nil {
		return Saved{}, fmt.Errorf("decide about a report: %w", err)
	}
	return s, nil
}

// ThrowAway deletes the chosen reports and returns how many there were. Nothing else
// belongs to them: they were never sent.
func (d *DB) ThrowAway(ctx context.Context, cityID int64, c Choice) (n int, err error) {
	for more := true; more; {
		var slice int64
		err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
			result, err := Exec(tx, "DELETE FROM reports WHERE seq IN (SELECT seq FROM reports WHERE "+chosen+" LIMIT ?5) AND state = 'held'", // nobody has let it through meanwhile
				append(c.args(cityID), throwAtOnce)...)
			if err == nil {
				slice, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return n, fmt.Errorf("throw away what is held: %w", err)
		}
		n += int(slice)
		more = slice == throwAtOnce
	}
	return n, nil
}

// throwAtOnce is how many reports are thrown away in one transaction.
const throwAtOnce = 100

// HeldUntold returns the cities with reports that came before until, are held, and
// that their moderators were not told of. Cities that were told after told are left
// out, unless nothing waits any more of what they were told of: then those that were
// told after again are.
func (d *DB) HeldUntold(ctx context.Context, until, told, again time.Time) ([]int64, error) {
	ids, err := ReadColumn[int64](ctx, d, `SELECT DISTINCT r.city_id FROM reports AS r INDEXED BY reports_held JOIN cities AS c ON c.id = r.city_id
		WHERE r.state = 'held' AND r.received > c.held_told AND r.received < ?1 AND (c.held_told < ?2 OR c.held_told < ?3
			AND NOT EXISTS (SELECT 1 FROM reports AS o WHERE o.state = 'held' AND o.city_id = c.id AND o.received <= c.held_told))`,
		millis(until), millis(told), millis(again))
	if err != nil {
		return nil, fmt.Errorf("list cities with held reports: %w", err)
	}
	return ids, nil
}

// HeldTold notes that the moderators of a city were told of what is held.
func (d *DB) HeldTold(ctx context.Context, cityID int64) error {
	return d.updateCity(ctx, cityID, map[string]any{"held_told": millis(d.now())})
}
