package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Judged is a report with its verdict.
type Judged struct {
	Seq     int64 // its place in the order in which reports were stored
	Report  report.Report
	Verdict report.Verdict
	Held    bool // it waits for a moderator's decision
}

type reportRow struct {
	Seq        int64 `gorm:"primaryKey"`
	ID         string
	CityID     int64
	BotID      int64
	Network    string
	NetworkID  string
	Author     string
	LeftOut    string
	Unverified bool
	Client     string
	Domain     string
	Text       string
	Visibility string
	Time       int64
	Received   int64
	State      string
	Passed     bool
	Reason     string
	Detail     string
	Reading    string
	Results    string
}

func (reportRow) TableName() string { return "reports" }

func (d *DB) judgedOf(r reportRow) Judged {
	open := func(c sealedColumn, stored string) string { return d.words.open(c, r.ID, stored) }
	return Judged{
		Seq: r.Seq,
		Report: report.Report{ID: r.ID, CityID: r.CityID, BotID: r.BotID, Network: r.Network, NetworkID: r.NetworkID,
			Author: r.Author, LeftOut: r.LeftOut, Unverified: r.Unverified, Client: r.Client, Domain: r.Domain, Text: open(inText, r.Text), Visibility: report.Visibility(r.Visibility),
			Time: fromMillis(r.Time), Received: fromMillis(r.Received), Results: open(inResults, r.Results), Reading: readingOf(open(inReading, r.Reading))},
		Verdict: report.Verdict{Passed: r.Passed, Reason: report.Reason(r.Reason), Detail: open(inDetail, r.Detail)},
		Held:    r.State == "held",
	}
}

// Audience is whom one bot sends a report to.
type Audience struct {
	BotID      int64
	Recipients []int64 // one 0 where the bot posts publicly
	Spread     bool    // other processes may send to some of them, too
}

// Ruling is what the rules say of a report, and whom it is sent to if it passes.
type Ruling struct {
	Heard
	Verdict   report.Verdict
	Audiences []Audience
	Approval  report.Approval // whether it is held for its moderators, where it would pass
}

// CountFanouts is how many fanouts it makes if the report passes.
func (r *Ruling) CountFanouts() int {
	n := 0
	for _, a := range r.Audiences {
		n += countFanouts(a.Recipients)
	}
	return n
}

// Saved is what SaveVerdicts has made of a report.
type Saved struct {
	Judged  bool // false: it had been judged before, or is gone
	Verdict report.Verdict
	Fanouts []Fanout
}

// SaveVerdicts stores verdicts, with the fanouts of the reports that pass, in one
// transaction. It returns when that is committed and not yet on disk. A report that
// the rules let pass gets the verdict of the brake. The error is ErrNotOurs where another
// process works for the city of one. Of one that is refused the
// beginning is kept, and of each city the newest ones.
func (d *DB) SaveVerdicts(ctx context.Context, list []Ruling, brake Brake) ([]Saved, error) {
	sameness := make([]string, len(list))
	rows := len(list)
	for i, r := range list {
		if r.Verdict.Passed { // what is refused is not compared
			sameness[i] = brake.Sameness(r.Report.Text)
		}
		rows += r.CountFanouts()
	}
	saved := make([]Saved, len(list))
	save := func(tx *gorm.DB) error {
		in := d.newStoring(tx, brake.Crowd())
		for i, r := range list {
			var err error
			if saved[i], err = d.saveVerdict(in, r, sameness[i], brake); err != nil {
				return err
			}
		}
		return in.trim()
	}
	claims := d.claims(len(list), func(i int) Claim { return d.Claim(list[i].Report.CityID) })
	if err := d.do(ctx, &job{soon: true, rows: rows, key: keyOf(list), claims: claims, fn: save, after: func() { d.judged(saved) }}); err != nil {
		return nil, fmt.Errorf("save verdicts: %w", err)
	}
	return saved, nil
}

// keyOf is the city of the first of them: those of one lane are done in their order.
func keyOf(list []Ruling) int64 {
	if len(list) == 0 {
		return 0
	}
	return list[0].Report.CityID
}

// judged takes what was judged off the backlog.
func (d *DB) judged(list []Saved) {
	for _, s := range list {
		if s.Judged {
			d.unjudged.Add(-1)
		}
	}
}

// saveVerdict stores one of them. What it returns is empty where the report was judged
// before, or is gone.
func (d *DB) saveVerdict(in *storing, r Ruling, sameness string, brake Brake) (Saved, error) {
	v := r.Verdict
	if v.Passed && (r.Report.Author != "" || r.Report.Unverified) {
		said, err := history(in.tx, r.Report, d.words.sameness(r.Report.Author, sameness), brake)
		if err != nil {
			return Saved{}, err
		}
		v = brake.Judge(v, said)
	}
	if v.Passed && r.Approval != report.ApproveNone {
		waits, err := waitsForApproval(in.tx, r.Report, r.Approval)
		if err != nil {
			return Saved{}, err
		}
		if waits {
			v = report.Verdict{Reason: report.ReasonApproval}
		}
	}
	return d.storeVerdict(in, r, "heard", v, sameness)
}

