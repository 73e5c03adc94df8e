package stream

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// bothSign is how long the secret before the last rotation signs too.
const bothSign = 24 * time.Hour

// errSecret is a secret that Standard Webhooks does not allow.
var errSecret = errors.New("a secret has 24 to 64 bytes")

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

// signature signs with one secret. The library takes one of any length.
func signature(secret, id string, at time.Time, content []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return "", errSecret
	}
	w, err := standardwebhooks.NewWebhookRaw(key)
	if err != nil {
		return "", err
	}
	return w.Sign(id, at, content)
}
