package app

import (
	"context"
	"errors"
	"log/slog"

	"ticketfrei/db"
	"ticketfrei/internal/dkim"
)

// keysName is the name of the keys that mails are signed with among the secrets.
const keysName = "mail/dkim"

// openKeys returns the keys that mails are signed with. They are made at the first
// start, and where the secret key that sealed them is lost: the log says then which
// records DNS needs. first are kept in place of new ones, if they are not nil.
func openKeys(ctx context.Context, secrets *db.Secrets, first *dkim.Keys, domain string, log *slog.Logger) (*dkim.Keys, error) {
	keys, err := storedKeys(ctx, secrets)
	if !errors.Is(err, db.ErrNotFound) {
		return keys, err
	}
	if first == nil {
		if first, err = dkim.New(); err != nil {
			return nil, err
		}
	}
	keys, err = keepKeys(ctx, secrets, first)
	if err != nil {
		return nil, err
	}
	for _, r := range keys.Records(domain) {
		log.Info("mails are signed with a new DKIM key: set its record in DNS, as \"ticketfrei dns\" prints it, and delete that of a key before it", "record", r.Name)
	}
	return keys, nil
}

// storedKeys returns the keys that were made before. The error is db.ErrNotFound if
// there are none.
func storedKeys(ctx context.Context, secrets *db.Secrets) (*dkim.Keys, error) {
	text, _, err := secrets.Get(ctx, keysName)
	if err != nil {
		return nil, err
	}
	return dkim.Parse(text)
}

// keepKeys stores keys, unless another process was faster, and returns what is stored.
func keepKeys(ctx context.Context, secrets *db.Secrets, made *dkim.Keys) (*dkim.Keys, error) {
	text, err := made.PEM()
	if err != nil {
		return nil, err
	}
	if text, err = secrets.PutNew(ctx, keysName, text); err != nil {
		return nil, err
	}
	return dkim.Parse(text)
}
