package bots

import "context"

// Turn is what a Send has while it counts among those that are under way. The
// program lets few be under way at a time.
type Turn interface {
	// Leave lets others send.
	Leave()
	// Return waits until there is a turn again. The error is that of ctx.
	Return(ctx context.Context) error
}

type turnKey struct{}

// WithTurn returns a context for a Send that has a turn.
func WithTurn(ctx context.Context, t Turn) context.Context {
	return context.WithValue(ctx, turnKey{}, t)
}

// Idle runs wait, during which a Send sends nothing: where it waits for the pace of
// its network, say. Others send meanwhile.
func Idle(ctx context.Context, wait func() error) error {
	t, ok := ctx.Value(turnKey{}).(Turn)
	if !ok {
		return wait()
	}
	t.Leave()
	if err := wait(); err != nil {
		return err
	}
	return t.Return(ctx)
}
