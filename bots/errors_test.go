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

func TestWords(t *testing.T) {
	german := func(id string, data ...any) string { return fmt.Sprint("de:", id, data) }
	said := bots.Say(errors.New("EOF"), "toy.cut", "Name", "toy.example")
	tests := []struct {
		name, want string
		err        error
	}{
		{"an error that can say itself", "de:toy.cut[Name toy.example]", said},
		{"one with a kind", "de:toy.cut[Name toy.example]", bots.Refused(said)},
		{"one that was wrapped", "de:toy.cut[Name toy.example]", fmt.Errorf("send: %w", said)},
		{"one of the database", "de:bots.error.internal[]", errors.New("disk I/O error")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := bots.Words(tt.err, german); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
	if said.Error() != "EOF" {
		t.Errorf("the log says %q", said)
	}
}

// TestInFull has the operator read words also where an error is nothing but a text for
// moderators.
func TestInFull(t *testing.T) {
	english := func(id string, data ...any) string {
		return map[string]string{"toy.stuck": "Toy is stuck."}[id] + fmt.Sprint(data...)
	}
	stuck := bots.Say(nil, "toy.stuck")
	for _, tt := range []struct {
		err  error
		want string
	}{
		{errors.New("EOF"), "EOF"},
		{bots.Say(errors.New("EOF"), "toy.cut"), "EOF"},
		{stuck, "Toy is stuck."},
		{bots.Say(nil, "toy.stuck", "Name", "x"), "Toy is stuck.Namex"},
		{fmt.Errorf("poll: %w", bots.Refused(stuck)), "poll: Toy is stuck."},
		{bots.Say(fmt.Errorf("poll: %w", stuck), "toy.cut"), "poll: Toy is stuck."},
	} {
		if got := bots.InFull(tt.err, english); got != tt.want {
			t.Errorf("%#v: %q, want %q", tt.err, got, tt.want)
		}
	}
}
