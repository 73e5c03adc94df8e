package frontend

import "strings"

// The names by which a browser and its system are known from the header
// User-Agent, the most telling first: nearly all claim to be Safari, many Chrome.
var (
	browserNames = [][2]string{{"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"}, {"Edg", "Edge"}, {"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"}, {"CriOS/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}}
	systemNames = [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"},
		{"Macintosh", "Mac"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}}
)

// browserName returns roughly which browser a User-Agent is, as "Firefox, Android":
// enough for its owner to know it, and too little to tell two apart. It is empty if
// nothing is known.
func browserName(userAgent string) string {
	var known []string
	for _, names := range [][][2]string{browserNames, systemNames} {
		for _, n := range names {
			if strings.Contains(userAgent, n[0]) {
				known = append(known, n[1])
				break
			}
		}
	}
	return strings.Join(known, ", ")
}
