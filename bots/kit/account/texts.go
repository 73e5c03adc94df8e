package account

import (
	"fmt"
	"strings"

	"ticketfrei/internal/i18n"
)

// CheckTexts makes sure that the texts are there that the card of a network shows,
// those of its fields among them. The error says which are missing, and where they
// belong.
func CheckTexts(network string, fields []Field, texts *i18n.Catalogue) error {
	ids := []string{"title", "lead", "how"}
	for _, f := range fields {
		ids = append(ids, "field."+f.Name)
	}
	var missing []string
	for _, id := range ids {
		if id = network + "." + id; !texts.Has(id) {
			missing = append(missing, id)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("texts are missing: %s: put them into bots/%s/en.toml and bots/%s/de.toml", strings.Join(missing, ", "), network, network)
}
