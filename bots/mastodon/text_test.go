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
	const bot = `<span class="h-card" translate="no"><a href="https://mastodon.example/@bot" class="u-url mention">@<span>bot</span></a></span>`
	tests := []struct{ name, html, want string }{
		{"Mastodon", `<p>` + bot + ` U1 Plärrer</p>`, "U1 Plärrer"},
		{"lines", `<p>` + bot + `<br />U1<br>Plärrer</p><p>Richtung   Fürth</p>`, "U1\nPlärrer\nRichtung Fürth"},
		{"in the middle", `<p>Hallo ` + bot + ` U1</p>`, "Hallo U1"},
		{"bot alone", `<p>` + bot + `</p>`, ""},
		{"empty", ``, ""},
		{"entities", `<p>a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;&nbsp;e</p>`, `a <b> & "c" 'd' e`},
		{"full handle in a link", `<p><a href="https://mastodon.example/users/bot" class="mention">@bot@mastodon.example</a> U1</p>`, "U1"},
		{"full handle as text", `<p>@Bot@Mastodon.example: U1</p>`, ": U1"},
		{"longer handle as text", `<p>@bot@mastodon.example.org U1, @bot@mastodon.example.</p>`, "U1, ."},
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

// Names of others are taken out, as links and as words.
func TestNamesOfOthers(t *testing.T) {
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
		if n.ID == "" {
			t.Error("a notification without an id")
		}
		if in, ok := c.message(n); ok && in.ID == "" {
			t.Error("a report without an id")
		}
	})
}

func TestReadEvent(t *testing.T) {
	tests := []struct {
		name, data, want string
	}{
		{"payload as a string", `{"stream":["user"],"event":"notification","payload":"{\"id\":\"01A\",\"type\":\"mention\"}"}`, "01A"},
		{"payload as an object", `{"event":"notification","payload":{"id":"01A","type":"mention"}}`, "01A"},
		{"numeric id", `{"event":"notification","payload":"{\"id\":17}"}`, "17"},
		{"another event", `{"event":"update","payload":"{\"id\":\"1\"}"}`, ""},
		{"without payload", `{"event":"notification"}`, ""},
		{"no JSON", `:thump`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, ok := readEvent([]byte(tt.data))
			if string(n.ID) != tt.want || ok != (tt.want != "") {
				t.Errorf("readEvent = %q, %v; want %q", n.ID, ok, tt.want)
			}
		})
	}
}
