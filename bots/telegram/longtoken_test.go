package telegram

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/mymmrac/telego"
)

// TestTokenOfAnotherLength has a bot that came from another program use its token, although
// those that @BotFather writes are shorter.
func TestTokenOfAnotherLength(t *testing.T) {
	t.Parallel()
	const token = "111222333:AAGcccccccccccccccccccccccccccccccccc"
	var asked string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Path
		_, _ = w.Write([]byte(`{"ok":true,"result":{"message_id":7,"chat":{"id":1,"type":"private"},"date":1}}`))
	}))
	t.Cleanup(server.Close)
	c, err := (&driver{transport: http.DefaultTransport.(*http.Transport)}).client(server.URL, token)
	if err != nil {
		t.Fatal(err)
	}
	library, err := c.api()
	if err != nil {
		t.Fatal(err)
	}
	sent, err := library.SendMessage(t.Context(), &telego.SendMessageParams{ChatID: telego.ChatID{ID: 1}, Text: "U1 Plärrer"})
	if err != nil || sent.MessageID != 7 || asked != "/bot"+token+"/sendMessage" {
		t.Errorf("asked %q, sent %+v, %v", asked, sent, err)
	}
}
