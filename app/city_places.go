package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"ticketfrei/bots"
	"ticketfrei/db"
	"ticketfrei/internal/config"
	"ticketfrei/internal/report"
	"ticketfrei/manage"
	"ticketfrei/place"
	"ticketfrei/place/gtfs"
)

type cityPlacesCommand struct {
	settingsFlags
	Slug string `arg:"" help:"Name of the city in addresses."`
	File string `arg:"" optional:"" help:"A GTFS feed (zip), or a text with one line of the city in each of its lines, as \"U1 #0065ae: first stop, second stop\"; - is such a text on standard input; without it, what the city has is printed."`
}

// Run stores the places of a city, or prints them. A running server finds them at once.
func (cmd *cityPlacesCommand) Run(c *console) error {
	return cmd.withDatabase(c, cmd.run)
}

func (cmd *cityPlacesCommand) run(c *console, _ *config.Config, d *db.DB, definitions []bots.Definition) error {
	cities, err := managed(d, definitions)
	if err != nil {
		return err
	}
	city, err := cities.Find(c.ctx, cmd.Slug)
	if errors.Is(err, db.ErrNotFound) {
		return fmt.Errorf("there is no city %s (see ticketfrei city list)", cmd.Slug)
	}
	if err != nil {
		return err
	}
	if cmd.File == "" {
		return printPlaces(c, d, city)
	}
	places, feed, err := cmd.read(c)
	if err != nil {
		return fmt.Errorf("%s: %w", cmd.File, err)
	}
	var now manage.Places
	if feed != nil {
		now, err = cities.SaveTimetable(c.ctx, city.ID, places)
	} else {
		now, err = cities.SavePlaces(c.ctx, city.ID, places.String(), "")
	}
	if err != nil {
		return err
	}
	warnOf(c.stderr, feed)
	_, err = fmt.Fprintln(c.stdout, stored(city, now.Parsed))
	return err
}

// printPlaces prints the text of the places that a city has.
func printPlaces(c *console, d *db.DB, city report.City) error {
	text, err := d.Places(c.ctx, city.ID)
	if err != nil {
		return err
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	if text == "" {
		fmt.Fprintf(c.stderr, "%s has no lines and stops yet. Store them: ticketfrei city places %s FILE\n", city.Name, city.Slug)
	}
	_, err = io.WriteString(c.stdout, text)
	return err
}

// read reads the file that was named.
func (cmd *cityPlacesCommand) read(c *console) (*place.Places, *gtfs.Feed, error) {
	if cmd.File == "-" {
		text, err := io.ReadAll(io.LimitReader(c.typed(), place.MaxText+1))
		if err != nil {
			return nil, nil, err
		}
		p, err := place.Parse(string(text))
		return p, nil, err
	}
	file, err := os.Open(cmd.File)
	if err != nil {
		return nil, nil, errors.Unwrap(err) // which names the file too
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, &fs.PathError{Op: "read", Path: cmd.File, Err: errors.New("this is no file")}
	}
	places, feed, err := gtfs.ReadFile(c.ctx, file, info.Size())
	if err == nil && places == nil { // such as a download that failed
		err = fmt.Errorf("there are no lines and stops in it; to take those of the city away: ticketfrei city places %s - < /dev/null", cmd.Slug)
	}
	return places, feed, err
}

// warnOf says what a feed has that is not stored.
func warnOf(w io.Writer, f *gtfs.Feed) {
	if f == nil {
		return
	}
	if f.Idle > 0 {
		fmt.Fprintf(w, "Left out: %s on which no trip runs.\n", count(f.Idle, "line"))
	}
	if f.Lost > 0 {
		fmt.Fprintf(w, "Left out: %s of stop_times.txt with a trip or a stop that is not in the feed.\n", count(f.Lost, "row"))
	}
}

func stored(city report.City, p *place.Places) string {
	if p == nil {
		return city.Name + " has no lines and stops any more."
	}
	return fmt.Sprintf("%s has %s and %s now.", city.Name, count(len(p.Lines()), "line"), count(len(p.Stops()), "stop"))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
