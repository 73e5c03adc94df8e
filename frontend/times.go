package frontend

import (
	"strconv"
	"strings"
	"time"

	"ticketfrei/internal/zone"
)

// times shows the times of many reports in one language and zone.
type times struct {
	now    time.Time
	zone   *time.Location
	layout string
	ages   ages
}

// ages are how old something is, in words. {n} stands for the number.
type ages struct{ Now, Minutes, Hours string }

// times returns the times of the page's city.
func (p *page) times() times {
	return times{now: p.now, zone: zone.Of(p.City, p.zone), layout: p.T("layout.time.day"), ages: p.Ages()}
}

// Ages returns how the page says how old something is.
func (p *page) Ages() ages {
	return ages{p.T("city.age.now"), p.T("city.age.minutes", "N", number), p.T("city.age.hours", "N", number)}
}

// number stands for a number in a text that scripts fill too.
const number = "{n}"

// stamp returns a time for programs (RFC 3339).
func (c times) stamp(t time.Time) string { return t.In(c.zone).Format(time.RFC3339) }

// time returns a time for people.
func (c times) time(t time.Time) string { return t.In(c.zone).Format(c.layout) }

// age returns how old something is.
func (c times) age(t time.Time) string {
	switch minutes := int(c.now.Sub(t) / time.Minute); {
	case minutes < 1:
		return c.ages.Now
	case minutes < 60:
		return strings.ReplaceAll(c.ages.Minutes, number, strconv.Itoa(minutes))
	default:
		return strings.ReplaceAll(c.ages.Hours, number, strconv.Itoa(minutes/60))
	}
}
