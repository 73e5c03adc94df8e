package relay

import (
	"strings"

	"ticketfrei/internal/scrub"
)

// cleaned is how much of a text is cleaned, in bytes: far more than is kept.
const cleaned = 16 * maxText

// clean takes out of what somebody wrote what is never passed on: see scrub.
func (h *Hearing) clean(text string) string {
	if len(text) > cleaned {
		text = strings.ToValidUTF8(text[:cleaned], "")
	}
	if h.Links != nil {
		text = h.Links.Strip(text)
	}
	return strings.TrimSpace(scrub.People(text))
}
