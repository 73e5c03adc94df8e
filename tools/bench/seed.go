package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/censor"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/secret"
)

// seedAtOnce is how many cities are written at the same time. They share
// transactions.
const seedAtOnce = 128

// seedRows is how many subscribers are written in one transaction: a server ends those that
// take long.
const seedRows = 500

// seeder writes cities into the database of a program that does not run.
type seeder struct {
	db        *db.DB
	secrets   *secret.Box
	moderator int64
}

// openSeeder lets the program make its data directory and database, and opens
// them.
func openSeeder(ctx context.Context, p *program) (*seeder, error) {
	if err := errors.Join(p.start(ctx), p.stop()); err != nil {
		return nil, fmt.Errorf("make the database: %w", err)
	}
	d, err := p.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	s := &seeder{db: d}
	if s.secrets, err = secret.Open(p.data, p.key); err != nil {
		d.Close()
		return nil, err
	}
	m, err := d.CreateModerator(ctx, "moderator@riders.example", "no password")
	if err != nil {
		d.Close()
		return nil, err
	}
	s.moderator = m.ID
	return s, nil
}

func (p *program) openDatabase(ctx context.Context) (*db.DB, error) {
	log := slog.New(slog.DiscardHandler)
	if p.url != "" {
		return db.OpenServer(ctx, p.url, time.Now, log)
	}
	return db.Open(ctx, p.data, time.Now, log)
}

func (s *seeder) close() { s.db.Close() }

// town is a city to be made, with its bots.
type town struct {
	slug        string
	subscribers []string         // of its mails
	mastodon    *mastodonAccount // nil: no bot
	instance    string           // URL of the account's server
	telegram    *telegramBot     // nil: no bot
	api         string           // URL of the bot's server
	chats       []int64          // subscribed
	more        []string         // networks that have no tables
}

// write makes the towns.
func (s *seeder) write(ctx context.Context, towns []town) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(seedAtOnce)
	for i := range towns {
		group.Go(func() error { return s.writeOne(ctx, &towns[i]) })
	}
	return group.Wait()
}

func (s *seeder) writeOne(ctx context.Context, t *town) error {
	name := strings.ToUpper(t.slug[:1]) + t.slug[1:]
	c, err := s.db.CreateCity(ctx, censor.NewCity(t.slug, name, "de"), s.moderator, append([]string{"mail"}, t.more...))
	if err != nil {
		return err
	}
	if err := s.subscribe(ctx, c, t.subscribers); err != nil {
		return err
	}
	if t.mastodon != nil {
		if _, err := s.db.CreateBot(ctx, c.ID, "mastodon", 0, s.mastodonAccount(t)); err != nil {
			return err
		}
	}
	if t.telegram != nil {
		if _, err := s.db.CreateBot(ctx, c.ID, "telegram", 0, s.telegramBot(t)); err != nil {
			return err
		}
	}
	return nil
}

func (s *seeder) subscribe(ctx context.Context, c report.City, emails []string) error {
	b, err := s.db.FindBot(ctx, c.ID, "mail")
	if err != nil {
		return err
	}
	subscribers := recipients.ForMigration("mail", s.secrets)
	for some := range slices.Chunk(emails, seedRows) {
		err := s.db.Write(ctx, func(tx *gorm.DB) error {
			for _, email := range some {
				if err := subscribers.Put(tx, recipients.Recipient{BotID: b.ID, Address: email, Created: time.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// mastodonAccount stores the account of a bot as a login does. The cursor is an
// old id: there is nothing to catch up with.
func (s *seeder) mastodonAccount(t *town) func(*gorm.DB, report.Bot) error {
	return func(tx *gorm.DB, b report.Bot) error {
		a := t.mastodon.Login()
		a.BotID, a.Server, a.Cursor = b.ID, t.instance, a.Remote
		return account.ForMigration("mastodon", s.secrets).Put(tx, a)
	}
}

// telegramBot stores the token of a bot and its chats.
func (s *seeder) telegramBot(t *town) func(*gorm.DB, report.Bot) error {
	return func(tx *gorm.DB, b report.Bot) error {
		a := t.telegram
		err := account.ForMigration(b.Network, s.secrets).Put(tx, account.Account{BotID: b.ID, Server: t.api, Remote: strconv.FormatInt(a.ID(), 10),
			Handle: "@" + a.Username(), Name: t.slug, Token: a.Token()})
		if err != nil {
			return err
		}
		chats := recipients.ForMigration(b.Network, s.secrets)
		for _, chat := range t.chats {
			err := chats.Put(tx, recipients.Recipient{BotID: b.ID, Address: strconv.FormatInt(chat, 10), Created: time.Now()})
			if err != nil {
				return err
			}
		}
		return nil
	}
}
