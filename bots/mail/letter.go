package mail

import (
	"bytes"
	"context"
	"io"

	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/bots/mail/verify"
	"ticketfrei/internal/collect"
)

// keptWhole is up to which size a mail is kept as it came, in bytes: what people
// write without pictures is far smaller.
const keptWhole = 256 << 10

// largeGC is GOGC while large mails stream by: checking a signature leaves several
// times the mail as garbage.
const largeGC = 25

// letter is a mail as it was taken.
type letter struct {
	// raw is all of it, or what is left of a large one: see mailtext.Reduce.
	raw []byte
	// stream is what the body of a large one went through; nil where raw is whole.
	stream *verify.Stream
}

// readLetter reads a mail to its end.
func (n *Network) readLetter(ctx context.Context, r io.Reader) (letter, error) {
	head, err := io.ReadAll(io.LimitReader(r, keptWhole+1))
	if err != nil || len(head) <= keptWhole {
		return letter{raw: head}, err
	}
	defer collect.Often(largeGC)()
	stream := n.verifier.Stream(ctx, head)
	defer stream.Close()
	raw, err := mailtext.Reduce(io.MultiReader(bytes.NewReader(head), io.TeeReader(r, stream)))
	return letter{raw, stream}, err
}
