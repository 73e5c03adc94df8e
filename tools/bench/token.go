package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// Every report has a number, by which it is found again on every network. It
// stands at the beginning of the text, where no encoding breaks the line.
const (
	tokenMark   = "bench"
	tokenDigits = 9
)

// reportText is a report that the default rules let pass.
func reportText(n int) string {
	return fmt.Sprintf("%s%0*d zwei Kontis in der U2 Richtung Plärrer", tokenMark, tokenDigits, n)
}

// findToken returns the number of the report in text; -1 if there is none.
func findToken(text string) int { return findIn([]byte(text)) }

// findIn is findToken for bytes.
func findIn(text []byte) int {
	for {
		at := bytes.Index(text, []byte(tokenMark))
		if at < 0 || len(text) < at+len(tokenMark)+tokenDigits {
			return -1
		}
		text = text[at+len(tokenMark):]
		if n, err := strconv.Atoi(string(text[:tokenDigits])); err == nil {
			return n
		}
	}
}
