package place

import "ticketfrei/internal/report"

// index finds places in texts.
type index struct{}

// Read reads a text. Nothing is better than what is wrong.
func (p *Places) Read(text string) report.Reading { return report.Reading{} }
