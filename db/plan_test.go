package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// fill is a database with 10,000 reports of 50 cities, of which 100 wait to be
// judged, and 10,000 fanouts of 100 bots.
var fill = []string{
	`INSERT INTO reports (seq, id, city_id, bot_id, network, network_id, author, text, normalized, visibility, time, received, state, passed, reason)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
		SELECT i, 'r' || i, 1 + i % 50, 1, 'toy', i, 'a' || (i % 997), 'text', 'text', 'public', i, i,
			CASE WHEN i > 9900 THEN 'heard' ELSE 'judged' END, i <= 9900 AND i % 3 > 0, 'trigger' FROM n`,
	`INSERT INTO fanouts (id, report, bot_id, kind, recipients, open, due, created) SELECT seq, seq, 1 + seq % 100, 'send', x'00', 1, seq % 7, seq FROM reports`,
	`INSERT INTO outcomes (report, bot_id, sent) SELECT seq, 1, 1 FROM reports`,
	`INSERT INTO receipts (report, bot_id, recipient, remote_id, url) SELECT seq, 1, 0, seq, '' FROM reports`,
	`INSERT INTO mails (mail, created) SELECT 'mail', seq FROM reports`,
	`INSERT INTO mutes (city_id, author, created) SELECT DISTINCT city_id, author, 0 FROM reports`,
}

func mustFill(t *testing.T) *db.DB {
	t.Helper()
	d := dbtest.MustOpen(t, clock, nil)
	for i := range 50 {
		dbtest.MustCreateCity(t, d, fmt.Sprint("city", i), "mail", "toy")
	}
	statements := fill
	if d.OnServer() {
		statements = append([]string{"SELECT setval('reports_seq', 10000), setval('fanouts_id', 10000)"}, fill...)
		for i := range statements {
			statements[i] = strings.ReplaceAll(statements[i], `x'00'`, `'\x00'`)
		}
	}
	if err := d.Write(t.Context(), func(tx *gorm.DB) error { return db.SQL(statements...)(tx) }); err != nil {
		t.Fatal(err)
	}
	if d.OnServer() {
		return d
	}
	var counted bool
	if err := d.ReadRow(t.Context(), "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1')").Scan(&counted); err != nil || counted {
		t.Fatalf("SQLite knows how many rows there are: %v, %v", counted, err)
	}
	return d
}

// planned is something that the program does often, or while others wait for it,
// and how SQLite is to find the rows for it. No table may be read from its first
// row to its last but as scans says.
type planned struct {
	name  string
	do    func(context.Context, *db.DB) error
	uses  []string
	scans []string
}

