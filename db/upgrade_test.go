package db_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gorm.io/gorm"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
)

// before is a database from when the queue was elsewhere: report "lost" passed and
// was sent to nobody, "half" to one of two.
var before = []string{
	`INSERT INTO cities VALUES (1, 'city', 'City', 'de', '*', 'hallo' || char(10) || ' /rad/ ' || char(10) || 'a/b', '', 0)`,
	`INSERT INTO bots (id, city_id, network, enabled, state, last_error, error_at, updated) VALUES
		(1, 1, 'mail', 1, '', '550 5.1.1 mailbox anna@example.org disabled', 1000, 0), (4, 1, 'chat', 1, '', '', 0, 0)`,
	`INSERT INTO bot_log (bot_id, at, level, text) VALUES (1, 1000, 'WARN', '550 5.1.1 mailbox anna@example.org disabled')`,
	`INSERT INTO reports (id, city_id, bot_id, network, network_id, author, text, normalized, visibility, time, received, passed, reason, detail, fanned_out) VALUES
		('back', 1, 4, 'chat', 'n1', 'a', 'U1 Plärrer', 'u1 plarrer', 'public', 1000, 1001, 0, 'taken_back', 'u1', 1),
		('held', 1, 1, 'mail', 'n2', 'b', 'hallo', '', 'private', 1000, 2001, 0, 'no_trigger', '', 1),
		('a twin', 1, 1, 'mail', 'n3', '', 'U2', 'u2', 'public', 1000, 3001, 1, 'trigger', 'u2', 1),
		('lost', 1, 1, 'mail', 'n4', 'a', 'U3 „Rathaus“' || char(10) || 'Ende', 'u3', 'private', 4000, 4001, 1, 'trigger', 'u3', 0),
		('half', 1, 1, 'mail', 'n5', 'a', 'U4', 'u4', 'public', 3999, 4001, 1, 'trigger', 'u4', 0),
		('sent', 1, 4, 'chat', 'n6', 'c', 'U5', 'u5', 'public', 6000, 6001, 1, 'trigger', 'u5', 1)`,
	`INSERT INTO mutes (city_id, author, created) VALUES (1, 'b', 5)`,
	`INSERT INTO deliveries (id, report_id, bot_id, result, remote_id, url, error, at) VALUES
		('d1', 'back', 4, 'retracted', '71', '', '', 1),
		('d2', 'half', 1, 'sent', '', '', '', 1),
		('d3', 'sent', 1, 'sent', '', '', '', 1),
		('d4', 'sent', 1, 'sent', '', '', '', 1),
		('d5', 'sent', 1, 'failed', '', '', 'no such mailbox', 1),
		('d6', 'sent', 4, 'sent', '72', 'https://example.org/72', '', 1),
		('d7', 'sent', 4, 'sent', '73', '', '', 1),
		('d8', 'sent', 4, 'expired', '', '', '', 1),
		('d9', 'was deleted', 4, 'sent', '74', '', '', 1)`,
}

// mustUpgrade returns the database that was before, as this program takes it over.
func mustUpgrade(t *testing.T) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), t.TempDir(), clock, silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.MigrateCore(t.Context(), db.UpToDeliveries); err != nil {
		t.Fatal(err)
	}
	err = d.Write(t.Context(), func(tx *gorm.DB) error { return db.SQL(before...)(tx) })
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context(), dbtest.MustMakeBox(t), nil); err != nil {
		t.Fatal(err)
	}
	return d
}

// keyedID is the id that a report of before has after the upgrade.
func keyedID(t *testing.T, id string) string {
	t.Helper()
	box := dbtest.MustMakeBox(t)
	return map[string]string{
		"back": box.ReportID("chat", 4, "n1"), "held": box.ReportID("mail", 1, "n2"), "a twin": box.ReportID("mail", 1, "n3"),
		"lost": box.ReportID("mail", 1, "n4"), "half": box.ReportID("mail", 1, "n5"), "sent": box.ReportID("chat", 4, "n6"),
	}[id]
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func TestUpgradeKeepsReports(t *testing.T) {
	d := mustUpgrade(t)
	box := dbtest.MustMakeBox(t)
	old := func(seq, bot int64, network, networkID, author, text string, v report.Visibility, time, received int64) db.Judged {
		r := report.Report{ID: box.ReportID(network, bot, networkID), CityID: 1, BotID: bot, Network: network,
			Text: text, Visibility: v, Time: at(time), Received: at(received)}
		if author != "" {
			r.Author = box.AuthorOf(1, author)
		}
		return db.Judged{Seq: seq, Report: r}
	}
	verdict := func(j db.Judged, v report.Verdict) db.Judged {
		j.Verdict = v
		return j
	}
	half := verdict(old(4, 1, "mail", "n5", "a", "U4", report.Public, 3999, 4001), report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "u4"})
	lost := old(5, 1, "mail", "n4", "a", "U3 „Rathaus“\nEnde", report.Private, 4000, 4001)
	wantPassed := []db.Judged{
		verdict(old(6, 4, "chat", "n6", "c", "U5", report.Public, 6000, 6001), report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "u5"}),
		half,
		verdict(old(3, 1, "mail", "n3", "", "U2", report.Public, 1000, 3001), report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "u2"}),
	}
	wantHeld := []db.Judged{
		verdict(old(2, 1, "mail", "n2", "b", "hallo", report.Private, 1000, 2001), report.Verdict{Reason: report.ReasonNoTrigger}),
		verdict(old(1, 4, "chat", "n1", "a", "U1 Plärrer", report.Public, 1000, 1001), report.Verdict{Reason: report.ReasonTakenBack, Detail: "u1"}),
	}
	for passed, want := range map[bool][]db.Judged{true: wantPassed, false: wantHeld} {
		got, err := d.Reports(t.Context(), 1, passed, 100*365*24*time.Hour, 10)
		keepIDs(t, got)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("passed %v: %v, %s", passed, err, diff)
		}
	}
	if diff := cmp.Diff([]db.Heard{{Seq: 5, Report: &lost.Report}}, mustListUnjudged(t, d)); diff != "" {
		t.Errorf("to be judged again: %s", diff)
	}
	if h := dbtest.MustHear(t, d, newReport(report.City{ID: 1}, "new", "a", "text", noon)); h.Seq != 7 {
		t.Errorf("the next report has place %d, want 7", h.Seq)
	}
}

