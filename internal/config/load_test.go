package config_test

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ticketfrei/internal/config"
)

// defaults reads the settings that are built into the program.
func defaults(tb testing.TB) []byte {
	tb.Helper()
	raw, err := os.ReadFile("../../config.toml")
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// telegram holds the settings of a network.
type telegram struct {
	API     string        `toml:"api"`
	Token   string        `toml:"token" secret:"true"`
	Poll    time.Duration `toml:"poll"`
	Workers int           `toml:"workers"`
	Quiet   bool          `toml:"quiet"`
}

func telegramSection() (*telegram, []*config.Section) {
	target := &telegram{}
	return target, []*config.Section{{
		Name: "telegram",
		Defaults: `# Server.
api = "https://api.telegram.org"
token = ""
poll = "50s"
workers = 4
quiet = false
`,
		Target: target,
	}}
}

// write writes an operator's file and returns its path.
func write(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "ticketfrei.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

func TestDefaults(t *testing.T) {
	target, sections := telegramSection()
	c, err := config.Load(config.Source{Defaults: defaults(t), Sections: sections})
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Data:     "data",
		Web:      config.Web{Listen: ":8080", URL: "http://localhost:8080", ListenTLS: ":8443", ACMEDirectory: letsEncrypt, Signup: config.SignupOpen},
		Mail:     config.Mail{Listen: ":2525", Domain: "localhost", From: "ticketfrei@localhost", Connections: 32},
		Reports:  config.Reports{Expire: 2 * time.Hour, Keep: 168 * time.Hour, Backlog: 50000, TasksWait: 2 * time.Second},
		Metrics:  config.Metrics{Listen: "127.0.0.1:9464"},
		Brakes:   config.Brakes{Author: 5, Client: 20, Domain: 20, City: 20},
		API:      config.API{Requests: 60},
		Programs: config.Programs{Dir: "programs"},
		Log:      config.Log{Level: "info", Format: "text"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&telegram{API: "https://api.telegram.org", Poll: 50 * time.Second, Workers: 4}, target); diff != "" {
		t.Error(diff)
	}
}

func TestFileAndEnvironment(t *testing.T) {
	target, sections := telegramSection()
	path := write(t, `
data = "/var/lib/ticketfrei"
reports.expire = "90m"
reports.backlog = 7
brakes.client = 0
[web]
listen = "127.0.0.1:0"
url = "HTTPS://Ticketfrei.Example.org/"
acme = "you@example.org"
acme_directory = "https://ca.example.org/acme/directory"
trusted_proxies = ["192.0.2.1"]
[metrics]
listen = ":9464"
[mail]
domain = "Städte.Example.org."
relay = "smtps://user:p%40ss@mail.example.org"
connections = 8
[telegram]
poll = "1s"
workers = 2
`)
	c, err := config.Load(config.Source{Defaults: defaults(t), File: path, Sections: sections, Env: []string{
		"TICKETFREI_CONFIG=ignored.toml",
		"TICKETFREI_DATA=/data",
		"TICKETFREI_SECRET=" + strings.Repeat("aB", 32),
		"TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1, 10.0.0.0/8,::1",
		"TICKETFREI_METRICS_LISTEN=",
		"TICKETFREI_WEB_LISTEN_TLS=:443",
		"TICKETFREI_MAIL_CONNECTIONS=64",
		"TICKETFREI_MAIL_LISTEN=[::1]:25",
		"TICKETFREI_NETWORK_ALLOW_PRIVATE=1",
		"TICKETFREI_REPORTS_KEEP=24h",
		"TICKETFREI_BRAKES_DOMAIN=3",
		"TICKETFREI_TELEGRAM_API=http://127.0.0.1:1=2",
		"TICKETFREI_TELEGRAM_QUIET=true",
		"HOME=/root",
		"TICKETFREI=x",
		"malformed",
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := &config.Config{
		Data:   "/data",
		Secret: strings.Repeat("aB", 32),
		Web: config.Web{Listen: "127.0.0.1:0", URL: "https://ticketfrei.example.org", ListenTLS: ":443", Signup: config.SignupOpen,
			ACME: "you@example.org", ACMEDirectory: "https://ca.example.org/acme/directory", TrustedProxies: config.Networks{
				netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}},
		Mail: config.Mail{Listen: "[::1]:25", Domain: "xn--stdte-hra.example.org", From: "ticketfrei@xn--stdte-hra.example.org",
			Relay: "smtps://user:p%40ss@mail.example.org", Connections: 64},
		Reports:  config.Reports{Expire: 90 * time.Minute, Keep: 24 * time.Hour, Backlog: 7, TasksWait: 2 * time.Second},
		Brakes:   config.Brakes{Author: 5, Domain: 3, City: 20},
		API:      config.API{Requests: 60},
		Programs: config.Programs{Dir: "programs"},
		Network:  config.Network{AllowPrivate: true},
		Log:      config.Log{Level: "info", Format: "text"},
	}
	if diff := cmp.Diff(want, c, cmpopts.EquateComparable(netip.Prefix{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&telegram{API: "http://127.0.0.1:1=2", Poll: time.Second, Workers: 2, Quiet: true}, target); diff != "" {
		t.Error(diff)
	}
}

func TestRefuses(t *testing.T) {
	const setting, section = "there is no such setting", "there is no such section"
	const acmeHint = `write the address that visitors use, such as "https://ticketfrei.example.org", or leave web.acme empty`
	tests := []struct {
		name string
		file string
		env  []string
		want config.Errors // Source "FILE" stands for the path
	}{
		{"unknown setting", "\n[web]\nlistn = \":80\"", nil, config.Errors{{"web.listn", "FILE:3", setting, "did you mean web.listen?"}}},
		{"upper case", "[web]\nListen = \":80\"", nil, config.Errors{{"web.Listen", "FILE:2", setting, "did you mean web.listen?"}}},
		{"setting without its section", `relay = ""`, nil, config.Errors{{"relay", "FILE:1", setting, "did you mean mail.relay?"}}},
		{"setting of two sections", `listen = ""`, nil, config.Errors{{"listen", "FILE:1", setting, "did you mean mail.listen or metrics.listen or web.listen?"}}},
		{"unknown section", "\n\n[wbe]\nlisten = \":80\"", nil, config.Errors{{"wbe", "FILE:3", section, "did you mean web?"}}},
		{"quoted key", `"a b" = 1`, nil, config.Errors{{`"a b"`, "FILE:1", setting, ""}}},
		{"unknown setting of a network", "[telegram]\nappi = ''", nil, config.Errors{{"telegram.appi", "FILE:2", setting, "did you mean telegram.api?"}}},
		{"unknown variable", "", []string{"TICKETFREI_MAIL_DOMAI=x"}, config.Errors{{"", "TICKETFREI_MAIL_DOMAI", setting, "did you mean TICKETFREI_MAIL_DOMAIN?"}}},
		{"variable like nothing", "", []string{"TICKETFREI_FROBNICATE=x"}, config.Errors{{"", "TICKETFREI_FROBNICATE", setting, ""}}},
		{"not TOML", "[web]\nlisten = :80", nil, config.Errors{{"", "FILE:2", "is not valid TOML: expected value but found ':' instead", "nothing in this file was read"}}},
		{"section given as setting", `web = ":80"`, nil, config.Errors{{"web", "FILE:1", "is a section, not a setting", "write it as a line [web]"}}},
		{"list of sections", "[[web]]\nlisten = ':80'", nil, config.Errors{{"web", "FILE:1", "is a section, not a setting", "write it as a line [web]"}}},
		{"setting given as section", "[data]\nx = 1", nil, config.Errors{{"data", "FILE:1", "is a section, not a text", `write a text in quotes, such as "…"`}}},
		{"number for text", "[mail]\n\ndomain = 7", nil, config.Errors{{"mail.domain", "FILE:3", "is a number, not a text", `write a text in quotes, such as "…"`}}},
		{"text for number", "[mail]\nconnections = '7'", nil, config.Errors{{"mail.connections", "FILE:2", "is a text, not a whole number", "write a whole number, without quotes"}}},
		{"fraction for number", "[mail]\nconnections = 7.5", nil, config.Errors{{"mail.connections", "FILE:2", "is a number, not a whole number", "write a whole number, without quotes"}}},
		{"text for switch", "[network]\nallow_private = 'yes'", nil, config.Errors{{"network.allow_private", "FILE:2", "is a text, not true or false", "write true or false, without quotes"}}},
		{"address with a path", "[web]\nurl = 'https://example.org/tickets/'", nil, config.Errors{{"web.url", "FILE:2", `"https://example.org/tickets/" has a path, /tickets/: the pages need a host of their own`, `give them a name of their own, such as "https://ticketfrei.example.org", and write that without a path`}}},
		{"number for time", "[reports]\nkeep = 7", nil, config.Errors{{"reports.keep", "FILE:2", "is a number, not a time", `write a time such as "90s", "15m" or "2h"`}}},
		{"list", "data = ['a']", nil, config.Errors{{"data", "FILE:1", "is a list, not a text", `write a text in quotes, such as "…"`}}},
		{"date", "data = 2024-01-01", nil, config.Errors{{"data", "FILE:1", "is a date, not a text", `write a text in quotes, such as "…"`}}},
		{"time with no unit", "[reports]\nexpire = '2'", nil, config.Errors{{"reports.expire", "FILE:2", `"2" is not a time`, `write a time such as "90s", "15m" or "2h"`}}},
		{"negative time of a network", "[telegram]\npoll = '-2s'", nil, config.Errors{{"telegram.poll", "FILE:2", `"-2s" is less than zero`, `write a time such as "90s", "15m" or "2h"`}}},
		{"wrong types in the environment", "", []string{"TICKETFREI_MAIL_CONNECTIONS=many", "TICKETFREI_REPORTS_KEEP=", "TICKETFREI_NETWORK_ALLOW_PRIVATE=maybe"}, config.Errors{
			{"mail.connections", "TICKETFREI_MAIL_CONNECTIONS", `"many" is not a whole number`, "write a whole number"},
			{"network.allow_private", "TICKETFREI_NETWORK_ALLOW_PRIVATE", `"maybe" is neither true nor false`, "write true or false"},
			{"reports.keep", "TICKETFREI_REPORTS_KEEP", `"" is not a time`, `write a time such as "90s", "15m" or "2h"`},
		}},
		{"secret", "secret = 'abc'", nil, config.Errors{{"secret", "FILE:1", "is not 64 hexadecimal digits", "make one with: openssl rand -hex 32"}}},
		{"one half of TLS", "[mail]\ntls_key = 'k.pem'", nil, config.Errors{{"mail.tls_key", "FILE:2", "is set, but mail.tls_cert is not", "set both or none"}}},
		{"other half of TLS", "", []string{"TICKETFREI_MAIL_TLS_CERT=c.pem"}, config.Errors{{"mail.tls_cert", "TICKETFREI_MAIL_TLS_CERT", "is set, but mail.tls_key is not", "set both or none"}}},
		{"certificate for nobody", "[web]\nurl = 'https://x.example'\nacme = 'yes'", nil, config.Errors{{"web.acme", "FILE:3",
			`"yes" is not a mail address`, `write yours alone, such as "you@example.org"`}}},
		{"certificate for http", "[web]\nacme = 'you@example.org'\nurl = 'http://x.example'", nil, config.Errors{{"web.url", "FILE:3",
			`"http://x.example" does not begin with https://, though web.acme is set`, acmeHint}}},
		{"certificate for the default", "[web]\nacme = 'you@example.org'", nil, config.Errors{{"web.url", "built-in",
			`"http://localhost:8080" does not begin with https://, though web.acme is set`, acmeHint}}},
		{"certificate for an address", "[web]\nurl = 'https://[2001:db8::1]:8443'\nacme = 'you@example.org'", nil, config.Errors{{"web.url", "FILE:2",
			`"https://[2001:db8::1]:8443" has no name to get a certificate for, though web.acme is set`, acmeHint}}},
		{"expire beyond keep", "reports.keep = '1h'", nil, config.Errors{{"reports.keep", "FILE:1", "reports.expire (2h) is longer than reports.keep (1h)", "a report must be kept for as long as it may be sent"}}},
		{"another database", "", []string{"TICKETFREI_DATABASE_URL=mysql://localhost"}, config.Errors{{"database.url", "TICKETFREI_DATABASE_URL", "is no address of a PostgreSQL server",
			`write it as "postgres://USER:PASSWORD@HOST/DATABASE", or leave it empty for an SQLite database in the data directory`}}},
		{"a server without a key", "", []string{"TICKETFREI_DATABASE_URL=postgres://localhost"}, config.Errors{{"secret", "built-in",
			"is empty, and database.url is set: all processes with one database need the same key", "set it to the output of: openssl rand -hex 32"}}},
		{"no backlog", "\nreports.backlog = 0", nil, config.Errors{{"reports.backlog", "FILE:2", "0 is too few", "write 1 or more"}}},
		{"an unknown zone", "\nreports.zone = \"Europe/Atlantis\"", nil, config.Errors{{"reports.zone", "FILE:2", `"Europe/Atlantis" is no time zone`, `write its name as "Europe/Berlin" or "America/St_Johns", or leave it empty for the machine's`}}},
		{"brakes below none", "[brakes]\nauthor = -1", []string{"TICKETFREI_BRAKES_CITY=-2"}, config.Errors{
			{"brakes.author", "FILE:2", "-1 is less than none", "write how many reports pass in ten minutes, or 0 for any number"},
			{"brakes.city", "TICKETFREI_BRAKES_CITY", "-2 is less than none", "write how many reports pass in ten minutes, or 0 for any number"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, sections := telegramSection()
			path := write(t, tt.file)
			c, err := config.Load(config.Source{Defaults: defaults(t), File: path, Env: tt.env, Sections: sections})
			if c != nil {
				t.Errorf("returned settings beside the error: %+v", c)
			}
			got, ok := errors.AsType[config.Errors](err)
			if !ok {
				t.Fatalf("error is %v, want Errors", err)
			}
			for i := range got {
				got[i].Source = strings.Replace(got[i].Source, path, "FILE", 1)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestValues tries good and bad values of single settings.
func TestValues(t *testing.T) {
	tests := []struct {
		env       string
		good, bad []string
	}{
		{"DATA", []string{"data", "/var/lib/x y"}, []string{"", "  "}},
		{"SECRET", []string{"", strings.Repeat("0f", 32)}, []string{strings.Repeat("0f", 31), strings.Repeat("0f", 33), strings.Repeat("0g", 32)}},
		{"WEB_LISTEN", []string{":0", ":80", "127.0.0.1:8080", "[::]:80", "localhost:1"}, []string{"", "8080", "localhost", ":http", ":65536", ":-1", "::1:80", "http://x:80", "a b:80"}},
		{"WEB_TRUSTED_PROXIES", []string{"", " ", "127.0.0.1", "::1", "10.0.0.0/8,fd00::/8", "127.0.0.1, ::1"},
			[]string{"localhost", "127.0.0.1:80", "10.0.0.0/33", "0.0.0.0/0", "::/0", "127.0.0.1 ::1", "[::1]"}},
		{"METRICS_LISTEN", []string{"", ":9464", "[::1]:0"}, []string{"9464", "localhost", ":metrics"}},
		{"WEB_LISTEN_TLS", []string{":443", "127.0.0.1:0"}, []string{"", "443", ":https"}},
		{"WEB_ACME_DIRECTORY", []string{"https://localhost:14000/dir"}, []string{"", "letsencrypt", "http://ca.example/directory", "https://"}},
		{"MAIL_LISTEN", []string{":25"}, []string{"25", ":"}},
		{"WEB_URL", []string{"http://localhost:8080", "https://x.example/", "https://x.example//", "http://[::1]:80"},
			[]string{"", "localhost:8080", "//x.example", "ftp://x.example", "https://", "https://:80", "https://x:99999", "https://x/?a", "https://x/#a", "https://u@x/", "https://x/path", "https://x example", "https://%zz"}},
		{"MAIL_DOMAIN", []string{"localhost", "X.example", "münchen.example", "xn--mnchen-3ya.example"},
			[]string{"", "a b", "a@b.example", "-a.example", "a..b", "a.example..", ".", "under_score.example", "127.0.0.1", "::1", strings.Repeat("a", 64) + ".example", "https://x.example", "xn--a.example"}},
		{"MAIL_FROM", []string{"", "x@example.org", "x+y@example.org"}, []string{"x", "X <x@example.org>", "<x@example.org>", "x@", "x@example.org, y@example.org", "x@example.org\r\nBcc: y@example.org"}},
		{"MAIL_RELAY", []string{"", "smtp://mail.example.org", "smtp://mail.example.org:587/", "smtps://u:p@[::1]:465"},
			[]string{"mail.example.org", "mail.example.org:25", "http://mail.example.org", "smtp://", "smtp://:25", "smtp://u:p@", "smtp://u@x", "smtp://:p@x", "smtp:x", "smtp://x/path", "smtp://x?tls=1", "smtp://x:0x19", "smtp://x:70000", "smtp://u:p%zz@x", "smtp://u:p@x#y"}},
		{"MAIL_CONNECTIONS", []string{"1", "1000"}, []string{"0", "-1", "", "1.5", "99999999999999999999"}},
		{"REPORTS_EXPIRE", []string{"1ns", "168h"}, []string{"0", "-1h", "169h", "1d", "1", "9999999999h"}},
		{"REPORTS_KEEP", []string{"2h", "8760h"}, []string{"0s", "1h"}},
		{"REPORTS_BACKLOG", []string{"1", "1000000"}, []string{"0", "-1", "", "1.5", "many", "99999999999999999999"}},
		{"LOG_LEVEL", []string{"debug", "info", "warn", "error"}, []string{"", "DEBUG", "trace"}},
		{"LOG_FORMAT", []string{"text", "json"}, []string{"", "xml"}},
		{"DATABASE_URL", []string{""}, []string{"mysql://x", "tickets.db", "postgres:x"}},
	}
	builtIn := defaults(t)
	load := func(entry string) error {
		_, err := config.Load(config.Source{Defaults: builtIn, Env: []string{entry}})
		return err
	}
	for _, tt := range tests {
		t.Run(tt.env, func(t *testing.T) {
			for _, value := range tt.good {
				if err := load("TICKETFREI_" + tt.env + "=" + value); err != nil {
					t.Errorf("%q is refused: %v", value, err)
				}
			}
			for _, value := range tt.bad {
				err := load("TICKETFREI_" + tt.env + "=" + value)
				got, ok := errors.AsType[config.Errors](err)
				if !ok || len(got) != 1 || got[0].Source != "TICKETFREI_"+tt.env || got[0].Key == "" || got[0].Hint == "" {
					t.Fatalf("%q: error is %#v, want one with source, key and hint", value, err)
				}
				if strings.Contains(err.Error(), "p%zz") {
					t.Errorf("the error shows a password: %v", err)
				}
			}
		})
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	path := write(t, "colour = 1\n[web]\nlisten = 8080\nurl = 'x'\n[log]\nlevel = 'loud'")
	_, err := config.Load(config.Source{Defaults: defaults(t), File: path, Env: []string{"TICKETFREI_MAIL_RELAY=x", "TICKETFREI_X=1"}})
	want := path + `:1: colour: there is no such setting
` + path + `:3: web.listen: is a number, not a text; write a text in quotes, such as "…"
TICKETFREI_X: there is no such setting
` + path + `:4: web.url: "x" is not an http or https address; write the whole public address, such as "https://ticketfrei.example.org"
TICKETFREI_MAIL_RELAY: mail.relay: begins with neither smtp:// nor smtps://; write it as "smtp://user:password@mail.example.org:587"; special characters in the password as %XX
` + path + `:6: log.level: "loud" is not known; write one of debug, info, warn, error`
	if err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
	if one, ok := errors.AsType[config.Error](err); !ok || one.Key != "colour" {
		t.Errorf("the first error is %#v", one)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "no.toml")
	_, err := config.Load(config.Source{Defaults: defaults(t), File: missing})
	if want := missing + ": cannot be read: no such file or directory; check the name of the file and that the program may read it"; err == nil || err.Error() != want {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// TestMistakesOfNetworks shows what the author of a network is told.
func TestMistakesOfNetworks(t *testing.T) {
	type one struct {
		A string `toml:"a"`
	}
	tests := []struct {
		name     string
		sections []*config.Section
		want     string
	}{
		{"no target", []*config.Section{{Name: "x"}}, "settings of x: target is <nil>, want a pointer to a struct"},
		{"target is no pointer", []*config.Section{{Name: "x", Target: one{}}}, "want a pointer to a struct"},
		{"no tag", []*config.Section{{Name: "x", Target: &struct{ A string }{}}}, "x.A has no toml tag"},
		{"type", []*config.Section{{Name: "x", Target: &struct {
			A []string `toml:"a"`
		}{}}}, "x.a: type []string is not supported"},
		{"no default", []*config.Section{{Name: "x", Target: &one{}}}, "x.a: has no default"},
		{"default of nothing", []*config.Section{{Name: "x", Target: &one{}, Defaults: "a = ''\nb = ''"}}, "x.b: there is no such setting"},
		{"twice", []*config.Section{{Name: "x", Target: &one{}, Defaults: "a = ''"}, {Name: "x", Target: &one{}, Defaults: "a = ''"}}, "there are two x.a"},
		{"same in the environment", []*config.Section{{Name: "web_trusted", Target: &struct {
			A bool `toml:"proxies"`
		}{}}}, "web_trusted.proxies and web.trusted_proxies are the same in the environment"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := config.Load(config.Source{Defaults: defaults(t), Sections: tt.sections})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error is %v, want %q", err, tt.want)
			}
			if _, ok := errors.AsType[config.Errors](err); ok {
				t.Error("is reported as the operator's mistake")
			}
		})
	}
}

// FuzzFile feeds anything to the parser of the operator's file.
func FuzzFile(f *testing.F) {
	builtIn := defaults(f)
	f.Add(string(builtIn))
	f.Add("[web]\nlisten = 1\n[[mail]]\na.b.c = {d = [1, 'x']}")
	f.Add("web.listen = ':1'\r\n[telegram]\npoll = '1s'\n\"\" = 1")
	path := write(f, "")
	f.Fuzz(func(t *testing.T, text string) {
		_, sections := telegramSection()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Source{Defaults: builtIn, File: path, Sections: sections})
		if err == nil {
			if c.Mail.From == "" || c.Web.URL == "" || c.Reports.Expire <= 0 {
				t.Errorf("settings that cannot be: %+v", c)
			}
			return
		}
		got, ok := errors.AsType[config.Errors](err)
		if !ok || len(got) == 0 {
			t.Fatalf("error is %#v", err)
		}
		for _, e := range got {
			if e.Source == "" || e.Problem == "" {
				t.Errorf("incomplete: %#v", e)
			}
		}
	})
}
