package mastodon

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/text"
	"ticketfrei/internal/report"
)

var testAccount = account.Account{Remote: "7", Handle: "@bot@mastodon.example", URL: "https://mastodon.example/@bot"}

// testStatus mentions the account and others.
var testStatus = &status{ID: "1", Account: person{ID: "3", Acct: "rider@example.org"}, Mentions: []person{
	{ID: "7", Acct: "bot", URL: testAccount.URL}, {ID: "8", Acct: "anna", URL: "https://mastodon.example/@anna"},
	{ID: "9", Acct: "Bert.B@other.example", URL: "https://other.example/users/bert"}}}

// read is the text of a status of testStatus, and whether others were named.
func read(content, warning string) (words string, others bool) {
	st := *testStatus
	st.Content, st.Warning = content, warning
	return (&conn{account: testAccount}).textOf(&st)
}

func TestPlainText(t *testing.T) {
	t.Parallel()
	const bot = `<span class="h-card" translate="no"><a href="https://mastodon.example/@bot" class="u-url mention">@<span>bot</span></a></span>`
	tests := []struct{ name, html, want string }{
		{"Mastodon", `<p>` + bot + ` U1 Plärrer</p>`, "U1 Plärrer"},
		{"lines", `<p>` + bot + `<br />U1<br>Plärrer</p><p>Richtung   Fürth</p>`, "U1\nPlärrer\nRichtung Fürth"},
		{"in the middle", `<p>Hallo ` + bot + ` U1</p>`, "Hallo U1"},
		{"bot alone", `<p>` + bot + `</p>`, ""},
		{"empty", ``, ""},
		{"entities", `<p>a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;&nbsp;e</p>`, `a <b> & "c" 'd' e`},
		{"full handle in a link", `<p><a href="https://mastodon.example/users/bot" class="mention">@bot@mastodon.example</a> U1</p>`, "U1"},
		{"full handle as text", `<p>@Bot@Mastodon.example: U1</p>`, "U1"},
		{"longer handle as text", `<p>@bot@mastodon.example.org U1, @bot@mastodon.example.</p>`, "U1,"},
		{"links as text", `<p><a href="https://example.org/a/b"><span class="invisible">https://</span><span class="ellipsis">example.org/a</span><span class="invisible">/b</span></a></p>`, "https://example.org/a/b"},
		{"link to the profile stays", `<p><a href="https://mastodon.example/@bot">unser Konto</a></p>`, "unser Konto"},
		{"hashtags", `<p><a href="https://x.example/tags/u1" class="mention hashtag">#<span>U1</span></a> Hbf</p>`, "#U1 Hbf"},
		{"emoji", `<p>:tram: 🚋 U1</p>`, ":tram: 🚋 U1"},
		{"lists", `<ul><li>U1</li><li>U2</li></ul>`, "U1\nU2"},
		{"no scripts", `<script>alert("x")</script><style>p{}</style><p>U1</p>`, "U1"},
		{"link never closed", `<p>U1 <a href="https://mastodon.example/@bot">@bot`, "U1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, _ := read(tt.html, ""); got != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
		})
	}
}

