package mastodon

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-chi/chi/v5"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/webpush"
)

// callPurpose marks the signed token of an account's endpoint.
const callPurpose = "mastodon.call"

// callURL is where an instance calls a bot. Nobody can guess it.
func (d *driver) callURL(botID int64) string {
	return d.host.Config.Web.URL + bots.HookPath(name) + "/" +
		d.host.Secrets.Sign(callPurpose, strconv.FormatInt(botID, 10), time.Time{})
}

// HookRoutes adds what instances call.
func (d *driver) HookRoutes(r chi.Router) { r.Post("/{token}", d.handleCall) }

// handleCall wakes the account that is called. An instance gives up calling after an
// answer of 400 to 499: that is for accounts that are gone, and for all of them when they
// are not to be called any more.
func (d *driver) handleCall(w http.ResponseWriter, r *http.Request) {
	payload, err := d.host.Secrets.Verify(callPurpose, chi.URLParam(r, "token"), d.host.Now())
	botID, bad := strconv.ParseInt(payload, 10, 64)
	if err != nil || bad != nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	// What is too long cannot be read; it was a call all the same.
	body, _ := io.ReadAll(io.LimitReader(r.Body, webpush.MaxBody+1))
	w.WriteHeader(d.ring(r.Context(), botID, r.Header, body))
}

// ring wakes the account, here or at the process that runs it, and returns the status of
// the answer. One that does not wait for calls will catch up by itself.
func (d *driver) ring(ctx context.Context, botID int64, h http.Header, body []byte) int {
	if d.mode != modePush {
		return http.StatusGone
	}
	if box := d.calls.box(botID); box != nil {
		box.ring(h, body)
		return http.StatusCreated
	}
	connected, err := d.isConnected(ctx, botID)
	switch {
	case err != nil:
		return http.StatusServiceUnavailable
	case !connected:
		return http.StatusGone
	}
	if err := d.wakeElsewhere(ctx, botID); err != nil {
		d.host.Log.Warn("a call of an instance could not be kept for the process that runs the bot", "bot", botID, "err", err)
		return http.StatusServiceUnavailable
	}
	return http.StatusCreated
}

// wakeElsewhere wakes an account at the process that runs it, where that is another one.
func (d *driver) wakeElsewhere(ctx context.Context, botID int64) error {
	elsewhere, err := d.kept.Elsewhere(ctx, botID)
	if err != nil || !elsewhere {
		return err
	}
	return d.kept.Wake(ctx, botID)
}

func (d *driver) isConnected(ctx context.Context, botID int64) (bool, error) {
	var n int
	err := d.host.DB.ReadRow(ctx, "SELECT count(*) FROM mastodon_accounts WHERE bot_id = ?", botID).Scan(&n)
	return n > 0, err
}

// calls are the accounts that wait for calls.
type calls struct {
	mu sync.Mutex
	of map[int64]*callBox
}

// open puts the box of a bot in place of another one.
func (c *calls) open(botID int64, box *callBox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[botID] = box
}

func (c *calls) close(botID int64, box *callBox) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of[botID] == box {
		delete(c.of, botID)
	}
}

func (c *calls) box(botID int64) *callBox {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[botID]
}

// callBox wakes one account. Several calls are answered together.
type callBox struct {
	keys func() *webpush.Keys // are made for each call: thousands of accounts wait
	wake func()

	mu     sync.Mutex
	called bool      // since it was last asked
	stale  bool      // there was a call that could not be read
	asked  time.Time // when isStale last said so
}

// ring takes a call. One that cannot be read wakes as well: it was made for keys that the
// account had before, or is in a form that is not known here.
func (b *callBox) ring(h http.Header, body []byte) {
	_, err := b.keys().Open(h, body) // what it says is asked for, as is what came before it
	b.mu.Lock()
	b.stale = b.stale || err != nil
	b.mu.Unlock()
	b.wakeUp()
}

func (b *callBox) wakeUp() {
	b.mu.Lock()
	b.called = true
	b.mu.Unlock()
	b.wake()
}

// wasCalled tells whether there was a call since it was last asked.
func (b *callBox) wasCalled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	called := b.called
	b.called = false
	return called
}

// staleAfter is how often at most calls that cannot be read lead to a new subscription.
const staleAfter = time.Minute

// isStale tells whether calls came that could not be read: the account should subscribe
// once more. It says so once in a while.
func (b *callBox) isStale() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.stale || time.Since(b.asked) < staleAfter {
		return false
	}
	b.stale, b.asked = false, time.Now()
	return true
}

// pushes remembers the bots that have asked their instance to call.
type pushes struct{ db *db.DB }

func (p pushes) begun(ctx context.Context, botID int64) error {
	if p.has(ctx, botID) {
		return nil
	}
	return p.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("INSERT INTO mastodon_pushes (bot_id) VALUES (?) ON CONFLICT DO NOTHING", botID).Error
	})
}

func (p pushes) ended(ctx context.Context, botID int64) error {
	return p.db.Write(ctx, func(tx *gorm.DB) error {
		return tx.Exec("DELETE FROM mastodon_pushes WHERE bot_id = ?", botID).Error
	})
}

// has tells whether a bot is called, as far as that can be found out.
func (p pushes) has(ctx context.Context, botID int64) bool {
	var n int
	err := p.db.ReadRow(ctx, "SELECT count(*) FROM mastodon_pushes WHERE bot_id = ?", botID).Scan(&n)
	return err == nil && n > 0
}
