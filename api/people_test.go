package api_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"ticketfrei/internal/apikey"
	"ticketfrei/internal/mailer"
)

// StoreMail keeps to whom mails go.
func (w *world) StoreMail(_ context.Context, m mailer.Mail) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.mailed = append(w.mailed, m.To)
	return nil
}

func TestPeople(t *testing.T) {
	w := newWorld(t, "TICKETFREI_MAIL_DOMAIN=tickets.example")
	people, all := w.key(apikey.People), w.key(apikey.All)
	type person struct {
		ID          int64
		Email, Role string
	}
	var list struct{ Moderators, Invitations []person }
	w.do("GET", "/cities/gotham/moderators", all, nil).problem(403, "the right people", "")
	w.do("GET", "/cities/gotham/moderators", w.key(apikey.Cities, apikey.All), nil).want(200)
	w.do("GET", "/cities/gotham/moderators", people, nil).want(200).into(&list)
	if len(list.Moderators) != 1 || list.Moderators[0].Role != "owner" {
		t.Fatalf("the moderators are %+v", list)
	}
	owner := fmt.Sprint("/cities/gotham/moderators/", list.Moderators[0].ID)
	w.do("PATCH", owner, people, `{"role":"helper"}`).problem(409, "needs an owner", "")
	w.do("DELETE", owner, people, nil).problem(409, "needs an owner", "")
	w.do("DELETE", "/cities/gotham/moderators/9999", people, nil).want(404)

	w.do("POST", "/cities/gotham/moderators", people, `{"email":"x"}`).problem(422, "", "body.email")
	w.do("POST", "/cities/gotham/moderators", people, `{"email":"new@example.org","role":"helper"}`).want(201)
	if strings.Join(w.mailed, " ") != "new@example.org" {
		t.Errorf("mailed to %v", w.mailed)
	}
	w.do("GET", "/cities/gotham/moderators", people, nil).want(200).into(&list)
	if len(list.Invitations) != 1 || list.Invitations[0].Role != "helper" {
		t.Fatalf("the invitations are %+v", list)
	}
	invitation := fmt.Sprint("/cities/gotham/invitations/", list.Invitations[0].ID)
	w.do("DELETE", invitation, people, nil).want(204)
	w.do("DELETE", invitation, people, nil).want(404)

	added, err := w.db.AddMember(t.Context(), w.city.ID, "second@example.org", "moderator")
	if err != nil {
		t.Fatal(err)
	}
	second := fmt.Sprint("/cities/gotham/moderators/", added.ID)
	w.do("PATCH", second, people, `{"role":"king"}`).want(422)
	w.do("PATCH", second, people, `{"role":"owner"}`).want(204)
	w.do("DELETE", second, people, nil).want(204)
	var acts struct {
		Acts []struct {
			ID                int64
			Who, Act, Subject string
		}
	}
	w.do("GET", "/cities/gotham/acts?limit=3", people, nil).want(200).into(&acts)
	if a := acts.Acts; len(a) != 3 || a[0].Act != "moderator.removed" || a[0].Who != "key a script" || a[0].Subject != "second@example.org" {
		t.Errorf("the acts are %+v", a)
	}
	w.do("GET", fmt.Sprint("/cities/gotham/acts?before=", acts.Acts[2].ID), people, nil).want(200).into(&acts)
	if a := acts.Acts; len(a) != 1 || a[0].Act != "moderator.invited" {
		t.Errorf("before that are %+v", a)
	}
}
