package verify_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"

	"ticketfrei/bots/mail/verify"
	"ticketfrei/internal/dnstest"
	"ticketfrei/internal/slow"
)

const (
	domain = "mail.example" // ours
	author = "anna@riders.example"
)

// client is the server that sends the mails of riders.example, stranger is not.
var client, stranger = netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.9")

// bench is a name server and a Verifier that asks it.
type bench struct {
	*testing.T
	names    *dnstest.Server
	verifier *verify.Verifier
	key      ed25519.PrivateKey
}

func newBench(t *testing.T) *bench {
	t.Helper()
	names := dnstest.Start(t)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &bench{t, names, verify.New(names.Resolver(), slog.New(slog.DiscardHandler)), key}
}

// publish puts the bench's key at a name.
func (b *bench) publish(selector, domain, more string) {
	public := base64.StdEncoding.EncodeToString(b.key.Public().(ed25519.PublicKey))
	b.names.TXT(selector+"._domainkey."+domain, "v=DKIM1; k=ed25519; "+more+"p="+public)
}

// sign signs a mail as change says.
func (b *bench) sign(mail, domain string, change func(*dkim.SignOptions)) string {
	b.Helper()
	o := &dkim.SignOptions{Domain: domain, Selector: "s", Signer: b.key, Hash: crypto.SHA256,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
		HeaderKeys: []string{"From", "To", "Subject", "Date"}}
	if change != nil {
		change(o)
	}
	var signed bytes.Buffer
	if err := dkim.Sign(&signed, strings.NewReader(mail), o); err != nil {
		b.Fatal(err)
	}
	return signed.String()
}

// check checks a mail of the author.
func (b *bench) check(mail string, from netip.Addr) verify.Result {
	b.Helper()
	return b.verifier.Check(b.Context(), mailOf(mail, from))
}

func mailOf(raw string, from netip.Addr) verify.Mail {
	return verify.Mail{Raw: []byte(raw), Author: author, Sender: author, Client: from, Domains: []string{domain}}
}

// checkBoth is check of a mail that must be found the same when it streams by.
func (b *bench) checkBoth(mail string, from netip.Addr) verify.Result {
	b.Helper()
	found := b.check(mail, from)
	if streamed := b.stream(mailOf(mail, from), 7); streamed != found {
		b.Errorf("found %v, and %v where the mail streams by", found, streamed)
	}
	return found
}

// stream checks a mail that comes in pieces of a size, of which the first holds the
// header.
func (b *bench) stream(m verify.Mail, size int) verify.Result {
	b.Helper()
	head := min(strings.Index(string(m.Raw)+"\r\n\r\n", "\r\n\r\n")+4+size, len(m.Raw))
	m.Stream = b.verifier.Stream(b.Context(), m.Raw[:head])
	for piece := range slices.Chunk(m.Raw[head:], size) {
		if _, err := m.Stream.Write(piece); err != nil {
			b.Fatal(err)
		}
	}
	m.Stream.Close()
	m.Raw = m.Raw[:head]
	return b.verifier.Check(b.Context(), m)
}

// letter is a mail of the author to us; more are fields that are put before.
func letter(more ...string) string {
	return strings.Join(append(more, "From: Anna <"+author+">", "To: nuernberg@"+domain, "Subject: U1",
		"Date: Fri, 3 May 2024 10:00:00 +0000", "", "Plärrer, 2 Kontis", ""), "\r\n")
}

// unknown is the client behind a gateway.
var unknown netip.Addr

