package frontend

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// blob is an answer that is the same for everybody. It is made once, compressed
// once when somebody wants it so, and sent many times.
type blob struct {
	contentType string
	plain       []byte
	gzipped     func() []byte // nil if it would save nothing
	hash        string
	modified    time.Time // zero: not known
}

// gzipFrom is the size in bytes from which compressing pays: every page is larger.
const gzipFrom = 512

func newBlob(contentType string, body []byte, modified time.Time) *blob {
	sum := sha256.Sum256(body)
	b := &blob{contentType: contentType, plain: body, hash: hex.EncodeToString(sum[:8]), modified: modified}
	if len(body) >= gzipFrom && compressible(contentType) {
		b.gzipped = sync.OnceValue(func() []byte { return compress(body, "") })
	}
	return b
}

func compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") || strings.Contains(contentType, "xml") ||
		strings.Contains(contentType, "javascript") || strings.Contains(contentType, "json")
}

// compress writes to memory, which does not fail. name is what gzip says that the body is
// called (RFC 1952, 2.3.1), in ASCII; nobody looks at it.
func compress(body []byte, name string) []byte {
	var buf bytes.Buffer
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(&buf)
	z.Name = name
	_, _ = z.Write(body)
	_ = z.Close()
	return buf.Bytes()
}

// zippers are used again: each is large.
var zippers = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

// maxPadding is how much longer than it would be a page for one visitor may be, in bytes.
const maxPadding = 100

// padding is a name of a random length. How well a page compresses, which tells what
// of an address stands beside a secret in it, cannot be seen from outside then.
func padding() string { return strings.Repeat("x", rand.IntN(maxPadding)) }

// serve answers with the blob, or with "not modified" if the visitor has it
// already.
func (b *blob) serve(w http.ResponseWriter, r *http.Request, cacheControl string) {
	h := w.Header()
	h.Set("Content-Type", b.contentType)
	h.Set("Cache-Control", cacheControl)
	body, tag := b.plain, b.hash
	if b.gzipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
			body, tag = b.gzipped(), b.hash+"-gz"
		}
	}
	h.Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", b.modified, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as browsers and
// feed readers use it: as a list in which ";q=0" refuses.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) == "gzip" {
			return strings.Trim(weight, " q=0.") != "" || !strings.Contains(weight, "q=0")
		}
	}
	return false
}
