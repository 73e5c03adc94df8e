// Package markdown turns the texts that moderators write into HTML.
package markdown

import (
	"bytes"
	"html/template"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// converter reads CommonMark with clickable bare links, strikethrough and
// tables. A line break in the text is one on the page, as people expect who
// have never heard of markdown.
var converter = sync.OnceValue(func() goldmark.Markdown {
	return goldmark.New(
		goldmark.WithExtensions(extension.Linkify, extension.Strikethrough, extension.Table),
		goldmark.WithRendererOptions(html.WithHardWraps()),
	)
})

// policy is what a page may contain. There are no scripts, styles or forms, and
// no pictures from elsewhere, which would tell strangers who reads the page.
var policy = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "del",
		"ul", "ol", "li", "blockquote", "code", "pre", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowURLSchemes("http", "https", "mailto", "tel")
	p.AllowRelativeURLs(true)
	p.RequireParseableURLs(true)
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	return p
})

// HTML turns text, which is markdown by a stranger, into HTML that can do no
// harm in a page. It leaves out HTML in the text.
func HTML(text string) template.HTML {
	var b bytes.Buffer
	if err := converter().Convert([]byte(text), &b); err != nil {
		// Writing to a buffer does not fail. If it did, the text would be shown
		// as it is.
		return template.HTML("<p>" + template.HTMLEscapeString(text) + "</p>")
	}
	return template.HTML(policy().SanitizeBytes(b.Bytes()))
}
