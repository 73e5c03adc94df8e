package dkim

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-msgauth/dkim"
)

// signed are the headers that a signature covers where a mail has them (RFC 6376
// §5.4.1). List-Unsubscribe-Post needs both of its own to be (RFC 8058 §4).
var signed = []string{"from", "to", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
	"mime-version", "content-type", "content-transfer-encoding", "auto-submitted", "precedence",
	"list-id", "list-unsubscribe", "list-unsubscribe-post"}

// Sign returns a mail, whose lines end in CRLF, with a signature of each key for a
// domain. It may be called by many goroutines.
func (k *Keys) Sign(domain string, mail []byte) ([]byte, error) {
	var out bytes.Buffer
	headers := covered(mail)
	for _, one := range k.both() {
		field, err := one.sign(domain, headers, mail)
		if err != nil {
			return nil, fmt.Errorf("sign a mail: %w", err)
		}
		out.WriteString(field)
	}
	out.Write(mail)
	return out.Bytes(), nil
}

// sign returns the header field with a signature.
func (k key) sign(domain string, headers []string, mail []byte) (string, error) {
	s, err := dkim.NewSigner(&dkim.SignOptions{
		Domain: domain, Selector: k.selector, Signer: k.Signer, HeaderKeys: headers,
		HeaderCanonicalization: dkim.CanonicalizationRelaxed, BodyCanonicalization: dkim.CanonicalizationRelaxed,
	})
	if err != nil {
		return "", err
	}
	if _, err := s.Write(mail); err != nil {
		s.Close()
		return "", err
	}
	if err := s.Close(); err != nil {
		return "", err
	}
	return s.Signature(), nil
}

// covered returns which headers of a mail are signed: each as often as it is there,
// and From once more, so that nobody can add another writer (RFC 6376 §8.15).
func covered(mail []byte) []string {
	headers := []string{"from"}
	head, _, _ := bytes.Cut(mail, []byte("\r\n\r\n"))
	for line := range strings.Lines(string(head)) {
		name, _, _ := strings.Cut(line, ":") // the rest of a folded header begins with a space
		if name = strings.ToLower(name); slices.Contains(signed, name) {
			headers = append(headers, name)
		}
	}
	return headers
}
