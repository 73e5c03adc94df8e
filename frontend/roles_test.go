package frontend

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"ticketfrei/internal/report"
)

// member adds a moderator with a role to the city, and logs them in.
func (b *board) member(c report.City, email string, role report.Role) (int64, *browser) {
	b.t.Helper()
	m := b.join(c, email)
	if _, err := b.db.SetRole(b.t.Context(), c.ID, m.ID, role); err != nil {
		b.t.Fatal(err)
	}
	return m.ID, b.login(email)
}

// TestHelpersDoOnlyTheirPart asks for every address below /settings as a helper and as a
// moderator. What is new is refused to helpers until somebody decides otherwise.
func TestHelpersDoOnlyTheirPart(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	_, helper := b.member(c, "helper@example.org", report.Helper)
	_, moderator := b.member(c, "moderator@example.org", report.Moderator)
	forHelpers := map[string]bool{
		"GET /settings/": true, "GET /settings/undo": true, "GET /settings/reports": true, "POST /settings/city": true, "GET /settings/moderators/remove": true,
		"GET /settings/account/": true, "GET /settings/account/password": true,
		"POST /settings/reports/take-back": true, "POST /settings/reports/mute": true, "POST /settings/reports/unmute": true,
		"GET /settings/reports/let-through": true, "POST /settings/reports/let-through": true,
		"GET /settings/reports/throw-away": true, "POST /settings/reports/throw-away": true,
		"POST /settings/account/password": true, "POST /settings/account/logins/end": true, "POST /settings/account/logins/end-others": true,
		"POST /settings/moderators/remove": true, // themselves
		"GET /settings/account/passkeys":   true, "POST /settings/account/passkeys": true, "POST /settings/account/passkeys/begin": true, "POST /settings/account/passkeys/remove": true,
	}
	forOwners := map[string]bool{"GET /settings/account/delete": true}
	err := chi.Walk(b.mux, func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.HasPrefix(route, "/settings/") || route == "/settings/live" { // which does not end
			return nil
		}
		path := strings.NewReplacer("{network}", "tram", "{id}", "1").Replace(route)
		ask := func(w *browser) int {
			if method == http.MethodPost {
				return w.post(path).status
			}
			return w.get(path).status
		}
		at := method + " " + route
		if got := ask(helper); (got == http.StatusForbidden) == forHelpers[at] {
			t.Errorf("%s answers a helper %d", at, got)
		}
		owners := forOwners[at] || roleFor(path) == report.Owner
		if got := ask(moderator); (got == http.StatusForbidden) != owners {
			t.Errorf("%s answers a moderator %d", at, got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/settings/moderators/invite", "/settings/moderators/role", "/settings/moderators/withdraw", "/settings/account/delete", "/settings/account/restore"} {
		if roleFor(path) != report.Owner {
			t.Errorf("%s is not for owners alone", path)
		}
	}
}

// TestHelpersRemoveNobody has an invited helper try to remove the owner, and sees what the
// pages show of that.
func TestHelpersRemoveNobody(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	owner := b.moderator("one@example.org")
	c := b.city("nuernberg", "Nürnberg", owner)
	w := b.login("one@example.org")
	w.post("/settings/moderators/invite", "email", "helper@example.org", "role", "helper").want(http.StatusSeeOther, "/settings/people#moderators")
	link := linkIn(t, b.mails[0].Data, b.url+"/invitation/")
	helper := b.browser()
	if page := helper.get(link).want(http.StatusOK, ""); !strings.Contains(page.text(page.doc), "Helpers see the reports") {
		t.Error("the invitation does not say what they may do")
	}
	b.mails = nil
	helper.post(link, "password", boardPassword).want(http.StatusSeeOther, "/settings")
	if len(b.mails) != 1 || b.mails[0].To != "one@example.org" {
		t.Errorf("mailed that somebody joined: %v", b.mails)
	}

	page := helper.get("/settings").want(http.StatusOK, "")
	for _, hidden := range []string{"/settings/rules", "/settings/people", "/settings/networks", "/settings/texts", "/settings/places"} {
		if strings.Contains(page.body, `href="`+hidden+`"`) {
			t.Errorf("%s is in the menu of a helper", hidden)
		}
	}
	refused := helper.get("/settings/rules").want(http.StatusForbidden, "")
	if !strings.Contains(refused.text(refused.doc), "Your role in this city does not include that.") {
		t.Error("nothing says why")
	}
	asked := helper.get("/settings/moderators/remove?moderator="+strconv.FormatInt(owner.ID, 10)).want(http.StatusForbidden, "")
	if strings.Contains(asked.body, owner.Email) {
		t.Error("a helper reads the address of an owner")
	}
	helper.post("/settings/moderators/remove", "moderator", strconv.FormatInt(owner.ID, 10)).want(http.StatusForbidden, "")
	helper.post("/settings/moderators/role", "moderator", strconv.FormatInt(owner.ID, 10), "role", "helper").want(http.StatusForbidden, "")
	helper.post("/settings/account/delete", "slug", "nuernberg", "password", boardPassword).want(http.StatusForbidden, "")
	if list, err := b.db.Members(t.Context(), c.ID); err != nil || len(list) != 2 {
		t.Errorf("the moderators are %v, %v", list, err)
	}

	people := w.get("/settings/people")
	people.says("moderator-list", "helper@example.org")
	people.says("act-list", "one@example.org invited helper@example.org")
	people.says("act-list", "helper@example.org accepted the invitation")
	id := strconv.FormatInt(mustMember(t, b, c, "helper@example.org"), 10)
	w.post("/settings/moderators/role", "moderator", id, "role", "king").want(http.StatusBadRequest, "")
	w.post("/settings/moderators/role", "moderator", id, "role", "moderator").want(http.StatusSeeOther, "/settings/people#moderators")
	w.get("/settings/people").says("moderators", "helper@example.org now has the role “Moderator”.")
	w.get("/settings/people").says("act-list", "changed a role: helper@example.org → Moderator")
	helper.get("/settings/rules").want(http.StatusOK, "")
	helper.get("/settings/people").silent("moderators", "Invite somebody")

	b.mails = nil
	helper.post("/settings/moderators/remove", "moderator", id).want(http.StatusSeeOther, "/")
	if len(b.mails) != 1 || b.mails[0].To != "one@example.org" {
		t.Errorf("mailed that somebody left: %v", b.mails)
	}
}

func mustMember(t *testing.T, b *board, c report.City, email string) int64 {
	t.Helper()
	list, err := b.db.Members(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Email == email {
			return m.ID
		}
	}
	t.Fatalf("%s is no moderator", email)
	return 0
}