// A signature proves the author where it is of the author's domain, holds, and
// covers what we read.
func TestSignatures(t *testing.T) {
	b := newBench(t)
	b.publish("s", "riders.example", "")
	b.publish("s", "mx.riders.example", "")
	b.publish("s", "evil.example", "")
	b.publish("s", "example.co.uk", "")
	b.names.TXT("revoked._domainkey.riders.example", "v=DKIM1; k=ed25519; p=")
	b.names.TXT("nonsense._domainkey.riders.example", "hello")
	b.names.TXT("long._domainkey.riders.example", "v=DKIM1; k=ed25519; n="+strings.Repeat("x", 3000)+"; p="+
		base64.StdEncoding.EncodeToString(b.key.Public().(ed25519.PublicKey)))
	b.publish("twice", "riders.example", "")
	b.publish("twice", "riders.example", "n=again; ")
	selector := func(name string) func(*dkim.SignOptions) {
		return func(o *dkim.SignOptions) { o.Selector = name }
	}
	keys := func(names ...string) func(*dkim.SignOptions) {
		return func(o *dkim.SignOptions) { o.HeaderKeys = names }
	}
	good := b.sign(letter(), "riders.example", nil)
	// A forger may have a key of their own, and sign what they like with it.
	_, theirs, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	toOthers := strings.Replace(letter(), "nuernberg@"+domain, "mallory@evil.example", 1)
	foreign := func(n int) (mail string) {
		mail = good
		for range n {
			mail = b.sign(mail, "evil.example", nil)
		}
		return mail
	}
	for _, c := range []struct {
		name, mail string
		want       verify.Result
	}{
		{"of the domain", good, verify.Proven},
		{"of a domain above", b.sign(letter(), "mx.riders.example", nil), verify.Proven},
		{"simple form", b.sign(letter(), "riders.example", func(o *dkim.SignOptions) {
			o.HeaderCanonicalization, o.BodyCanonicalization = dkim.CanonicalizationSimple, dkim.CanonicalizationSimple
		}), verify.Proven},
		{"every field", b.sign(letter(), "riders.example", keys()), verify.Proven},
		{"holds a while yet", b.sign(letter(), "riders.example", func(o *dkim.SignOptions) { o.Expiration = time.Now().Add(time.Hour) }), verify.Proven},
		{"behind those of a mailing service", foreign(10), verify.Proven},
		{"a copy for us", b.sign(strings.Replace(toOthers, "Subject:", "Cc: Us <NUERNBERG@mail.example>\r\nSubject:", 1), "riders.example",
			keys("From", "To", "Cc", "Subject")), verify.Proven},
		{"a name that no reader knows the charset of", b.sign(strings.Replace(letter(), "Anna <", "=?x-klingon?Q?=C4nna?= <", 1), "riders.example", nil), verify.Proven},

		{"none", letter(), verify.Unproven},
		{"of a stranger", b.sign(letter(), "evil.example", nil), verify.Unproven},
		{"of a stranger under the same registry", b.sign(strings.Replace(letter(), author, "anna@other.co.uk", 1), "example.co.uk", nil), verify.Unproven},
		{"with another key", b.sign(letter(), "riders.example", func(o *dkim.SignOptions) { o.Signer = theirs }), verify.Unproven},
		{"no such key", b.sign(letter(), "riders.example", selector("none")), verify.Unproven},
		{"the key was revoked", b.sign(letter(), "riders.example", selector("revoked")), verify.Unproven},
		{"the key is nonsense", b.sign(letter(), "riders.example", selector("nonsense")), verify.Unproven},
		{"the key is endless", b.sign(letter(), "riders.example", selector("long")), verify.Unproven},
		{"two keys", b.sign(letter(), "riders.example", selector("twice")), verify.Unproven},
		{"has expired", b.sign(letter(), "riders.example", func(o *dkim.SignOptions) { o.Expiration = time.Now().Add(-time.Hour) }), verify.Unproven},
		{"other words", strings.Replace(good, "Kontis", "Bullen", 1), verify.Unproven},
		{"more words", good + "and more\r\n", verify.Unproven},
		{"more words where the signature allows them", strings.Replace(good, "a=ed25519-sha256;", "a=ed25519-sha256; l=20;", 1) + "and more\r\n", verify.Unproven},
		{"another author", strings.Replace(good, "From: Anna", "From: Bert", 1), verify.Unproven},
		{"another subject", strings.Replace(good, "Subject: U1", "Subject: U2", 1), verify.Unproven},
		{"two authors in one field", b.sign(strings.Replace(letter(), "Anna <", "mallory@evil.example, Anna <", 1), "riders.example", nil), verify.Unproven},
		{"an author before", "From: bert@riders.example\r\n" + good, verify.Unproven},
		{"an author behind", strings.Replace(good, "\r\n\r\n", "\r\nFrom: bert@riders.example\r\n\r\n", 1), verify.Unproven},
		{"a subject before", "Subject: Forged\r\n" + good, verify.Unproven},
		{"a subject that is not signed", b.sign(letter(), "riders.example", keys("From", "To", "Date")), verify.Unproven},
		{"a line that some readers add to the subject", strings.Replace(good, "Subject: U1\r\n", "Subject: U1\r\nforged\r\n", 1), verify.Unproven},
		{"a field that some readers see", strings.Replace(good, "\nFrom:", "\nSubject : Forged\r\nFrom:", 1), verify.Unproven},
		{"lines that some readers see", strings.Replace(good, "\nFrom:", "\nX: \rSubject: Forged\r\nFrom:", 1), verify.Unproven},
		{"the end of a line that some readers see", strings.Replace(good, "\nFrom:", "\nX: \nSubject: Forged\r\nFrom:", 1), verify.Unproven},
		{"a line before the header", " Subject: Forged\r\n" + good, verify.Unproven},
		{"sent to somebody else", b.sign(toOthers, "riders.example", nil), verify.Unproven},
		{"to us, by a name that somebody else chose", b.sign(strings.Replace(toOthers, "mallory", "\"nuernberg@mail.example\" <mallory", 1), "riders.example", nil), verify.Unproven},
		{"to us, as somebody has written over it", strings.Replace(b.sign(toOthers, "riders.example", keys("From", "Subject")), "mallory@evil.example", "nuernberg@"+domain, 1), verify.Unproven},
		{"no end of the header", strings.TrimSuffix(strings.Split(good, "\r\n\r\n")[0], "\r\n"), verify.Unproven},
		{"nothing", "", verify.Unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := b.checkBoth(c.mail, unknown); got != c.want {
				t.Errorf("got %v, want %v\n%s", got, c.want, c.mail)
			}
		})
	}
	t.Run("the reader saw another author", func(t *testing.T) {
		m := verify.Mail{Raw: []byte(good), Author: "bert@riders.example", Sender: author, Domains: []string{domain}}
		if got := b.verifier.Check(t.Context(), m); got != verify.Unproven {
			t.Errorf("got %v", got)
		}
	})
}

