package stream

import (
	"cmp"

	"ticketfrei/internal/report"
)

// fact is something that was read in a report, with what it is called.
type fact struct{ name, value string }

// facts are what cards say of a report.
func (n *Network) facts(e event, city report.City) (all []fact) {
	for _, f := range []fact{{"line", e.read.Line}, {"stop", e.read.Stop}, {"toward", e.read.Toward}} {
		if f.value != "" {
			all = append(all, fact{n.words(city, "stream.card."+f.name), f.value})
		}
	}
	return all
}

// headingOf is the heading of a card: what was read, or the city.
func headingOf(e event, city report.City) string {
	switch heading := cmp.Or(e.heading, city.Name); heading {
	case "✓":
		return "✓ " + city.Name
	default:
		return heading
	}
}

// page is where an event can be seen on the city's page.
func (n *Network) page(e event, city report.City) string {
	page := n.host.Config.Web.URL + "/city/" + city.Slug
	if e.link {
		page += "#report-" + e.report
	}
	return page
}
