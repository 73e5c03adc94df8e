package app

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"ticketfrei/internal/slow"
)

// beside runs a command beside a server, with its settings.
func (a *app) beside(code int, args ...string) string {
	a.Helper()
	cfg := a.server.cfg
	for name, value := range map[string]string{"DATA": cfg.Data, "MAIL_DOMAIN": cfg.Mail.Domain, "MAIL_RELAY": cfg.Mail.Relay, "WEB_URL": cfg.Web.URL, "WEB_LISTEN": cfg.Web.Listen} {
		a.Setenv("TICKETFREI_"+name, value)
	}
	var out, errs bytes.Buffer
	if got := runCommand(a.Context(), a.T, &out, &errs, args...); got != code {
		a.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, out.String(), errs.String())
	}
	return out.String() + errs.String()
}

// TestModeratorCommands adds, lists and removes people beside a server.
func TestModeratorCommands(t *testing.T) {
	slow.Test(t, "runs every command about moderators beside a server")
	box := startMailbox(t)
	a := startApp(t, t.TempDir(), box)
	a.addCity("gotham", "*", "")
	const owner = "moderator@gotham.example"

	a.beside(2, "moderator", "add", "helper@x.example", "--city", "gotham", "--role", "king")
	a.beside(2, "moderator", "add", "helper@x.example")
	a.beside(1, "moderator", "add", "helper@x.example", "--city", "nowhere")
	if said := a.beside(1, "moderator", "add", "helper", "--city", "gotham"); strings.Contains(said, "form.") || !strings.Contains(said, "address") {
		t.Errorf("a wrong address: %s", said)
	}
	var added struct {
		Email, Role string
		Link        string `json:"password_link"`
	}
	if err := json.Unmarshal([]byte(a.beside(0, "moderator", "add", "helper@x.example", "--city", "gotham", "--role", "helper", "--json")), &added); err != nil || added.Role != "helper" {
		t.Fatalf("added %+v, %v", added, err)
	}
	mailed := box.waitFor(t, "helper@x.example", "The operator has added you").link(t, "/password/")
	if mailed != added.Link {
		t.Errorf("mailed is %s, printed %s", mailed, added.Link)
	}
	box.waitFor(t, owner, "helper@x.example helps to run")
	visitor := a.browser()
	visitor.post(strings.TrimPrefix(added.Link, a.url), url.Values{"password": {password}}, http.StatusOK)
	if page := visitor.get("/settings", http.StatusOK); !strings.Contains(page, "/settings/reports") || strings.Contains(page, `href="/settings/rules"`) {
		t.Error("the helper has another desk")
	}

	if list := a.beside(0, "moderator", "list"); !strings.Contains(list, "h…@x.example") || strings.Contains(list, "helper@x") {
		t.Errorf("the list is\n%s", list)
	}
	var list []listedModerator
	if err := json.Unmarshal([]byte(a.beside(0, "moderator", "list", "gotham", "--json", "--full")), &list); err != nil || len(list) != 2 ||
		list[0].Email != "helper@x.example" || list[0].Role != "helper" || list[0].Seen == nil {
		t.Errorf("the list is %+v, %v", list, err)
	}

	link := strings.TrimSpace(a.beside(0, "moderator", "password", owner))
	a.beside(1, "moderator", "password", "nobody@x.example")
	again := a.browser()
	again.post(strings.TrimPrefix(link, a.url), url.Values{"password": {"something else entirely"}}, http.StatusOK)
	a.browser().get(strings.TrimPrefix(link, a.url), http.StatusGone) // it works once

	if said := a.beside(1, "moderator", "remove", "helper@x.example", "--city", "gotham"); !strings.Contains(said, "add --yes") {
		t.Errorf("without a terminal: %s", said)
	}
	if said := a.beside(1, "moderator", "remove", owner, "--city", "gotham", "--yes"); !strings.Contains(said, "last owner") {
		t.Errorf("the last owner: %s", said)
	}
	a.beside(0, "moderator", "remove", "helper@x.example", "--city", "gotham", "--yes")
	a.beside(1, "moderator", "remove", "helper@x.example", "--city", "gotham", "--yes")
	box.waitFor(t, "helper@x.example", "has removed you from")
	if page := again.get("/settings/people", http.StatusOK); !strings.Contains(page, "The operator removed helper@x.example") {
		t.Error("the page does not say who did that")
	}
}

// TestOperatorCommands makes somebody an operator who was nobody here.
func TestOperatorCommands(t *testing.T) {
	a := startApp(t, t.TempDir(), startMailbox(t))
	a.beside(1, "operator", "add", "op")
	said := a.beside(0, "operator", "add", "Op@x.example")
	if !strings.Contains(said, "op@x.example is an operator now") || !strings.Contains(said, a.url+"/password/") {
		t.Errorf("added: %s", said)
	}
	if list := a.beside(0, "operator", "list", "--json"); !strings.Contains(list, `"o…@x.example"`) {
		t.Errorf("the list is %s", list)
	}
	a.beside(1, "operator", "remove", "op@x.example")
	a.beside(0, "operator", "remove", "op@x.example", "--yes")
	a.beside(1, "operator", "remove", "op@x.example", "--yes")
	if list := a.beside(0, "operator", "list", "--json"); strings.TrimSpace(list) != "[]" {
		t.Errorf("the list is %s", list)
	}
}
