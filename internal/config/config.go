// Package config reads the settings: the built-in config.toml, then the
// operator's file, then the environment.
package config

import (
	"cmp"
	"strings"
	"time"
)

// Config is every setting of the program except those of single networks, which
// each network has itself (see Section). config.toml explains each one.
type Config struct {
	Data   string `toml:"data"`
	Secret string `toml:"secret" secret:"true"`
	// SecretFile holds the secret in its place; Load has read it.
	SecretFile string `toml:"secret_file"`

	Web      Web      `toml:"web"`
	Mail     Mail     `toml:"mail"`
	Database Database `toml:"database"`
	Reports  Reports  `toml:"reports"`
	Brakes   Brakes   `toml:"brakes"`
	API      API      `toml:"api"`
	Network  Network  `toml:"network"`
	Programs Programs `toml:"programs"`
	Metrics  Metrics  `toml:"metrics"`
	Log      Log      `toml:"log"`

	// Warnings are about what the operator may delete, and what they should set.
	// The program works all the same.
	Warnings []Error `toml:"-"`
}

// Web is the section [web].
type Web struct {
	Listen        string `toml:"listen"`
	URL           string `toml:"url"` // without a trailing slash
	ListenTLS     string `toml:"listen_tls"`
	ACME          string `toml:"acme"` // mail address; empty: no https of our own
	ACMEDirectory string `toml:"acme_directory"`
	// TrustedProxies are believed what they say of the client in
	// X-Forwarded-For.
	TrustedProxies Networks `toml:"trusted_proxies"`
	// Files with texts of the operator's; empty: there are defaults.
	Imprint string `toml:"imprint"`
	Privacy string `toml:"privacy"`
	// Signup says who may add a city: SignupOpen, SignupApproval or SignupClosed.
	Signup string `toml:"signup"`
	// Operator is the mail address that is told of new cities, and shown where nobody may
	// add one; empty: there is none.
	Operator string `toml:"operator"`
	// Templates is a directory with files of the operator's that take the place of those
	// built in; empty: there is none.
	Templates string `toml:"templates"`
}

// What Web.Signup may be.
const (
	SignupOpen     = "open"     // anybody adds a city
	SignupApproval = "approval" // anybody does, and the operator lets it begin
	SignupClosed   = "closed"   // the operator alone
)

// Mail is the section [mail].
type Mail struct {
	Listen string `toml:"listen"`
	Domain string `toml:"domain"` // lower case
	// Domains are further ones whose mail is taken, as those that cities had elsewhere.
	Domains Domains `toml:"domains"`
	Helo    string  `toml:"helo"` // empty: the domain; see Name
	Relay   string  `toml:"relay" secret:"true"`
	// RelayPasswordFile holds the password of the relay in place of its URL.
	RelayPasswordFile string `toml:"relay_password_file"`
	From              string `toml:"from"` // never empty after Load
	TLSCert           string `toml:"tls_cert"`
	TLSKey            string `toml:"tls_key"`
	Connections       int    `toml:"connections"`
	// TrustedNetworks are those of relays of ours: what they say of the client
	// that brought a mail is believed.
	TrustedNetworks Networks `toml:"trusted_networks"`
}

// Name is what the mail server calls itself: its greeting, its EHLO, and the host that
// the MX record of the domain names.
func (m Mail) Name() string { return cmp.Or(m.Helo, m.Domain) }

// Leaves reports whether mail can be sent at all: there is a relay, or a name by which other
// mail servers can know us.
func (m Mail) Leaves() bool { return m.Relay != "" || !strings.EqualFold(m.Domain, "localhost") }

// Programs is the section [programs].
type Programs struct {
	Dir     string `toml:"dir"`     // where programs/NAME/program.toml is looked for
	User    string `toml:"user"`    // whom they run as; empty: as we do
	Trusted bool   `toml:"trusted"` // they may run where they cannot be kept from our files
}

// Database is the section [database].
type Database struct {
	URL string `toml:"url" secret:"true"`
	// URLFile holds the URL in its place; Load has read it.
	URLFile string `toml:"url_file"`
}

// Reports is the section [reports].
type Reports struct {
	Expire  time.Duration `toml:"expire"`
	Keep    time.Duration `toml:"keep"`
	Backlog int           `toml:"backlog"` // how many may wait to be judged
	// TasksWait is how long a city's outside programs may look at a report.
	TasksWait time.Duration `toml:"tasks_wait"`
	Zone      string        `toml:"zone"` // of cities whose own is not known; empty: the machine's
}

// Brakes is the section [brakes]: how many reports pass in ten minutes; 0 is any
// number.
type Brakes struct {
	Author int `toml:"author"`
	Client int `toml:"client"`
	Domain int `toml:"domain"`
	City   int `toml:"city"`
}

// Network is the section [network].
type Network struct {
	AllowPrivate bool `toml:"allow_private"`
}

// Metrics is the section [metrics].
type Metrics struct {
	Listen string `toml:"listen"` // empty: off
}

// Log is the section [log].
type Log struct {
	Level  string `toml:"level"`
	Format string `toml:"format"`
}

// Section is the settings of one network: a TOML table with the network's name.
type Section struct {
	Name string // name of the table, such as "telegram"
	// Defaults is the TOML of the table's keys, each with its default and a
	// comment, without the [table] line.
	Defaults string
	// Target points to the struct that takes the settings. It has toml tags as
	// in Config.
	Target any
	// Check says what is wrong with them once all settings are read, and what of them
	// does not fit the others, of which the operator is warned. The keys of the errors
	// are those of the table. nil: any values are right.
	Check func(*Config) (wrong, advice []Error)
}
