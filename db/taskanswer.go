package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// taskAnswersKept is how long it is kept what tasks say to whoever wrote: longer than anybody
// waits for an answer.
const taskAnswersKept = 15 * time.Minute

// keepTaskAnswer stores within tx what tasks say to whoever wrote a report: it may have been
// heard by another process, which answers. In a file there is none.
func (d *DB) keepTaskAnswer(tx *gorm.DB, r Ruling) error {
	if r.TaskAnswer == "" || !d.OnServer() {
		return nil
	}
	return Later(tx, "INSERT INTO task_answers (report, answer, created) VALUES (?, ?, ?) ON CONFLICT (report) DO NOTHING",
		r.Seq, d.words.seal(inAnswer, r.Report.ID, r.TaskAnswer), millis(d.now()))
}

// TaskAnswer returns what tasks have said to whoever wrote a report that another process has
// judged within the last minutes; empty where they have said nothing.
func (d *DB) TaskAnswer(ctx context.Context, seq int64, id string) (string, error) {
	if !d.OnServer() {
		return "", nil
	}
	var sealed string
	err := d.ReadRow(ctx, "SELECT answer FROM task_answers WHERE report = ?", seq).Scan(&sealed)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return "", fmt.Errorf("what tasks say to whoever wrote a report: %w", err)
	}
	return d.words.open(inAnswer, id, sealed), nil
}

// deleteOldTaskAnswers deletes those that nobody waits for any more.
func (d *DB) deleteOldTaskAnswers(ctx context.Context) error {
	if !d.OnServer() {
		return nil
	}
	return d.deleteSlices(ctx, "task_answers", "report", "created < ?", d.since(taskAnswersKept))
}
