// Package inbound checks and reads what other services post to a trigger: whether it comes
// from whom it should, and what of it is the report.
package inbound

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Preset is a way in which a service proves that a post is its own.
type Preset string

// The presets.
const (
	StandardWebhooks Preset = "standard-webhooks" // www.standardwebhooks.com
	SHA256           Preset = "sha256"            // X-Hub-Signature-256, as GitHub has it
	SNS              Preset = "sns"               // Amazon's Simple Notification Service
	Bearer           Preset = "bearer"            // Authorization: Bearer
)

// MaxBody bounds a post, in bytes.
const MaxBody = 64 << 10

// Post is a request as it came.
type Post struct {
	Header http.Header
	Body   []byte
	Time   time.Time // when it came
}

// Message is what a post says that is known to come from whom it should.
type Message struct {
	// ID is the sender's own of the message, which nobody else can have changed; empty
	// where the preset has none.
	ID string
	// Once is the same for a post that is exactly the same as one before, and for no other
	// that the sender has made; empty where a repetition cannot be told from a new message.
	Once string
	Time time.Time // when the sender made it; zero where the preset does not say
	Body []byte    // JSON
	// Said is set where it is about the trigger itself, and no report: what happened, for
	// the log. Topic is the one that has just been confirmed.
	Said, Topic string
}

// Refusal says why a post is not taken in. It is for whoever has sent it.
type Refusal struct {
	Status int
	Text   string // says what, where and how to mend it
	Where  string // as "header.webhook-id" or "text"
	Value  any    // what was there; nil: nothing
}

func (r *Refusal) Error() string { return r.Text }

// refuse makes a Refusal.
func refuse(status int, where string, value any, text string, args ...any) error {
	return &Refusal{Status: status, Where: where, Value: value, Text: fmt.Sprintf(text, args...)}
}

// Verifier verifies posts.
type Verifier struct {
	SNS *Notifications
}

// Verify returns what a post says. The error is a *Refusal, or one of the way to what had
// to be asked.
func (v Verifier) Verify(ctx context.Context, preset Preset, secret string, p Post) (Message, error) {
	switch preset {
	case StandardWebhooks:
		return standard(secret, p)
	case SHA256:
		return hub(secret, p)
	case SNS:
		return v.SNS.verify(ctx, secret, p)
	default:
		return bearer(secret, p)
	}
}

// secretBytes is how many random bytes a secret has that is made here.
const secretBytes = 32

// NewSecret makes a secret; that of SNS is the topic, which nobody can make.
func NewSecret(preset Preset) string {
	raw := make([]byte, secretBytes)
	rand.Read(raw)
	switch preset {
	case StandardWebhooks:
		return SecretPrefix + base64.StdEncoding.EncodeToString(raw)
	case SNS:
		return ""
	default:
		return base64.RawURLEncoding.EncodeToString(raw)
	}
}

// Bounds of a secret that the sender has made.
const (
	minKey, maxKey       = 24, 64  // bytes, of standard-webhooks
	minSecret, maxSecret = 16, 200 // characters, of the others
)

var (
	visible  = regexp.MustCompile(`^[\x21-\x7e]+$`)
	topicARN = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]{3,30}:[0-9]{12}:[A-Za-z0-9_.-]{1,256}$`)
)

// FitsSecret tells whether a secret that was typed is one of the preset.
func FitsSecret(preset Preset, secret string) bool {
	switch preset {
	case StandardWebhooks:
		_, err := Key(secret)
		return err == nil
	case SNS:
		return secret == "" || topicARN.MatchString(secret)
	default:
		return len(secret) >= minSecret && len(secret) <= maxSecret && visible.MatchString(secret)
	}
}

// TakesType tells whether a post of that content type can be JSON. curl says
// application/x-www-form-urlencoded of whatever it posts, and SNS text/plain.
func TakesType(preset Preset, contentType string, body []byte) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	switch {
	case contentType == "":
		return true
	case err != nil:
		return false
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return true
	case kind == "application/x-www-form-urlencoded":
		text := strings.TrimSpace(string(body))
		return strings.HasPrefix(text, "{") || strings.HasPrefix(text, "[")
	default:
		return kind == "text/plain" && preset == SNS
	}
}
