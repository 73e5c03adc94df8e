package telegram

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/db"
)

// chats returns the ids of the chats that have subscribed, the first one first.
func (s *store) chats(ctx context.Context, botID int64) ([]int64, error) {
	ids, err := db.ReadColumn[int64](ctx, s.db, "SELECT chat_id FROM telegram_chats WHERE bot_id = ? ORDER BY id", botID)
	if err != nil {
		return nil, fmt.Errorf("list telegram chats: %w", err)
	}
	return ids, nil
}

// countChats returns how many chats have subscribed.
func (s *store) countChats(ctx context.Context, botID int64) (int, error) {
	var n int
	err := s.db.Read(ctx).Raw("SELECT count(*) FROM telegram_chats WHERE bot_id = ?", botID).Scan(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count telegram chats: %w", err)
	}
	return n, nil
}

// findChat returns the id of a chat that has subscribed, which is another one
// where a group has become a supergroup; or db.ErrNotFound.
func (s *store) findChat(ctx context.Context, botID, chat int64) (int64, error) {
	var id int64
	err := s.db.ReadRow(ctx, `SELECT chat_id FROM telegram_chats WHERE bot_id = ?1 AND chat_id = ?2
		UNION ALL SELECT chat_id FROM telegram_chats WHERE bot_id = ?1 AND former_id = ?2 LIMIT 1`, botID, chat).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("telegram chat: %w", err)
	}
	return id, nil
}

// subscribe stores a chat and tells whether it is new. A bot that is gone is
// db.ErrNotFound.
func (s *store) subscribe(ctx context.Context, botID, chat int64) (added bool, err error) {
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec(`INSERT INTO telegram_chats (bot_id, chat_id, created) VALUES (?, ?, ?)
			ON CONFLICT (bot_id, chat_id) DO NOTHING`, botID, chat, s.now().UnixMilli())
		added = result.RowsAffected > 0
		return result.Error
	})
	if errors.Is(err, gorm.ErrForeignKeyViolated) {
		err = db.ErrNotFound
	}
	if err != nil {
		return false, fmt.Errorf("subscribe telegram chat: %w", err)
	}
	return added, nil
}

// unsubscribe forgets a chat and tells whether there was one.
func (s *store) unsubscribe(ctx context.Context, botID, chat int64) (removed bool, err error) {
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		result := tx.Exec("DELETE FROM telegram_chats WHERE bot_id = ? AND chat_id = ?", botID, chat)
		removed = result.RowsAffected > 0
		return result.Error
	})
	if err != nil {
		return false, fmt.Errorf("unsubscribe telegram chat: %w", err)
	}
	return removed, nil
}

// moveChat gives a chat another id: a group has become a supergroup. One that
// has not subscribed is no error.
func (s *store) moveChat(ctx context.Context, botID, from, to int64) error {
	err := s.db.Write(ctx, func(tx *gorm.DB) error {
		// The supergroup may have been stored by itself in the meantime.
		err := tx.Exec(`DELETE FROM telegram_chats WHERE bot_id = ? AND chat_id = ?
			AND EXISTS (SELECT 1 FROM telegram_chats WHERE bot_id = ? AND chat_id = ?)`, botID, to, botID, from).Error
		if err != nil {
			return err
		}
		return tx.Exec("UPDATE telegram_chats SET chat_id = ?, former_id = ? WHERE bot_id = ? AND chat_id = ?", to, from, botID, from).Error
	})
	if err != nil {
		return fmt.Errorf("move telegram chat: %w", err)
	}
	return nil
}
