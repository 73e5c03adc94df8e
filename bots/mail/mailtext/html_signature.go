package mailtext

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// signatureNames are those of elements that hold a signature, where they do not end in
// "signature".
var signatureNames = []string{
	"signature_block", "signature-block", "signature_prefix", "signature-wrapper", "signaturesection", "signature_container", "signature-container",
	"_rc_sig", "__sig_post__", "__sig_pre__", "zm-_id_-sgn", "_mailautosig", "msoautosig", "bloop_sign", "data-signature-widget",
}

// appleMark is the name of the line break that stands before a signature of Apple's Mail.
const appleMark = "linebreakatbeginningofsignature"

// isSignature says whether a program marks an element as the writer's signature.
func (r *htmlReader) isSignature(t html.Token) bool {
	if isEndless(t.DataAtom) {
		r.signs = r.signs || slices.Contains(names(t), appleMark)
		return false
	}
	if r.signs && t.DataAtom == atom.Div {
		r.signs = false
		return true
	}
	return t.Data == "signature" || t.Data == "sign" || t.DataAtom != atom.Body && slices.ContainsFunc(names(t), isSignatureName)
}

// isSignatureName knows also names that a number of the mail follows.
func isSignatureName(name string) bool {
	within := func(known string) bool { return strings.Contains(name, known) }
	return strings.HasSuffix(strings.TrimRight(name, "0123456789-_"), "signature") || slices.ContainsFunc(signatureNames, within)
}
