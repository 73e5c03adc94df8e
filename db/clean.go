package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// How much is deleted at a time. Whoever stores something meanwhile waits for
// one slice at most, and mostly for none.
const (
	slice = 50 // rows
	// cleanFor bounds one cleaning; the next goes on.
	cleanFor = 8 * time.Second
	// longestRest is how long a slice that was slow keeps the next waiting.
	longestRest = time.Second
)

// pace is how long there is a pause after each slice, in times of what the slice
// took. Each slice changes pages all over the database, and what waits for the
// disk would wait for them.
type pace int

const (
	gently  pace = 20 // for what nobody waits for
	swiftly pace = 3  // for what a person waits for
)

// DeleteExpired deletes reports older than keep with all that belongs to them,
// what is left of the reports of paused cities, sign-ups that were never confirmed,
// invitations that were never accepted, answers to requests that may be repeated, calls that no
// process could take to its bot, what programs had to say to whoever wrote, logins and sessions
// that have ended, what can be undone no more, and acts, counts and slugs that are kept no
// longer; and of reports which client and domain they came
// from, a while after they came. What was deleted since the last time, by whomever,
// is in no file afterwards, unless somebody has been reading for long: then the
// next call sees to that. It ends after some seconds, even if more has expired.
func (d *DB) DeleteExpired(ctx context.Context, keep time.Duration) error {
	within, cancel := context.WithTimeout(ctx, cleanFor)
	defer cancel()
	err := errors.Join(
		d.deleteSlices(within, "registrations", "id", "created < ?", d.since(7*24*time.Hour)),
		d.deleteSlices(within, "invitations", "id", "created < ?", d.since(30*24*time.Hour)),
		d.deleteSlices(within, "sessions", "token", "expires < ?", millis(d.now())),
		d.deleteSlices(within, "api_answers", "id", "created < ?", d.since(answersKept)),
		d.deleteSlices(within, "logins", "id", "used < ?", d.since(loginKept)),
		d.deleteSlices(within, "acts", "id", "at < ?", d.since(actsKept)),
		d.deleteSlices(within, "limits", "rowid", "expires < ?", millis(d.now())),
		d.deleteSlices(within, "undos", "until", "until < ?", millis(d.now())),
		d.deleteSlices(within, "former_cities", "slug", "deleted < ?", d.since(slugKept)),
		d.deleteOldCalls(within),
		d.deleteOldTaskAnswers(within),
		d.wipePaused(within),
		d.forgetOrigins(within),
		d.cleanDayKeys(within),
		d.deleteOrphans(within),
		d.deleteReports(within, gently, "received < ? ORDER BY received", d.since(keep)))
	if within.Err() != nil && ctx.Err() == nil {
		err = nil // more is left for the next time
	}
	_, emptyErr := d.EmptyLog(ctx)
	if err := errors.Join(err, emptyErr); err != nil {
		return fmt.Errorf("delete what has expired: %w", err)
	}
	return nil
}

// originsKept is how long it is known which client and domain a report came from: for
// as long as a brake counts, and some minutes more.
const originsKept = 15 * time.Minute

// forgetOrigins takes from reports what a brake needed, and needs no more.
func (d *DB) forgetOrigins(ctx context.Context) error {
	const old = "SELECT seq FROM reports INDEXED BY reports_origin WHERE counted = TRUE AND received < ?"
	return d.inSlices(ctx, gently, "SELECT EXISTS ("+old+")",
		[]string{fmt.Sprintf("UPDATE reports SET counted = FALSE, client = '', domain = '' WHERE seq IN (%s LIMIT %d)", old, slice)},
		[]any{d.since(originsKept)})
}

// deleteReports deletes the reports that where selects, with all that belongs to
// them, in slices: what is stored meanwhile goes first. where is the end of a
// SELECT.
func (d *DB) deleteReports(ctx context.Context, p pace, where string, args ...any) error {
	statements := make([]string, 0, 4)
	for _, table := range []string{"fanouts", "receipts", "outcomes"} {
		statements = append(statements, fmt.Sprintf("DELETE FROM %s WHERE report IN (SELECT seq FROM reports WHERE %s LIMIT %d)", table, where, slice))
	}
	statements = append(statements, fmt.Sprintf("DELETE FROM reports WHERE seq IN (SELECT seq FROM reports WHERE %s LIMIT %d)", where, slice))
	return d.inSlices(ctx, p, "SELECT EXISTS (SELECT 1 FROM reports WHERE "+where+")", statements, args)
}

// deleteOrphans deletes what became of deliveries whose report was deleted by another
// transaction at the same moment: on a server neither sees the other. Below the oldest report
// there is none any more.
func (d *DB) deleteOrphans(ctx context.Context) error {
	if !d.OnServer() {
		return nil
	}
	const orphans = " WHERE report < (SELECT min(seq) FROM reports)"
	var errs []error
	for _, table := range []string{"receipts", "outcomes"} {
		errs = append(errs, d.inSlices(ctx, gently, "SELECT EXISTS (SELECT 1 FROM "+table+orphans+")", []string{"DELETE FROM " + table + orphans}, nil))
	}
	return errors.Join(errs...)
}

// deleteSlices deletes rows of a table by its key.
func (d *DB) deleteSlices(ctx context.Context, table, key, where string, args ...any) error {
	return d.inSlices(ctx, gently, fmt.Sprintf("SELECT EXISTS (SELECT 1 FROM %s WHERE %s)", table, where),
		[]string{fmt.Sprintf("DELETE FROM %s WHERE %s IN (SELECT %s FROM %s WHERE %s LIMIT %d)", table, key, key, table, where, slice)}, args)
}

// inSlices runs the statements, in one transaction each time, while the query
// says that there is more.
func (d *DB) inSlices(ctx context.Context, p pace, query string, statements []string, args []any) error {
	for {
		var more bool
		if err := d.ReadRow(ctx, query, args...).Scan(&more); err != nil || !more {
			return err
		}
		began := time.Now()
		err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
			for _, s := range statements {
				if _, err := Exec(tx, s, args...); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := sleep(ctx, min(longestRest, time.Duration(p)*time.Since(began))); err != nil {
			return err
		}
	}
}

// sleep waits, but not beyond the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
