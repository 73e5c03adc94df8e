package markdown_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/markdown"
)

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"heading and umlauts", "# Grüße\n\naus Nürnberg", "<h1>Grüße</h1>\n<p>aus Nürnberg</p>\n"},
		{"a line break stays one", "one\ntwo", "<p>one<br>\ntwo</p>\n"},
		{"list", "- a\n- **b**", "<ul>\n<li>a</li>\n<li><strong>b</strong></li>\n</ul>\n"},
		{"bare link", "https://example.org/x", `<p><a href="https://example.org/x" rel="nofollow noreferrer">https://example.org/x</a></p>` + "\n"},
		{"mail link", "[write](mailto:city@example.org)", `<p><a href="mailto:city@example.org" rel="nofollow noreferrer">write</a></p>` + "\n"},
		{"empty", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, string(markdown.HTML(c.text))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestHTMLDoesNoHarm(t *testing.T) {
	for _, text := range []string{
		"<script>alert(1)</script>",
		"[x](javascript:alert(1))",
		"<img src=x onerror=alert(1)>",
		"![x](https://tracker.example.org/pixel.png)",
		`<a href="x" onclick="alert(1)">x</a>`,
		"<style>body{display:none}</style>",
		"[x](data:text/html,<script>alert(1)</script>)",
		`<form action="/login"><input name=password></form>`,
	} {
		t.Run(text, func(t *testing.T) {
			got := string(markdown.HTML(text))
			for _, bad := range []string{"<script", "javascript:", "onerror=", "<img", "onclick=", "<style", "href=\"data:", "<form", "<input"} {
				if strings.Contains(strings.ToLower(got), bad) {
					t.Errorf("%q in %s", bad, got)
				}
			}
		})
	}
}
