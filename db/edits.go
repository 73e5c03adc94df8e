package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

// Edit is what the author of a report has made of it.
type Edit struct {
	Report   report.Report  // as it would be heard now
	Verdict  report.Verdict // what the rules say of it
	Sameness string         // see Brake
	// Approval is whose reports the city's moderators look at first. What passed stays as they
	// have seen it, where they do so at the author's.
	Approval report.Approval
}

// Change is what follows where the author has changed or deleted a report that passed.
type Change struct {
	CityID, Seq int64
	TakenBack   bool
	Report      *report.Report // that was taken back
	Fanouts     []Fanout       // to be sent now
}

// FollowChanges has f called with every Change from now on, when it is on disk. There
// is one follower at a time.
func (d *DB) FollowChanges(f func(Change)) { d.changes.Store(&f) }

// Knows tells whether there is a report of the city with that id, in whatever state.
func (d *DB) Knows(ctx context.Context, cityID int64, id string) (there bool, err error) {
	err = d.ReadRow(ctx, "SELECT EXISTS (SELECT 1 FROM reports WHERE id = ? AND city_id = ?)", id, cityID).Scan(&there)
	if err != nil {
		return false, fmt.Errorf("find report: %w", err)
	}
	return there, nil
}

// Boostable returns the reports of a city that passed, are not older than ago, and whose
// message their bot may boost: their NetworkID is kept.
func (d *DB) Boostable(ctx context.Context, cityID, botID int64, ago time.Duration) ([]report.Report, error) {
	var rows []reportRow
	err := d.Read(ctx).Where("state = 'judged' AND city_id = ? AND passed = TRUE AND time > ? AND bot_id = ? AND network_id <> ''", cityID, d.since(ago), botID).
		Order("seq").Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("list reports of a bot: %w", err)
	}
	return mapRows(rows, func(r reportRow) report.Report { return d.judgedOf(r).Report }), nil
}

// Edit stores what the author of a report has made of it. One that passed shows its new
// words, or is taken back where they do not pass; every other one is heard once more, as
// it is now. Nothing happens where it is not known, by somebody else, taken back or a
// repetition, or says the same as before.
func (d *DB) Edit(ctx context.Context, e Edit) error {
	var c Change
	var again *Heard // is to be judged
	var more int64   // reports that wait to be judged
	err := d.do(ctx, &job{
		key: e.Report.CityID,
		fn: func(tx *gorm.DB) (err error) {
			c, again, more, err = d.edit(tx, e)
			return err
		},
		after: func() {
			d.unjudged.Add(more)
			if again != nil {
				d.tell(*again)
			}
		},
	})
	return d.changed(err, &c, "edit report")
}

// Withdraw takes back what has passed of a report, and deletes its words: its author
// has deleted it. One that did not pass is gone. One that is not known is no error.
func (d *DB) Withdraw(ctx context.Context, cityID int64, id string) error {
	if there, err := d.Knows(ctx, cityID, id); err != nil || !there {
		return err
	}
	var c Change
	var waited bool
	err := d.do(ctx, &job{
		key: cityID,
		fn: func(tx *gorm.DB) (err error) {
			c, waited, err = d.withdraw(tx, cityID, id)
			return err
		},
		after: func() {
			if waited {
				d.unjudged.Add(-1)
			}
		},
	})
	return d.changed(err, &c, "withdraw report")
}

// changed tells of a change that is on disk.
func (d *DB) changed(err error, c *Change, doing string) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if f := d.changes.Load(); f != nil && c.Seq != 0 {
		(*f)(*c)
	}
	return nil
}

// known is a report as it stands, with its verdict.
type known struct {
	Heard
	state  string
	passed bool
	reason report.Reason
}

// findKnown looks for a report of a city that takes some, which stays as it is until tx
// ends but for what tx makes of it.
func (d *DB) findKnown(tx *gorm.DB, cityID int64, id string) (known, error) {
	k := known{Heard: Heard{Report: new(report.Report)}}
	query := "SELECT " + reportColumns + `, r.state, r.passed, r.reason FROM reports AS r
		JOIN cities AS c ON c.id = r.city_id WHERE r.id = ? AND r.city_id = ? AND c.paused = 0 AND c.suspended = 0 AND c.deleted = 0 AND c.waiting = FALSE`
	if byServer(tx) {
		query += " FOR UPDATE OF r FOR KEY SHARE OF c"
	}
	row := queryRow(tx, query, id, cityID)
	return k, notFound(d.scanReport(row, &k.Seq, k.Report, &k.state, &k.passed, &k.reason))
}

