package frontend

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

var keptPattern = regexp.MustCompile(`name="kept" value="([^"]*)"`)

// TestALoginThatRanOutLosesNothing sends rules when the login has ended, as a browser
// without scripts, and sends them again after logging in.
func TestALoginThatRanOutLosesNothing(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.browser()
	const rules = "Plärrer\r\n\"<kontis>\"?"
	page := w.post("/settings/rules", "settings_city", "1", "triggers", rules, "blocked", "", "password", "geheim").want(http.StatusUnauthorized, "")
	page.says("again", "You were logged out")
	found := keptPattern.FindStringSubmatch(page.body)
	if found == nil || strings.Contains(page.body, "geheim") {
		t.Fatalf("the login does not keep the form, or a password:\n%s", page.body)
	}
	kept := html.UnescapeString(found[1])
	if now, err := b.db.City(t.Context(), c.ID); err != nil || now.Triggers != c.Triggers {
		t.Fatalf("it was saved without a login: %q, %v", now.Triggers, err)
	}
	page = w.post("/login", "email", "one@example.org", "password", boardPassword, "next", "/settings/rules", "kept", kept).want(http.StatusOK, "")
	if got := attr(page.id("again"), "action"); got != "/settings/rules" {
		t.Errorf("it is sent to %s", got)
	}
	w.post("/settings/rules", page.fields("again")...).want(http.StatusSeeOther, "/settings/rules#rules")
	if now, err := b.db.City(t.Context(), c.ID); err != nil || now.Triggers != strings.ReplaceAll(rules, "\r", "") {
		t.Errorf("saved are %q, %v", now.Triggers, err)
	}

	for _, path := range []string{"https://evil.example/", "//evil.example/settings/", "/logout", "/settings"} {
		forged, err := json.Marshal(keptForm{Path: path, Fields: []keptField{{"x", "y"}}})
		if err != nil {
			t.Fatal(err)
		}
		b.browser().post("/login", "email", "one@example.org", "password", boardPassword, "kept", string(forged)).want(http.StatusSeeOther, "/settings")
	}
	b.browser().post("/settings/rules", "triggers", strings.Repeat("x", maxKept)).want(http.StatusSeeOther, "/login?next=%2Fsettings")
}
