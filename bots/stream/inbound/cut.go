package inbound

import "ticketfrei/bots/kit/text"

// shown bounds what is shown of a value that was posted.
var shown = text.Runes(200)

// Cut returns the beginning of a text that is too long to be shown.
func Cut(value string) string { return shown.Fit(value) }
