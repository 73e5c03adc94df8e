package frontend

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"ticketfrei/manage"
	"ticketfrei/place"
	"ticketfrei/place/gtfs"
)

const (
	// feedLimit is how many timetables one moderator may bring in limitWindow.
	feedLimit = 20
	// feedsAtOnce bounds how many are on disk and read at the same time.
	feedsAtOnce = 2
	// feedTime bounds fetching and reading one: as long as browsers wait.
	feedTime = 60 * time.Second
)

// handleFeedSave stores the lines and stops of a timetable that was uploaded, or is to be
// fetched.
func (s *Site) handleFeedSave(w http.ResponseWriter, r *http.Request) error {
	var address string
	p, left, err := s.bringFeed(w, r, &address)
	wrong, err := problems(err)
	if err != nil {
		return err
	}
	if wrong != nil {
		return s.showPlaces(w, r, http.StatusUnprocessableEntity, func(p *placesPage) { p.URL, p.Wrong = address, s.feedWrong(r, wrong.Problems[0]) })
	}
	stored, err := s.Cities.SaveTimetable(r.Context(), s.City(r).ID, p)
	if err != nil {
		return err
	}
	return s.savedPlaces(w, r, strings.TrimSpace(s.placesSaid(r, stored.Parsed)+" "+left))
}

// feedWrong says what is wrong with a timetable.
func (s *Site) feedWrong(r *http.Request, p manage.Problem) string {
	if p.Line == 0 {
		return s.words(r, p)
	}
	return s.T(r, "settings.places.line", "Line", p.Line) + " " + s.words(r, p)
}

// bringFeed reads the form: a file, or the address of one. left says what was left out.
func (s *Site) bringFeed(w http.ResponseWriter, r *http.Request, address *string) (p *place.Places, left string, err error) {
	select {
	case s.feeds <- struct{}{}:
		defer func() { <-s.feeds }()
	default:
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained) // see Parts
		return nil, "", manage.Wrong("file", "settings.places.feed.busy")
	}
	file, err := s.unnamedFile()
	if err != nil {
		return nil, "", err
	}
	defer file.Close()
	var size int64
	err = s.Parts(w, r, gtfs.MaxSize+maxForm, func(field string, content io.Reader) error {
		var err error
		switch field {
		case "file":
			size, err = io.Copy(file, content)
		case "url":
			var raw []byte
			raw, err = io.ReadAll(io.LimitReader(content, 2048))
			*address = strings.TrimSpace(string(raw))
		}
		return err
	})
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, "", manage.TimetableTooLarge()
	}
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(r.Context(), feedTime)
	defer cancel()
	if size == 0 {
		if size, err = s.Cities.FetchTimetable(ctx, *address, file); err != nil {
			return nil, "", err
		}
	}
	p, idle, err := manage.ReadTimetable(ctx, file, size)
	if err == nil && idle > 0 {
		left = s.T(r, "settings.places.feed.idle", "Count", idle)
	}
	return p, left, err
}

// unnamedFile makes a file in the data directory that is gone when it is closed, or when
// the program ends.
func (s *Site) unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp(s.Config.Data, ".feed-*")
	if err != nil {
		return nil, fmt.Errorf("make a file for a timetable: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("remove the name of a file: %w", err), file.Close())
	}
	return file, nil
}
