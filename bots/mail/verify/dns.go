package verify

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
)

const (
	// maxQuestions is how many are asked about one mail. SPF alone allows a
	// domain to cause more than a hundred.
	maxQuestions = 40
	// maxRecord is how long a text is that is read, in bytes: a key of 8192 bits
	// has room.
	maxRecord = 2 << 10
)

// Resolver answers questions of DNS; *net.Resolver is one.
type Resolver interface {
	LookupTXT(ctx context.Context, name string) ([]string, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
	LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error)
	LookupAddr(ctx context.Context, addr string) ([]string, error)
}

// questions are those about one mail.
type questions struct {
	resolver Resolver
	left     int
	// unanswered: a question was not answered, or not asked.
	unanswered bool
}

// LookupTXT returns the texts at a name.
func (q *questions) LookupTXT(ctx context.Context, name string) ([]string, error) {
	texts, err := ask(q, name, func(name string) ([]string, error) { return q.resolver.LookupTXT(ctx, name) })
	short := slices.DeleteFunc(texts, func(text string) bool { return len(text) > maxRecord })
	q.unanswered = q.unanswered || len(short) < len(texts)
	return short, err
}

// LookupMX returns the mail servers of a domain.
func (q *questions) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return ask(q, name, func(name string) ([]*net.MX, error) { return q.resolver.LookupMX(ctx, name) })
}

// LookupIPAddr returns the addresses of a host.
func (q *questions) LookupIPAddr(ctx context.Context, host string) ([]net.IPAddr, error) {
	return ask(q, host, func(host string) ([]net.IPAddr, error) { return q.resolver.LookupIPAddr(ctx, host) })
}

// LookupAddr returns the names of an address.
func (q *questions) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return ask(q, "", func(string) ([]string, error) { return q.resolver.LookupAddr(ctx, addr) })
}

// ask asks one question. An error is one that says that there is no such name,
// or a temporary one.
func ask[T any](q *questions, name string, look func(name string) ([]T, error)) ([]T, error) {
	if q.left == 0 {
		q.unanswered = true
		return nil, &net.DNSError{Err: "too many questions", Name: name, IsTemporary: true}
	}
	q.left--
	// With a dot at its end a name is looked up as it is, and not in the domain
	// of this machine.
	list, err := look(strings.TrimSuffix(name, ".") + ".")
	if err == nil || len(list) > 0 {
		return list, err
	}
	if answer, ok := errors.AsType[*net.DNSError](err); ok && answer.IsNotFound {
		return nil, err
	}
	q.unanswered = true
	return nil, &net.DNSError{Err: err.Error(), Name: name, IsTemporary: true}
}
