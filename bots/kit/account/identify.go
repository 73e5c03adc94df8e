package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
)

// unknown begins what stands for the network's own id of an account of which there is a login
// alone: it came from another program, and its server has not said yet whose it is. No network
// has such ids.
const unknown = "?"

// Unknown tells that nobody knows yet which account it is.
func (a Account) Unknown() bool { return strings.HasPrefix(a.Remote, unknown) }

// Identifier is a Checker that finds out whose a login is that nobody has typed just now.
type Identifier interface {
	// Identify returns the account that a.Token is of at a.Server, with the cursor to begin
	// with: what was written before is old.
	Identify(ctx context.Context, a Account) (Account, error)
}

// Identify asks for what is not known of an account that comes from another program. The error
// is of kind Refused where it can never work.
func Identify(ctx context.Context, by Checker, m *Moved) (*Moved, error) {
	i, ok := by.(Identifier)
	if m == nil || !ok {
		return m, nil
	}
	found, err := identify(ctx, i, Account{Server: m.Server, Remote: m.Remote, Token: m.Token, Cursor: m.Cursor})
	if err != nil {
		return nil, err
	}
	return &Moved{Server: found.Server, Remote: found.Remote, Handle: found.Handle, Name: found.Name, URL: found.URL, Token: m.Token,
		Cursor: cmp.Or(found.Cursor, m.Cursor), CursorAt: m.CursorAt}, nil
}

func identify(ctx context.Context, by Identifier, a Account) (Account, error) {
	found, err := by.Identify(ctx, a)
	if _, wrong := errors.AsType[*bots.FieldError](err); wrong {
		return Account{}, bots.Refused(err)
	}
	return found, remote.Kind(err)
}

// Known returns an account that is to work: of one that was Unknown, what its server says now,
// which is stored.
func (s *Store) Known(ctx context.Context, by Checker, a Account) (Account, error) {
	i, ok := by.(Identifier)
	if !a.Unknown() || !ok {
		return a, nil
	}
	found, err := identify(ctx, i, a)
	if err != nil {
		return Account{}, err
	}
	found.BotID, found.Token, found.Cursor, found.CursorAt = a.BotID, a.Token, cmp.Or(a.Cursor, found.Cursor), s.now()
	found = found.bounded()
	err = s.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("UPDATE "+s.accounts()+" SET server = ?, remote = ?, handle = ?, name = ?, url = ?, cursor = ?, cursor_at = ? WHERE bot_id = ? AND remote = ?",
			found.Server, found.Remote, found.Handle, found.Name, found.URL, found.Cursor, found.CursorAt.UnixMilli(), a.BotID, a.Remote).Error
	})
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return Account{}, bots.Refused(bots.Say(ErrTaken, "kit.account.taken"))
	}
	if err != nil {
		return Account{}, fmt.Errorf("%s account: %w", s.network, err)
	}
	return found, nil
}

// unknownOf stands for the id of the account of a bot.
func unknownOf(botID int64) string { return unknown + strconv.FormatInt(botID, 10) }
