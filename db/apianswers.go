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

// FindAPIAnswer returns the answer to a request, or ErrNotFound.
func (d *DB) FindAPIAnswer(ctx context.Context, keyID int64, request string) (APIAnswer, error) {
	a := APIAnswer{KeyID: keyID, Request: request}
	err := d.ReadRow(ctx, "SELECT body, answer FROM api_answers WHERE key_id = ? AND request = ? AND created >= ?", keyID, request, d.since(answersKept)).
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