// TestOwnNames reads mentions of the account as different servers write them.
func TestOwnNames(t *testing.T) {
	t.Parallel()
	const link = `<a href="https://mastodon.example/@bot" class="u-url mention">`
	for name, content := range map[string]string{
		"Friendica":                 `@<a class="u-url mention" href="https://mastodon.example/@bot" rel="noopener">bot</a> U1 Hbf`,
		"Friendica, displayed name": `@<span class="vcard"><a href="https://mastodon.example/@bot" class="url u-url mention" title="bot"><span class="fn nickname mention">Kontis N</span></a></span> U1 Hbf`,
		"Friendica, its own":        `@<a href="https://mastodon.example/profile/bot">bot</a>: U1 Hbf`,
		"Bridgy Fed":                `<a class="mention h-card" href="https://bsky.example/profile/x">@bot.mastodon.example.ap.brid.gy</a> U1 Hbf`,
		"Bridgy Fed, words":         `<p>@bot.mastodon.example.ap.brid.gy U1 Hbf</p>`,
		"users":                     `<a href="https://mastodon.example/users/bot">@bot</a> U1 Hbf`,
		"of another server's view":  `<a href="https://other.example/@bot@mastodon.example" class="mention">@bot</a> U1 Hbf`,
		"Pleroma":                   `<span class="h-card"><a class="u-url mention" data-user="A" href="https://mastodon.example/users/bot" rel="ugc">@<span>bot</span></a></span> U1 Hbf`,
		"Misskey, words":            `<p><span>@bot@mastodon.example U1 Hbf</span></p>`,
		"loud":                      `<p>@BOT@MASTODON.EXAMPLE U1 Hbf</p>`,
		"loud link":                 `<a href="https://Mastodon.Example/@Bot" class="mention">@BOT</a> U1 Hbf`,
		"a link as words":           `<p>https://mastodon.example/users/bot U1 Hbf</p>`,
		"a link and a comma":        `<p>Mastodon.example/@bot, U1 Hbf</p>`,
		"a link that is a link":     `<a href="https://mastodon.example/@bot"><span class="invisible">https://</span>mastodon.example/@bot</a> U1 Hbf`,
		"twice":                     link + `@bot</a> ` + link + `@<span>bot</span></a>: U1 Hbf`,
		"a colon with a space":      link + `@bot</a> : U1 Hbf`,
		"a dash":                    link + `@bot</a> – U1 Hbf`,
		"at the end":                `U1 Hbf ` + link + `@bot</a>.`,
		"in brackets at the end":    `U1 Hbf, @bot`,
		"between":                   `U1 ` + link + `@bot</a>, Hbf`,
		"with what is not seen":     "<p>\u200b@bot\u2060@mastodon.example\u00ad U1 H\u200dbf</p>",
		"a quotation":               `<p>RE: https://x.example/@anna/1</p><p>` + link + `@bot</a> U1 Hbf</p>`,
		"a quotation by Misskey":    link + `@bot</a> U1 Hbf<span class="quote-inline"><br><br>RE: <a href="https://x.example/n/1">https://x.example/n/1</a></span>`,
		"a quotation at the end":    link + `@bot</a> U1 Hbf<br><br>RE: <a href="https://x.example/n/1">https://x.example/n/1</a>`,
	} {
		t.Run(name, func(t *testing.T) {
			got, others := read(content, "")
			if got = strings.TrimSuffix(got, ","); got != "U1 Hbf" || others {
				t.Errorf("read %q, %v", got, others)
			}
		})
	}
	for name, tt := range map[string][2]string{
		"another's profile there": {`https://mastodon.example/@bothilde U1`, `https://mastodon.example/@bothilde U1`},
		"a post of the account":   {`https://mastodon.example/@bot/1 U1`, `https://mastodon.example/@bot/1 U1`},
		"a namesake's profile":    {`https://other.example/@bot U1`, `https://other.example/@bot U1`},
		"a link that is no quote": {`RE: Aufzug, https://x.example/1 U1`, `RE: Aufzug, https://x.example/1 U1`},
		"a number":                {`@bot -2 Kontis`, `-2 Kontis`},
		"an exclamation":          {`@bot ! Kontis`, `! Kontis`},
		"cells": {`<table><tr><td>U1</td><td>Hbf</td></tr><tr><th>U2</th><td>Plärrer</td></tr></table>a<hr>b<dl><dt>c</dt><dd>d</dd></dl><h2>e</h2>f`,
			"U1 Hbf\nU2 Plärrer\na\nb\nc\nd\ne\nf"},
	} {
		if got, _ := read(tt[0], ""); got != tt[1] {
			t.Errorf("%s: read %q, want %q", name, got, tt[1])
		}
	}
}

// The answers of a poll are text.
func TestPollsAreRead(t *testing.T) {
	t.Parallel()
	st := *testStatus
	st.Content, st.Poll = "<p>@bot Wo sind sie?</p>", json.RawMessage(`{"id":"1","options":[{"title":"U1 Plärrer"},{"title":"@anna"},{"votes_count":null}]}`)
	c := &conn{account: testAccount}
	if m := c.read(&st); m.Text != "Wo sind sie?\nU1 Plärrer" || !m.More {
		t.Errorf("read %+v", m)
	}
	st.Poll = json.RawMessage(`{"options":7}`)
	if m := c.read(&st); m.Text != "Wo sind sie?" || !m.More {
		t.Errorf("read %+v", m)
	}
}

// Names of others are taken out, as links and as words.
func TestNamesOfOthers(t *testing.T) {
	t.Parallel()
	const bot = `<a href="https://mastodon.example/@bot" class="u-url mention">@<span>bot</span></a>`
	tests := []struct {
		name, html, want string
		others           bool
	}{
		{"the account alone", bot + ` U1 @bot @bot@mastodon.example`, "U1", false},
		{"a link", bot + ` <a href="https://mastodon.example/@anna" class="u-url mention">@<span>anna</span></a> sagt U1`, "sagt U1", true},
		{"who is not on the list", `<a href="https://mastodon.example/@bothilde" class="u-url mention">@<span>bothilde</span></a> U1`, "U1", true},
		{"a link of another kind of server", `<a href="https://x.example/1">@cleo@x.example</a> U1`, "U1", true},
		{"a name that is displayed", `<a href="https://x.example/1" class="mention">Cleo C.</a> U1`, "U1", true},
		{"a namesake elsewhere", `<a href="https://other.example/@bot" class="u-url mention">@<span>bot</span></a> U1`, "U1", true},
		{"words", `<p>@Anna, @bert.b@other.example und @BERT.B: U1</p>`, ", und : U1", true},
		{"a whole handle of anybody", `<p>(@dora@x.example) U1</p>`, "( ) U1", true},
		{"a word that is nobody", `<p>@Hauptbahnhof U1</p>`, "@Hauptbahnhof U1", false},
		{"a longer word", `<p>@annaberg U1</p>`, "@annaberg U1", false},
		{"letters in another order", "<p>@bot U1 &#8238;sitnoK\u202c</p>", "U1 sitnoK", true},
		{"letters in their own order", "<p>@bot U1 \u2067המחטה\u2069</p>", "U1 המחטה", false},
		{"a mail address", `<p>U1, cleo@anna.example</p>`, "U1, cleo@anna.example", false},
		{"an address of the web", `<p>https://x.example/@anna/1 U1</p>`, "https://x.example/@anna/1 U1", false},
		{"a quoted status", `<p class="quote-inline">RE: <a href="https://x.example/@anna/1">https://x.example/@anna/1</a></p><p>U1</p>`, "U1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, others := read(tt.html, ""); got != tt.want || others != tt.others {
				t.Errorf("read %q, %v; want %q, %v", got, others, tt.want, tt.others)
			}
		})
	}
	if got, others := read("U1", "@anna: Kontrolle"); got != ": Kontrolle\nU1" || !others {
		t.Errorf("of a warning: %q, %v", got, others)
	}
}

