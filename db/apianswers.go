package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// answersKept is how long the answer to a request to the API is kept that may be sent a
// second time.
const answersKept = 24 * time.Hour

// APIAnswer is what a request to the API was answered, for when it comes a second time.
type APIAnswer struct {
	KeyID   int64
	Request string // keyed hash of method, path and Idempotency-Key
	Body    string // keyed hash of the body
	Answer  string // sealed
}

// claimKept is how long a request to the API is kept from being done by another process:
// longer than any takes.
const claimKept = 2 * time.Minute

// ClaimAPIAnswer tells whether this process is to do what a request asks for, and nobody
// else: then call SaveAPIAnswer or DropAPIAnswer. Otherwise it was answered, or another
// process is doing it. Within a process the caller sees to that.
func (d *DB) ClaimAPIAnswer(ctx context.Context, a APIAnswer) (claimed bool, err error) {
	if !byServer(d.read) {
		return true, nil // there is no other process
	}
	err = d.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`INSERT INTO api_answers (key_id, request, body, answer, created) SELECT id, ?, ?, '', ? FROM api_keys WHERE id = ?
			ON CONFLICT (key_id, request) DO UPDATE SET body = excluded.body, answer = '', created = excluded.created
			WHERE api_answers.created < ? OR api_answers.answer = '' AND api_answers.created < ?`,
			a.Request, a.Body, millis(d.now()), a.KeyID, d.since(answersKept), d.since(claimKept))
		claimed = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("claim a request: %w", err)
	}
	return claimed, nil
}

// DropAPIAnswer ends a claim: what the request asks for was not done.
func (d *DB) DropAPIAnswer(ctx context.Context, a APIAnswer) error {
	if !byServer(d.read) {
		return nil
	}
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM api_answers WHERE key_id = ? AND request = ? AND answer = ''", a.KeyID, a.Request).Error
	})
	if err != nil {
		return fmt.Errorf("end the claim of a request: %w", err)
	}
	return nil
}

// FindAPIAnswer returns the answer to a request, or ErrNotFound.
func (d *DB) FindAPIAnswer(ctx context.Context, keyID int64, request string) (APIAnswer, error) {
	a := APIAnswer{KeyID: keyID, Request: request}
	err := d.ReadRow(ctx, "SELECT body, answer FROM api_answers WHERE key_id = ? AND request = ? AND created >= ? AND answer <> ''", keyID, request, d.since(answersKept)).
		Scan(&a.Body, &a.Answer)
	if err != nil {
		return APIAnswer{}, fmt.Errorf("find answer: %w", err)
	}
	return a, nil
}

// SaveAPIAnswer stores the answer to a request. Where the key is gone, it does nothing.
func (d *DB) SaveAPIAnswer(ctx context.Context, a APIAnswer) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO api_answers (key_id, request, body, answer, created) SELECT id, ?, ?, ?, ? FROM api_keys WHERE id = ?
			ON CONFLICT (key_id, request) DO UPDATE SET body = excluded.body, answer = excluded.answer, created = excluded.created`,
			a.Request, a.Body, a.Answer, millis(d.now()), a.KeyID).Error
	})
	if err != nil {
		return fmt.Errorf("store answer: %w", err)
	}
	return nil
}
