package mailtext

import "bytes"

// isSMIME says whether a part may hold a mail that is signed or encrypted by
// S/MIME (RFC 8551 §3.2).
func isSMIME(kind, name string) bool {
	switch kind {
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return true
	case "application/octet-stream":
		return name == "smime.p7m"
	}
	return false
}

// The wrapper of a signed mail (RFC 5652 §3 and §5): two kinds of contents, and
// what stands around them.
var (
	oidSigned = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	oidData   = []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01}
)

const (
	tagInteger  = 0x02
	tagOctets   = 0x04
	tagOID      = 0x06
	constructed = 0x20
	tagSequence = 0x30
	tagSet      = 0x31
	tagExplicit = 0xa0
)

// signedContent returns the mail that was signed. Nothing of its signature is
// looked at: who wrote a mail is proven by other means, or not at all.
func signedContent(raw []byte) ([]byte, bool) {
	r := berReader{rest: raw}
	r.enter(tagSequence)
	if !r.is(tagOID, oidSigned) {
		return nil, false
	}
	r.enter(tagExplicit)
	r.enter(tagSequence)
	r.next(tagInteger)
	r.next(tagSet) // of digest algorithms
	r.enter(tagSequence)
	if !r.is(tagOID, oidData) {
		return nil, false
	}
	r.enter(tagExplicit)
	content := r.octets()
	return content, !r.failed && len(content) > 0
}

// berReader goes down a structure in BER (X.690). It never goes up, so that how
// deep it is nested costs nothing.
type berReader struct {
	rest   []byte
	failed bool
}

// header reads a tag and a length; -1 is one that is not told beforehand.
func (r *berReader) header() (tag byte, length int) {
	if len(r.rest) < 2 {
		r.failed = true
		return 0, 0
	}
	tag, length = r.rest[0], int(r.rest[1])
	r.rest = r.rest[2:]
	switch n := length & 0x7f; {
	case length < 0x80:
		return tag, length
	case n == 0:
		return tag, -1
	case n > 4 || n > len(r.rest):
		r.failed = true
		return 0, 0
	default:
		length = 0
		for _, c := range r.rest[:n] {
			length = length<<8 | int(c)
		}
		r.rest = r.rest[n:]
		return tag, length
	}
}

// enter goes to the first element within the next one.
func (r *berReader) enter(want byte) {
	tag, length := r.header()
	r.failed = r.failed || tag != want
	if length >= 0 && length < len(r.rest) {
		r.rest = r.rest[:length]
	}
}

// next returns the content of the next element, which tells its length.
func (r *berReader) next(want byte) []byte {
	tag, length := r.header()
	if r.failed || tag != want || length < 0 || length > len(r.rest) {
		r.failed = true
		return nil
	}
	content := r.rest[:length]
	r.rest = r.rest[length:]
	return content
}

func (r *berReader) is(tag byte, want []byte) bool { return bytes.Equal(r.next(tag), want) }

// octets returns a string of octets, which may be in pieces. A last piece that is
// cut off counts as far as it goes.
func (r *berReader) octets() []byte {
	tag, length := r.header()
	if r.failed || tag&^constructed != tagOctets {
		r.failed = true
		return nil
	}
	if length >= 0 {
		r.rest = r.rest[:min(length, len(r.rest))]
	}
	if tag&constructed == 0 {
		return r.rest
	}
	var all []byte
	for len(r.rest) > 0 && r.rest[0] == tagOctets {
		_, length := r.header()
		if length < 0 || r.failed {
			break
		}
		length = min(length, len(r.rest))
		all = append(all, r.rest[:length]...)
		r.rest = r.rest[length:]
	}
	return all
}
