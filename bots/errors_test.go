package bots_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"ticketfrei/bots"
)

func TestKindOf(t *testing.T) {
	cause := errors.New("too long")
	tests := []struct {
		name  string
		err   error
		kind  bots.Kind
		after time.Duration
		text  string
	}{
		{"plain", cause, bots.KindTemporary, 0, "too long"},
		{"permanent", bots.Permanent(cause), bots.KindPermanent, 0, "too long"},
		{"gone", bots.Gone(cause), bots.KindGone, 0, "too long"},
		{"refused", bots.Refused(cause), bots.KindRefused, 0, "too long"},
		{"retry after", bots.RetryAfter(3*time.Second, cause), bots.KindRetryAfter, 3 * time.Second, "too long (asked to wait 3s)"},
		{"wrapped", fmt.Errorf("post: %w", bots.Gone(cause)), bots.KindGone, 0, "post: too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kind, after := bots.KindOf(tt.err)
			if kind != tt.kind || after != tt.after || tt.err.Error() != tt.text || !errors.Is(tt.err, cause) {
				t.Errorf("kind %d, after %s, text %q", kind, after, tt.err)
			}
		})
	}
}