// Keys of RSA count from 1024 bits on (RFC 8301 §3.2).
func TestWeakKeys(t *testing.T) {
	t.Setenv("GODEBUG", "rsa1024min=0")
	b := newBench(t)
	for bits, want := range map[int]verify.Result{768: verify.Unproven, 1024: verify.Proven} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		public, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			t.Fatal(err)
		}
		selector := fmt.Sprintf("k%d", bits)
		b.names.TXT(selector+"._domainkey.riders.example", "v=DKIM1; k=rsa; p="+base64.StdEncoding.EncodeToString(public))
		mail := b.sign(letter(), "riders.example", func(o *dkim.SignOptions) { o.Signer, o.Selector = key, selector })
		if got := b.checkBoth(mail, unknown); got != want {
			t.Errorf("%d bits: got %v, want %v", bits, got, want)
		}
	}
}

// The servers of the author's domain prove the author too, where it can be seen
// who they are.
func TestServers(t *testing.T) {
	b := newBench(t)
	b.names.TXT("riders.example", "v=spf1 ip4:192.0.2.0/24 -all")
	b.names.TXT("lists.riders.example", "v=spf1 ip4:192.0.2.0/24 -all")
	b.names.TXT("evil.example", "v=spf1 +all")
	b.names.TXT("riders.co.uk", "v=spf1 ip4:192.0.2.0/24 -all")
	b.names.TXT("open.example", "v=spf1 include:evil.example -all")
	b.names.TXT("_dmarc.open.example", "v=DMARC1; p=reject")
	b.names.TXT("named.example", "v=spf1 exists:%{l}.users.named.example -all")
	b.names.Add(t, "postmaster.users.named.example. A 127.0.0.2")
	from := func(address string) string { return strings.Replace(letter(), author, address, 1) }
	for _, c := range []struct {
		name, author, sender string
		client               netip.Addr
		want                 verify.Result
	}{
		{"of the domain", author, author, client, verify.Proven},
		{"as IPv6 writes IPv4", author, author, netip.MustParseAddr("::ffff:192.0.2.7"), verify.Proven},
		{"for a domain below", author, "anna@lists.riders.example", client, verify.Proven},
		{"for a domain above", "anna@lists.riders.example", author, client, verify.Proven},
		{"another server", author, author, stranger, verify.Unproven},
		{"nobody knows which", author, author, unknown, verify.Unproven},
		{"for the forger's own domain", author, "mallory@evil.example", client, verify.Unproven},
		{"for a domain under the same registry", "anna@other.co.uk", "x@riders.co.uk", client, verify.Unproven},
		{"for nobody", author, "", client, verify.Unproven},
		{"for no domain", author, "anna", client, verify.Unproven},
		{"for a domain that lets everybody", "anna@open.example", "anna@open.example", client, verify.Unproven},
		{"no record", "anna@none.example", "anna@none.example", client, verify.Unproven},
		{"a record that wants to know who writes", "anna@named.example", "anna@named.example", client, verify.Proven},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := verify.Mail{Raw: []byte(from(c.author)), Author: c.author, Sender: c.sender, Client: c.client, Domains: []string{domain}}
			if got := b.verifier.Check(t.Context(), m); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if asked := b.names.Asked(); slices.ContainsFunc(asked, func(q string) bool { return strings.Contains(q, "anna") }) {
				t.Errorf("the DNS was told who writes: %q", asked)
			}
		})
	}
}

