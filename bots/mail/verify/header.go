package verify

import (
	"bytes"
	"io"
	"mime"
	"net/mail"
	"slices"
	"strings"
)

// The bounds of a header: to check a signature takes the product of its fields
// and of those that are signed.
const (
	maxHeader    = 64 << 10 // bytes
	maxFields    = 400
	maxAddresses = 8 << 10 // bytes of one field
)

// once are the fields that are read in a mail or tell whom it is for, and may
// stand there once. Of two, a signature could hold for the one and the other be
// read.
var once = []string{
	"from", "sender", "to", "cc", "subject", "date", "message-id",
	"mime-version", "content-type", "content-transfer-encoding",
}

// field is one field of a header.
type field struct {
	name string // in lower case
	raw  []byte // as it came, with the end of its last line
}

// value is what stands behind the name, on one line.
func (f field) value() string { return strings.ReplaceAll(string(f.raw[len(f.name)+1:]), "\r\n", "") }

// header is the header of a mail in its order.
type header []field

// readHeader cuts a mail into its header and its body. ok is false for a header
// that programs read in more than one way, and for one that is too long.
func readHeader(raw []byte) (h header, body []byte, ok bool) {
	for start := 0; start < maxHeader && len(h) <= maxFields; {
		length := bytes.Index(raw[start:], []byte("\r\n"))
		if length < 0 {
			return nil, nil, false
		}
		line, end := raw[start:start+length], start+length+2
		if length == 0 {
			return h, raw[end:], true
		}
		if h, ok = h.add(line, raw[start:end]); !ok {
			return nil, nil, false
		}
		start = end
	}
	return nil, nil, false
}

// add adds a line: a field, or more of the last one. whole is the line with its
// end, and lies behind the last field.
func (h header) add(line, whole []byte) (header, bool) {
	if bytes.ContainsAny(line, "\r\n\x00") {
		return nil, false
	}
	if line[0] == ' ' || line[0] == '\t' {
		if len(h) == 0 {
			return nil, false
		}
		last := &h[len(h)-1]
		last.raw = last.raw[:len(last.raw)+len(whole)]
		return h, true
	}
	name, _, ok := bytes.Cut(line, []byte(":"))
	notAName := func(r rune) bool { return r <= ' ' || r > '~' }
	if !ok || len(name) == 0 || bytes.ContainsFunc(name, notAName) {
		return nil, false
	}
	return append(h, field{strings.ToLower(string(name)), whole}), true
}

// clear says whether no field is there twice that may be there once.
func (h header) clear() bool {
	var seen []string
	for _, f := range h {
		if slices.Contains(seen, f.name) {
			return false
		}
		if slices.Contains(once, f.name) {
			seen = append(seen, f.name)
		}
	}
	return true
}

func (h header) has(name string) bool {
	return slices.ContainsFunc(h, func(f field) bool { return f.name == name })
}

// addresses returns the addresses in a field, in lower case; none where it breaks
// the rules.
func (h header) addresses(name string) (list []string) {
	i := slices.IndexFunc(h, func(f field) bool { return f.name == name })
	if i < 0 || len(h[i].raw) > maxAddresses {
		return nil
	}
	parsed, err := addressParser.ParseList(h[i].value())
	if err != nil {
		return nil
	}
	for _, a := range parsed {
		list = append(list, strings.ToLower(a.Address))
	}
	return list
}

// addressParser takes names in every charset: nobody reads them here.
var addressParser = mail.AddressParser{WordDecoder: &mime.WordDecoder{
	CharsetReader: func(_ string, r io.Reader) (io.Reader, error) { return r, nil },
}}

// authorDomain returns the domain in From, where the author stands there alone.
func (h header) authorDomain(author string) string {
	if from := h.addresses("from"); len(from) != 1 || from[0] != author {
		return ""
	}
	return domainOf(author)
}
