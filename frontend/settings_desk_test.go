package frontend

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ticketfrei/internal/report"
	"ticketfrei/internal/zone"
)

// stored is the city as it is stored now.
func (b *board) stored(c report.City) report.City {
	b.t.Helper()
	got, err := b.db.City(b.t.Context(), c.ID)
	if err != nil {
		b.t.Fatal(err)
	}
	return got
}

// href is where the element with that id leads.
func (a answer) href(id string) string { return attr(a.id(id), "href") }

// TestSearchingReports searches and narrows down the page of reports, and goes to older ones.
func TestSearchingReports(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	pass := report.Verdict{Passed: true, Reason: report.ReasonTrigger, Detail: "kontis?"}
	for i := range reportsShown + 3 {
		b.say(c, fmt.Sprint("p", i), fmt.Sprintf("Kontis im Zug %d.", i), pass)
	}
	b.say(c, "wanted", "2 Kontis am Plärrer", pass)
	b.say(c, "blocked", "so ein Quatsch", report.Verdict{Reason: report.ReasonBlocked, Detail: "quatsch"})
	b.say(c, "other", "hallo Plärrer", report.Verdict{Reason: report.ReasonNoTrigger})
	page := w.get("/settings/reports")
	page.says("main", fmt.Sprint("Passed on ", reportsShown+4))
	page.says("main", "Not passed on 2")
	page.silent("reports", "Zug 1.")
	older := w.get(page.href("older")).want(http.StatusOK, "")
	older.says("reports", "Zug 1.")
	older.silent("reports", "Plärrer")
	if older.has("older") {
		t.Error("there is a way to what is not there")
	}
	for _, tt := range []struct{ query, says, silent string }{
		{"q=PLAERRER", "2 Kontis am Plärrer", "Zug"},
		{"show=refused&q=plarrer", "hallo Plärrer", "Quatsch"},
		{"show=refused&reason=blocked", "so ein Quatsch", "hallo"},
		{"show=refused&day=" + time.Now().In(zone.Of(c, "")).Format(time.DateOnly), "so ein Quatsch", "Zug"},
		{"show=refused&network=tram&q=" + url.QueryEscape("<script>"), "", "Quatsch"},
		{"show=refused&day=2001-02-03", "", "Quatsch"},
		{"after=nonsense&day=nonsense&q=pl%C3%A4rrer", "2 Kontis am Plärrer", "Zug"},
	} {
		page := w.get("/settings/reports?"+tt.query).want(http.StatusOK, "")
		if tt.says == "" {
			page.says("main", "There is nothing like that.")
			continue
		}
		page.says("reports", tt.says)
		page.silent("reports", tt.silent)
	}
}

// TestAlwaysLetThrough lets a report through and changes the rules for it.
func TestAlwaysLetThrough(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	w.post("/settings/rules", "triggers", "konti", "blocked", "spam\nquatsch\nunfug").want(http.StatusSeeOther, "/settings/rules#rules")
	b.say(c, "word", "Kontrolletti in der Bahn <b>", report.Verdict{Reason: report.ReasonNoTrigger})
	b.say(c, "blocked", "konti so ein Quatsch", report.Verdict{Reason: report.ReasonBlocked, Detail: "quatsch"})
	b.say(c, "both", "so ein Unfug im Abteil", report.Verdict{Reason: report.ReasonBlocked, Detail: "unfug"})
	b.say(c, "slur", "beleidigt", report.Verdict{Reason: report.ReasonSlur, Detail: "x"})
	const list = "/settings/reports?show=refused"
	page := w.get(list)
	if n := strings.Count(page.body, `href="/settings/reports/always?report=`); n != 3 {
		t.Errorf("%d can always be let through, want 3", n)
	}
	if n := strings.Count(page.body, `action="/settings/reports/let-through"`); n != 3 {
		t.Errorf("%d can be let through, want 3", n)
	}
	ask := w.get("/settings/reports/always?report=word&show=refused").want(http.StatusOK, "")
	ask.says("main", "Kontrolletti in der Bahn <b>")
	if got := attr(ask.id("word"), "value"); got != "kontrolletti" {
		t.Errorf("%q is proposed", got)
	}
	wrong := w.post("/settings/reports/always", "report", "word", "word", "kontrolleur", "show", "refused").want(http.StatusUnprocessableEntity, "")
	wrong.says("word-error", "does not stand in the report")
	if got := attr(wrong.id("word"), "value"); got != "kontrolleur" {
		t.Errorf("what was typed is %q now", got)
	}
	w.post("/settings/reports/always", "report", "word", "word", "kontrolletti*", "show", "refused").want(http.StatusSeeOther, list)
	w.get(list).says("main", "The rules are changed, and the report is on its way to everybody.")
	w.get("/settings/reports/always?report=blocked").says("main", "“quatsch” goes from your blocked words")
	w.post("/settings/reports/always", "report", "blocked", "show", "refused").want(http.StatusSeeOther, list)
	both := w.get("/settings/reports/always?report=both")
	both.says("main", "“unfug” goes from your blocked words")
	both.says("main", "None of your triggers fits either")
	w.post("/settings/reports/always", "report", "both", "show", "refused").want(http.StatusUnprocessableEntity, "").says("word-error", "no word")
	w.post("/settings/reports/always", "report", "both", "word", "abteil", "show", "refused").want(http.StatusSeeOther, list)
	if got := b.stored(c); got.Triggers != "konti\n\\bkontrolletti\n\\babteil\\b" || got.Blocked != "spam" {
		t.Errorf("stored %q, %q", got.Triggers, got.Blocked)
	}
	page = w.get("/settings/reports")
	page.says("reports", "Kontrolletti")
	page.says("reports", "Quatsch")
	w.get("/settings/reports/always?report=slur").want(http.StatusNotFound, "")
	w.get("/settings/reports/always?report=nothing").want(http.StatusNotFound, "")
}

