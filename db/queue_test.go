package db_test

import (
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/db/dbtest"
)

// TestQueueIsListedTriedAndDropped looks at what waits for the bots of 50 cities.
func TestQueueIsListedTriedAndDropped(t *testing.T) {
	d := mustFill(t) // 100 fanouts of each of 100 bots, stored at 1 to 10,000 ms
	all, err := d.Queue(t.Context(), db.Queued{})
	if err != nil || len(all) != 100 || all[0].Reports != 100 || all[0].Fanouts != 100 || all[0].Tried != 0 || all[0].Oldest.After(all[99].Oldest) {
		t.Fatalf("%d bots, first %+v, %v", len(all), all[0], err)
	}
	one := all[0]
	before := version(t, d, one.BotID)
	if cities, err := d.RetryQueue(t.Context(), db.Queued{BotID: one.BotID}); err != nil || len(cities) != 1 || cities[0] != one.CityID {
		t.Errorf("tried again for %v, %v", cities, err)
	}
	if version(t, d, one.BotID) == before {
		t.Error("the bot is not made again")
	}
	for name, of := range map[string]struct {
		db.Queued
		bots, fanouts int
	}{
		"a bot":            {db.Queued{BotID: one.BotID}, 1, 100},
		"a city":           {db.Queued{CityID: one.CityID}, 2, 200},
		"a network":        {db.Queued{Network: "toy"}, 50, 5000},
		"an age":           {db.Queued{Before: time.UnixMilli(1001)}, 100, 1000},
		"a bot's old ones": {db.Queued{BotID: one.BotID, Before: time.UnixMilli(1001)}, 1, 10},
	} {
		list, err := d.Queue(t.Context(), of.Queued)
		fanouts := 0
		for _, q := range list {
			fanouts += q.Fanouts
		}
		if err != nil || len(list) != of.bots || fanouts != of.fanouts {
			t.Errorf("%s: %d bots, %d fanouts, %v", name, len(list), fanouts, err)
		}
	}
	if cities, err := d.DropQueue(t.Context(), db.Queued{BotID: one.BotID, Before: time.UnixMilli(1001)}); err != nil || len(cities) != 1 {
		t.Errorf("dropped for %v, %v", cities, err)
	}
	if left, err := d.Queue(t.Context(), db.Queued{BotID: one.BotID}); err != nil || len(left) != 1 || left[0].Fanouts != 90 {
		t.Errorf("left is %+v, %v", left, err)
	}
}

// version is that of a bot, which changes when it is to be made again.
func version(t *testing.T, d *db.DB, botID int64) int64 {
	t.Helper()
	b, err := d.Bot(t.Context(), botID)
	if err != nil {
		t.Fatal(err)
	}
	return b.Version
}

// TestLogsOfAllBots are merged by time.
func TestLogsOfAllBots(t *testing.T) {
	d := dbtest.MustOpen(t, time.Now, nil)
	leeds, york := dbtest.MustCreateCity(t, d, "leeds", "mail", "toy"), dbtest.MustCreateCity(t, d, "york", "mail")
	write := func(cityID int64, network string, at int64, level, text string) {
		t.Helper()
		b, err := d.FindBot(t.Context(), cityID, network)
		if err == nil {
			err = d.AddLog(t.Context(), b.ID, db.LogLine{At: time.UnixMilli(at), Level: level, Text: text})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(leeds.ID, "mail", 1000, "INFO", "one")
	write(york.ID, "mail", 3000, "ERROR", "three")
	write(leeds.ID, "toy", 2000, "WARN", "two")
	for name, tt := range map[string]struct {
		filter db.LogFilter
		want   string
	}{
		"all":       {db.LogFilter{}, "three two one "},
		"warnings":  {db.LogFilter{Level: "WARN"}, "three two "},
		"errors":    {db.LogFilter{Level: "ERROR"}, "three "},
		"a city":    {db.LogFilter{CityID: leeds.ID}, "two one "},
		"a network": {db.LogFilter{Network: "mail"}, "three one "},
		"since":     {db.LogFilter{Since: time.UnixMilli(2000)}, "three two "},
		"after":     {db.LogFilter{After: 2}, "two "},
	} {
		tt.filter.Limit = 10
		list, err := d.BotLogs(t.Context(), tt.filter)
		got := ""
		for _, l := range list {
			got += l.Text + " "
		}
		if err != nil || got != tt.want {
			t.Errorf("%s: %q, want %q; %v", name, got, tt.want, err)
		}
	}
}

// TestVitalsOfProcesses are told apart by who has said them.
func TestVitalsOfProcesses(t *testing.T) {
	d := dbtest.MustOpen(t, time.Now, nil)
	save := func(name, process, value string) {
		t.Helper()
		if err := d.SaveVital(t.Context(), name, process, value); err != nil {
			t.Fatal(err)
		}
	}
	save("mail", "a", "1")
	save("mail", "a", "2")
	save("mail", "b", "3")
	save("backup", "backup", "4")
	save("mail", "b", "")
	if err := d.ForgetVitals(t.Context(), "c"); err != nil {
		t.Fatal(err)
	}
	list, err := d.Vitals(t.Context())
	if err != nil || len(list) != 2 || list[0].Value != "4" || list[1].Process != "a" || list[1].Value != "2" || list[1].At.IsZero() {
		t.Errorf("known is %+v, %v", list, err)
	}
	if err := d.ForgetVitals(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if list, err := d.Vitals(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("left is %+v, %v", list, err)
	}
}
