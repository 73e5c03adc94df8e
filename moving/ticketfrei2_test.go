package moving_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/censor"
	"ticketfrei/moving"
	"ticketfrei/moving/movingtest"
)

// ticketfrei2 reads a database of Ticketfrei 2 with strange values, in which the statements were
// run.
func ticketfrei2(t *testing.T, statements ...string) moving.Source {
	t.Helper()
	path := movingtest.Make(t, append([]string{movingtest.Read(t, "testdata/ticketfrei2.sql")}, statements...)...)
	from, err := moving.ReadTicketfrei2(t.Context(), path, moving.Options{Now: time.UnixMilli(1e12)})
	if err != nil {
		t.Fatal(err)
	}
	return from
}

// lines are a list as the pages show it.
func lines(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// addresses are those of the recipients of a bot.
func addresses(b moving.Bot) (list []string) {
	for _, r := range b.Recipients {
		list = append(list, r.Address)
	}
	return list
}

// noted are the keys and arguments of notes, in a line each.
func noted(notes []moving.Note) (list []string) {
	for _, n := range notes {
		list = append(list, strings.TrimSpace(n.Key+" "+strings.Join(n.Args, " ")))
	}
	return list
}

func want(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestTicketfrei2(t *testing.T) {
	t.Parallel()
	from := ticketfrei2(t)
	want(t, "the secret", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20", string(from.Secret))
	want(t, "of no city", []string{"left_rows twitter_accounts 2", "left_rows twitter_request_tokens 1", "left_rows twitter_last_request 3", "left_rows seen_tweets 4",
		"left_rows seen_dms 1", "left_rows seen_mail 4", "left_rows seen_toots 5", "orphans mailinglist 42 1", "orphans email 99 1", "user_without_city 4"}, noted(from.Notes))
	if len(from.Cities) != 4 {
		t.Fatalf("%d cities", len(from.Cities))
	}
	nuernberg, leipzig, frankfurt, second := from.Cities[0], from.Cities[1], from.Cities[2], from.Cities[3]

	want(t, "slugs", []string{"nuernberg", "leipzig-sued", "frankfurt-oder", "nuernberg"}, []string{nuernberg.Copy.Slug, leipzig.Copy.Slug, frankfurt.Copy.Slug, second.Copy.Slug})
	want(t, "triggers of Nürnberg", []string{"kontroll?e", "konti", "db", "vgn", "vag", "zivil", "sicherheit", "uniform", "station", "bus", "bahn", "tram", "linie",
		"nuernberg", "nürnberg", `s\d`, `u\d\d?`, `\#ticketfrei`, `\su1`, "plärrer"}, lines(nuernberg.Copy.Triggers))
	want(t, "blocked in Nürnberg", []string{"bastard", "hitler", "jude", "fag", "schlitz"}, lines(nuernberg.Copy.Blocked))
	if page := nuernberg.Copy.Page; !strings.Contains(page, "Kontrolle? Dann schreib es den anderen Fahrgästen, damit alle Bescheid wissen.\n\n") || !strings.Contains(page, "\n* Trag hier [deine Mailadresse ein](/city/mail/Nürnberg)\n* Schreib") {
		t.Errorf("the page of Nürnberg is\n%s", page)
	}
	if len(nuernberg.Bots) != 3 {
		t.Fatalf("bots of Nürnberg are %+v", nuernberg.Bots)
	}
	mail, telegram, mastodon := nuernberg.Bots[0], nuernberg.Bots[1], nuernberg.Bots[2]
	want(t, "subscribers", []string{"rider@example.org", "zweite@example.org", "umlaut@xn--mller-kva.example", "drei@example.org", "vier@example.org"}, addresses(mail))
	want(t, "the page of mail", "# Immer aktuell\n\nWir schicken dir eine Mail, wenn kontrolliert wird.\n", mail.Page)
	want(t, "chats", []string{"1001", "1002", "6000000001"}, addresses(telegram))
	want(t, "the bot of Telegram", []string{"123456789", "845120348"}, []string{telegram.Account.Remote, telegram.Account.Cursor})
	want(t, "the account of Mastodon", []string{"https://mastodon.example", "masto-token-old-n", ""}, []string{mastodon.Account.Server, mastodon.Account.Token, mastodon.Account.Remote})
	want(t, "moderators", []string{"mod@example.org", "second@example.org"}, []string{nuernberg.Admins[0].Email, nuernberg.Admins[1].Email})
	want(t, "one password", nuernberg.Admins[0].Password, nuernberg.Admins[1].Password)
	want(t, "notes of Nürnberg", []string{"page_pictures", "page_html", "subscribers_twice 2", "subscribers_none 3", "subscribers_own 1", "chats_none 1", "mastodon_newer mastodon.example", "twitter 1"}, noted(nuernberg.Notes))

	want(t, "triggers of Leipzig", []string{"kontrolle", "*", `linie \(11`, `\[bim`, `c\+\+`, `\?`, `s-bahn\.`, `\(\?<!nicht \)kontrolle`, `\(\\w\)\\1`, "Straßenbahn", "STRASSENBAHN"}, lines(leipzig.Copy.Triggers))
	want(t, "blocked in Leipzig", []string{"Bastard", "zwei wörter", "scheiß", "#hashtag", "werbung.de", "hitler", "jude", "fag", "schlitz"}, lines(leipzig.Copy.Blocked))
	want(t, "bots of Leipzig", []string{"987654321", "987654321:AAFbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "", "https://chaos.example"},
		[]string{leipzig.Bots[1].Account.Remote, leipzig.Bots[1].Account.Token, leipzig.Bots[1].Account.Cursor, leipzig.Bots[2].Account.Server})
	want(t, "chats of Leipzig", []string{"1001", "-1001234567890"}, addresses(leipzig.Bots[1]))
	if stored, err := leipzig.Bots[1].Stored(); err != nil || !strings.Contains(string(stored), `"groups":[{"chat":6,"kind":"group","whole":"-1001234567890"}]`) {
		t.Errorf("stored is %s, %v", stored, err)
	}
	for _, note := range []string{"t2_everything", "t2_blank", "t2_found_now Bastard, zwei wörter", "line_long " + strings.Repeat("x", 60) + "…", "word_none !!!", "mastodon_no_token mastodon.example"} {
		if !slices.Contains(noted(leipzig.Notes), note) {
			t.Errorf("%q is not among the notes of Leipzig: %q", note, noted(leipzig.Notes))
		}
	}

	want(t, "Frankfurt", []any{true, 1, censor.DefaultTriggers("de")}, []any{frankfurt.Off, len(frankfurt.Bots), frankfurt.Copy.Triggers})
	want(t, "notes of Frankfurt", []string{"city_disabled", "blocked_default", "triggers_default", "page_default", "mastodon_inactive old.example"}, noted(frankfurt.Notes))
	want(t, "the second Nuremberg", []string{"triggers_default", "page_pictures", "page_html", "mastodon_no_instance 77"}, noted(second.Notes))
	want(t, "what is blocked there", []string{"hitler", "jude", "fag", "schlitz"}, lines(second.Copy.Blocked))
}

// TestTicketfrei2IsKnownAgain reads a database that has gone on: it is the same installation.
func TestTicketfrei2IsKnownAgain(t *testing.T) {
	t.Parallel()
	first := ticketfrei2(t)
	later := ticketfrei2(t, "INSERT INTO secret (secret) VALUES (x'1234')", "INSERT INTO mailinglist (user_id, email) VALUES (1, 'new@example.org')", "UPDATE user SET passhash = 'x'")
	other := ticketfrei2(t, "UPDATE secret SET secret = x'77' WHERE id = 1")
	if first.Key != later.Key || first.Key == other.Key || string(later.Secret) != "\x12\x34" {
		t.Errorf("keys are %s, later %s and of another installation %s", first.Key, later.Key, other.Key)
	}
}

// TestTablesOfVersion200 reads tables that are not what later versions made of them, and does
// without those that are not there.
func TestTablesOfVersion200(t *testing.T) {
	t.Parallel()
	from := ticketfrei2(t, "ALTER TABLE telegram_accounts RENAME COLUMN apikey TO api_token", "ALTER TABLE user DROP COLUMN enabled", "ALTER TABLE cities DROP COLUMN mail_md",
		"DROP TABLE seen_telegrams", "DROP TABLE badwords", "DROP TABLE mastodon_accounts", "DROP TABLE mastodon_instances", "DROP TABLE twitter_accounts", "DROP TABLE secret")
	c := from.Cities[0]
	if len(c.Bots) != 2 || c.Bots[1].Account.Remote != "123456789" || c.Bots[1].Account.Cursor != "" || c.Bots[0].Page != "" {
		t.Errorf("bots are %+v", c.Bots)
	}
	if from.Cities[2].Off || c.Copy.Blocked == "" || from.Secret != nil || !slices.Contains(noted(from.Notes), "no_secret") {
		t.Errorf("city 3 is off (%t), blocked are %q, notes %q", from.Cities[2].Off, c.Copy.Blocked, noted(from.Notes))
	}
}

// TestStrangeCities reads cities that no page of Ticketfrei 2 makes.
func TestStrangeCities(t *testing.T) {
	t.Parallel()
	from := ticketfrei2(t,
		"INSERT INTO user VALUES (6, NULL, 1), (7, 'x', NULL), (8, 'x', 1)",
		"INSERT INTO cities (user_id, city, markdown) VALUES (6, '  Zwei   Worte ', ''), (6, 'Zweite', ''), (7, NULL, NULL), (7, ' ', NULL), (7, 'Dritte', 'x'), (8, 'Ж', ''), (NULL, 'Niemandes', '')",
		"INSERT INTO telegram_accounts (user_id, apikey) VALUES (6, 'no token'), (7, '')",
		"INSERT INTO telegram_subscribers (user_id, subscriber_id) VALUES (7, 5)")
	var names []string
	for _, c := range from.Cities[4:] {
		names = append(names, c.Copy.Name+" "+c.Copy.Slug)
	}
	want(t, "cities", []string{"Zwei Worte zwei-worte", "Dritte dritte", "Ж zh"}, names)
	want(t, "notes of the first", []string{"t2_second_city Zweite", "blocked_default", "triggers_default", "no_password", "telegram_no_token"}, noted(from.Cities[4].Notes))
	want(t, "notes of the second", []string{"blocked_default", "triggers_default", "chats_without_bot 1"}, noted(from.Cities[5].Notes))
}

// TestTriggersDoWhatTheyDid compares the verdicts on texts with what Ticketfrei 2 did: it looked
// for each line in the text, as it stands.
func TestTriggersDoWhatTheyDid(t *testing.T) {
	t.Parallel()
	texts := []string{"Kontis im Bus 4", "der bus", "omnibus", "u1 plärrer", "in der u1", "C++ im Zug", "nur c", "(siehe oben)", "siehe oben", "#ticketfrei los", "ticketfrei los",
		`back\slash`, "100 %", "a.b", "axb", "[bim] 2", "1 * 2", "^oben$", "Straße", "STRASSE"}
	for _, line := range []string{"bus", " bus", "bus ", "u1", " u1", "c++", "(siehe", "#ticketfrei", `back\s`, "a.b", "[bim", "^oben$", "100 %", "Straße", "plärrer"} {
		from := ticketfrei2(t, "UPDATE triggerpatterns SET patterns = '"+line+"' WHERE user_id = 1")
		rules, err := censor.Compile(from.Cities[0].Copy.Triggers, "")
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		for _, text := range texts {
			did := strings.Contains(strings.ToLower(text), strings.ToLower(line))
			if passes := rules.Judge(text).Passed; passes != did && !(strings.EqualFold(line, "straße") && passes) { // which finds STRASSE here, too
				t.Errorf("the line %q as %q: %q passes %t, and did %t", line, from.Cities[0].Copy.Triggers, text, passes, did)
			}
		}
	}
}

// TestManyAndLongRules reads rules that no city can have here, and what is left of them works.
func TestManyAndLongRules(t *testing.T) {
	t.Parallel()
	var many []string
	for i := range 700 {
		many = append(many, "linie"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	from := ticketfrei2(t, "UPDATE triggerpatterns SET patterns = '"+strings.Join(many, "\n")+"' WHERE user_id = 1",
		"UPDATE badwords SET words = '"+strings.Repeat("y", 201)+"' || char(10) || '/(/' || char(10) || '   ' WHERE user_id = 1")
	c := from.Cities[0].Copy
	if _, err := censor.Accept(c.Triggers, c.Blocked); err != nil || len(lines(c.Triggers)) == 0 {
		t.Errorf("%d lines are left: %v", len(lines(c.Triggers)), err)
	}
	if notes := noted(from.Cities[0].Notes); !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "lines_many ") }) || !slices.ContainsFunc(notes, func(n string) bool { return strings.HasPrefix(n, "line_long yyy") }) {
		t.Errorf("notes are %q", notes)
	}
}

func TestUnwrap(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ in, want string }{
		{"eins\nzwei\r\ndrei\n\nvier\n", "eins zwei drei\n\nvier\n"},
		{"# Titel\nText\nweiter", "# Titel\nText weiter"},
		{"Text:\n* eins\n  weiter\n* zwei", "Text:\n* eins weiter\n* zwei"},
		{"fest  \nneu\\\nnoch", "fest  \nneu\\\nnoch"},
		{"a\n\n    code\n    mehr\n", "a\n\n    code\n    mehr\n"},
		{"```\na\nb\n```\nc\nd", "```\na\nb\n```\nc d"},
		{"Titel\n=====\nText", "Titel\n=====\nText"},
		{"> a\n> b\nc", "> a\n> b\nc"},
		{"1. a\n2. b", "1. a\n2. b"},
		{"", ""},
	} {
		want(t, test.in, test.want, moving.Unwrap(test.in))
		want(t, "again: "+test.in, test.want, moving.Unwrap(moving.Unwrap(test.in)))
	}
}

// TestEndlessRules reads rules with 100,000 lines: each is looked for among those before it in
// no time.
func TestEndlessRules(t *testing.T) {
	t.Parallel()
	lines := "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT group_concat('line' || i, char(10)) FROM n"
	began := time.Now()
	from := ticketfrei2(t, "UPDATE triggerpatterns SET patterns = ("+lines+") WHERE user_id = 1", "UPDATE badwords SET words = ("+lines+") WHERE user_id = 1")
	if notes := noted(from.Cities[0].Notes); !slices.Contains(notes, "lines_many 99500") {
		t.Errorf("notes are %.300q", notes)
	}
	if took := time.Since(began); took > 20*time.Second { // it was four times as long
		t.Errorf("it took %v", took)
	}
}

// TestPlaceAtTelegram reads numbers of what Telegram brought that can be none: what comes next
// would be counted from the end there.
func TestPlaceAtTelegram(t *testing.T) {
	t.Parallel()
	for tg, want := range map[string]string{"845120347": "845120348", "9223372036854775807": "", "4294967296": "", "-1": "", "'abc'": "", "NULL": "", "0": ""} {
		from := ticketfrei2(t, "UPDATE seen_telegrams SET tg_id = "+tg+" WHERE user_id = 1")
		for _, b := range from.Cities[0].Bots {
			if b.Network == "telegram" && b.Account.Cursor != want {
				t.Errorf("after %s the place is %q, want %q", tg, b.Account.Cursor, want)
			}
		}
	}
}
