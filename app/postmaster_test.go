package app

import (
	"bytes"
	"strings"
	"testing"

	"ticketfrei/bots/all"
	"ticketfrei/internal/dbserver"
	"ticketfrei/internal/slow"
)

// TestPostmasterOfAllProcesses mails the operator at each of two programs on one server: all
// mails are read and deleted from anywhere.
func TestPostmasterOfAllProcesses(t *testing.T) {
	slow.Test(t, "starts a server three times")
	server := dbserver.Start(t)
	box, definitions := startMailbox(t), all.Networks()
	for _, subject := range []string{"at the first", "=?utf-8?q?at_the_sec=C3=B6nd=1B[31m?="} {
		a := runApp(t, onServer(appConfig(t, t.TempDir(), box, definitions), server.URL()), definitions)
		a.mustSend("x@riders.example", "postmaster@tickets.example", "1@x", subject, "Somebody floods us")
	}
	t.Setenv("TICKETFREI_DATA", t.TempDir())
	t.Setenv("TICKETFREI_DATABASE_URL", server.URL())
	t.Setenv("TICKETFREI_SECRET", testSecret)
	command := func(args ...string) (code int, stdout, stderr string) {
		var out, errs bytes.Buffer
		code = runCommand(t.Context(), t, &out, &errs, append([]string{"postmaster"}, args...)...)
		return code, out.String(), errs.String()
	}
	code, list, stderr := command("list")
	if code != 0 || !strings.Contains(list, "at the first") || !strings.Contains(list, "at the secönd[31m") || strings.Contains(list, "\x1b") {
		t.Fatalf("exit code %d, %s, the list is:\n%s", code, stderr, list)
	}
	if code, mail, stderr := command("show", "1"); code != 0 || !strings.Contains(mail, "Somebody floods us") {
		t.Errorf("exit code %d, %s, the mail is:\n%s", code, stderr, mail)
	}
	if dump := server.Query("SELECT mail FROM postmaster"); dump == "" || strings.Contains(dump, "floods") {
		t.Errorf("the server has %q", dump)
	}
	for _, tt := range []struct {
		args []string
		code int
		said string
	}{
		{[]string{"delete", "1"}, 0, ""},
		{[]string{"delete", "1"}, 1, "no mail 1"},
		{[]string{"show", "1"}, 1, "no mail 1"},
		{[]string{"show", "one"}, 2, "no number"},
		{[]string{"delete"}, 2, "--all"},
		{[]string{"delete", "--all"}, 0, ""},
		{[]string{"list"}, 0, "There are no mails"},
	} {
		if code, _, stderr := command(tt.args...); code != tt.code || !strings.Contains(stderr, tt.said) {
			t.Errorf("%v: exit code %d: %s", tt.args, code, stderr)
		}
	}
}

// TestStrangersWriteToATerminal has a mail that would clear the screen and name the window.
func TestStrangersWriteToATerminal(t *testing.T) {
	got := string(withoutControls([]byte("Subject: x\r\n\r\n\tJörg \x1b[2J\x1b]0;root\x07\u009b1A\n")))
	if want := "Subject: x\n\n\tJörg [2J]0;root1A\n"; got != want {
		t.Errorf("it gets %q, want %q", got, want)
	}
}
