package program_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/kittest"
	"ticketfrei/bots/program"
	"ticketfrei/db/dbtest"
)

const connectable = `
description = {en = "Reports by SMS", de = "Meldungen per SMS"}
version = "1.2"
author = "A. Nonymous"
website = "https://sms.example/about"
labels = {kind = "sms"}
can = ["send"]
[[setting]]
name = "PHONE"
label = {en = "Number", de = "Nummer"}
hint = "With the country"
[[setting]]
name = "TOKEN"
label = "Token"
secret = true
[[setting]]
name = "other"
default = "fast"
`

// wrong is the field that something is wrong with; empty where none is.
func wrong(p *kittest.Page, name string) bool {
	i := strings.Index(p.Body, `name="`+name+`"`)
	return i >= 0 && strings.Contains(p.Body[i:i+strings.Index(p.Body[i:], ">")], `aria-invalid="true"`)
}

func TestCard(t *testing.T) {
	o := newOutside(t, "toy", connectable, toy)
	m := o.Moderator(o.city)
	page := m.Get("/settings/networks", http.StatusOK)
	page.Shows("toy", "Reports by SMS", "Version 1.2.", "By A. Nonymous.", "kind: sms", "It is not connected", "Number", "With the country", "Token", "other")
	m.Language = "de"
	m.Get("/settings/networks", http.StatusOK).Shows("Meldungen per SMS", "Nummer", "Es ist nicht verbunden")
	m.Language = "en"
	if !strings.Contains(page.Body, `href="https://sms.example/about"`) {
		t.Error("its website is not linked")
	}
	const path = "/settings/toy/connect"
	typed := page.Form(path)
	if typed.Get("set_other") != "fast" {
		t.Errorf("the default of a setting is %q", typed.Get("set_other"))
	}
	typed.Set("set_PHONE", " 0911 ")
	page = m.Post(path, typed, http.StatusUnprocessableEntity)
	page.Shows("Please type something here.")
	if !wrong(page, "set_TOKEN") || wrong(page, "set_PHONE") || page.Form(path).Get("set_PHONE") != "0911" {
		t.Errorf("it is not said at the field, or what was typed is lost:\n%s", page.Text())
	}
	typed.Set("set_TOKEN", "very-secret")
	m.Post(path, typed, http.StatusOK).Shows("Saved. The program works for your city from now on.")
	page = m.Get("/settings/networks", http.StatusOK)
	page.Shows("Something is stored. Leave the field empty to keep it.", "Starting")
	if strings.Contains(page.Body, "very-secret") {
		t.Error("the page shows the secret")
	}
	typed = page.Form(path)
	typed.Set("set_PHONE", "0912")
	typed.Set("set_other", "")
	m.Post(path, typed, http.StatusOK)
	if list := o.Bots(o.city); len(list) != 1 {
		t.Fatalf("the city has the bots %v", list)
	}
	o.bot = o.Bots(o.city)[0]
	kittest.Receive(t, o.open(), o.Inbox)
	o.waitForFile("begin.json", `"PHONE": "0912", "TOKEN": "very-secret", "other": ""`)
	typed.Set("set_PHONE", "1\n2")
	if p := m.Post(path, typed, http.StatusUnprocessableEntity); !wrong(p, "set_PHONE") {
		t.Error("two lines are taken")
	}
	typed.Set("set_PHONE", strings.Repeat("1", 4001))
	m.Post(path, typed, http.StatusUnprocessableEntity).Shows("That is too long: at most 4000 letters.")
}

// TestSecretsAreSealed looks for what was typed in all files of the database.
func TestSecretsAreSealed(t *testing.T) {
	dbtest.OnlyFile(t, "it looks into the files")
	o := newOutside(t, "toy", connectable, toy)
	o.connect(map[string]string{"PHONE": "0911-4711", "TOKEN": "very-secret"})
	var path string
	if err := o.DB.ReadRow(t.Context(), "SELECT file FROM pragma_database_list WHERE name = 'main'").Scan(&path); err != nil {
		t.Fatal(err)
	}
	all, _ := filepath.Glob(filepath.Dir(path) + "/*")
	for _, name := range all {
		raw, err := os.ReadFile(name)
		if err == nil && (bytes.Contains(raw, []byte("very-secret")) || bytes.Contains(raw, []byte("0911-4711"))) {
			t.Errorf("%s holds what was typed", name)
		}
	}
}