// A domain may ask for more than usual, and for a refusal.
func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		name, record, above string // at riders.example, and at the domain that it is in
		signer, sender      string // domains; "" for no signature
		client              netip.Addr
		want                verify.Result
	}{
		{"strict: a signature of the domain", "v=DMARC1; p=none; adkim=s; aspf=s", "", "city.riders.example", "city.riders.example", stranger, verify.Proven},
		{"strict: a signature of a domain above", "v=DMARC1; p=none; adkim=s; aspf=s", "", "riders.example", "riders.example", stranger, verify.Unproven},
		{"strict: a server of the domain", "v=DMARC1; p=none; adkim=s; aspf=s", "", "", "city.riders.example", client, verify.Proven},
		{"strict: a server of a domain above", "v=DMARC1; p=none; adkim=s; aspf=s", "", "", "riders.example", client, verify.Unproven},
		{"strict for signatures only", "v=DMARC1; p=none; adkim=s", "", "riders.example", "riders.example", client, verify.Proven},
		{"strict by the domain above", "", "v=DMARC1; p=none; adkim=s; aspf=s", "riders.example", "riders.example", stranger, verify.Unproven},

		{"reject", "v=DMARC1; p=reject", "", "", "city.riders.example", stranger, verify.Refused},
		{"reject: in a forger's envelope", "v=DMARC1; p=reject", "", "", "evil.example", client, verify.Refused},
		{"reject: signed by a forger", "v=DMARC1; p=reject", "", "evil.example", "evil.example", stranger, verify.Refused},
		{"reject by the domain above", "", "v=DMARC1; p=reject", "", "city.riders.example", stranger, verify.Refused},
		{"reject in domains below", "", "v=DMARC1; p=none; sp=reject", "", "city.riders.example", stranger, verify.Refused},
		{"reject, but not in domains below", "", "v=DMARC1; p=reject; sp=none", "", "city.riders.example", stranger, verify.Unproven},
		{"reject: too strict for its own servers", "v=DMARC1; p=reject; adkim=s; aspf=s", "", "riders.example", "riders.example", client, verify.Refused},
		{"reject, but signed", "v=DMARC1; p=reject", "", "riders.example", "evil.example", stranger, verify.Proven},
		{"reject, but nobody knows by which server", "v=DMARC1; p=reject", "", "", "city.riders.example", unknown, verify.Unproven},
		{"reject a part only", "v=DMARC1; p=reject; pct=50", "", "", "city.riders.example", stranger, verify.Unproven},
		{"quarantine", "v=DMARC1; p=quarantine", "", "", "city.riders.example", stranger, verify.Unproven},
		{"none", "v=DMARC1; p=none", "", "", "city.riders.example", stranger, verify.Unproven},
		{"no record", "", "", "", "city.riders.example", stranger, verify.Unproven},
		{"nonsense", "v=DMARC1; p=refuse", "", "", "city.riders.example", stranger, verify.Unproven},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			for _, d := range []string{"riders.example", "city.riders.example"} {
				b.publish("s", d, "")
				b.names.TXT(d, "v=spf1 ip4:192.0.2.0/24 -all")
			}
			b.publish("s", "evil.example", "")
			b.names.TXT("evil.example", "v=spf1 +all")
			if c.record != "" {
				b.names.TXT("_dmarc.city.riders.example", c.record)
			}
			if c.above != "" {
				b.names.TXT("_dmarc.riders.example", c.above)
			}
			mail := strings.Replace(letter(), author, "anna@city.riders.example", 1)
			if c.signer != "" {
				mail = b.sign(mail, c.signer, nil)
			}
			m := verify.Mail{Raw: []byte(mail), Author: "anna@city.riders.example", Sender: "x@" + c.sender, Client: c.client, Domains: []string{domain}}
			if got := b.verifier.Check(t.Context(), m); got != c.want {
				t.Errorf("got %v, want %v; asked %q", got, c.want, b.names.Asked())
			}
		})
	}
}

