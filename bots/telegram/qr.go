package telegram

import (
	"encoding/base64"
	"fmt"
	"html/template"

	"rsc.io/qr"
)

// qrCode returns a picture of text for phones to read, as a data: URL.
func qrCode(text string) (template.URL, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("picture of the link: %w", err)
	}
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(code.PNG())), nil
}
