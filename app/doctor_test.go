package app

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"ticketfrei/app/doctor"
	"ticketfrei/bots/all"
	"ticketfrei/frontend"
	"ticketfrei/internal/config"
	"ticketfrei/internal/dnstest"
	"ticketfrei/internal/mailer"
)

// patient is a server that runs, with all that a doctor looks at.
type patient struct {
	*app
	box     *mailbox
	cfg     config.Config
	records []doctor.Record // what DNS says
	names   *dnstest.Server
	options doctor.Options
}

// newPatient starts a server, for which DNS is as "ticketfrei dns" prints it.
func newPatient(t *testing.T) *patient {
	t.Helper()
	box, definitions := startMailbox(t), all.Networks()
	a := runApp(t, appConfig(t, t.TempDir(), box, definitions), definitions)
	a.addCity("nuernberg", "*", "")
	return (&patient{app: a, box: box}).well(t)
}

// well returns the patient as it is when nothing is wrong, with DNS of its own.
func (p *patient) well(t *testing.T) *patient {
	t.Helper()
	inner := *p.app
	inner.T = t
	q := &patient{app: &inner, box: p.box, cfg: *p.server.cfg, names: dnstest.Start(t)}
	if err := os.Chmod(q.cfg.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	q.box.Answer(nil)
	q.cfg.Mail.Listen = q.smtp
	q.cfg.Mail.Domains = config.Domains{"old.example"}
	_, port, err := net.SplitHostPort(q.smtp)
	if err != nil {
		t.Fatal(err)
	}
	here := []netip.Addr{netip.MustParseAddr("127.0.0.1")}
	q.options = doctor.Options{Config: &q.cfg, Keys: testKeys(), DNS: q.names.Resolver(), Instance: frontend.Instance(q.server.secrets),
		Sender: "nuernberg@tickets.example", Addresses: here, SMTPPort: port, Now: time.Now}
	q.records = doctor.Records(&q.cfg, testKeys(), here)
	return q
}

// publish makes the name server say the records.
func (p *patient) publish() {
	p.Helper()
	for _, r := range p.records {
		switch {
		case strings.HasPrefix(r.Value, "<"):
		case r.Type == "TXT":
			p.names.TXT(r.Name, r.Value)
		default:
			p.names.Add(p, r.Name+". 60 IN "+r.Type+" "+r.Value)
		}
	}
}

func (p *patient) examine() []doctor.Result {
	p.Helper()
	p.options.Mailer = mailer.New(&p.cfg, p.server.log, time.Now)
	defer p.options.Mailer.Close()
	return doctor.Examine(p.Context(), p.options)
}

// without leaves records out; a name ends at its first dot.
func (p *patient) without(kind, start string) {
	p.Helper()
	n := len(p.records)
	p.records = slices.DeleteFunc(p.records, func(r doctor.Record) bool { return r.Type == kind && strings.HasPrefix(r.Name, start) })
	if len(p.records) == n {
		p.Fatalf("there is no %s record %s", kind, start)
	}
}

// replace changes the values of records.
func (p *patient) replace(old, value string) {
	p.Helper()
	changed := false
	for i, r := range p.records {
		if strings.Contains(r.Value, old) {
			p.records[i].Value, changed = strings.Replace(r.Value, old, value, 1), true
		}
	}
	if !changed {
		p.Fatalf("no record holds %s", old)
	}
}

// TestDoctorFindsNothing looks at a server that is well.
func TestDoctorFindsNothing(t *testing.T) {
	p := newPatient(t)
	p.publish()
	results := p.examine()
	for _, r := range results {
		if r.Level != doctor.OK {
			t.Error(r)
		}
	}
	if len(results) < 17 {
		t.Errorf("only %d things were looked at: %v", len(results), results)
	}
	if mails := p.box.Take(); len(mails) != 0 {
		t.Errorf("%d mails were sent", len(mails))
	}
}

// TestDoctorFinds has something wrong, and sees that the doctor says it, and what to do.
func TestDoctorFinds(t *testing.T) {
	p := newPatient(t)
	refuse := func(stage string, code int, enhanced smtp.EnhancedCode) func(*patient) {
		return func(p *patient) {
			p.box.Answer(func(at, _ string) error {
				if at == stage {
					return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "no"}
				}
				return nil
			})
		}
	}
	for name, tt := range map[string]struct {
		ail   func(*patient)
		level doctor.Level
		what  string // with what the result begins
		found string
	}{
		"no address":        {func(p *patient) { p.without("A", "tickets") }, doctor.Wrong, "address of tickets.example", "leads nowhere"},
		"another's address": {func(p *patient) { p.names.Add(p, "tickets.example. 60 IN AAAA 2001:db8::9") }, doctor.Warning, "address of tickets.example", "2001:db8::9"},
		"no MX":             {func(p *patient) { p.without("MX", "tickets") }, doctor.Wrong, "MX", "there is none"},
		"another's MX":      {func(p *patient) { p.replace("10 tickets.example.", "10 mx.elsewhere.example.") }, doctor.Wrong, "MX", "mx.elsewhere.example"},
		"a second MX":       {func(p *patient) { p.names.Add(p, "tickets.example. 60 IN MX 20 mx.elsewhere.example.") }, doctor.Warning, "MX", "mx.elsewhere.example"},
		"no MX of before":   {func(p *patient) { p.without("MX", "old") }, doctor.Wrong, "MX of old.example", "there is none"},
		"no SPF":            {func(p *patient) { p.without("TXT", "tickets") }, doctor.Wrong, "SPF", "there is no record"},
		"two SPF records":   {func(p *patient) { p.names.TXT("tickets.example", "v=spf1 a -all") }, doctor.Wrong, "SPF", "several"},
		"another's SPF":     {func(p *patient) { p.replace("v=spf1 mx -all", "v=spf1 ip4:192.0.2.1 -all") }, doctor.Wrong, "SPF", "does not name 127.0.0.1"},
		"SPF for everybody": {func(p *patient) { p.replace("v=spf1 mx -all", "v=spf1 +all") }, doctor.Warning, "SPF", "anybody"},
		"broken SPF":        {func(p *patient) { p.replace("v=spf1 mx -all", "v=spf1 ipv4:1 -all") }, doctor.Wrong, "SPF", "cannot be understood"},
		"no RSA key":        {func(p *patient) { p.without("TXT", "tf-rsa-") }, doctor.Wrong, "DKIM record tf-rsa-", "there is none"},
		"no Ed25519 key":    {func(p *patient) { p.without("TXT", "tf-ed25519-") }, doctor.Warning, "DKIM record tf-ed25519-", "there is none"},
		"half a key":        {func(p *patient) { p.replace("IDAQAB", "") }, doctor.Wrong, "DKIM record tf-rsa-", "a part"},
		"no DMARC":          {func(p *patient) { p.without("TXT", "_dmarc") }, doctor.Warning, "DMARC", "no record"},
		"broken DMARC":      {func(p *patient) { p.replace("p=none", "p=maybe") }, doctor.Wrong, "DMARC", "p=maybe"},
		"no PTR":            {func(p *patient) { p.without("PTR", "1.") }, doctor.Wrong, "reverse DNS", "no name"},
		"the hoster's PTR": {func(p *patient) {
			p.without("PTR", "1.")
			p.names.Add(p, "1.0.0.127.in-addr.arpa. 60 IN PTR static.hoster.example.")
		}, doctor.Warning, "reverse DNS", "static.hoster.example"},
		"DNS fails":             {func(p *patient) { p.names.Fail("_dmarc.tickets.example") }, doctor.Warning, "DMARC", "does not answer"},
		"another sender":        {func(p *patient) { p.cfg.Mail.From = "tickets@verein.example" }, doctor.Warning, "setting mail.from", "verein.example"},
		"the sender is refused": {refuse("mail", 550, smtp.EnhancedCode{5, 7, 1}), doctor.Wrong, "relay 127.0.0.1", "ticketfrei@tickets.example"},
		"nothing is relayed":    {refuse("rcpt", 554, smtp.EnhancedCode{5, 7, 1}), doctor.Wrong, "relay 127.0.0.1", "554 5.7.1"},
		"the relay is busy":     {refuse("mail", 451, smtp.EnhancedCode{4, 3, 2}), doctor.Warning, "relay 127.0.0.1", "451 4.3.2"},
		"no relay":              {func(p *patient) { p.cfg.Mail.Relay = "smtp://127.0.0.1:1" }, doctor.Wrong, "relay 127.0.0.1", "refused"},
		"no login":              {func(p *patient) { p.cfg.Mail.Relay = "smtp://me:sesame@" + p.box.Addr }, doctor.Wrong, "relay 127.0.0.1", "login"},
		"the file of the password is gone": {func(p *patient) {
			p.cfg.Mail.Relay, p.cfg.Mail.RelayPasswordFile = "smtp://me@"+p.box.Addr, "/nowhere/password"
		}, doctor.Wrong, "relay", "/nowhere/password: no such file"},
		"nothing known of port 25 outwards": {func(p *patient) { p.cfg.Mail.Relay = "" }, doctor.Warning, "port", "not tried"},
		"port 25 outwards is closed": {func(p *patient) {
			p.cfg.Mail.Relay, p.options.To = "", "elsewhere.example"
			p.names.Add(p, "elsewhere.example. 60 IN MX 10 mx.elsewhere.example.")
			p.names.Add(p, "mx.elsewhere.example. 60 IN A 127.0.0.2") // nobody listens there
		}, doctor.Wrong, "port", "mx.elsewhere.example"},
		"port 25 leads elsewhere": {func(p *patient) { _, p.options.SMTPPort, _ = net.SplitHostPort(p.box.Addr) }, doctor.Wrong, "port", "relay.example"},
		"port 25 is closed":       {func(p *patient) { p.options.SMTPPort = "1" }, doctor.Wrong, "port 1 of tickets.example", "nobody listens"},
		"the mail server is down": {func(p *patient) { p.cfg.Mail.Listen = "127.0.0.1:1" }, doctor.Wrong, "mail server", "nobody listens"},
		"the pages lead elsewhere": {func(p *patient) {
			p.cfg.Web.URL = p.page(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "https://other.example/", http.StatusFound)
			})
		}, doctor.Wrong, "pages at", "https://other.example/"},
		"somebody else's pages": {func(p *patient) { p.cfg.Web.URL = p.page(func(http.ResponseWriter, *http.Request) {}) }, doctor.Wrong, "pages at", "something else"},
		"another instance":      {func(p *patient) { p.options.Instance = "x" }, doctor.Wrong, "pages at", "another Ticketfrei"},
		"the proxy alone": {func(p *patient) {
			p.cfg.Web.URL = p.page(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
		}, doctor.Wrong, "pages at", "502"},
		"nobody at the address": {func(p *patient) { p.cfg.Web.URL = "http://127.0.0.1:1" }, doctor.Wrong, "pages at", "nobody listens"},
		"an unknown certificate": {func(p *patient) {
			srv := httptest.NewUnstartedServer(http.NotFoundHandler())
			srv.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			srv.StartTLS()
			p.Cleanup(srv.Close)
			p.cfg.Web.URL = srv.URL
		}, doctor.Wrong, "pages at", "certificate"},
		"a wrong clock": {func(p *patient) { p.options.Now = func() time.Time { return time.Now().Add(time.Hour) } }, doctor.Wrong, "clock", "1h0m"},
		"an open directory": {func(p *patient) {
			if err := os.Chmod(p.cfg.Data, 0o755); err != nil {
				p.Fatal(err)
			}
		}, doctor.Warning, "data directory", "can read"},
		"no directory":            {func(p *patient) { p.cfg.Data = filepath.Join(p.cfg.Data, "none") }, doctor.Wrong, "data directory", "no such file"},
		"no domain":               {func(p *patient) { p.cfg.Mail.Domain = "localhost" }, doctor.Wrong, "setting mail.domain", "localhost"},
		"no name":                 {func(p *patient) { p.cfg.Mail.Helo = "localhost" }, doctor.Wrong, "setting mail.helo", "localhost"},
		"no address of the pages": {func(p *patient) { p.cfg.Web.URL = "http://localhost:8080" }, doctor.Wrong, "setting web.url", "http://localhost:8080"},
		"a domain of a house":     {func(p *patient) { p.cfg.Mail.Domain = "tickets.lan" }, doctor.Warning, "setting mail.domain", "tickets.lan"},
		"no keys":                 {func(p *patient) { p.options.Keys = nil }, doctor.Warning, "DKIM", "not known"},
	} {
		t.Run(name, func(t *testing.T) {
			p := p.well(t)
			tt.ail(p)
			p.publish()
			results := p.examine()
			if !slices.ContainsFunc(results, func(r doctor.Result) bool {
				return r.Level == tt.level && strings.HasPrefix(r.What, tt.what) && strings.Contains(r.Found, tt.found) && r.Todo != ""
			}) {
				t.Errorf("nothing is said of %s with %q and what to do:\n%v", tt.what, tt.found, lines(results))
			}
			if strings.Contains(lines(results), "address of localhost") {
				t.Error("something is said of the address of localhost")
			}
			if strings.Contains(lines(results), "sesame") {
				t.Error("a password is shown")
			}
		})
	}
}