func plans(heard db.Heard) []planned {
	none := func(int64) bool { return false }
	city := report.City{ID: 3}
	const years = 100 * 365 * 24 * time.Hour
	ruling := db.Ruling{Heard: heard, Verdict: passed, Audiences: []db.Audience{{BotID: 1, Recipients: recipients(65)}}}
	anybody := *heard.Report
	anybody.Unverified = true
	crowd := db.Ruling{Heard: db.Heard{Seq: 9950, Report: &anybody}, Verdict: passed}
	ended := []db.Outcome{
		{Fanout: &db.Fanout{ID: 7, Seq: 7, BotID: 1}, Counts: db.Counts{Sent: 1}, Receipts: sentTo(1), Retired: []int64{3}},
		{Fanout: &db.Fanout{ID: 99_999, Seq: 7, BotID: 1}, Open: 1, Receipts: sentTo(1)}, // was taken back
	}
	return []planned{
		{"what others have changed", func(ctx context.Context, d *db.DB) error { _, err := d.FollowElsewhere(ctx); return err },
			[]string{"c USING INDEX changes_n (n>?)"}, []string{"s"}}, // one row
		{"the backlog", func(ctx context.Context, d *db.DB) error { return d.CountBacklog(ctx) },
			[]string{"COVERING INDEX reports_heard"}, []string{"reports USING COVERING INDEX reports_heard"}},
		{"what waits", func(ctx context.Context, d *db.DB) error { _, err := d.Waiting(ctx); return err },
			[]string{"INDEX reports_heard"}, []string{"reports USING INDEX reports_heard", "fanouts", "mails"}},
		{"reports to be judged", func(ctx context.Context, d *db.DB) error { _, err := d.Unjudged(ctx, 1, 16, 9950, 64); return err },
			[]string{"reports_heard (seq>?)"}, nil},
		{"a report", func(ctx context.Context, d *db.DB) error { _, err := d.Report(ctx, 5, "r4"); return err },
			[]string{"sqlite_autoindex_reports_1 (id=?)"}, nil},
		{"reports of a city", func(ctx context.Context, d *db.DB) error { _, err := d.Reports(ctx, 5, true, years, 10); return err },
			[]string{"reports_city (city_id=? AND passed=? AND time>?)"}, nil},
		{"reports after one", func(ctx context.Context, d *db.DB) error { _, err := d.PassedAfter(ctx, 5, "r4", 10); return err },
			[]string{"sqlite_autoindex_reports_1 (id=?)", "reports_city (city_id=? AND passed=?)"}, nil},
		{"a key of the API", func(ctx context.Context, d *db.DB) error {
			_, err := d.FindAPIKey(ctx, "h")
			if errors.Is(err, db.ErrNotFound) {
				err = nil
			}
			return err
		},
			[]string{"api_keys_1 (hash=?)"}, nil},
		{"counts", func(ctx context.Context, d *db.DB) error { _, err := d.Counts(ctx, "r1"); return err },
			[]string{"outcomes USING PRIMARY KEY (report=?)", "sqlite_autoindex_reports_1 (id=?)"}, nil},
		{"a receipt", func(ctx context.Context, d *db.DB) error { _, err := d.Receipt(ctx, 100); return err },
			[]string{"receipts USING INTEGER PRIMARY KEY"}, nil},
		{"what a bot sends", func(ctx context.Context, d *db.DB) error {
			_, _, _, err := d.OpenFanouts(ctx, 1, noon, 1000, none)
			return err
		},
			[]string{"COVERING INDEX fanouts_bot (bot_id=?)", "f USING INTEGER PRIMARY KEY", "r USING INTEGER PRIMARY KEY"}, nil},
		{"what a bot tries", func(ctx context.Context, d *db.DB) error {
			_, err := d.FanoutsToTry(ctx, 1, noon, 7, 10, none)
			return err
		},
			[]string{"COVERING INDEX fanouts_bot (bot_id=?)", "f USING INTEGER PRIMARY KEY", "r USING INTEGER PRIMARY KEY"}, nil},
		{"bots that send", func(ctx context.Context, d *db.DB) error { _, err := d.BotsToSend(ctx); return err },
			nil, []string{"fanouts USING COVERING INDEX fanouts_bot"}},
		{"mails", func(ctx context.Context, d *db.DB) error { _, _, err := d.Mails(ctx, noon, 10, none); return err },
			[]string{"COVERING INDEX mails_due (due>? AND due<?)"}, []string{"mails USING INDEX mails_due"}},
		{"what has expired", func(ctx context.Context, d *db.DB) error {
			_, _, err := d.Expire(ctx, years, func(int64, int64) bool { return true })
			return err
		},
			[]string{"r USING INTEGER PRIMARY KEY"}, []string{"f"}}, // that is what waits, in no order of age
		{"hear", func(ctx context.Context, d *db.DB) error {
			return d.Hear(ctx, newReport(city, "new", "a", "text", noon))
		},
			[]string{"cities USING INTEGER PRIMARY KEY"}, nil},
		{"judge", func(ctx context.Context, d *db.DB) error {
			_, err := d.SaveVerdicts(ctx, []db.Ruling{ruling}, &alike{})
			return err
		},
			[]string{"reports_author (city_id=? AND author=? AND time>? AND time<?)", "mutes USING PRIMARY KEY", "reports USING INTEGER PRIMARY KEY"}, nil},
		{"judge what nobody vouches for", func(ctx context.Context, d *db.DB) error {
			_, err := d.SaveVerdicts(ctx, []db.Ruling{crowd}, &alike{crowd: true})
			return err
		},
			[]string{"COVERING INDEX reports_counted (city_id=? AND received>? AND received<?)"}, nil},
		{"hold", func(ctx context.Context, d *db.DB) error {
			_, err := d.SaveVerdicts(ctx, []db.Ruling{{Heard: heard, Verdict: report.Verdict{Reason: report.ReasonFlood}}}, &alike{})
			return err
		},
			[]string{"COVERING INDEX reports_held (city_id=? AND reason=?)"}, []string{"held"}},
		{"refuse", func(ctx context.Context, d *db.DB) error {
			_, err := d.SaveVerdicts(ctx, []db.Ruling{{Heard: heard, Verdict: refused}}, &alike{})
			return err
		},
			[]string{"COVERING INDEX reports_refused (city_id=?)"}, nil},
		{"what is held", func(ctx context.Context, d *db.DB) error { _, err := d.HeldGroups(ctx, 5); return err },
			[]string{"COVERING INDEX reports_held (city_id=?)"}, nil},
		{"reports about a line", func(ctx context.Context, d *db.DB) error {
			_, err := d.FindReports(ctx, 5, db.Search{Passed: true, Refused: true, Within: years, Line: "U1", Limit: 10})
			return err
		},
			[]string{"reports_city (city_id=? AND passed=? AND time>?)"}, nil},
		{"the way of reports", func(ctx context.Context, d *db.DB) error {
			_, err := d.Judgements(ctx, 5, time.UnixMilli(100))
			return err
		},
			[]string{"reports_city (city_id=? AND passed=? AND time>?)", "INDEX reports_held (city_id=?)"}, nil},
		{"held reports", func(ctx context.Context, d *db.DB) error {
			_, err := d.FindReports(ctx, 5, db.Search{Held: true, Limit: 50})
			return err
		},
			[]string{"INDEX reports_held (city_id=?)"}, nil},
		{"who is to be told", func(ctx context.Context, d *db.DB) error { _, err := d.HeldUntold(ctx, noon, noon, noon); return err },
			[]string{"c USING INTEGER PRIMARY KEY"}, []string{"r USING COVERING INDEX reports_held"}}, // that is what is held
		{"let through", func(ctx context.Context, d *db.DB) error {
			_, err := d.Held(ctx, 5, db.Choice{}, 0, 64)
			return err
		},
			[]string{"reports_held (city_id=?)"}, nil},
		{"throw away", func(ctx context.Context, d *db.DB) error { _, err := d.ThrowAway(ctx, 5, db.Choice{}); return err },
			[]string{"reports_held (city_id=?)"}, nil},
		{"stop a city", func(ctx context.Context, d *db.DB) error {
			if _, _, err := d.Pause(ctx, 11); err != nil {
				return err
			}
			return d.WipeReports(ctx, 11)
		},
			[]string{"reports_city (city_id=?)", "fanouts_bot (bot_id=?)", "bots_city (city_id=?)", "COVERING INDEX reports_held (city_id=?)"},
			[]string{"reports USING COVERING INDEX reports_heard", "reports USING INDEX reports_heard"}}, // those that wait
		{"outcomes", func(ctx context.Context, d *db.DB) error { _, err := d.SaveOutcomes(ctx, ended); return err },
			[]string{"fanouts USING INTEGER PRIMARY KEY", "reports USING INTEGER PRIMARY KEY", "receipts USING INTEGER PRIMARY KEY"}, nil},
		{"take back", func(ctx context.Context, d *db.DB) error { return d.TakeBack(ctx, 2, "r1") },
			[]string{"sqlite_autoindex_reports_1 (id=?)", "fanouts_report (report=?)", "receipts_report (report=?)"}, nil},
		{"delete a bot", func(ctx context.Context, d *db.DB) error { return d.DeleteBot(ctx, 20) },
			[]string{"fanouts_bot (bot_id=?)"}, nil},
		{"delete a city", func(ctx context.Context, d *db.DB) error { return d.DeleteCity(ctx, 9) },
			[]string{"reports_city (city_id=?)", "fanouts_report (report=?)", "outcomes USING PRIMARY KEY (report=?)", "receipts_report (report=?)"},
			[]string{"reports USING COVERING INDEX reports_heard"}}, // those that wait
		{"clean", func(ctx context.Context, d *db.DB) error { return d.DeleteExpired(ctx, time.Hour) },
			[]string{"reports_received (received<?)"}, []string{"registrations", "invitations", "former_cities"}}, // there are few
	}
}

