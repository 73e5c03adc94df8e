package frontend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

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

// feedError is what is wrong with a timetable that was to be brought: a text.
type feedError struct{ said string }

func (e *feedError) Error() string { return e.said }

// handleFeedSave stores the lines and stops of a timetable that was uploaded, or is to be
// fetched.
func (s *Site) handleFeedSave(w http.ResponseWriter, r *http.Request) error {
	var address string
	p, left, err := s.bringFeed(w, r, &address)
	if wrong, ok := errors.AsType[*feedError](err); ok {
		return s.showPlaces(w, r, http.StatusUnprocessableEntity, func(p *placesPage) { p.URL, p.Wrong = address, wrong.said })
	}
	if err != nil {
		return err
	}
	old, err := s.places(r.Context(), s.City(r).ID)
	if err != nil {
		return err
	}
	p = p.Keeping(old)
	return s.savePlaces(w, r, p.String(), strings.TrimSpace(s.placesSaid(r, p)+" "+left))
}

// bringFeed reads the form: a file, or the address of one. left says what was left out.
func (s *Site) bringFeed(w http.ResponseWriter, r *http.Request, address *string) (p *place.Places, left string, err error) {
	select {
	case s.feeds <- struct{}{}:
		defer func() { <-s.feeds }()
	default:
		_, _ = io.CopyN(io.Discard, r.Body, maxDrained) // see Parts
		return nil, "", &feedError{s.T(r, "settings.places.feed.busy")}
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
		return nil, "", s.feedProblem(r, &gtfs.Problem{Kind: gtfs.TooLarge, Max: gtfs.MaxSize >> 20})
	}
	if err != nil {
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(r.Context(), feedTime)
	defer cancel()
	if size == 0 {
		if size, err = s.fetchFeed(ctx, r, *address, file); err != nil {
			return nil, "", err
		}
	}
	return s.readFeed(ctx, r, file, size)
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

// readFeed reads the file that was brought.
func (s *Site) readFeed(ctx context.Context, r *http.Request, file *os.File, size int64) (*place.Places, string, error) {
	p, feed, err := gtfs.ReadFile(ctx, file, size)
	problem, ofFeed := errors.AsType[*gtfs.Problem](err)
	wrong, ofText := errors.AsType[place.Errors](err)
	switch {
	case ofFeed:
		return nil, "", s.feedProblem(r, problem)
	case ofText:
		return nil, "", s.textProblem(r, wrong[0])
	case errors.Is(err, context.DeadlineExceeded):
		return nil, "", &feedError{s.T(r, "settings.places.feed.slow")}
	case err != nil:
		return nil, "", err
	case p == nil:
		return nil, "", s.feedProblem(r, &gtfs.Problem{Kind: gtfs.Empty})
	}
	left := ""
	if feed != nil && feed.Idle > 0 {
		left = s.T(r, "settings.places.feed.idle", "Count", feed.Idle)
	}
	return p, left, nil
}

func (s *Site) feedProblem(r *http.Request, p *gtfs.Problem) error {
	file := cmp.Or(p.File, s.T(r, "settings.places.feed.the_file"))
	return &feedError{s.T(r, "settings.places.feed."+string(p.Kind), "File", file, "Column", p.Column, "Line", p.Line, "Max", p.Max)}
}

// textProblem says what is wrong with a file that is no zip: as a text where it was meant
// to be one.
func (s *Site) textProblem(r *http.Request, wrong place.Error) error {
	if wrong.Line == 0 || strings.HasPrefix(wrong.Name, "<") { // a page, mostly
		return s.feedProblem(r, &gtfs.Problem{Kind: gtfs.NoZip})
	}
	e := s.placeErrors(r, place.Errors{wrong})[0]
	return &feedError{strings.TrimSpace(s.T(r, "settings.places.line", "Line", e.Line) + " " + e.Text)}
}

// fetchFeed fetches a timetable into file and returns its size.
func (s *Site) fetchFeed(ctx context.Context, r *http.Request, address string, file io.Writer) (int64, error) {
	if s.HTTP == nil || address == "" {
		return 0, &feedError{s.T(r, "settings.places.feed.nothing")}
	}
	if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, &feedError{s.T(r, "settings.places.feed.no_url")}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, &feedError{s.T(r, "settings.places.feed.no_url")}
	}
	client := *s.HTTP
	client.Timeout = 0 // that of ctx holds
	resp, err := client.Do(req)
	if err != nil {
		return 0, s.unreachable(ctx, r)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, &feedError{s.T(r, "settings.places.feed.status", "Status", resp.StatusCode)}
	}
	size, err := io.Copy(file, io.LimitReader(resp.Body, gtfs.MaxSize+1))
	switch {
	case size > gtfs.MaxSize:
		return 0, s.feedProblem(r, &gtfs.Problem{Kind: gtfs.TooLarge, Max: gtfs.MaxSize >> 20})
	case err != nil:
		return 0, s.unreachable(ctx, r)
	case size == 0:
		return 0, s.feedProblem(r, &gtfs.Problem{Kind: gtfs.NoZip})
	}
	return size, nil
}

// unreachable says why nothing could be fetched.
func (s *Site) unreachable(ctx context.Context, r *http.Request) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &feedError{s.T(r, "settings.places.feed.slow")}
	}
	return &feedError{s.T(r, "settings.places.feed.unreachable")}
}