// keepIDs has the networks' own ids of messages kept, sealed, of those alone that may
// be boosted.
func keepIDs(t *testing.T, list []db.Judged) {
	t.Helper()
	for i := range list {
		r := &list[i].Report
		id, err := bots.MessageID(dbtest.MustMakeBox(t), *r)
		if err != nil || (id != "") != (r.Visibility == report.Public) || id == r.NetworkID && id != "" {
			t.Errorf("%s report %d keeps %q: %v", r.Visibility, list[i].Seq, r.NetworkID, err)
		}
		r.NetworkID = ""
	}
}

func TestUpgradeKeepsWhatWasSent(t *testing.T) {
	d := mustUpgrade(t)
	for id, want := range map[string]map[int64]db.Counts{
		"back": {4: {Retracted: 1}}, "half": {1: {Sent: 1}}, "sent": {1: {Sent: 2, Failed: 1}, 4: {Sent: 2, Expired: 1}},
		"held": {}, "lost": {}, "was deleted": {},
	} {
		if diff := cmp.Diff(want, mustCounts(t, d, keyedID(t, id))); diff != "" {
			t.Errorf("%s: %s", id, diff)
		}
	}
	if err := d.TakeBack(t.Context(), 1, keyedID(t, "sent")); err != nil {
		t.Fatal(err)
	}
	open := dbtest.MustHaveOpen(t, d, 4, noon)
	if len(open) != 1 || open[0].OpenCount() != 2 {
		t.Fatalf("to be taken back: %+v, want two receipts", open)
	}
	want := []db.SentReceipt{{Receipt: report.Receipt{ID: "72", URL: "https://example.org/72"}}, {Receipt: report.Receipt{ID: "73"}}}
	if diff := cmp.Diff(want, mustReceipts(t, d, open[0])); diff != "" {
		t.Errorf("to be taken back: %s", diff)
	}
}

// TestUpgradeForgetsWordsOfOthers has what other mail servers said in the log.
func TestUpgradeForgetsWordsOfOthers(t *testing.T) {
	d := mustUpgrade(t)
	b, err := d.Bot(t.Context(), 1)
	if err != nil || b.LastError != "" || !b.ErrorAt.IsZero() {
		t.Errorf("%+v, %v", b, err)
	}
	if lines, err := d.Log(t.Context(), 1, 10); err != nil || len(lines) != 0 {
		t.Errorf("log %v, %v", lines, err)
	}
}

// TestUpgradeKeepsTheBrake has an author say what was said before the upgrade.
// TestUpgradeKeepsMutes has somebody muted by the address in From, which nobody had
// checked. Whatever is known now of who writes, they stay muted.
func TestUpgradeKeepsMutes(t *testing.T) {
	box := dbtest.MustMakeBox(t)
	got, err := mustUpgrade(t).Mutes(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	known := box.AuthorOf(1, "b")
	if diff := cmp.Diff(map[string]bool{known: true, box.Unverified(known): true}, got); diff != "" {
		t.Error("muted (-want +got):\n" + diff)
	}
}

func TestUpgradeKeepsTheBrake(t *testing.T) {
	d := mustUpgrade(t)
	r := newReport(report.City{ID: 1}, "again", dbtest.MustMakeBox(t).AuthorOf(1, "a"), "U4", at(5000))
	brake := &alike{window: time.Minute}
	if saved := dbtest.MustJudge(t, d, dbtest.MustHear(t, d, r), passed, brake); saved.Verdict.Reason != report.ReasonRepeated {
		t.Errorf("the verdict is %+v, want that it was said before", saved.Verdict)
	}
	if diff := cmp.Diff([]db.History{{Same: 1, All: 1}}, brake.told); diff != "" {
		t.Error(diff)
	}
}

// TestUpgradeKeepsBlockedWords has a word between two slashes, which is a pattern from now on,
// go on to be a word.
func TestUpgradeKeepsBlockedWords(t *testing.T) {
	t.Parallel()
	c, err := mustUpgrade(t).City(t.Context(), 1)
	if err != nil || c.Blocked != "hallo\nrad\na/b" {
		t.Errorf("blocked are %q, %v", c.Blocked, err)
	}
}
