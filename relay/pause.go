package relay

import (
	"context"
	"errors"
	"time"
)

// wipeFor bounds how long whoever stops a city waits until its reports are deleted.
// Cleaning deletes the rest.
const wipeFor = 5 * time.Second

// Pause has a city take no reports until Resume, and deletes those it has. wiped is
// how many there were. What is on the networks stays there.
func (rl *Relay) Pause(ctx context.Context, cityID int64) (wiped int, err error) {
	wiped, upto, err := rl.DB.Pause(ctx, cityID)
	if err != nil {
		return 0, err
	}
	rl.Outgoing.Wiped(cityID, upto)
	rl.Notices.Changed(cityID)
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), wipeFor)
	defer cancel()
	if err = rl.DB.WipeReports(within, cityID); errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	rl.Notices.Passed(cityID)
	return wiped, err
}

// Resume has a city take reports again.
func (rl *Relay) Resume(ctx context.Context, cityID int64) error {
	if err := rl.DB.Resume(ctx, cityID); err != nil {
		return err
	}
	rl.Notices.Changed(cityID)
	return nil
}
