package mail

import (
	"strings"
	"testing"

	"ticketfrei/internal/config"
)

// TestAddressesOfBefore takes mail at the names and domains that cities had in other programs.
func TestAddressesOfBefore(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Mail.Domains = config.Domains{"old.example.org", "xn--mnchen-3ya.example"} })
	nuernberg, bot := b.city("nuernberg")
	oder, _ := b.city("frankfurt-oder")
	b.exec("INSERT INTO former_names (name, city_id) VALUES ('nürnberg', ?), ('kibicara-süd.stadt', ?), ('frankfurt (oder)', ?)", nuernberg.ID, nuernberg.ID, oder.ID)
	if err := b.db.AddAlias(t.Context(), nuernberg.ID, "kibicara-suedstadt"); err != nil {
		t.Fatal(err)
	}
	b.mustSubscribe(bot, "rider@example.org")
	const mail = "From: anna@example.org\nSubject: U1\n\nU1 Plärrer\n"
	for address, city := range map[string]int64{
		"nuernberg@" + domain:                nuernberg.ID,
		"nuernberg@old.example.org":          nuernberg.ID,
		"Nuernberg@OLD.example.org.":         nuernberg.ID,
		"nuernberg@münchen.example":          nuernberg.ID,
		"nuernberg@MÜNCHEN.example":          nuernberg.ID,
		"nuernberg@xn--mnchen-3ya.example":   nuernberg.ID,
		"nürnberg@" + domain:                 nuernberg.ID,
		"NÜRNBERG@" + domain:                 nuernberg.ID,
		"Nu\u0308rnberg@old.example.org":     nuernberg.ID,
		"nürnberg+u1@old.example.org":        nuernberg.ID,
		"kibicara-süd.stadt@old.example.org": nuernberg.ID,
		"Kibicara-Suedstadt@old.example.org": nuernberg.ID,
		`"nürnberg"@` + domain:               nuernberg.ID,
		`"frankfurt (oder)"@old.example.org`: oder.ID,
		`"Frankfurt (Oder)"@` + domain:       oder.ID,
		"frankfurt.oder@" + domain:           oder.ID, // as people write it who have heard it
	} {
		for range 2 { // also what is kept
			if got := b.send("anna@example.org", []string{address}, mail); !strings.HasPrefix(got, "250 ") {
				t.Errorf("%s: %s", address, got)
			}
			if heard := b.take(); len(heard) != 1 || heard[0].City != city {
				t.Errorf("%s: heard %+v", address, heard)
			}
		}
	}
	d := dial(t, b.smtp).greet()
	defer d.conn.Close()
	d.say("MAIL FROM:<anna@example.org>", "250 ")
	for _, address := range []string{"nuernberg@elsewhere.example", "nuernberg@example.org", "nuernberg@sub.old.example.org"} {
		d.say("RCPT TO:<"+address+">", "550 5.7.1")
	}
	for _, address := range []string{"nobody@old.example.org", "nürnberg-süd@old.example.org", "süd.stadt@" + domain} {
		d.say("RCPT TO:<"+address+">", "550 5.1.1")
	}
	for _, address := range []string{"postmaster@old.example.org", "abuse@münchen.example", "<postmaster"} {
		d.say("RCPT TO:<"+strings.TrimPrefix(address, "<")+">", "250 ")
	}
}

// TestTaggedAddressesOfBefore has bounces, and what ends a subscription, come to a domain of before.
func TestTaggedAddressesOfBefore(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Mail.Domains = config.Domains{"old.example.org"} })
	c, bot := b.city("nuernberg")
	b.mustSubscribe(bot, "rider@example.org", "friend@example.org")
	address := b.network.taggedAddress(unsubscribePrefix, c, bot, b.find(bot, "rider@example.org").ID)
	if got := b.send("", []string{strings.Replace(address, "@"+domain, "@old.example.org", 1)}, "Subject: unsubscribe\n\n"); !strings.HasPrefix(got, "250 ") {
		t.Errorf("answered with %s", got)
	}
	if got := b.subscribers(bot); len(got) != 1 || got[0] != "friend@example.org" {
		t.Errorf("%v subscribe", got)
	}
}

// TestOwnMailsByOtherDomains has nobody subscribe a city to a city, whatever its domain, and no
// mail of ours be a report.
func TestOwnMailsByOtherDomains(t *testing.T) {
	b := newBench(t, func(c *config.Config) { c.Mail.Domains = config.Domains{"old.example.org"} })
	c, _ := b.city("nuernberg")
	b.exec("INSERT INTO former_names (name, city_id) VALUES ('nürnberg', ?)", c.ID)
	if _, problem := b.network.readAddress("nuernberg@old.example.org"); problem != "mail.subscribe.ours" {
		t.Errorf("a city's own address: %q", problem)
	}
	for _, from := range []string{"nuernberg@old.example.org", "nürnberg@old.example.org", "nuernberg+x@" + domain} {
		if got := b.send(from, []string{"nuernberg@" + domain}, "From: "+from+"\nSubject: U1\n\nU1 Plärrer\n"); !strings.HasPrefix(got, "250 ") {
			t.Errorf("%s: %s", from, got)
		}
		if heard := b.take(); len(heard) != 0 {
			t.Errorf("%s: heard %+v", from, heard)
		}
	}
	if got := b.send("rider@old.example.org", []string{"nuernberg@" + domain}, "From: rider@old.example.org\nSubject: U1\n\nU1 Plärrer\n"); !strings.HasPrefix(got, "250 ") {
		t.Errorf("of somebody: %s", got)
	}
	if heard := b.take(); len(heard) != 1 {
		t.Errorf("of somebody: heard %+v", heard)
	}
}