// storeVerdict stores a verdict on a report in that state, with the fanouts of one
// that passes. What it returns is empty where there is none.
func (d *DB) storeVerdict(in *storing, r Ruling, state string, v report.Verdict, sameness string) (Saved, error) {
	there, err := in.update(r, state, v, sameness)
	if err != nil || !there {
		return Saved{}, err
	}
	s := Saved{Judged: true, Verdict: v}
	if v.Passed {
		if s.Fanouts, err = d.fanOut(in.tx, r); err != nil {
			return Saved{}, err
		}
	}
	return s, d.keepTaskAnswer(in.tx, r)
}

// fanOut stores the fanouts of a report that passed.
func (d *DB) fanOut(tx *gorm.DB, r Ruling) ([]Fanout, error) {
	var list []Fanout
	now := d.now()
	for _, a := range r.Audiences {
		some := newFanouts(r.Heard, a.BotID, false, a.Recipients, now)
		d.markSpare(a, some)
		list = append(list, some...)
	}
	for i := range list {
		if err := d.insertFanout(tx, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Report returns a report of the city that was judged, or ErrNotFound.
func (d *DB) Report(ctx context.Context, cityID int64, id string) (Judged, error) {
	row, err := Take[reportRow](d.Read(ctx).Where("id = ? AND city_id = ? AND state <> 'heard'", id, cityID))
	if err != nil {
		return Judged{}, fmt.Errorf("report: %w", err)
	}
	return d.judgedOf(row), nil
}

// PassedReports returns those of the reports with these seqs that have passed and were
// not taken back.
func (d *DB) PassedReports(ctx context.Context, seqs []int64) ([]Judged, error) {
	var rows []reportRow
	if err := d.Read(ctx).Where("seq IN ? AND passed = TRUE", seqs).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("reports: %w", err)
	}
	return mapRows(rows, d.judgedOf), nil
}

// TakeBack marks a passed report of the city as taken back: it is no longer
// shown, what was not sent of it is not sent any more, and what was is taken back
// by new fanouts of the city's bots. The error is ErrNotFound if there is no such
// passed report.
func (d *DB) TakeBack(ctx context.Context, cityID int64, id string) error {
	return d.TakeBackFor(ctx, cityID, id, 0)
}

// TakeBackFor is TakeBack where PutBack can undo it for a while: what was sent is taken
// back after that.
func (d *DB) TakeBackFor(ctx context.Context, cityID int64, id string, undo time.Duration) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		h := Heard{Report: new(report.Report)}
		row := queryRow(tx, "SELECT "+reportColumns+" FROM reports AS r WHERE r.id = ? AND r.city_id = ? AND r.passed = TRUE", id, cityID)
		if err := d.scanReport(row, &h.Seq, h.Report); err != nil {
			return notFound(err)
		}
		if undo > 0 {
			if err := d.keepTaken(tx, h, undo); err != nil {
				return err
			}
		}
		return d.takeBack(tx, h, "", undo)
	})
	if err != nil {
		return fmt.Errorf("take back report: %w", err)
	}
	return nil
}

// takeBack is TakeBack, with what was sent being taken back after a wait; detail says who
// did it, where that was no moderator.
func (d *DB) takeBack(tx *gorm.DB, h Heard, detail string, wait time.Duration) error {
	// Who takes it back at the same time finds that it has not passed.
	err := oneRow(tx.Exec("UPDATE reports SET passed = FALSE, reason = ?, detail = ? WHERE seq = ? AND passed = TRUE",
		string(report.ReasonTakenBack), d.words.seal(inDetail, h.Report.ID, detail), h.Seq))
	if err != nil {
		return err
	}
	if _, err := Exec(tx, "DELETE FROM fanouts WHERE report = ?", h.Seq); err != nil {
		return err
	}
	return d.retract(tx, h, wait)
}

// retract makes the fanouts that take back what was sent of a report, after a wait.
func (d *DB) retract(tx *gorm.DB, h Heard, wait time.Duration) error {
	var rows []struct{ ID, BotID int64 }
	err := tx.Raw("SELECT receipts.id, bot_id FROM receipts JOIN bots ON bots.id = bot_id WHERE report = ? ORDER BY receipts.id", h.Seq).Scan(&rows).Error
	if err != nil {
		return err
	}
	byBot := make(map[int64][]int64)
	for _, r := range rows {
		byBot[r.BotID] = append(byBot[r.BotID], r.ID)
	}
	for botID, receipts := range byBot {
		for _, f := range newFanouts(h, botID, true, receipts, d.now()) {
			if wait > 0 {
				f.Due = d.now().Add(wait)
			}
			if err := d.insertFanout(tx, &f); err != nil {
				return err
			}
		}
	}
	return nil
}
