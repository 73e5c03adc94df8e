package judge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"ticketfrei/programs/programtest"
)

func TestMain(m *testing.M) { os.Exit(programtest.Main(m)) }

// model is a stand-in of a language model: what it says depends on the message.
func model(t *testing.T) *httptest.Server {
	t.Helper()
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it follows redirects") }))
	t.Cleanup(elsewhere.Close)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var asked struct {
			Model    string
			Messages []struct{ Role, Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || asked.Model != "small" || len(asked.Messages) != 2 || r.Header.Get("Authorization") != "Bearer secret" {
			t.Errorf("asked %+v, %v", asked, err)
		}
		var message struct{ Message string }
		if err := json.Unmarshal([]byte(asked.Messages[1].Content), &message); err != nil {
			t.Error(err)
		}
		content := `{"refuse": false}`
		switch message.Message {
		case "insult":
			content = "```json\n{\"refuse\": true, \"reason\": \"eine   Beleidigung\"}\n```"
		case "insult without reason":
			content = `{"refuse": true}`
		case "word":
			content = "I would refuse this."
		case "list":
			content = `{"refuse": "no"}`
		case "broken":
			fmt.Fprint(w, "{")
			return
		case "strange":
			fmt.Fprint(w, `{"choices": []}`)
			return
		case "error":
			w.WriteHeader(http.StatusTooManyRequests)
			return
		case "elsewhere":
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
			return
		case "slow":
			<-r.Context().Done()
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": content}}}})
	}))
	t.Cleanup(server.Close)
	return server
}

func TestJudge(t *testing.T) {
	programtest.Need(t, "python3", "python3")
	h := programtest.Start(t, programtest.Copy(t, "."), programtest.Options{Settings: map[string]string{"URL": model(t).URL, "MODEL": "small", "KEY": "secret"}})
	for text, reason := range map[string]string{
		"U1 Plärrer": "", "insult": "eine Beleidigung", "insult without reason": "the model gives no reason",
		"word": "", "list": "", "broken": "", "strange": "", "error": "", "elsewhere": "", "slow": "",
	} {
		begin := time.Now()
		l := h.Ask(programtest.Line{"type": "task", "id": text, "report": programtest.Line{"text": text}, "results": programtest.Line{}}, "result")
		verdict, _ := l["verdict"].(map[string]any)
		if got, _ := verdict["reason"].(string); got != reason || (reason != "") != (verdict["refuse"] == true) {
			t.Errorf("%q: %v, want the reason %q", text, l, reason)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("%q took %s", text, took)
		}
	}
	h.End()
	for _, words := range []string{"W! the model answers 429", "W! the model answers 307", "JSONDecodeError", "TimeoutError"} {
		if !strings.Contains(h.Log(), words) {
			t.Errorf("the log lacks %q", words)
		}
	}
	if strings.Contains(h.Log(), "I would refuse") || strings.Contains(h.Log(), "secret") {
		t.Error("the log tells too much")
	}
}
