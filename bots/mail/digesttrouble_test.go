package mail

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/secret"
)

// TestDigestAfterARestart has a process be killed while it sends: the mail goes out
// later. Two processes send each mail once.
func TestDigestAfterARestart(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.stop()
	var emails []string
	for i := range 3 * digestsAtOnce {
		emails = append(emails, fmt.Sprintf("rider%02d@example.org", i))
	}
	b.subscribeHourly(bot, emails...)
	b.pass(bot, "1", "author@example.org", "U1 one")
	killed, err := b.network.claimDigests(t.Context(), bot.ID)
	if err != nil || len(killed) != digestsAtOnce {
		t.Fatalf("%d mails were begun, %v", len(killed), err)
	}
	other := newBenchOn(t, b.db, nil)
	other.stop() // both begin together
	for _, each := range []*bench{b, other} {
		each.serve()
		each.begin(bot)
	}
	both := func(n int) (to []string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); len(to) < n && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			for _, m := range append(b.out.Take(), other.out.Take()...) {
				to = append(to, m.To)
			}
		}
		return to
	}
	to := both(2 * digestsAtOnce)
	b.move(digestClaim)
	other.move(digestClaim)
	to = append(to, both(digestsAtOnce)...)
	slices.Sort(to)
	if diff := cmp.Diff(emails, to); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDigestIsTriedAgain has the server of one subscriber say "later".
func TestDigestIsTriedAgain(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "slow@example.org", "rider@example.org")
	b.out.Answer(func(stage, address string) error {
		if stage == "rcpt" && address == "slow@example.org" {
			return &smtp.SMTPError{Code: 451, Message: "later"}
		}
		return nil
	})
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.awaitText("rider@example.org")
	for end := time.Now().Add(20 * time.Second); b.log.count("could not be sent, trying again") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the log does not say that a mail could not be sent")
		}
	}
	b.out.Answer(nil) // what came before may have been sent at the same time
	b.move(digestRetry)
	if got := b.awaitText("slow@example.org"); !strings.HasSuffix(got, "\nU1 one") {
		t.Errorf("the mail: %q", got)
	}
	if b.log.count("slow@") != 0 {
		t.Error("the log names somebody")
	}
}

// TestDigestsHoldUpNobody has the servers of all who get one mail an hour hang.
func TestDigestsHoldUpNobody(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "friend@example.org")
	hung, release := make(chan struct{}, 100), make(chan struct{})
	b.out.Answer(func(stage, address string) error {
		if stage == "rcpt" && strings.HasPrefix(address, "slow") {
			hung <- struct{}{}
			<-release
		}
		return nil
	})
	for i := range 10 {
		b.subscribeHourly(bot, fmt.Sprintf("slow%d@example.org", i))
	}
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.awaitText("friend@example.org")
	for range digestSenders {
		<-hung
	}
	b.pass(bot, "2", "author@example.org", "U1 two")
	if got := b.awaitText("friend@example.org"); got != "U1 two" {
		t.Errorf("the mail: %q", got)
	}
	close(release)
	b.await(10)
}

// TestDigestOfAnotherKey: somebody whose address cannot be read any more holds up
// nobody.
func TestDigestOfAnotherKey(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "lost@example.org", "rider@example.org")
	key, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	b.exec("UPDATE mail_recipients SET address = ? WHERE id = ?", key.Seal("another place", "lost@example.org"), b.find(bot, "lost@example.org").ID)
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.awaitText("rider@example.org")
}

// TestDigestOfABotThatIsOff waits, and goes with the bot.
func TestDigestOfABotThatIsOff(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	if err := b.db.EnableBot(t.Context(), bot.ID, false); err != nil {
		t.Fatal(err)
	}
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.move(digestPause)
	if err := b.db.EnableBot(t.Context(), bot.ID, true); err != nil {
		t.Fatal(err)
	}
	b.begin(bot)
	b.awaitText("rider@example.org")
	b.pass(bot, "2", "author@example.org", "U1 two")
	if err := b.network.Forget(t.Context(), bot); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"mail_digests", "mail_digest_reports"} {
		if n := b.rows(table); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
}

// TestReportsThatWaitAreWipedWithTheReports: nothing is left of them when they are
// deleted.
func TestReportsThatWaitAreWipedWithTheReports(t *testing.T) {
	b := newBench(t, nil)
	c, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.await(1)
	b.pass(bot, "2", "author@example.org", "U1 two")
	if _, _, err := b.db.Pause(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.db.WipeReports(t.Context(), c.ID); err != nil {
		t.Fatal(err)
	}
	if n := b.rows("mail_digest_reports"); n != 0 {
		t.Errorf("%d reports still wait", n)
	}
}

// TestDigestOfAClockThatWasWrong waits for no day that is far away.
func TestDigestOfAClockThatWasWrong(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	b.exec("UPDATE mail_digests SET due = ?", b.clock.Now().Add(1000*time.Hour).UnixMilli())
	b.pass(bot, "1", "author@example.org", "U1 one")
	b.awaitText("rider@example.org")
}

// TestDeadServersStarveNobody has the servers of many subscribers answer "later" again
// and again.
func TestDeadServersStarveNobody(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	for i := range 5 * digestsAtOnce {
		b.subscribeHourly(bot, fmt.Sprintf("dead%d@example.org", i))
	}
	b.subscribeHourly(bot, "rider@example.org")
	b.out.Answer(func(stage, address string) error {
		if stage == "rcpt" && strings.HasPrefix(address, "dead") {
			return &smtp.SMTPError{Code: 451, Message: "later"}
		}
		return nil
	})
	for i := range 3 {
		b.pass(bot, fmt.Sprint(i), "author@example.org", fmt.Sprint("tram ", i))
		if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, fmt.Sprint("tram ", i)) {
			t.Errorf("mail %d: %q", i, got)
		}
		b.moveOn(digestEvery)
	}
}
