package web

import (
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
// nobody can find out any more from where a report came. It is safe for use by many
// goroutines.
type days struct {
	mu  sync.Mutex
	day string // the key is of
	key [32]byte
}

// writer returns who wrote a text, and what the brakes count. Behind a gateway, which
// hides who that is, only the same text is by the same author.
func (d *days) writer(now time.Time, client netip.Prefix, text string) (author string, o *bots.Origin) {
	if !client.IsValid() {
		return d.hash(now, "text", text), &bots.Origin{}
	}
	author = d.hash(now, "client", client.String())
	return author, &bots.Origin{Client: author}
}

// hash stands for something, of a kind, on the day of now.
func (d *days) hash(now time.Time, kind, what string) string {
	key := d.keyOf(now.UTC().Format(time.DateOnly))
	mac := hmac.New(sha256.New, key[:])
	mac.Write([]byte(kind + "\x00" + what))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// keyOf returns the key of a day, and forgets that of another.
func (d *days) keyOf(day string) [32]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.day != day {
		d.day = day
		_, _ = rand.Read(d.key[:]) // it never fails
	}
	return d.key
}
