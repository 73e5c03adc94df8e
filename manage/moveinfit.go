package manage

import (
	"cmp"
	"strconv"

	"ticketfrei/db"
	"ticketfrei/moving"
)

// installed is the installation that a source is of.
func installed(from moving.Source) db.Installation {
	i := db.Installation{Program: string(from.Program), Key: from.Key, Secret: from.Secret, Cities: map[int64]string{}}
	for _, c := range from.Cities {
		i.Cities[c.ID] = c.Name
	}
	return i
}

// wanted are the slugs that the names of the cities give: "Test 2" keeps its addresses, though
// a city "Test" needs a number.
func wanted(from moving.Source) map[string]bool {
	slugs := map[string]bool{}
	for _, c := range from.Cities {
		slugs[c.Copy.Slug] = true
	}
	return slugs
}

// fitting is the city with texts that its moderators could have typed here: they can save them.
func (a *arriving) fitting() db.CityCopy {
	c := a.from.Copy
	name := cmp.Or(oneLine(c.Name), c.Slug, "city")
	if c.Name = cut(name, MaxName); c.Name != name {
		a.note("name_long", strconv.Itoa(MaxName))
	}
	c.Page = a.fittingPage(c.Page)
	return c
}

func (a *arriving) fittingPage(text string) string {
	text = plainLines(text)
	page := cut(text, MaxPage)
	if page != text {
		a.note("page_long", strconv.Itoa(MaxPage))
	}
	return page
}

// cut is the beginning of a text of so many characters.
func cut(text string, longest int) string {
	for at := range text {
		if longest--; longest < 0 {
			return text[:at]
		}
	}
	return text
}

// isSame tells whether a city is the one that came by its number before. Kibicara gives the number
// of a hood that was deleted to the next: nobody who subscribed to that one wants the other's
// reports. One that was renamed there is known by its new name where it has that here too.
func (a *arriving) isSame(before string) bool {
	name := db.FormerName(a.from.Name)
	return name == db.FormerName(before) || name == db.FormerName(a.city.Name)
}
