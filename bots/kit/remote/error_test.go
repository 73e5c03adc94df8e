package remote_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/bots/kit/remote"
	"ticketfrei/internal/i18n"
)

// sayer gives the texts of a language.
func sayer(t *testing.T, language string) bots.T {
	t.Helper()
	texts, err := i18n.New(remote.Texts)
	if err != nil {
		t.Fatal(err)
	}
	return func(id string, data ...any) string { return texts.T(language, id, data...) }
}

func TestSay(t *testing.T) {
	en, de := sayer(t, "en"), sayer(t, "de")
	for _, trouble := range []remote.Trouble{remote.UnknownHost, remote.PrivateHost, remote.NoAnswer, remote.Unreachable, remote.BadCertificate,
		remote.NotTheAPI, remote.Refused, remote.Limited, remote.Broken, remote.Gone, remote.Rejected} {
		t.Run(string(trouble), func(t *testing.T) {
			e := &remote.Error{Name: "Zulip", Trouble: trouble, Status: 400, Cause: errors.New("EOF")}
			inEnglish, inGerman := e.Say(en), e.Say(de)
			for _, said := range []string{inEnglish, inGerman} {
				if !strings.Contains(said, "Zulip") || strings.ContainsAny(said, "!<{") || strings.Contains(said, "EOF") {
					t.Errorf("says %q", said)
				}
			}
			if inEnglish == inGerman {
				t.Errorf("both languages say %q", inGerman)
			}
			if logged := e.Error(); !strings.HasPrefix(logged, "Zulip ") || !strings.HasSuffix(logged, " (400 Bad Request): EOF") || strings.Contains(logged, "  ") {
				t.Errorf("logged as %q", logged)
			}
		})
	}
}

func TestSayWithTheServersOwnWords(t *testing.T) {
	e := &remote.Error{Name: "Zulip", Trouble: remote.Refused, Words: "Bad key", Status: 401}
	if got, want := e.Say(sayer(t, "de")), "Zulip lässt dieses Konto nicht herein. Es heißt dort: „Bad key“."; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
	broken := &remote.Error{Name: "Zulip", Trouble: remote.Broken, Words: "Internal Server Error", Status: 500}
	if got, want := broken.Say(sayer(t, "de")), "Zulip hat gerade Schwierigkeiten."; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
	if got, want := e.Error(), "Zulip says: Bad key (401 Unauthorized)"; got != want {
		t.Errorf("logged as %q, want %q", got, want)
	}
}

// What a server says may name whom an exchange was about.
func TestWordsOfAServerNameNobody(t *testing.T) {
	for words, want := range map[string]string{
		"550 5.1.1 <anna@riders.example>: disabled":  "550 5.1.1 <…>: disabled",
		"@anna has blocked you, ask @bert@x.example": "… has blocked you, ask …",
		"see https://x.example/@anna?token=1":        "see …",
		"not allowed @ all":                          "not allowed @ all",
	} {
		body := `{"error":"` + words + `"}`
		if e := problem(t, serve(t, answers(http.StatusForbidden, body)).Get(t.Context(), "/", nil, nil)); e.Words != want {
			t.Errorf("%q became %q", words, e.Words)
		}
	}
}

// The program knows an error that people can read by what it can do, however it
// is wrapped.
func TestModeratorsReadTheirLanguage(t *testing.T) {
	err := remote.Kind(&remote.Error{Name: "Zulip", Trouble: remote.Refused, Status: 401})
	if got, want := bots.Words(err, sayer(t, "de")), "Zulip lässt dieses Konto nicht herein."; got != want {
		t.Errorf("a moderator reads %q, want %q", got, want)
	}
}
