package db

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"

	"ticketfrei/internal/report"
)

type botRow struct {
	ID        int64
	CityID    int64
	Network   string
	Enabled   bool
	State     string
	LastError string
	ErrorAt   int64
	Restarts  int
	Updated   int64
	Version   int64
	Answers   string
	Since     int64
}

func (botRow) TableName() string { return "bots" }

func (r botRow) bot() report.Bot {
	return report.Bot{ID: r.ID, CityID: r.CityID, Network: r.Network, Enabled: r.Enabled,
		State: report.BotState(r.State), LastError: r.LastError, ErrorAt: fromMillis(r.ErrorAt),
		Restarts: r.Restarts, Updated: fromMillis(r.Updated), Version: r.Version, Answers: report.Answers(r.Answers),
		Since: fromMillis(r.Since)}
}

func (d *DB) newBotRow(cityID int64, network string) *botRow {
	return &botRow{CityID: cityID, Network: network, Enabled: true,
		State: string(report.BotStarting), Updated: millis(d.now()), Since: millis(d.now())}
}

// CreateBot creates an enabled bot of a network for the city. If botID is not
// 0, it enables that bot instead. save runs in the same transaction and stores
// the bot's credentials. The error is ErrNotFound if botID is no bot of this
// city and network.
func (d *DB) CreateBot(ctx context.Context, cityID int64, network string, botID int64, save func(tx *gorm.DB, b report.Bot) error) (report.Bot, error) {
	var row botRow
	err := d.Write(ctx, func(tx *gorm.DB) error {
		row = *d.newBotRow(cityID, network)
		if err := d.enableOrInsert(tx, &row, botID); err != nil {
			return err
		}
		if err := d.CityChanged(tx, cityID); err != nil {
			return err
		}
		return save(tx, row.bot())
	})
	if err != nil {
		return report.Bot{}, fmt.Errorf("connect bot: %w", err)
	}
	return row.bot(), nil
}

// FirstBot returns the city's first bot of a network, which is made where there is none;
// made tells that it was.
func (d *DB) FirstBot(ctx context.Context, cityID int64, network string) (b report.Bot, made bool, err error) {
	if b, err = d.FindBot(ctx, cityID, network); !errors.Is(err, ErrNotFound) {
		return b, false, err
	}
	var row botRow
	err = d.Write(ctx, func(tx *gorm.DB) error {
		if err := Lock(tx, "cities", cityID); err != nil {
			return err
		}
		row, err = Take[botRow](tx.Where("city_id = ? AND network = ?", cityID, network).Order("id"))
		if made = errors.Is(err, ErrNotFound); !made {
			return err
		}
		row = *d.newBotRow(cityID, network)
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return d.CityChanged(tx, cityID)
	})
	if err != nil {
		return report.Bot{}, false, fmt.Errorf("make bot: %w", err)
	}
	return row.bot(), made, nil
}

// enableOrInsert stores row as a new bot. If botID is not 0, it enables that
// bot with row's state instead and reads the bot into row.
func (d *DB) enableOrInsert(tx *gorm.DB, row *botRow, botID int64) error {
	if botID == 0 {
		return tx.Create(row).Error
	}
	known := tx.Model(&botRow{}).Where("id = ? AND city_id = ? AND network = ?", botID, row.CityID, row.Network)
	err := oneRow(known.Updates(map[string]any{"enabled": true, "state": row.State, "last_error": "", "updated": row.Updated, "since": row.Updated, "version": gorm.Expr("version + 1")}))
	if err != nil {
		return err
	}
	// gorm would add what row already holds to the query.
	*row = botRow{}
	return tx.Where("id = ?", botID).Take(row).Error
}

// Bot returns the bot with that id, or ErrNotFound.
func (d *DB) Bot(ctx context.Context, id int64) (report.Bot, error) {
	return findBot(d.Read(ctx).Where("id = ?", id))
}

// FindBot returns the city's first bot of a network, or ErrNotFound.
func (d *DB) FindBot(ctx context.Context, cityID int64, network string) (report.Bot, error) {
	return findBot(d.Read(ctx).Where("city_id = ? AND network = ?", cityID, network).Order("id"))
}

// CityBot returns the bot with that id if it belongs to the city and the
// network. Otherwise the error is ErrNotFound.
func (d *DB) CityBot(ctx context.Context, cityID int64, network string, botID int64) (report.Bot, error) {
	return findBot(d.Read(ctx).Where("id = ? AND city_id = ? AND network = ?", botID, cityID, network))
}

// NetworkBots returns the city's bots of a network, oldest first.
func (d *DB) NetworkBots(ctx context.Context, cityID int64, network string) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("city_id = ? AND network = ?", cityID, network))
}

