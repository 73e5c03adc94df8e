package db

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// LogLines is how many lines of each bot's log are kept.
const LogLines = 50

// LogLine is one line of a bot's log.
type LogLine struct {
	At    time.Time
	Level string // as slog writes it: "INFO", "WARN", "ERROR"
	Text  string
}

type logRow struct {
	ID    int64
	BotID int64
	At    int64
	Level string
	Text  string
}

func (logRow) TableName() string { return "bot_log" }

// AddLog appends a line to a bot's log and drops the oldest lines beyond
// LogLines. If the bot is gone, it does nothing.
func (d *DB) AddLog(ctx context.Context, botID int64, line LogLine) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO bot_log (bot_id, at, level, text)
			SELECT id, ?, ?, ? FROM bots WHERE id = ?`, millis(line.At), line.Level, line.Text, botID).Error
		if err != nil {
			return err
		}
		return tx.Exec(`DELETE FROM bot_log WHERE bot_id = ? AND id <=
			(SELECT id FROM bot_log WHERE bot_id = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`, botID, botID, LogLines).Error
	})
	if err != nil {
		return fmt.Errorf("write log of bot: %w", err)
	}
	return nil
}

// Log returns the last lines of a bot's log, newest first.
func (d *DB) Log(ctx context.Context, botID int64, limit int) ([]LogLine, error) {
	var rows []logRow
	if err := d.Read(ctx).Where("bot_id = ?", botID).Order("id DESC").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("read log of bot: %w", err)
	}
	return mapRows(rows, func(r logRow) LogLine {
		return LogLine{At: fromMillis(r.At), Level: r.Level, Text: r.Text}
	}), nil
}
