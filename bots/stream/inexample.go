package stream

import (
	"cmp"
	"strings"

	"ticketfrei/bots/stream/inbound"
)

// unknownSecret stands in examples for a secret that is not shown any more.
const unknownSecret = "SECRET"

// example is how something is posted to a trigger from a terminal: a few lines of sh. The
// secret may be empty.
func (t Trigger) example(secret, body string) string {
	if secret == "" {
		secret = unknownSecret
	}
	post := "curl " + quoted(t.Address)
	const asJSON = ` -H "Content-Type: application/json" --data-binary "$body"`
	begin := "body=" + quoted(body) + "\n"
	switch inbound.Preset(t.Preset) {
	case inbound.Bearer:
		return begin + post + " -H " + quoted("Authorization: Bearer "+secret) + asJSON
	case inbound.SHA256:
		return begin + `sum=$(printf %s "$body" | openssl dgst -sha256 -hmac ` + quoted(secret) + ` | sed 's/^.* //')` + "\n" +
			post + ` -H "X-Hub-Signature-256: sha256=$sum"` + asJSON
	case inbound.StandardWebhooks:
		return begin + "id=msg_$(date +%s) at=$(date +%s)\n" +
			"key=$(printf %s " + quoted(strings.TrimPrefix(secret, inbound.SecretPrefix)) + ` | base64 -d | od -An -v -tx1 | tr -d ' \n')` + "\n" +
			`sum=$(printf %s "$id.$at.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)` + "\n" +
			post + ` -H "webhook-id: $id" -H "webhook-timestamp: $at" -H "webhook-signature: v1,$sum"` + asJSON
	case inbound.SNS:
		scheme, _, _ := strings.Cut(t.Address, ":")
		return "aws sns subscribe --protocol " + scheme + " --topic-arn " + quoted(cmp.Or(t.Topic, "ARN")) + " --notification-endpoint " + quoted(t.Address)
	}
	return ""
}

// quoted is a word of sh.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
