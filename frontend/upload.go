package frontend

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// maxFields bounds how many fields a form with files has.
	maxFields = 20
	// maxUnsplit bounds such a form where it came as one text, in bytes: all of it
	// is read at once.
	maxUnsplit = 1 << 20
	// uploadTime is how long the upload may take: with a telephone at the edge of
	// its network some minutes. answerTime is for what follows.
	uploadTime = 5 * time.Minute
	answerTime = time.Minute
	// maxDrained bounds how much of a refused form is thrown away, in bytes: many
	// browsers read no answer before they have sent everything.
	maxDrained = 100 << 20
)

// Parts implements bots.Site.
func (s *Site) Parts(w http.ResponseWriter, r *http.Request, limit int64, take func(field string, content io.Reader) error) error {
	connection, ends := http.NewResponseController(w), time.Now().Add(uploadTime)
	if err := errors.Join(connection.SetReadDeadline(ends), connection.SetWriteDeadline(ends.Add(answerTime))); err != nil {
		return err
	}
	body := r.Body
	err := s.readParts(r, limit, take)
	if err != nil {
		// What has gone wrong is said in the answer, where anybody is still there.
		_, _ = io.CopyN(io.Discard, body, maxDrained)
	}
	return err
}

func (s *Site) readParts(r *http.Request, limit int64, take func(string, io.Reader) error) error {
	whole := r.Body
	r.Body = http.MaxBytesReader(nil, whole, limit)
	parts, err := r.MultipartReader()
	if errors.Is(err, http.ErrNotMultipart) {
		r.Body = http.MaxBytesReader(nil, whole, min(limit, maxUnsplit))
		return s.readFields(r, take)
	}
	if err != nil {
		return badForm(err)
	}
	for range maxFields {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return badForm(err)
		}
		if err := s.takePart(r, part.FormName(), part, take); err != nil {
			return err
		}
	}
	return badForm(errors.New("too many fields"))
}

// readFields is readParts of a form that came as one text.
func (s *Site) readFields(r *http.Request, take func(string, io.Reader) error) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	for field, values := range r.PostForm {
		if err := s.takePart(r, field, strings.NewReader(values[0]), take); err != nil {
			return err
		}
	}
	return nil
}

// takePart takes a field, or looks at the one that names the city.
func (s *Site) takePart(r *http.Request, field string, content io.Reader, take func(string, io.Reader) error) error {
	if field != cityField {
		if err := take(field, content); err != nil {
			return badForm(err)
		}
		return nil
	}
	city, err := io.ReadAll(io.LimitReader(content, 1<<10))
	if err != nil {
		return badForm(err)
	}
	return s.checkCity(r, string(city))
}
