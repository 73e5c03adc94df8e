package mail

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/mailer"
	"ticketfrei/internal/report"
)

// unwanted has the server refuse each mail whose text holds a word.
func (b *bench) unwanted(code smtp.EnhancedCode, words ...string) {
	b.out.Judge(func(m mailer.Mail) error {
		text := mustRead(b.t, m.Data).Text
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) }) {
			return &smtp.SMTPError{Code: 554, EnhancedCode: code, Message: "not this one"}
		}
		return nil
	})
}

// hourlyTexts are the words that somebody is mailed until the mails have those, in the
// order of the mails.
func (b *bench) hourlyTexts(email string, want []string) (got []string) {
	b.t.Helper()
	for end := time.Now().Add(10 * time.Second); len(got) < len(want) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, m := range b.out.Take() {
			if m.To != email {
				b.t.Fatalf("a mail to %s", m.To)
			}
			text, _, _ := strings.Cut(mustRead(b.t, m.Data).Text, "\n-- \n")
			for line := range strings.Lines(text) {
				if word, ok := strings.CutPrefix(strings.TrimSpace(line), "tram "); ok {
					got = append(got, word)
				}
			}
		}
	}
	return got
}

// passTogether has reports pass while nothing is mailed, and then what waits be mailed.
func (b *bench) passTogether(bot report.Bot, words ...string) {
	b.t.Helper()
	b.stop()
	for _, word := range words {
		b.clock.Move(time.Second)
		b.pass(bot, word, "author@example.org", "tram "+word)
	}
	b.serve()
}

// TestOneReportIsRefused has the server refuse mails that hold one word, for good and
// because of what they say: the other reports of the hour come, each once, and the mails
// of the next hours as well.
func TestOneReportIsRefused(t *testing.T) {
	for _, code := range []smtp.EnhancedCode{{5, 7, 1}, {5, 6, 0}} {
		for _, bad := range []string{"a", "c", "e"} {
			t.Run(fmt.Sprint(code, bad), func(t *testing.T) {
				b := newBench(t, nil)
				_, bot := b.city("nuernberg")
				b.subscribeHourly(bot, "rider@example.org")
				b.unwanted(code, "tram "+bad)
				words := []string{"a", "b", "c", "d", "e"}
				want := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == bad })
				b.passTogether(bot, words...)
				got := b.hourlyTexts("rider@example.org", want)
				slices.Sort(got)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				b.moveOn(digestEvery)
				b.pass(bot, "next", "author@example.org", "tram next")
				if diff := cmp.Diff([]string{"next"}, b.hourlyTexts("rider@example.org", []string{"next"})); diff != "" {
					t.Errorf("an hour later: -want +got:\n%s", diff)
				}
				if n := b.log.count("a report is refused for what it says"); n != 1 || b.log.count("tram") != 0 {
					t.Errorf("the log says so %d times, or what the report says", n)
				}
			})
		}
	}
}

// TestRefusedReportAlone has it be the only one: nothing else tells that the refusal is
// not about us, so it waits, and comes when the server takes it. The next report comes
// without it.
func TestRefusedReportAlone(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	b.unwanted(smtp.EnhancedCode{5, 7, 1}, "tram bad")
	refused := func(n int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); b.log.count("could not be sent, trying again") < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the log does not say that a mail could not be sent")
			}
		}
	}
	b.pass(bot, "1", "author@example.org", "tram bad")
	refused(1)
	b.out.Judge(nil)
	b.move(digestRetry)
	if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, "tram bad") {
		t.Errorf("the mail: %q", got)
	}
	b.moveOn(digestEvery)
	b.unwanted(smtp.EnhancedCode{5, 7, 1}, "tram worse")
	b.pass(bot, "2", "author@example.org", "tram worse")
	refused(2)
	b.pass(bot, "3", "author@example.org", "tram good")
	b.move(digestRetry)
	if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, "tram good") {
		t.Errorf("the mail: %q", got)
	}
}

// TestOldReportsAreNotMailed has a server say "later" for more than a day.
func TestOldReportsAreNotMailed(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	b.refuse("rcpt", 451, 4, 2, 1)
	b.pass(bot, "1", "author@example.org", "tram old")
	for end := time.Now().Add(20 * time.Second); b.log.count("could not be sent, trying again") == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the log does not say that a mail could not be sent")
		}
	}
	b.clock.Move(digestKeep + time.Minute)
	b.out.Answer(nil)
	b.passTogether(bot, "new")
	if got := b.awaitText("rider@example.org"); !strings.HasSuffix(got, "tram new") || strings.Contains(got, "old") {
		t.Errorf("the mail: %q", got)
	}
}

// TestPartsAreMailedOnce has the server say "later" in the middle of the parts: what was
// taken does not come a second time.
func TestPartsAreMailedOnce(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	b.subscribeHourly(bot, "rider@example.org")
	b.out.Judge(func(m mailer.Mail) error {
		text := mustRead(t, m.Data).Text
		switch {
		case strings.Contains(text, "tram a") && strings.Contains(text, "tram c"):
			return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no"}
		case strings.Contains(text, "tram c"):
			return &smtp.SMTPError{Code: 451, Message: "later"}
		}
		return nil
	})
	b.passTogether(bot, "a", "b", "c", "d")
	if diff := cmp.Diff([]string{"b", "a"}, b.hourlyTexts("rider@example.org", []string{"a", "b"})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for end := time.Now().Add(20 * time.Second); b.log.count("could not be sent, trying again") == 0 && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
	}
	b.out.Judge(nil)
	b.move(digestRetry)
	if diff := cmp.Diff([]string{"d", "c"}, b.hourlyTexts("rider@example.org", []string{"c", "d"})); diff != "" {
		t.Errorf("after the end: -want +got:\n%s", diff)
	}
}

// TestOneReportIsRefusedToAll has more subscribers than are mailed together. Each gets the
// other reports, and no more than a few mails are tried for each.
func TestOneReportIsRefusedToAll(t *testing.T) {
	b := newBench(t, nil)
	_, bot := b.city("nuernberg")
	want := make(map[string][]string)
	for i := range 3 * digestsAtOnce {
		email := fmt.Sprintf("rider%d@example.org", i)
		b.subscribeHourly(bot, email)
		want[email] = []string{"a", "b", "c", "d", "e", "f", "g"}
	}
	var tried atomic.Int32
	b.out.Judge(func(m mailer.Mail) error {
		if tried.Add(1); strings.Contains(mustRead(t, m.Data).Text, "tram bad") {
			return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no"}
		}
		return nil
	})
	b.passTogether(bot, append([]string{"bad"}, want["rider0@example.org"]...)...)
	got := make(map[string][]string)
	for end := time.Now().Add(20 * time.Second); len(got) < len(want) && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		b.move(time.Second)
		for _, m := range b.out.Take() {
			for line := range strings.Lines(mustRead(t, m.Data).Text) {
				if word, ok := strings.CutPrefix(strings.TrimSpace(line), "tram "); ok {
					got[m.To] = append(got[m.To], word)
				}
			}
		}
	}
	for _, words := range got {
		slices.Sort(words)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if n := int(tried.Load()); n > 10*len(want) {
		t.Errorf("%d mails were tried for %d subscribers", n, len(want))
	}
}
