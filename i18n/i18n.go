// Package i18n holds the translation catalogue: every text that a person reads
// on a page or in a mail.
package i18n
