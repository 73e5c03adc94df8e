package remote_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

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
			e := &remote.Error{Name: "Zulip", Trouble: trouble, Status: 400, Cause: io.EOF}
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

// Whatever a server says, and however, stands neither in a log nor on a page: only
// codes do.
func TestServersOwnWordsAreNotRepeated(t *testing.T) {
	const words = "anna@example.org, @anna@chaos.example and 4917012345678"
	quoted := strconv.Quote(words)
	says := func(body string) http.HandlerFunc { return answers(403, body) }
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			_, _ = io.WriteString(conn, answer)
			conn.Close()
		}
	}
	for name, handler := range map[string]http.HandlerFunc{
		"error":                  says(`{"error":` + quoted + `}`),
		"code":                   says(`{"code":` + quoted + `,"message":` + quoted + `}`),
		"id as code":             says(`{"code":4917012345678,"message":"x"}`),
		"address as code":        says(`{"code":"anna@example.org","message":"x"}`),
		"code and words":         says(`{"errcode":"INVALID_KEY","error":` + quoted + `}`),
		"words beside the error": says(`{"error":"INVALID_KEY","error_description":` + quoted + `}`),
		"page":                   says("<html>" + words),
		"no JSON":                answers(200, words),
		"JSON of another kind":   answers(200, quoted),
		"a number":               answers(200, `[4917012345678]`),
		"a time":                 answers(200, `[{"at":`+quoted+`}]`),
		"status line":            raw("HTTP/1.1 " + words + "\r\n\r\n"),
		"protocol":               raw(words + "\r\n\r\n"),
		"header":                 raw("HTTP/1.1 200 OK\r\n" + words + "\r\n\r\n"),
		"length":                 raw("HTTP/1.1 200 OK\r\nContent-Length: " + words + "\r\n\r\n"),
		"redirect":               raw("HTTP/1.1 302 Found\r\nLocation: ://" + words + "\r\n\r\n"),
	} {
		var out []struct {
			At time.Time `json:"at"`
		}
		err := serve(t, handler).Get(t.Context(), "/", nil, &out)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, said := range []string{err.Error(), bots.Words(err, sayer(t, "de")), bots.Words(err, sayer(t, "en"))} {
			if strings.Contains(said, "anna") || strings.Contains(said, "49170") || strings.Contains(said, "HTTP/") {
				t.Errorf("%s: says %q", name, said)
			}
		}
	}
	e := &remote.Error{Name: "Zulip", Trouble: remote.Refused, Code: "INVALID_KEY", Status: 401}
	if got, want := e.Error(), "Zulip refuses the account's login (401 Unauthorized INVALID_KEY)"; got != want {
		t.Errorf("logged as %q, want %q", got, want)
	}
	if got, want := e.Say(sayer(t, "de")), "Zulip lässt dieses Konto nicht herein. Die Antwort war: HTTP 401 INVALID_KEY."; got != want {
		t.Errorf("says %q, want %q", got, want)
	}
}

// The program knows an error that people can read by what it can do, however it
// is wrapped.
func TestModeratorsReadTheirLanguage(t *testing.T) {
	err := remote.Kind(&remote.Error{Name: "Zulip", Trouble: remote.Refused, Status: 401})
	if got, want := bots.Words(err, sayer(t, "de")), "Zulip lässt dieses Konto nicht herein. Die Antwort war: HTTP 401."; got != want {
		t.Errorf("a moderator reads %q, want %q", got, want)
	}
}
