package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/backoff"
	"ticketfrei/internal/mailer"
	"ticketfrei/internal/secret"
)

// accountMailSenders is how many account mails are sent at the same time.
const accountMailSenders = 4

// accountMailsRead is how many account mails are read at once.
const accountMailsRead = 64

// accountMailLook is how often the database is asked for account mails at least: commands
// beside the server store some, and cannot tell it.
const accountMailLook = 3 * time.Second

// accountMailLookShared is the same where other processes store mails as well.
const accountMailLookShared = 500 * time.Millisecond

// mailShard is the shard whose owner sends the account mails of all cities.
const mailShard = 0

// accountMailTime is how long an account mail is tried: the links in them are good
// for as long.
const accountMailTime = 48 * time.Hour

// The waits before an account mail is tried again: somebody sits before the page that
// sent it. After oftenTries, which is an hour, nobody does any more.
const (
	accountMailOften = 10 * time.Second
	oftenTries       = 360
	accountMailLater = 10 * time.Minute
	// One that is refused waits for this part of the time that it has been tried.
	refusedPart = 6
)

// AccountMails keeps and sends the mails that are no reports: confirmations,
// password resets, invitations, notices.
type AccountMails struct {
	db      *db.DB
	secrets *secret.Box
	mailer  *mailer.Mailer
	log     *slog.Logger
	now     func() time.Time
	wake    chan struct{}
	results *prometheus.CounterVec

	mu     sync.Mutex
	inHand map[int64]bool  // by id: not to be read
	busy   int             // how many are being sent
	idle   chan struct{}   // closed when none is; nil: nobody waits for that
	done   []int64         // in hand until the next reading begins: its answer is newer
	back   <-chan struct{} // nil, or closed when mails leave again; until then one is tried at a time
}

var _ bots.AccountMails = (*AccountMails)(nil)

// NewAccountMails returns the account mails of a database; Run sends them.
func NewAccountMails(d *db.DB, box *secret.Box, m *mailer.Mailer, log *slog.Logger, now func() time.Time) *AccountMails {
	return &AccountMails{db: d, secrets: box, mailer: m, log: log, now: now,
		wake: make(chan struct{}, 1), inHand: make(map[int64]bool), results: newMailResults()}
}

// Delayed tells whether no mail leaves at the moment: see bots.AccountMails.
func (a *AccountMails) Delayed() bool { return a.mailer.Delayed() }

// sealedMail is where an account mail is stored, which sealing binds it to.
const sealedMail = "mails.mail"

// StoreMail stores a mail: see bots.AccountMails.
func (a *AccountMails) StoreMail(ctx context.Context, m mailer.Mail) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("store mail: %w", err)
	}
	if err := a.db.AddMail(ctx, a.secrets.Seal(sealedMail, string(data))); err != nil {
		return err
	}
	signal(a.wake)
	return nil
}

// Run sends account mails until ctx ends.
func (a *AccountMails) Run(ctx context.Context) error {
	work := make(chan db.Mail)
	var group sync.WaitGroup
	for range accountMailSenders {
		group.Go(func() {
			for m := range work {
				a.send(ctx, m)
				a.letGo(m.ID)
			}
		})
	}
	for ctx.Err() == nil {
		a.rest(ctx, a.handOut(ctx, work))
	}
	close(work)
	group.Wait()
	return nil
}

// handOut gives the mails that are due to the senders, and returns when to look
// again.
func (a *AccountMails) handOut(ctx context.Context, work chan<- db.Mail) (next time.Time) {
	a.forget()
	now := a.now()
	if !a.db.OwnsShard(mailShard) { // another process sends them
		return now.Add(accountMailLook)
	}
	if a.db.Full() != nil { // what is sent now could not be deleted
		return now.Add(time.Second)
	}
	limit := accountMailsRead
	if a.isAway() {
		limit = 1
	}
	list, next, err := a.db.Mails(ctx, now, limit, a.has)
	if err != nil {
		if ctx.Err() == nil && !db.Unavailable(err) {
			a.log.Error("account mails could not be read, trying again", "err", err)
		}
		return now.Add(time.Second)
	}
	for _, m := range list {
		if limit > 1 && a.isAway() {
			return now // the rest waits, and one of it tries
		}
		if !a.begin(m.ID) {
			return now
		}
		select {
		case work <- m:
		case <-ctx.Done():
			a.letGo(m.ID)
			return now
		}
	}
	look := now.Add(accountMailLook)
	if a.db.OnServer() { // others store some
		look = now.Add(accountMailLookShared)
	}
	switch {
	case limit == 1:
		return now.Add(accountMailOften)
	case len(list) == limit:
		return now
	case next.IsZero() || next.After(look):
		return look
	}
	return next
}

func (a *AccountMails) rest(ctx context.Context, until time.Time) {
	timer := time.NewTimer(until.Sub(a.now()))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-a.wake:
	case <-timer.C:
	case <-a.away():
		a.setAway(nil)
	}
}

