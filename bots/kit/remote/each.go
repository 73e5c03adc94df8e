package remote

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
)

// Each asks for path, which is answered with a JSON array, and calls do with each
// element while the answer comes in: it keeps one at a time. Of an element of more
// than longest bytes do gets the beginning, and whole is false. The bytes are do's
// until it returns. An error of do ends the reading and is returned as it is; the
// others are those of Do.
func (c *Client) Each(ctx context.Context, path string, query url.Values, longest int, do func(element []byte, whole bool) error) error {
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	resp, err := c.exchange(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return c.fail(resp.StatusCode, NotTheAPI, nil)
	}
	a := array{in: bufio.NewReader(resp.Body), longest: longest}
	for more, err := a.begin(); more || err != nil; {
		if err == nil {
			more, err = a.next()
		}
		if err != nil {
			return c.Explain(ctx, c.fail(resp.StatusCode, troubleOfArray(err), err))
		}
		if err := do(a.element, a.whole); err != nil {
			return err
		}
	}
	return nil
}

// TooLarge tells whether an answer was longer than MaxAnswer.
func TooLarge(err error) bool {
	_, is := errors.AsType[*http.MaxBytesError](err)
	return is
}

// errNoArray is an answer that is no JSON array.
var errNoArray = errors.New("not a JSON array")

func troubleOfArray(err error) Trouble {
	if errors.Is(err, errNoArray) {
		return NotTheAPI
	}
	return troubleOfReading(err)
}

// array reads a JSON array element by element. It only looks for where they end:
// whether they are JSON their reader finds out.
type array struct {
	in      *bufio.Reader
	longest int
	element []byte // the last one, or its beginning
	whole   bool
}

// begin reads as far as the first element; more is false where there is none.
func (a *array) begin() (more bool, err error) {
	c, err := a.skipSpace()
	if errors.Is(err, io.EOF) || err == nil && c != '[' {
		err = errNoArray
	}
	if err != nil {
		return false, err
	}
	c, err = a.skipSpace()
	if err != nil || c == ']' {
		return false, err
	}
	return true, a.in.UnreadByte()
}

// skipSpace returns the next byte that is no white space.
func (a *array) skipSpace() (byte, error) {
	for {
		c, err := a.in.ReadByte()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

// next reads an element and what ends it; more is false where that is the end of the
// array.
func (a *array) next() (more bool, err error) {
	a.element, a.whole = a.element[:0], true
	for depth := 0; ; {
		c, err := a.in.ReadByte()
		if err != nil {
			return false, cut(err)
		}
		switch {
		case depth == 0 && (c == ',' || c == ']'):
			return c == ',', nil
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		}
		a.keep(c)
		if c == '"' {
			if err := a.text(); err != nil {
				return false, cut(err)
			}
		}
	}
}

// text reads the rest of a string, of which there is most.
func (a *array) text() error {
	for {
		if _, err := a.in.Peek(1); err != nil {
			return err
		}
		part, _ := a.in.Peek(a.in.Buffered())
		end := bytes.IndexAny(part, `"\`)
		if end >= 0 {
			part = part[:end+1]
		}
		last := part[len(part)-1]
		a.keep(part...)
		_, _ = a.in.Discard(len(part)) // they are there
		switch {
		case end < 0:
			continue
		case last == '"':
			return nil
		}
		c, err := a.in.ReadByte() // escaped
		if err != nil {
			return err
		}
		a.keep(c)
	}
}

// keep adds bytes to the element while there is room.
func (a *array) keep(more ...byte) {
	room := a.longest - len(a.element)
	if len(more) > room {
		more, a.whole = more[:room], false
	}
	a.element = append(a.element, more...)
}

// cut is the error of reading within an element.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
