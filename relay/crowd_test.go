package relay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"ticketfrei/db/dbtest"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/relay"
)

// incoming is a report of these tests. Its text is its own unless it is given.
type incoming struct {
	author, client, domain, text string
	verified                     bool
	received                     time.Duration // after the first
}

// forged returns n reports that nobody vouches for, each of another author, client and
// domain but for what is given.
func forged(n int, client, domain string) []incoming {
	list := make([]incoming, n)
	for i := range list {
		list[i] = incoming{author: fmt.Sprint("forged ", i), client: client, domain: domain}
		if client == "" {
			list[i].client = fmt.Sprint("client ", i)
		}
		if domain == "" {
			list[i].domain = fmt.Sprint("domain ", i)
		}
	}
	return list
}

// mustTake has a city take reports, and returns why each passed or did not.
func mustTake(t *testing.T, rl *relay.Relay, c report.City, list []incoming) []report.Reason {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	begin := rl.Now().Add(-30 * time.Minute)
	id := func(i int) string { return fmt.Sprint(c.Slug, " ", i) }
	for i, in := range list {
		at := begin.Add(in.received)
		r := report.Report{ID: id(i), CityID: c.ID, Network: "toy", NetworkID: id(i), Author: in.author, Text: in.text,
			Unverified: !in.verified, Client: in.client, Domain: in.domain, Time: at, Received: at}
		if r.Text == "" {
			r.Text = fmt.Sprint("Kontis ", i)
			r.Time = begin.Add(-time.Duration(i) * 15 * time.Minute) // anybody can say that it was long ago
		}
		if err := rl.DB.Hear(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	reasons := make([]report.Reason, len(list))
	for i := range list {
		reasons[i] = mustWaitForVerdict(ctx, t, rl, c, id(i)).Reason
	}
	return reasons
}

// runs writes reasons as "20 trigger, 3 flood".
func runs(reasons []report.Reason) string {
	text := ""
	for len(reasons) > 0 {
		n := slices.IndexFunc(reasons, func(r report.Reason) bool { return r != reasons[0] })
		if n < 0 {
			n = len(reasons)
		}
		if text != "" {
			text += ", "
		}
		text += fmt.Sprint(n, " ", reasons[0])
		reasons = reasons[n:]
	}
	return text
}

// TestBrakesOfTheCrowd mails each city what nobody vouches for, among it what somebody
// is known to have written.
func TestBrakesOfTheCrowd(t *testing.T) {
	t.Parallel()
	anna := func(i int) incoming {
		return incoming{author: "anna, who is known", verified: true, text: fmt.Sprint("Anna ", i)}
	}
	victim := func(n int) []incoming { // all in one name
		list := forged(n, "", "")
		for i := range list {
			list[i].author = "in anna's name"
		}
		return list
	}
	late := forged(22, "", "")
	late[21].received = 10 * time.Minute
	tests := []struct {
		name   string
		brakes config.Brakes
		muted  string
		list   []incoming
		want   string
	}{
		{"in a city", config.Brakes{Author: 5, City: 20}, "", forged(300, "", ""), "20 trigger, 280 flood_city"},
		{"after the window", config.Brakes{City: 20}, "", late, "20 trigger, 1 flood_city, 1 trigger"},
		{"from one client", config.Brakes{Client: 3, Domain: 4, City: 5}, "", append(forged(4, "c", ""), forged(3, "", "")...),
			"3 trigger, 1 flood_client, 2 trigger, 1 flood_city"},
		{"from one domain", config.Brakes{Client: 3, Domain: 4}, "", append(forged(5, "", "d"), forged(3, "", "")...),
			"4 trigger, 1 flood_domain, 3 trigger"},
		{"from places that cannot be seen", config.Brakes{Client: 3, Domain: 3}, "", []incoming{{}, {}, {}, {}, {}}, "5 trigger"},
		{"none at all", config.Brakes{}, "", forged(30, "c", "d"), "30 trigger"},
		{"who is known is not held", config.Brakes{Author: 5, Client: 2, Domain: 2, City: 2}, "", append(forged(3, "c", "d"), anna(1), anna(2)),
			"2 trigger, 1 flood_client, 2 trigger"},
		{"who is known counts for nobody else", config.Brakes{Author: 5, City: 2}, "", append([]incoming{anna(1), anna(2), anna(3)}, forged(3, "", "")...),
			"5 trigger, 1 flood_city"},
		{"five in somebody's name do not hold the sixth", config.Brakes{Author: 5, City: 20}, "", append(victim(6), anna(1)), "7 trigger"},
		{"a mute of whoever used a name does not hit who has it", config.Brakes{Author: 5, City: 20}, "in anna's name", append(victim(2), anna(1)),
			"2 muted, 1 trigger"},
		{"nor does the same text", config.Brakes{Author: 5, City: 20}, "", []incoming{{author: "in anna's name", text: "U1"}, {author: "in anna's name", text: "U1"},
			{author: "anna, who is known", verified: true, text: "U1"}}, "1 trigger, 1 repeated, 1 trigger"},
	}
	for i, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rl, _ := newRelay(t, nil)
			rl.SetBrakes(tt.brakes)
			rl.Expire = 100 * time.Hour
			start(t, rl)
			c := dbtest.MustCreateCity(t, rl.DB, fmt.Sprint("city", i))
			if tt.muted != "" {
				if err := rl.DB.Mute(t.Context(), c.ID, tt.muted); err != nil {
					t.Fatal(err)
				}
			}
			if got := runs(mustTake(t, rl, c, tt.list)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
