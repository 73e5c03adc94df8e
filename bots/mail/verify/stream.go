package verify

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"sync"

	"github.com/emersion/go-msgauth/dkim"
)

const (
	// maxStreamQuestions is how many questions one signature may cause while the
	// body streams by: for its key.
	maxStreamQuestions = 3
	// maxBlank is about how many bytes of blanks and line ends in a row are taken:
	// the library keeps them until it knows whether they end the mail.
	maxBlank = 64 << 10
)

// errBlank ends the check of a mail with too many of them.
var errBlank = errors.New("too many blank lines")

// Stream checks the signatures of a mail whose body is not kept: the body is written
// to it as it comes. Close it in the end; then it stands in Mail.Stream.
type Stream struct {
	signatures []*streamed
	blank      int // bytes in a row
	running    sync.WaitGroup
}

// streamed is one signature that is being checked.
type streamed struct {
	place      int // in the header
	body       *io.PipeWriter
	found      *dkim.Verification // nil where it does not hold
	unanswered bool               // a question about it was not answered
}

// Stream begins to check a mail that begins with head, which holds the whole header.
// What it holds of the body is not written again. Questions are asked at once, and
// Write waits for their answers, 5 s at most.
func (v *Verifier) Stream(ctx context.Context, head []byte) *Stream {
	s := &Stream{}
	_, body, ok := readHeader(head)
	if !ok {
		return s
	}
	// The header outlives the rest of head.
	h, _, _ := readHeader(bytes.Clone(head[:len(head)-len(body)]))
	author := h.addresses("from")
	if len(author) != 1 {
		return s
	}
	c := v.newCheck(Mail{Author: author[0]}, h)
	if c == nil {
		return s
	}
	for _, place := range c.signatures {
		s.begin(ctx, v, c, place)
	}
	_, _ = s.Write(body)
	return s
}

// begin checks one signature in a goroutine that ends with Close.
func (s *Stream) begin(ctx context.Context, v *Verifier, c *check, place int) {
	r, w := io.Pipe()
	signature := &streamed{place: place, body: w}
	s.signatures = append(s.signatures, signature)
	mail := io.MultiReader(bytes.NewReader(c.signedBy(place)), r)
	s.running.Go(func() {
		defer r.Close() // what else is written goes nowhere
		defer func() { v.recovered(recover()) }()
		dns := &questions{resolver: v.resolver, left: maxStreamQuestions}
		signature.found = verified(mail, func(name string) ([]string, error) { return v.lookUp(ctx, c, dns, name) })
		signature.unanswered = dns.unanswered
	})
}

// lookUp asks for a key. Only meanwhile is it one of the checks that may run: how
// long a mail streams is its sender's affair.
func (v *Verifier) lookUp(ctx context.Context, c *check, dns *questions, name string) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	leave, ok := v.turns.enter(ctx, cmp.Or(c.organization, c.domain))
	if !ok {
		dns.unanswered = true
		return nil, ctx.Err()
	}
	defer leave()
	return dns.LookupTXT(ctx, name)
}

// Write takes the next part of the body. It does not fail.
func (s *Stream) Write(p []byte) (int, error) {
	if len(bytes.Trim(p, " \t\r\n")) > 0 {
		s.blank = 0
	} else if s.blank += len(p); s.blank > maxBlank {
		s.end(errBlank)
	}
	for _, signature := range s.signatures {
		_, _ = signature.body.Write(p)
	}
	return len(p), nil
}

// Close says that the body has ended, and waits for what is found.
func (s *Stream) Close() error {
	s.end(io.EOF)
	s.running.Wait()
	return nil
}

// end says that no more of the body is written, and why.
func (s *Stream) end(why error) {
	for _, signature := range s.signatures {
		_ = signature.body.CloseWithError(why)
	}
}

// at returns the signature at a place in the header.
func (s *Stream) at(place int) *streamed {
	for _, signature := range s.signatures {
		if signature.place == place {
			return signature
		}
	}
	return &streamed{}
}
