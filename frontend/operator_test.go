package frontend

import (
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"gorm.io/gorm"

	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/internal/slow"
)

// rooms are the pages of the operator.
var rooms = []string{"/operator/", "/operator/bots", "/operator/queue", "/operator/mail", "/operator/server", "/operator/logs"}

// operator is the browser of an operator who has no city.
func (b *board) operator() *browser {
	b.t.Helper()
	b.moderator("operator@example.org")
	if _, err := b.db.AddOperator(b.t.Context(), "operator@example.org"); err != nil {
		b.t.Fatal(err)
	}
	return b.login("operator@example.org")
}

// TestRoomIsForOperators shows its pages to nobody else.
func TestRoomIsForOperators(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w, operator := b.login("one@example.org"), b.operator()
	for _, path := range rooms {
		w.get(path).want(http.StatusNotFound, "")
		if got := b.browser().get(path); got.status != http.StatusSeeOther {
			t.Errorf("%s answers a stranger %d", path, got.status)
		}
		operator.get(path).want(http.StatusOK, "").says("main", "Operator's room")
	}
	operator.get("/settings").want(http.StatusSeeOther, "/operator") // where a login leads
	w.post("/operator/cities/suspend", "city", strconv.FormatInt(c.ID, 10), "reason", "x").want(http.StatusNotFound, "")
	if got, err := b.db.City(t.Context(), c.ID); err != nil || got.Off() {
		t.Errorf("a moderator has switched %+v off: %v", got, err)
	}
}