// Whatever is wrong with the DNS, or too much for us, no mail is refused for it.
func TestNothingIsRefusedInDoubt(t *testing.T) {
	for name, setUp := range map[string]func(b *bench) string{
		"the key is not answered": func(b *bench) string {
			b.names.Fail("s._domainkey.riders.example")
			return b.sign(letter(), "riders.example", nil)
		},
		"SPF is not answered":        func(b *bench) string { b.names.Fail("riders.example"); return letter() },
		"the policy is not answered": func(b *bench) string { b.names.Fail("_dmarc.riders.example"); return letter() },
		"SPF asks without end": func(b *bench) string {
			b.names.TXT("riders.example", "v=spf1 mx:a.example mx:b.example mx:c.example mx:d.example mx:e.example -all")
			for _, d := range []string{"a", "b", "c", "d", "e"} {
				for i := range 10 {
					b.names.Add(b.T, fmt.Sprintf("%s.example. MX 1 mx%d.%s.example.", d, i, d))
					b.names.Add(b.T, fmt.Sprintf("mx%d.%s.example. A 203.0.113.1", i, d))
				}
			}
			return letter()
		},
		"a record of SPF is too long": func(b *bench) string {
			b.names.TXT("riders.example", "v=spf1 "+strings.Repeat("ip4:203.0.113.1 ", 500)+"-all")
			return letter()
		},
		"the sixth signature": func(b *bench) string {
			b.publish("s", "riders.example", "")
			mail := b.sign(letter(), "riders.example", nil)
			for range 5 {
				mail = b.sign(mail, "riders.example", func(o *dkim.SignOptions) { o.Selector = "none" })
			}
			return mail
		},
		"a signature of too many fields": func(b *bench) string {
			b.publish("s", "riders.example", "")
			return b.sign(letter(), "riders.example", func(o *dkim.SignOptions) {
				o.HeaderKeys = append(slices.Repeat([]string{"X-Nothing"}, 200), "From", "To", "Subject")
			})
		},
		"signed, but not to us": func(b *bench) string {
			b.publish("s", "riders.example", "")
			return b.sign(strings.Replace(letter(), "nuernberg@"+domain, "friends@riders.example", 1), "riders.example", nil)
		},
		"a header too long": func(*bench) string {
			return letter(slices.Repeat([]string{"X-Spam: " + strings.Repeat("x", 900)}, 80)...)
		},
		"too many fields": func(*bench) string { return letter(slices.Repeat([]string{"X-Spam: x"}, 500)...) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.names.TXT("_dmarc.riders.example", "v=DMARC1; p=reject")
			if got := b.check(setUp(b), stranger); got != verify.Unproven {
				t.Errorf("got %v", got)
			}
			if n := len(b.names.Asked()); n > 100 { // A and AAAA are two
				t.Errorf("%d questions", n)
			}
		})
	}
}

