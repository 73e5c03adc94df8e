package mail

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"ticketfrei/bots/kit/lines"
	"ticketfrei/bots/kit/recipients"
	"ticketfrei/bots/mail/mailtext"
	"ticketfrei/internal/report"
)

// The fields of the form that asks for lines. fieldChosen tells it from the one that asks
// how often.
const (
	fieldLine   = "line"
	fieldChosen = "lines"
)

// choices are what the subscribers of a bot may choose.
type choices struct {
	digest bool     // one mail an hour
	lines  []string // of the city
}

func (n *Network) choicesOf(ctx context.Context, b report.Bot) (c choices, err error) {
	if c.digest, err = n.offersDigest(ctx, b); err != nil {
		return c, err
	}
	c.lines, err = n.host.Places.Lines(ctx, b.CityID)
	return c, err
}

// toLines is what a mail says of the lines that its reader has chosen, and where to choose;
// empty where there is nothing to choose.
func (n *Network) toLines(city report.City, s recipients.Recipient, of []string) string {
	link := n.oftenURL(city, s.Address)
	switch {
	case s.Lines != "":
		return "\n" + n.t(city, "mail.lines.to_other", "Lines", lines.List(s.Lines.List()), "Link", link)
	case len(of) > 0:
		return "\n" + n.t(city, "mail.lines.to_some", "Link", link)
	default:
		return ""
	}
}

// lineChoice is a line as the page shows it.
type lineChoice struct {
	Name   string
	Chosen bool
	Gone   bool // the city does not have it any more
}

// linesPage is the part of often.tmpl about lines.
type linesPage struct {
	Lines  []lineChoice // none: there is nothing to choose
	Only   string       // those that are chosen, for people to read; empty: all reports come
	Chosen bool         // they were just chosen
}

// lineChoices are the lines of a city, and those that were chosen and are gone. asked has
// what a link chooses, which is not stored yet; nil: it chooses nothing.
func lineChoices(city []string, stored report.Lines, asked []string) linesPage {
	page := linesPage{Only: lines.List(stored.List())}
	gone := lines.Gone(stored, city)
	for _, name := range slices.Concat(city, gone) {
		c := lineChoice{Name: name, Chosen: stored.Has(name), Gone: slices.Contains(gone, name)}
		if asked != nil {
			c.Chosen = slices.Contains(asked, name)
		}
		page.Lines = append(page.Lines, c)
	}
	return page
}

// chooseLines stores the lines that were chosen in a form: none and all of them are all
// reports.
func (n *Network) chooseLines(ctx context.Context, b report.Bot, email string, r *http.Request) error {
	s, err := n.subscribers.Find(ctx, b.ID, email)
	if err != nil {
		return err
	}
	city, err := n.host.Places.Lines(ctx, b.CityID)
	if err != nil {
		return err
	}
	known := slices.Concat(city, lines.Gone(s.Lines, city))
	known = slices.DeleteFunc(known, func(name string) bool { return !slices.Contains(r.PostForm[fieldLine], name) })
	return n.subscribers.SetLines(ctx, b.ID, s.ID, report.NewLines(known...))
}

// lineWords begin a mail that asks for lines, as "Linien U1 U2".
var lineWords = strings.Split("lines|linien|hatlar|خطوط|лінії|lignes", "|")

// namesLines tells whether a text may ask for lines, and returns what it names: the city's
// are looked up for those alone, which few mails are.
func namesLines(said string) (names string, ok bool) {
	if len(said) > maxCommand {
		return "", false
	}
	word, names, _ := strings.Cut(strings.TrimSpace(said), " ")
	return names, slices.Contains(lineWords, plain(word))
}

// asked is what a mail asks for.
type asked struct {
	command command // empty: nothing
	lines   lines.Choice
	rest    string // what it says beside that
}

// askedOf returns what a mail to a city asks for, in its text or else in its subject.
func (n *Network) askedOf(ctx context.Context, city report.City, m mailtext.Message) (a asked, err error) {
	if a.command, a.rest = commandOf(m); a.command != "" {
		return a, nil
	}
	for _, part := range []struct{ said, rest string }{{m.Body, ""}, {m.Subject, m.Body}} {
		names, ok := namesLines(part.said)
		if !ok {
			continue
		}
		known, err := n.host.Places.Lines(ctx, city.ID)
		if err != nil || len(known) == 0 {
			return a, err
		}
		if c := lines.Read(names, known); len(c.Unknown) == 0 {
			return asked{commandLines, c, part.rest}, nil
		}
	}
	return a, nil
}

// linesURL is the link to the page where lines are chosen, with a choice.
func (n *Network) linesURL(city report.City, email string, c lines.Choice) string {
	link := n.oftenURL(city, email)
	switch {
	case c.All:
		return link + "?" + fieldLine + "="
	case len(c.Lines) > 0:
		return link + "?" + url.Values{fieldLine: c.Lines}.Encode()
	default:
		return link
	}
}

// wants tells whether a report is for a subscriber who has chosen lines; none are all.
func wants(chosen report.Lines, r report.Report) bool { return chosen == "" || chosen.Any(r.Lines) }
