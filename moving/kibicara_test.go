package moving_test

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ticketfrei/censor"
	"ticketfrei/moving"
	"ticketfrei/moving/movingtest"
)

// twoHoods are the hoods 1 and 7, as they begin.
const twoHoods = `
	INSERT INTO admins VALUES (1, 'admin@example.org', 'first'), (2, 'Admin@Example.org', 'second'), (3, 'other@example.org', 'third');
	INSERT INTO hoods VALUES (1, 'Südstadt', 'Hello', 1), (7, 'Neustadt', 'Hi', 1);
	INSERT INTO admin_hood_relations VALUES (1, 1, 1), (2, 3, 7);
	INSERT INTO triggers VALUES (1, 1, '.'), (2, 7, '.');
`

// kibicara reads a database with two hoods, 1 and 7, to which the statements add.
func kibicara(t *testing.T, statements string) moving.Source {
	t.Helper()
	src, err := moving.ReadKibicara(t.Context(), kibicaraFile(t, statements), moving.Options{Ours: "tickets.example", Now: time.UnixMilli(1000)})
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func kibicaraFile(t *testing.T, statements string) string {
	t.Helper()
	return movingtest.Make(t, movingtest.Read(t, "testdata/kibicara.sql"), twoHoods, statements)
}

// said are the notes of a list that begin with one of the keys.
func said(list []moving.Note, keys ...string) (notes []string) {
	for _, n := range list {
		if slices.Contains(keys, n.Key) {
			notes = append(notes, strings.Join(append([]string{n.Key}, n.Args...), " "))
		}
	}
	return notes
}

func TestHoodsOfKibicara(t *testing.T) {
	src := kibicara(t, `
		UPDATE hoods SET email_enabled = 0 WHERE id = 7;
		INSERT INTO hoods VALUES (8, 'südstadt ', char(10) || '    Default Landing Page' || char(10) || '    ', 1), (9, 'Nord/West', '# Nord' || char(10) || 'and' || char(10) || 'west <b>!</b>', 1);`)
	type city struct {
		ID               int64
		Name, Slug, Page string
		Mail             bool
	}
	var got []city
	for _, c := range src.Cities {
		got = append(got, city{c.ID, c.Copy.Name, c.Copy.Slug, c.Copy.Page, c.Bots[0].Enabled})
		if c.Copy.Created != 1000 || c.Copy.Language != "de" || c.Bots[0].Network != "mail" {
			t.Errorf("%+v", c)
		}
	}
	want := []city{{1, "Südstadt", "suedstadt", "Hello", true}, {7, "Neustadt", "neustadt", "Hi", false}, {8, "südstadt", "suedstadt", "", true},
		{9, "Nord/West", "nord-west", "# Nord\nand west <b>!</b>", true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if notes := said(src.Cities[1].Notes, "kibicara_mail_off"); len(notes) != 1 {
		t.Errorf("of no mail: %q", notes)
	}
	if notes := said(src.Cities[3].Notes, "page_html"); len(notes) != 1 {
		t.Errorf("of HTML: %q", notes)
	}
}

func TestAdminsOfKibicara(t *testing.T) {
	src := kibicara(t, `
		INSERT INTO admins VALUES (4, 'idle@example.org', 'x'), (5, 'nobody', 'x');
		INSERT INTO hoods VALUES (8, 'Weststadt', '', 1);
		INSERT INTO admin_hood_relations VALUES (3, 1, 1), (4, 2, 1), (5, 2, 7), (6, 99, 7), (7, 1, 99), (8, 5, 8);`)
	who := func(c moving.City) (list []string) {
		for _, a := range c.Admins {
			list = append(list, strings.Join([]string{a.Email, a.Password, a.Role}, " "))
		}
		return list
	}
	got := map[string][]string{}
	for _, c := range src.Cities {
		got[c.Copy.Slug] = append(who(c), said(c.Notes, "kibicara_admin_twice")...)
	}
	want := map[string][]string{
		"suedstadt": {"admin@example.org first owner", "kibicara_admin_twice a…@example.org A…@Example.org"},
		"neustadt":  {"other@example.org third owner", "admin@example.org first owner", "kibicara_admin_twice a…@example.org A…@Example.org"},
		"weststadt": {"nobody x owner"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantNotes := []string{"kibicara_orphans admin_hood_relations 1", "kibicara_orphans admins 1", "kibicara_admin_without_hood i…@example.org"}
	if diff := cmp.Diff(wantNotes, said(src.Notes, "kibicara_orphans", "kibicara_admin_without_hood")); diff != "" {
		t.Error(diff)
	}
}

// TestRulesOfKibicara checks what becomes of patterns; what they find is checked by
// TestPatternsOfPython.
func TestRulesOfKibicara(t *testing.T) {
	long := strings.Repeat("x", 201)
	src := kibicara(t, `
		DELETE FROM triggers;
		INSERT INTO triggers (hood, pattern) VALUES (1, ''), (1, '.'), (1, 'kontroll(?=e)'), (1, '(?i)Straße\s*\d+'), (1, 'kontrolle'), (1, 'kontrolle'), (1, '*'), (1, '#u1'), (1, ' bus'), (1, '`+long+`'),
			(7, '(a)\1'), (99, 'x');
		INSERT INTO badwords (hood, pattern) VALUES (1, 'idiot'), (1, 'idiot'), (1, 'nazi.{0,3}parole'), (1, ''), (1, '\bverkaufe\b'), (1, 'a/b'), (1, '(?P<w>spam)(?P=w)'), (1, '[');
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 510) INSERT INTO badwords (hood, pattern) SELECT 7, '\bword' || i || '\b' FROM n;`)
	first, second := src.Cities[0], src.Cities[1]
	if want := "*\n(?i)Straße\\s*\\d+\nkontrolle\n\\#u1\n\\sbus\n"; first.Copy.Triggers != want {
		t.Errorf("triggers %q, want %q", first.Copy.Triggers, want)
	}
	if want := "/idiot/\n/nazi.{0,3}parole/\nverkaufe\n/a/b/\n"; first.Copy.Blocked != want {
		t.Errorf("blocked %q, want %q", first.Copy.Blocked, want)
	}
	want := []string{"kibicara_blank", "line_refused kontroll(?=e)", "line_refused *", "kibicara_all_blocked ", "line_refused /(?P<w>spam)(?P=w)/", "line_refused /[/", "line_long " + long[:60] + "…"}
	got := said(first.Notes, "kibicara_blank", "line_refused", "line_long", "kibicara_all_blocked", "triggers_default")
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if second.Copy.Triggers != censor.DefaultTriggers("de") || strings.Count(second.Copy.Blocked, "\n") != 500 {
		t.Errorf("%q, and %d blocked words", second.Copy.Triggers, strings.Count(second.Copy.Blocked, "\n"))
	}
	if diff := cmp.Diff([]string{"lines_many 10", `line_refused (a)\1`, "triggers_default"}, said(second.Notes, "line_refused", "lines_many", "triggers_default")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kibicara_orphans triggers 1"}, said(src.Notes, "kibicara_orphans")); diff != "" {
		t.Error(diff)
	}
}

// TestInboxesOfKibicara checks that old addresses lead to their cities: as aliases where they
// may be, so that no other city takes them.
func TestInboxesOfKibicara(t *testing.T) {
	src := kibicara(t, `INSERT INTO email VALUES (1, 1, 'kibicara-South', ''), (2, 1, 'kibicara-sued', ''), (3, 7, 'kibicara-süd.stadt', ''), (4, 7, 'kibicara-south', ''), (5, 99, 'kibicara-gone', '');`)
	first, second := src.Cities[0], src.Cities[1]
	if diff := cmp.Diff([][]string{{"kibicara-sued"}, nil, {"kibicara-south"}, {"kibicara-süd.stadt"}},
		[][]string{first.Copy.Aliases, first.Names, second.Copy.Aliases, second.Names}); diff != "" {
		t.Error(diff)
	}
	keys := []string{"kibicara_inbox", "kibicara_inbox_capitals", "kibicara_inbox_left"}
	if diff := cmp.Diff([]string{"kibicara_inbox kibicara-sued", "kibicara_inbox_left kibicara-South"}, said(first.Notes, keys...)); diff != "" {
		t.Error(diff)
	}
	alone := kibicara(t, "INSERT INTO email VALUES (1, 1, 'kibicara-South', '')").Cities[0]
	if diff := cmp.Diff([]string{"kibicara-south", "kibicara_inbox_capitals kibicara-South kibicara-south"}, append(alone.Copy.Aliases, said(alone.Notes, keys...)...)); diff != "" {
		t.Error(diff)
	}
}

func TestSubscribersOfKibicara(t *testing.T) {
	src := kibicara(t, `
		INSERT INTO email VALUES (1, 7, 'kibicara-new', '');
		INSERT INTO email_subscribers VALUES (3, 1, 'abo@example.org'), (4, 1, ' Abo@Example.org'), (5, 7, 'ABO@example.org'), (6, 1, 'none'), (7, 1, 'a@müller.example'),
			(8, 1, 'kibicara-new@old.example'), (9, 1, 'x@tickets.example'), (10, 99, 'gone@example.org');`)
	got := map[int64]string{}
	for _, c := range src.Cities {
		for _, r := range c.Bots[0].Recipients {
			got[r.ID] = c.Copy.Slug + " " + r.Address
		}
	}
	want := map[int64]string{3: "suedstadt abo@example.org", 5: "neustadt abo@example.org", 7: "suedstadt a@xn--mller-kva.example"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"subscribers_twice 1", "subscribers_none 1", "subscribers_own 2"}, said(src.Cities[0].Notes, "subscribers_twice", "subscribers_none", "subscribers_own")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kibicara_orphans email_subscribers 1"}, said(src.Notes, "kibicara_orphans")); diff != "" {
		t.Error(diff)
	}
}

func TestTelegramBotsOfKibicara(t *testing.T) {
	src := kibicara(t, `
		INSERT INTO telegrambots VALUES (1, 1, '111:old', 'Welcome!', 'first_bot', 0), (2, 1, ' 222:b ', '  Willkommen in der *Südstadt*! ', NULL, 1), (3, 1, '111:new', 'Welcome!', 'first_bot', 1),
			(4, 1, '333:c', '`+strings.Repeat("ü", 2001)+`', 'off_bot', 0), (5, 7, 'nonsense', 'x', 'bad_bot', 1), (6, 99, '444:d', 'x', NULL, 1);
		INSERT INTO telegramusers VALUES (1, 2001, 1), (2, 2002, 2), (3, 2003, 3), (4, 6000000002, 4), (5, 2005, 5), (6, 2006, 77);
		INSERT INTO twitterbots VALUES (1, 1, NULL, NULL, 't', 's', NULL, 0, 0), (2, 1, NULL, NULL, 't', 's', NULL, 0, 0);`)
	type bot struct {
		ID                             int64
		Enabled                        bool
		Remote, Token, Handle, Welcome string
		Chats                          []string
	}
	var got []bot
	for _, b := range src.Cities[0].Bots[1:] {
		one := bot{b.ID, b.Enabled, b.Account.Remote, b.Account.Token, b.Account.Handle, b.Welcome, nil}
		for _, r := range b.Recipients {
			one.Chats = append(one.Chats, r.Address)
		}
		got = append(got, one)
	}
	want := []bot{{2, true, "222", "222:b", "", "Willkommen in der *Südstadt*!", []string{"2002"}}, {3, true, "111", "111:new", "@first_bot", "", []string{"2003"}},
		{4, false, "333", "333:c", "@off_bot", "", []string{"6000000002"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kibicara_telegram_twice first_bot", "welcome_long 2000", "twitter 2"}, said(src.Cities[0].Notes, "kibicara_telegram_twice", "welcome_long", "twitter")); diff != "" {
		t.Error(diff)
	}
	if len(src.Cities[1].Bots) != 1 || len(said(src.Cities[1].Notes, "kibicara_telegram_token")) != 1 {
		t.Errorf("of a token that is none: %+v", src.Cities[1])
	}
	if diff := cmp.Diff([]string{"kibicara_orphans telegrambots 1", "kibicara_orphans telegramusers 3"}, said(src.Notes, "kibicara_orphans")); diff != "" {
		t.Error(diff)
	}
}

func TestSettingsOfKibicara(t *testing.T) {
	file := kibicaraFile(t, "")
	secret := strings.Repeat("0f", 32)
	for name, c := range map[string]struct{ settings, secret, domain, wrong string }{
		"all":         {"database_connection = 'sqlite:////x'\nfrontend_url = 'https://Kibicara.example:8443'\nsecret = '" + secret + "'\n[twitter]\nconsumer_key = 'x'\n", secret, "kibicara.example", ""},
		"no secret":   {"production = true\n", "", "", ""},
		"this one":    {"frontend_url = 'http://localhost:4200'\n", "", "", ""},
		"bad secret":  {"secret = 'open sesame'\n", "", "", "secret is not 64"},
		"no settings": {"hello", "", "", "is no kibicara.conf"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kibicara.conf")
			if err := os.WriteFile(path, []byte(c.settings), 0o600); err != nil {
				t.Fatal(err)
			}
			src, err := moving.ReadKibicara(t.Context(), file, moving.Options{Settings: path})
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("it says %v", err)
				}
				return
			}
			if err != nil || hex.EncodeToString(src.Secret) != c.secret || src.Domain != c.domain {
				t.Errorf("%x, %q, %v", src.Secret, src.Domain, err)
			}
			if n := len(said(src.Notes, "kibicara_no_key")); (n == 1) != (c.secret == "") {
				t.Errorf("%d notes that there is no key", n)
			}
		})
	}
}

// TestKibicaraIsKnownAgain checks that an installation is known though what can be edited there
// was, and told from another.
func TestKibicaraIsKnownAgain(t *testing.T) {
	key := kibicara(t, "").Key
	edited := kibicara(t, "UPDATE admins SET passhash = 'new'; UPDATE hoods SET name = 'x' || id; DELETE FROM hoods WHERE id = 1; INSERT INTO admins VALUES (9, 'new@example.org', 'x')").Key
	other := kibicara(t, "UPDATE admins SET email = 'else@example.org' WHERE id = 1").Key
	if key == "" || edited != key || other == key {
		t.Errorf("%q, %q, %q", key, edited, other)
	}
}

// TestStrangeKibicara reads a database with what is strange in those that there are.
func TestStrangeKibicara(t *testing.T) {
	file := movingtest.Make(t, movingtest.Read(t, "testdata/kibicara.sql"), movingtest.Read(t, "testdata/kibicara-strange.sql"))
	src, err := moving.ReadKibicara(t.Context(), file, moving.Options{Now: time.UnixMilli(1000)})
	if err != nil {
		t.Fatal(err)
	}
	type city struct {
		Slug, Triggers, Blocked     string
		Names, Admins, Bots, People []string
		Notes                       []string
	}
	var got []city
	for _, c := range src.Cities {
		one := city{Slug: c.Copy.Slug, Triggers: c.Copy.Triggers, Blocked: c.Copy.Blocked, Names: append(c.Copy.Aliases, c.Names...)}
		for _, a := range c.Admins {
			one.Admins = append(one.Admins, a.Email+" "+a.Password[:9])
		}
		for _, b := range c.Bots {
			one.Bots = append(one.Bots, fmt.Sprint(b.Network, " ", b.Called(), " ", b.Enabled, " ", b.Welcome))
			for _, r := range b.Recipients {
				one.People = append(one.People, r.Address)
			}
		}
		for _, n := range c.Notes {
			one.Notes = append(one.Notes, strings.TrimSpace(n.Key+" "+strings.Join(n.Args, " ")))
		}
		slices.Sort(one.Notes)
		got = append(got, one)
	}
	want := []city{
		{"suedstadt-nuernberg", "*\n(?i)Straße\\s*\\d+\nkontrolle\n", "/idiot/\n/nazi.{0,3}parole/\n", []string{"kibicara-suedstadt"}, []string{"admin@example.org $argon2id"},
			[]string{"mail  true ", "telegram @suedstadt_bot true Willkommen in der *Südstadt*!", "telegram 444555666 false "}, []string{"abo@example.org", "2001", "2002", "2003"},
			[]string{"kibicara_admin_twice a…@example.org A…@Example.org", "kibicara_all_blocked", "kibicara_inbox kibicara-suedstadt", "line_refused kontroll(?=e)", "page_html",
				"subscribers_none 1", "subscribers_twice 1", "twitter 2"}},
		{"suedstadt-nuernberg", censor.DefaultTriggers("de"), "", []string{"kibicara-suedstadt2"}, []string{"admin@example.org $argon2id"}, []string{"mail  true "}, nil,
			[]string{"kibicara_inbox_capitals kibicara-Suedstadt2 kibicara-suedstadt2", `line_refused (a)\1`, "triggers_default"}},
		{"aeussere-neustadt-hecht", "Räumung|Zwangsräumung\n", "verkaufe\n", []string{"kibicara-neustadt.hecht"}, []string{"alt@example.org $argon2i$"},
			[]string{"mail  false ", "telegram @hecht_bot true "}, []string{"dritte@example.org", "6000000002"},
			[]string{"kibicara_inbox kibicara-neustadt.hecht", "kibicara_mail_off", "line_refused /(?P<w>spam)(?P=w)/", `line_refused \Zende`}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"kibicara_admin_without_hood o…@example.org"}, said(src.Notes, "kibicara_admin_without_hood", "kibicara_orphans")); diff != "" {
		t.Error(diff)
	}
}

// TestOtherKibicaras reads what is no Kibicara, or an early one that had fewer tables and columns.
func TestOtherKibicaras(t *testing.T) {
	for name, c := range map[string]struct{ statements, says string }{
		"Ticketfrei 2": {movingtest.Read(t, "testdata/ticketfrei2.sql"), "it is no database of Kibicara, but of Ticketfrei 2: ticketfrei import ticketfrei2"},
		"another":      {"CREATE TABLE hoods (id INTEGER)", "but of another program"},
	} {
		_, err := moving.ReadKibicara(t.Context(), movingtest.Make(t, c.statements), moving.Options{})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	early := movingtest.Make(t, `CREATE TABLE hoods (id INTEGER PRIMARY KEY, name TEXT, landingpage TEXT)`, `CREATE TABLE admins (id INTEGER PRIMARY KEY, email TEXT)`,
		`INSERT INTO hoods VALUES (3, '  ', NULL), (4, 'Südstadt', NULL)`)
	src, err := moving.ReadKibicara(t.Context(), early, moving.Options{})
	if err != nil || len(src.Cities) != 2 || src.Cities[0].Copy.Name != "Hood 3" || src.Cities[0].Copy.Slug != "hood-3" || !src.Cities[1].Bots[0].Enabled {
		t.Errorf("%+v, %v", src, err)
	}
}
