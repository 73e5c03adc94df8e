package mailtext

import (
	"regexp"
	"strings"

	"github.com/jhillyerd/enmime/v2"
)

// isReport says whether a mail tells of the delivery or the reading of another
// (RFC 6522).
func isReport(root *enmime.Part) bool {
	if strings.EqualFold(root.ContentType, "multipart/report") {
		return true
	}
	return root.BreadthMatchFirst(isStatus) != nil
}

func isStatus(p *enmime.Part) bool {
	switch strings.ToLower(p.ContentType) {
	case "message/delivery-status", "message/global-delivery-status", "message/disposition-notification":
		return true
	}
	return false
}

var (
	failedAction    = regexp.MustCompile(`(?im)^action:\s*failed\b`)
	permanentStatus = regexp.MustCompile(`(?im)^status:\s*5\.\d{1,3}\.\d{1,3}\b`)
)

// isGone says whether a delivery report (RFC 3464) gives its mailbox up for good:
// Action "failed" with a Status of 5.x.x.
func isGone(root *enmime.Part) bool {
	p := root.BreadthMatchFirst(isStatus)
	if p == nil {
		return false
	}
	content := p.Content
	for c := p.FirstChild; c != nil; c = c.NextSibling {
		content = append(content, c.Content...)
	}
	return failedAction.Match(content) && permanentStatus.Match(content)
}
