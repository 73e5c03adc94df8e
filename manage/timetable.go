package manage

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"ticketfrei/place"
	"ticketfrei/place/gtfs"
)

// ReadTimetable reads the lines and stops of a file of that size: a timetable, or a text.
// idle is how many lines were left out, on which nothing runs.
func ReadTimetable(ctx context.Context, file io.ReaderAt, size int64) (p *place.Places, idle int, err error) {
	p, feed, err := gtfs.ReadFile(ctx, file, size)
	problem, ofFeed := errors.AsType[*gtfs.Problem](err)
	wrong, ofText := errors.AsType[place.Errors](err)
	switch {
	case ofFeed:
		return nil, 0, feedProblem(problem)
	case ofText:
		return nil, 0, textProblem(wrong)
	case errors.Is(err, context.DeadlineExceeded):
		return nil, 0, Wrong("file", "settings.places.feed.slow")
	case err != nil:
		return nil, 0, err
	case p == nil:
		return nil, 0, feedProblem(&gtfs.Problem{Kind: gtfs.Empty})
	}
	if feed != nil {
		idle = feed.Idle
	}
	return p, idle, nil
}

// TimetableTooLarge is the error of a file of more than gtfs.MaxSize bytes.
func TimetableTooLarge() error {
	return feedProblem(&gtfs.Problem{Kind: gtfs.TooLarge, Max: gtfs.MaxSize >> 20})
}

func feedProblem(p *gtfs.Problem) error {
	var file any = textID("settings.places.feed.the_file")
	if p.File != "" {
		file = p.File
	}
	return Wrong("file", "settings.places.feed."+string(p.Kind), "File", file, "Column", p.Column, "Line", p.Line, "Max", p.Max)
}

// textProblem says what is wrong with a file that is no zip: as a text where it was meant
// to be one.
func textProblem(wrong place.Errors) error {
	if wrong[0].Line == 0 || strings.HasPrefix(wrong[0].Name, "<") { // a page, mostly
		return feedProblem(&gtfs.Problem{Kind: gtfs.NoZip})
	}
	return &Invalid{placeProblems("file", wrong)}
}

// Fetches tells whether timetables can be fetched.
func (m *Cities) Fetches() bool { return m.HTTP != nil }

// FetchTimetable fetches a timetable into file and returns its size.
func (m *Cities) FetchTimetable(ctx context.Context, address string, file io.Writer) (int64, error) {
	if !m.Fetches() || address == "" {
		return 0, Wrong("url", "settings.places.feed.nothing")
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return 0, Wrong("url", "settings.places.feed.no_url")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, Wrong("url", "settings.places.feed.no_url")
	}
	client := *m.HTTP
	client.Timeout = 0 // that of ctx holds
	resp, err := client.Do(req)
	if err != nil {
		return 0, unreachable(ctx)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, Wrong("url", "settings.places.feed.status", "Status", resp.StatusCode)
	}
	size, err := io.Copy(file, io.LimitReader(resp.Body, gtfs.MaxSize+1))
	switch {
	case size > gtfs.MaxSize:
		return 0, TimetableTooLarge()
	case err != nil:
		return 0, unreachable(ctx)
	case size == 0:
		return 0, feedProblem(&gtfs.Problem{Kind: gtfs.NoZip})
	}
	return size, nil
}

// unreachable says why nothing could be fetched.
func unreachable(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Wrong("url", "settings.places.feed.slow")
	}
	return Wrong("url", "settings.places.feed.unreachable")
}