func (d *DB) edit(tx *gorm.DB, e Edit) (c Change, again *Heard, more int64, err error) {
	k, err := d.findKnown(tx, e.Report.CityID, e.Report.ID)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && !k.mayBe(e.Report):
		return c, nil, 0, nil
	case err != nil:
		return c, nil, 0, err
	case k.passed:
		c, err = d.editPassed(tx, k, e)
		return c, nil, 0, err
	case k.says(e.Report.Text):
		return c, nil, 0, nil
	}
	if k.state != "heard" {
		more = 1
	}
	again, err = d.hearAgain(tx, k, e.Report)
	return c, again, more, err
}

// mayBe tells whether a report may become another: by its author, and not where a
// moderator or the author has taken it back. A repetition stays one: what it repeats is
// edited as well where one message came by two bots of a city.
func (k *known) mayBe(now report.Report) bool {
	return k.Report.Author == now.Author && k.reason != report.ReasonTakenBack && k.reason != report.ReasonRepeated
}

// says tells whether a report that did not pass has that text, as far as it is kept.
func (k *known) says(text string) bool {
	return text == k.Report.Text || k.state == "judged" && cutText(text) == k.Report.Text
}

// cutText is what is kept of the text of a refused report.
func cutText(text string) string {
	runes := 0
	for at := range text {
		if runes++; runes > refusedText {
			return text[:at]
		}
	}
	return text
}

// hearAgain has a report judged as if it had been heard now, after all others: who
// judges the one before finds nothing.
func (d *DB) hearAgain(tx *gorm.DB, k known, now report.Report) (*Heard, error) {
	seq, err := d.seqs.next(tx)
	if err != nil {
		return nil, err
	}
	h := &Heard{Seq: seq, Report: k.Report}
	h.Report.Text, h.Report.NetworkID, h.Report.Question, h.Report.Results = now.Text, now.NetworkID, now.Question, ""
	_, err = Exec(tx, `UPDATE reports SET seq = ?, text = ?, network_id = ?, state = 'heard', passed = FALSE, reason = ?, detail = '', normalized = '', reading = '', results = ''
		WHERE seq = ?`, seq, d.words.seal(inText, k.Report.ID, now.Text), now.NetworkID, heardReason(&now), k.Seq)
	return h, err
}

// editPassed has a report that passed say something else. Where it cannot be boosted
// any more, its boost is taken back, and it is posted.
func (d *DB) editPassed(tx *gorm.DB, k known, e Edit) (c Change, err error) {
	boosts, err := findBoosts(tx, k, e.Report.NetworkID)
	if err != nil || k.Report.Text == e.Report.Text && len(boosts) == 0 {
		return c, err
	}
	away, err := isAway(tx, e)
	switch {
	case err != nil:
		return c, err
	case away:
		return d.editAway(tx, k, e)
	}
	unseen, err := isUnseen(tx, e)
	switch {
	case err != nil:
		return c, err
	case unseen:
		return d.keepSeen(tx, k)
	}
	k.Report.Text, k.Report.Reading, k.Report.Results = e.Report.Text, e.Report.Reading, e.Report.Results
	s := d.words.judged(k.Report, e.Verdict, e.Sameness)
	_, err = Exec(tx, "UPDATE reports SET text = ?, normalized = ?, reading = ?, results = ?, reason = ?, detail = ? WHERE seq = ?",
		d.words.seal(inText, k.Report.ID, k.Report.Text), s.sameness, s.reading, s.results, string(e.Verdict.Reason), s.detail, k.Seq)
	if err != nil {
		return c, err
	}
	c = Change{CityID: k.Report.CityID, Seq: k.Seq}
	if len(boosts) > 0 {
		c.Fanouts, err = d.postInstead(tx, k.Heard, boosts)
	}
	return c, err
}

