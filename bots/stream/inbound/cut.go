package inbound

// maxShown bounds what is shown of a value that was posted, in bytes.
const maxShown = 200

// Cut returns the beginning of a text that is too long to be shown.
func Cut(text string) string {
	if len(text) <= maxShown {
		return text
	}
	for at := range text {
		if at > maxShown {
			return text[:at] + "…"
		}
	}
	return text
}
