package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"sync"
	"time"

	"ticketfrei/bots"
)

// days makes of a client what stands for whoever writes on the page that day. The key of
// the day is in memory alone and made at random: once the day, or the process, has ended,
// nobody can find out any more from where a report came. Processes that share the cities
// have one key, which ends with the day. It is safe for use by many goroutines.
type days struct {
	// shared returns the day and the key that all processes have; nil: there is one process.
	shared func(context.Context) (day string, key [32]byte, err error)

	mu    sync.Mutex
	day   string // the key is of
	key   [32]byte
	until time.Time // when a shared key is asked for again: the others may have got another
}

// sharedFor is how long a shared key is used without asking.
const sharedFor = time.Minute

// writer returns who wrote a text, and what the brakes count. Behind a gateway, which
// hides who that is, only the same text is by the same author.
func (d *days) writer(ctx context.Context, now time.Time, client netip.Prefix, text string) (author string, o *bots.Origin, err error) {
	if !client.IsValid() {
		author, err = d.hash(ctx, now, "text", text)
		return author, &bots.Origin{}, err
	}
	author, err = d.hash(ctx, now, "client", client.String())
	return author, &bots.Origin{Client: author}, err
}

// hash stands for something, of a kind, on the day of now.
func (d *days) hash(ctx context.Context, now time.Time, kind, what string) (string, error) {
	key, err := d.keyOf(ctx, now)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(kind + "\x00" + what))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// keyOf returns the key of the day of now, and forgets that of another.
func (d *days) keyOf(ctx context.Context, now time.Time) (key [32]byte, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	day := now.UTC().Format(time.DateOnly)
	switch {
	case d.shared == nil && d.day != day:
		d.day = day
		_, _ = rand.Read(d.key[:]) // it never fails
	case d.shared != nil && (d.day != day || now.After(d.until)):
		// The day is the server's: by its own clock each process would have another for a while.
		if d.day, d.key, err = d.shared(ctx); err != nil {
			d.day = ""
			return key, err
		}
		d.until = now.Add(sharedFor)
	}
	return d.key, nil
}
