package telegram

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mymmrac/telego/telegoapi"
)

// hookInfo is the part of Telegram's WebhookInfo that is used here.
type hookInfo struct {
	URL     string `json:"url"` // empty where there is none
	Pending int    `json:"pending_update_count"`
	ErrorAt int64  `json:"last_error_date"` // 0 where it never failed
	Error   string `json:"last_error_message"`
}

// hook returns what Telegram knows of the bot's webhook.
func (c *client) hook(ctx context.Context, d dialing) (i hookInfo, err error) {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	err = c.get(ctx, "getWebhookInfo", d, &i)
	return i, err
}

// newHook are the parameters of setWebhook. What waits at Telegram is not dropped.
type newHook struct {
	URL            string          `json:"url"`
	SecretToken    string          `json:"secret_token"`
	MaxConnections int             `json:"max_connections"`
	AllowedUpdates json.RawMessage `json:"allowed_updates"`
}

// setHook has Telegram bring what is new to an address, one update at a time. It is no
// call of the library, whose client thousands of bots need not have to listen.
func (c *client) setHook(ctx context.Context, address, secret string) error {
	ctx, done := context.WithTimeout(ctx, callTimeout)
	defer done()
	body, err := json.Marshal(newHook{address, secret, 1, json.RawMessage(allowedUpdates)})
	if err != nil {
		return err
	}
	answer, err := c.caller.Call(ctx, c.caller.url+"setWebhook", &telegoapi.RequestData{ContentType: "application/json", BodyRaw: body})
	if err == nil && !answer.Ok {
		err = answer.Error
	}
	if err != nil {
		return explain(ctx, err)
	}
	return nil
}

// whyUnreached says why Telegram could not call, from its words in WebhookInfo.
func whyUnreached(words string) string {
	var status int
	if _, err := fmt.Sscanf(words, "Wrong response from the webhook: %d", &status); err == nil {
		return fmt.Sprintf("it is answered with HTTP status %d; a proxy in front has to hand such calls on", status)
	}
	switch words := strings.ToLower(words); {
	case strings.Contains(words, "ssl"), strings.Contains(words, "certificate"):
		return "it does not accept the certificate, which must be valid and come with those between it and its authority"
	case strings.Contains(words, "resolve"):
		return "it does not find the name of the host in DNS"
	}
	return "it gets no answer; the port must be open to the internet, at an IPv4 address"
}
