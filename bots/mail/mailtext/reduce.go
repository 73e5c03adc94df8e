package mailtext

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/textproto"
	"strings"
)

// The bounds of what Reduce keeps, in bytes.
const (
	maxKept     = 1 << 20   // of a mail
	maxKeptText = 256 << 10 // of a part that may be read
	maxKeptFile = 4 << 10   // of a picture or another file
)

// maxNested is how many multiparts within each other are told apart.
const maxNested = 2 * maxMultiparts

// Reduce reads a mail to its end and returns what Read needs of it: the headers of
// the mail and of its parts, and the beginning of each part. Pictures are thrown away
// while they stream by. A mail of less than maxKeptFile comes back as it was. The error
// is that of r.
func Reduce(r io.Reader) ([]byte, error) {
	d := &reducer{inHeader: true}
	in := bufio.NewReaderSize(r, 8<<10)
	for begins := true; ; {
		piece, err := in.ReadSlice('\n')
		d.take(piece, begins)
		begins = err == nil
		switch {
		case errors.Is(err, io.EOF):
			return d.kept, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// reducer goes through the lines of a mail. It knows as much of MIME as tells
// where a part begins and of what kind it is.
type reducer struct {
	kept       []byte
	full       bool     // no more is kept
	boundaries []string // of the multiparts around the line
	inHeader   bool
	header     []byte // as far as it was read
	left       int    // bytes that may be kept of the part
}

// take takes a line, or a piece of a long one. begins is set for the first piece.
func (d *reducer) take(piece []byte, begins bool) {
	if d.full || begins && d.atBoundary(piece) {
		return // nothing of what follows is kept, whatever it is
	}
	if !d.inHeader {
		if d.left -= len(piece); d.left >= 0 {
			d.keep(piece)
		}
		return
	}
	d.keep(piece)
	d.header = append(d.header, piece...)
	if begins && len(bytes.TrimRight(piece, "\r\n")) == 0 || len(d.header) > maxHeader {
		d.begin()
	}
}

// keep keeps all of a piece. After the first that has no room nothing is kept: a
// part without its header would be taken for a text.
func (d *reducer) keep(piece []byte) {
	d.full = d.full || len(d.kept)+len(piece) > maxKept
	if !d.full {
		d.kept = append(d.kept, piece...)
	}
}

// atBoundary says whether a line ends a part, and goes on to what follows.
func (d *reducer) atBoundary(line []byte) bool {
	text, ok := bytes.CutPrefix(line, []byte("--"))
	if !ok {
		return false
	}
	text = bytes.TrimRight(text, "\r\n")
	for i := len(d.boundaries) - 1; i >= 0; i-- {
		rest, ok := bytes.CutPrefix(text, []byte(d.boundaries[i]))
		last := bytes.HasPrefix(rest, []byte("--"))
		if !ok || len(rest) > 0 && !last && rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		d.boundaries, d.inHeader, d.header, d.left = d.boundaries[:i+1], !last, d.header[:0], maxKeptFile
		if last {
			d.boundaries = d.boundaries[:i]
		}
		if len(d.kept) > 0 && d.kept[len(d.kept)-1] != '\n' {
			d.keep([]byte("\r\n"))
		}
		d.keep(line)
		return true
	}
	return false
}

// begin begins what stands behind a header.
func (d *reducer) begin() {
	kind, boundary, encoded := readKind(d.header)
	d.header, d.inHeader = d.header[:0], false
	switch {
	case boundary != "" && len(d.boundaries) < maxNested:
		d.boundaries = append(d.boundaries, boundary)
		d.left = maxKeptText // it may be that no part follows
	case isMail(kind) && !encoded:
		d.inHeader = true // of the mail in the mail
	case isReadable(kind):
		d.left = maxKeptText
	default:
		d.left = maxKeptFile
	}
}

func isMail(kind string) bool { return kind == "message/rfc822" || kind == "message/global" }

// isReadable says whether there may be words in a part of a kind. What is signed
// with S/MIME may hold the whole mail.
func isReadable(kind string) bool {
	main, sub, _ := strings.Cut(kind, "/")
	return main == "text" || main == "message" || main == "multipart" || strings.HasSuffix(sub, "pkcs7-mime")
}

// readKind reads the Content-Type in a header. boundary is that of a multipart;
// encoded is set where the content is.
func readKind(raw []byte) (kind, boundary string, encoded bool) {
	h, _ := textproto.NewReader(bufio.NewReader(bytes.NewReader(fields(raw)))).ReadMIMEHeader()
	encoding := strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding")))
	encoded = encoding == "base64" || encoding == "quoted-printable"
	value := h.Get("Content-Type")
	if value == "" {
		return "text/plain", "", encoded
	}
	kind, params, _, err := parseMediaType(value)
	if err != nil {
		return "text/plain", "", encoded
	}
	if strings.HasPrefix(strings.ToLower(kind), "multipart/") {
		boundary = params["boundary"]
	}
	return strings.ToLower(kind), boundary, encoded
}

// fields returns the fields about the content alone: others may break rules that
// the reader of a header knows.
func fields(raw []byte) (kept []byte) {
	wanted := false
	for line := range bytes.Lines(raw) {
		if line[0] != ' ' && line[0] != '\t' {
			wanted = len(line) > 8 && bytes.EqualFold(line[:8], []byte("content-"))
		}
		if wanted {
			kept = append(kept, line...)
		}
	}
	return append(kept, "\r\n"...)
}