// TestRoomActs has the operator suspend a city and let it go on, switch a bot, and throw away
// what waits.
func TestRoomActs(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	bot, w := b.bot(c, "tram"), b.operator()
	city, number := strconv.FormatInt(c.ID, 10), strconv.FormatInt(bot.ID, 10)
	of := func() report.City {
		t.Helper()
		got, err := b.db.City(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	w.post("/operator/cities/suspend", "city", city, "reason", " ").want(http.StatusSeeOther, "/operator")
	if of().Off() {
		t.Error("it is off without a reason")
	}
	w.post("/operator/cities/suspend", "city", city, "reason", "Only advertising.").want(http.StatusSeeOther, "/operator")
	page := w.get("/operator/").want(http.StatusOK, "")
	page.says("main", "Nürnberg is suspended. Its moderators are mailed.")
	page.says("main", "Only advertising.")
	if !of().Off() {
		t.Error("it is on")
	}
	w.post("/operator/cities/resume", "city", city)
	if of().Off() {
		t.Error("it is off")
	}
	w.post("/operator/cities/delete", "city", city)
	w.post("/operator/cities/restore", "city", city)
	if of().Off() {
		t.Error("it is deleted")
	}
	w.post("/operator/cities/explode", "city", city).want(http.StatusNotFound, "")

	w.post("/operator/bots/disable", "bot", number).want(http.StatusSeeOther, "/operator/bots")
	w.get("/operator/bots").says("main", "Bot "+number+" on tram is switched off.")
	if b.bot(c, "tram").Enabled {
		t.Error("the bot is on")
	}
	w.post("/operator/bots/enable", "bot", number)
	if err := b.db.SetBotState(t.Context(), bot.ID, report.BotTrouble, "the tram is late", true); err != nil {
		t.Fatal(err)
	}
	b.wait(c, bot)
	w.get("/operator/bots?state=trouble").says("main", "the tram is late")
	w.get("/operator/").says("main", "nuernberg: its bot "+number+" on tram does not work: the tram is late")
	w.get("/operator/queue").says("main", "1 reports in 1 parts")
	w.post("/operator/queue/retry")
	w.post("/operator/queue/drop").want(http.StatusNotFound, "") // of all
	w.post("/operator/queue/drop", "bot", number).want(http.StatusSeeOther, "/operator/queue")
	w.get("/operator/queue").says("main", "Nothing waits to be sent.")
	if err := b.db.AddLog(t.Context(), bot.ID, db.LogLine{At: time.Now(), Level: "WARN", Text: "what was logged"}); err != nil {
		t.Fatal(err)
	}
	w.get("/operator/logs?level=warn&city=nuernberg").says("main", "what was logged")
	w.get("/operator/logs?level=error").silent("main", "what was logged")
	acts, err := b.db.CityActs(t.Context(), c.ID, 0, 100)
	if err != nil || len(acts) < 6 {
		t.Fatalf("acts are %+v, %v", acts, err)
	}
	for _, act := range acts {
		if act.Who != "operator" {
			t.Errorf("%s is by %s", act.Act, act.Who)
		}
	}
}

// wait has something of a bot wait to be sent.
func (b *board) wait(c report.City, bot report.Bot) {
	b.t.Helper()
	b.say(c, "waits", "Kontrolle U1", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	err := b.db.Write(b.t.Context(), func(tx *gorm.DB) error {
		return tx.Exec(`INSERT INTO fanouts (id, report, bot_id, kind, recipients, open, attempts, due, created)
			SELECT 1000000, seq, ?, 'send', ?, 1, 1, 0, received FROM reports WHERE city_id = ?`, bot.ID, []byte{0}, c.ID).Error
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// TestRoomOfManyCities has 500 cities with 10,000 reports: each page is there at once.
func TestRoomOfManyCities(t *testing.T) {
	slow.Test(t, "fills a database")
	b := newBoard(t)
	w, m := b.operator(), b.moderator("one@example.org")
	first := b.city("first", "First", m)
	err := b.db.Write(t.Context(), func(tx *gorm.DB) error {
		for i := range 500 {
			if err := tx.Exec(fmt.Sprintf(`INSERT INTO cities (slug, name, language, page, triggers, blocked, created)
				SELECT 'city%d', 'City %d', language, page, triggers, blocked, created + %d FROM cities WHERE id = ?`, i, i, i), first.ID).Error; err != nil {
				return err
			}
		}
		for _, statement := range []string{
			`INSERT INTO bots (city_id, network, enabled, state, last_error, restarts, updated)
				SELECT c.id, n.network, TRUE, CASE WHEN c.id % 50 = 0 THEN 'trouble' ELSE 'running' END, 'late', 0, 0
				FROM cities AS c, (SELECT 'tram' AS network UNION ALL SELECT 'bell' UNION ALL SELECT 'bell') AS n WHERE c.slug <> 'first'`,
			`INSERT INTO bot_log (bot_id, at, level, text) SELECT b.id, 1000 * n.i, 'WARN', 'a line' FROM bots AS b,
				(SELECT 1 AS i UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8) AS n`,
		} {
			if err := tx.Exec(statement).Error; err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	b.say(first, "one", "Kontrolle U1", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	b.multiply(10_000)
	for _, path := range append([]string{"/operator/?q=city1", "/operator/?from=450"}, rooms...) {
		best := time.Hour
		for range 3 { // other programs run on this machine too
			began := time.Now()
			w.get(path).want(http.StatusOK, "")
			best = min(best, time.Since(began))
		}
		t.Logf("%s takes %s", path, best)
		if best > 300*time.Millisecond && !slow.Racing() {
			t.Errorf("%s takes %s", path, best)
		}
	}
	page := w.get("/operator/")
	page.says("main", "1–50 / 501")
	page.says("main", "3 in trouble") // those come first
}

// multiply has the one report that there is be there n times, in all cities.
func (b *board) multiply(n int) {
	b.t.Helper()
	err := b.db.Write(b.t.Context(), func(tx *gorm.DB) error {
		var columns []string
		rows, err := tx.Raw("SELECT * FROM reports LIMIT 1").Rows()
		if err != nil {
			return err
		}
		columns, err = rows.Columns()
		if err := rows.Close(); err != nil {
			return err
		}
		if err != nil {
			return err
		}
		into, from := "", ""
		for _, c := range columns {
			value := "r." + c
			switch c {
			case "seq":
				value = "r.seq + n.i"
			case "id":
				value = "r.id || '-' || n.i"
			case "city_id":
				value = "1 + n.i % 500"
			}
			into, from = into+","+c, from+","+value
		}
		return tx.Exec(fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO reports (%s) SELECT %s FROM reports AS r, n",
			n, into[1:], from[1:])).Error
	})
	if err != nil {
		b.t.Fatal(err)
	}
}
