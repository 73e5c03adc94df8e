package manage_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ticketfrei/db"
	"ticketfrei/internal/apikey"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
)

// as is who acts as a moderator of a city.
func (tn *town) as(c report.City, m db.Moderator) context.Context {
	tn.t.Helper()
	roles := must(tn.db.Roles(tn.t.Context(), m.ID))(tn.t)
	return manage.As(tn.t.Context(), manage.Actor{ID: m.ID, Name: m.Email, Role: roles[c.ID]})
}

// person makes somebody a moderator of a city.
func (tn *town) person(c report.City, email string, role report.Role) db.Moderator {
	tn.t.Helper()
	return must(tn.db.AddMember(tn.t.Context(), c.ID, email, role))(tn.t)
}

// owner is the first moderator of a city.
func (tn *town) owner(c report.City) db.Moderator {
	tn.t.Helper()
	return must(tn.db.CityModerators(tn.t.Context(), c.ID))(tn.t)[0]
}

// acted checks what was done with a city last, each as "who act subject".
func (tn *town) acted(c report.City, want ...string) {
	tn.t.Helper()
	var got []string
	for _, a := range must(tn.Acts(tn.t.Context(), c.ID, 0, len(want)))(tn.t) {
		got = append(got, strings.TrimSpace(fmt.Sprintln(a.Who, a.Act, a.Subject)))
	}
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		tn.t.Errorf("what was done is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestPeople(t *testing.T) {
	tn := newTown(t)
	c := tn.city("gotham")
	owner := tn.owner(c)
	helper, third := tn.person(c, "helper@example.org", report.Helper), tn.person(c, "third@example.org", report.Moderator)
	asOwner, asHelper := tn.as(c, owner), tn.as(c, helper)

	t.Run("only owners decide", func(t *testing.T) {
		for _, ctx := range []context.Context{asHelper, tn.as(c, third), t.Context()} {
			_, err := tn.Invite(ctx, c, "new@example.org", report.Owner)
			tn.is(err, manage.ErrNotAllowed)
			tn.is(tn.Withdraw(ctx, c.ID, 1), manage.ErrNotAllowed)
			tn.is(tn.SetRole(ctx, c, helper.ID, report.Owner), manage.ErrNotAllowed)
			tn.is(tn.RemoveModerator(ctx, c, owner.ID), manage.ErrNotAllowed)
			_, err = tn.AddKey(ctx, apikey.Key{CityID: c.ID, Rights: []apikey.Right{apikey.People}}, c.Slug)
			tn.is(err, manage.ErrNotAllowed)
		}
		tn.mailed()
	})
	t.Run("inviting", func(t *testing.T) {
		_, err := tn.Invite(asOwner, c, "helper@example.org", report.Owner)
		tn.wrong(err, "email")
		_, err = tn.Invite(asOwner, c, "nobody", "king")
		tn.wrong(err, "email", "role")
		inv := must(tn.Invite(asOwner, c, " New@example.org", report.Helper))(t)
		tn.mailed("new@example.org: /invitation/ | as: Helper | decide about held ones")
		joined := must(tn.Join(t.Context(), c, inv, "hash"))(t)
		tn.mailed("helper@example.org: new@example.org | Helper", owner.Email+": new@example.org helps to run", "third@example.org: new@example.org")
		if role := must(tn.db.Roles(t.Context(), joined.ID))(t)[c.ID]; role != report.Helper {
			t.Errorf("the role is %q", role)
		}
		_, err = tn.Join(t.Context(), c, inv, "hash")
		tn.is(err, db.ErrNotFound)
		tn.acted(c, owner.Email+" moderator.invited new@example.org", "new@example.org moderator.joined new@example.org")
		tn.check(tn.RemoveModerator(tn.as(c, joined), c, joined.ID))
		tn.mailed("helper@example.org: has left", owner.Email+": new@example.org has left", "third@example.org: has left")
		tn.acted(c, "new@example.org moderator.left new@example.org")
	})
	t.Run("roles", func(t *testing.T) {
		tn.is(tn.SetRole(asOwner, c, owner.ID, report.Moderator), manage.ErrLastOwner)
		tn.is(tn.SetRole(asOwner, c, 9999, report.Owner), db.ErrNotFound)
		tn.wrong(tn.SetRole(asOwner, c, third.ID, "king"), "role")
		tn.check(tn.SetRole(asOwner, c, third.ID, report.Moderator)) // as it is
		tn.mailed()
		tn.check(tn.SetRole(asOwner, c, third.ID, report.Owner))
		tn.mailed("helper@example.org: "+owner.Email+" has changed what third@example.org may do | Owner", "third@example.org: you have another role | "+owner.Email+" has changed")
		tn.acted(c, owner.Email+" moderator.role third@example.org → owner")
	})
	t.Run("removing", func(t *testing.T) {
		tn.check(tn.RemoveModerator(asOwner, c, third.ID))
		tn.mailed("helper@example.org: "+owner.Email+" has removed third@example.org", "third@example.org: You were removed from | "+owner.Email)
		tn.is(tn.RemoveModerator(asOwner, c, owner.ID), manage.ErrLastOwner)
		tn.is(tn.RemoveModerator(asOwner, c, third.ID), db.ErrNotFound)
		other := tn.city("metropolis")
		tn.is(tn.RemoveModerator(asOwner, c, tn.owner(other).ID), db.ErrNotFound)
	})
	t.Run("the operator", func(t *testing.T) {
		ctx := manage.As(t.Context(), manage.Operator())
		_, link, err := tn.AddModerator(ctx, c, "added@example.org", report.Moderator)
		tn.check(err)
		if !strings.HasPrefix(link, "https://tickets.example/password/") {
			t.Errorf("the link is %q", link)
		}
		tn.mailed("added@example.org: The operator has added you | Moderator | /password/", "helper@example.org: added@example.org", owner.Email+": added@example.org")
		tn.acted(c, "operator moderator.added added@example.org")
	})
}

// TestWhatTheyMadeEnds removes one who has made keys and invited somebody, and makes another a
// helper: what they know opens nothing any more.
func TestWhatTheyMadeEnds(t *testing.T) {
	tn := newTown(t)
	c := tn.city("gotham")
	owner, second := tn.owner(c), tn.person(c, "second@example.org", report.Owner)
	ctx := tn.as(c, second)
	add := func(ctx context.Context, rights ...apikey.Right) {
		t.Helper()
		must(tn.AddKey(ctx, apikey.Key{CityID: c.ID, Rights: rights}, c.Slug))(t)
	}
	left := func(want ...string) {
		t.Helper()
		var got []string
		for _, k := range must(tn.db.APIKeys(t.Context(), c.ID))(t) {
			got = append(got, apikey.Join(k.Rights))
		}
		if !slices.Equal(got, want) {
			t.Errorf("keys are left: %q, want %q", got, want)
		}
	}
	add(tn.as(c, owner), apikey.Read)
	add(ctx, apikey.All)
	add(ctx, apikey.Read, apikey.People)
	must(tn.Invite(ctx, c, "friend@example.org", report.Owner))(t)

	tn.check(tn.SetRole(tn.as(c, owner), c, second.ID, report.Moderator))
	left("all", "read")
	if open := must(tn.db.CityInvitations(t.Context(), c.ID))(t); len(open) != 0 {
		t.Errorf("who is no owner any more has invited %v", open)
	}
	tn.check(tn.SetRole(tn.as(c, owner), c, second.ID, report.Helper))
	left("read")
	tn.check(tn.SetRole(tn.as(c, owner), c, second.ID, report.Owner))
	add(ctx, apikey.Report)
	must(tn.Invite(ctx, c, "friend@example.org", report.Owner))(t)
	tn.check(tn.RemoveModerator(tn.as(c, owner), c, second.ID))
	left("read")
	if open := must(tn.db.CityInvitations(t.Context(), c.ID))(t); len(open) != 0 {
		t.Errorf("who was removed has invited %v", open)
	}
}

// TestRulesAreTold mails the others what became of the rules, once an hour.
func TestRulesAreTold(t *testing.T) {
	tn := newTown(t)
	c := tn.city("gotham")
	owner := tn.owner(c)
	tn.person(c, "second@example.org", report.Moderator)
	ctx := tn.as(c, owner)
	save := func(triggers string) {
		t.Helper()
		must(tn.SaveRules(ctx, c.ID, manage.Rules{Triggers: triggers}, ""))(t)
	}
	save(tn.now(c).Triggers) // nothing but the blocked words may change
	tn.mails = nil
	tn.clock.Add(2 * time.Hour.Milliseconds())
	save("kontrolle\nkontis")
	tn.mailed("second@example.org: rules were changed | " + owner.Email + " has changed | + kontrolle")
	save("kontrolle")
	save("kontrolle")
	tn.mailed()
	tn.acted(c, owner.Email+" rules.saved", owner.Email+" rules.saved")
	tn.clock.Add(time.Hour.Milliseconds() + 1)
	save("kontis")
	tn.mailed("second@example.org: + kontis | - kontrolle")
}

// TestActsHaveTexts looks for the name of each act in the sources: each has its words.
func TestActsHaveTexts(t *testing.T) {
	tn := newTown(t)
	name := regexp.MustCompile(`"([a-z]+\.[a-z_]+)"`)
	n := 0
	for _, path := range must(filepath.Glob("*.go"))(t) {
		for line := range strings.SplitSeq(string(must(os.ReadFile(path))(t)), "\n") {
			if strings.HasSuffix(path, "_test.go") || !regexp.MustCompile(`\b(acted|did|decided)\(|\bact(, text)? :?=`).MatchString(line) {
				continue
			}
			for _, found := range name.FindAllStringSubmatch(line, -1) {
				n++
				for _, lang := range []string{"en", "de"} {
					if said := tn.texts.T(lang, "acts."+found[1], "Subject", "it"); strings.HasPrefix(said, "!") {
						t.Errorf("%s: %s has no words in %s", path, found[1], lang)
					}
				}
			}
		}
	}
	if n < 20 {
		t.Errorf("%d acts were found", n)
	}
}

// TestNothingDoneIsNoAct does things that are so already: the list of acts says nothing of them.
func TestNothingDoneIsNoAct(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.city("gotham")
	tn.says(c, passed, "kontis u1")
	id := must(tn.Reports(t.Context(), c.ID, manage.Wanted{Passed: true, Limit: 1}))(t)[0].Report.ID
	name, off := "Gotham", true
	b := must(tn.Bots(t.Context(), c))(t)[0].Bot
	for range 2 {
		must(tn.Change(t.Context(), c.ID, manage.Patch{Name: &name, Short: &off}, ""))(t)
		must(tn.SavePlaces(t.Context(), c.ID, "U1: Hbf", ""))(t)
		tn.check(tn.SaveAnswers(t.Context(), c.ID, "de", map[string]string{"answer.known": "Weiß ich."}, ""))
		must(tn.SaveRules(t.Context(), c.ID, manage.Rules{Triggers: "kontis?"}, ""))(t)
		tn.check(tn.Mute(t.Context(), c.ID, id))
	}
	for range 2 {
		tn.check(tn.Unmute(t.Context(), c.ID, id))
		tn.check(tn.Enable(t.Context(), b, false))
	}
	for range 2 {
		must(tn.Pause(t.Context(), c.ID))(t)
	}
	for range 2 {
		tn.check(tn.Resume(t.Context(), c.ID))
	}
	tn.acted(c, "city.changed", "places.saved", "answers.saved de", "rules.saved", "report.muted", "report.unmuted", "bot.disabled "+b.Network, "city.paused", "city.unpaused")
}

// TestActsGoAfterNinetyDays cleans what is older.
func TestActsGoAfterNinetyDays(t *testing.T) {
	tn := newTown(t)
	c := tn.city("gotham")
	tn.check(tn.Enable(t.Context(), report.Bot{ID: 1, CityID: c.ID, Network: "tram"}, false))
	tn.clock.Add((89 * 24 * time.Hour).Milliseconds())
	tn.check(tn.Enable(t.Context(), report.Bot{ID: 1, CityID: c.ID, Network: "tram"}, true))
	tn.check(tn.db.DeleteExpired(t.Context(), time.Hour))
	tn.acted(c, "bot.disabled tram", "bot.enabled tram")
	tn.clock.Add((2 * 24 * time.Hour).Milliseconds())
	tn.check(tn.db.DeleteExpired(t.Context(), time.Hour))
	if left := must(tn.Acts(t.Context(), c.ID, 0, 10))(t); len(left) != 1 || left[0].Act != "bot.enabled" {
		t.Errorf("left is %v", left)
	}
}
