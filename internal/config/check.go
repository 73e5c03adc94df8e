package config

import (
	"encoding/hex"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"ticketfrei/internal/zone"
)

// check brings c to one spelling and reports what is wrong with it.
func (s *settings) check(c *Config) {
	if strings.TrimSpace(c.Data) == "" {
		s.fail("data", "is empty", `write the name of a directory, such as "data"`)
	}
	s.checkSecret(c.Secret)
	s.checkListenWeb(c.Web)
	s.checkURL(&c.Web)
	if c.Metrics.Listen != "" {
		s.checkListen("metrics.listen", c.Metrics.Listen, 9464)
	}
	s.checkACME(c.Web)
	s.checkOneOf("web.signup", c.Web.Signup, SignupOpen, SignupApproval, SignupClosed)
	s.checkOperator(c.Web.Operator)
	s.checkMail(&c.Mail)
	s.checkDatabase(c.Database, c.Secret)
	s.checkReports(c.Reports)
	s.checkBrakes(c.Brakes)
	s.checkAPI(c.API)
	s.checkOneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	s.checkOneOf("log.format", c.Log.Format, "text", "json")
}

// checkOperator checks the address that is told of new cities.
func (s *settings) checkOperator(address string) {
	if address == "" {
		return
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address {
		s.fail("web.operator", fmt.Sprintf("%q is not a mail address", address), `write one such as "you@example.org"`)
	}
}

// checkSection has a network look at its own settings.
func (s *settings) checkSection(section *Section, c *Config) {
	if section.Check == nil {
		return
	}
	wrong, advice := section.Check(c)
	for _, list := range [][]Error{wrong, advice} {
		for i := range list {
			list[i].Key = section.Name + "." + list[i].Key
			list[i].Source = s.fields[list[i].Key].source
		}
	}
	s.errs = append(s.errs, wrong...)
	s.warnings = append(s.warnings, advice...)
}

// fail reports what is wrong with the setting key and where it was set.
func (s *settings) fail(key, problem, hint string) {
	s.errs = append(s.errs, Error{Key: key, Source: s.fields[key].source, Problem: problem, Hint: hint})
}

func (s *settings) checkSecret(secret string) {
	if secret == "" {
		return
	}
	if raw, err := hex.DecodeString(secret); err != nil || len(raw) != 32 {
		s.fail("secret", "is not 64 hexadecimal digits", "make one with: openssl rand -hex 32")
	}
}

// checkListen checks an address to listen at. Port 0 means any free one.
func (s *settings) checkListen(key, address string, port int) {
	host, number, err := net.SplitHostPort(address)
	if err == nil && !strings.ContainsAny(host, " /@") && isPort(number) {
		return
	}
	s.fail(key, fmt.Sprintf("%q is not an address to listen at", address),
		fmt.Sprintf(`write ":%d" for all interfaces, "127.0.0.1:%d" for this machine only`, port, port))
}

// checkListenWeb checks where the pages are served: at an address, or at a Unix socket.
func (s *settings) checkListenWeb(web Web) {
	path, isSocket := Socket(web.Listen)
	switch {
	case !isSocket:
		s.checkListen("web.listen", web.Listen, 8080)
	case !filepath.IsAbs(path) || len(path) > longestSocket:
		s.fail("web.listen", fmt.Sprintf("%q is no path of a Unix socket", path), fmt.Sprintf(`write a whole path of at most %d letters, such as "unix:/run/ticketfrei/web.sock"`, longestSocket))
	case web.ACME != "":
		s.fail("web.listen", "is a Unix socket, though web.acme is set: the certificate authority asks at port 80",
			`write an address such as ":8080", or leave web.acme empty where the proxy has a certificate`)
	}
}

// longestSocket is how long the path of a Unix socket may be in all systems.
const longestSocket = 100

// Socket returns the path of the Unix socket that a setting says to listen at; ok is false
// where it is an address.
func Socket(listen string) (path string, ok bool) { return strings.CutPrefix(listen, "unix:") }

func isPort(number string) bool {
	_, err := strconv.ParseUint(number, 10, 16)
	return err == nil
}

func (s *settings) checkURL(web *Web) {
	const hint = `write the whole public address, such as "https://ticketfrei.example.org"`
	u, err := url.Parse(web.URL)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Port() != "" && !isPort(u.Port()):
		s.fail("web.url", fmt.Sprintf("%q is not an http or https address", web.URL), hint)
	case strings.Trim(u.Path, "/") != "":
		s.fail("web.url", fmt.Sprintf("%q has a path, %s: the pages need a host of their own", web.URL, u.Path),
			fmt.Sprintf(`give them a name of their own, such as "%s://ticketfrei.example.org", and write that without a path`, u.Scheme))
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		s.fail("web.url", fmt.Sprintf("%q has more than scheme, host and port", web.URL), hint)
	default:
		web.URL = u.Scheme + "://" + strings.ToLower(u.Host)
	}
}

