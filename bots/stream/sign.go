package stream

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ticketfrei/bots/stream/inbound"
)

// bothSign is how long the secret before the last rotation signs too.
const bothSign = 24 * time.Hour

// addSignature signs a request as Standard Webhooks say.
func (n *Network) addSignature(req *http.Request, r row, id string, content []byte) error {
	now := n.host.Now()
	secret, err := n.unseal(r.place("secret"), r.Secret)
	if err != nil {
		return err
	}
	secrets := []string{secret}
	if r.Former != "" && now.Sub(time.UnixMilli(r.Rotated)) < bothSign {
		former, err := n.unseal(r.place("former"), r.Former)
		if err != nil {
			return err
		}
		secrets = append(secrets, former)
	}
	var signatures []string
	for _, secret := range secrets {
		s, err := signature(secret, id, now, content)
		if err != nil {
			return err
		}
		signatures = append(signatures, s)
	}
	req.Header.Set(standardwebhooks.HeaderWebhookID, id)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	return nil
}

// signature signs with one secret.
func signature(secret, id string, at time.Time, content []byte) (string, error) {
	key, err := inbound.Key(secret)
	if err != nil {
		return "", err
	}
	w, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return "", err
	}
	return w.Sign(id, at, content)
}
