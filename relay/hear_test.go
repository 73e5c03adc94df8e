package relay_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/bots"
	"ticketfrei/censor"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/scrub"
	"ticketfrei/internal/secret"
	"ticketfrei/relay"
)

// newHearing returns what hears for a Relay, and a bot that does.
func newHearing(t *testing.T, rl *relay.Relay, backlog int) (*relay.Hearing, report.Bot) {
	t.Helper()
	c := dbtest.MustCreateCity(t, rl.DB, "fuerth", "crowd")
	b, err := rl.DB.FindBot(t.Context(), c.ID, "crowd")
	if err != nil {
		t.Fatal(err)
	}
	box, err := secret.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	return &relay.Hearing{DB: rl.DB, Secrets: box, Backlog: backlog, Now: rl.Now}, b
}

// mustHearAll hears messages and returns what stands of each when it is judged.
func mustHearAll(t *testing.T, rl *relay.Relay, list ...bots.Incoming) []report.Report {
	t.Helper()
	hearing, b := newHearing(t, rl, 100)
	for _, in := range list {
		if err := hearing.Hear(t.Context(), b, in); err != nil {
			t.Fatalf("%q: %v", in.ID, err)
		}
	}
	start(t, rl)
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	reports := make([]report.Report, len(list))
	for i, in := range list {
		id := hearing.Secrets.ReportID(b.Network, b.ID, in.ID)
		mustWaitForVerdict(ctx, t, rl, report.City{ID: b.CityID}, id)
		j, err := rl.DB.Report(ctx, b.CityID, id)
		if err != nil {
			t.Fatal(err)
		}
		reports[i] = j.Report
	}
	return reports
}

// TestHearIsBounded hears more than anybody would read, and at times that no
// calendar has: each is one report, and the next one is judged as ever.
func TestHearIsBounded(t *testing.T) {
	t.Parallel()
	rl, _ := newRelay(t, nil)
	got := mustHearAll(t, rl,
		bots.Incoming{ID: "huge", Author: "a", Text: strings.Repeat("U1 Plärrer ", 300_000)},
		bots.Incoming{ID: "late", Author: "b", Text: "U2", Time: time.Unix(1<<63-1, 0)},
		bots.Incoming{ID: "early", Author: "c", Text: "U3", Time: time.Unix(-1<<62, 0)},
		bots.Incoming{ID: "fine", Author: "d", Text: "U4", Time: rl.Now()},
	)
	reasons := map[report.Reason]int{}
	for _, r := range got {
		if utf8.RuneCountInString(r.Text) > censor.MaxLength+1 || rl.Now().Sub(r.Time).Abs() > time.Second {
			t.Errorf("%s: %d bytes, written %v", r.ID, len(r.Text), r.Time)
		}
		j, err := rl.DB.Report(t.Context(), r.CityID, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		reasons[j.Verdict.Reason]++
	}
	if diff := cmp.Diff(map[report.Reason]int{report.ReasonTooLong: 1, report.ReasonTrigger: 3}, reasons); diff != "" {
		t.Errorf("judged: %s", diff)
	}
}

// TestHearIsValid hears what not every database takes. Ids that differ only in that
// are different messages all the same.
func TestHearIsValid(t *testing.T) {
	t.Parallel()
	rl, _ := newRelay(t, nil)
	got := mustHearAll(t, rl,
		bots.Incoming{ID: "a\x00b\xff", Author: "a\x00\xff", Text: " \x00U1\x00 Pl\xe4rrer\xff\x00 "},
		bots.Incoming{ID: "a\x00b\xfe", Author: "a", Text: "U2 Plärrer \xed\xa0\x80"},
		bots.Incoming{ID: "\x00", Author: "b", Text: "\x00"},
	)
	var texts []string
	ids := map[string]bool{}
	for _, r := range got {
		texts, ids[r.ID] = append(texts, r.Text), true
		for _, s := range []string{r.ID, r.NetworkID, r.Author, r.Text} {
			if !utf8.ValidString(s) || strings.Contains(s, "\x00") {
				t.Errorf("%q was stored", s)
			}
		}
	}
	if diff := cmp.Diff([]string{"U1 Pl\uFFFDrrer\uFFFD", "U2 Plärrer \uFFFD", ""}, texts); diff != "" {
		t.Error(diff)
	}
	if len(ids) != len(got) {
		t.Errorf("%d reports were made of %d messages", len(ids), len(got))
	}
}

// TestHearTakesOutLinksAndPeople hears a link of ours that would unsubscribe whoever
// it was sent to, and who somebody is.
func TestHearTakesOutLinksAndPeople(t *testing.T) {
	t.Parallel()
	rl, _ := newRelay(t, nil)
	hearing, b := newHearing(t, rl, 100)
	hearing.Links = scrub.NewLinks("https://tickets.example", hearing.Secrets)
	token := hearing.Secrets.Sign("mail.unsubscribe", "1 anna@riders.example", time.Time{})
	link := "https://tickets.example/city/fuerth/mail/unsubscribe/" + token
	for i, text := range []string{
		"U1 Plärrer\n" + link, "U1 Plärrer, schreibt anna@riders.example\n> " + link[:70] + "\n> " + link[70:],
		"@anna@chaos.example @fuerth@chaos.example U1 Plärrer " + token, link, strings.Repeat("U1 Plärrer ", 1000) + link,
	} {
		if err := hearing.Hear(t.Context(), b, bots.Incoming{ID: fmt.Sprint(i), Author: fmt.Sprint(i), Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	start(t, rl)
	var got []string
	for i := range 5 {
		id := hearing.Secrets.ReportID(b.Network, b.ID, fmt.Sprint(i))
		mustWaitForVerdict(t.Context(), t, rl, report.City{ID: b.CityID}, id)
		j, err := rl.DB.Report(t.Context(), b.CityID, id)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %.40s", j.Verdict.Reason, j.Report.Text))
	}
	want := []string{"trigger U1 Plärrer", "trigger U1 Plärrer, schreibt", "trigger U1 Plärrer", "empty ",
		"too_long U1 Plärrer U1 Plärrer U1 Plärrer U1 Plär"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestBacklog hears while nothing is judged, and then goes on.
func TestBacklog(t *testing.T) {
	t.Parallel()
	const most = 3
	rl, out := newRelay(t, nil)
	hearing, b := newHearing(t, rl, most)
	hear := func(i int) error {
		return hearing.Hear(t.Context(), b, bots.Incoming{ID: fmt.Sprint(i), Author: fmt.Sprint(i), Text: "U1"})
	}
	for i := range most {
		if err := hear(i); err != nil {
			t.Fatalf("report %d: %v", i, err)
		}
	}
	if err := hear(most); !errors.Is(err, bots.ErrBacklog) {
		t.Errorf("one more: %v, want ErrBacklog", err)
	}
	start(t, rl)
	out.mustWait(t, most)
	if err := hear(most); err != nil {
		t.Errorf("when they were judged: %v", err)
	}
	out.mustWait(t, most+1)
}
