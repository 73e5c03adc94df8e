package gtfs

import (
	"bytes"
	"context"
	"fmt"
	"io"

	"ticketfrei/place"
)

// ReadFile reads places from a file of that size: a zip, or the text of package place,
// for which there is no feed. The error is a *Problem, place.Errors, or that of ctx.
func ReadFile(ctx context.Context, r io.ReaderAt, size int64) (*place.Places, *Feed, error) {
	if isZip(r) {
		f, err := Read(ctx, r, size)
		if err != nil {
			return nil, nil, err
		}
		p, err := place.Of(f.Lines)
		return p, f, err
	}
	if size > place.MaxText {
		return nil, nil, place.Errors{{Kind: place.TooLong}}
	}
	text, err := io.ReadAll(io.NewSectionReader(r, 0, size))
	if err != nil {
		return nil, nil, fmt.Errorf("read lines and stops: %w", err)
	}
	p, err := place.Parse(string(text))
	return p, nil, err
}

// isZip tells whether a file begins as a zip does, also an empty one.
func isZip(r io.ReaderAt) bool {
	var begins [4]byte
	_, _ = r.ReadAt(begins[:], 0)
	return bytes.Equal(begins[:], []byte("PK\x03\x04")) || bytes.Equal(begins[:], []byte("PK\x05\x06"))
}