// checkACME checks what the program needs to get a certificate by itself.
func (s *settings) checkACME(web Web) {
	s.checkListen("web.listen_tls", web.ListenTLS, 8443)
	if directory, err := url.Parse(web.ACMEDirectory); err != nil || directory.Scheme != "https" || directory.Hostname() == "" {
		s.fail("web.acme_directory", fmt.Sprintf("%q is not an https address", web.ACMEDirectory),
			"write the address of the directory as your certificate authority tells it, or leave the line out")
	}
	if web.ACME == "" {
		return
	}
	if a, err := mail.ParseAddress(web.ACME); err != nil || a.Address != web.ACME {
		s.fail("web.acme", fmt.Sprintf("%q is not a mail address", web.ACME), `write yours alone, such as "you@example.org"`)
	}
	const hint = `write the address that visitors use, such as "https://ticketfrei.example.org", or leave web.acme empty`
	u, err := url.Parse(web.URL)
	if err != nil {
		return // checkURL says so
	}
	if _, notAddress := netip.ParseAddr(u.Hostname()); u.Scheme == "http" {
		s.fail("web.url", fmt.Sprintf("%q does not begin with https://, though web.acme is set", web.URL), hint)
	} else if notAddress == nil {
		s.fail("web.url", fmt.Sprintf("%q has no name to get a certificate for, though web.acme is set", web.URL), hint)
	}
}

func (s *settings) checkMail(m *Mail) {
	s.checkListen("mail.listen", m.Listen, 2525)
	domain, err := mailDomain(m.Domain)
	if _, notAddress := netip.ParseAddr(m.Domain); err != nil || notAddress == nil {
		s.fail("mail.domain", fmt.Sprintf("%q is not a domain", m.Domain), `write only the part after the @, such as "ticketfrei.example.org"`)
	} else {
		m.Domain = domain
	}
	m.Domains = slices.DeleteFunc(m.Domains, func(d string) bool { return d == m.Domain })
	s.checkHelo(m)
	s.checkRelay(m)
	if m.From == "" {
		m.From = "ticketfrei@" + m.Domain
	} else if a, err := mail.ParseAddress(m.From); err != nil || a.Address != m.From {
		s.fail("mail.from", fmt.Sprintf("%q is not a mail address", m.From), `write the address alone, such as "ticketfrei@example.org"`)
	}
	switch {
	case m.TLSCert != "" && m.TLSKey == "":
		s.fail("mail.tls_cert", "is set, but mail.tls_key is not", "set both or none")
	case m.TLSCert == "" && m.TLSKey != "":
		s.fail("mail.tls_key", "is set, but mail.tls_cert is not", "set both or none")
	}
	s.checkAtLeastOne("mail.connections", m.Connections)
}

// checkHelo checks the name that the mail server gives itself, and brings it to the
// form that it has in DNS.
func (s *settings) checkHelo(m *Mail) {
	if m.Helo == "" {
		return
	}
	name, err := mailDomain(m.Helo)
	if _, notAddress := netip.ParseAddr(m.Helo); err != nil || notAddress == nil || !isHostName(name) {
		s.fail("mail.helo", fmt.Sprintf("%q is not the name of a host", m.Helo),
			`write the full name that this server has in DNS, such as "mail.example.org", or leave it empty`)
		return
	}
	m.Helo = name
}

// isHostName tells whether a name is made of letters, digits and hyphens (RFC 1123
// §2.1), and of more than one part: others refuse one that cannot be looked up.
func isHostName(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
	}
	return name == "localhost" || strings.Contains(name, ".")
}

// checkPasswordFile checks that the relay has one password: in its URL or in a file.
// Whether the file can be read is for Source.Check.
func (s *settings) checkPasswordFile(m *Mail, user *url.Userinfo) {
	_, inURL := user.Password()
	switch {
	case m.RelayPasswordFile == "":
	case user.Username() == "":
		s.fail("mail.relay_password_file", "is set, but mail.relay has no user to log in with", `write the user into mail.relay: "smtp://user@mail.example.org:587"`)
	case inURL:
		s.fail("mail.relay_password_file", "is set, but mail.relay has a password too", "take the password out of mail.relay, or leave mail.relay_password_file empty")
	}
}

