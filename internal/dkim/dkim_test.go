package dkim_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-msgauth/dkim"
	"github.com/google/go-cmp/cmp"

	own "ticketfrei/internal/dkim"
)

const mail = "Date: Thu, 26 Nov 2026 20:00:00 +0000\r\n" +
	"From: =?utf-8?q?N=C3=BCrnberg?= <nuernberg@tickets.example>\r\n" +
	"To: <rider@riders.example>\r\n" +
	"Subject: =?utf-8?q?N=C3=BCrnberg=3A_Kontis_am_Pl=C3=A4rrer?=\r\n" +
	"Message-ID: <1@tickets.example>\r\n" +
	"MIME-Version: 1.0\r\n" +
	"List-Unsubscribe:\r\n <https://tickets.example/mail/unsubscribe/abc>\r\n" +
	"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" +
	"X-Loop: tickets.example\r\n" +
	"\r\n" +
	"Kontis am Pl=C3=A4rrer\r\n\r\n-- \r\nfooter\r\n"

func mustNew(tb testing.TB) *own.Keys {
	tb.Helper()
	keys, err := own.New()
	if err != nil {
		tb.Fatal(err)
	}
	return keys
}

func mustSign(tb testing.TB, keys *own.Keys) string {
	tb.Helper()
	out, err := keys.Sign("tickets.example", []byte(mail))
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// verify checks a mail with the records of keys, and returns how many signatures are
// good.
func verify(tb testing.TB, keys *own.Keys, mail string) (good int) {
	tb.Helper()
	found, err := dkim.VerifyWithOptions(strings.NewReader(mail), &dkim.VerifyOptions{LookupTXT: func(name string) ([]string, error) {
		for _, r := range keys.Records("tickets.example") {
			if r.Name == name {
				return []string{r.Text}, nil
			}
		}
		return nil, nil
	}})
	if err != nil {
		tb.Fatal(err)
	}
	for _, v := range found {
		if v.Err == nil && v.Domain == "tickets.example" {
			good++
		}
	}
	return good
}

func TestSignaturesVerify(t *testing.T) {
	keys := mustNew(t)
	out := mustSign(t, keys)
	if n := verify(t, keys, out); n != 2 {
		t.Errorf("%d signatures are good, want 2:\n%s", n, out)
	}
	if !strings.HasSuffix(out, "\r\n"+mail) {
		t.Error("the mail itself was changed")
	}
	for _, want := range []string{"a=rsa-sha256", "a=ed25519-sha256", "c=relaxed/relaxed"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s", want)
		}
	}
	for line := range strings.SplitSeq(out, "\r\n") {
		if len(line) > 200 {
			t.Errorf("a line of %d characters: %s", len(line), line)
		}
	}
}

// TestNothingOfASignedMailCanBeChanged changes and adds what somebody on the way
// might.
func TestNothingOfASignedMailCanBeChanged(t *testing.T) {
	keys := mustNew(t)
	out := mustSign(t, keys)
	for name, changed := range map[string]string{
		"the text":                     strings.Replace(out, "Kontis am Pl=C3=A4rrer\r\n", "Kontis am Bahnhof\r\n", 1),
		"the subject":                  strings.Replace(out, "Kontis_am", "Keine_am", 1),
		"the link to unsubscribe":      strings.Replace(out, "/unsubscribe/abc", "/unsubscribe/xyz", 1),
		"that one click is enough":     strings.Replace(out, "List-Unsubscribe=One-Click", "No", 1),
		"a second writer":              "From: <boss@tickets.example>\r\n" + out,
		"another writer in between":    strings.Replace(out, "To: ", "From: <boss@tickets.example>\r\nTo: ", 1),
		"the link to unsubscribe gone": strings.Replace(out, "List-Unsubscribe:", "X-Unsubscribe:", 1),
	} {
		if changed == out {
			t.Fatalf("%s: nothing was changed", name)
		}
		if n := verify(t, keys, changed); n != 0 {
			t.Errorf("%s: %d signatures are still good", name, n)
		}
	}
	if n := verify(t, keys, "Received: from relay.example\r\nX-Spam: no\r\n"+out); n != 2 {
		t.Errorf("what every server adds on the way leaves %d good signatures, want 2", n)
	}
}

func TestKeysAreReadAsTheyWereWritten(t *testing.T) {
	keys := mustNew(t)
	text, err := keys.PEM()
	if err != nil {
		t.Fatal(err)
	}
	again, err := own.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys.Records("x.example"), again.Records("x.example")); diff != "" {
		t.Errorf("other records:\n%s", diff)
	}
	if n := verify(t, keys, mustSign(t, again)); n != 2 {
		t.Errorf("%d signatures of the keys that were read are good, want 2", n)
	}
	half := text[:strings.LastIndex(text, "-----BEGIN")]
	for name, broken := range map[string]string{"nothing": "", "half": half, "rubbish": "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if _, err := own.Parse(broken); err == nil {
			t.Errorf("%s was taken for keys", name)
		}
	}
}

// TestSelectorsComeFromTheKeys: a new key must not meet the record of an old one.
func TestSelectorsComeFromTheKeys(t *testing.T) {
	names := map[string]bool{}
	for range 2 {
		for _, r := range mustNew(t).Records("tickets.example") {
			names[r.Name] = true
			label, rest, _ := strings.Cut(r.Name, ".")
			if len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || rest != "_domainkey.tickets.example" {
				t.Errorf("%s is no name of a key in DNS", r.Name)
			}
		}
	}
	if len(names) != 4 {
		t.Errorf("two pairs of keys have the names %v", names)
	}
}

func TestManySignAtOnce(t *testing.T) {
	keys := mustNew(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if n := verify(t, keys, mustSign(t, keys)); n != 2 {
				t.Errorf("%d signatures are good, want 2", n)
			}
		})
	}
	group.Wait()
}

// FuzzSign signs what is no mail: it must neither panic nor lose anything.
func FuzzSign(f *testing.F) {
	keys := mustNew(f)
	f.Add([]byte(mail))
	f.Add([]byte("From: x\n\nbare line feeds\n"))
	f.Add([]byte(": \r\n from: y\r\n\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := keys.Sign("tickets.example", data)
		if err == nil && !bytes.HasSuffix(out, data) {
			t.Errorf("signed %q as %q", data, out)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	keys := mustNew(b)
	b.ReportAllocs()
	for b.Loop() {
		mustSign(b, keys)
	}
}