func TestForget(t *testing.T) {
	o := newOutside(t, "toy", connectable, toy)
	b, r := o.work(map[string]string{"PHONE": "1", "TOKEN": "2"})
	for _, line := range []string{`{"type":"put","key":"k","value":1}`, `{"type":"state","value":1}`, `{"type":"get","id":"last","key":"k"}`} {
		if _, err := o.send(b, line); err != nil {
			t.Fatal(err)
		}
	}
	o.waitForFile("heard", `"last"`)
	_ = r.Stop()
	for range 2 {
		if err := o.Network.Forget(t.Context(), o.bot); err != nil {
			t.Fatal(err)
		}
	}
	var stored int
	if err := o.DB.ReadRow(t.Context(), "SELECT count(*) FROM store").Scan(&stored); err != nil || stored != 0 || len(o.Rows(o.bot)) != 0 {
		t.Errorf("left: %d keys, %v, %v", stored, o.Rows(o.bot), err)
	}
	_, err := o.Open(o.bot)
	kittest.WantKind(t, err, bots.KindRefused)
}

// TestConnectByCommand is what the API and the command line do.
func TestConnectByCommand(t *testing.T) {
	o := newOutside(t, "toy", connectable, toy)
	n := o.Network.(program.Connectable)
	fields := n.Fields()
	if len(fields) != 3 || !fields[0].Required || !fields[1].Secret || fields[2].Required || o.Texts.T("de", fields[0].Label) != "Nummer" {
		t.Errorf("the fields are %+v", fields)
	}
	for name, values := range map[string]map[string]string{"TOKEN": {"PHONE": "1"}, "what": {"what": "1"}} {
		_, err := n.Connect(t.Context(), o.city, 0, values)
		if wrong, ok := errors.AsType[*bots.FieldError](err); !ok || wrong.Field != name {
			t.Errorf("%v: %v", values, err)
		}
	}
	for name, v := range map[string]string{"PHONE": "1", "TOKEN": "2"} {
		if err := n.Set(t.Context(), o.city, name, v); err != nil {
			t.Fatal(err)
		}
	}
	if list := o.Bots(o.city); len(list) != 1 || list[0].Enabled {
		t.Fatalf("before it is connected there are %v", list)
	}
	first, err := n.Connect(t.Context(), o.city, 0, nil)
	if err != nil || !first.Enabled {
		t.Fatalf("connected %v, %v", first, err)
	}
	if err := n.Set(t.Context(), o.city, "PHONE", "3"); err != nil || !o.Bots(o.city)[0].Enabled {
		t.Errorf("a new setting switches it off: %v", err)
	}
	again, err := n.Connect(t.Context(), o.city, 0, map[string]string{"other": "slow"})
	if err != nil || again.ID != first.ID {
		t.Errorf("connected once more as %d, %v", again.ID, err)
	}
	o.bot = again
	kittest.Receive(t, o.open(), o.Inbox)
	o.waitForFile("begin.json", `"PHONE": "3", "TOKEN": "2", "other": "slow"`)
}

func TestOtherCityChangesNothing(t *testing.T) {
	o := newOutside(t, "toy", connectable, toy)
	other := o.AddCity("york", "en")
	form := url.Values{"set_PHONE": {"1"}, "set_TOKEN": {"2"}, "settings_city": {o.Moderator(other).Get("/settings/networks", http.StatusOK).Form("/settings/toy/connect").Get("settings_city")}}
	o.Moderator(other).Post("/settings/toy/connect", form, http.StatusOK)
	if len(o.Bots(o.city)) != 0 || len(o.Bots(other)) != 1 {
		t.Errorf("there are %v and %v", o.Bots(o.city), o.Bots(other))
	}
}