// isUnseen tells whether the moderators look at what a report says now before anybody else.
func isUnseen(tx *gorm.DB, e Edit) (bool, error) {
	if e.Approval == report.ApproveNone {
		return false, nil
	}
	return waitsForApproval(tx, &e.Report, e.Approval)
}

// keepSeen has a report say what its moderators have seen. A boost, which shows the new words,
// is taken back, and it is posted.
func (d *DB) keepSeen(tx *gorm.DB, k known) (c Change, err error) {
	boosts, err := findBoosts(tx, k, "")
	if err != nil || len(boosts) == 0 {
		return c, err
	}
	c = Change{CityID: k.Report.CityID, Seq: k.Seq}
	c.Fanouts, err = d.postInstead(tx, k.Heard, boosts)
	return c, err
}

// isAway tells whether what a report says now is not to be shown: it does not pass, or a
// moderator has muted its author since.
func isAway(tx *gorm.DB, e Edit) (away bool, err error) {
	if !e.Verdict.Passed {
		return true, nil
	}
	err = queryRow(tx, "SELECT EXISTS (SELECT 1 FROM mutes WHERE city_id = ? AND author = ?)", e.Report.CityID, e.Report.Author).Scan(&away)
	return away, err
}

// findBoosts returns the receipts of boosts that show what is not to be boosted now: now is the
// NetworkID that the report has by its edit. Those that are being taken back already are not
// among them.
func findBoosts(tx *gorm.DB, k known, now string) (ids []int64, err error) {
	if now != "" || k.Report.NetworkID == "" {
		return nil, nil
	}
	err = tx.Raw("SELECT id FROM receipts WHERE report = ? AND bot_id = ? AND remote_id LIKE ? AND NOT EXISTS (SELECT 1 FROM fanouts WHERE report = ? AND bot_id = ? AND kind = ?) ORDER BY id",
		k.Seq, k.Report.BotID, report.BoostReceipt+"%", k.Seq, k.Report.BotID, kindRetract).Scan(&ids).Error
	return ids, err
}

// postInstead takes boosts back and posts the text.
func (d *DB) postInstead(tx *gorm.DB, h Heard, boosts []int64) ([]Fanout, error) {
	list := append(newFanouts(h, h.Report.BotID, true, boosts, d.now()), newFanouts(h, h.Report.BotID, false, []int64{0}, d.now())...)
	for i := range list {
		if err := d.insertFanout(tx, &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// editAway takes back a report that does not pass any more. What it says now is kept
// for the moderators, as of a refused one.
func (d *DB) editAway(tx *gorm.DB, k known, e Edit) (Change, error) {
	text := cutText(e.Report.Text)
	k.Report.Text = text
	return d.takeBackFor(tx, k, report.DetailChanged, text)
}

func (d *DB) withdraw(tx *gorm.DB, cityID int64, id string) (c Change, waited bool, err error) {
	k, err := d.findKnown(tx, cityID, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return c, false, nil
	case err != nil:
		return c, false, err
	case k.passed:
		k.Report.Text = ""
		c, err = d.takeBackFor(tx, k, report.DetailDeleted, "")
		return c, false, err
	case k.reason == report.ReasonTakenBack: // it stays in the list of its city, without words
		_, err = Exec(tx, "UPDATE reports SET text = '', normalized = '', reading = '', results = '' WHERE seq = ?", k.Seq)
		return c, false, err
	}
	_, err = Exec(tx, "DELETE FROM reports WHERE seq = ?", k.Seq)
	return c, k.state == "heard", err
}

// takeBackFor takes a report back that passed, for what its author has done.
func (d *DB) takeBackFor(tx *gorm.DB, k known, detail, text string) (Change, error) {
	if err := d.takeBack(tx, k.Heard, detail, 0); err != nil {
		return Change{}, err
	}
	_, err := Exec(tx, "UPDATE reports SET text = ?, normalized = '', reading = '', results = '' WHERE seq = ?", d.words.seal(inText, k.Report.ID, text), k.Seq)
	return Change{CityID: k.Report.CityID, Seq: k.Seq, TakenBack: true, Report: k.Report}, err
}
