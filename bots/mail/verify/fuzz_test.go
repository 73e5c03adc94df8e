package verify

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// answers is a resolver that gives one answer to every question.
type answers string

func (a answers) LookupTXT(context.Context, string) ([]string, error) {
	return []string{string(a)}, nil
}
func (a answers) LookupMX(context.Context, string) ([]*net.MX, error) {
	return []*net.MX{{Host: string(a)}}, nil
}
func (a answers) LookupIPAddr(context.Context, string) ([]net.IPAddr, error) {
	return []net.IPAddr{{IP: net.IPv4(192, 0, 2, 7)}}, nil
}
func (a answers) LookupAddr(context.Context, string) ([]string, error) {
	return []string{string(a)}, nil
}

// FuzzCheck looks for mails and answers of the DNS that the check stumbles over.
func FuzzCheck(f *testing.F) {
	const mail = "From: Anna <anna@riders.example>\r\nTo: nuernberg@mail.example\r\nSubject: U1\r\n\r\nPlärrer\r\n"
	for _, answer := range []string{
		"v=spf1 ip4:192.0.2.0/24 a mx:%{d} include:%{i}.%{v}.example exists:%{l1r+}.%{h} ptr redirect=%{o} -all",
		"v=DMARC1; p=reject; sp=none; adkim=s; aspf=r; pct=100; fo=1:d; rf=afrf; ri=86400; rua=mailto:a@b.example!10m",
		"v=DKIM1; k=rsa; h=sha256; s=email:*; t=y:s; n=x; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL",
		"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
	} {
		f.Add([]byte(mail), answer)
		f.Add([]byte("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/simple; d=riders.example;\r\n s=x; t=1; x=99999999999; l=3; i=@riders.example; q=dns/txt;\r\n"+
			" h=From:To:Subject; bh=5y2seNh6FF6jrtcYTIU+mktIkA9B6aw3veiY35HxC3o=;\r\n b=AAAA\r\n"+mail), answer)
	}
	f.Fuzz(func(t *testing.T, raw []byte, answer string) {
		var log bytes.Buffer
		v := New(answers(answer), slog.New(slog.NewTextHandler(&log, nil)))
		v.Check(t.Context(), Mail{Raw: raw, Author: "anna@riders.example", Sender: "anna@riders.example",
			Client: netip.MustParseAddr("192.0.2.7"), Domains: []string{"mail.example"}})
		if strings.Contains(log.String(), "panic") {
			t.Errorf("%q, answered %q:\n%s", raw, answer, log.String())
		}
		if h, body, ok := readHeader(raw); ok {
			var whole []byte
			for _, f := range h {
				whole = append(whole, f.raw...)
			}
			if whole = append(append(whole, "\r\n"...), body...); !bytes.Equal(whole, raw) {
				t.Errorf("%q was cut into %q", raw, whole)
			}
		}
	})
}
