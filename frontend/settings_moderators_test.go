package frontend

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"ticketfrei/db"
	"ticketfrei/internal/report"
)

// join adds a moderator to the city.
func (b *board) join(c report.City, email string) db.Moderator {
	b.t.Helper()
	inv, err := b.db.CreateInvitation(b.t.Context(), db.Invitation{CityID: c.ID, Email: email, Role: report.Owner})
	if err != nil {
		b.t.Fatal(err)
	}
	hash, err := hashed()
	if err != nil {
		b.t.Fatal(err)
	}
	m, err := b.db.AcceptInvitation(b.t.Context(), inv.ID, hash)
	if err != nil {
		b.t.Fatal(err)
	}
	return m
}

func TestSettingsInvite(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	c := b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	open := func(t *testing.T) []db.Invitation {
		t.Helper()
		list, err := b.db.CityInvitations(t.Context(), c.ID)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}

	t.Run("mistakes", func(t *testing.T) {
		for _, typed := range []string{"", "two", "two@", "Name <two@example.org>", "two@example.org\r\nBcc: x@example.org"} {
			page := w.post("/settings/moderators/invite", "email", typed).want(http.StatusUnprocessableEntity, "")
			if page.text(page.id("invite-error")) == "" {
				t.Errorf("%q: nothing is said at the field", typed)
			}
		}
		page := w.post("/settings/moderators/invite", "email", "ONE@example.org").want(http.StatusUnprocessableEntity, "")
		page.says("invite-error", "is a moderator of Nürnberg already")
		if got := page.value("invite-email"); got != "ONE@example.org" {
			t.Errorf("what was typed came back as %q", got)
		}
		if len(open(t)) != 0 || len(b.mails) != 0 {
			t.Error("somebody was invited")
		}
	})
	t.Run("while no mail leaves", func(t *testing.T) {
		b.delayed = true
		defer func() { b.delayed = false }()
		w.post("/settings/moderators/invite", "email", "late@example.org").want(http.StatusSeeOther, "/settings/people#moderators")
		w.get("/settings/people").says("moderators", "The invitation to late@example.org waits")
		list := open(t)
		if len(list) != 1 || len(b.mails) != 1 {
			t.Fatalf("invitations %v, mails %v", list, b.mails)
		}
		w.post("/settings/moderators/withdraw", "invitation", strconv.FormatInt(list[0].ID, 10)).want(http.StatusSeeOther, "/settings/people#moderators")
		b.mails = nil
	})
	t.Run("an invitation is mailed", func(t *testing.T) {
		w.post("/settings/moderators/invite", "email", " Two@Example.org ").want(http.StatusSeeOther, "/settings/people#moderators")
		page := w.get("/settings/people")
		page.says("moderators", "The invitation to two@example.org goes out now.")
		page.says("invitation-list", "two@example.org")
		list := open(t)
		if len(list) != 1 || len(b.mails) != 1 || b.mails[0].To != "two@example.org" {
			t.Fatalf("invitations %v, mails %v", list, b.mails)
		}
		link := linkIn(t, b.mails[0].Data, b.url+"/invitation/")
		payload, err := b.box.Verify("invite", strings.TrimPrefix(link, "/invitation/"), time.Now().Add(29*24*time.Hour))
		if err != nil || payload != strconv.FormatInt(list[0].ID, 10) {
			t.Errorf("the link is for %q, error %v", payload, err)
		}
		b.browser().get(link).want(http.StatusOK, "")
	})
	t.Run("withdrawing", func(t *testing.T) {
		id := strconv.FormatInt(open(t)[0].ID, 10)
		w.post("/settings/moderators/withdraw", "invitation", id).want(http.StatusSeeOther, "/settings/people#moderators")
		if list := open(t); len(list) != 0 {
			t.Errorf("still open: %v", list)
		}
		w.post("/settings/moderators/withdraw", "invitation", id).want(http.StatusSeeOther, "/settings/people#moderators")
		w.post("/settings/moderators/withdraw", "invitation", "x").want(http.StatusNotFound, "")
	})
}

