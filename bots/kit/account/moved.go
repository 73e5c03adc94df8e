package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// Moved is an account as it goes to another server.
type Moved struct {
	Server   string `json:"server,omitempty"`
	Remote   string `json:"remote"` // empty: nobody knows yet
	Handle   string `json:"handle"`
	Name     string `json:"name,omitempty"`
	URL      string `json:"url,omitempty"`
	Token    string `json:"token"`
	Cursor   string `json:"cursor,omitempty"`
	CursorAt int64  `json:"cursor_at,omitempty"` // in milliseconds
}

// Export returns the account of a bot; nil where it has none, or one whose token cannot be
// read.
func (s *Store) Export(ctx context.Context, b report.Bot) (*Moved, error) {
	a, err := s.Account(ctx, b.ID)
	if errors.Is(err, db.ErrNotFound) || errors.Is(err, ErrSealed) {
		return nil, nil //nolint:nilnil // a bot may have none
	}
	if err != nil {
		return nil, err
	}
	if a.Unknown() {
		a.Remote = ""
	}
	return &Moved{a.Server, a.Remote, a.Handle, a.Name, a.URL, a.Token, a.Cursor, a.CursorAt.UnixMilli()}, nil
}

// Import stores the account of a bot within tx, which may be none. The error is ErrTaken where
// another bot has it.
func (s *Store) Import(tx *gorm.DB, b report.Bot, m *Moved) error {
	if m == nil {
		return nil
	}
	err := s.Put(tx, Account{BotID: b.ID, Server: m.Server, Remote: m.Remote, Handle: m.Handle, Name: m.Name, URL: m.URL, Token: m.Token,
		Cursor: m.Cursor, CursorAt: time.UnixMilli(m.CursorAt)})
	if err != nil {
		return fmt.Errorf("import %s account: %w", s.network, err)
	}
	return nil
}
