package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"ticketfrei/bots"
)

// MaxID bounds the ids, addresses and cursors of a network, in bytes. No service has
// longer ones; they come from strangers, and are kept.
const MaxID = 500

// Fits tells whether none of a message's ids is longer than MaxID.
func Fits(ids ...string) bool {
	for _, id := range ids {
		if len(id) > MaxID {
			return false
		}
	}
	return true
}

// HandOver emits what a bot has heard. What cannot be taken in is left out: that is
// told to the bot's log, and is no error, so that what comes after it is heard.
func HandOver(ctx context.Context, log *slog.Logger, emit func(context.Context, bots.Incoming) error, in bots.Incoming) error {
	err := emit(ctx, in)
	if errors.Is(err, bots.ErrMessage) {
		log.Warn("kit.log.left_out", "err", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("hand over a report: %w", err)
	}
	return nil
}
