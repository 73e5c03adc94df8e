package mailtext

import (
	"slices"
	"strings"
)

// maxCities bounds the addresses of To and Cc that are looked for in the text.
const maxCities = 20

// quoting is what is known of a mail, beside its text, that tells words of its own
// from a quotation.
type quoting struct {
	reply  bool     // it answers or forwards another mail
	ours   bool     // that is one of ours
	cities []string // addresses, or their ends: a line that names one is another mail's

	subject string // in lower case

	cutSignature func(lines []string) []string
}

func (m *message) quoting() quoting {
	subject := cleanText(m.header.text("Subject"))
	reply := m.header.has("In-Reply-To") || m.header.has("References") || m.isReplySubject(subject)
	return quoting{reply: reply, ours: m.answersUs(), cities: m.cities(), subject: plainLine(strings.ToLower(subject))}
}

// answersUs says whether the mail answers one of ours, by its Message-ID.
func (m *message) answersUs() bool {
	ids := strings.ToLower(strings.Join(append(slices.Clone(m.header["in-reply-to"]), m.header["references"]...), " "))
	return slices.ContainsFunc(m.envelope.Domains, func(domain string) bool { return strings.Contains(ids, "@"+domain+">") })
}

// cities returns the addresses that quotations of our mails name. The mail may be for
// another city than the one that it quotes.
func (m *message) cities() []string {
	list := slices.Clone(m.envelope.To)
	for _, domain := range m.envelope.Domains {
		list = append(list, "@"+domain)
	}
	for _, name := range []string{"to", "cc"} {
		for _, value := range m.header[name] {
			value = strings.ToLower(value[:min(len(value), maxHeaderValue)])
			list = append(list, addressLike.FindAllString(value, maxCities)...)
		}
	}
	return list[:min(len(list), maxCities)]
}