// TestLookingFirst has reports wait, and shows what waits.
func TestLookingFirst(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	for _, approval := range []string{"new", "all", ""} {
		w.post("/settings/reports/approval", "approval", approval).want(http.StatusSeeOther, "/settings/reports#approval")
		page := w.get("/settings/reports")
		page.says("approval", "That is saved.")
		if got := b.stored(c).Approval; string(got) != approval {
			t.Errorf("%q is stored, want %q", got, approval)
		}
		checked := page.find(func(n *html.Node) bool { return attr(n, "name") == "approval" && hasAttr(n, "checked") })
		if checked == nil || attr(checked, "value") != approval {
			t.Errorf("%q is not chosen on the page", approval)
		}
	}
	w.post("/settings/reports/approval", "approval", "nonsense").want(http.StatusNotFound, "")
	b.hold(c, "first", "Kontis U1", report.ReasonApproval, time.Now())
	page := w.get("/settings/reports?show=held")
	page.says("reports", "Waits until one of you lets it through")
	page.says("main", "Waiting for you 1")
	w.post("/settings/reports/let-through", "report", "first").want(http.StatusSeeOther, "/settings/reports?show=held")
	w.get("/settings/reports").says("reports", "Kontis U1")
}

// TestMutedList shows who is muted, and ends a mute whose reports are gone.
func TestMutedList(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	w.get("/settings/reports").says("muted", "Nobody is muted.")
	b.say(c, "troll", "Kontis überall", report.Verdict{Passed: true, Reason: report.ReasonTrigger})
	w.post("/settings/reports/mute", "report", "troll").want(http.StatusSeeOther, "/settings/reports?show=passed")
	page := w.get("/settings/reports")
	page.says("muted", "Kontis überall")
	page.says("muted", "reaches who wrote this, on this network, until you unmute them")
	if err := b.db.Mute(t.Context(), c.ID, "author whose reports are gone"); err != nil {
		t.Fatal(err)
	}
	w.get("/settings/reports").says("muted", "Nothing is kept any more")
	w.post("/settings/reports/unmute", "author", "author whose reports are gone").want(http.StatusSeeOther, "/settings/reports#muted")
	muted, err := b.db.Mutes(t.Context(), c.ID)
	if err != nil || len(muted) != 1 || !muted["author-of-troll"] {
		t.Errorf("muted are %v, %v", muted, err)
	}
}

// TestWordsOfTheRules adds and removes words, and takes a suggestion or leaves it.
func TestWordsOfTheRules(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	w.post("/settings/rules", "triggers", "# Wer\nkontis?\nprüfer\n\\bbus\\b", "blocked", "").want(http.StatusSeeOther, "/settings/rules#rules")
	page := w.get("/settings/rules")
	page.says("word-list", "*prüfer* × bus ×")
	page.says("words", "And 1 pattern below")
	w.post("/settings/rules/words", "add", "kontrolletti*").want(http.StatusSeeOther, "/settings/rules#words")
	w.get("/settings/rules").says("words", "“kontrolletti*” is among the words now.")
	w.post("/settings/rules/words", "remove", "\\bbus\\b").want(http.StatusSeeOther, "/settings/rules#words")
	w.get("/settings/rules").says("words", "“bus” is removed.")
	wrong := w.post("/settings/rules/words", "add", "!!").want(http.StatusUnprocessableEntity, "")
	wrong.says("word-error", "There is no word in this line.")
	if got := attr(wrong.id("word"), "value"); got != "!!" {
		t.Errorf("what was typed is %q now", got)
	}
	if got := b.stored(c).Triggers; got != "# Wer\nkontis?\nprüfer\n\\bkontrolletti" {
		t.Errorf("stored %q", got)
	}
	for i := range 3 {
		b.say(c, fmt.Sprint("t", i), fmt.Sprint("Blaumann Nummer ", i), report.Verdict{Passed: true, Reason: report.ReasonLetThrough})
		b.say(c, fmt.Sprint("b", i), fmt.Sprint("Kontis Werbung ", i), report.Verdict{Reason: report.ReasonTakenBack})
	}
	page = w.get("/settings/rules")
	page.says("suggestions", "“blaumann” stood in 3 reports that you let through. Add it?")
	page.says("suggestions", "“werbung” stood in 3 reports that you took back. Block it?")
	w.post("/settings/rules/words", "leave", "blaumann").want(http.StatusSeeOther, "/settings/rules#words")
	page = w.get("/settings/rules")
	page.silent("suggestions", "blaumann")
	w.post("/settings/rules/words", "block", "werbung").want(http.StatusSeeOther, "/settings/rules#words")
	if page = w.get("/settings/rules"); page.has("suggestions") {
		t.Error("something is suggested again")
	}
	if got := b.stored(c).Blocked; got != "werbung" {
		t.Errorf("stored %q", got)
	}
}

