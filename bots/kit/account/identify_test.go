package account_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/kittest"
)

// teller is a service that says whose a login is.
type teller struct {
	account.Checker
	says account.Account
	err  error
}

// Identify says whose it is.
func (s teller) Identify(context.Context, account.Account) (account.Account, error) {
	return s.says, s.err
}

// TestAccountThatNobodyKnows comes from another program with its token alone: two of one server
// have room beside each other, go on elsewhere as what they are, and are known at their first
// start.
func TestAccountThatNobodyKnows(t *testing.T) {
	w := newWorld(t)
	token := &account.Moved{Server: "https://toy.example", Token: "first"}
	w.check(w.db.Write(t.Context(), func(tx *gorm.DB) error {
		return errors.Join(w.store.Import(tx, w.first, token), w.store.Import(tx, w.second, &account.Moved{Server: "https://toy.example", Token: "second"}))
	}))
	if a := w.get(w.first); !a.Unknown() || a.Token != "first" {
		t.Errorf("stored is %+v", a)
	}
	if moved, err := w.store.Export(t.Context(), w.first); err != nil || moved.Remote != "" || moved.Token != "first" {
		t.Errorf("it goes on as %+v, %v", moved, err)
	}
	_, err := w.store.Known(t.Context(), teller{err: errors.New("away")}, w.get(w.first))
	kittest.WantKind(t, err, bots.KindTemporary)
	_, err = w.store.Known(t.Context(), teller{err: account.Wrong("server", "kit.account.bad_server")}, w.get(w.first))
	kittest.WantKind(t, err, bots.KindRefused)

	w.clock.Move(time.Hour)
	is := teller{says: account.Account{Server: "https://toy.example", Remote: "7", Handle: "@kontis", URL: "https://toy.example/kontis", Cursor: "c9"}}
	known, err := w.store.Known(t.Context(), is, w.get(w.first))
	w.check(err)
	if stored := w.get(w.first); known.Unknown() || stored.Remote != "7" || stored.Handle != "@kontis" || stored.Cursor != "c9" || stored.Token != "first" || !stored.CursorAt.Equal(known.CursorAt.Truncate(time.Millisecond)) {
		t.Errorf("known is %+v, stored %+v", known, stored)
	}
	if again, err := w.store.Known(t.Context(), teller{err: errors.New("not asked")}, w.get(w.first)); err != nil || again.Remote != "7" {
		t.Errorf("who is known is asked again: %+v, %v", again, err)
	}
	_, err = w.store.Known(t.Context(), is, w.get(w.second)) // the same account
	kittest.WantKind(t, err, bots.KindRefused)
}
