package program

import (
	"time"

	"ticketfrei/bots"
)

// Pinging is Definitions with programs that are pinged more often.
func Pinging(dir string, every, timeout time.Duration) ([]bots.Definition, error) {
	list, err := Load(dir, nil)
	if err != nil {
		return nil, err
	}
	var definitions []bots.Definition
	for i, m := range list {
		m.ping = pinging{every, timeout}
		d, err := m.Definition(i == 0)
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, d)
	}
	return definitions, nil
}
