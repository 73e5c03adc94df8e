package mastodon

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/net/html"
)

var testBot = mentionOf{urls: []string{"https://mastodon.example/@bot"}, handle: "bot@mastodon.example"}

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
		if got != tidy(got) {
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
	a := account{AccountID: "7", Handle: "bot@mastodon.example", URL: "https://mastodon.example/@bot"}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, ok := readEvent(data)
		if !ok {
			return
		}
		if n.ID == "" {
			t.Error("a notification without an id")
		}
		if in, ok := a.incoming(n); ok && in.ID == "" {
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

func TestFit(t *testing.T) {
	long := "https://example.org/" + strings.Repeat("x", 60)
	tests := []struct {
		name, text string
		limit, per int
		want       string
	}{
		{"fits", "Plärrer", 7, linkLength, "Plärrer"},
		{"at a word", "U1 Plärrer Richtung Fürth", 15, linkLength, "U1 Plärrer…"},
		{"word ends at the limit", "U1 Plärrer Richtung", 11, linkLength, "U1 Plärrer…"},
		{"one long word", "Donaudampfschifffahrt", 10, linkLength, "Donaudamp…"},
		{"long first word is not lost", "U1 Donaudampfschifffahrt", 20, linkLength, "U1 Donaudampfschiff…"},
		{"a link counts 23", "Hbf " + long, 27, linkLength, "Hbf " + long},
		{"no half link", "Am Hauptbahnhof " + long, 30, linkLength, "Am Hauptbahnhof…"},
		{"a link counts in full", "Hauptbahnhof " + long, 30, 0, "Hauptbahnhof https://example.…"},
		{"combined characters stay whole", "abcdefg" + "e\u0301" + "xx", 9, linkLength, "abcdefg…"},
		{"emoji sequences stay whole", "abcdef👩\u200d🚒 U1", 9, linkLength, "abcdef…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := fit(tt.text, tt.limit, tt.per)
			if got != tt.want {
				t.Errorf("fit = %q, want %q", got, tt.want)
			}
			if n := count(got, tt.per); n > tt.limit {
				t.Errorf("%d characters, limit %d", n, tt.limit)
			}
		})
	}
}

func FuzzFit(f *testing.F) {
	f.Add("U1 Plärrer https://example.org/x Fürth", 20)
	f.Add("\u200d\u0301@a@b", 2)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		if limit < 30 || !utf8.ValidString(text) {
			return
		}
		for _, per := range []int{0, linkLength} {
			if got := fit(text, limit, per); count(got, per) > limit {
				t.Errorf("fit(%q, %d, %d) = %q, too long", text, limit, per, got)
			}
		}
	})
}

func TestCalmLeavesNoMention(t *testing.T) {
	for text, want := range map[string]string{
		"@a":                    "@" + wordJoiner + "a",
		"@a@b.example und @ü":   "@" + wordJoiner + "a@b.example und @" + wordJoiner + "ü",
		"(@a),@b":               "(@" + wordJoiner + "a),@" + wordJoiner + "b",
		"ü@b @@c":               "ü@" + wordJoiner + "b @@" + wordJoiner + "c",
		"mail a@example.org":    "mail a@example.org",
		"a @ b":                 "a @ b",
		"https://x.example/@me": "https://x.example/@" + wordJoiner + "me",
	} {
		if got := calm(text); got != want {
			t.Errorf("calm(%q) = %q, want %q", text, got, want)
		}
	}
}
