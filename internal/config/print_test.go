package config_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"

	"ticketfrei/internal/config"
)

// TestEverySettingHasADefault compares config.toml with the structs.
func TestEverySettingHasADefault(t *testing.T) {
	var root map[string]any
	meta, err := toml.Decode(string(defaults(t)), &root)
	if err != nil {
		t.Fatal(err)
	}
	var inFile []string
	for _, key := range meta.Keys() {
		if meta.Type(key...) != "Hash" {
			inFile = append(inFile, key.String())
		}
	}
	inStructs := tags("", reflect.TypeFor[config.Config]())
	slices.Sort(inFile)
	slices.Sort(inStructs)
	if diff := cmp.Diff(inStructs, inFile); diff != "" {
		t.Errorf("Config and config.toml differ (-Config +config.toml):\n%s", diff)
	}
}

func tags(prefix string, t reflect.Type) []string {
	var keys []string
	for f := range t.Fields() {
		if f.Tag.Get("toml") == "-" {
			continue
		}
		key := prefix + f.Tag.Get("toml")
		if f.Type.Kind() == reflect.Struct {
			keys = append(keys, tags(key+".", f.Type)...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func TestPrint(t *testing.T) {
	_, sections := telegramSection()
	c, err := config.Load(config.Source{Defaults: defaults(t), Sections: sections, Env: []string{
		"TICKETFREI_DATA=C:\\data \"x\"",
		"TICKETFREI_SECRET=" + strings.Repeat("ab", 32),
		"TICKETFREI_MAIL_RELAY=smtp://user:password@mail.example.org:587",
		"TICKETFREI_TELEGRAM_TOKEN=123:token",
		"TICKETFREI_REPORTS_EXPIRE=90m",
		"TICKETFREI_WEB_TRUSTED_PROXIES=127.0.0.1, 10.0.0.0/8,2001:db8::/32",
	}})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.Print(&b, sections); err != nil {
		t.Fatal(err)
	}
	want := `data = "C:\\data \"x\""
secret = "(set)"
secret_file = ""

[web]
listen = ":8080"
url = "http://localhost:8080"
listen_tls = ":8443"
acme = ""
acme_directory = "https://acme-v02.api.letsencrypt.org/directory"
trusted_proxies = ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"]
imprint = ""
privacy = ""
signup = "open"
operator = ""
templates = ""

[mail]
listen = ":2525"
domain = "localhost"
domains = []
helo = ""
relay = "smtp://…@mail.example.org:587"
relay_password_file = ""
from = "ticketfrei@localhost"
tls_cert = ""
tls_key = ""
connections = 32
trusted_networks = []

[database]
url = ""
url_file = ""

[reports]
expire = "1h30m"
keep = "168h"
backlog = 50000
tasks_wait = "2s"
zone = ""

[brakes]
author = 5
client = 20
domain = 20
city = 20

[api]
cors_origins = []
requests = 60

[network]
allow_private = false

[programs]
dir = "programs"
user = ""
trusted = false

[metrics]
listen = "127.0.0.1:9464"

[log]
level = "info"
format = "text"

[telegram]
api = "https://api.telegram.org"
token = "(set)"
poll = "50s"
workers = 4
quiet = false
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	var back map[string]any
	if err := toml.Unmarshal(b.Bytes(), &back); err != nil {
		t.Errorf("what is printed is not TOML: %v", err)
	}
}

func TestPrintHidesSecrets(t *testing.T) {
	for secret, want := range map[string]string{
		"":                                   "",
		"123456:abc":                         "(set)",
		"user:password@mail.example.org":     "(set)",
		"https://token@hooks.example.org/x":  "https://…@hooks.example.org",
		"https://hooks.example.org/t/secret": "https://hooks.example.org",
		"postgres://u:p@db/x?password=p":     "postgres://…@db",
		"not a url %zz":                      "(set)",
	} {
		target, sections := telegramSection()
		target.Token = secret
		var b bytes.Buffer
		if err := (&config.Config{}).Print(&b, sections); err != nil {
			t.Fatal(err)
		}
		if line := "\ntoken = \"" + want + "\"\n"; !strings.Contains(b.String(), line) {
			t.Errorf("%q is shown as %s, want %s", secret, b.String(), line)
		}
	}
}