// page is a server of pages that are not ours.
func (p *patient) page(handler http.HandlerFunc) string {
	srv := httptest.NewServer(handler)
	p.Cleanup(srv.Close)
	return srv.URL
}

func lines(results []doctor.Result) string {
	var b strings.Builder
	for _, r := range results {
		b.WriteString(r.String() + "\n")
	}
	return b.String()
}

// asCommand gives the patient's settings to the commands.
func (p *patient) asCommand() {
	p.Helper()
	for key, value := range map[string]string{"DATA": p.cfg.Data, "WEB_LISTEN": p.cfg.Web.Listen, "WEB_URL": p.cfg.Web.URL, "MAIL_LISTEN": p.cfg.Mail.Listen,
		"MAIL_DOMAIN": p.cfg.Mail.Domain, "MAIL_RELAY": p.cfg.Mail.Relay, "NETWORK_ALLOW_PRIVATE": "true"} {
		p.Setenv("TICKETFREI_"+key, value)
	}
}

// command runs a command in the patient's world.
func (p *patient) command(args ...string) (code int, stdout, stderr string) {
	p.Helper()
	var out, words bytes.Buffer
	c := &console{ctx: p.Context(), stdout: &out, stderr: &words, defaults: builtIn(p.T),
		world: world{dns: p.names.Resolver(), addresses: p.options.Addresses, smtpPort: p.options.SMTPPort}}
	setDatabase(p.T)
	code = run(c, args)
	return code, out.String(), words.String()
}

