package text_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/net/html"

	"ticketfrei/bots/kit/text"
)

// isQuote and notTheBot are hooks as a mail and a network with mentions use them.
func isQuote(e text.Element) bool {
	return e.Name == "blockquote" || e.HasClass("quote") || e.Attribute("id") == "appendonsend"
}

func notTheBot(link text.Element, words string) string {
	switch {
	case link.Attribute("href") == "https://mastodon.example/@bot" && words == "@bot":
		return ""
	case link.HasClass("named"):
		return "<" + words + ">"
	}
	return words
}

func TestFromHTML(t *testing.T) {
	const bot = `<span class="h-card"><a href="https://mastodon.example/@bot" class="mention">@<span>bot</span></a></span>`
	tests := map[string]struct{ html, want string }{
		"empty":                       {``, ""},
		"text":                        {`U1 Plärrer`, "U1 Plärrer"},
		"paragraphs":                  {`<p>U1</p><p>Plärrer</p>`, "\nU1\n\nPlärrer\n"},
		"lines":                       {`U1<br>Plärrer<br/>Fürth`, "U1\nPlärrer\nFürth"},
		"white space is joined":       {"U1 \n\t <b> Plärrer</b>\n Fürth", "U1 Plärrer Fürth"},
		"words in parts":              {`Plär<b>rer</b>`, "Plärrer"},
		"entities once":               {`a &lt;b&gt; &amp;amp; &quot;c&quot; &#39;d&#39; &auml;`, `a <b> &amp; "c" 'd' ä`},
		"preformatted":                {"a<pre>U1\n  Hbf</pre>b", "a\nU1\n  Hbf\nb"},
		"lists":                       {`<ul><li>U1</li><li>U2</li></ul>`, "U1\nU2\n"},
		"cells":                       {`<table><tr><td>U1</td><td>Hbf</td></tr><tr><td>U2</table>`, "U1 Hbf\nU2\n"},
		"nothing hidden":              {`<title>x</title><style>p{}</style><script>if (a<b) {}</script>U1<svg><text>x</text></svg>`, "U1"},
		"hidden and empty":            {`<iframe src=x></iframe><object/>U1`, "U1"},
		"hidden within hidden":        {`<object><object>x</object>y</object>U1`, "U1"},
		"an end without a beginning":  {`</script></blockquote></pre></a></p>U1`, "U1"},
		"quotations":                  {`U1<blockquote>a<blockquote>b</blockquote>c</blockquote>Hbf`, "U1\nHbf"},
		"by class":                    {`U1<div class="a quote">x<div>y</div>z</div>Hbf`, "U1\nHbf"},
		"by id":                       {`U1<span id=appendonsend>x</span> Hbf`, "U1 Hbf"},
		"a void element":              {`U1<img class=quote><hr class=quote>Hbf`, "U1\nHbf"},
		"a paragraph left open":       {`<p class=quote>RE: x<p>U1`, "\nU1"},
		"a paragraph, then a list":    {`<div><p class=quote>RE: x</div>U1`, "U1"},
		"never closed":                {`U1<blockquote>x`, "U1\n"},
		"the bot's mention":           {`<p>` + bot + ` U1</p>`, "\nU1\n"},
		"an @ before the link":        {`Hallo @<a href="https://mastodon.example/@bot">bot</a>: U1`, "Hallo : U1"},
		"an @ before another":         {`@<a href=x>cleo</a> U1 a@<b>b</b>`, "@cleo U1 a@b"},
		"other words for a link":      {`U1<a href=x class=named> @<b>x</b> </a>U2`, "U1<@x> U2"},
		"as it stands":                {"<pre>U1 <table><tr><td>a</td><td>b</td></tr></table><hr>c<a href=\"https://mastodon.example/@bot\">@bot</a>d", "U1 \na b\nc d"},
		"list of terms":               {`<dl><dt>U1<dd>Hbf</dl><figure>x<figcaption>y</figcaption></figure><details><summary>z</summary>w</details>`, "U1\nHbf\nx\ny\nz\nw\n"},
		"in the middle":               {`Hallo ` + bot + ` U1`, "Hallo U1"},
		"in the middle of a word":     {`a` + bot + `b`, "a b"},
		"others stay":                 {`<a href="https://mastodon.example/@bothilde">@bothilde</a> U1`, "@bothilde U1"},
		"a link's words":              {`<a href="https://mastodon.example/@bot">unser Konto</a>`, "unser Konto"},
		"a link never closed":         {`U1 <a href="https://mastodon.example/@bot">@bot`, "U1"},
		"a link in a link":            {`<a href="https://mastodon.example/@bot">@bot<a href=x>U1</a>`, "U1"},
		"a link's end in a quotation": {`<a href="https://mastodon.example/@bot">@bot<blockquote></a>x</blockquote>U1`, "U1"},
		"a link as text": {`<a href="https://example.org/a/b"><span class="invisible">https://</span><span>example.org/a</span><span class="invisible">/b</span></a>`,
			"https://example.org/a/b"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := text.FromHTML(tt.html, text.HTML{Skip: isQuote, Link: notTheBot}); got != tt.want {
				t.Errorf("FromHTML = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestFromHTMLWithoutHooks(t *testing.T) {
	const source = `U1<blockquote>Hbf <a href="x">@bot</a></blockquote>`
	if got := text.FromHTML(source, text.HTML{}); got != "U1\nHbf @bot\n" {
		t.Errorf("FromHTML = %q", got)
	}
}

// In whatever way it is nested: what grows with the square of a megabyte takes hours.
func TestFromHTMLIsLinear(t *testing.T) {
	for name, part := range map[string]string{
		"nested blocks":     "<div>",
		"nested quotations": "<blockquote>x",
		"nested links":      `<a href="https://mastodon.example/@bot">@bot`,
		"open comments":     "<!--",
		"attributes":        `<p class="quote a b c" id=x>`,
		"hidden":            "<svg><object>",
		"entities":          "&amp;&lt;x",
		"broken":            "<a <b <c </",
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			text.FromHTML(strings.Repeat(part, 1<<20/len(part)), text.HTML{Skip: isQuote, Link: notTheBot})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("1 MB took %s", took)
			}
		})
	}
}

func FuzzFromHTML(f *testing.F) {
	for _, s := range []string{`<p>a<br>b</p>`, `<a href="https://mastodon.example/@bot">@bot</a>`, `<a><a><script><p>`,
		`<blockquote><p class=quote>x<div>`, "<pre>a\n b", "&#0;&#xd800;\xff<", `<svg/><textarea></a>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, source string) {
		got := text.FromHTML(source, text.HTML{Skip: isQuote, Link: notTheBot})
		if whole := text.FromHTML(source, text.HTML{}); len(got) > 2*len(source)+2 || len(whole) > 2*len(source)+2 {
			t.Errorf("%d bytes became %d", len(source), len(whole))
		}
		// What is read from plain text written as HTML is that text.
		plain := text.Tidy(got)
		written := strings.ReplaceAll(html.EscapeString(plain), "\n", "<br>")
		if again := text.Tidy(text.FromHTML(written, text.HTML{})); utf8.ValidString(plain) && again != plain {
			t.Errorf("text %q is read as %q", plain, again)
		}
	})
}