// TestPlans looks at how SQLite goes about what the program asks of it, as it does
// where nobody has told it how many rows of each kind there are.
func TestPlans(t *testing.T) {
	dbtest.OnlyFile(t, "PostgreSQL plans by how many rows there are")
	slow.Test(t, "fills a database")
	d := mustFill(t)
	for _, p := range plans(mustListUnjudged(t, d)[0]) {
		t.Run(p.name, func(t *testing.T) {
			asked, err := d.Record(t.Context(), func() error { return p.do(t.Context(), d) })
			if err != nil || len(asked) == 0 {
				t.Fatalf("%d statements, %v", len(asked), err)
			}
			var steps []string
			for _, a := range asked {
				steps = append(steps, mustExplain(t, d, a)...)
			}
			for _, step := range steps {
				if table, scan := strings.CutPrefix(step, "SCAN "); scan && !slices.Contains(p.scans, table) {
					t.Errorf("reads all of %s", table)
				}
			}
			plan := strings.Join(slices.Compact(steps), "\n")
			for _, part := range p.uses {
				if !strings.Contains(plan, part) {
					t.Errorf("does not use %s:\n%s", part, plan)
				}
			}
		})
	}
}

// notTables are steps over what other steps have found.
var notTables = []string{"SCAN open", "SCAN (subquery-3)", "SCAN CONSTANT ROW"}

// mustExplain returns the steps that a statement takes, but for notTables.
func mustExplain(t *testing.T, d *db.DB, a db.Asked) (steps []string) {
	t.Helper()
	rows, err := d.Read(t.Context()).Raw("EXPLAIN QUERY PLAN "+a.SQL, a.Args...).Rows()
	if err != nil {
		t.Fatalf("%s: %v", a.SQL, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(notTables, step) {
			steps = append(steps, step)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