// away returns what is closed when mails leave again; nil while they do.
func (a *AccountMails) away() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.back
}

func (a *AccountMails) isAway() bool { return a.away() != nil }

// setAway tells whether that is new.
func (a *AccountMails) setAway(back <-chan struct{}) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.back
	a.back = back
	return before != back
}

func (a *AccountMails) has(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.inHand[id]
}

// begin takes a mail in hand, unless another process sends them now.
func (a *AccountMails) begin(id int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.db.OwnsShard(mailShard) {
		return false
	}
	a.inHand[id] = true
	a.busy++
	return true
}

// letGo has a mail read again, if it is still there.
func (a *AccountMails) letGo(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = append(a.done, id)
	if a.busy--; a.busy == 0 && a.idle != nil {
		close(a.idle)
		a.idle = nil
	}
}

// forget lets go of those that were done with before the reading that begins.
func (a *AccountMails) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range a.done {
		delete(a.inHand, id)
	}
	a.done = nil
}

func (a *AccountMails) send(ctx context.Context, m db.Mail) {
	var mail mailer.Mail
	text, err := a.secrets.Open(sealedMail, m.Sealed)
	if err == nil {
		err = json.Unmarshal([]byte(text), &mail)
	}
	if err != nil {
		a.log.Error("an account mail cannot be read, was it stored with another secret key? It is dropped", "mail", m.ID)
		a.drop(ctx, m)
		return
	}
	if mail.To == "" { // see bots.Asked.Nobody
		a.drop(ctx, m)
		return
	}
	if err = a.carry(ctx, mail); err == nil {
		a.results.WithLabelValues(mailSent).Inc()
		a.drop(ctx, m)
	} else if ctx.Err() == nil {
		a.failed(ctx, m, err)
	}
}

// carry sends a mail, in as much time as a bot has.
func (a *AccountMails) carry(ctx context.Context, mail mailer.Mail) error {
	ctx, cancel := context.WithTimeout(ctx, bots.SendTimeout)
	defer cancel()
	return a.mailer.Send(ctx, mail)
}

// noDomainTime is how long an account mail is tried whose domain the DNS does not know:
// it may be the DNS that is at fault.
const noDomainTime = time.Hour

// failed drops an account mail whose mailbox is gone, that is never taken or whose time is over,
// or puts it off. The log has its number, and not whom it is for.
func (a *AccountMails) failed(ctx context.Context, m db.Mail, err error) {
	log := a.log.With("mail", m.ID, "err", err)
	away, isAway := errors.AsType[*mailer.Away](err)
	answer, answered := errors.AsType[*mailer.Error](err)
	age := a.now().Sub(m.Created)
	gone := !isAway && answered && answer.Gone() && (answer.Enhanced != "5.1.2" || age > noDomainTime)
	never := !isAway && answered && answer.Content()
	if gone || never || age > accountMailTime {
		log.Error("an account mail could not be sent and is dropped")
		a.results.WithLabelValues(mailGivenUp).Inc()
		a.drop(ctx, m)
		return
	}
	wait, isNew := accountMailOften, true
	if isAway && away.All {
		isNew = a.setAway(away.Back)
	} else {
		m.Attempts++
		wait = accountMailWait(m.Attempts)
		if answered && answer.Permanent() { // which may never end
			wait = max(wait, min(a.now().Sub(m.Created)/refusedPart, accountMailLater))
		}
	}
	if !isAway { // of which the mailer tells
		log.Warn("an account mail could not be sent, trying again", "in", wait.Round(time.Second))
	}
	a.store(ctx, func(ctx context.Context) error { return a.db.PutOffMail(ctx, m.ID, m.Attempts, a.now().Add(wait)) })
	if isNew { // or every mail that waits would have the next one tried
		signal(a.wake)
	}
}

// drop deletes a mail that is not to be sent any more.
func (a *AccountMails) drop(ctx context.Context, m db.Mail) {
	a.store(ctx, func(ctx context.Context) error { return a.db.DeleteMail(ctx, m.ID) })
}

// store stores what became of a mail, for as long as that takes: what was sent is
// not to be sent again. When ctx has ended it tries once.
func (a *AccountMails) store(ctx context.Context, write func(context.Context) error) {
	for times := 0; ; times++ {
		err := write(context.WithoutCancel(ctx))
		if err == nil {
			return
		}
		a.log.Error("what became of an account mail cannot be stored, trying again", "err", err)
		if ctx.Err() != nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(backoff.Wait(50*time.Millisecond, times, 5*time.Second)):
		}
	}
}

// accountMailWait is how long an account mail waits for its next try.
func accountMailWait(attempts int) time.Duration {
	if attempts > oftenTries {
		return backoff.Jitter(accountMailLater)
	}
	return backoff.Wait(time.Second, attempts, accountMailOften)
}
