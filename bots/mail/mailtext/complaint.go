package mailtext

import (
	"bytes"
	"net/mail"
	"regexp"
	"slices"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// maxComplaint bounds how much a complaint may name.
const maxComplaint = 8

var (
	inBrackets     = regexp.MustCompile(`<([^<>\s]+)>`)
	originalSender = regexp.MustCompile(`(?im)^original-mail-from:\s*<?([^<>\s]+@[^<>\s]+?)>?\s*$`)
)

// complaint returns what a complaint (ARF, RFC 5965) says of the mail that it is about:
// its envelope sender, and the links by which it can be unsubscribed from. Of another
// mail it is nil.
func complaint(root *enmime.Part) (about []string) {
	feedback := root.BreadthMatchFirst(ofType("message/feedback-report"))
	if feedback == nil {
		return nil
	}
	add := func(list ...string) {
		for _, named := range list {
			if named != "" && len(about) < maxComplaint && !slices.Contains(about, named) {
				about = append(about, named)
			}
		}
	}
	for _, found := range originalSender.FindAllSubmatch(withChildren(feedback), -1) {
		add(strings.ToLower(string(found[1])))
	}
	original := root.BreadthMatchFirst(ofType("message/rfc822", "text/rfc822-headers", "message/rfc822-headers"))
	if original == nil {
		return about
	}
	for _, h := range headersOf(original) {
		for _, found := range inBrackets.FindAllStringSubmatch(h.Get("Return-Path"), -1) {
			add(strings.ToLower(found[1]))
		}
		for _, found := range inBrackets.FindAllStringSubmatch(h.Get("List-Unsubscribe"), -1) {
			add(found[1])
		}
	}
	return about
}

func ofType(types ...string) func(*enmime.Part) bool {
	return func(p *enmime.Part) bool { return slices.Contains(types, strings.ToLower(p.ContentType)) }
}

// headersOf returns the header of a mail within another: it stands in its content, or
// in the part that the library has made of it.
func headersOf(p *enmime.Part) (list []mail.Header) {
	content := append(bytes.TrimLeft(bytes.Clone(p.Content), "\r\n"), "\r\n\r\n"...)
	if m, err := mail.ReadMessage(bytes.NewReader(content)); err == nil {
		list = append(list, m.Header)
	}
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		list = append(list, mail.Header(c.Header))
	}
	return list
}
