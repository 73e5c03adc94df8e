package remote

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"

	"code.dny.dev/ssrf"

	"ticketfrei/bots"
)

// As returns the *Error in err, nil where there is none.
func As(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// Explain turns the error of an exchange, also one that a library made through
// Transport, into an *Error. Where ctx was cancelled the error is that of ctx.
// An error that has one of the contract's kinds stays as it is.
func (c *Client) Explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*bots.Error](err); ok {
		return err
	}
	if e := As(err); e != nil {
		return e
	}
	if isDecoding(err) {
		return c.fail(http.StatusOK, NotTheAPI, withoutURL(err))
	}
	return c.fail(0, troubleOf(err), withoutURL(err))
}

// troubleOf finds out why no answer came.
func troubleOf(err error) Trouble {
	if errors.Is(err, ssrf.ErrProhibitedIP) || errors.Is(err, ssrf.ErrProhibitedNetwork) || errors.Is(err, ssrf.ErrProhibitedPort) {
		return PrivateHost
	}
	if isTimeout(err) {
		return NoAnswer
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return UnknownHost
	}
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return BadCertificate
	}
	return Unreachable
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// isDecoding tells whether the answer was a success that a library could not
// read.
func isDecoding(err error) bool {
	_, syntax := errors.AsType[*json.SyntaxError](err)
	_, kind := errors.AsType[*json.UnmarshalTypeError](err)
	_, size := errors.AsType[*http.MaxBytesError](err)
	return syntax || kind || size
}

// withoutURL drops the URL of the request from an error of net/http.
func withoutURL(err error) error {
	for {
		e, ok := errors.AsType[*url.Error](err)
		if !ok {
			return err
		}
		err = e.Err
	}
}
