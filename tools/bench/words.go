package main

import (
	"fmt"
	"strings"
)

// manyTriggers are n patterns of the kinds that moderators write.
func manyTriggers(n int) string {
	lines := make([]string, n)
	for i := range lines {
		switch i % 4 {
		case 0:
			lines[i] = fmt.Sprintf(`\btram\s?%d\b`, i)
		case 1:
			lines[i] = fmt.Sprintf("bahnhof%dplatz", i)
		case 2:
			lines[i] = fmt.Sprintf(`\b(?:schaffner|kontrolle)%d(?:innen|s)?\b`, i)
		case 3:
			lines[i] = fmt.Sprintf(`[usr][\s-]?%d\d`, 200+i)
		}
	}
	return strings.Join(lines, "\n")
}

// manyBlocked are n words, some of them phrases.
func manyBlocked(n int) string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = fmt.Sprintf("verboten%d", i)
		if i%10 == 0 {
			lines[i] = fmt.Sprintf("gar nicht%d", i)
		}
	}
	return strings.Join(lines, "\n")
}

// ordinaryTexts are different reports of one length that none of these rules
// decides on.
func ordinaryTexts(length int) []string {
	words := strings.Fields("Linie Richtung Plärrer zwei Leute in grünen Westen steigen gerade an der Straße ein U1 S3 Haltestelle Wagen vorne hinten am Ausgang Fürth Gleis Bus 36")
	pick := letters(1)
	texts := make([]string, 1000)
	for i := range texts {
		var text []rune
		for len(text) < length {
			text = append(append(text, []rune(words[pick(len(words))])...), ' ')
		}
		texts[i] = string(text[:length])
	}
	return texts
}

// letters returns a source of random numbers below n, the same ones in every
// run.
func letters(seed uint32) func(n int) int {
	return func(n int) int {
		seed = seed*1664525 + 1013904223
		return int(seed>>16) % n
	}
}

// repeated makes texts of a piece over and over.
func repeated(piece string) func(int) string {
	return func(length int) string { return string([]rune(strings.Repeat(piece, length))[:length]) }
}

// mixed makes texts of these letters in random order.
func mixed(from string) func(int) string {
	return func(length int) string {
		pick, text := letters(1), make([]byte, length)
		for i := range text {
			text[i] = from[pick(len(from))]
		}
		return string(text)
	}
}
