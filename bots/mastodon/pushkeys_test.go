package mastodon

import (
	"bytes"
	"net/http"
	"testing"

	"ticketfrei/internal/secret"
	"ticketfrei/internal/webpush"
)

// Keys need not be stored: they are the same after a restart, and others for each bot and
// each token.
func TestPushKeysComeFromTheSecret(t *testing.T) {
	t.Parallel()
	box := must(secret.New(bytes.Repeat([]byte{7}, 32)))(t)
	k := newPushKeys(box, "1", "token")
	if again := newPushKeys(box, "1", "token"); again.Public() != k.Public() || again.Secret() != k.Secret() {
		t.Error("others after a restart")
	}
	for name, other := range map[string]*webpush.Keys{
		"bot": newPushKeys(box, "2", "token"), "token": newPushKeys(box, "1", "token2"),
		"secret": newPushKeys(must(secret.New(bytes.Repeat([]byte{8}, 32)))(t), "1", "token"),
	} {
		if other.Public() == k.Public() || other.Secret() == k.Secret() {
			t.Errorf("another %s has the same keys", name)
		}
	}
	if len(k.Public()) != 87 || len(k.Secret()) != 22 {
		t.Error("keys of the wrong length")
	}
}

// Whatever calls, the account looks for what is new.
func FuzzCall(f *testing.F) {
	box, err := secret.New(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	k := newPushKeys(box, "1", "token")
	f.Add("aes128gcm", "", "", []byte("DGv6ra1nlYgDCS1FRnbzlw"))
	f.Add("aesgcm", `salt="a";;,=`, "dh=,dh", []byte{0})
	f.Fuzz(func(t *testing.T, encoding, encryption, key string, body []byte) {
		h := http.Header{"Content-Encoding": {encoding}, "Encryption": {encryption}, "Crypto-Key": {key}}
		woken := 0
		box := &callBox{keys: func() *webpush.Keys { return k }, wake: func() { woken++ }}
		box.ring(h, body)
		if woken != 1 || !box.wasCalled() || box.wasCalled() {
			t.Errorf("a call woke %d times", woken)
		}
	})
}
