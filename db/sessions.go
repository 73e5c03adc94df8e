package db

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"
)

type sessionRow struct {
	Token   string `gorm:"primaryKey"`
	Data    []byte
	Expires int64
}

func (sessionRow) TableName() string { return "sessions" }

// Sessions stores the login sessions of the pages in the form that
// alexedwards/scs asks for (scs.CtxStore). It stores tokens as they are; scs
// can be told to hash them.
type Sessions struct{ db *DB }

// Sessions returns the store of sessions.
func (d *DB) Sessions() *Sessions { return &Sessions{db: d} }

// FindCtx returns a session's data. found is false if there is no such session
// or it has expired.
func (s *Sessions) FindCtx(ctx context.Context, token string) (data []byte, found bool, err error) {
	row, err := Take[sessionRow](s.db.Read(ctx).Where("token = ? AND expires > ?", token, millis(s.db.now())))
	if errors.Is(err, ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("find session: %w", err)
	}
	return row.Data, true, nil
}

// CommitCtx stores a session.
func (s *Sessions) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Save(&sessionRow{Token: token, Data: data, Expires: millis(expiry)}).Error
	})
	if err != nil {
		return fmt.Errorf("store session: %w", err)
	}
	return nil
}

// DeleteCtx ends a session. It does nothing if the session is gone.
func (s *Sessions) DeleteCtx(ctx context.Context, token string) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Where("token = ?", token).Delete(&sessionRow{}).Error
	})
	if err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}

// Find, Commit and Delete are the same without a context. scs requires them,
// though it does not call them.
func (s *Sessions) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// Commit is CommitCtx.
func (s *Sessions) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// Delete is DeleteCtx.
func (s *Sessions) Delete(token string) error {
	return s.DeleteCtx(context.Background(), token)
}