// TestSwitchesOfTheRules says what each would have held back, and switches them.
func TestSwitchesOfTheRules(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	pass := report.Verdict{Passed: true, Reason: report.ReasonTrigger}
	b.say(c, "link", "Kontis https://example.org", pass)
	b.say(c, "long", "Kontis "+strings.Repeat("hier ", 60), pass)
	b.say(c, "plain", "Kontis", pass)
	page := w.get("/settings/rules")
	if n := strings.Count(page.text(page.id("hearing")), "It would have held back 1 of the last 3."); n != 2 {
		t.Errorf("it is said %d times what would have been held back", n)
	}
	w.post("/settings/rules/hearing", "no_links", "yes", "short", "yes").want(http.StatusSeeOther, "/settings/rules#hearing")
	if got := b.stored(c); !got.NoLinks || !got.Short || got.Questions {
		t.Errorf("stored %v %v %v", got.NoLinks, got.Short, got.Questions)
	}
	page = w.get("/settings/rules")
	if !page.checked("no_links") || !page.checked("short") {
		t.Error("they are not on")
	}
	w.post("/settings/rules/try", "text", "Kontis https://example.org", "triggers", "*", "blocked", "").says("verdict", "there is a link in it")
}

// TestAnswersAreWritten has a moderator write what riders are told.
func TestAnswersAreWritten(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	page := w.get("/settings/texts?answers=de")
	page.says("answers", "Ours: Weitergegeben, an {whom}.")
	page.says("answers", "{whom} is filled in.")
	w.post("/settings/texts/answers", "answers", "de", "answer.to", "Danke, {whom}!").want(http.StatusSeeOther, "/settings/texts?answers=de#answers")
	page = w.get("/settings/texts?answers=de")
	page.says("answers", "Danke, {whom}!")
	if got, own := b.stored(c).AnswerTexts().Say("de", "answer.to", "Whom", "3 Leute"); !own || got != "Danke, 3 Leute!" {
		t.Errorf("it says %q", got)
	}
	wrong := w.post("/settings/texts/answers", "answers", "de", "answer.known", "Danke, {wen}!").want(http.StatusUnprocessableEntity, "")
	wrong.says("answer.known-error", "{wen} is not known here")
	wrong.says("answers", "Danke, {wen}!")
	w.get("/settings/texts?answers=nonsense").want(http.StatusOK, "")
}

// TestContactCanBeOff takes the form to write to moderators away.
func TestContactCanBeOff(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w, rider := b.login("one@example.org"), b.browser()
	if !strings.Contains(rider.get("/city/nuernberg").body, "/city/nuernberg/contact") {
		t.Error("there is no way to write")
	}
	w.post("/settings/texts/contact").want(http.StatusSeeOther, "/settings/texts#contact")
	if !b.stored(c).NoContact || w.get("/settings/texts").checked("contact") {
		t.Error("it is on")
	}
	if strings.Contains(rider.get("/city/nuernberg").body, "/city/nuernberg/contact") {
		t.Error("the page leads to a form that is not there")
	}
	rider.get("/city/nuernberg/contact").want(http.StatusNotFound, "").says("main", "cannot be written to here")
	rider.post("/city/nuernberg/contact", "message", "hallo").want(http.StatusNotFound, "")
	w.post("/settings/texts/contact", "contact", "yes").want(http.StatusSeeOther, "/settings/texts#contact")
	rider.get("/city/nuernberg/contact").want(http.StatusOK, "")
}

// TestDefaultsOfSubscriptions saves what new ones begin with.
func TestDefaultsOfSubscriptions(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	w.post("/settings/texts/defaults", "hourly", "yes", "quiet", "yes", "from", "23", "to", "7").want(http.StatusSeeOther, "/settings/texts#defaults")
	page := w.get("/settings/texts")
	if got := b.stored(c).SubscriptionDefaults(); !got.Hourly || got.Quiet == nil || *got.Quiet != (report.QuietTime{From: 23, To: 7}) || !page.checked("hourly") || !page.checked("quiet") {
		t.Errorf("stored %+v", got)
	}
	for _, hours := range [][]string{{"from", "7", "to", "7"}, {"from", "24", "to", "7"}, {"from", "", "to", "7"}} {
		w.post("/settings/texts/defaults", append(hours, "quiet", "yes")...).want(http.StatusUnprocessableEntity, "").says("quiet-error", "two different hours")
	}
	w.post("/settings/texts/defaults").want(http.StatusSeeOther, "/settings/texts#defaults")
	if got := b.stored(c).Defaults; got != "" {
		t.Errorf("left is %s", got)
	}
}