// What is more than text is not to be boosted.
func TestHoldsMore(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]bool{
		`{"poll":null,"quote":null,"quote_id":null,"card":{"url":"https://x.example"},"pleroma":{"quote":null}}`: false,
		`{"poll":{"id":"1"}}`: true, `{"quote":{"state":"pending"}}`: true, `{"quote_id":"1"}`: true, `{"pleroma":{"quote":{"id":"1"}}}`: true,
	} {
		var st status
		if err := json.Unmarshal([]byte(data), &st); err != nil || st.holdsMore() != want {
			t.Errorf("%s holds more: %v, %v", data, !want, err)
		}
	}
}

func TestOnlyPublicIsPublic(t *testing.T) {
	t.Parallel()
	for visibility, want := range map[string]report.Visibility{"public": report.Public, "unlisted": report.Private,
		"private": report.Private, "direct": report.Private, "local": report.Private, "": report.Private, "Public": report.Private} {
		if got := visibilityOf(&status{Visibility: visibility}); got != want {
			t.Errorf("%q is %s", visibility, got)
		}
	}
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{`<p>a<br>b</p>`, `<a href="https://mastodon.example/@bot">@bot</a>`, `<a><a><script><p>`, `@bot@mastodon.example`,
		"&#0;&#xd800;\xff<", "@@anna@a@b.c@d", `@<a class=mention>x</a>@a@b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		got, _ := read(content, "")
		if got != text.Tidy(got) {
			t.Errorf("%q is not tidy", got)
		}
		if n := strings.Count(strings.ToLower(got), " @bot@mastodon.example "); n > 0 {
			t.Errorf("the mention is still there: %q", got)
		}
		// What is read from plain text written as HTML is that text.
		if again := plainText(html.EscapeString(got)); utf8.ValidString(got) && again != got {
			t.Errorf("text %q is read as %q", got, again)
		}
	})
}

func FuzzReadEvent(f *testing.F) {
	f.Add([]byte(`{"stream":["user"],"event":"notification","payload":"{\"id\":\"1\",\"type\":\"mention\",\"status\":{\"id\":\"2\",\"content\":\"x\"}}"}`))
	f.Add([]byte(`{"event":"notification","payload":{"id":1}}`))
	f.Add([]byte(`{"event":"filters_changed"}`))
	c := &conn{account: testAccount}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ok := readEvent(data)
		if !ok {
			return
		}
		if n.ID == "" && (n.Status == nil || n.Status.ID == "") {
			t.Error("a notification without an id")
		}
		if in, ok := c.message(n); ok && in.ID == "" {
			t.Error("a report without an id")
		}
	})
}

func TestReadEvent(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, data, want string
	}{
		{"payload as a string", `{"stream":["user"],"event":"notification","payload":"{\"id\":\"01A\",\"type\":\"mention\"}"}`, "01A"},
		{"payload as an object", `{"event":"notification","payload":{"id":"01A","type":"mention"}}`, "01A"},
		{"numeric id", `{"event":"notification","payload":"{\"id\":17}"}`, "17"},
		{"another event", `{"event":"update","payload":"{\"id\":\"1\"}"}`, ""},
		{"a status that was changed", `{"event":"status.update","payload":"{\"id\":\"1\"}"}`, "update 1"},
		{"a status that is gone", `{"event":"delete","payload":"1"}`, "delete 1"},
		{"one with a number", `{"event":"delete","payload":1}`, "delete 1"},
		{"one that is none", `{"event":"delete","payload":""}`, ""},
		{"one without payload", `{"event":"delete"}`, ""},
		{"one with more than an id", `{"event":"delete","payload":{"id":"1"}}`, ""},
		{"without payload", `{"event":"notification"}`, ""},
		{"no JSON", `:thump`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, ok := readEvent([]byte(tt.data))
			got := string(n.ID)
			if n.Status != nil && ok {
				got = n.Type + " " + string(n.Status.ID)
			}
			if got != tt.want || ok != (tt.want != "") {
				t.Errorf("readEvent = %q, %v; want %q", got, ok, tt.want)
			}
		})
	}
}
