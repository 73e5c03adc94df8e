package frontend

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

func TestSettingsReports(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")

	t.Run("nothing yet", func(t *testing.T) {
		w.get("/settings/reports").want(http.StatusOK, "").says("main", "Nothing has been passed on yet")
		w.get("/settings/reports?show=refused").want(http.StatusOK, "").says("main", "Nothing was held back")
		w.get("/settings").says("latest-passed", "Nothing has been passed on yet")
	})

	b.say(c, "passed", "U1 Plärrer 2 Kontis", report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontis?"})
	b.say(c, "word", "Konti am Rathaus", report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: `\bkonti`})
	b.say(c, "evil", `<script id="evil">Kontrolle</script>`, report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: `<i id="evil">`})
	b.say(c, "blocked", "so ein Quatsch", report.Verdict{Reason: report.ReasonBlocked, Detail: "quatsch"})
	b.ended(c, "passed", db.Counts{Sent: 1}, db.Counts{Failed: 1})

	t.Run("passed and held, with the reason", func(t *testing.T) {
		for _, page := range []answer{w.get("/settings/reports"), w.get("/settings")} {
			if page.find(func(n *html.Node) bool { return attr(n, "id") == "evil" }) != nil {
				t.Error("a report is taken for markup")
			}
		}
		page := w.get("/settings/reports")
		page.says("reports", "U1 Plärrer 2 Kontis")
		page.says("reports", `<script id="evil">Kontrolle</script>`)
		page.says("reports", "fits this trigger pattern: kontis?")
		page.says("reports", "fits this trigger pattern: konti*") // as among the words of the rules
		page.says("reports", "delivered once · failed once")
		page.says("reports", "Toy tram")
		page.silent("reports", "so ein Quatsch")
		page.silent("reports", "author-of")
		page = w.get("/settings/reports?show=refused")
		page.says("reports", "so ein Quatsch")
		page.says("reports", "blocked word of yours: quatsch")
		page.silent("reports", "Plärrer")
	})
	t.Run("taking back", func(t *testing.T) {
		w.post("/settings/reports/take-back", "report", "passed", "show", "passed").want(http.StatusSeeOther, "/settings/reports?show=passed")
		page := w.get("/settings/reports?show=passed")
		page.silent("reports", "Plärrer")
		page.says("main", "The report was taken back.")
		w.get("/settings/reports?show=refused").says("reports", "taken back by a moderator")
		w.post("/settings/reports/take-back", "report", "passed").want(http.StatusSeeOther, "/settings/reports?show=passed")
		if diff := cmp.Diff([]string{"passed"}, b.taken); diff != "" {
			t.Errorf("taken back (-want +got):\n%s", diff)
		}
		w.post("/settings/reports/take-back", "report", "blocked").want(http.StatusNotFound, "")
		w.post("/settings/reports/take-back", "report", "nothing").want(http.StatusNotFound, "")
	})
	t.Run("muting", func(t *testing.T) {
		before := b.changes(c)
		w.post("/settings/reports/mute", "report", "blocked", "show", "refused").want(http.StatusSeeOther, "/settings/reports?show=refused")
		muted, err := b.db.Mutes(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]bool{"author-of-blocked": true}, muted); diff != "" {
			t.Errorf("muted (-want +got):\n%s", diff)
		}
		page := w.get("/settings/reports?show=refused")
		page.says("reports", "This author is muted")
		page.says("reports", "Unmute")
		w.post("/settings/reports/unmute", "report", "blocked", "show", "//evil.example").want(http.StatusSeeOther, "/settings/reports?show=passed")
		if muted, err = b.db.Mutes(t.Context(), c.ID); err != nil || len(muted) != 0 {
			t.Errorf("muted %v, error %v", muted, err)
		}
		if b.changes(c) != before+2 {
			t.Error("nobody was told of the mute")
		}
		w.post("/settings/reports/mute", "report", "nothing").want(http.StatusNotFound, "")
		w.post("/settings/reports/unmute", "report", "nothing").want(http.StatusNotFound, "")
	})
}

// ended stores what became of the deliveries of a report, one count for each of
// some bots.
func (b *board) ended(c report.City, id string, counts ...db.Counts) {
	b.t.Helper()
	j, err := b.db.Report(b.t.Context(), c.ID, id)
	if err != nil {
		b.t.Fatal(err)
	}
	var list []db.Outcome
	for i, n := range counts {
		list = append(list, db.Outcome{Fanout: &db.Fanout{Seq: j.Seq, BotID: int64(i) + 1}, Counts: n})
	}
	if _, err := b.db.SaveOutcomes(b.t.Context(), list); err != nil {
		b.t.Fatal(err)
	}
}
