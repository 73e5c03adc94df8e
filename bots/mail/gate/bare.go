package gate

import "regexp"

var (
	// bareRecipient is the one recipient without a domain that every server takes
	// (RFC 5321 §4.5.1). The library refuses it, so it is given the domain before.
	bareRecipient = regexp.MustCompile(`(?im)^(RCPT TO:[ \t]*<postmaster)(>)`)
	// chunk begins a mail in chunks, within which nothing may be changed.
	chunk = regexp.MustCompile(`(?im)^BDAT `)
)

// complete returns what was read, with the domain where the postmaster has none.
// Nothing is changed within TLS, nor in the text of a mail.
func (c *Conn) complete(read []byte) []byte {
	if c.chunks || c.busy.Load() {
		return read
	}
	if c.chunks = chunk.Match(read); c.chunks || !bareRecipient.Match(read) {
		return read
	}
	return bareRecipient.ReplaceAll(read, []byte("${1}@"+c.gate.rules.Domain+"${2}"))
}
