package api

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
)

// maxBody bounds the body of a request, in bytes: the lines and stops of a city may be long.
const maxBody = 1 << 20

// bodyWithin bounds how long it may take to come.
const bodyWithin = 5 * time.Second

// read reads the body of a request for huma, which would take a body that cannot be read for a
// fault of the server, and letters that are none for question marks.
func (r route) read(c huma.Context) error {
	if r.method == http.MethodGet {
		return nil
	}
	if !slices.Contains([]string{"", "identity"}, c.Header("Content-Encoding")) {
		return problem(http.StatusUnsupportedMediaType, "the body must not be compressed: leave the header Content-Encoding out")
	}
	req, w := humachi.Unwrap(c)
	body, err := readBody(w, req, cmp.Or(r.body, maxBody))
	switch {
	case err != nil:
		return err
	case !r.takesBody && !slices.Contains([]string{"", "{}", "null"}, string(bytes.TrimSpace(body))):
		return wrong("body", "is not looked at by this route: leave it out", nil)
	case r.takesJSON && !utf8.Valid(body):
		return problem(http.StatusBadRequest, "validation failed", &huma.ErrorDetail{Location: "body", Message: "is not in UTF-8, as JSON is"})
	}
	if r.takesJSON {
		req.Header.Set("Content-Type", strings.ToLower(req.Header.Get("Content-Type")))
	}
	return nil
}

// readBody reads the body of a request, up to most bytes. It can be read again.
func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	in := http.NewResponseController(w)
	_ = in.SetReadDeadline(time.Now().Add(bodyWithin))
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	r.Body = io.NopCloser(bytes.NewReader(body))
	slow, ok := errors.AsType[net.Error](err)
	switch {
	case ok && slow.Timeout():
		return nil, problem(http.StatusRequestTimeout, fmt.Sprintf("the body did not come within %s", bodyWithin))
	case err != nil:
		return nil, problem(http.StatusBadRequest, "the body cannot be read: it was broken off, or its chunks are none")
	case int64(len(body)) > most:
		return nil, problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("the body is longer than %d bytes", most))
	}
	_ = in.SetReadDeadline(time.Time{}) // else the request would end then
	return body, nil
}