func findBot(where *gorm.DB) (report.Bot, error) {
	row, err := Take[botRow](where)
	if err != nil {
		return report.Bot{}, fmt.Errorf("bot: %w", err)
	}
	return row.bot(), nil
}

// CityBots returns a city's bots by network, oldest first within each.
func (d *DB) CityBots(ctx context.Context, cityID int64) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("city_id = ?", cityID))
}

// Bots returns every bot, by city and network.
func (d *DB) Bots(ctx context.Context) ([]report.Bot, error) { return d.bots(d.Read(ctx)) }

// BotsOf returns those of the bots with these ids that there are.
func (d *DB) BotsOf(ctx context.Context, ids []int64) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("id IN ?", ids))
}

// EnabledBots returns every bot that is switched on, of every city that is not off.
func (d *DB) EnabledBots(ctx context.Context) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("enabled = TRUE" + cityOn))
}

// EnabledCityBots returns the bots of a city that are switched on; none where it is off.
func (d *DB) EnabledCityBots(ctx context.Context, cityID int64) ([]report.Bot, error) {
	return d.bots(d.Read(ctx).Where("enabled = TRUE AND city_id = ?"+cityOn, cityID))
}

func (d *DB) bots(where *gorm.DB) ([]report.Bot, error) {
	var rows []botRow
	if err := where.Order("city_id, network, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("list bots: %w", err)
	}
	return mapRows(rows, botRow.bot), nil
}

// EnableBot switches a bot on or off.
func (d *DB) EnableBot(ctx context.Context, botID int64, on bool) error {
	state := report.BotOff
	if on {
		state = report.BotStarting
	}
	return d.updateBot(ctx, botID, map[string]any{"enabled": on, "state": string(state), "last_error": "", "updated": millis(d.now()), "since": millis(d.now())})
}

// SaveAnswers stores how a bot answers who reports; the bot is made again.
func (d *DB) SaveAnswers(ctx context.Context, botID int64, a report.Answers) error {
	return d.updateBot(ctx, botID, map[string]any{"answers": string(a), "updated": millis(d.now())})
}

// SetBotState stores how a bot is doing, unless it was switched off in the
// meantime. An empty lastError leaves the stored one as it is. restarted adds one to
// the restarts. It does not wait for the
// disk: a state that is lost in a power failure is found out again at the
// start.
func (d *DB) SetBotState(ctx context.Context, botID int64, state report.BotState, lastError string, restarted bool) error {
	restarts := 0
	if restarted {
		restarts = 1
	}
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, `UPDATE bots SET state = ?2, restarts = restarts + ?3, since = CASE state WHEN ?2 THEN since ELSE ?5 END,
				last_error = CASE ?4 WHEN '' THEN last_error ELSE ?4 END,
				error_at = CASE ?4 WHEN '' THEN error_at ELSE ?5 END
			WHERE id = ?1 AND enabled = TRUE`, botID, string(state), restarts, lastError, millis(d.now()))
		return err
	})
	if err != nil {
		return fmt.Errorf("save state of bot: %w", err)
	}
	return nil
}

// SetBotLimit stores what a bot works without, in words: see report.Bot.Limit. Empty: it
// works with all it can.
func (d *DB) SetBotLimit(ctx context.Context, botID int64, limit string) error {
	err := d.WriteSoon(ctx, func(tx *gorm.DB) error {
		_, err := Exec(tx, "UPDATE bots SET last_error = ?, error_at = 0 WHERE id = ? AND enabled = TRUE", limit, botID)
		return err
	})
	if err != nil {
		return fmt.Errorf("save what a bot works without: %w", err)
	}
	return nil
}

func (d *DB) updateBot(ctx context.Context, botID int64, values map[string]any) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := oneRow(tx.Model(&botRow{}).Where("id = ?", botID).Updates(values)); err != nil {
			return err
		}
		return d.BotChanged(tx, botID)
	})
	if err != nil {
		return fmt.Errorf("save bot: %w", err)
	}
	return nil
}

// DeleteBot deletes a bot, its log, and what it has to send. Call
// bots.Network.Forget first.
func (d *DB) DeleteBot(ctx context.Context, botID int64) error {
	err := d.Write(ctx, func(tx *gorm.DB) error {
		if err := tx.Exec("DELETE FROM fanouts WHERE bot_id = ?", botID).Error; err != nil {
			return err
		}
		var row botRow
		if err := oneRow(tx.Raw("DELETE FROM bots WHERE id = ? RETURNING city_id", botID).Scan(&row)); err != nil {
			return err
		}
		return d.CityChanged(tx, row.CityID)
	})
	if err != nil {
		return fmt.Errorf("delete bot: %w", err)
	}
	return nil
}
