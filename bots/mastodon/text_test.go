package mastodon

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"

	"ticketfrei/bots/kit/account"
	"ticketfrei/bots/kit/text"
)

var testAccount = account.Account{Remote: "7", Handle: "@bot@mastodon.example", URL: "https://mastodon.example/@bot"}

var testBot = mentionOf{urls: []string{testAccount.URL}, handle: testAccount.Handle}

func TestPlainText(t *testing.T) {
	const bot = `<span class="h-card" translate="no"><a href="https://mastodon.example/@bot" class="u-url mention">@<span>bot</span></a></span>`
	tests := []struct{ name, html, want string }{
		{"Mastodon", `<p>` + bot + ` U1 Plärrer</p>`, "U1 Plärrer"},
		{"lines", `<p>` + bot + `<br />U1<br>Plärrer</p><p>Richtung   Fürth</p>`, "U1\nPlärrer\nRichtung Fürth"},
		{"in the middle", `<p>Hallo ` + bot + ` U1</p>`, "Hallo U1"},
		{"bot alone", `<p>` + bot + `</p>`, ""},
		{"empty", ``, ""},
		{"entities", `<p>a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;&nbsp;e</p>`, `a <b> & "c" 'd' e`},
		{"other people stay", `<p>` + bot + ` <a href="https://mastodon.example/@bothilde" class="u-url mention">@<span>bothilde</span></a> sagt</p>`, "@bothilde sagt"},
		{"namesake elsewhere stays", `<p><a href="https://other.example/@bot" class="u-url mention">@<span>bot</span></a> U1</p>`, "@bot U1"},
		{"full handle in a link", `<p><a href="https://mastodon.example/users/bot" class="mention">@bot@mastodon.example</a> U1</p>`, "U1"},
		{"full handle as text", `<p>@Bot@Mastodon.example: U1</p>`, ": U1"},
		{"longer handle as text", `<p>@bot@mastodon.example.org U1, @bot@mastodon.example.</p>`, "@bot@mastodon.example.org U1, ."},
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
			if got := plainText(tt.html, testBot); got != tt.want {
				t.Errorf("plainText = %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzPlainText(f *testing.F) {
	for _, s := range []string{`<p>a<br>b</p>`, `<a href="https://mastodon.example/@bot">@bot</a>`, `<a><a><script><p>`, `@bot@mastodon.example`, "&#0;&#xd800;\xff<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		got := plainText(content, testBot)
		if got != text.Tidy(got) {
			t.Errorf("%q is not tidy", got)
		}
		if n := strings.Count(got, "@bot@mastodon.example "); n > 0 {
			t.Errorf("the mention is still there: %q", got)
		}
		// What is read from plain text written as HTML is that text.
		if again := plainText(html.EscapeString(got), mentionOf{}); utf8.ValidString(got) && again != got {
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