// checkRelay checks mail.relay. Its errors show nothing of the value, which may
// hold a password.
func (s *settings) checkRelay(m *Mail) {
	if m.Relay == "" {
		s.checkPasswordFile(m, nil)
		return
	}
	const hint = `write it as "smtp://user:password@mail.example.org:587"; special characters in the password as %XX`
	u, err := url.Parse(m.Relay)
	if err == nil {
		s.checkPasswordFile(m, u.User)
	}
	switch {
	case err != nil || u.Opaque != "":
		s.fail("mail.relay", "is not an address of a mail server", hint)
	case u.Scheme != "smtp" && u.Scheme != "smtps":
		s.fail("mail.relay", "begins with neither smtp:// nor smtps://", hint)
	case u.Hostname() == "":
		s.fail("mail.relay", "names no host", hint)
	case u.Port() != "" && !isPort(u.Port()):
		s.fail("mail.relay", "has no valid port", hint)
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		s.fail("mail.relay", "has something after the host and port", hint)
	case u.User != nil && m.RelayPasswordFile == "" && !hasPassword(u.User):
		s.fail("mail.relay", "has a user but no password, or the other way round", hint)
	}
}

func hasPassword(user *url.Userinfo) bool {
	password, ok := user.Password()
	return ok && password != "" && user.Username() != ""
}

// checkDatabase takes PostgreSQL. The rest of its URL is read when it is opened. All
// processes that share a database have one key, which none of them can make.
func (s *settings) checkDatabase(d Database, secret string) {
	if d.URL == "" {
		return
	}
	if !strings.HasPrefix(d.URL, "postgres://") && !strings.HasPrefix(d.URL, "postgresql://") {
		s.fail("database.url", "is no address of a PostgreSQL server", `write it as "postgres://USER:PASSWORD@HOST/DATABASE", or leave it empty for an SQLite database in the data directory`)
		return
	}
	if secret == "" {
		s.fail("secret", "is empty, and database.url is set: all processes with one database need the same key", "set it to the output of: openssl rand -hex 32")
	}
}

// maxTasksWait is how long a report may wait for outside programs, at most: whoever wrote it
// waits to be told what became of it.
const maxTasksWait = time.Minute

func (s *settings) checkReports(r Reports) {
	if r.Expire <= 0 {
		s.fail("reports.expire", "is zero: no report would ever be sent", hintDuration)
	}
	if r.Keep <= 0 {
		s.fail("reports.keep", "is zero: every report would be deleted at once", hintDuration)
	}
	if r.Expire > r.Keep && r.Keep > 0 {
		// Name the one that was changed.
		key := "reports.expire"
		if s.fields[key].source == builtIn {
			key = "reports.keep"
		}
		s.fail(key, fmt.Sprintf("reports.expire (%s) is longer than reports.keep (%s)", formatDuration(r.Expire), formatDuration(r.Keep)),
			"a report must be kept for as long as it may be sent")
	}
	s.checkAtLeastOne("reports.backlog", r.Backlog)
	if r.TasksWait <= 0 || r.TasksWait > maxTasksWait {
		s.fail("reports.tasks_wait", fmt.Sprintf("%s is not between 0s and %s", formatDuration(r.TasksWait), formatDuration(maxTasksWait)), hintDuration)
	}
	if r.Zone != "" && zone.Known(r.Zone) != r.Zone {
		s.fail("reports.zone", fmt.Sprintf("%q is no time zone", r.Zone), `write its name as "Europe/Berlin" or "America/St_Johns", or leave it empty for the machine's`)
	}
}

func (s *settings) checkBrakes(b Brakes) {
	for _, brake := range []struct {
		key string
		n   int
	}{{"brakes.author", b.Author}, {"brakes.client", b.Client}, {"brakes.domain", b.Domain}, {"brakes.city", b.City}} {
		if brake.n < 0 {
			s.fail(brake.key, fmt.Sprintf("%d is less than none", brake.n), "write how many reports pass in ten minutes, or 0 for any number")
		}
	}
}

func (s *settings) checkAtLeastOne(key string, n int) {
	if n < 1 {
		s.fail(key, fmt.Sprintf("%d is too few", n), "write 1 or more")
	}
}

func (s *settings) checkOneOf(key, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		s.fail(key, fmt.Sprintf("%q is not known", value), "write one of "+strings.Join(allowed, ", "))
	}
}