func TestSlowNames(t *testing.T) {
	slow.Test(t, "it waits for names that are never answered")
	b := newBench(t)
	b.names.Silence("s._domainkey.riders.example")
	b.names.TXT("_dmarc.riders.example", "v=DMARC1; p=reject")
	mail := letter()
	for range 5 {
		mail = b.sign(mail, "riders.example", nil)
	}
	began := time.Now()
	if got := b.check(mail, stranger); got != verify.Unproven {
		t.Errorf("got %v", got)
	}
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("took %s", took)
	}
}

// TestSlowNamesOfOthers has many mails of somebody whose name servers do not answer.
func TestSlowNamesOfOthers(t *testing.T) {
	slow.Test(t, "it waits for names that are never answered")
	b := newBench(t)
	b.publish("s", "riders.example", "")
	for i := range 100 {
		b.names.Silence(fmt.Sprintf("x%d.evil.example", i))
	}
	var flood sync.WaitGroup
	for i := range 100 {
		sender := fmt.Sprintf("mallory@x%d.evil.example", i)
		flood.Go(func() {
			b.verifier.Check(b.Context(), verify.Mail{Raw: []byte(strings.ReplaceAll(letter(), author, sender)),
				Author: sender, Sender: sender, Client: stranger, Domains: []string{domain}})
		})
	}
	for asked := 0; asked < 8; asked += len(b.names.Asked()) {
		time.Sleep(time.Millisecond)
	}
	began := time.Now()
	if got := b.check(b.sign(letter(), "riders.example", nil), stranger); got != verify.Proven {
		t.Errorf("got %v", got)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %s", took)
	}
	flood.Wait()
}

// What the answer does not depend on is not asked.
func TestQuestions(t *testing.T) {
	b := newBench(t)
	b.publish("s", "riders.example", "")
	b.publish("s", "evil.example", "")
	b.names.TXT("riders.example", "v=spf1 ip4:192.0.2.0/24 -all")
	for _, c := range []struct {
		name, mail string
		client     netip.Addr
		want       []string
	}{
		{"no signature, behind a gateway", letter(), unknown, nil},
		{"a signature of a stranger, behind a gateway", b.sign(letter(), "evil.example", nil), unknown, nil},
		{"nonsense", "From: " + author + ", mallory@evil.example\r\n\r\nx\r\n", stranger, nil},
		{"signed", b.sign(letter(), "riders.example", nil), stranger, []string{"TXT s._domainkey.riders.example"}},
		{"a server of the domain", letter(), client, []string{"TXT riders.example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.check(c.mail, c.client)
			if got := b.names.Asked(); !slices.Equal(got, c.want) {
				t.Errorf("asked %q, want %q", got, c.want)
			}
		})
	}
}

// signatureBegins finds the first characters of the newest signature.
var signatureBegins = regexp.MustCompile(`(?m)^( b=).{4}`)

// Nobody can have us count for long: the work of a mail is bounded whatever it
// holds.
func TestExpensiveMails(t *testing.T) {
	b := newBench(t)
	b.publish("s", "riders.example", "")
	fields := slices.Repeat([]string{"a:"}, 380)
	names := append(slices.Repeat([]string{"a"}, 70), "From", "To", "Subject")
	for name, body := range map[string]string{
		"empty lines":    strings.Repeat("\r\n", 500_000) + "x\r\n",
		"spaces":         strings.Repeat(" \t", 500_000) + "\r\n",
		"bare line ends": strings.Repeat("\n", 1_000_000) + "x\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			sign := func(mail string) string {
				return b.sign(mail, "riders.example", func(o *dkim.SignOptions) { o.HeaderKeys = names })
			}
			good := sign(letter(fields...) + body)
			// Four that do not hold, so that the next one is tried.
			broken, _, _ := strings.Cut(signatureBegins.ReplaceAllString(good, "${1}0000"), "a:\r\n")
			mail := strings.Repeat(broken, 4) + good
			began := time.Now()
			if got := b.check(mail, unknown); got != verify.Proven {
				t.Errorf("got %v", got)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
