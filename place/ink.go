package place

import (
	"math"
	"strconv"
)

// Ink returns the colour of letters that can be read on the line's colour: "#000000" or
// "#ffffff", whichever has more contrast, which is 4.5:1 or better. It is empty where the
// line has no colour.
func (l Line) Ink() string {
	light, ok := luminance(l.Color)
	switch {
	case !ok:
		return ""
	case (light+0.05)*(light+0.05) > 1.05*0.05: // black has more contrast than white
		return "#000000"
	default:
		return "#ffffff"
	}
}

// luminance is the relative luminance of "#rrggbb" by WCAG 2, from 0 to 1.
func luminance(color string) (float64, bool) {
	if len(color) != 7 || color[0] != '#' {
		return 0, false
	}
	rgb, err := strconv.ParseUint(color[1:], 16, 32)
	if err != nil {
		return 0, false
	}
	return 0.2126*linear(rgb>>16) + 0.7152*linear(rgb>>8&0xff) + 0.0722*linear(rgb&0xff), true
}

func linear(channel uint64) float64 {
	c := float64(channel) / 255
	if c <= 0.04045 {
		return c / 12.92
	}
	return math.Pow((c+0.055)/1.055, 2.4)
}