func TestSettingsInviteLimit(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	b.city("nuernberg", "Nürnberg", b.moderator("one@example.org"))
	w := b.login("one@example.org")
	for i := range inviteLimit {
		w.post("/settings/moderators/invite", "email", fmt.Sprintf("rider%d@example.org", i)).want(http.StatusSeeOther, "/settings/people#moderators")
	}
	page := w.post("/settings/moderators/invite", "email", "more@example.org").want(http.StatusTooManyRequests, "")
	if !strings.Contains(page.text(page.doc), "lot of invitations") {
		t.Error("the page does not say why")
	}
	if len(b.mails) != inviteLimit {
		t.Errorf("%d mails, want %d", len(b.mails), inviteLimit)
	}
	b.city("fuerth", "Fürth", b.moderator("other@example.org"))
	b.login("other@example.org").post("/settings/moderators/invite", "email", "more@example.org").want(http.StatusSeeOther, "/settings/people#moderators")
}

func TestSettingsRemove(t *testing.T) {
	t.Parallel()
	b := newBoard(t)
	one := b.moderator("one@example.org")
	c := b.city("nuernberg", "Nürnberg", one)
	w := b.login("one@example.org")

	t.Run("the last one stays", func(t *testing.T) {
		page := w.get("/settings/people")
		page.silent("moderator-list", "Remove")
		w.post("/settings/moderators/remove", "moderator", strconv.FormatInt(one.ID, 10)).want(http.StatusSeeOther, "/settings/people#moderators")
		w.get("/settings/people").says("moderators", "needs an owner, and this is the last one")
	})
	t.Run("somebody else", func(t *testing.T) {
		two := b.join(c, "two@example.org")
		other := b.login("two@example.org")
		id := strconv.FormatInt(two.ID, 10)
		link := w.get("/settings/people").find(func(n *html.Node) bool {
			return attr(n, "href") == "/settings/moderators/remove?moderator="+id
		})
		if link == nil {
			t.Error("there is no way to remove them")
		}
		ask := w.get("/settings/moderators/remove?moderator="+id).want(http.StatusOK, "")
		if !strings.Contains(ask.text(ask.doc), "Remove two@example.org?") {
			t.Error("the page does not ask")
		}
		w.post("/settings/moderators/remove", "moderator", id).want(http.StatusSeeOther, "/settings/people#moderators")
		w.get("/settings/people").says("moderators", "two@example.org is no longer a moderator")
		if _, err := b.db.FindModerator(t.Context(), "two@example.org"); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("one without a city keeps a login: %v", err)
		}
		other.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
		w.get("/settings/moderators/remove?moderator="+id).want(http.StatusNotFound, "")
		w.post("/settings/moderators/remove", "moderator", id).want(http.StatusNotFound, "")
		w.get("/settings/moderators/remove").want(http.StatusNotFound, "")
	})
	t.Run("oneself", func(t *testing.T) {
		two := b.join(c, "two@example.org")
		b.city("fuerth", "Fürth", two)
		other := b.login("two@example.org")
		w.get("/settings/moderators/remove?moderator="+strconv.FormatInt(one.ID, 10)).want(http.StatusOK, "")
		w.post("/settings/moderators/remove", "moderator", strconv.FormatInt(one.ID, 10)).want(http.StatusSeeOther, "/")
		if home := w.get("/"); !strings.Contains(home.text(home.doc), "You are no longer a moderator of Nürnberg.") {
			t.Error("nothing is said")
		}
		w.get("/settings").want(http.StatusSeeOther, "/login?next=%2Fsettings")
		other.get("/settings").want(http.StatusOK, "")
	})
}

// unfold decodes quoted-printable, as far as a link needs it.
func unfold(data []byte) string {
	return strings.NewReplacer("=\r\n", "", "=3D", "=").Replace(string(data))
}

// linkIn returns the path of the link in a mail that begins with start.
func linkIn(t *testing.T, data []byte, start string) string {
	t.Helper()
	_, rest, ok := strings.Cut(unfold(data), start)
	if !ok {
		t.Fatalf("no link in the mail:\n%s", data)
	}
	token, _, _ := strings.Cut(rest, "\r\n")
	return start[strings.LastIndex(strings.TrimSuffix(start, "/"), "/"):] + strings.TrimSpace(token)
}