// TestDoctorCommand runs the command beside a server that runs and after it has ended:
// 0, 1 and 2 are what scripts go by.
func TestDoctorCommand(t *testing.T) {
	p := newPatient(t)
	p.asCommand()
	says := func(code int, lines ...string) {
		t.Helper()
		got, out, _ := p.command("doctor")
		for _, line := range append(lines, " fine\n") {
			if got != code || !strings.Contains(out, line) || strings.Contains(out, "\x1b") {
				t.Fatalf("exit code %d, want %d and %q:\n%s", got, code, line, out)
			}
		}
	}
	says(2, "wrong    MX of tickets.example: there is none", "ok       the program at", "ok       database: ")
	p.publish()
	says(0, "ok       MX of tickets.example", "\n0 wrong, 0 to look at, ")
	if code, zone, words := p.command("dns"); code != exitOK || words != "" || !strings.Contains(zone, testKeys().Records("tickets.example")[0].Name) {
		t.Errorf("dns beside the server: exit code %d\n%s%s", code, zone, words)
	}
	p.stop()
	says(1, "warning  the program at "+p.cfg.Web.Listen+": it does not run", "\n0 wrong, ")
	p.Setenv("TICKETFREI_LOG_LEVEL", "loud")
	says(2, "wrong    settings: TICKETFREI_LOG_LEVEL")
}

// TestDoctorEndsInTime has nobody answer: neither DNS nor the relay.
func TestDoctorEndsInTime(t *testing.T) {
	p := newPatient(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	p.cfg.Mail.Relay = "smtp://" + silent.Addr().String()
	for _, name := range []string{"tickets.example", "_dmarc.tickets.example"} {
		p.names.Silence(name)
	}
	p.options.Mailer = mailer.New(&p.cfg, p.server.log, time.Now)
	defer p.options.Mailer.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	start := time.Now()
	results := doctor.Examine(ctx, p.options)
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
	if text := lines(results); !strings.Contains(text, "does not answer") || !strings.Contains(text, "wrong    relay") {
		t.Errorf("it does not say what does not answer:\n%s", text)
	}
}
