package app

import (
	"fmt"
	"testing"
)

// TestSharesFit looks at whether the parts fit into the limit together, and each
// has something.
func TestSharesFit(t *testing.T) {
	for _, files := range []int{256, 512, 1024, 4096, 20000, 65536, 1 << 20} {
		t.Run(fmt.Sprint(files), func(t *testing.T) {
			const mails = 32
			s := share(files, mails)
			if sum := ownDescriptors + mails + 2*s.mail + s.web + s.outgoing; sum > files {
				t.Errorf("together %d: %+v", sum, s)
			}
			if s.mail < 16 || s.outgoing < 50 || s.streams < 20 || s.web-s.streams < 20 {
				t.Errorf("too small: %+v", s)
			}
			if s.streamsEach() >= s.streams || s.webEach() >= s.web || s.webEach() <= s.streamsEach() {
				t.Errorf("one client takes all: %d of %d streams, %d of %d connections", s.streamsEach(), s.streams, s.webEach(), s.web)
			}
		})
	}
	if s := share(20, 32); s.mail < 1 || s.outgoing < 1 || s.streams < 1 || s.web <= s.streams {
		t.Errorf("with hardly any files a part has none: %+v", s)
	}
}
