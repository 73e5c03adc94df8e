package supervisor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestStartsArePaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, ended, began := make(turns, startingAtOnce), make(chan struct{}), time.Now()
		const rounds = 10
		for range rounds * startingAtOnce {
			go func() {
				done, err := turns.take(t.Context())
				if err != nil {
					t.Error(err)
					done = func() {}
				}
				time.Sleep(startingFor / 2)
				done()
				ended <- struct{}{}
			}()
		}
		for range rounds * startingAtOnce {
			<-ended
		}
		if took := time.Since(began); took != rounds*startingFor/2 {
			t.Errorf("took %v, want %v: so many in turn", took, rounds*startingFor/2)
		}
	})
}

func TestBotsThatHangKeepNobodyFromStarting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, began := make(turns, startingAtOnce), time.Now()
		for range 2 * startingAtOnce {
			if _, err := turns.take(t.Context()); err != nil { // and is never done
				t.Fatal(err)
			}
		}
		done, err := turns.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done()
		if took := time.Since(began); took != 2*startingFor {
			t.Errorf("the one after them waited for %v, want %v", took, 2*startingFor)
		}
	})
}

func TestStopDoesNotWaitForATurn(t *testing.T) {
	turns := make(turns) // has room for nobody
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := turns.take(ctx); err == nil {
		t.Error("got a turn after the stop")
	}
}
