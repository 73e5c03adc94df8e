package manage_test

import (
	"errors"
	"strings"
	"testing"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

func TestBotsOfACity(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c, other := tn.city("jena"), tn.city("gera")
	bell := tn.ring(c)
	tn.tram.count, tn.bell.count = 3, 4
	counts := func() map[string]int { return must(tn.Subscribers(t.Context(), c))(t) }
	if got := counts(); got["tram"] != 3 || got["bell"] != 4 {
		t.Errorf("counted %v", got)
	}
	t.Run("one network fails", func(t *testing.T) {
		tn.bell.panics = true
		if got := counts(); got["tram"] != 3 || len(got) != 1 {
			t.Errorf("counted %v", got)
		}
		tn.bell.panics, tn.bell.err = false, errors.New("no")
		list := must(tn.Bots(t.Context(), c))(t)
		if len(list) != 2 || list[0].Network != "bell" || list[0].Recipients != -1 || list[1].Recipients != 3 {
			t.Errorf("its bots are %+v", list)
		}
		tn.bell.err = nil
	})
	t.Run("recipients that are no people", func(t *testing.T) {
		tn.board.count = 5
		b := must(bots.Host{DB: tn.db, Notices: tn.Notices}.Connect(t.Context(), c, "board", 0, nothing))(t)
		if got := counts(); got["tram"] != 3 || got["bell"] != 4 || len(got) != 2 {
			t.Errorf("counted %v", got)
		}
		tn.check(tn.db.DeleteBot(t.Context(), b.ID))
	})
	t.Run("a bot of another city", func(t *testing.T) {
		_, _, err := tn.Bot(t.Context(), other.ID, bell.ID)
		tn.is(err, db.ErrNotFound)
		n, b, err := tn.Bot(t.Context(), c.ID, bell.ID)
		if n.Name != "bell" || b.ID != bell.ID || err != nil {
			t.Errorf("bot %v of %s: %v", b, n.Name, err)
		}
	})
	t.Run("a network that was taken away", func(t *testing.T) {
		gone := must(bots.Host{DB: tn.db, Notices: tn.Notices}.Connect(t.Context(), c, "gone", 0, nothing))(t)
		tn.check(tn.db.SetBotState(t.Context(), gone.ID, report.BotRunning, "", false))
		list := must(tn.Bots(t.Context(), c))(t)
		if b := list[1]; b.Network != "gone" || b.State != report.BotTrouble || !strings.Contains(b.LastError, "does not have the network gone") {
			t.Errorf("its bot is %+v", b)
		}
		tn.check(tn.db.DeleteBot(t.Context(), gone.ID))
	})
	t.Run("off and on", func(t *testing.T) {
		tn.changes[c.ID] = 0
		for _, on := range []bool{false, false, true} {
			tn.check(tn.Enable(t.Context(), bell, on))
			if b := must(tn.db.Bot(t.Context(), bell.ID))(t); b.Enabled != on {
				t.Errorf("it is on: %t, want %t", b.Enabled, on)
			}
			tn.changed(c, 1)
		}
	})
	t.Run("disconnected", func(t *testing.T) {
		tram := must(tn.db.FindBot(t.Context(), c.ID, "tram"))(t)
		tn.is(tn.Disconnect(t.Context(), tram), manage.ErrAlways)
		if b := must(tn.db.Bot(t.Context(), tram.ID))(t); !b.Enabled {
			t.Error("what every city has was switched off")
		}
		for range 2 { // the second of two clicks finds it gone
			if err := tn.Disconnect(t.Context(), bell); err != nil && !errors.Is(err, db.ErrNotFound) {
				t.Error(err)
			}
		}
		if _, err := tn.db.Bot(t.Context(), bell.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("it is there: %v", err)
		}
	})
}

func TestNothingIsConnectedWithoutFields(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	_, err := tn.Connect(t.Context(), c, "tram", 0, map[string]string{"token": "x"})
	tn.is(err, manage.ErrNoFields)
	_, err = tn.Connect(t.Context(), c, "ship", 0, nil)
	tn.is(err, db.ErrNotFound)
}

func TestTasks(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("jena")
	save := func(seen manage.Revision, names ...string) error { return tn.SaveTasks(t.Context(), c.ID, names, seen) }
	tn.wrong(save("", "tram", "bell", "tram"), "tasks[1]", "tasks[2]") // there is no bell yet
	tn.ring(c)
	tn.changes[c.ID] = 0
	tn.check(save(manage.TasksOf(c).Revision(), "bell", "tram"))
	if got := manage.TasksOf(tn.now(c)); len(got) != 2 || got[0] != "bell" || got[1] != "tram" {
		t.Errorf("stored %q", got)
	}
	tn.changed(c, 1)
	tn.is(save(manage.TasksOf(c).Revision()), manage.ErrConflict)
	tn.check(save(""))
	if got := manage.TasksOf(tn.now(c)); len(got) != 0 {
		t.Errorf("stored %q", got)
	}
}
