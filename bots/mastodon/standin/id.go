package standin

import (
	"strconv"
	"strings"
	"time"
)

// crockford is the alphabet of ULIDs (github.com/ulid/spec): sorted as bytes,
// so that ids sort by time.
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newID returns an id that no program can take for a number: a ULID, as
// GoToSocial has them. Later ids sort after earlier ones.
func newID(now time.Time, serial uint64) string {
	var id [26]byte
	put(id[:10], uint64(now.UnixMilli()))
	put(id[10:], serial)
	return string(id[:])
}

// put writes n in base 32, filling buf from its end.
func put(buf []byte, n uint64) {
	for i := len(buf) - 1; i >= 0; i-- {
		buf[i] = crockford[n%32]
		n /= 32
	}
}

// secretText makes something that looks like a token or code.
func secretText(kind string, serial uint64) string {
	return kind + strings.Repeat("x", 20) + "_" + strconv.FormatUint(serial, 36)
}
